#![doc = include_str!("FORMAT.md")]

mod lines;
mod tool;
mod views;

use std::io::Write;

use serde::Serialize;

use super::{ExportError, Whole};
use crate::session::Session;
use crate::session::model::{Item, Turn, WindowNo};
use views::{HeadView, item, prompt};

/// See the table above.
const VERSION: u32 = 1;

pub(super) fn write(source: &Whole<'_>, out: &mut dyn Write) -> Result<(), ExportError> {
    let head = to_string(&HeadView::of(&source.overview, VERSION))?;
    // The object stays open for its turns.
    out.write_all(head.strip_suffix('}').unwrap_or(&head).as_bytes())?;
    out.write_all(b",\"turns\":[")?;
    let mut writing = Writing { session: source.session, out, turns: 0, items: 0 };
    source.windows(|window| window.turns.iter().try_for_each(|turn| writing.turn(turn)))?;
    writing.close()?;
    Ok(writing.out.write_all(b"]}\n")?)
}

/// The same as [`write()`], as JSON lines.
pub(super) fn write_lines(source: &Whole<'_>, out: &mut dyn Write) -> Result<(), ExportError> {
    out.write_all(lines::head(&source.overview)?.as_bytes())?;
    source.windows(|window| Ok(out.write_all(lines::lines(source.session, &window)?.as_bytes())?))
}

/// A piece of the JSON lines of a session that is indexed to its end: the first is about the session, each other has
/// the lines of a window. `None` after the last.
pub(super) fn piece(session: &Session, no: u32) -> Result<Option<String>, ExportError> {
    match no.checked_sub(1) {
        None => lines::head(&session.overview()).map(Some),
        Some(window) => lines::of_window(session, window as WindowNo),
    }
}

/// Writes turns item by item: one turn may go over many windows.
struct Writing<'a> {
    session: &'a Session,
    out: &'a mut dyn Write,
    turns: usize,
    items: usize,
}

impl Writing<'_> {
    fn turn(&mut self, turn: &Turn) -> Result<(), ExportError> {
        if !turn.continued || self.turns == 0 {
            self.close()?;
            let comma = if self.turns > 0 { "," } else { "" };
            write!(self.out, "{comma}\n{{\"no\":{}", turn.no)?;
            if let Some(said) = &turn.prompt {
                write!(self.out, ",\"prompt\":{}", to_string(&prompt(said))?)?;
            }
            self.out.write_all(b",\"items\":[")?;
            self.turns += 1;
            self.items = 0;
        }
        turn.items.iter().try_for_each(|item| self.item(item))
    }

    fn item(&mut self, one: &Item) -> Result<(), ExportError> {
        let whole = whole(self.session, one)?;
        let text = to_string(&item(whole.as_ref().unwrap_or(one), 0))?;
        let comma = if self.items > 0 { "," } else { "" };
        self.items += 1;
        Ok(write!(self.out, "{comma}\n{text}")?)
    }

    /// Ends the turn that is open.
    fn close(&mut self) -> Result<(), ExportError> {
        if self.turns > 0 {
            self.out.write_all(b"]}")?;
        }
        Ok(())
    }
}

/// What stands for an item that the window cuts: the step's own reading has its outputs whole.
fn whole(session: &Session, one: &Item) -> Result<Option<Item>, ExportError> {
    let step = match one {
        Item::Step(step) if step.left_out() > 0 => session.step(step.no)?,
        _ => None,
    };
    Ok(step.map(|step| Item::Step(Box::new(step))))
}

/// Views have neither maps nor fallible fields: this fails only if memory does.
fn to_string(view: &impl Serialize) -> Result<String, ExportError> {
    serde_json::to_string(view).map_err(|error| ExportError::Write(error.into()))
}
