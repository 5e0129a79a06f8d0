#![doc = include_str!("FORMAT.md")]

mod tool;
mod views;

use std::io::Write;

use serde::Serialize;

use super::{ExportError, Whole};
use crate::session::Session;
use crate::session::model::{FileDiff, Item, Output, Step, Tool, Turn};
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
        // A window cuts outputs; the step's own reading has the whole.
        let whole = match one {
            Item::Step(step) if is_cut(step) => self.session.step(step.no)?,
            _ => None,
        };
        let text = match whole {
            Some(step) => to_string(&item(&Item::Step(Box::new(step)), 0))?,
            None => to_string(&item(one, 0))?,
        };
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

/// Views have neither maps nor fallible fields: this fails only if memory does.
fn to_string(view: &impl Serialize) -> Result<String, ExportError> {
    serde_json::to_string(view).map_err(|error| ExportError::Write(error.into()))
}

fn is_cut(step: &Step) -> bool {
    let output = |output: &Output| output.cut();
    let diff = |diff: &FileDiff| diff.omitted > 0;
    match &step.tool {
        Tool::Shell { output: o, .. } | Tool::Other { output: o, .. } => output(o),
        Tool::Read { content: o, .. } | Tool::Fetch { content: o, .. } => output(o),
        Tool::Find { hits: o, .. } => output(o),
        Tool::WebSearch { results: o, .. } => output(o),
        Tool::Agent { report: o, .. } => output(o),
        Tool::Write { diff: d, .. } | Tool::Edit { diff: d, .. } => diff(d),
        Tool::Todo { .. } | Tool::Plan { .. } | Tool::Question { .. } => false,
    }
}
