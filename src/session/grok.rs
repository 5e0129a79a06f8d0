//! Grok: `~/.grok/sessions/<folder>/<id>/chat_history.jsonl`. What was sent to the model and came back, a
//! message a line, without times.

use std::borrow::Cow;

use super::agent::Likeness;
use super::dialect::{Block, Call, Dialect, Facts, Returned, Said, Words, pictures, result_text};
use super::fields::{Fields, Table};
use super::json::{Obj, RawValue};
use super::private::Private;
use super::words::words;

/// The fields of its records.
static FIELDS: Table = Table::new(|| Fields::of(include_str!("fields/grok.txt")));

/// The format.
#[derive(Clone, Copy, Debug)]
pub(super) struct Grok;

impl Dialect for Grok {
    fn name(&self) -> &'static str {
        "Grok"
    }

    fn fields(&self) -> Option<&'static Table> {
        Some(&FIELDS)
    }

    fn likeness(&self, record: &Obj<'_>) -> Likeness {
        let has = |key| record.raw(key).is_some();
        if has("timestamp") || has("message") || has("payload") || !has("content") {
            return Likeness::Unknown;
        }
        match record.text("type").as_deref() {
            Some("assistant") if has("tool_calls") && has("model_id") => Likeness::Certain,
            Some("tool_result") if has("tool_call_id") => Likeness::Certain,
            Some("user") if has("prompt_index") || has("synthetic_reason") => Likeness::Likely,
            _ => Likeness::Unknown,
        }
    }

    fn read<'a>(&self, record: &Obj<'a>) -> Vec<Said<'a>> {
        let mut said = Said::default();
        match record.text("type").unwrap_or_default().as_ref() {
            // Instructions, and what the program says in the person's place.
            "system" => said.context(Private::Instructions, result_text(record.raw("content"))),
            "user" if record.raw("synthetic_reason").is_some() => {
                said.context(Private::Environment, result_text(record.raw("content")));
            }
            "user" => {
                let images = record.raw("content").map(pictures).unwrap_or_default();
                said.prompt(Words { text: result_text(record.raw("content")), images });
            }
            "assistant" => answer(record, &mut said),
            "reasoning" => {
                let parts: Vec<_> = record.list("summary").into_iter().map(words).collect();
                said.thought(Cow::Owned(parts.join("\n\n")));
            }
            "tool_result" => said.blocks.push(Block::Result(Box::new(Returned {
                of: record.text("tool_call_id"),
                text: result_text(record.raw("content")),
                images: record.raw("content").map(pictures).unwrap_or_default(),
                ..Returned::default()
            }))),
            "backend_tool_call" => said.blocks.extend(record.obj("kind").map(|kind| vendors_call(&kind))),
            kind => said.blocks.push(Block::Unknown(kind.to_owned(), record.clone())),
        }
        vec![said]
    }
}

fn answer<'a>(record: &Obj<'a>, said: &mut Said<'a>) {
    said.facts = Facts { model: record.text("model_id"), ..Facts::default() };
    said.reply(result_text(record.raw("content")));
    said.shows(record.raw("content"));
    for call in record.list("tool_calls").into_iter().filter_map(Obj::of) {
        let raw = || call.raw("arguments").map(|raw| Cow::Borrowed(raw.get()));
        said.blocks.push(Block::Call(Box::new(Call {
            id: call.text("id"),
            name: call.text("name").unwrap_or_default(),
            // JSON in a string.
            input: call.text("arguments").or_else(raw).unwrap_or_default(),
            result: None,
        })));
    }
}

/// Done by the vendor: what came back is not recorded.
fn vendors_call<'a>(kind: &Obj<'a>) -> Block<'a> {
    let done = kind.text("status").is_some_and(|status| status == "completed");
    Block::Call(Box::new(Call {
        id: None,
        name: kind.text("tool_type").unwrap_or_default(),
        input: kind.raw("action").map_or("", RawValue::get).into(),
        result: done.then(Box::default),
    }))
}
