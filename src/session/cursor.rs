//! Cursor's agent: `~/.cursor/projects/<folder>/agent-transcripts/<id>/<id>.jsonl`.
//!
//! `{role, message}` and little else: neither times nor ids nor results of tools are recorded there.

use std::borrow::Cow;

use super::agent::Likeness;
use super::dialect::{Block, Dialect, Said, Speaker, content};
use super::fields::{Fields, Table};
use super::json::Obj;
use super::private::Private;

/// The fields of its records.
static FIELDS: Table = Table::new(|| Fields::of(include_str!("fields/cursor.txt")));

/// The format.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor;

impl Dialect for Cursor {
    fn name(&self) -> &'static str {
        "Cursor"
    }

    fn fields(&self) -> Option<&'static Table> {
        Some(&FIELDS)
    }

    fn likeness(&self, record: &Obj<'_>) -> Likeness {
        let role = record.text("role");
        let message = record.obj("message").is_some_and(|message| message.raw("content").is_some());
        let bare = record.0.iter().all(|(key, _)| matches!(key.as_ref(), "role" | "message"));
        match role.as_deref() {
            Some("user" | "assistant") if message && bare => Likeness::Certain,
            Some("user" | "assistant") if message && record.raw("type").is_none() => Likeness::Likely,
            _ => Likeness::Unknown,
        }
    }

    fn read<'a>(&self, record: &Obj<'a>) -> Vec<Said<'a>> {
        let mut said = Said::default();
        let message = record.obj("message").and_then(|message| message.raw("content"));
        match (record.text("role").as_deref(), message, record.text("type").as_deref()) {
            (Some("user"), Some(message), _) => content(message, Speaker::Person, &mut said, words),
            (Some("assistant"), Some(message), _) => content(message, Speaker::Agent, &mut said, Ok),
            (_, _, Some("turn_ended")) => {}
            (role, _, kind) => {
                let name = kind.or(role).unwrap_or_default().to_owned();
                said.blocks.push(Block::Unknown(name, record.clone()));
            }
        }
        vec![said]
    }
}

/// What the person typed: the query, where the editor put context around it.
fn words(text: Cow<'_, str>) -> Result<Cow<'_, str>, (Private, Cow<'_, str>)> {
    let inner = || Some(text.split_once("<user_query>")?.1.split_once("</user_query>")?.0);
    match inner() {
        Some(query) => Ok(Cow::Owned(query.trim().to_owned())),
        None if text.trim_start().starts_with("<system_reminder>") => Err((Private::Reminder, text)),
        None => Ok(text),
    }
}
