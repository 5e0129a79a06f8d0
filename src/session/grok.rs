//! Grok: `~/.grok/sessions/<folder>/<id>/chat_history.jsonl`. What was sent to the model and came back, a
//! message a line, without times.

use std::borrow::Cow;

use super::agent::Likeness;
use super::dialect::{Block, Call, Dialect, Facts, Returned, Said, Words, pictures, result_text};
use super::fields::{Fields, Table};
use super::json::{self, Obj, RawValue};
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

/// Done by the vendor: of what came back only the pages that a search found are recorded, among what it was given.
fn vendors_call<'a>(kind: &Obj<'a>) -> Block<'a> {
    let done = kind.text("status").is_some_and(|status| status == "completed");
    let action = kind.raw("action").map_or("", RawValue::get);
    let searched = Obj::parse(action).filter(|_| done).and_then(|action| {
        let sources = action.raw("sources").filter(|sources| are_pages(*sources))?;
        Some((without(&action, "sources"), format!("Links: {}", sources.get())))
    });
    let (input, text) = match searched {
        Some((input, links)) => (Cow::Owned(input), Cow::Owned(links)),
        None => (Cow::Borrowed(action), Cow::default()),
    };
    Block::Call(Box::new(Call {
        id: None,
        name: kind.text("tool_type").unwrap_or_default(),
        input,
        result: done.then(|| Box::new(Returned { text, ..Returned::default() })),
    }))
}

/// Whether a list of results can show all of this: pages that have a URL, and nothing but a title besides, as texts.
fn are_pages(sources: RawValue<'_>) -> bool {
    let pages: Vec<_> = json::list(sources).into_iter().map(Obj::of).collect();
    let is_page = |page: &Option<Obj<'_>>| {
        page.as_ref().is_some_and(|page| {
            let known = |(key, value): &(Cow<'_, str>, RawValue<'_>)| {
                matches!(key.as_ref(), "type" | "url" | "title") && json::text(*value).is_some()
            };
            page.text("url").is_some_and(|url| !url.is_empty()) && page.0.iter().all(known)
        })
    };
    !pages.is_empty() && pages.iter().all(is_page)
}

/// `object` as JSON, without one field.
fn without(object: &Obj<'_>, field: &str) -> String {
    let rest = object.0.iter().filter(|(key, _)| key != field);
    let rest: Vec<_> =
        rest.map(|(key, value)| format!("{}:{}", serde_json::json!(key), value.get())).collect();
    format!("{{{}}}", rest.join(","))
}
