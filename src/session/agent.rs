//! What an agent's format must offer. A new agent is a file with an [`Agent`] and a line in [`AGENTS`].

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use super::dialect::Told;
use super::error::ReadError;
use super::feeding::{Feed, Feeding};
use super::fields::Table;
use super::index::{Entry, Index, New};
use super::json::{self, Obj};
use super::lines::Place;
use super::model::{Item, NOT_SHOWN, Output, Prompt, Step};
use super::runs::Begins;
use super::session::Subs;
use super::source::Source;
use crate::redact::{CleanText, Cleaner};

/// The agents whose sessions are read, in the order in which they are tried.
pub(crate) static AGENTS: &[&dyn Agent] = &[
    &super::claude::ClaudeCode,
    &Told(super::iflow::IFlow),
    &Told(super::codex::Codex),
    &Told(super::gemini::Gemini::Document),
    &Told(super::gemini::Gemini::Lines),
    &Told(super::opencode::OpenCode),
    &Told(super::qwen::Qwen),
    &Told(super::copilot::Copilot),
    &Told(super::cursor::Cursor),
    &Told(super::droid::Droid),
    &Told(super::kimi::Kimi),
    &Told(super::pi::Pi::Pi),
    &Told(super::pi::Pi::OpenClaw),
    &Told(super::grok::Grok),
    &Told(super::aider::Aider),
];

/// How sure an agent is that records are its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Likeness {
    /// They are another agent's.
    Foreign,
    /// Nothing speaks for it.
    Unknown,
    /// Nothing speaks against it.
    Likely,
    /// They are.
    Certain,
}

/// A line that every agent looks at: what stands around records is cut off.
#[derive(Debug)]
pub(crate) struct Line<'a> {
    pub bytes: &'a [u8],
    /// The first object in it.
    pub object: Option<Obj<'a>>,
}

impl<'a> Line<'a> {
    pub(crate) fn of(bytes: &'a [u8]) -> Self {
        let object = std::str::from_utf8(bytes).ok().and_then(json::first).map(|(object, _)| object);
        Self { bytes, object }
    }
}

/// How records lie in a file.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Layout {
    /// One a line.
    Lines,
    /// In an array, in the one object that is the file.
    Document {
        /// Its name.
        array: &'static str,
        /// The name of an object beside it that is a record too: it tells of the whole.
        head: Option<&'static str>,
    },
    /// In runs of lines of a text that is no JSON.
    Runs(Begins),
}

/// A format of sessions: records one after the other in a file.
pub(crate) trait Agent: Send + Sync + std::fmt::Debug {
    /// The product's name.
    fn name(&self) -> &'static str;

    /// How records lie in the file.
    fn layout(&self) -> Layout {
        Layout::Lines
    }

    /// What speaks for this agent in one line. A line cut by the end of the sample is offered too.
    fn likeness(&self, line: &Line<'_>) -> Likeness;

    /// What reads the records of one file, in order, into an index.
    fn indexer(&self) -> Box<dyn Indexer>;

    /// What a record shows. Must count as the indexer did.
    ///
    /// # Errors
    /// When a record it refers to cannot be read.
    fn show(&self, entry: &Entry, no: u32, record: &[u8], desk: &Desk<'_>) -> Result<Shown, ReadError>;

    /// The fields it is known to write; `None` if its records have none.
    fn fields(&self) -> Option<&'static Table> {
        None
    }

    /// Where it keeps what the person called the session at `path`, if in one file for all sessions: that file, and
    /// the id of this session in it.
    fn name_place(&self, _path: &Path) -> Option<(PathBuf, String)> {
        None
    }

    /// The names in such a file, by id; none if it cannot be read.
    fn names(&self, _file: &Path) -> HashMap<String, String> {
        HashMap::new()
    }

    /// The encoded (base64) content of the `nth` image of a record, from 0.
    fn image(&self, record: &[u8], nth: usize) -> Option<String>;

    /// As [`Agent::image`], of all images of a record, in order; blank where there is none to be read.
    fn images(&self, record: &[u8]) -> Vec<String>;
}

/// How the records of an agent are read, each by itself.
pub(crate) trait Format: Copy + Send + Sync {
    /// A record. It is large, and many are read: they are filled where they stay, not moved.
    type Record<'a>: Default + Send;

    /// Reads the first record of `text` into `record`, a fresh one. Returns how many bytes it took.
    ///
    /// # Errors
    /// [`NotJson`] when there is no whole JSON object.
    fn read<'a>(self, text: &'a str, record: &mut Self::Record<'a>) -> Result<usize, NotJson>;

    /// What can be read in the place of bytes that cannot, byte for byte; `None` if there is nothing to mend.
    fn mended(self, bytes: &[u8]) -> Option<String> {
        json::mended(bytes)
    }
}

/// The memory of reading one file: what must be known of earlier records to put the next in its place.
pub(crate) trait Records: Send + std::fmt::Debug {
    /// How they are read.
    type Format: Format;

    /// How they are read.
    fn format(&self) -> Self::Format;

    /// Puts a record of `len` bytes into `index`.
    fn place(
        &mut self,
        record: &mut <Self::Format as Format>::Record<'_>,
        place: Place,
        len: usize,
        index: &mut Index,
        cleaner: &Cleaner,
    );

    /// What would be said if the session ended here.
    fn waiting(&self, cleaner: &Cleaner) -> Vec<New>;

