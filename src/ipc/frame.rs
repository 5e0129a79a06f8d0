//! Framing for blocking streams: one line a frame, never more than [`MAX_FRAME`] bytes of it in memory.

use std::io::{self, BufRead};

use super::protocol::MAX_FRAME;

/// Reads the next line into `frame` (its newline removed). False at the end of the stream.
///
/// # Errors
/// [`io::ErrorKind::InvalidData`] if the line is longer than [`MAX_FRAME`]; those of `reader`.
pub fn read_frame(reader: &mut impl BufRead, frame: &mut Vec<u8>) -> io::Result<bool> {
    frame.clear();
    loop {
        let buffered = reader.fill_buf()?;
        if buffered.is_empty() {
            return Ok(!frame.is_empty());
        }
        let (part, used) = match memchr::memchr(b'\n', buffered) {
            Some(at) => (&buffered[..at], at + 1),
            None => (buffered, buffered.len()),
        };
        if frame.len() + part.len() > MAX_FRAME {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "a frame is longer than 1 MiB"));
        }
        let whole = used > part.len();
        frame.extend_from_slice(part);
        reader.consume(used);
        if whole {
            return Ok(true);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::BufReader;

    #[test]
    fn lines_are_frames_and_a_last_one_needs_no_newline() {
        let mut reader = BufReader::with_capacity(3, &b"abcd\n\nef"[..]);
        let mut frame = Vec::new();
        let mut frames = Vec::new();
        while read_frame(&mut reader, &mut frame).unwrap() {
            frames.push(String::from_utf8(frame.clone()).unwrap());
        }
        assert_eq!(frames, ["abcd", "", "ef"]);
    }

    #[test]
    fn a_frame_over_the_cap_is_refused_before_it_is_in_memory() {
        let mut endless = BufReader::new(io::repeat(b'x'));
        let mut frame = Vec::new();
        let error = read_frame(&mut endless, &mut frame).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        assert!(frame.len() <= MAX_FRAME);
    }
}
