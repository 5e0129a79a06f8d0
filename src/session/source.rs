//! The bytes of a session: an open regular file, read at offsets, perhaps only up to a fixed length.
//!
//! No mmap: a live file that shrinks would end the process with SIGBUS.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, FileTypeExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::OFlags;

use super::beside::Beside;
use super::error::{OpenError, ReadError};
use super::opencode::joined;

/// An open session file.
#[derive(Debug)]
pub struct Source {
    file: File,
    limit: Option<u64>,
    gap: Option<Gap>,
    /// The session is kept in many files: `file` is made of them, all or some.
    joined: Option<Parts>,
    beside: Option<Beside>,
    /// Bytes read so far: what work it was.
    #[cfg(test)]
    pub(super) read: std::sync::atomic::AtomicU64,
}

/// How much of a session in many files was joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Parts {
    All,
    Some,
}

/// Messages of a beginning.
const FEW: usize = 6;

/// The part of a file that an excerpt leaves out, in bytes from the beginning of the file.
#[derive(Clone, Copy, Debug)]
struct Gap {
    from: u64,
    to: u64,
}

impl Source {
    /// Opens `path`, symbolic links followed. Opening never waits (a FIFO without a writer would). Of a session
    /// that is kept in many files, `path` names one: the source is all of them, joined as they are now.
    ///
    /// # Errors
    /// [`OpenError::NotAFile`] for anything but a regular file, [`OpenError::Io`] otherwise.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        Self::open_to(path, None)
    }

    /// As [`Source::open`]; with `limit`, only the first `limit` bytes exist (a snapshot).
    ///
    /// # Errors
    /// As [`Source::open`].
    pub fn open_to(path: &Path, limit: Option<u64>) -> Result<Self, OpenError> {
        let flags = (OFlags::NONBLOCK | OFlags::NOCTTY).bits();
        let file = OpenOptions::new().read(true).custom_flags(flags as i32).open(path)?;
        let source = Self::from_file(file, limit)?;
        Ok(match joined(path, &source.file, usize::MAX)? {
            Some(joined) => Self { file: joined.file, joined: Some(Parts::All), ..source },
            None => Self { beside: Beside::of(path), ..source },
        })
    }

    /// Takes an open file; with `limit`, only its first `limit` bytes exist (a snapshot).
    ///
    /// # Errors
    /// As [`Source::open`].
    pub fn from_file(file: File, limit: Option<u64>) -> Result<Self, OpenError> {
        let kind = file.metadata()?.file_type();
        if !kind.is_file() {
            let what = match () {
                () if kind.is_dir() => "a directory",
                () if kind.is_fifo() => "a named pipe",
                () if kind.is_socket() => "a socket",
                () => "a device",
            };
            return Err(OpenError::NotAFile { what });
        }
        Ok(Self {
            file,
            limit,
            gap: None,
            joined: None,
            beside: None,
            #[cfg(test)]
            read: std::sync::atomic::AtomicU64::default(),
        })
    }

    /// The beginning of a session that is kept in many files; `None` if the file at `path` is not one of them.
    ///
    /// # Errors
    /// As [`Source::open`].
    pub fn beginning(path: &Path, file: &File) -> Result<Option<Self>, OpenError> {
        let Some(joined) = joined(path, file, FEW)? else { return Ok(None) };
        let parts = if joined.whole { Parts::All } else { Parts::Some };
        Ok(Some(Self { joined: Some(parts), ..Self::from_file(joined.file, None)? }))
    }

    /// What follows the first `start` bytes of an open file, as if it were all; `start` is not beyond its end.
    ///
    /// # Errors
    /// As [`Source::open`].
    pub fn rest(file: File, start: u64) -> Result<Self, OpenError> {
        Ok(Self { gap: Some(Gap { from: 0, to: start }), ..Self::from_file(file, None)? })
    }

    /// The beginning and the end of an open file as if nothing stood between them: about `head` and `tail`
    /// bytes, cut at line breaks. A file that is not longer than both is taken whole. What the file grows by
    /// later is not in it.
    ///
    /// # Errors
    /// As [`Source::open`].
    pub fn excerpt(file: File, head: usize, tail: usize) -> Result<Self, OpenError> {
        let mut source = Self::from_file(file, None)?;
        let len = source.len()?;
        source.limit = Some(len);
        if len <= (head as u64).saturating_add(tail as u64) {
            return Ok(source);
        }
        let from = match memchr::memrchr(b'\n', &source.bytes(0, head)?) {
            Some(at) => at as u64 + 1,
            None => head as u64,
        };
        let begin = len - tail as u64;
        let to = match memchr::memchr(b'\n', &source.bytes(begin, tail)?) {
            Some(at) => begin + at as u64 + 1,
            None => len,
        };
        source.gap = Some(Gap { from, to });
        Ok(source)
    }

    /// The file itself, standing at its beginning as long as nobody read it otherwise than at offsets.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// With `beside` as the place of the files beside the session.
    pub(crate) fn with(self, beside: Beside) -> Self {
        Self { beside: Some(beside), ..self }
    }

    /// Where the files beside the session are; `None` if it was not opened by its path.
    pub fn beside(&self) -> Option<&Beside> {
        self.beside.as_ref()
    }

    /// Whether what the file grows by is left out.
    pub(crate) fn is_limited(&self) -> bool {
        self.limit.is_some()
    }

    /// Whether nothing of the file was left out.
    pub fn is_whole(&self) -> bool {
        self.gap.is_none() && self.joined != Some(Parts::Some)
    }

    /// Whether the session is kept in many files, which were joined when it was opened.
    pub fn is_joined(&self) -> bool {
        self.joined.is_some()
    }

    /// How many bytes there are now, the limit respected.
    ///
    /// # Errors
    /// When the system refuses to tell.
    pub fn len(&self) -> io::Result<u64> {
        let len = self.file.metadata()?.len();
        let len = self.limit.map_or(len, |limit| len.min(limit));
        Ok(self.gap.map_or(len, |gap| len.saturating_sub(gap.to).saturating_add(gap.from.min(len))))
    }

    /// Whether there are no bytes now.
    ///
    /// # Errors
    /// As [`Source::len`].
    pub fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }

    /// Reads what one call gives at `offset`; 0 at the end or at the limit.
    pub(crate) fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        let (offset, near) = match self.gap {
            Some(gap) if offset < gap.from => (offset, gap.from - offset),
            Some(gap) => (offset.saturating_add(gap.to - gap.from), u64::MAX),
            None => (offset, u64::MAX),
        };
        let room = self.limit.map_or(u64::MAX, |limit| limit.saturating_sub(offset)).min(near);
        let room = usize::try_from(room).unwrap_or(usize::MAX).min(buf.len());
        let Some(buf) = buf.get_mut(..room) else { return Ok(0) };
        loop {
            match self.file.read_at(buf, offset) {
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                other => {
                    #[cfg(test)]
                    let read = other.as_ref().map_or(0, |read| *read as u64);
                    #[cfg(test)]
                    self.read.fetch_add(read, std::sync::atomic::Ordering::Relaxed);
                    return other;
                }
            }
        }
    }

    /// Reads exactly `len` bytes at `offset`.
    pub(crate) fn bytes(&self, offset: u64, len: usize) -> Result<Vec<u8>, ReadError> {
        let mut bytes = vec![0; len];
        let mut done = 0;
        while let Some(rest) = bytes.get_mut(done..).filter(|rest| !rest.is_empty()) {
            match self.read_at(rest, offset + done as u64)? {
                0 => return Err(ReadError::Shrunk { now: self.len()?, known: offset + len as u64 }),
                n => done += n,
            }
        }
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn file(bytes: &[u8]) -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        file
    }

    fn read(source: &Source) -> String {
        String::from_utf8(source.bytes(0, source.len().unwrap() as usize).unwrap()).unwrap()
    }

    #[test]
    fn an_excerpt_is_the_first_and_the_last_lines() {
        let text = b"one\ntwo\nthree\nfour\nfive\n";
        for (head, tail, kept, whole) in [
            (100, 100, "one\ntwo\nthree\nfour\nfive\n", true),
            (9, 8, "one\ntwo\nfive\n", false),
            // Not one line fits: the beginning is cut inside a line, the end left out.
            (2, 2, "on", false),
            (8, 0, "one\ntwo\n", false),
        ] {
            let source = Source::excerpt(file(text), head, tail).unwrap();
            assert_eq!((read(&source).as_str(), source.is_whole()), (kept, whole), "{head}, {tail}");
        }
    }

    #[test]
    fn the_rest_is_what_follows_and_grows() {
        let mut file = file(b"one\ntwo\n");
        let source = Source::rest(file.try_clone().unwrap(), 4).unwrap();
        assert_eq!(read(&source), "two\n");
        file.write_all(b"three\n").unwrap();
        assert_eq!(read(&source), "two\nthree\n");
    }

    #[test]
    fn an_excerpt_of_a_file_that_shrinks_is_an_error_when_read() {
        let file = file(b"one\ntwo\nthree\nfour\nfive\n");
        let source = Source::excerpt(file.try_clone().unwrap(), 9, 8).unwrap();
        file.set_len(10).unwrap();
        assert!(source.bytes(0, 13).is_err());
    }
}
