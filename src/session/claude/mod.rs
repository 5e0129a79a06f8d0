//! Claude Code: `~/.claude/projects/<folder>/<session>.jsonl`.
//!
//! [`head`] reads as much of a record as the index needs, in one pass; [`indexer`] places records; [`shown`]
//! decodes those of a window, with the tools in [`tools`]. What a person said is told from what the agent
//! put into their mouth in [`said`]. What is private, and what is known and dull, is listed in [`hidden`].

mod call;
mod content;
mod diff;
mod given;
mod head;
mod hidden;
mod indexer;
mod polled;
mod relayed;
mod said;
mod shown;
mod spill;
mod tasks;
mod tools;

use super::agent::{Agent, Desk, Indexer, Likeness, Line, Shown};
use super::error::ReadError;
use super::fields::{Fields, Table};
use super::index::Entry;
use super::json::{self, Obj};
pub(super) use said::{Said as SaidByPerson, said as said_by_person};

/// The fields of its records.
static FIELDS: Table = Table::new(|| Fields::of(include_str!("../fields/claude.txt")));

/// The format.
#[derive(Debug)]
pub(crate) struct ClaudeCode;

impl Agent for ClaudeCode {
    fn name(&self) -> &'static str {
        "Claude Code"
    }

    fn likeness(&self, line: &Line<'_>) -> Likeness {
        let head = std::str::from_utf8(line.bytes).ok().and_then(json::first::<head::Fields<'_>>);
        match head {
            Some((head, _)) => head.likeness(),
            // A first line longer than the sample, or torn: only its words can speak.
            _ if line.bytes.starts_with(b"{") => torn_likeness(line.bytes),
            _ => Likeness::Unknown,
        }
    }

    fn indexer(&self) -> Box<dyn Indexer> {
        Box::<indexer::Reading>::default()
    }

    fn show(&self, entry: &Entry, no: u32, record: &[u8], desk: &Desk<'_>) -> Result<Shown, ReadError> {
        shown::shown(entry, no, record, desk)
    }

    fn fields(&self) -> Option<&'static Table> {
        Some(&FIELDS)
    }

    fn image(&self, record: &[u8], nth: usize) -> Option<String> {
        let record: Obj<'_> = first(record)?;
        let blocks = content::blocks_of(&record);
        content::images(&blocks).nth(nth).and_then(|image| content::base64(&image)).map(String::from)
    }

    fn images(&self, record: &[u8]) -> Vec<String> {
        let Some(record) = first(record) else { return Vec::new() };
        let blocks = content::blocks_of(&record);
        content::images(&blocks)
            .map(|image| content::base64(&image).unwrap_or_default().into_owned())
            .collect()
    }
}

/// The first object in a record's bytes.
fn first(record: &[u8]) -> Option<Obj<'_>> {
    json::first(std::str::from_utf8(record).ok()?).map(|(record, _)| record)
}

fn torn_likeness(line: &[u8]) -> Likeness {
    let says = |word: &str| memchr::memmem::find(line, word.as_bytes()).is_some();
    let envelope = says("\"parentUuid\":") && says("\"sessionId\":");
    let snapshot = says("\"file-history-snapshot\"") && says("\"messageId\":");
    if envelope || snapshot { Likeness::Likely } else { Likeness::Unknown }
}
