//! The model as JSON lines: the session first, then a prompt or an item a line, each with the number of its turn.
//! A line needs none before it, so a session is written piece by piece: the head, then a window each.

use serde::Serialize;

use super::views::{HeadView, ItemView, PromptView, item, prompt};
use super::{VERSION, to_string, whole};
use crate::render::export::ExportError;
use crate::session::Session;
use crate::session::model::{Overview, Window, WindowNo};

#[derive(Serialize)]
struct HeadLine<'a> {
    r#type: &'static str,
    #[serde(flatten)]
    head: HeadView<'a>,
}

#[derive(Serialize)]
struct PromptLine<'a> {
    r#type: &'static str,
    turn: u32,
    #[serde(flatten)]
    prompt: PromptView<'a>,
}

#[derive(Serialize)]
struct ItemLine<'a> {
    turn: u32,
    #[serde(flatten)]
    item: ItemView<'a>,
}

/// The first line.
pub(super) fn head(overview: &Overview) -> Result<String, ExportError> {
    Ok(to_string(&HeadLine { r#type: "session", head: HeadView::of(overview, VERSION) })? + "\n")
}

/// The lines of a window; `None` if there is no such window.
pub(super) fn of_window(session: &Session, no: WindowNo) -> Result<Option<String>, ExportError> {
    session.unabridged(no)?.map(|window| lines(session, &window)).transpose()
}

/// The lines of a window, with outputs whole.
pub(super) fn lines(session: &Session, window: &Window) -> Result<String, ExportError> {
    let mut out = String::new();
    for turn in &window.turns {
        if let Some(said) = &turn.prompt {
            let line = PromptLine { r#type: "prompt", turn: turn.no, prompt: prompt(said) };
            out.push_str(&to_string(&line)?);
            out.push('\n');
        }
        for one in &turn.items {
            let whole = whole(session, one)?;
            let line = ItemLine { turn: turn.no, item: item(whole.as_ref().unwrap_or(one), 0) };
            out.push_str(&to_string(&line)?);
            out.push('\n');
        }
    }
    Ok(out)
}
