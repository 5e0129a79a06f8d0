//! What is on the screen, and what is known of the shares. Pure.

use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

use crate::ipc::protocol::ShareInfo;
use crate::share::Status;

/// How long a notice stays.
const NOTICE_TIME: Duration = Duration::from_secs(6);

/// Everything the view needs.
#[derive(Debug)]
pub struct Model {
    /// Whether the daemon answers.
    pub daemon: Daemon,
    /// The shares, in the daemon's order.
    pub rows: Vec<Row>,
    /// Which of them is chosen; means nothing while there are none.
    pub selected: usize,
    /// What lies over the list.
    pub over: Option<Over>,
    /// The latest thing to say.
    pub notice: Option<Notice>,
    /// The screen.
    pub size: Size,
}

/// Columns and rows of the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Columns.
    pub width: u16,
    /// Rows.
    pub height: u16,
}

/// What is known of the daemon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Daemon {
    /// Nothing yet.
    Asked,
    /// It answers.
    Up,
    /// There is none; the rows are what is recorded.
    Down,
    /// It cannot be talked to, for this reason.
    Unreachable(String),
}

/// One share.
#[derive(Clone, Debug)]
pub struct Row {
    share: ShareInfo,
    /// The daemon tells how long it is until the next attempt once, when the wait begins.
    next_attempt: Option<Timestamp>,
}

/// What takes the keys from the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Over {
    /// The keys.
    Help,
    /// Is this share to be stopped?
    Stop(Named),
    /// A text to read.
    Text(Text),
}

/// A share, by its id and in a person's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// Its id.
    pub id: Uuid,
    /// Its name.
    pub name: String,
}

/// A log or a history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// What it is.
    pub title: String,
    /// Its lines, of any length.
    pub lines: Vec<String>,
    /// How many rows of the screen's are above the first that is seen.
    pub top: usize,
}

/// One line for a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// The words.
    pub text: String,
    /// Something failed.
    pub failed: bool,
    until: Timestamp,
}

/// `text` in lines of at most `width` columns, broken between words where that can be. What is no word (an URL) is
/// never broken at its hyphens: it should be whole, or as whole as it can be.
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let options = textwrap::Options::new(width.max(1)).word_splitter(textwrap::WordSplitter::NoHyphenation);
    textwrap::wrap(text, options).into_iter().map(std::borrow::Cow::into_owned).collect()
}

impl Row {
    /// What was told of a share at `now`.
    pub fn told(share: ShareInfo, now: Timestamp) -> Self {
        let next_attempt =
            share.next_attempt_in.and_then(|secs| now.checked_add(Duration::from_secs(secs)).ok());
        Self { share, next_attempt }
    }

    /// As it was told.
    pub fn share(&self) -> &ShareInfo {
        &self.share
    }

    /// As it is at `now`: the next attempt has come nearer.
    pub fn at(&self, now: Timestamp) -> ShareInfo {
        let left = self.next_attempt.map(|next| next.duration_since(now).as_secs_f64().ceil().max(0.0));
        ShareInfo { next_attempt_in: left.map(|secs| secs as u64), ..self.share.clone() }
    }

    /// Is it not what it should be?
    pub fn troubled(&self) -> bool {
        self.share.status == Status::Error || self.share.live_trouble.is_some()
    }

    /// Whom it names.
    pub fn named(&self) -> Named {
        Named { id: self.share.id, name: self.share.session_name.clone() }
    }
}

impl Notice {
    /// Is it over at `now`?
    pub fn is_over(&self, now: Timestamp) -> bool {
        now >= self.until
    }
}

impl Text {
    /// Its lines as they stand on a screen of this size.
    pub fn wrapped(&self, size: Size) -> Vec<String> {
        self.lines.iter().flat_map(|line| wrap(line, size.width.into())).collect()
    }

    /// How many rows of it are seen at once: a title stands above it, the keys below.
    pub fn page(size: Size) -> usize {
        usize::from(size.height.saturating_sub(2)).max(1)
    }

    /// The greatest `top` that leaves no row empty.
    pub fn last_top(&self, size: Size) -> usize {
        self.wrapped(size).len().saturating_sub(Self::page(size))
    }
}

impl Model {
    /// Before anything is known.
    pub fn new(size: Size) -> Self {
        Self { daemon: Daemon::Asked, rows: Vec::new(), selected: 0, over: None, notice: None, size }
    }

    /// The chosen share.
    pub fn chosen(&self) -> Option<&Row> {
        self.rows.get(self.selected)
    }

    /// Chooses the share at `index`, or the last.
    pub fn choose(&mut self, index: usize) {
        self.selected = index.min(self.rows.len().saturating_sub(1));
    }

    /// Takes these shares in place of what was known; the chosen one stays chosen if it is among them.
    pub fn replace(&mut self, shares: Vec<ShareInfo>, now: Timestamp) {
        let chosen = self.chosen().map(|row| row.share.id);
        self.rows = shares.into_iter().map(|share| Row::told(share, now)).collect();
        let still = self.rows.iter().position(|row| Some(row.share.id) == chosen);
        self.choose(still.unwrap_or(self.selected));
    }

    /// Takes what was told of one share.
    pub fn change(&mut self, share: ShareInfo, now: Timestamp) {
        match self.rows.iter_mut().find(|row| row.share.id == share.id) {
            Some(row) => *row = Row::told(share, now),
            None => self.rows.push(Row::told(share, now)),
        }
    }

    /// Forgets a share; what it was, if it was known.
    pub fn remove(&mut self, id: Uuid) -> Option<Row> {
        let index = self.rows.iter().position(|row| row.share.id == id)?;
        let row = self.rows.remove(index);
        if index < self.selected {
            self.selected -= 1;
        }
        self.choose(self.selected);
        Some(row)
    }

    /// Says something, in place of what was said before.
    pub fn say(&mut self, text: impl Into<String>, failed: bool, now: Timestamp) {
        let until = now.checked_add(NOTICE_TIME).unwrap_or(Timestamp::MAX);
        self.notice = Some(Notice { text: text.into(), failed, until });
    }
}
