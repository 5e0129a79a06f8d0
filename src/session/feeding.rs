//! Brings lines to an agent's [`Records`]: finds the records in a line, and notes what is odd about it. Lines that
//! hold one sound record, which is nearly all, are read on all cores and placed in their order.

use std::sync::{PoisonError, RwLock, RwLockWriteGuard};

use super::agent::{Format, NotJson, Records};
use super::ahead;
use super::error::ReadError;
use super::index::{Index, Kind, New};
use super::lines::{self, Fed, Place, Sink, Splitter};
use super::report::Oddity;
use super::source::Source;
use crate::redact::Cleaner;

/// A longer line is worth a warning, in bytes.
const LONG_LINE: usize = 4 << 20;
/// Bytes of a line that is too long which are kept in mind: what is shown of it.
const HEAD: usize = 2048;
/// How many places of a broken line are tried for a record that begins there.
const RESCUES: usize = 8;
/// How records begin that were appended to a torn line.
const STARTS: [&[u8]; 3] = [b"{\"parentUuid\":", b"{\"type\":", b"{\"timestamp\":"];
/// Lines of a piece that are read before it is their turn: what was read of each takes some hundred bytes.
const AHEAD: usize = 512;

/// A record as it is read by itself.
type Record<'a, R> = <<R as Records>::Format as Format>::Record<'a>;

/// Takes the lines of one feeding, some MB at most: from the first that is placed on, the index is locked.
pub(super) struct Feeding<'a, R> {
    index: &'a RwLock<Index>,
    locked: Option<RwLockWriteGuard<'a, Index>>,
    records: &'a mut R,
    cleaner: &'a Cleaner,
}

impl<'a, R: Records> Feeding<'a, R> {
    pub(super) fn new(index: &'a RwLock<Index>, records: &'a mut R, cleaner: &'a Cleaner) -> Self {
        Self { index, locked: None, records, cleaner }
    }

    fn lock(&mut self) -> &mut Index {
        self.locked.get_or_insert_with(|| self.index.write().unwrap_or_else(PoisonError::into_inner))
    }

    /// Places the record that `bytes` are.
    fn place(&mut self, record: &mut Record<'_, R>, place: Place, bytes: &[u8]) {
        let index =
            self.locked.get_or_insert_with(|| self.index.write().unwrap_or_else(PoisonError::into_inner));
        let before = index.entry_count();
        self.records.place(record, place, bytes.len(), index, self.cleaner);
        index.tally.counts.records += 1;
        if let Some(fields) = self.records.fields()
            && !index.has_placed(before, place.offset, bytes.len())
            && let Some((kind, names)) = fields.names(bytes)
        {
            names.iter().for_each(|name| index.tally.unknown_field(place, &format!("{name} of {kind}")));
            let new = names.iter().filter(|name| index.stranger(&kind, name)).count();
            if new > 0 {
                index.flow(New { weight: 0, ..New::one(place, bytes.len(), None, Kind::Strange) });
            }
        }
    }

    /// Places the first record of `text`. Returns how many bytes it takes.
    fn record(&mut self, place: Place, text: &str) -> Result<usize, NotJson> {
        let mut record = Record::<R>::default();
        let taken = self.records.format().read(text, &mut record)?;
        self.place(&mut record, place, text.as_bytes().get(..taken).unwrap_or_default());
        Ok(taken)
    }

    /// Feeds the records of a line; returns how many bytes of it are whole records or blanks.
    fn records(&mut self, place: Place, line: &[u8]) -> Result<usize, usize> {
        let mut at = line.len() - trimmed_start(line).len();
        if line.starts_with(b"\xef\xbb\xbf") {
            self.lock().tally.warn(place, Oddity::ByteOrderMark);
        }
        let whole = simdutf8::basic::from_utf8(line).ok();
        let format = self.records.format();
        let mut repaired = if whole.is_none() { format.mended(line) } else { None };
        let mut records = 0;
        while let Some(rest) = line.get(at..).filter(|rest| !trimmed_start(rest).is_empty()) {
            let here = Place { offset: place.offset + at as u64, ..place };
            let sound = repaired.as_deref().or(whole).and_then(|line| line.get(at..)).unwrap_or_default();
            let taken = match self.record(here, sound) {
                Ok(taken) => taken,
                Err(NotJson) if repaired.is_none() => match format.mended(line) {
                    None => return Err(at),
                    mended => {
                        repaired = mended;
                        continue;
                    }
                },
                Err(NotJson) => return Err(at),
            };
            records += 1;
            if records == 2 {
                self.lock().tally.warn(here, Oddity::TwoOnOneLine);
            }
            let rest = rest.get(taken..).unwrap_or_default();
            at += taken.max(1) + (rest.len() - trimmed_start(rest).len());
        }
        if repaired.is_some() {
            self.lock().tally.warn(place, Oddity::Repaired);
        }
        Ok(line.len())
    }

