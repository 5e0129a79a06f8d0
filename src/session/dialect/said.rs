//! What records say, whoever wrote them. Raw: nothing here is cleaned yet.

use std::borrow::Cow;
use std::time::Duration;

use jiff::Timestamp;

use super::blocks::pictures;
use crate::session::index::hash;
use crate::session::json::{Obj, RawValue};
use crate::session::model::{AsideHow, Ended, Usage};
use crate::session::private::Private;

/// What a record, or a part of one, says.
#[derive(Debug, Default)]
pub(crate) struct Said<'a> {
    /// `Some`: said by this part of the record alone.
    pub part: Option<RawValue<'a>>,
    pub at: Option<Timestamp>,
    pub facts: Facts<'a>,
    /// It is recorded twice, in two ways.
    pub twin: Option<Twin>,
    /// It may be recorded again under this key, perhaps with more in it.
    pub once: Option<u64>,
    /// It belongs to the sub-agent that the call of this id sent.
    pub side: Option<Cow<'a, str>>,
    pub blocks: Vec<Block<'a>>,
}

/// What a record tells for the header.
#[derive(Debug, Default)]
pub(crate) struct Facts<'a> {
    pub version: Option<Cow<'a, str>>,
    pub cwd: Option<Cow<'a, str>>,
    pub branch: Option<Cow<'a, str>>,
    pub title: Option<Title<'a>>,
    /// Whether the file is a sub-agent's own; the first that tells counts.
    pub sub_agent: Option<bool>,
    /// The model that answers, in this record or from it on.
    pub model: Option<Cow<'a, str>>,
    pub usage: Option<(Counted, Usage)>,
    /// The session went on until then.
    pub until: Option<Timestamp>,
}

/// A title, and who gave it.
#[derive(Debug)]
pub(crate) enum Title<'a> {
    Person(Cow<'a, str>),
    Agent(Cow<'a, str>),
}

/// What tokens were counted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Counted {
    /// The whole session so far.
    Session,
    /// This record.
    Record,
    /// The message of this id: its last report counts.
    Message(u64),
}

/// The way in which something is recorded that is recorded twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Recorded {
    /// As what was sent to the model and came back.
    Item,
    /// As news for the terminal.
    Event,
}

/// One of two records of the same thing; the one that comes first is shown.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Twin {
    pub key: u64,
    pub how: Recorded,
}

impl Twin {
    /// The twin of something of this kind that reads `text`.
    pub(crate) fn of(kind: &str, text: &str, how: Recorded) -> Self {
        Self { key: hash(&format!("{kind}\n{}", text.trim())), how }
    }
}

