//! Brings lines to an agent's indexer: finds the records in a line, and notes what is odd about it.

use std::sync::{PoisonError, RwLock, RwLockWriteGuard};

use super::agent::{Indexer, NotJson};
use super::index::{Index, Kind, New};
use super::json;
use super::lines::{Place, Sink};
use super::report::Oddity;
use crate::redact::Cleaner;

/// A longer line is worth a warning, in bytes.
const LONG_LINE: usize = 4 << 20;
/// How many places of a broken line are tried for a record that begins there.
const RESCUES: usize = 8;
/// How records begin that were appended to a torn line.
const STARTS: [&[u8]; 3] = [b"{\"parentUuid\":", b"{\"type\":", b"{\"timestamp\":"];

/// Takes the lines of one piece. The index is locked at the first of them, after the piece was read.
pub(super) struct Feeding<'a> {
    index: &'a RwLock<Index>,
    locked: Option<RwLockWriteGuard<'a, Index>>,
    indexer: &'a mut dyn Indexer,
    cleaner: &'a Cleaner,
}

impl<'a> Feeding<'a> {
    pub(super) fn new(index: &'a RwLock<Index>, indexer: &'a mut dyn Indexer, cleaner: &'a Cleaner) -> Self {
        Self { index, locked: None, indexer, cleaner }
    }

    fn lock(&mut self) -> (&mut Index, &mut dyn Indexer) {
        let index =
            self.locked.get_or_insert_with(|| self.index.write().unwrap_or_else(PoisonError::into_inner));
        (index, self.indexer)
    }

    /// Feeds the records of a line; returns how many bytes of it are whole records or blanks.
    fn records(&mut self, place: Place, line: &[u8]) -> Result<usize, usize> {
        let mut at = line.len() - trimmed_start(line).len();
        if line.starts_with(b"\xef\xbb\xbf") {
            self.lock().0.tally.warn(place, Oddity::ByteOrderMark);
        }
        let whole = std::str::from_utf8(line).ok();
        let mut repaired = whole.is_none().then(|| json::repaired(line));
        let mut records = 0;
        while let Some(rest) = line.get(at..).filter(|rest| !trimmed(rest).is_empty()) {
            let here = Place { offset: place.offset + at as u64, ..place };
            let cleaner = self.cleaner;
            let (index, indexer) = self.lock();
            let sound = repaired.as_deref().or(whole).and_then(|line| line.get(at..)).unwrap_or_default();
            let taken = match indexer.take(sound, here, index, cleaner) {
                Ok(taken) => taken,
                Err(NotJson) if repaired.is_none() && json::mended(line).is_some() => {
                    repaired = json::mended(line);
                    continue;
                }
                Err(NotJson) => return Err(at),
            };
            records += 1;
            index.tally.counts.records += 1;
            if records == 2 {
                index.tally.warn(here, Oddity::TwoOnOneLine);
            }
            let rest = rest.get(taken..).unwrap_or_default();
            at += taken.max(1) + (rest.len() - trimmed_start(rest).len());
        }
        if repaired.is_some() {
            self.lock().0.tally.warn(place, Oddity::Repaired);
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

    fn note_broken(&mut self, place: Place, len: usize) {
        let index = self.lock().0;
        index.tally.warn(place, Oddity::NotJson);
        index.flow(New::one(place, len, None, Kind::Broken));
    }
}

impl Sink for Feeding<'_> {
    fn line(&mut self, place: Place, line: &[u8]) {
        let tally = &mut self.lock().0.tally;
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
        let index = self.lock().0;
        index.tally.warn(place, Oddity::TooLong(len));
        index.tally.bytes = place.offset + len + 1;
        index.flow(New::one(place, 0, None, Kind::TooLong));
    }

    fn tail(&mut self, place: Place, bytes: &[u8]) -> usize {
        self.lock().0.tally.bytes = place.offset + bytes.len() as u64;
        let whole = match self.records(place, bytes) {
            Ok(all) => all,
            Err(at) => at,
        };
        let torn = (whole < bytes.len()).then_some(Place { offset: place.offset + whole as u64, ..place });
        self.lock().0.tally.torn(torn);
        whole
    }
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