    /// What stands at `at` in a line is no record: it is shown as such, and a record after it is looked for
    /// (a session that went on after a torn line).
    fn broken(&mut self, place: Place, line: &[u8], at: usize) {
        let mut end = line.len();
        for (tries, start) in starts(line, at + 1).enumerate() {
            let rest = line.get(start..).unwrap_or_default();
            if tries >= RESCUES {
                break;
            }
            let here = Place { offset: place.offset + start as u64, ..place };
            if serde_json::from_slice::<serde::de::IgnoredAny>(rest).is_ok() {
                end = start;
                self.note_broken(Place { offset: place.offset + at as u64, ..place }, end - at);
                let _ = self.records(here, rest);
                return;
            }
        }
        self.note_broken(Place { offset: place.offset + at as u64, ..place }, end - at);
    }

    /// Places the record that a line is; what is no such line is looked at closely.
    fn line_read(&mut self, place: Place, read: &mut LineRead<'_, R::Format>) {
        let LineRead { line, record, taken: Some(taken) } = read else { return self.line(place, read.line) };
        let tally = &mut self.lock().tally;
        tally.bytes = place.offset + line.len() as u64 + 1;
        tally.torn(None);
        self.place(record, place, line.get(..*taken).unwrap_or_default());
    }

    fn note_broken(&mut self, place: Place, len: usize) {
        let index = self.lock();
        index.tally.warn(place, Oddity::NotJson);
        index.flow(New::one(place, len, None, Kind::Broken));
    }
}

/// Takes what a splitter finds.
pub(super) trait Feed: Sink {
    /// Feeds what comes next in the file, about `max_bytes` at most. Returns what came.
    ///
    /// # Errors
    /// When the file cannot be read.
    fn feed(
        &mut self,
        splitter: &mut dyn Splitter,
        source: &Source,
        max_bytes: usize,
    ) -> Result<Fed, ReadError>;
}

impl<R: Records> Feed for Feeding<'_, R> {
    fn feed(
        &mut self,
        splitter: &mut dyn Splitter,
        source: &Source,
        max_bytes: usize,
    ) -> Result<Fed, ReadError> {
        let Some(lines) = splitter.lines().filter(|_| ahead::threads() > 1) else {
            return splitter.feed(source, self);
        };
        let pieces = lines.pieces(source, max_bytes)?;
        let begin = lines.read();
        let format = self.records.format();
        ahead::in_order(
            &pieces,
            |piece| read_ahead(format, piece.bytes(source)),
            |piece, (mut read, rest)| {
                let bytes = piece.bytes(source);
                if !lines.enter(piece, bytes, self) {
                    return;
                }
                for line in &mut read {
                    let place = lines.next(line.line.len());
                    self.line_read(place, line);
                }
                for line in rest.strip_suffix(b"\n").into_iter().flat_map(|rest| rest.split(|b| *b == b'\n'))
                {
                    let place = lines.next(line.len());
                    self.line(place, line);
                }
                lines.leave(bytes);
            },
        );
        lines.done(pieces);
        match lines.read() - begin {
            // Too little for two cores, or it could not be read: this way says which.
            0 => splitter.feed(source, self),
            bytes => Ok(Fed::Read(usize::try_from(bytes).unwrap_or(usize::MAX))),
        }
    }
}

