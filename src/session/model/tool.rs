//! Steps: what a tool was given, and what came of it.

use std::time::Duration;

use jiff::Timestamp;

use super::{Attachment, Item, StepKind};
use crate::redact::CleanText;

/// How a text ends of which something is left out.
pub(crate) const NOT_SHOWN: &str = " more bytes are not shown]";

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

impl Step {
    /// How much of what it was given and of what came of it is left out, in bytes, about; 0: nothing is. Steps inside it
    /// count with it.
    pub fn left_out(&self) -> u64 {
        let output = |output: &Output| output.bytes.saturating_sub(output.text.as_str().len() as u64);
        let diff = |diff: &FileDiff| diff.omitted.saturating_mul(LINE);
        let given = |pairs: &[(CleanText, CleanText)]| -> u64 {
            pairs.iter().filter_map(|(_, value)| cut_off(value.as_str())).sum()
        };
        let inside = |items: &[Item]| -> u64 {
            let steps =
                items.iter().filter_map(|item| if let Item::Step(step) = item { Some(step) } else { None });
            steps.map(|step| step.left_out()).sum()
        };
        let of_tool = match &self.tool {
            Tool::Shell { output: o, .. } | Tool::Polled { output: o, .. } => output(o),
            Tool::Read { content: o, .. } | Tool::Fetch { content: o, .. } => output(o),
            Tool::Find { hits: o, .. } | Tool::WebSearch { results: o, .. } => output(o),
            Tool::TodoEntry { about: o, .. } => output(o),
            Tool::Agent { report, items, .. } => output(report) + inside(items),
            Tool::Write { diff: d, .. } | Tool::Edit { diff: d, .. } => diff(d),
            Tool::Other { input, output: o, .. } => given(input) + output(o),
            Tool::Todo { .. } | Tool::Plan { .. } | Tool::Question { .. } => 0,
        };
        of_tool + given(&self.beside)
    }
}

/// Bytes of a line of a diff, about.
const LINE: u64 = 40;

/// How many bytes are left out of a text, as its end says.
fn cut_off(text: &str) -> Option<u64> {
    text.strip_suffix(NOT_SHOWN)?.rsplit_once('[')?.1.parse().ok()
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
    /// One entry of a todo list was looked at.
    TodoEntry {
        /// The entry.
        item: TodoItem,
        /// What else is known of it: its description, what it waits for.
        about: Output,
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
        /// The fields of what came back, where that is an object (and short enough to be here whole): shown in its
        /// stead.
        told: Vec<(CleanText, CleanText)>,
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
