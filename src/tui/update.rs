//! What follows from a key, or from what the daemon tells. Pure: what is to be done comes back as an [`Effect`].

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use jiff::Timestamp;

use super::model::{Daemon, Model, Named, Over, Size, Text};
use crate::ipc::protocol::{Event, ShareInfo};
use crate::share::Status;
use crate::tunnel::LOCAL;

/// Something happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Msg {
    /// A key was pressed.
    Key(KeyEvent),
    /// The screen has another size.
    Resized(Size),
    /// Time has passed.
    Tick,
    /// The daemon answers; its shares.
    Shares(Vec<ShareInfo>),
    /// The daemon tells of a change.
    Told(Event),
    /// There is no daemon; what is recorded.
    Down(Vec<ShareInfo>),
    /// The daemon cannot be talked to.
    Unreachable(String),
    /// Something was done; one line on it.
    Done(String),
    /// Something failed: what, and what to do.
    Failed(String),
    /// A text that was asked for.
    Text {
        /// What it is.
        title: String,
        /// Its lines.
        lines: Vec<String>,
    },
    /// A signal asks to end.
    End,
}

/// Something is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Something of the daemon's.
    Do(Deed),
    /// Open this URL in a browser.
    Open(String),
    /// Put this text into the clipboard.
    Copy(String),
    /// Stop the process until the shell continues it.
    Suspend,
    /// End.
    Quit,
}

/// What the daemon is asked to do with a share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deed {
    /// Stop it.
    Stop(Named),
    /// Start its tunnel afresh, now.
    Restart(Named),
    /// Fetch its tunnel's log.
    Log(Named),
    /// Fetch its history.
    History(Named),
}

/// Takes `msg` into `model`.
pub fn update(model: &mut Model, msg: Msg, now: Timestamp) -> Option<Effect> {
    match msg {
        Msg::Key(key) => return press(model, key, now),
        Msg::Resized(size) => model.size = size,
        Msg::Tick => {}
        Msg::Shares(shares) => {
            model.daemon = Daemon::Up;
            model.replace(shares, now);
        }
        Msg::Told(event) => told(model, event, now),
        Msg::Down(recorded) => {
            model.daemon = Daemon::Down;
            model.replace(recorded, now);
        }
        // What was known of the shares may be so no more.
        Msg::Unreachable(why) => {
            model.daemon = Daemon::Unreachable(why);
            model.replace(Vec::new(), now);
        }
        Msg::Done(text) => model.say(text, false, now),
        Msg::Failed(text) => model.say(text, true, now),
        // It opens at its end: that is what just happened.
        Msg::Text { title, lines } => {
            let mut text = Text { title, lines, top: 0 };
            text.top = text.last_top(model.size);
            model.over = Some(Over::Text(text));
        }
        Msg::End => return Some(Effect::Quit),
    }
    // A question about a share that is gone asks nothing any more.
    if let Some(Over::Stop(named)) = &model.over
        && !model.rows.iter().any(|row| row.share().id == named.id)
    {
        model.over = None;
    }
    model.notice.take_if(|notice| notice.is_over(now));
    None
}

fn told(model: &mut Model, event: Event, now: Timestamp) {
    match event {
        Event::ShareChanged { share } => model.change(*share, now),
        // What a person is being told now may be why it is over.
        Event::ShareGone { share_id } => {
            if let Some(row) = model.remove(share_id)
                && model.notice.is_none()
            {
                model.say(format!("{} is over", row.share().session_name), false, now);
            }
        }
        // The list is asked for again by who follows the daemon.
        Event::Missed { .. } | Event::Unknown => {}
    }
}

fn press(model: &mut Model, key: KeyEvent, now: Timestamp) -> Option<Effect> {
    if key.modifiers.contains(KeyModifiers::CONTROL) {
        return match key.code {
            KeyCode::Char('c') => Some(Effect::Quit),
            KeyCode::Char('z') => Some(Effect::Suspend),
            _ => None,
        };
    }
    model.notice = None;
    match model.over.take() {
        None => in_list(model, key.code, now),
        Some(Over::Help) => None,
        Some(Over::Stop(named)) => (key.code == KeyCode::Char('y')).then(|| {
            model.say(format!("stopping {}", named.name), false, now);
            Effect::Do(Deed::Stop(named))
        }),
        Some(Over::Text(text)) => {
            model.over = in_text(text, key.code, model.size).map(Over::Text);
            None
        }
    }
}

/// The text as it is seen after a key; `None` if it was left.
fn in_text(mut text: Text, key: KeyCode, size: Size) -> Option<Text> {
    let (page, last) = (Text::page(size), text.last_top(size));
    let top = match key {
        KeyCode::Char('q') | KeyCode::Esc => return None,
        KeyCode::Char('j') | KeyCode::Down => text.top + 1,
        KeyCode::Char('k') | KeyCode::Up => text.top.saturating_sub(1),
        KeyCode::Char(' ') | KeyCode::PageDown => text.top + page,
        KeyCode::PageUp => text.top.saturating_sub(page),
        KeyCode::Char('g') | KeyCode::Home => 0,
        KeyCode::Char('G') | KeyCode::End => last,
        _ => text.top,
    };
    text.top = top.min(last);
    Some(text)
}

fn in_list(model: &mut Model, key: KeyCode, now: Timestamp) -> Option<Effect> {
    let at = model.selected;
    match key {
        KeyCode::Char('q') => return Some(Effect::Quit),
        KeyCode::Char('?') => model.over = Some(Over::Help),
        KeyCode::Char('j') | KeyCode::Down => model.choose(at + 1),
        KeyCode::Char('k') | KeyCode::Up => model.choose(at.saturating_sub(1)),
        KeyCode::PageDown => model.choose(at + PAGE),
        KeyCode::PageUp => model.choose(at.saturating_sub(PAGE)),
        KeyCode::Char('g') | KeyCode::Home => model.choose(0),
        KeyCode::Char('G') | KeyCode::End => model.choose(usize::MAX),
        other => return with_chosen(model, other, now),
    }
    None
}

/// Shares that are passed over by a page key.
const PAGE: usize = 10;

fn with_chosen(model: &mut Model, key: KeyCode, now: Timestamp) -> Option<Effect> {
    let row = model.chosen()?;
    let (named, share) = (row.named(), row.share().clone());
    match key {
        KeyCode::Enter | KeyCode::Char('v') => page(model, &share, now).map(Effect::Open),
        KeyCode::Char('c') => page(model, &share, now).map(Effect::Copy),
        KeyCode::Char('d') => {
            model.over = Some(Over::Stop(named));
            None
        }
        KeyCode::Char('t') => {
            model.say(format!("{} is starting afresh", named.name), false, now);
            Some(Effect::Do(Deed::Restart(named)))
        }
        KeyCode::Char('L') if share.provider_name == LOCAL => {
            model.say("a local share has no tunnel and so no log", false, now);
            None
        }
        KeyCode::Char('L') => Some(Effect::Do(Deed::Log(named))),
        KeyCode::Char('H') => Some(Effect::Do(Deed::History(named))),
        _ => None,
    }
}

/// The URL of a share's page; if there is none at the moment, that is said.
fn page(model: &mut Model, share: &ShareInfo, now: Timestamp) -> Option<String> {
    if share.status == Status::Active {
        return Some(share.public_url.clone());
    }
    model.say(format!("{} has no page at the moment", share.session_name), true, now);
    None
}
