//! What most agents have in common: a record says some [`Block`]s, each of a form that all agents share.
//!
//! A [`Dialect`] is one agent's way to write them; [`Told`] makes an agent of it. [`indexer`] places what a
//! record says and [`shown`] decodes it, both from the same reading, so that they count alike. Knows no
//! agent's format. Claude Code is read by its own parser, in one pass over each record.

mod blocks;
mod given;
mod indexer;
mod output;
mod patch;
mod said;

mod shown;
mod step;
#[cfg(test)]
mod tests;
mod tools;

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::agent::{Agent, Desk, Indexer, Layout, Likeness, Line, Shown};
use super::error::ReadError;
use super::fields::Table;
use super::index::Entry;
use super::json::{self, Obj};
pub(super) use blocks::{Speaker, content, picture, pictures, result_text, said_by};
pub(super) use output::{told_exit, wall_time};
pub(super) use said::{Block, Call, Counted, Facts, Recorded, Returned, Said, Title, Twin, Words, usage};

/// One agent's way to write records.
pub(super) trait Dialect: Send + Sync + Copy + std::fmt::Debug + 'static {
    /// The product's name.
    fn name(&self) -> &'static str;

    /// How records lie in the file.
    fn layout(&self) -> Layout {
        Layout::Lines
    }

    /// What speaks for this agent in a record.
    fn likeness(&self, record: &Obj<'_>) -> Likeness;

    /// As [`Dialect::likeness`], of a line that is cut by the end of the sample: only its words can speak.
    fn torn_likeness(&self, _line: &[u8]) -> Likeness {
        Likeness::Unknown
    }

    /// As [`Dialect::likeness`], of a line of a text that is no JSON.
    fn text_likeness(&self, _line: &[u8]) -> Likeness {
        Likeness::Unknown
    }

    /// What a run of lines says, in a text that is no JSON.
    fn read_text<'a>(&self, _run: &'a str) -> Said<'a> {
        Said::default()
    }

    /// What a record says: at most one thing of the whole record, and any number of its parts. A part has
    /// a place of its own in the index, and must say the same when it is read alone.
    fn read<'a>(&self, record: &Obj<'a>) -> Vec<Said<'a>>;

    /// The fields it is known to write; `None` if its records have none.
    fn fields(&self) -> Option<&'static Table>;

    /// As [`Agent::name_place`].
    fn name_place(&self, _path: &Path) -> Option<(PathBuf, String)> {
        None
    }

    /// As [`Agent::names`].
    fn names(&self, _file: &Path) -> HashMap<String, String> {
        HashMap::new()
    }

    /// Whether a field of a record that is not understood belongs to the person alone.
    fn is_private(&self, _key: &str) -> bool {
        false
    }
}

/// An agent that tells its sessions in this dialect.
#[derive(Debug)]
pub(super) struct Told<D>(pub D);

impl<D: Dialect> Agent for Told<D> {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn layout(&self) -> Layout {
        self.0.layout()
    }

    fn likeness(&self, line: &Line<'_>) -> Likeness {
        if is_text(self.0) {
            return self.0.text_likeness(line.bytes);
        }
        match &line.object {
            Some(record) => self.0.likeness(record),
            None if line.bytes.starts_with(b"{") => self.0.torn_likeness(line.bytes),
            None => Likeness::Unknown,
        }
    }

    fn indexer(&self) -> Box<dyn Indexer> {
        Box::new(indexer::Reading::new(self.0))
    }

    fn show(&self, entry: &Entry, no: u32, record: &[u8], desk: &Desk<'_>) -> Result<Shown, ReadError> {
        shown::shown(self.0, entry, no, record, desk)
    }

    fn fields(&self) -> Option<&'static Table> {
        self.0.fields()
    }

    fn name_place(&self, path: &Path) -> Option<(PathBuf, String)> {
        self.0.name_place(path)
    }

    fn names(&self, file: &Path) -> HashMap<String, String> {
        self.0.names(file)
    }

    fn images(&self, record: &[u8]) -> Vec<String> {
        let said = first(record).and_then(|(record, _)| whole(self.0, &record));
        said.iter().flat_map(|said| said.images()).map(|encoded| encoded.to_string()).collect()
    }

    fn image(&self, record: &[u8], nth: usize) -> Option<String> {
        let (record, _) = first(record)?;
        let said = whole(self.0, &record)?;
        said.images().nth(nth).map(|encoded| encoded.to_string())
    }
}

/// The first object in a record's bytes, and its length.
fn first(record: &[u8]) -> Option<(Obj<'_>, usize)> {
    json::first(std::str::from_utf8(record).ok()?)
}

/// Whether the dialect is written in text that is no JSON.
fn is_text<D: Dialect>(dialect: D) -> bool {
    matches!(dialect.layout(), Layout::Runs(_))
}

/// What a record (or a part, read alone) says as a whole.
fn whole<'a, D: Dialect>(dialect: D, record: &Obj<'a>) -> Option<Said<'a>> {
    dialect.read(record).into_iter().find(|said| said.part.is_none())
}
