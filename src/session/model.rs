//! What a session is, whoever recorded it: the types every parser fills and every renderer reads.
//!
//! All text is [`CleanText`]: it went through the choke point of [`crate::redact`]. Ids are ordinals in
//! file order (`p1`, `a1`, `s1`), so they stay the same while a session grows and across restarts.
//!
//! A reader never holds a session: it holds an [`Overview`] (the header and the outline, a few hundred
//! bytes a prompt) and one [`Window`] at a time.

mod usage;

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::timeline::Timeline;
use crate::redact::CleanText;
pub use usage::{Cost, Usage};

/// Ordinal of a window of a session, from 0.
pub type WindowNo = u32;

/// The header, and the outline of what is indexed so far.
#[derive(Clone, Debug, Default)]
pub struct Overview {
    /// The agent's product name: `Claude Code`.
    pub agent: &'static str,
    /// Version of the agent, as of the last record that names it.
    pub version: Option<CleanText>,
    /// Models that answered, in order of first appearance; never `<synthetic>`.
    pub models: Vec<CleanText>,
    /// A title given by the person or the agent; `None` if there is none (then the first prompt serves).
    pub title: Option<CleanText>,
    /// Base name of the working folder.
    pub project: Option<CleanText>,
    /// Git branch, as of the last record that names it.
    pub branch: Option<CleanText>,
    /// First and last time seen.
    pub started: Option<Timestamp>,
    /// See `started`.
    pub ended: Option<Timestamp>,
    /// Tokens, each message counted once.
    pub usage: Usage,
    /// What they cost at list prices ([`price`](super::price)).
    pub cost: Cost,
    /// Steps of the main agent.
    pub steps: u32,
    /// Steps of sub-agents.
    pub sub_steps: u32,
    /// The prompts, in order.
    pub outline: Vec<OutlineEntry>,
    /// What went on when.
    pub timeline: Timeline,
    /// The files that were changed; `None` while they are still being looked for.
    pub changes: Option<Arc<Changes>>,
    /// How it ended, or stands; `None` while the file is being read, and where nothing was said.
    pub ending: Option<Ending>,
    /// How many windows are known so far.
    pub windows: WindowNo,
    /// False while the file is still being read: more windows and outline entries may come.
    pub complete: bool,
}

/// How a session ended: what stands last in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The agent's words; their start.
    Reply(CleanText),
    /// The person interrupted the agent.
    Interrupted,
    /// The model's service answered with an error; what it said.
    ApiError(CleanText),
    /// The person declined a step and said no more; the step of this number.
    Declined(u32),
    /// The work breaks off at a step or a thought: at the step of this number, if it is one.
    BrokeOff(Option<u32>),
    /// The last prompt has no answer.
    Unanswered,
}

impl Overview {
    /// The prompt that names the session where nobody gave it a title: the first, but for bare commands, which say
    /// less than words do, be they known as such or typed into an agent that has others.
    pub fn first_words(&self) -> Option<&OutlineEntry> {
        let mut prompts = self.outline.iter().filter(|entry| entry.no > 0 && !entry.text.is_blank());
        prompts.clone().find(|entry| !entry.is_bare()).or_else(|| prompts.next())
    }
}

impl OutlineEntry {
    /// Whether the prompt is a command and nothing else.
    pub fn is_bare(&self) -> bool {
        let text = self.text.as_str();
        text.trim_start().starts_with('/') && text.split_whitespace().nth(1).is_none()
    }
}

