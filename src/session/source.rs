//! The bytes of a session: an open regular file, read at offsets, perhaps only up to a fixed length.
//!
//! No mmap: a live file that shrinks would end the process with SIGBUS.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, FileTypeExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::OFlags;

use super::error::{OpenError, ReadError};

/// An open session file.
#[derive(Debug)]
pub struct Source {
    file: File,
    limit: Option<u64>,
}

impl Source {
    /// Opens `path`, symbolic links followed. Opening never waits (a FIFO without a writer would).
    ///
    /// # Errors
    /// [`OpenError::NotAFile`] for anything but a regular file, [`OpenError::Io`] otherwise.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        let flags = (OFlags::NONBLOCK | OFlags::NOCTTY).bits();
        let file = OpenOptions::new().read(true).custom_flags(flags as i32).open(path)?;
        Self::from_file(file, None)
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
        Ok(Self { file, limit })
    }

    /// How many bytes there are now, the limit respected.
    ///
    /// # Errors
    /// When the system refuses to tell.
    pub fn len(&self) -> io::Result<u64> {
        let len = self.file.metadata()?.len();
        Ok(self.limit.map_or(len, |limit| len.min(limit)))
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
        let room = self.limit.map_or(u64::MAX, |limit| limit.saturating_sub(offset));
        let room = usize::try_from(room).unwrap_or(usize::MAX).min(buf.len());
        let Some(buf) = buf.get_mut(..room) else { return Ok(0) };
        loop {
            match self.file.read_at(buf, offset) {
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                other => return other,
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
