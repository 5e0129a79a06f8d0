//! Factory's Droid: `~/.factory/sessions/<id>.jsonl`, and what `droid exec` prints as `stream-json`.
//!
//! The store has the blocks of Claude Code in an envelope of its own; the stream has one flat record a
//! message, call and result.

use std::borrow::Cow;

use super::agent::Likeness;
use super::dialect::{
    Block, Call, Dialect, Facts, Recorded, Returned, Said, Speaker, Title, Twin, Words, content, result_text,
    said_by, told_exit,
};
use super::fields::{Fields, Table};
use super::json::{self, Obj, RawValue};
use super::private::Private;

/// The fields of its records.
static FIELDS: Table = Table::new(|| Fields::of(include_str!("fields/droid.txt")));

/// The format.
#[derive(Clone, Copy, Debug)]
pub(super) struct Droid;

impl Dialect for Droid {
    fn name(&self) -> &'static str {
        "Droid"
    }

    fn fields(&self) -> Option<&'static Table> {
        Some(&FIELDS)
    }

    fn likeness(&self, record: &Obj<'_>) -> Likeness {
        let has = |key| record.raw(key).is_some();
        match record.text("type").as_deref() {
            Some("session_start") if has("id") => Likeness::Certain,
            Some("message") if has("session_id") && has("role") && has("text") => Likeness::Certain,
            Some("tool_call" | "tool_result") if has("session_id") && has("toolCallId") => Likeness::Certain,
            // pi's messages are like them: its own records tell.
            Some("message")
                if has("id") && record.obj("message").is_some_and(|m| m.raw("role").is_some()) =>
            {
                Likeness::Likely
            }
            _ => Likeness::Unknown,
        }
    }

    fn read<'a>(&self, record: &Obj<'a>) -> Vec<Said<'a>> {
        let kind = record.text("type").unwrap_or_default();
        let mut said = match kind.as_ref() {
            "session_start" => {
                let title = record.text("sessionTitle").or_else(|| record.text("title")).map(Title::Agent);
                let facts = Facts { cwd: record.text("cwd"), title, ..Facts::default() };
                Said { facts, ..Said::default() }
            }
            "message" => match record.obj("message") {
                Some(message) => stored(&message),
                None => streamed(record),
            },
            "tool_call" => Said::one(Block::Call(Box::new(Call {
                id: record.text("toolCallId"),
                name: record.text("toolName").unwrap_or_default(),
                input: Cow::Borrowed(record.raw("parameters").map_or("", RawValue::get)),
                result: None,
            }))),
            "tool_result" => Said::one(Block::Result(Box::new(result(record)))),
            "completion" => spoken(record.words("finalText"), Recorded::Event),
            "error" => Said::one(Block::Error(record.words("message"))),
            "compaction_state" => {
                Said::one(Block::Compacted { before: None, after: None, summary: record.says("summaryText") })
            }
            "todo_state" | "session_end" => Said::default(),
            "system" => match record.text("subtype") {
                None => Said::default(),
                Some(subtype) if subtype == "init" => Said::default(),
                Some(subtype) => Said::one(Block::Unknown(format!("system {subtype}"), record.clone())),
            },
            kind => Said::one(Block::Unknown(kind.to_owned(), record.clone())),
        };
        said.at = record.text("timestamp").and_then(|at| at.parse().ok());
        vec![said]
    }
}

fn stored<'a>(message: &Obj<'a>) -> Said<'a> {
    let mut said = Said::default();
    let Some(raw) = message.raw("content") else { return said };
    let own = |text: Cow<'a, str>| match text.trim_start().starts_with("<system-reminder>") {
        true => Err((Private::Reminder, text)),
        false => Ok(text),
    };
    match message.text("role").as_deref() {
        Some("user") => content(raw, Speaker::Person, &mut said, own),
        Some("assistant") => content(raw, Speaker::Agent, &mut said, Ok),
        Some("system") => said.context(Private::Instructions, result_text(Some(raw))),
        role => said.blocks.push(said_by(role.unwrap_or("nobody"), Some(raw))),
    }
    said.blocks.iter_mut().for_each(exit_in_words);
    said
}

/// The store has no field for a command's exit code, and does not call a result an error: its first line tells.
fn exit_in_words(block: &mut Block<'_>) {
    if let Block::Result(result) = block
        && result.text.starts_with("Error: Command failed (exit code")
    {
        result.exit = result.exit.or_else(|| told_exit(&result.text));
    }
}

fn streamed<'a>(record: &Obj<'a>) -> Said<'a> {
    let text = record.words("text");
    match record.text("role").as_deref() {
        Some("user") => {
            let mut said = Said::default();
            said.prompt(Words { text, images: Vec::new() });
            said
        }
        Some("assistant") => spoken(text, Recorded::Item),
        Some("system") => Said::one(Block::Context(Private::Instructions, text)),
        role => Said::one(said_by(role.unwrap_or("nobody"), record.raw("text"))),
    }
}

/// The agent's words; the last of them are repeated at the end.
fn spoken(text: Cow<'_, str>, how: Recorded) -> Said<'_> {
    let mut said = Said { twin: Some(Twin::of("reply", &text, how)), ..Said::default() };
    said.reply(text);
    said
}

fn result<'a>(record: &Obj<'a>) -> Returned<'a> {
    let value = record.raw("value");
    let object = value.and_then(Obj::of).unwrap_or_default();
    let part = |key| object.words(key);
    let streams = [part("stdout"), part("stderr")];
    let printed = streams.iter().map(|text| text.trim_end()).filter(|text| !text.is_empty());
    let printed = printed.collect::<Vec<_>>().join("\n");
    let whole = || value.map(|value| Cow::Borrowed(value.get())).unwrap_or_default();
    let text = match value.and_then(json::text) {
        Some(text) => text,
        None if object.raw("stdout").is_some() || object.raw("stderr").is_some() => Cow::Owned(printed),
        None => record.obj("error").and_then(|error| error.says("message")).unwrap_or_else(whole),
    };
    Returned {
        of: record.text("toolCallId"),
        text,
        failed: record.flag("isError"),
        exit: object.raw("exitCode").and_then(|code| code.get().parse().ok()),
        ..Returned::default()
    }
}
