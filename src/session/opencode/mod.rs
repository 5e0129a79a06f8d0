//! opencode: what `opencode export` writes, `{info, messages: [{info, parts}]}`; and the storage of older
//! versions, a file per message and per part, which [`joined`] brings into that shape.
//!
//! A person's message is one record. An agent's message may be a whole turn: each of its parts has a place of
//! its own in the index.

mod join;

use std::borrow::Cow;
use std::time::Duration;

use jiff::Timestamp;

use super::agent::{Layout, Likeness};
use super::dialect::{Block, Call, Counted, Dialect, Facts, Returned, Said, Title, Words, picture, pictures};
use super::diff;
use super::fields::{Fields, Table};
use super::json::{Obj, RawValue};
use super::model::Usage;
use super::numbers::numbered_lines;
use super::private::Private;
use super::words;
pub(super) use join::joined;

/// The fields of its records.
static FIELDS: Table = Table::new(|| Fields::of(include_str!("../fields/opencode.txt")));

/// The format.
#[derive(Clone, Copy, Debug)]
pub(super) struct OpenCode;

/// Parts without anything for a reader: what they count is summed up, what they name is shown elsewhere.
const HIDDEN: &[&str] = &["step-start", "step-finish", "snapshot", "patch", "file", "agent"];

impl Dialect for OpenCode {
    fn name(&self) -> &'static str {
        "opencode"
    }

    fn layout(&self) -> Layout {
        Layout::Document { array: "messages", head: Some("info") }
    }

    fn fields(&self) -> Option<&'static Table> {
        Some(&FIELDS)
    }

    fn likeness(&self, record: &Obj<'_>) -> Likeness {
        let has = |key| record.raw(key).is_some();
        let of_session = has("id") && has("directory") && has("time");
        let of_message = has("parts") && record.obj("info").is_some_and(|info| info.raw("role").is_some());
        if of_session || of_message { Likeness::Certain } else { Likeness::Unknown }
    }

    fn read<'a>(&self, record: &Obj<'a>) -> Vec<Said<'a>> {
        match record.text("type") {
            _ if !is_part(record) => message(record),
            Some(kind) => vec![part(&kind, record)],
            // Of an agent's message, read alone: what ended it.
            None if is_failure(record) => vec![failure(record)],
            None => vec![session(record)],
        }
    }
}

/// Whether this is no message.
fn is_part(record: &Obj<'_>) -> bool {
    record.raw("parts").is_none()
}

/// Whether this is what ended a message.
fn is_failure(record: &Obj<'_>) -> bool {
    is_part(record) && record.text("type").is_none() && record.raw("data").is_some()
}

fn time(millis: Option<u64>) -> Option<Timestamp> {
    Timestamp::from_millisecond(i64::try_from(millis?).ok()?).ok()
}

/// A moment of `record`'s `time`.
fn moment(record: &Obj<'_>, key: &str) -> Option<Timestamp> {
    time(record.obj("time")?.number(key))
}

fn session<'a>(info: &Obj<'a>) -> Said<'a> {
    // What it is called before anything was said.
    let title = info.text("title").filter(|title| !title.starts_with("New session - "));
    let facts = Facts {
        version: info.text("version"),
        cwd: info.text("directory"),
        title: title.map(Title::Agent),
        until: moment(info, "updated"),
        ..Facts::default()
    };
    Said { at: moment(info, "created"), facts, ..Said::default() }
}

fn message<'a>(record: &Obj<'a>) -> Vec<Said<'a>> {
    let info = record.obj("info").unwrap_or_default();
    let at = moment(&info, "created");
    let parts = record.list("parts");
    let mut said = match info.text("role").as_deref() {
        Some("user") => vec![person(record, &parts)],
        // What the agent keeps when the context is compacted.
        Some("assistant") if info.flag("summary") => {
            let summary = texts(&parts, |_| true);
            vec![Said::one(Block::Compacted { before: None, after: None, summary: Some(summary) })]
        }
        Some("assistant") => agent(&info, &parts),
        role => {
            let name = format!("message of {}", role.unwrap_or("nobody"));
            vec![Said::one(Block::Unknown(name, info.clone()))]
        }
    };
    said.iter_mut().for_each(|said| said.at = said.at.or(at));
    said
}