/// One prompt in the outline.
#[derive(Clone, Debug)]
pub struct OutlineEntry {
    /// Ordinal of the turn, from 1: the target is `#p1`. 0: the steps before the first prompt.
    pub no: u32,
    /// The window in which the turn begins.
    pub window: WindowNo,
    /// Start of the prompt's text, at most 240 characters.
    pub text: CleanText,
    /// True if `text` is a slash command (`/review`), shown in mono.
    pub command: bool,
    /// When it was said.
    pub at: Option<Timestamp>,
    /// How long something went on from the prompt to the last record of its turn: without longer pauses.
    pub worked: Option<Duration>,
    /// Kinds of the steps of the main agent, in order (for the spark picture); at most 512 are kept.
    pub kinds: Vec<StepKind>,
    /// How each of `kinds` ended.
    pub ends: Vec<Ended>,
    /// How many steps there are, kept in `kinds` or not.
    pub steps: u32,
    /// Lines added and removed, sub-agents included; nothing while files are still being looked for.
    pub added: u64,
    /// See `added`.
    pub removed: u64,
    /// What was said while the agent worked.
    pub asides: Vec<OutlineAside>,
}

/// An aside in the outline: the target is `#a1`.
#[derive(Clone, Debug)]
pub struct OutlineAside {
    /// Ordinal of the aside in the session, from 1.
    pub no: u32,
    /// The window it stands in.
    pub window: WindowNo,
    /// Start of its text.
    pub text: CleanText,
    /// When it was said.
    pub at: Option<Timestamp>,
}

/// The files a session changed. Edits that failed or were declined do not count.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// The files, in the order of their first edits; at most some 1,000.
    pub files: Vec<ChangedFile>,
    /// How many there are.
    pub count: u64,
    /// Lines added, in all files.
    pub added: u64,
    /// Lines removed.
    pub removed: u64,
    /// Lines added and removed by the turn at this position of the outline.
    pub turns: HashMap<u32, (u64, u64)>,
}

/// A file that was changed.
#[derive(Clone, Debug)]
pub struct ChangedFile {
    /// Its path, as steps show it.
    pub path: CleanText,
    /// How often it was edited or written.
    pub edits: u32,
    /// The first edit made it.
    pub created: bool,
    /// Lines added, over all edits.
    pub added: u64,
    /// Lines removed.
    pub removed: u64,
    /// Id of the step of the first edit, without its `s`: `12`, or `12.3` inside a sub-agent.
    pub first: String,
    /// The window of that step.
    pub window: WindowNo,
    /// The sub-agent that edited it first.
    pub by: Option<CleanText>,
}

/// How a step ended, for pictures; the worst is the greatest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ended {
    /// It worked.
    Done,
    /// No result is recorded.
    #[default]
    Open,
    /// The person declined it.
    Declined,
    /// It failed.
    Failed,
}

/// What a step does, for colour and height in pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StepKind {
    /// Read, glob, grep, fetch, search: nothing changes.
    Read,
    /// Edit, write, patch.
    Edit,
    /// A shell command.
    Run,
    /// A sub-agent.
    Agent,
    /// Anything else (todo lists, questions, MCP tools, unknown tools).
    Other,
}

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

/// A tool call: `#s12`.
#[derive(Clone, Debug)]
pub struct Step {
    /// Ordinal in the session, from 1, sub-agents' steps not counted.
    pub no: u32,
    /// For pictures.
    pub kind: StepKind,
    /// The tool's own name.
    pub name: CleanText,
    /// The call in the form of its tool.
    pub tool: Tool,
    /// What the call was given that its form does not show, as `key: value`.
    pub beside: Vec<(CleanText, CleanText)>,
    /// How it ended.
    pub outcome: Outcome,
    /// When it was called.
    pub at: Option<Timestamp>,
    /// From call to result, where both times are known.
    pub took: Option<Duration>,
    /// Images in the result.
    pub images: Vec<Attachment>,
}

/// How a step ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It worked.
    Done,
    /// The tool reported an error; the text where it is not shown as the tool's output already.
    Failed(CleanText),
    /// The person declined it; what they said goes into an [`Item::Aside`].
    Declined,
    /// No result was recorded (interrupted, cut, or still running).
    Open,
}

