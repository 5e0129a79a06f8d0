//! GitHub Copilot CLI: `~/.copilot/session-state/<id>/events.jsonl`.
//!
//! Events `{type, data, id, timestamp, parentId}`. A call is requested in the agent's message; that it
//! began is told again, what came of it in an event of its own. A sub-agent's events name the call that
//! sent it.

use std::borrow::Cow;

use super::agent::Likeness;
use super::dialect::{
    Block, Call, Counted, Dialect, Facts, Recorded, Returned, Said, Title, Twin, Words, pictures, result_text,
};
use super::fields::{Fields, Table};
use super::json::{Obj, RawValue};
use super::model::Usage;
use super::private::Private;

/// The fields of its records.
static FIELDS: Table = Table::new(|| Fields::of(include_str!("fields/copilot.txt")));

/// The format.
#[derive(Clone, Copy, Debug)]
pub(super) struct Copilot;

/// Events without anything for a reader that is not said elsewhere, or with what belongs to the person alone.
const HIDDEN: &[&str] = &[
    "assistant.idle",
    "assistant.intent",
    "assistant.message_delta",
    "assistant.message_start",
    "assistant.reasoning_delta",
    "assistant.streaming_delta",
    "assistant.turn_end",
    "assistant.turn_start",
    "assistant.usage",
    "hook.end",
    "hook.progress",
    "hook.start",
    "permission.completed",
    "permission.requested",
    "session.auto_mode_resolved",
    "session.background_tasks_changed",
    "session.binary_asset",
    "session.compaction_start",
    "session.context_changed",
    "session.custom_agents_updated",
    "session.extensions_loaded",
    "session.idle",
    "session.info",
    "session.mcp_server_status_changed",
    "session.mcp_servers_loaded",
    "session.mode_changed",
    "session.permissions_changed",
    "session.plan_changed",
    "session.remote_steerable_changed",
    "session.skills_loaded",
    "session.snapshot_rewind",
    "session.tools_updated",
    "session.usage_checkpoint",
    "session.usage_info",
    "session.warning",
    "session.workspace_file_changed",
    "subagent.completed",
    "subagent.deselected",
    "subagent.failed",
    "subagent.selected",
    "subagent.started",
    "tool.execution_partial_result",
    "tool.execution_progress",
    "tool.execution_start",
];

impl Dialect for Copilot {
    fn name(&self) -> &'static str {
        "Copilot CLI"
    }

    fn fields(&self) -> Option<&'static Table> {
        Some(&FIELDS)
    }

    fn likeness(&self, record: &Obj<'_>) -> Likeness {
        let kind = record.text("type").unwrap_or_default();
        let known = ["session.", "user.message", "assistant.", "tool.execution_"];
        let like = known.iter().any(|start| kind.starts_with(start));
        if like && record.obj("data").is_some() { Likeness::Certain } else { Likeness::Unknown }
    }

    fn read<'a>(&self, record: &Obj<'a>) -> Vec<Said<'a>> {
        let data = record.obj("data").unwrap_or_default();
        let kind = record.text("type").unwrap_or_default();
        let mut said = event(&kind, &data, record);
        said.at = record.text("timestamp").and_then(|at| at.parse().ok());
        said.side = data.text("parentToolCallId");
        vec![said]
    }
}

