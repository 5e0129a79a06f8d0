//! Gemini CLI: `~/.gemini/tmp/<project>/chats/session-….json`, one object with an array of messages; since
//! about 0.40 `.jsonl`, one message a line, where a message may be written again when more of it is known.
//!
//! A call stands in its message with its result, and has a place of its own in the index.

use std::borrow::Cow;

use super::agent::{Layout, Likeness};
use super::dialect::{
    Block, Call, Counted, Dialect, Facts, Returned, Said, Title, Words, pictures, result_text,
};
use super::diff;
use super::fields::{Fields, Table};
use super::index::hash;
use super::json::{self, Obj, RawValue};
use super::model::Usage;
use super::words::{joined, words};

/// The fields of its records.
static FIELDS: Table = Table::new(|| Fields::of(include_str!("fields/gemini.txt")));

/// The format, and how its messages lie in the file.
#[derive(Clone, Copy, Debug)]
pub(super) enum Gemini {
    Document,
    Lines,
}

impl Dialect for Gemini {
    fn name(&self) -> &'static str {
        "Gemini CLI"
    }

    fn layout(&self) -> Layout {
        match self {
            Self::Document => Layout::Document { array: "messages", head: None },
            Self::Lines => Layout::Lines,
        }
    }

    fn fields(&self) -> Option<&'static Table> {
        Some(&FIELDS)
    }

    fn likeness(&self, record: &Obj<'_>) -> Likeness {
        let has = |key| record.raw(key).is_some();
        match record.text("type").as_deref() {
            _ if has("messages") || has("uuid") || has("payload") => Likeness::Unknown,
            Some("gemini") if has("id") && has("content") => Likeness::Certain,
            Some("user" | "info" | "warning" | "error")
                if has("id") && has("content") && has("timestamp") =>
            {
                Likeness::Likely
            }
            None if has("sessionId") && has("projectHash") => Likeness::Certain,
            _ => Likeness::Unknown,
        }
    }

    fn read<'a>(&self, record: &Obj<'a>) -> Vec<Said<'a>> {
        let kind = record.text("type");
        let mut said = match kind.as_deref() {
            Some("user") => vec![user(record)],
            Some("gemini") => answer(record),
            Some("error") => vec![Said::one(Block::Error(text(record.raw("content"))))],
            Some("info") if text(record.raw("content")).starts_with("Request cancelled") => {
                vec![Said::one(Block::Interrupted)]
            }
            // News for the terminal, the only trace of what happened beside the conversation.
            Some("info" | "warning") => {
                let command = text(record.raw("content"));
                vec![Said::one(Block::Local { command, output: Cow::Borrowed("") })]
            }
            // A call read alone.
            None if is_call(record) => vec![called(record)],
            None if record.raw("sessionId").is_some() || record.raw("$set").is_some() => vec![titled(record)],
            None if record.raw("$rewindTo").is_some() => vec![],
            kind => vec![Said::one(Block::Unknown(kind.unwrap_or_default().to_owned(), record.clone()))],
        };
        let at = record.text("timestamp").and_then(|at| at.parse().ok());
        said.iter_mut().for_each(|said| said.at = said.at.or(at));
        said
    }
}

fn titled<'a>(record: &Obj<'a>) -> Said<'a> {
    let set = record.obj("$set").unwrap_or_else(|| record.clone());
    let title = set.text("summary").map(Title::Agent);
    Said { facts: Facts { title, ..Facts::default() }, ..Said::default() }
}

fn key(record: &Obj<'_>, part: &str) -> Option<u64> {
    record.text("id").map(|id| hash(&format!("{part} {id}")))
}

/// A string, or parts. Of calls and their results the record has lists of its own.
fn text(content: Option<RawValue<'_>>) -> Cow<'_, str> {
    let Some(content) = content.filter(|content| content.get().starts_with('[')) else {
        return result_text(content);
    };
    let is_call =
        |part: &Obj<'_>| ["functionCall", "functionResponse"].iter().any(|key| part.raw(key).is_some());
    let parts =
        json::list(content).into_iter().filter(|part| !Obj::of(*part).is_some_and(|part| is_call(&part)));
    joined(parts.map(words).filter(|text| !text.is_empty()).collect(), "\n")
}

fn user<'a>(record: &Obj<'a>) -> Said<'a> {
    let content = record.raw("content");
    // What was typed; the content may hold the files it names as well.
    let typed = record.raw("displayContent").map(|typed| text(Some(typed))).filter(|t| !t.trim().is_empty());
    let images = content.map(pictures).unwrap_or_default();
    let mut said = Said { once: key(record, "user"), ..Said::default() };
    said.prompt(Words { text: typed.unwrap_or_else(|| text(content)), images });
    said
}

