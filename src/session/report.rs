//! What a whole reading of a session found: counts and warnings. Warnings are never a refusal.

use std::collections::BTreeMap;

use super::lines::Place;
use crate::redact::{CleanText, Cleaner};

/// Warnings kept; more are only counted.
const WARNINGS: usize = 200;
/// Names of unknown types kept.
const NAMES: usize = 100;

/// What [`check`](super::check) found.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// The agent's product name.
    pub agent: &'static str,
    /// Bytes read.
    pub bytes: u64,
    /// Lines that end with a line feed.
    pub lines: u64,
    /// What was counted.
    pub counts: Counts,
    /// Steps of the main agent.
    pub steps: u32,
    /// Steps of sub-agents.
    pub sub_steps: u32,
    /// Windows it makes.
    pub windows: u32,
    /// What is odd, in file order; unknown types at the end.
    pub warnings: Vec<Warning>,
    /// Warnings left out of `warnings` because there are too many.
    pub more_warnings: u64,
}

/// Counts over a whole session, sub-agents included unless said otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Records: JSON objects.
    pub records: u64,
    /// Prompts of the person.
    pub prompts: u64,
    /// Things the person said while the agent worked.
    pub asides: u64,
    /// Pieces of text the agent answered with.
    pub replies: u64,
    /// Pieces of thinking, redacted ones included.
    pub thinking: u64,
    /// Tool calls.
    pub calls: u64,
    /// Results of tool calls.
    pub results: u64,
    /// Records and blocks of a type this version does not know.
    pub unknown: u64,
}

/// Something odd.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// Line, from 1.
    pub line: u64,
    /// Offset in bytes of the line or record.
    pub offset: u64,
    /// What it is.
    pub what: Oddity,
}

/// What can be odd about a line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "each says what it is in its message")]
pub enum Oddity {
    #[error("several records on one line: both are kept")]
    TwoOnOneLine,
    #[error("the last line is not finished: it is read again when the file grows")]
    Torn,
    #[error("not valid JSON: shown as an unknown block")]
    NotJson,
    #[error("bytes that JSON does not allow (invalid UTF-8, control characters): replaced")]
    Repaired,
    #[error("the file begins with a byte order mark: skipped")]
    ByteOrderMark,
    #[error("NUL bytes, as after a power failure: skipped")]
    Nul,
    #[error("a line of {0} bytes: too long, its beginning alone is shown")]
    TooLong(u64),
    #[error("a line of {0} bytes")]
    Long(u64),
    #[error("unknown type {name}, {count} times: shown as a quiet block")]
    UnknownType { name: CleanText, count: u64 },
    #[error("unknown field {name}, which shows nothing, {count} times: named in a quiet block")]
    UnknownField { name: CleanText, count: u64 },
}

/// Names nobody knows, with the place of the first of each, and how often it occurs.
type Named = BTreeMap<String, (Place, u64)>;

/// Counts and warnings as they are gathered.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub counts: Counts,
    /// Bytes and lines seen.
    pub bytes: u64,
    pub lines: u64,
    warnings: Vec<Warning>,
    more: u64,
    unknown: Named,
    fields: Named,
    torn: Option<Warning>,
}

impl Tally {
    pub(crate) fn warn(&mut self, place: Place, what: Oddity) {
        if self.warnings.len() < WARNINGS {
            self.warnings.push(Warning { line: place.line, offset: place.offset, what });
        } else {
            self.more += 1;
        }
    }

    /// The last line is torn at `place`, or not (any more).
    pub(crate) fn torn(&mut self, place: Option<Place>) {
        self.torn = place.map(|p| Warning { line: p.line, offset: p.offset, what: Oddity::Torn });
    }

    /// Notes a type nobody knows.
    pub(crate) fn unknown(&mut self, place: Place, name: &str) {
        self.counts.unknown += 1;
        self.more += u64::from(!note(&mut self.unknown, place, name));
    }

    /// Notes a field nobody knows of a record that shows nothing.
    pub(crate) fn unknown_field(&mut self, place: Place, name: &str) {
        self.more += u64::from(!note(&mut self.fields, place, name));
    }

    pub(crate) fn warnings(&self, cleaner: &Cleaner) -> (Vec<Warning>, u64) {
        let warning = |place: &Place, what| Warning { line: place.line, offset: place.offset, what };
        let unknown = self.unknown.iter().map(|(name, (place, count))| {
            warning(place, Oddity::UnknownType { name: cleaner.text(name), count: *count })
        });
        let fields = self.fields.iter().map(|(name, (place, count))| {
            warning(place, Oddity::UnknownField { name: cleaner.text(name), count: *count })
        });
        let all = self.warnings.iter().cloned().chain(self.torn.clone()).chain(unknown).chain(fields);
        (all.collect(), self.more)
    }
}

/// Notes that `name` occurs once more; false if there are too many names.
fn note(named: &mut Named, place: Place, name: &str) -> bool {
    let name: String = name.chars().take(80).collect();
    let room = named.len() < NAMES || named.contains_key(&name);
    if room {
        named.entry(name).or_insert((place, 0)).1 += 1;
    }
    room
}