/// Text a tool printed or a file holds, cut to what a page can carry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Output {
    /// The text, at most [`Output::MAX`] bytes of it.
    pub text: CleanText,
    /// Bytes of the whole.
    pub bytes: u64,
    /// Lines of the whole.
    pub lines: u64,
}

impl Output {
    /// Bytes kept of one output in a window. The whole is to be had on the step's own page.
    pub const MAX: usize = 16 * 1024;

    /// Whether something was left out.
    pub fn cut(&self) -> bool {
        (self.text.as_str().len() as u64) < self.bytes
    }
}

/// The forms of tools. Unknown tools are [`Tool::Other`].
#[derive(Clone, Debug)]
pub enum Tool {
    /// A shell command.
    Shell {
        /// The command line.
        command: CleanText,
        /// What the agent said it is for.
        description: Option<CleanText>,
        /// Started in the background.
        background: bool,
        /// Exit code where known and not 0.
        exit: Option<i32>,
        /// stdout and stderr as the agent saw them; ANSI sequences kept.
        output: Output,
    },
    /// A file (or a part) was read.
    Read {
        /// Path as given, relative to the working folder where it lies inside it.
        path: CleanText,
        /// First line shown, from 1.
        from: u64,
        /// What was read, without the line numbers some agents put before each line.
        content: Output,
    },
    /// A file was written whole.
    Write {
        /// Path, as in `Read`.
        path: CleanText,
        /// True if the file did not exist before.
        created: bool,
        /// What changed; of a new file: all lines added.
        diff: FileDiff,
    },
    /// A part of a file was replaced.
    Edit {
        /// Path, as in `Read`.
        path: CleanText,
        /// What changed.
        diff: FileDiff,
    },
    /// Files or lines were looked for (glob, grep, ls).
    Find {
        /// Verb: `Glob`, `Grep`, `LS`.
        verb: &'static str,
        /// The pattern.
        pattern: CleanText,
        /// Where.
        within: Option<CleanText>,
        /// How many lines matched, where known.
        matches: Option<u64>,
        /// How many files matched, where known.
        files: Option<u64>,
        /// The hits, one a line.
        hits: Output,
    },
    /// What a command in the background printed since it was last looked at.
    Polled {
        /// The command line, where known, else what the agent calls it.
        command: CleanText,
        /// How far it is, in the agent's word: `running`, `completed`.
        state: Option<CleanText>,
        /// Exit code where known and not 0.
        exit: Option<i32>,
        /// stdout and stderr; ANSI sequences kept.
        output: Output,
    },
    /// A page was fetched.
    Fetch {
        /// Its URL.
        url: CleanText,
        /// What was asked of the page: `content` is then an answer in Markdown, else what the page holds.
        asked: Option<CleanText>,
        /// What came back.
        content: Output,
    },
    /// The web was searched.
    WebSearch {
        /// The query.
        query: CleanText,
        /// The pages found.
        links: Vec<Link>,
        /// What came back besides, Markdown.
        results: Output,
    },
    /// A todo list was set, or one entry of it changed.
    Todo {
        /// The list after this step.
        items: Vec<TodoItem>,
        /// What changed, where the step tells of one entry alone.
        change: Option<TodoChange>,
    },
    /// A plan was put before the person.
    Plan {
        /// Markdown.
        text: CleanText,
    },
    /// The person was asked.
    Question {
        /// The questions.
        questions: Vec<Question>,
    },
    /// A sub-agent was sent.
    Agent {
        /// What for, in a few words.
        description: CleanText,
        /// Its kind (`general-purpose`).
        kind: Option<CleanText>,
        /// Its brief, Markdown.
        prompt: CleanText,
        /// Its report, Markdown.
        report: Output,
        /// What it did, where recorded (its own items; steps in it are numbered `s12.1`).
        items: Vec<Item>,
        /// Tokens it used, where known.
        tokens: Option<u64>,
    },
    /// Any other tool, MCP tools included.
    Other {
        /// Server of an MCP tool.
        server: Option<CleanText>,
        /// The first string argument, for the row.
        object: Option<CleanText>,
        /// Its input as `key: value`.
        input: Vec<(CleanText, CleanText)>,
        /// What came back.
        output: Output,
    },
}