fn answer<'a>(record: &Obj<'a>) -> Vec<Said<'a>> {
    let usage = record.obj("tokens").map(|tokens| {
        let number = |key| tokens.number(key).unwrap_or(0);
        let cache_read = number("cached");
        let input = number("input").saturating_sub(cache_read);
        let usage =
            Usage { input, output: number("output") + number("thoughts"), cache_read, cache_write: 0 };
        (key(record, "tokens").map_or(Counted::Record, Counted::Message), usage)
    });
    let facts = Facts { model: record.text("model"), usage, ..Facts::default() };
    let mut said = Said { facts, ..Said::default() };
    for thought in record.list("thoughts").into_iter().filter_map(Obj::of) {
        let part = |key| thought.words(key);
        let (subject, description) = (part("subject"), part("description"));
        said.thought(if subject.trim().is_empty() {
            description
        } else {
            Cow::Owned(format!("**{}**\n\n{}", subject.trim(), description.trim()))
        });
    }
    said.reply(text(record.raw("content")));
    said.shows(record.raw("content"));
    if !said.blocks.is_empty() {
        said.once = key(record, "gemini");
    }
    // A call is read alone when it is shown: what would then pass for a message is none.
    let alone = |call: &Obj<'_>| call.text("type").is_none() && is_call(call);
    let call = |raw| Some(Said { part: Some(raw), ..called(&Obj::of(raw).filter(alone)?) });
    let calls = record.list("toolCalls").into_iter().filter_map(call);
    std::iter::once(said).chain(calls).collect()
}

fn is_call(record: &Obj<'_>) -> bool {
    record.raw("name").is_some() && (record.raw("args").is_some() || record.raw("status").is_some())
}

fn called<'a>(call: &Obj<'a>) -> Said<'a> {
    let status = call.text("status").unwrap_or_default();
    let result = (status != "executing" && (call.raw("result").is_some() || !status.is_empty()))
        .then(|| Box::new(result(call, &status)));
    let block = Block::Call(Box::new(Call {
        id: call.text("id"),
        name: call.text("name").unwrap_or_default(),
        input: Cow::Borrowed(call.raw("args").map_or("", RawValue::get)),
        result,
    }));
    Said {
        once: key(call, "call"),
        at: call.text("timestamp").and_then(|at| at.parse().ok()),
        ..Said::one(block)
    }
}

fn result<'a>(call: &Obj<'a>, status: &str) -> Returned<'a> {
    let response = call.list("result").into_iter().find_map(|part| {
        let response = Obj::of(part)?.obj("functionResponse")?;
        response.obj("response")
    });
    let error = response.as_ref().and_then(|response| response.says("error"));
    let output = response.as_ref().and_then(|response| response.says("output"));
    let display = call.raw("resultDisplay");
    let shown = display.and_then(json::text).filter(|text| !text.trim().is_empty());
    let changed = display.and_then(Obj::of).and_then(|display| display.text("fileDiff"));
    let told = || display.filter(|_| changed.is_none()).map(words).unwrap_or_default();
    let exit = output.as_deref().and_then(exit_code);
    let text = match (error.clone(), output) {
        (Some(error), _) => error,
        (None, Some(output)) if output.starts_with("Command: ") || output.starts_with("Output: ") => {
            shown.unwrap_or_else(|| Cow::Owned(printed(&output).to_owned()))
        }
        (None, output) => output.or(shown).unwrap_or_else(told),
    };
    Returned {
        of: call.text("id"),
        text,
        failed: status == "error" || error.is_some(),
        declined: status == "cancelled",
        exit,
        hunks: changed.as_deref().map(diff::unified).unwrap_or_default(),
        images: call.raw("result").map(pictures).unwrap_or_default(),
        ..Returned::default()
    }
}

/// What a command printed, in the report the model gets.
fn printed(report: &str) -> &str {
    let start =
        report.strip_prefix("Output: ").or_else(|| report.split_once("\nOutput: ").map(|(_, rest)| rest));
    let output = start.unwrap_or_default();
    let ends = ["\nError: ", "\nExit Code: ", "\nSignal: ", "\nBackground PIDs: ", "\nProcess Group PGID: "];
    let end = ends.iter().filter_map(|end| output.find(end)).min().unwrap_or(output.len());
    match output.get(..end).unwrap_or_default() {
        "(empty)" => "",
        printed => printed,
    }
}

fn exit_code(report: &str) -> Option<i32> {
    let line = report.lines().rev().take(6).find_map(|line| line.strip_prefix("Exit Code: "))?;
    line.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_that_call_or_answer_say_nothing_and_unknown_ones_say_what_they_hold() {
        let content = r#"[{"text":"a"},{"functionCall":{"name":"x"}},{"functionResponse":{"name":"x"}},
            {"inlineData":{"data":"AAAA"}},{"brandNew":"b"}]"#;
        assert_eq!(text(RawValue::of(content)), "a\n{brandNew: b}");
        assert_eq!(text(RawValue::of("\"words\"")), "words");
        assert_eq!(text(None), "");
    }

    #[test]
    fn a_report_of_a_command_is_taken_apart() {
        let report = "Command: ls\nDirectory: (root)\nOutput: a\nb\nError: (none)\nExit Code: 2\nSignal: 0";
        assert_eq!((printed(report), exit_code(report)), ("a\nb", Some(2)));
        assert_eq!(printed("Command: x\nOutput: (empty)\nError: (none)"), "");
        assert_eq!(printed("Output: a/\nProcess Group PGID: 1"), "a/");
    }
}
