//! Response items: what was sent to the model, and what came back.

use std::borrow::Cow;

use super::injected::{Voice, voice};
use super::output::returned;
use crate::session::dialect::{Block, Call, Recorded, Returned, Said, Twin, Words, pictures, said_by};
use crate::session::json::{self, Obj, RawValue};
use crate::session::private::Private;
use crate::session::words::{joined, words};

/// Items without anything for a reader.
const HIDDEN: &[&str] = &[
    "ghost_snapshot",
    "compaction",
    "compaction_summary",
    "context_compaction",
    "compaction_trigger",
    "other",
];

/// Whether a bare message has the content of this agent.
pub(super) fn speaks_codex(item: &Obj<'_>) -> bool {
    let first = item.list("content").into_iter().find_map(Obj::of);
    let kind = first.and_then(|block| block.text("type"));
    item.raw("role").is_some() && matches!(kind.as_deref(), Some("input_text" | "output_text"))
}

/// What an item says.
pub(super) fn read<'a>(item: &Obj<'a>) -> Vec<Said<'a>> {
    let kind = item.text("type").unwrap_or_default();
    match kind.as_ref() {
        "message" => vec![message(item)],
        "" if item.raw("role").is_some() => vec![message(item)],
        "reasoning" => reasoning(item),
        // Read alone: a part of reasoning.
        "summary_text" | "reasoning_text" => vec![thought(item)],
        "function_call" => vec![called(item, arguments(item))],
        "custom_tool_call" => vec![called(item, item.words("input"))],
        "tool_search_call" => {
            vec![Said::one(Block::Call(Box::new(call(item, "tool_search".into(), arguments(item)))))]
        }
        "local_shell_call" => {
            let action = item.raw("action").map_or("", RawValue::get);
            vec![Said::one(Block::Call(Box::new(call(item, "shell".into(), action.into()))))]
        }
        "function_call_output" | "custom_tool_call_output" => {
            vec![Said::one(Block::Result(Box::new(returned(item))))]
        }
        // The tools it lists are the person's own affair.
        "tool_search_output" => {
            let result = Returned { of: item.text("call_id"), ..Returned::default() };
            vec![Said::one(Block::Result(Box::new(result)))]
        }
        "web_search_call" => vec![web_search(item)],
        "image_generation_call" => vec![image(item)],
        "agent_message" => vec![between_agents(item)],
        kind if HIDDEN.contains(&kind) => vec![],
        kind => vec![Said::one(Block::Unknown(kind.to_owned(), item.clone()))],
    }
}

fn message<'a>(item: &Obj<'a>) -> Said<'a> {
    let role = item.text("role").unwrap_or_default();
    let content = item.raw("content").or_else(|| item.raw("message"));
    let texts = content.map(texts).unwrap_or_default();
    match role.as_ref() {
        "assistant" => {
            let text = joined(texts, "\n\n");
            let mut said = Said { twin: Some(Twin::of("reply", &text, Recorded::Item)), ..Said::default() };
            said.reply(text);
            said.shows(content);
            said
        }
        "user" => person(texts, content.map(pictures).unwrap_or_default(), Recorded::Item),
        "developer" | "system" => Said::one(Block::Context(Private::Instructions, joined(texts, "\n\n"))),
        role => Said::one(said_by(role, content)),
    }
}

/// What one agent told another. May be encrypted: then nobody can read it.
fn between_agents<'a>(item: &Obj<'a>) -> Said<'a> {
    let text = joined(item.raw("content").map(texts).unwrap_or_default(), "\n\n");
    if text.trim().is_empty() {
        return Said::default();
    }
    let name = |key| item.text(key).unwrap_or("an agent".into());
    let command = format!("message from {} to {}", name("author"), name("recipient"));
    Said::one(Block::Local { command: command.into(), output: text })
}

