//! pi (`~/.pi/agent/sessions/…/<time>_<id>.jsonl`) and OpenClaw, which writes the same records
//! (`~/.openclaw/agents/<agent>/sessions/*.jsonl`).
//!
//! Version 1 has no ids; since version 2 records form a tree by `parentId`, and file order stays the order
//! of reading. A result is a message of its own.

use super::agent::Likeness;
use super::dialect::{
    Block, Counted, Dialect, Facts, Returned, Said, Speaker, Title, content, pictures, result_text, usage,
};
use super::diff;
use super::fields::{Fields, Table};
use super::json::Obj;
use super::private::Private;
use std::borrow::Cow;

/// The fields of its records.
static FIELDS: Table = Table::new(|| Fields::of(include_str!("fields/pi.txt")));

/// The format, and which of its two products writes it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Pi {
    Pi,
    OpenClaw,
}

/// Records without anything for a reader.
const HIDDEN: &[&str] = &["thinking_level_change", "custom", "label", "leaf"];

impl Dialect for Pi {
    fn name(&self) -> &'static str {
        match self {
            Self::Pi => "pi",
            Self::OpenClaw => "OpenClaw",
        }
    }

    fn fields(&self) -> Option<&'static Table> {
        Some(&FIELDS)
    }

    fn likeness(&self, record: &Obj<'_>) -> Likeness {
        let kind = record.text("type").unwrap_or_default();
        // OpenClaw names itself in its own records; a message may speak of anything.
        let named =
            || record.0.iter().any(|(_, value)| value.get().to_ascii_lowercase().contains("openclaw"));
        let sure = match self {
            Self::Pi => true,
            Self::OpenClaw => kind != "message" && named(),
        };
        let like = match kind.as_ref() {
            "session" => record.raw("id").is_some() && record.raw("cwd").is_some(),
            "model_change" => record.raw("modelId").is_some(),
            "custom" => record.raw("customType").is_some(),
            "thinking_level_change" => record.raw("thinkingLevel").is_some(),
            "message" => record.obj("message").is_some_and(|message| {
                matches!(message.text("role").as_deref(), Some("toolResult" | "bashExecution"))
            }),
            _ => false,
        };
        match (like, sure) {
            (true, true) => Likeness::Certain,
            (true, false) => Likeness::Likely,
            _ => Likeness::Unknown,
        }
    }

    fn read<'a>(&self, record: &Obj<'a>) -> Vec<Said<'a>> {
        let kind = record.text("type").unwrap_or_default();
        let mut said = match kind.as_ref() {
            "session" => {
                let facts =
                    Facts { cwd: record.text("cwd"), model: record.text("modelId"), ..Facts::default() };
                Said { facts, ..Said::default() }
            }
            "model_change" => {
                Said { facts: Facts { model: record.text("modelId"), ..Facts::default() }, ..Said::default() }
            }
            "session_info" => {
                let title = record.text("name").map(Title::Person);
                Said { facts: Facts { title, ..Facts::default() }, ..Said::default() }
            }
            "compaction" | "branch_summary" => Said::one(Block::Compacted {
                before: record.number("tokensBefore"),
                after: None,
                summary: record.says("summary"),
            }),
            "message" | "custom_message" => message(&record.obj("message").unwrap_or_else(|| record.clone())),
            kind if HIDDEN.contains(&kind) => Said::default(),
            kind => Said::one(Block::Unknown(kind.to_owned(), record.clone())),
        };
        said.at = record.text("timestamp").and_then(|at| at.parse().ok());
        vec![said]
    }

    fn is_private(&self, key: &str) -> bool {
        matches!(key, "data" | "details" | "thinkingSignature" | "textSignature")
    }
}

fn message<'a>(message: &Obj<'a>) -> Said<'a> {
    let mut said = Said::default();
    let raw = message.raw("content");
    match message.text("role").as_deref() {
        Some("user") => {
            if let Some(raw) = raw {
                content(raw, Speaker::Person, &mut said, Ok);
            }
        }
        Some("assistant") => {
            said.facts.model = message.text("model");
            said.facts.usage = message.obj("usage").map(|tokens| {
                (Counted::Record, usage(&tokens, ["input", "output", "cacheRead", "cacheWrite"]))
            });
            if let Some(raw) = raw {
                content(raw, Speaker::Agent, &mut said, Ok);
            }
            match message.text("stopReason").as_deref() {
                Some("aborted") => said.blocks.push(Block::Interrupted),
                Some("error") => {
                    let text = message.says("errorMessage").unwrap_or("the service did not answer".into());
                    said.blocks.push(Block::Error(text));
                }
                _ => {}
            }
        }
        Some("toolResult") => said.blocks.push(Block::Result(Box::new(result(message)))),
        Some("bashExecution") => {
            let command = Cow::Owned(format!("!{}", message.words("command")));
            said.blocks.push(Block::Local { command, output: message.words("output") });
        }
        Some("branchSummary" | "compactionSummary") => {
            let summary = message.says("summary");
            let before = message.number("tokensBefore");
            said.blocks.push(Block::Compacted { before, after: None, summary });
        }
        // Messages of extensions to the model.
        Some("custom" | "hookMessage") | None => said.context(Private::Injected, result_text(raw)),
        Some(role) => said.blocks.push(Block::Unknown(format!("message of {role}"), message.clone())),
    }
    said
}

fn result<'a>(message: &Obj<'a>) -> Returned<'a> {
    let raw = message.raw("content");
    let changed = message.obj("details").and_then(|details| details.text("diff"));
    Returned {
        of: message.text("toolCallId"),
        text: result_text(raw),
        failed: message.flag("isError"),
        hunks: changed.map(|changed| diff::numbered(&changed)).unwrap_or_default(),
        images: raw.map(pictures).unwrap_or_default(),
        ..Returned::default()
    }
}