    /// The fields that the record is known to have which was placed last; `None` where others are of no interest.
    fn fields(&self) -> Option<&'static Table>;
}

/// The records of one file, whatever agent wrote them.
pub(crate) trait Indexer: Send + std::fmt::Debug {
    /// What takes the lines of one piece and puts their records into `index`.
    fn feeding<'a>(&'a mut self, index: &'a RwLock<Index>, cleaner: &'a Cleaner) -> Box<dyn Feed + 'a>;

    /// As [`Records::waiting`].
    fn waiting(&self, cleaner: &Cleaner) -> Vec<New>;
}

impl<R: Records> Indexer for R {
    fn feeding<'a>(&'a mut self, index: &'a RwLock<Index>, cleaner: &'a Cleaner) -> Box<dyn Feed + 'a> {
        Box::new(Feeding::new(index, self, cleaner))
    }

    fn waiting(&self, cleaner: &Cleaner) -> Vec<New> {
        Records::waiting(self, cleaner)
    }
}

/// Reads a record from the beginning of `text`. Returns its length, if it is an object that any reader of JSON takes. Of
/// what follows it nothing is looked at: a line may hold very many records.
///
/// # Errors
/// [`NotJson`] when nothing was read, or something in it is no JSON.
pub(crate) fn sound<'a>(text: &'a str, record: &mut impl json::Read<'a>) -> Result<usize, NotJson> {
    let len = json::read_into(record, text).ok_or(NotJson)?;
    let is_object = text.starts_with('{') && text.get(..len).is_some_and(json::is_sound);
    if is_object { Ok(len) } else { Err(NotJson) }
}

/// There is no whole JSON object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NotJson;

/// What a record shows.
#[derive(Debug, Default)]
pub(crate) struct Shown {
    /// It opens a turn with this prompt.
    pub prompt: Option<Prompt>,
    /// Items, in order.
    pub items: Vec<Item>,
}

/// Where records are decoded: the file, the index, the cleaner, and how much may be shown.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Desk<'a> {
    pub source: &'a Source,
    pub index: &'a RwLock<Index>,
    pub cleaner: &'a Cleaner,
    /// Sub-agents in files of their own.
    pub subs: &'a Subs,
    /// Bytes of one prompt, reply or thought.
    pub long: usize,
    /// Bytes of one output.
    pub output: usize,
    /// Lines of one diff.
    pub diff_lines: usize,
    /// Records of one sub-agent.
    pub records: usize,
    /// Items inside one step from the files of sub-agents.
    pub beside: usize,
    /// The one step that is asked for of a record: nothing else of it has to be shown.
    pub only: Option<u32>,
}

/// What stands for so many records of a sub-agent that are not shown.
pub(crate) fn not_shown(records: usize, desk: &Desk<'_>) -> Item {
    let fields = vec![(desk.clean("records that are not shown"), desk.clean(&records.to_string()))];
    Item::Unknown { what: desk.clean("more of this sub-agent"), fields }
}

/// The steps among `items`.
pub(crate) fn steps_of(items: &mut [Item]) -> impl Iterator<Item = &mut Step> {
    items.iter_mut().filter_map(|item| match item {
        Item::Step(step) => Some(&mut **step),
        _ => None,
    })
}

impl Desk<'_> {
    /// Whether none of `steps` (the numbers of what a block calls for; none: it calls for nothing) is asked for.
    pub(crate) fn skips(&self, steps: std::ops::Range<u32>) -> bool {
        self.only.is_some_and(|only| !steps.contains(&only))
    }

    /// The index, held for reading: not across a read of the file.
    pub(crate) fn index(&self) -> RwLockReadGuard<'_, Index> {
        self.index.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The bytes of a record, ready to be parsed.
    pub(crate) fn record(&self, entry: &Entry) -> Result<Vec<u8>, ReadError> {
        self.record_at(entry.offset, entry.len)
    }

    /// The same, of the record of `len` bytes at `offset`.
    pub(crate) fn record_at(&self, offset: u64, len: u32) -> Result<Vec<u8>, ReadError> {
        let bytes = self.source.bytes(offset, len as usize)?;
        Ok(match json::mended(&bytes) {
            Some(mended) => mended.into_bytes(),
            None => bytes,
        })
    }

    pub(crate) fn clean(&self, raw: &str) -> CleanText {
        self.cleaner.text(raw)
    }

    /// A prompt or a reply: whole, unless it is monstrous.
    pub(crate) fn long(&self, raw: &str) -> CleanText {
        self.part(raw, self.long)
    }

    /// A text, at most `max` bytes of it; that something is left out is said at its end.
    pub(crate) fn part(&self, raw: &str, max: usize) -> CleanText {
        if !self.cleaner.cuts(raw, max) {
            return self.cleaner.text(raw);
        }
        let start = self.cleaner.start(raw, max);
        let left = raw.len().saturating_sub(start.as_str().len());
        self.cleaner.text(&format!("{start}\n\n[{left}{NOT_SHOWN}"))
    }

    /// Some output, cut to what may be shown of it.
    pub(crate) fn text(&self, raw: &str) -> Output {
        let lines = raw.lines().count() as u64;
        let whole = raw.len() as u64;
        let text = self.cleaner.start(raw, self.output);
        let shown = text.as_str().len() as u64;
        // Masks change lengths: `bytes` says whether something was cut, so it must not mislead there.
        let bytes = if self.cleaner.cuts(raw, self.output) { whole.max(shown + 1) } else { shown };
        Output { text, bytes, lines }
    }
}
