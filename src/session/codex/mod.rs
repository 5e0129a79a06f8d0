//! Codex: `~/.codex/sessions/YYYY/MM/DD/rollout-….jsonl`.
//!
//! Since about 0.32 each line is an envelope `{timestamp, type, payload}`; before, the payload stood bare.
//! What is said is recorded twice, as an [`item`] that was sent to the model or came from it, and as an
//! [`event`] for the terminal: the one that comes first is shown. What the agent put into the person's
//! mouth is told from what they said in [`injected`]. Tool results are taken apart in [`output`].

mod event;
mod injected;
mod item;
mod names;
mod output;

use std::borrow::Cow;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::agent::Likeness;
use super::dialect::{Block, Counted, Dialect, Facts, Said, Title, Twin};
use super::fields::{Fields, Table};
use super::json::Obj;
use super::model::Usage;
use super::private::Private;

/// The fields of its records.
static FIELDS: Table = Table::new(|| Fields::of(include_str!("../fields/codex.txt")));

/// The format.
#[derive(Clone, Copy, Debug)]
pub(super) struct Codex;

/// Records without anything for a reader, or with what belongs to the person alone.
const HIDDEN: &[&str] = &["world_state", "inter_agent_communication_metadata", "inter_agent_communication"];

impl Dialect for Codex {
    fn name(&self) -> &'static str {
        "Codex"
    }

    fn fields(&self) -> Option<&'static Table> {
        Some(&FIELDS)
    }

    fn name_place(&self, path: &Path) -> Option<(PathBuf, String)> {
        names::place(path)
    }

    fn names(&self, file: &Path) -> HashMap<String, String> {
        names::names(file)
    }

    fn likeness(&self, record: &Obj<'_>) -> Likeness {
        let kind = record.text("type").unwrap_or_default();
        let enveloped = record.obj("payload").is_some() && record.raw("timestamp").is_some();
        match kind.as_ref() {
            "session_meta" | "response_item" | "event_msg" | "turn_context" if enveloped => Likeness::Certain,
            "compacted" | "world_state" if enveloped => Likeness::Likely,
            "message" if item::speaks_codex(record) => Likeness::Certain,
            "" if record.raw("record_type").is_some() => Likeness::Likely,
            "" if record.raw("instructions").is_some() && record.raw("git").is_some() => Likeness::Likely,
            _ => Likeness::Unknown,
        }
    }

    fn torn_likeness(&self, line: &[u8]) -> Likeness {
        let says = |word: &str| memchr::memmem::find(line, word.as_bytes()).is_some();
        let meta = says("\"session_meta\"") && says("\"payload\":");
        if meta { Likeness::Likely } else { Likeness::Unknown }
    }

    fn read<'a>(&self, record: &Obj<'a>) -> Vec<Said<'a>> {
        let at = record.text("timestamp").and_then(|at| at.parse().ok());
        let kind = record.text("type").unwrap_or_default();
        let payload = record.obj("payload");
        let mut said = match (kind.as_ref(), payload) {
            ("session_meta", Some(payload)) => vec![meta(&payload)],
            ("turn_context", Some(payload)) => vec![context(&payload)],
            ("response_item", Some(payload)) => item::read(&payload),
            ("event_msg", Some(payload)) => vec![event::read(&payload)],
            ("compacted", Some(payload)) => vec![compacted(&payload)],
            (kind, _) if HIDDEN.contains(&kind) => vec![],
            ("", None) if record.raw("role").is_none() => vec![bare_meta(record)],
            _ => item::read(record),
        };
        said.iter_mut().for_each(|said| said.at = at);
        said
    }

    fn is_private(&self, key: &str) -> bool {
        matches!(
            key,
            "replacement_history" | "user_instructions" | "dynamic_tools" | "ghost_commit" | "turn_id"
        )
    }
}

fn meta<'a>(payload: &Obj<'a>) -> Said<'a> {
    let git = payload.obj("git").unwrap_or_default();
    let by_agent = payload.obj("source").is_some_and(|source| source.raw("subagent").is_some());
    let facts = Facts {
        version: payload.text("cli_version"),
        cwd: payload.text("cwd"),
        branch: git.text("branch"),
        // The records of the thread that a fork begins with have another such record before them.
        sub_agent: Some(by_agent || payload.text("thread_source").as_deref() == Some("subagent")),
        ..Facts::default()
    };
    let mut said = Said { facts, ..Said::default() };
    let base = payload.obj("base_instructions").and_then(|base| base.says("text"));
    said.context(Private::Instructions, base.or_else(|| payload.says("instructions")).unwrap_or_default());
    said
}

/// The first line before there were envelopes, and its `record_type`s, which say nothing.
fn bare_meta<'a>(record: &Obj<'a>) -> Said<'a> {
    let branch = record.obj("git").and_then(|git| git.text("branch"));
    let mut said = Said { facts: Facts { branch, ..Facts::default() }, ..Said::default() };
    said.context(Private::Instructions, record.words("instructions"));
    said
}

fn context<'a>(payload: &Obj<'a>) -> Said<'a> {
    let facts = Facts { cwd: payload.text("cwd"), model: payload.text("model"), ..Facts::default() };
    Said { facts, ..Said::default() }
}

fn compacted<'a>(payload: &Obj<'a>) -> Said<'a> {
    let summary = payload.says("message").filter(|text| !text.trim().is_empty());
    Said {
        twin: Some(Twin::of("compacted", "", super::dialect::Recorded::Item)),
        ..Said::one(Block::Compacted { before: None, after: None, summary })
    }
}

/// Tokens of the session so far. What came from the cache is counted in the input as well.
fn tokens<'a>(info: &Obj<'a>) -> Facts<'a> {
    let Some(total) = info.obj("total_token_usage") else { return Facts::default() };
    let number = |key| total.number(key).unwrap_or(0);
    let cache_read = number("cached_input_tokens");
    let input = number("input_tokens").saturating_sub(cache_read);
    let usage = Usage { input, output: number("output_tokens"), cache_read, cache_write: 0 };
    Facts { usage: Some((Counted::Session, usage)), ..Facts::default() }
}

fn titled(name: Option<Cow<'_, str>>) -> Facts<'_> {
    Facts { title: name.map(Title::Person), ..Facts::default() }
}