fn event<'a>(kind: &str, data: &Obj<'a>, record: &Obj<'a>) -> Said<'a> {
    let text = |key| data.words(key);
    let facts = |facts| Said { facts, ..Said::default() };
    match kind {
        "session.start" | "session.resume" => {
            let context = data.obj("context").unwrap_or_default();
            facts(Facts {
                version: data.text("copilotVersion"),
                cwd: context.text("cwd"),
                branch: context.text("branch"),
                model: data.text("selectedModel"),
                ..Facts::default()
            })
        }
        "session.model_change" => facts(Facts { model: data.text("newModel"), ..Facts::default() }),
        "session.title_changed" => {
            facts(Facts { title: data.text("title").map(Title::Agent), ..Facts::default() })
        }
        "session.shutdown" => {
            facts(Facts { usage: data.obj("tokenDetails").map(tokens), ..Facts::default() })
        }
        "session.error" => Said::one(Block::Error(text("message"))),
        "session.truncation" => {
            let before = data.number("preTruncationTokensInMessages");
            let after = data.number("postTruncationTokensInMessages");
            Said::one(Block::Compacted { before, after, summary: None })
        }
        "session.compaction_complete" => Said::one(Block::Compacted {
            before: data.number("preCompactionTokens"),
            after: data.number("postCompactionTokens"),
            summary: data.says("summaryContent"),
        }),
        "user.message" => {
            let mut said = Said::default();
            let images = data.raw("attachments").map(pictures).unwrap_or_default();
            said.prompt(Words { text: text("content"), images });
            said
        }
        "assistant.message" => answer(data),
        "assistant.reasoning" => {
            let text = text("content");
            let mut said =
                Said { twin: Some(Twin::of("thought", &text, Recorded::Event)), ..Said::default() };
            said.thought(text);
            said
        }
        "system.message" => Said::one(Block::Context(Private::Instructions, text("content"))),
        "system.notification" => Said::one(Block::Context(Private::Reminder, text("content"))),
        "skill.invoked" => Said::one(Block::Context(Private::Injected, text("content"))),
        // The person calls a tool themselves.
        "tool.user_requested" => Said::one(Block::Call(Box::new(Call {
            id: data.text("toolCallId"),
            name: text("toolName"),
            input: arguments(data),
            result: None,
        }))),
        "tool.execution_complete" => Said::one(Block::Result(Box::new(result(data)))),
        "abort" => Said::one(Block::Interrupted),
        kind if HIDDEN.contains(&kind) => Said::default(),
        kind => Said::one(Block::Unknown(kind.to_owned(), record.clone())),
    }
}

fn answer<'a>(data: &Obj<'a>) -> Said<'a> {
    let mut said = Said { facts: Facts { model: data.text("model"), ..Facts::default() }, ..Said::default() };
    said.thought(data.words("reasoningText"));
    said.reply(data.words("content"));
    said.shows(data.raw("content"));
    for request in data.list("toolRequests").into_iter().filter_map(Obj::of) {
        said.blocks.push(Block::Call(Box::new(Call {
            id: request.text("toolCallId"),
            name: request.text("name").unwrap_or_default(),
            input: arguments(&request),
            result: None,
        })));
    }
    said
}

/// JSON, or JSON in a string.
fn arguments<'a>(call: &Obj<'a>) -> Cow<'a, str> {
    let raw = || call.raw("arguments").map(|raw| Cow::Borrowed(raw.get()));
    call.text("arguments").or_else(raw).unwrap_or_default()
}

fn result<'a>(data: &Obj<'a>) -> Returned<'a> {
    let result = data.obj("result").unwrap_or_default();
    let error = data.obj("error").and_then(|error| error.says("message"));
    let content = || Some(result_text(result.raw("content"))).filter(|text| !text.is_empty());
    let denied = data.obj("error").and_then(|error| error.text("code"));
    Returned {
        of: data.text("toolCallId"),
        text: content().or(error).unwrap_or_default(),
        failed: data.raw("success").map(RawValue::get) == Some("false"),
        declined: denied.is_some_and(|code| matches!(code.as_ref(), "denied" | "rejected")),
        ..Returned::default()
    }
}

fn tokens(details: Obj<'_>) -> (Counted, Usage) {
    let number = |key| details.obj(key).and_then(|detail| detail.number("tokenCount")).unwrap_or(0);
    let usage = Usage {
        input: number("input"),
        output: number("output"),
        cache_read: number("cache_read"),
        cache_write: number("cache_write"),
    };
    (Counted::Session, usage)
}