impl<R: Records> Sink for Feeding<'_, R> {
    fn line(&mut self, place: Place, line: &[u8]) {
        let tally = &mut self.lock().tally;
        tally.bytes = place.offset + line.len() as u64 + 1;
        if line.len() > LONG_LINE {
            tally.warn(place, Oddity::Long(line.len() as u64));
        }
        if line.first() == Some(&0) || line.last() == Some(&0) {
            tally.warn(place, Oddity::Nul);
        }
        tally.torn(None);
        if let Err(at) = self.records(place, line) {
            self.broken(place, line, at);
        }
    }

    fn too_long(&mut self, place: Place, len: u64) {
        let index = self.lock();
        index.tally.warn(place, Oddity::TooLong(len));
        index.tally.bytes = place.offset + len + 1;
        index.flow(New::one(place, HEAD, None, Kind::TooLong));
    }

    fn tail(&mut self, place: Place, bytes: &[u8]) -> usize {
        self.lock().tally.bytes = place.offset + bytes.len() as u64;
        // It is offered each time that more of it was written: what is long is looked at when it may be whole.
        let may_be_whole = bytes.len() <= LONG_LINE || bytes.trim_ascii_end().ends_with(b"}");
        let whole = match may_be_whole.then(|| self.records(place, bytes)) {
            Some(Ok(all)) => all,
            Some(Err(at)) => at,
            None => 0,
        };
        let torn = (whole < bytes.len()).then_some(Place { offset: place.offset + whole as u64, ..place });
        self.lock().tally.torn(torn);
        whole
    }
}

/// A line that was read before it is its turn.
struct LineRead<'a, F: Format> {
    line: &'a [u8],
    /// The record that it is…
    record: F::Record<'a>,
    /// … and its length, if nothing about the line is odd.
    taken: Option<usize>,
}

impl<F: Format> LineRead<'_, F> {
    fn read(&mut self, format: F) -> Option<usize> {
        if self.line.len() > LONG_LINE || self.line.first() != Some(&b'{') {
            return None;
        }
        let text = simdutf8::basic::from_utf8(self.line).ok()?;
        let taken = format.read(text, &mut self.record).ok()?;
        self.line.get(taken..)?.iter().all(u8::is_ascii_whitespace).then_some(taken)
    }
}

/// The first lines that begin and end in a piece, and what follows them.
fn read_ahead<F: Format>(format: F, bytes: &[u8]) -> (Vec<LineRead<'_, F>>, &[u8]) {
    let whole = bytes.get(lines::whole(bytes)).unwrap_or_default();
    let ends: Vec<usize> = memchr::memchr_iter(b'\n', whole).take(AHEAD).collect();
    let mut from = 0;
    // In one piece of memory: who takes what was read gives it back on another core, which is dear for each record.
    let mut read = Vec::with_capacity(ends.len());
    for at in ends {
        let line = whole.get(from..at).unwrap_or_default();
        read.push(LineRead { line, record: Default::default(), taken: None });
        if let Some(read) = read.last_mut() {
            read.taken = read.read(format);
        }
        from = at + 1;
    }
    (read, whole.get(from..).unwrap_or_default())
}

fn starts(line: &[u8], from: usize) -> impl Iterator<Item = usize> + '_ {
    let rest = line.get(from..).unwrap_or_default();
    memchr::memchr_iter(b'{', rest).map(move |at| from + at).filter(move |at| {
        line.get(*at..).is_some_and(|rest| STARTS.iter().any(|start| rest.starts_with(start)))
    })
}

fn is_blank(b: &u8) -> bool {
    b.is_ascii_whitespace() || *b == 0
}

/// Without blanks, NUL bytes (a power failure leaves them) and a byte order mark before the first record.
fn trimmed_start(line: &[u8]) -> &[u8] {
    let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
    let start = line.iter().position(|b| !is_blank(b)).unwrap_or(line.len());
    line.get(start..).unwrap_or_default()
}

/// Without what may stand around records.
pub(super) fn trimmed(line: &[u8]) -> &[u8] {
    let line = trimmed_start(line);
    let end = line.iter().rposition(|b| !is_blank(b)).map_or(0, |at| at + 1);
    line.get(..end).unwrap_or_default()
}
