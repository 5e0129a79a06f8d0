//! What is known of a session as a whole: header, outline, changed files.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::{Cost, Usage, WindowNo};
use crate::redact::CleanText;
use crate::session::timeline::Timeline;

/// Characters of a word that greets, or says hardly more.
const GREETING: usize = 10;

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
    /// What they cost at list prices ([`price`](crate::session::price)).
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
    /// What the outline says of the turn of this number.
    pub fn entry(&self, no: u32) -> Option<&OutlineEntry> {
        let at = self.outline.partition_point(|entry| entry.no < no);
        self.outline.get(at).filter(|entry| entry.no == no)
    }

    /// The prompt that names the session where nobody gave it a title: the first, but for single words (a greeting)
    /// and bare commands, which say less than others do, be they known as such or typed into an agent that has others.
    pub fn first_words(&self) -> Option<&OutlineEntry> {
        let mut prompts = self.outline.iter().filter(|entry| entry.no > 0 && !entry.text.is_blank());
        let words = |entry: &&OutlineEntry| !entry.text.as_str().trim_start().starts_with('/');
        let telling = prompts.clone().find(|entry| !entry.is_bare());
        telling.or_else(|| prompts.clone().find(words)).or_else(|| prompts.next())
    }
}

impl OutlineEntry {
    /// Its steps and those of its sub-agents.
    pub fn all_steps(&self) -> u64 {
        u64::from(self.steps) + u64::from(self.sub_steps)
    }

    /// Whether the prompt is a command and nothing else, or one short word: `hi`.
    pub fn is_bare(&self) -> bool {
        let text = self.text.as_str().trim();
        let short = text.is_ascii() && text.len() <= GREETING;
        (short || text.starts_with('/')) && !text.contains(char::is_whitespace)
    }
}

/// Who gave a session its title. The greatest counts, and of one the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TitleBy {
    /// The agent, in a summary that names a message of the session.
    Summary,
    /// The agent.
    Agent,
    /// The person.
    Person,
}

/// A step of a sub-agent, for the spark picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InnerStep {
    /// The position in its turn, from 0, of the main agent's step below which it stands.
    pub sent_by: u32,
    /// What it does; that of steps of no kind is [`StepKind::Read`].
    pub kind: StepKind,
    /// How it ended.
    pub ended: Ended,
}

/// One prompt in the outline.
#[derive(Clone, Debug, Default)]
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
    /// The steps its sub-agents took, in the order of the steps that sent them; at most 512 are kept.
    pub inside: Vec<InnerStep>,
    /// How many steps there are, kept in `kinds` or not.
    pub steps: u32,
    /// How many steps its sub-agents took; those in files of their own count once files were looked for.
    pub sub_steps: u32,
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
    /// How many steps of its turn come before it.
    pub after: u32,
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