/// What a person says in `texts`, or what the agent says in their place.
pub(super) fn person<'a>(texts: Vec<Cow<'a, str>>, images: Vec<Cow<'a, str>>, how: Recorded) -> Said<'a> {
    let mut words = Vec::new();
    let mut said = Said::default();
    for text in texts {
        match voice(text) {
            Voice::Words(text) => words.push(text),
            Voice::Own(command, output) => {
                let (command, output) = (Cow::Owned(command), Cow::Owned(output));
                return Said::one(Block::Local { command, output });
            }
            Voice::Interrupted => {
                return Said { twin: Some(Twin::of("aborted", "", how)), ..Said::one(Block::Interrupted) };
            }
            Voice::Context(what, text) => said.context(what, text),
            Voice::Nothing => {}
        }
    }
    let text = joined(words, "\n\n");
    let words = Words { text, images };
    if !words.is_empty() {
        said.twin = Some(Twin::of("prompt", &words.text, how));
        said.prompt(words);
    }
    said
}

/// The texts of a content: a string, or blocks.
fn texts(content: RawValue<'_>) -> Vec<Cow<'_, str>> {
    json::parts(content).into_iter().map(words).filter(|text| !text.trim().is_empty()).collect()
}

/// One thought a part, because each is recorded as an event of its own as well. What is encrypted is for
/// the vendor alone.
fn reasoning<'a>(item: &Obj<'a>) -> Vec<Said<'a>> {
    let summary = item.list("summary");
    let parts = if summary.is_empty() { item.list("content") } else { summary };
    // A thought is read alone when it is shown: what would then pass for something else is none.
    let alone =
        |part: &Obj<'_>| matches!(part.text("type").as_deref(), Some("summary_text" | "reasoning_text"));
    let part = |raw| Some(Said { part: Some(raw), ..thought(&Obj::of(raw).filter(alone)?) });
    let unknown = |raw| {
        let part = Obj::of(raw).filter(|part| !alone(part))?;
        Some(Block::Unknown(format!("thought {}", part.text("type").unwrap_or_default()), part))
    };
    let rest = Said { blocks: parts.iter().copied().filter_map(unknown).collect(), ..Said::default() };
    let rest = Some(rest).filter(|rest| !rest.blocks.is_empty());
    rest.into_iter().chain(parts.into_iter().filter_map(part)).collect()
}

fn thought<'a>(part: &Obj<'a>) -> Said<'a> {
    let text = part.words("text");
    let mut said = Said { twin: Some(Twin::of("thought", &text, Recorded::Item)), ..Said::default() };
    said.thought(text);
    said
}

/// Arguments are JSON in a string; newer versions may write them as they are.
fn arguments<'a>(item: &Obj<'a>) -> Cow<'a, str> {
    let raw = || item.raw("arguments").map(|raw| Cow::Borrowed(raw.get()));
    item.text("arguments").or_else(raw).unwrap_or_default()
}

fn called<'a>(item: &Obj<'a>, input: Cow<'a, str>) -> Said<'a> {
    let name = item.text("name").unwrap_or_default();
    let name = match item.text("namespace").filter(|space| space.starts_with("mcp__")) {
        Some(space) => Cow::Owned(format!("{}__{name}", space.trim_end_matches('_'))),
        None => name,
    };
    Said::one(Block::Call(Box::new(call(item, name, input))))
}

fn call<'a>(item: &Obj<'a>, name: Cow<'a, str>, input: Cow<'a, str>) -> Call<'a> {
    Call { id: item.text("call_id"), name, input, result: None }
}

/// Done by the vendor: what came back is not recorded.
fn web_search<'a>(item: &Obj<'a>) -> Said<'a> {
    let done = item.text("status").is_none_or(|status| status == "completed");
    Said::one(Block::Call(Box::new(Call {
        id: None,
        name: "web_search".into(),
        input: item.raw("action").map_or("", RawValue::get).into(),
        result: done.then(Box::default),
    })))
}

fn image<'a>(item: &Obj<'a>) -> Said<'a> {
    let prompt = item.text("revised_prompt").unwrap_or_default();
    let images: Vec<_> = item.text("result").into_iter().collect();
    let result = (!images.is_empty()).then(|| Box::new(Returned { images, ..Returned::default() }));
    let input = serde_json::json!({ "prompt": prompt }).to_string().into();
    Said::one(Block::Call(Box::new(Call { id: None, name: "image_generation".into(), input, result })))
}
