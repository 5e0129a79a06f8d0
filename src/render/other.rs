//! A tool without a form of its own: its name or its server, its first words, `key: value` lines of what it was given
//! and of what it answered.

use super::code::Form;
use super::html::Html;
use super::pairs;
use super::phrase;
use super::row::{Row, cmd, said};
use super::scene::Spot;
use super::signs;
use super::step::{LINE, result};
use crate::redact::CleanText;
use crate::session::model::{Outcome, Step, Tool};

/// Characters of a name of a tool or a server.
pub(super) const NAME: usize = 60;
/// Characters that fit into the column of the verbs.
const COLUMN: usize = 9;

/// The row of such a step.
pub(super) fn row(spot: &Spot<'_>, step: &Step) -> Row {
    let mut row = Row::default();
    let Tool::Other { server, object, input, output, told } = &step.tool else { return row };
    let (name, kind) = match server {
        Some(server) => (server, "MCP"),
        None => (&step.name, "Tool"),
    };
    let name = phrase::clip(name.as_str(), NAME);
    if name.chars().nth(COLUMN).is_none() {
        row.verb = Html::of(name);
    } else {
        // A name that does not fit into the column stands before what it was given.
        row.verb = Html::of(kind);
        match server {
            Some(_) => row.what.raw("<span class=\"dir\">").text(name).raw("</span> "),
            None => row.what.html(&cmd(name)),
        };
    }
    if server.is_some() {
        row.what.html(&cmd(phrase::clip(tool_of(step.name.as_str()), NAME)));
    }
    let object = object.as_ref().filter(|object| !object.is_blank());
    let line = object.map(|object| phrase::plain_line(object.as_str(), LINE)).unwrap_or_default();
    if !line.is_empty() {
        row.what.raw(" ").html(&said(&Html::of(&line)));
    }
    if step.outcome == Outcome::Done {
        row.res.raw(signs::OK);
    }
    // What the row says in full is not said again.
    let rest: Vec<(CleanText, CleanText)> = match input.as_slice() {
        [(_, only)] if only.as_str().trim() == line => Vec::new(),
        input => input.to_vec(),
    };
    let mut body = pairs::list(spot, &rest);
    if told.is_empty() {
        body.html(&result(spot, step, output, Form::Terminal).unwrap_or_default());
    } else {
        body.raw("<div class=\"answer\">").html(&pairs::list(spot, told)).raw("</div>");
    }
    row.body = Some(body).filter(|body| !body.is_empty());
    row
}

/// The tool's part of `mcp__server__tool`.
fn tool_of(name: &str) -> &str {
    name.strip_prefix("mcp__").and_then(|rest| rest.split_once("__")).map_or(name, |(_, tool)| tool)
}