/// State of one entry of a todo list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TodoState {
    /// Not begun.
    Later,
    /// Being done.
    Doing,
    /// Done.
    Done,
}

/// One entry of a todo list.
#[derive(Clone, Debug)]
pub struct TodoItem {
    /// What is to be done.
    pub text: CleanText,
    /// How far it is.
    pub state: TodoState,
}

/// A change of one entry of a todo list.
#[derive(Clone, Debug)]
pub struct TodoChange {
    /// What became of it; `None`: it was deleted.
    pub to: Option<TodoState>,
    /// The entry is new.
    pub added: bool,
    /// What is to be done.
    pub text: CleanText,
}

/// A page that a search found.
#[derive(Clone, Debug)]
pub struct Link {
    /// Its title.
    pub title: CleanText,
    /// Its URL, as it was told: nothing says that it is one.
    pub url: CleanText,
}

/// A question the agent asked.
#[derive(Clone, Debug)]
pub struct Question {
    /// The question.
    pub text: CleanText,
    /// The options offered.
    pub options: Vec<Choice>,
    /// A free answer, where it is none of the options.
    pub answer: Option<CleanText>,
}

/// An option of a question.
#[derive(Clone, Debug)]
pub struct Choice {
    /// What it is called.
    pub text: CleanText,
    /// What is said of it.
    pub about: Option<CleanText>,
    /// The person picked it.
    pub picked: bool,
}

/// What changed in one file.
#[derive(Clone, Debug, Default)]
pub struct FileDiff {
    /// The places that changed, in order.
    pub hunks: Vec<Hunk>,
    /// Lines added, over all hunks, shown or not.
    pub added: u64,
    /// Lines removed, likewise.
    pub removed: u64,
    /// Lines left out of `hunks` because the diff is very long.
    pub omitted: u64,
}

/// One place that changed.
#[derive(Clone, Debug)]
pub struct Hunk {
    /// First old and new line, from 1; `None` if the record does not tell.
    pub start: Option<(u64, u64)>,
    /// The lines.
    pub lines: Vec<DiffLine>,
}

/// One line of a diff, without its line break.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DiffLine {
    /// Unchanged.
    Same(CleanText),
    /// Added.
    Added(CleanText),
    /// Removed.
    Removed(CleanText),
}

/// An image or a document, pasted or read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    /// Which of the session's it is.
    pub no: AttachmentNo,
    /// `image/png` and the like, from the record, one of a known set, else `application/octet-stream`.
    pub media_type: &'static str,
    /// Bytes of the decoded content.
    pub bytes: u64,
    /// Width and height in pixels, where known.
    pub size: Option<(u32, u32)>,
}

/// Which attachment of a session. Its bytes are served at `…/i1`; at `…/i12.1` where it stands in the own file of the
/// sub-agent that step 12 sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AttachmentNo {
    /// The step that sent the sub-agent; `None` in the session's own file.
    pub step: Option<u32>,
    /// Ordinal in its file, from 1.
    pub no: u32,
}

impl AttachmentNo {
    /// Reads what [`Display`](fmt::Display) writes, and nothing else: each has one address.
    pub fn parse(text: &str) -> Option<Self> {
        let (step, no) = text.split_once('.').map_or((None, text), |(step, no)| (Some(step), no));
        let read = Self { step: step.map(str::parse).transpose().ok()?, no: no.parse().ok()? };
        (read.to_string() == text).then_some(read)
    }
}

impl From<u32> for AttachmentNo {
    fn from(no: u32) -> Self {
        Self { step: None, no }
    }
}

impl fmt::Display for AttachmentNo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.step {
            Some(step) => write!(f, "{step}.{}", self.no),
            None => write!(f, "{}", self.no),
        }
    }
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
