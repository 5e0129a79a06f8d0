//! What a session is, whoever recorded it: the types every parser fills and every renderer reads.
//!
//! All text is [`CleanText`]: it went through the choke point of [`crate::redact`]. Ids are ordinals in
//! file order (`p1`, `a1`, `s1`), so they stay the same while a session grows and across restarts.
//!
//! A reader never holds a session: it holds an [`Overview`] (the header and the outline, a few hundred
//! bytes a prompt) and one [`Window`] at a time.

mod attachment;
mod overview;
mod subject;
mod tool;
mod usage;

use jiff::Timestamp;

use crate::redact::CleanText;
pub(crate) use attachment::NESTED;
pub use attachment::{Attachment, AttachmentNo};
pub use overview::{
    ChangedFile, Changes, Ended, Ending, InnerStep, OutlineAside, OutlineEntry, Overview, StepKind, TitleBy,
};
pub use subject::{is_picture, subject, without_sign};
pub(crate) use tool::NOT_SHOWN;
pub use tool::{
    Choice, DiffLine, FileDiff, Hunk, Link, Outcome, Output, Question, Step, TodoChange, TodoItem, TodoState,
    Tool,
};
pub use usage::{Cost, Usage};

/// Ordinal of a window of a session, from 0.
pub type WindowNo = u32;

/// A run of whole turns, or of a part of one very long turn: what one response shows.
#[derive(Clone, Debug, Default)]
pub struct Window {
    /// Ordinal of this window.
    pub no: WindowNo,
    /// The turns, in file order.
    pub turns: Vec<Turn>,
    /// Whether a window follows, as far as is known.
    pub next: bool,
}

/// A prompt and all that was done for it.
#[derive(Clone, Debug, Default)]
pub struct Turn {
    /// Ordinal, from 1; 0 for what stands before the first prompt.
    pub no: u32,
    /// True if the turn began in an earlier window; `prompt` is then `None`.
    pub continued: bool,
    /// True if the turn goes on in the next window.
    pub unfinished: bool,
    /// The prompt that opened it.
    pub prompt: Option<Prompt>,
    /// What came of it, in file order.
    pub items: Vec<Item>,
}

/// What a person said.
#[derive(Clone, Debug)]
pub struct Prompt {
    /// The text, line breaks kept.
    pub text: CleanText,
    /// `Some` if this was a slash command; `text` is then what the command expanded to or printed, or blank.
    pub command: Option<CleanText>,
    /// Pasted images and documents.
    pub attachments: Vec<Attachment>,
    /// When it was said.
    pub at: Option<Timestamp>,
}

/// How an aside came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AsideHow {
    /// Typed while the agent worked.
    Queued,
    /// Said when declining a step.
    Declining,
}

/// One thing inside a turn.
#[derive(Clone, Debug)]
pub enum Item {
    /// Something the person said while the agent worked: `#a1`.
    Aside {
        /// Ordinal in the session, from 1.
        no: u32,
        /// How it came.
        how: AsideHow,
        /// What was said.
        prompt: Prompt,
    },
    /// The agent's words, Markdown.
    Reply {
        /// The Markdown.
        text: CleanText,
        /// When.
        at: Option<Timestamp>,
    },
    /// The agent's thinking; `text` is blank if it was redacted by the vendor.
    Thinking {
        /// The text.
        text: CleanText,
        /// When.
        at: Option<Timestamp>,
    },
    /// A picture or a document among the agent's words.
    Image {
        /// Which, and what it is.
        file: Attachment,
        /// When.
        at: Option<Timestamp>,
    },
    /// A tool call with its result. Boxed: it is by far the largest variant.
    Step(Box<Step>),
    /// Something that breaks the flow.
    Marker(Marker),
    /// What the agent was told besides the person's words; there only if it was asked for.
    Context {
        /// What it is: `instructions`, `hook`.
        what: CleanText,
        /// The text.
        text: Output,
    },
    /// A record or block this version does not know, or a line that could not be read.
    Unknown {
        /// What it calls itself: `type` of the record or block, or `line 412 is not valid JSON`.
        what: CleanText,
        /// Its content as `key: value` pairs, cut to a sane length.
        fields: Vec<(CleanText, CleanText)>,
    },
}

/// Things that break the flow.
#[derive(Clone, Debug)]
pub enum Marker {
    /// The context was compacted.
    Compacted {
        /// When.
        at: Option<Timestamp>,
        /// Tokens before.
        before: Option<u64>,
        /// Tokens after.
        after: Option<u64>,
        /// What the agent kept, Markdown.
        summary: Option<CleanText>,
    },
    /// The person interrupted the agent.
    Interrupted {
        /// When.
        at: Option<Timestamp>,
    },
    /// The model's service answered with an error.
    ApiError {
        /// When.
        at: Option<Timestamp>,
        /// What it said.
        text: CleanText,
        /// How often it said so, one after the other.
        times: u32,
        /// When it said so last, if more than once; of one by itself, if it came of trying again what had failed.
        until: Option<Timestamp>,
    },
    /// Another model answers from here on.
    Model {
        /// Its id.
        to: CleanText,
    },
    /// A local command (`/cost`, `!ls`) and what it printed.
    Local {
        /// The command.
        command: CleanText,
        /// What it printed.
        output: Output,
    },
}
