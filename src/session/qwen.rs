//! Qwen Code: `~/.qwen/projects/<folder>/chats/<id>.jsonl`. The envelope of Claude Code around Gemini's
//! parts.

use std::borrow::Cow;

use super::agent::Likeness;
use super::dialect::{
    Block, Call, Counted, Dialect, Facts, Returned, Said, Words, picture, pictures, said_by,
};
use super::diff;
use super::fields::{Fields, Table};
use super::json::{Obj, RawValue};
use super::model::Usage;
use super::private::Private;
use super::words::{joined, words};

/// The fields of its records.
static FIELDS: Table = Table::new(|| Fields::of(include_str!("fields/qwen.txt")));

/// The format.
#[derive(Clone, Copy, Debug)]
pub(super) struct Qwen;

/// System records without anything for a reader: telemetry, commands of the terminal, checkpoints.
const HIDDEN: &[&str] = &[
    "at_command",
    "attribution_snapshot",
    "custom_title",
    "file_history_snapshot",
    "parent_session",
    "rewind",
    "session_context",
    "slash_command",
    "ui_telemetry",
];

impl Dialect for Qwen {
    fn name(&self) -> &'static str {
        "Qwen Code"
    }

    fn fields(&self) -> Option<&'static Table> {
        Some(&FIELDS)
    }

    fn likeness(&self, record: &Obj<'_>) -> Likeness {
        let parts = record.obj("message").is_some_and(|message| message.raw("parts").is_some());
        let known =
            matches!(record.text("type").as_deref(), Some("user" | "assistant" | "tool_result" | "system"));
        if parts && known && record.raw("uuid").is_some() { Likeness::Certain } else { Likeness::Unknown }
    }

    fn read<'a>(&self, record: &Obj<'a>) -> Vec<Said<'a>> {
        let kind = record.text("type").unwrap_or_default();
        let mut said = Said::default();
        match kind.as_ref() {
            "user" if record.text("subtype").is_some() => said.blocks.push(notice(record)),
            "user" => user(record, &mut said),
            "assistant" => assistant(record, &mut said),
            "tool_result" => said.blocks.extend(results(record)),
            "system" => said.blocks.extend(system(record)),
            kind => said.blocks.push(Block::Unknown(kind.to_owned(), record.clone())),
        }
        said.at = record.text("timestamp").and_then(|at| at.parse().ok());
        said.facts.version = record.text("version");
        said.facts.cwd = record.text("cwd");
        said.facts.branch = record.text("gitBranch");
        vec![said]
    }

    fn is_private(&self, key: &str) -> bool {
        matches!(key, "systemPayload" | "gitBranch")
    }
}

fn parts<'a>(record: &Obj<'a>) -> Vec<Obj<'a>> {
    let message = record.obj("message").unwrap_or_default();
    message.list("parts").into_iter().filter_map(Obj::of).collect()
}

fn user<'a>(record: &Obj<'a>, said: &mut Said<'a>) {
    let mut texts = Vec::new();
    for text in parts(record).iter().filter_map(|part| part.says("text")) {
        // What hooks and the agent itself put beside the words.
        match text.trim_start() {
            own if own.starts_with("<qwen:") => said.context(Private::Hook, text),
            own if own.starts_with("<system-reminder>") => said.context(Private::Reminder, text),
            "" => {}
            _ => texts.push(text),
        }
    }
    let message = record.obj("message").unwrap_or_default();
    let images = message.raw("parts").map(pictures).unwrap_or_default();
    said.prompt(Words { text: joined(texts, "\n\n"), images });
}

/// News of something in the background, and what else is said in the person's name.
fn notice<'a>(record: &Obj<'a>) -> Block<'a> {
    if let Some(text) = record.obj("systemPayload").and_then(|payload| payload.says("displayText")) {
        return Block::Local { command: text, output: Cow::Borrowed("") };
    }
    let parts = record.obj("message").and_then(|message| message.raw("parts"));
    said_by(&format!("user, {}", record.text("subtype").unwrap_or_default()), parts)
}

fn assistant<'a>(record: &Obj<'a>, said: &mut Said<'a>) {
    said.facts = Facts { model: record.text("model"), ..Facts::default() };
    said.facts.usage = record.obj("usageMetadata").map(|tokens| {
        let number = |key| tokens.number(key).unwrap_or(0);
        let cache_read = number("cachedContentTokenCount");
        let input = number("promptTokenCount").saturating_sub(cache_read);
        let output = number("candidatesTokenCount") + number("thoughtsTokenCount");
        (Counted::Record, Usage { input, output, cache_read, cache_write: 0 })
    });
    for part in parts(record) {
        let text = part.says("text");
        match (text, part.obj("functionCall")) {
            (Some(text), _) if part.flag("thought") => said.thought(text),
            (Some(text), _) => said.reply(text),
            (None, Some(call)) => said.blocks.push(Block::Call(Box::new(Call {
                id: call.text("id"),
                name: call.text("name").unwrap_or_default(),
                input: Cow::Borrowed(call.raw("args").map_or("", RawValue::get)),
                result: None,
            }))),
            (None, None) => said.blocks.extend(picture(&part).map(Block::Image)),
        }
    }
}

fn results<'a>(record: &Obj<'a>) -> Vec<Block<'a>> {
    let told = record.obj("toolCallResult").unwrap_or_default();
    let status = told.text("status").unwrap_or_default();
    let display = told.raw("resultDisplay");
    let changed = display.and_then(Obj::of).and_then(|display| display.text("fileDiff"));
    let told = || display.filter(|_| changed.is_none()).map(words);
    let responses = parts(record).into_iter().filter_map(|part| part.obj("functionResponse"));
    let result = |response: Obj<'a>| {
        let given = response.obj("response").unwrap_or_default();
        let error = given.says("error");
        let text = error.clone().or_else(|| given.says("output"));
        Block::Result(Box::new(Returned {
            of: response.text("id"),
            text: text.or_else(told).unwrap_or_default(),
            failed: status == "error" || error.is_some(),
            declined: status == "cancelled",
            hunks: changed.as_deref().map(diff::unified).unwrap_or_default(),
            ..Returned::default()
        }))
    };
    responses.map(result).collect()
}

fn system<'a>(record: &Obj<'a>) -> Option<Block<'a>> {
    let payload = record.obj("systemPayload").unwrap_or_default();
    match record.text("subtype").as_deref() {
        Some("chat_compression") => {
            let info = payload.obj("info").unwrap_or_default();
            Some(Block::Compacted {
                before: info.number("originalTokenCount"),
                after: info.number("newTokenCount"),
                summary: None,
            })
        }
        None => None,
        Some(subtype) if HIDDEN.contains(&subtype) => None,
        Some(subtype) => Some(Block::Unknown(format!("system {subtype}"), record.clone())),
    }
}