/// The texts of parts, one after the other.
fn texts<'a>(parts: &[RawValue<'a>], wanted: impl Fn(&Obj<'a>) -> bool) -> Cow<'a, str> {
    let parts = parts.iter().filter_map(|part| Obj::of(*part));
    let parts = parts.filter(|part| part.text("type").as_deref() == Some("text") && wanted(part));
    let texts = parts.filter_map(|part| part.says("text")).collect();
    words::joined(texts, "\n\n")
}

fn person<'a>(record: &Obj<'a>, parts: &[RawValue<'a>]) -> Said<'a> {
    let mut said = Said::default();
    // The agent puts in what it reads of files that are named, as if the person said it.
    let typed = texts(parts, |part| !part.flag("synthetic") && !part.flag("ignored"));
    let images = record.raw("parts").map(pictures).unwrap_or_default();
    said.context(Private::Injected, texts(parts, |part| part.flag("synthetic")));
    let mut words = Words { text: typed, images };
    for part in parts.iter().filter_map(|part| Obj::of(*part)) {
        match part.text("type").as_deref() {
            Some("subtask") if words.is_empty() => words.text = part.words("prompt"),
            Some("compaction") => {
                said.blocks.push(Block::Compacted { before: None, after: None, summary: None })
            }
            Some("text" | "subtask") => {}
            Some(kind) if HIDDEN.contains(&kind) => {}
            kind => said.blocks.push(Block::Unknown(kind.unwrap_or_default().to_owned(), part)),
        }
    }
    said.prompt(words);
    said
}

fn agent<'a>(info: &Obj<'a>, parts: &[RawValue<'a>]) -> Vec<Said<'a>> {
    let facts = Facts {
        model: info.text("modelID").or_else(|| info.obj("model")?.text("modelID")),
        usage: used(info, parts).map(|usage| (Counted::Record, usage)),
        ..Facts::default()
    };
    let mut whole = Said { facts, ..Said::default() };
    let mut said = Vec::new();
    for raw in parts {
        let Some(object) = Obj::of(*raw) else { continue };
        match object.text("type") {
            Some(kind) if is_part(&object) => said.push(Said { part: Some(*raw), ..part(&kind, &object) }),
            // Read alone it would say something else: it has no place of its own.
            kind => whole.blocks.push(Block::Unknown(kind.unwrap_or_default().into_owned(), object)),
        }
    }
    said.insert(0, whole);
    if let Some(error) = info.raw("error")
        && let Some(object) = Obj::of(error).filter(is_failure)
    {
        said.push(Said { part: Some(error), ..failure(&object) });
    }
    said
}

/// Tokens of all steps of a message; where none is recorded, those of the message, which are its last step's.
fn used(info: &Obj<'_>, parts: &[RawValue<'_>]) -> Option<Usage> {
    let steps = parts.iter().filter_map(|part| Obj::of(*part));
    let steps = steps.filter(|part| part.text("type").as_deref() == Some("step-finish"));
    let of_steps = steps.filter_map(|step| step.obj("tokens")).map(|tokens| counted(&tokens));
    of_steps.reduce(|a, b| a + b).or_else(|| Some(counted(&info.obj("tokens")?)))
}

fn counted(tokens: &Obj<'_>) -> Usage {
    let cache = tokens.obj("cache").unwrap_or_default();
    let number = |of: &Obj<'_>, key| of.number(key).unwrap_or(0);
    Usage {
        input: number(tokens, "input"),
        output: number(tokens, "output").saturating_add(number(tokens, "reasoning")),
        cache_read: number(&cache, "read"),
        cache_write: number(&cache, "write"),
    }
}

/// What an agent's part says.
fn part<'a>(kind: &str, part: &Obj<'a>) -> Said<'a> {
    let mut said = Said::default();
    match kind {
        "text" if !part.flag("ignored") => said.reply(part.words("text")),
        "reasoning" => said.thought(part.words("text")),
        "tool" => said.blocks.push(Block::Call(Box::new(call(part)))),
        "compaction" => said.blocks.push(Block::Compacted { before: None, after: None, summary: None }),
        "retry" => said.blocks.push(Block::Error(words_of(&part.obj("error").unwrap_or_default()))),
        "text" => {}
        "file" => said.blocks.extend(picture(part).map(Block::Image)),
        kind if HIDDEN.contains(&kind) => {}
        kind => said.blocks.push(Block::Unknown(kind.to_owned(), part.clone())),
    }
    let begun = || moment(&part.obj("state")?, "start");
    said.at = moment(part, "start").or_else(begun).or_else(|| moment(part, "created"));
    said
}

/// What ended an agent's message before its time.
fn failure<'a>(error: &Obj<'a>) -> Said<'a> {
    Said::one(match error.text("name").as_deref() {
        Some("MessageAbortedError") => Block::Interrupted,
        _ => Block::Error(words_of(error)),
    })
}

fn words_of<'a>(error: &Obj<'a>) -> Cow<'a, str> {
    let told = error.obj("data").and_then(|data| data.says("message"));
    told.or_else(|| error.says("message")).or_else(|| error.text("name")).unwrap_or_default()
}

fn call<'a>(part: &Obj<'a>) -> Call<'a> {
    let state = part.obj("state").unwrap_or_default();
    let name = part.text("tool").unwrap_or_default();
    let ended = matches!(state.text("status").as_deref(), Some("completed" | "success" | "error"));
    Call {
        id: part.text("callID"),
        result: ended.then(|| Box::new(returned(&name, &state))),
        name,
        input: Cow::Borrowed(state.raw("input").map_or("", RawValue::get)),
    }
}

fn returned<'a>(tool: &str, state: &Obj<'a>) -> Returned<'a> {
    let failed = state.text("status").as_deref() == Some("error");
    let text = if failed { state.says("error") } else { state.says("output") };
    let text = text.unwrap_or_default();
    let told = state.obj("metadata").unwrap_or_default();
    let between = || {
        let (from, to) = (moment(state, "start")?, moment(state, "end")?);
        Duration::try_from(to.duration_since(from)).ok()
    };
    Returned {
        of: None,
        declined: failed && text.starts_with("The user rejected permission"),
        text: if tool == "read" && !failed { numbered_lines(text) } else { text },
        failed,
        exit: told.number("exit").and_then(|code| i32::try_from(code).ok()),
        took: between(),
        hunks: told.text("diff").map(|diff| diff::unified(&diff)).unwrap_or_default(),
        images: state.raw("attachments").map(pictures).unwrap_or_default(),
    }
}
