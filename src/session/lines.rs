//! Splits a growing file into lines, in pieces of bounded size. Knows nothing of JSON.

use super::error::ReadError;
use super::source::Source;

/// Bytes read at once.
const CHUNK: usize = 1 << 20;

/// Longest line that is kept, in bytes. Real ones stay under 1 MB; the rest is a bomb or a mistake.
pub(crate) const MAX_LINE: usize = 64 << 20;

/// Where a line or record stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// Offset of its first byte in the file.
    pub offset: u64,
    /// Number of its line, from 1.
    pub line: u64,
}

/// What one feeding brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fed {
    /// So many bytes.
    Read(usize),
    /// The end of the file.
    End,
    /// Nothing: it stood at the end before, and the file has not grown.
    Unchanged,
}

/// What receives lines.
pub(crate) trait Sink {
    /// A whole line without its line feed.
    fn line(&mut self, place: Place, bytes: &[u8]);
    /// A line longer than [`MAX_LINE`]: `len` bytes.
    fn too_long(&mut self, place: Place, len: u64);
    /// What stands after the last line feed, at the end of the file as it is now. Returns how much of it is
    /// whole; the rest is offered again when the file has grown.
    fn tail(&mut self, place: Place, bytes: &[u8]) -> usize;
}

/// What brings the records of a file to a [`Sink`], piece by piece.
pub(crate) trait Splitter: Send + std::fmt::Debug {
    /// Lines seen whole so far.
    fn count(&self) -> u64;

    /// Feeds the next piece to `sink`. Returns what came.
    fn feed(&mut self, source: &Source, sink: &mut dyn Sink) -> Result<Fed, ReadError>;
}

/// The splitter's place in the file.
#[derive(Debug)]
pub(crate) struct Lines {
    /// Next byte to read.
    next: u64,
    /// Start of the line that is being collected.
    start: u64,
    /// Lines seen whole.
    line: u64,
    /// Collected part of the current line, unless it is too long.
    carry: Vec<u8>,
    /// The current line is too long: its bytes are only counted.
    skipping: bool,
    /// Length of the file when its end was last reached.
    end: Option<u64>,
    chunk: Vec<u8>,
}

impl Lines {
    pub(crate) fn new() -> Self {
        Self { next: 0, start: 0, line: 0, carry: Vec::new(), skipping: false, end: None, chunk: Vec::new() }
    }
}

impl Splitter for Lines {
    fn count(&self) -> u64 {
        self.line
    }

    fn feed(&mut self, source: &Source, sink: &mut dyn Sink) -> Result<Fed, ReadError> {
        let len = source.len()?;
        let known = self.end.unwrap_or(0).max(self.next);
        if len < known {
            return Err(ReadError::Shrunk { now: len, known });
        }
        if self.end == Some(len) {
            return Ok(Fed::Unchanged);
        }
        let mut chunk = std::mem::take(&mut self.chunk);
        // No more than there is: most sessions are small, and to clear a whole piece costs more than to read them.
        chunk.resize(usize::try_from(len - self.next).unwrap_or(usize::MAX).min(CHUNK), 0);
        let read = source.read_at(&mut chunk, self.next);
        let result = match read {
            Ok(0) => {
                self.at_end(self.next, sink);
                Ok(Fed::End)
            }
            Ok(n) => {
                self.split(chunk.get(..n).unwrap_or_default(), sink);
                Ok(Fed::Read(n))
            }
            Err(e) => Err(e.into()),
        };
        self.chunk = if matches!(result, Ok(Fed::Read(_))) { chunk } else { Vec::new() };
        result
    }
}

impl Lines {
    fn split(&mut self, mut rest: &[u8], sink: &mut dyn Sink) {
        while let Some(at) = memchr::memchr(b'\n', rest) {
            let (line, after) = rest.split_at(at);
            let place = Place { offset: self.start, line: self.line + 1 };
            self.next += at as u64 + 1;
            if self.skipping {
                sink.too_long(place, self.next - 1 - self.start);
                self.skipping = false;
            } else if self.carry.is_empty() {
                sink.line(place, line);
            } else {
                let mut whole = std::mem::take(&mut self.carry);
                whole.extend_from_slice(line);
                sink.line(place, &whole);
                whole.clear();
                // Keep the room for the next line, but not that of a giant.
                if whole.capacity() <= 4 * CHUNK {
                    self.carry = whole;
                }
            }
            self.line += 1;
            self.start = self.next;
            rest = after.get(1..).unwrap_or_default();
        }
        self.next += rest.len() as u64;
        if self.carry.len() + rest.len() > MAX_LINE {
            self.skipping = true;
            self.carry = Vec::new();
        } else if !self.skipping {
            self.carry.extend_from_slice(rest);
        }
    }

    /// The end: offers what is left, and goes back to the start of what is not whole.
    fn at_end(&mut self, len: u64, sink: &mut dyn Sink) {
        self.end = Some(len);
        if self.carry.is_empty() || self.skipping {
            return;
        }
        let place = Place { offset: self.start, line: self.line + 1 };
        let whole = sink.tail(place, &self.carry).min(self.carry.len());
        self.start += whole as u64;
        self.next = self.start;
        self.carry = Vec::new();
    }
}
