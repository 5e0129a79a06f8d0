//! Splits a growing file into lines, in pieces of bounded size. Knows nothing of JSON.

use std::io;
use std::ops::Range;
use std::sync::{Mutex, OnceLock, PoisonError};

use super::error::ReadError;
use super::source::Source;

/// Bytes read at once.
const CHUNK: usize = 1 << 20;
/// Bytes of a [`Piece`]: what fits into the cache of one core with what becomes of it.
const PIECE: usize = 512 << 10;
/// Pieces at once.
const PIECES: usize = 8;

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

    /// Itself, if it is one whose pieces can be looked into out of their order.
    fn lines(&mut self) -> Option<&mut Lines> {
        None
    }
}

/// A part of the file, read by whoever looks into it first.
#[derive(Debug)]
pub(crate) struct Piece {
    offset: u64,
    bytes: OnceLock<io::Result<Vec<u8>>>,
    /// Where they are put.
    room: Mutex<Vec<u8>>,
}

impl Piece {
    /// Its bytes; fewer than wanted at the end of the file, none where reading failed.
    pub(crate) fn bytes(&self, source: &Source) -> &[u8] {
        let read = || {
            let mut bytes = std::mem::take(&mut *self.room.lock().unwrap_or_else(PoisonError::into_inner));
            bytes.resize(PIECE, 0);
            let read = source.read_at(&mut bytes, self.offset)?;
            bytes.truncate(read);
            Ok(bytes)
        };
        self.bytes.get_or_init(read).as_ref().map_or(&[], Vec::as_slice)
    }
}

/// Where the lines of a piece stand that begin and end in it: behind its first line feed, which may end a line that
/// began before, up to its last.
pub(crate) fn whole(bytes: &[u8]) -> Range<usize> {
    match (memchr::memchr(b'\n', bytes), memchr::memrchr(b'\n', bytes)) {
        (Some(first), Some(last)) => first + 1..last + 1,
        _ => 0..0,
    }
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
    /// What the next pieces are read into.
    rooms: Vec<Vec<u8>>,
}

impl Lines {
    pub(crate) fn new() -> Self {
        Self {
            next: 0,
            start: 0,
            line: 0,
            carry: Vec::new(),
            skipping: false,
            end: None,
            chunk: Vec::new(),
            rooms: Vec::new(),
        }
    }
}

impl Splitter for Lines {
    fn count(&self) -> u64 {
        self.line
    }

    fn lines(&mut self) -> Option<&mut Lines> {
        Some(self)
    }

    fn feed(&mut self, source: &Source, sink: &mut dyn Sink) -> Result<Fed, ReadError> {
        let len = self.len(source)?;
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
    /// How many bytes were read.
    pub(crate) fn read(&self) -> u64 {
        self.next
    }

    /// The next pieces of the file, `max_bytes` of it at most; none where that is too little for more than one.
    ///
    /// # Errors
    /// When the file cannot be asked how long it is, or is shorter than what was read.
    pub(crate) fn pieces(&mut self, source: &Source, max_bytes: usize) -> Result<Vec<Piece>, ReadError> {
        let left = usize::try_from(self.len(source)? - self.next).unwrap_or(usize::MAX);
        let count = (left.min(max_bytes) / PIECE).min(PIECES);
        let mut piece = |no: usize| {
            let offset = self.next + (no * PIECE) as u64;
            let room = Mutex::new(self.rooms.pop().unwrap_or_default());
            Piece { offset, bytes: OnceLock::new(), room }
        };
        Ok(if count < 2 { Vec::new() } else { (0..count).map(&mut piece).collect() })
    }

    /// Takes back what pieces were read into, for the next ones.
    pub(crate) fn done(&mut self, pieces: Vec<Piece>) {
        self.rooms = pieces.into_iter().filter_map(|piece| piece.bytes.into_inner()?.ok()).collect();
    }

    /// Goes on to a piece: the line that ends in it goes to `sink`. What follows are its [`whole`], to be taken
    /// with [`Lines::next`], and then [`Lines::leave`]. False if it is not the piece that comes next, or ended early.
    pub(crate) fn enter(&mut self, piece: &Piece, bytes: &[u8], sink: &mut dyn Sink) -> bool {
        if piece.offset != self.next || bytes.is_empty() {
            return false;
        }
        if let Some(head) = whole(bytes).start.checked_sub(1) {
            self.line(bytes.get(..head).unwrap_or_default(), sink);
        }
        true
    }

    /// The place of the next line, which has so many bytes.
    pub(crate) fn next(&mut self, len: usize) -> Place {
        let place = Place { offset: self.start, line: self.line + 1 };
        self.next += len as u64 + 1;
        self.line += 1;
        self.start = self.next;
        place
    }

    /// Keeps what of a piece stands behind its last line feed.
    pub(crate) fn leave(&mut self, bytes: &[u8]) {
        let rest = bytes.get(whole(bytes).end..).unwrap_or_default();
        self.next += rest.len() as u64;
        if self.carry.len() + rest.len() > MAX_LINE {
            self.skipping = true;
            self.carry = Vec::new();
        } else if !self.skipping {
            self.carry.extend_from_slice(rest);
        }
    }

    fn len(&self, source: &Source) -> Result<u64, ReadError> {
        let now = source.len()?;
        let known = self.end.unwrap_or(0).max(self.next);
        if now < known { Err(ReadError::Shrunk { now, known }) } else { Ok(now) }
    }

    fn split(&mut self, chunk: &[u8], sink: &mut dyn Sink) {
        let mut from = 0;
        for at in memchr::memchr_iter(b'\n', chunk) {
            self.line(chunk.get(from..at).unwrap_or_default(), sink);
            from = at + 1;
        }
        self.leave(chunk);
    }

    /// Ends the line that was begun, with these bytes.
    fn line(&mut self, line: &[u8], sink: &mut dyn Sink) {
        let carried = self.carry.len();
        // What was carried is counted already.
        let place = self.next(line.len());
        if self.skipping || carried + line.len() > MAX_LINE {
            sink.too_long(place, self.start - 1 - place.offset);
            self.skipping = false;
            self.carry = Vec::new();
        } else if carried == 0 {
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
    }

    /// The end: offers what is left, and keeps what of it is not whole: the rest of it may be long in coming.
    fn at_end(&mut self, len: u64, sink: &mut dyn Sink) {
        self.end = Some(len);
        self.rooms = Vec::new();
        if self.carry.is_empty() || self.skipping {
            return;
        }
        let place = Place { offset: self.start, line: self.line + 1 };
        let whole = sink.tail(place, &self.carry).min(self.carry.len());
        self.start += whole as u64;
        self.carry.drain(..whole);
        if self.carry.is_empty() {
            self.carry = Vec::new();
        }
    }
}