/// One thing that is said.
#[derive(Debug)]
pub(crate) enum Block<'a> {
    /// Opens a turn.
    Prompt(Words<'a>),
    /// The person, while the agent works.
    Aside(AsideHow, Words<'a>),
    /// The agent's words, Markdown.
    Reply(Cow<'a, str>),
    /// The agent's thinking.
    Thinking(Cow<'a, str>),
    /// An encoded (base64) image among the agent's words.
    Image(Cow<'a, str>),
    /// A tool is called.
    Call(Box<Call<'a>>),
    /// A tool answers.
    Result(Box<Returned<'a>>),
    /// The context was compacted.
    Compacted { before: Option<u64>, after: Option<u64>, summary: Option<Cow<'a, str>> },
    /// The person interrupted.
    Interrupted,
    /// The model's service failed.
    Error(Cow<'a, str>),
    /// A command of the person's own, and what it printed.
    Local { command: Cow<'a, str>, output: Cow<'a, str> },
    /// What the agent was told besides the person's words.
    Context(Private, Cow<'a, str>),
    /// A type nobody knows: its name, and its fields.
    Unknown(String, Obj<'a>),
}

/// What a person says.
#[derive(Debug, Default)]
pub(crate) struct Words<'a> {
    pub text: Cow<'a, str>,
    /// Encoded (base64) images.
    pub images: Vec<Cow<'a, str>>,
}

/// A call of a tool.
#[derive(Debug, Default)]
pub(crate) struct Call<'a> {
    pub id: Option<Cow<'a, str>>,
    pub name: Cow<'a, str>,
    /// JSON, or what the tool takes as it stands.
    pub input: Cow<'a, str>,
    /// The result, if the same record brings it.
    pub result: Option<Box<Returned<'a>>>,
}

/// The result of a call.
#[derive(Debug, Default)]
pub(crate) struct Returned<'a> {
    /// The call's id.
    pub of: Option<Cow<'a, str>>,
    pub text: Cow<'a, str>,
    pub failed: bool,
    /// The person declined the call.
    pub declined: bool,
    pub exit: Option<i32>,
    pub took: Option<Duration>,
    /// What changed in a file, as hunks.
    pub hunks: Vec<crate::session::diff::Raw>,
    /// Encoded (base64) images.
    pub images: Vec<Cow<'a, str>>,
}

impl Returned<'_> {
    /// How the call ended.
    pub(crate) fn ended(&self) -> Ended {
        match self.exit {
            _ if self.declined => Ended::Declined,
            _ if self.failed => Ended::Failed,
            None | Some(0) => Ended::Done,
            Some(_) => Ended::Failed,
        }
    }
}

impl<'a> Said<'a> {
    /// Says nothing but one thing.
    pub(crate) fn one(block: Block<'a>) -> Self {
        Self { blocks: vec![block], ..Self::default() }
    }

    /// Adds the agent's words, unless they are blank.
    pub(crate) fn reply(&mut self, text: Cow<'a, str>) {
        if !text.trim().is_empty() {
            self.blocks.push(Block::Reply(text));
        }
    }

    /// Adds thinking, unless it is blank.
    pub(crate) fn thought(&mut self, text: Cow<'a, str>) {
        if !text.trim().is_empty() {
            self.blocks.push(Block::Thinking(text));
        }
    }

    /// Adds the images in a list of the agent's blocks.
    pub(crate) fn shows(&mut self, content: Option<RawValue<'a>>) {
        self.blocks.extend(content.map(pictures).unwrap_or_default().into_iter().map(Block::Image));
    }

    /// Adds what the agent was told besides, unless it is blank.
    pub(crate) fn context(&mut self, what: Private, text: Cow<'a, str>) {
        if !text.trim().is_empty() {
            self.blocks.push(Block::Context(what, text));
        }
    }

    /// Adds a prompt, unless there is nothing in it.
    pub(crate) fn prompt(&mut self, words: Words<'a>) {
        if !words.is_empty() {
            self.blocks.push(Block::Prompt(words));
        }
    }

    /// The encoded images, in order.
    pub(crate) fn images(&self) -> impl Iterator<Item = &Cow<'a, str>> {
        self.blocks.iter().flat_map(Block::images)
    }
}

impl<'a> Block<'a> {
    /// The encoded images in it, in order.
    pub(crate) fn images(&self) -> &[Cow<'a, str>] {
        match self {
            Self::Prompt(words) | Self::Aside(_, words) => &words.images,
            Self::Result(result) => &result.images,
            Self::Image(image) => std::slice::from_ref(image),
            Self::Call(call) => call.result.as_ref().map(|result| &result.images[..]).unwrap_or_default(),
            _ => &[],
        }
    }
}

impl Words<'_> {
    /// Whether there is neither text nor image.
    pub(crate) fn is_empty(&self) -> bool {
        self.text.trim().is_empty() && self.images.is_empty()
    }
}

/// Tokens of a message: the fields of these names, in the order of [`Usage`].
pub(crate) fn usage(tokens: &Obj<'_>, names: [&str; 4]) -> Usage {
    let [input, output, cache_read, cache_write] = names.map(|name| tokens.number(name).unwrap_or(0));
    Usage { input, output, cache_read, cache_write }
}
