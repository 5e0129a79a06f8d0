//! Where agents keep their sessions: one row per place, and the patterns of the files there.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Where one agent keeps sessions.
#[derive(Debug)]
pub struct Place {
    /// The agent's product name.
    pub agent: &'static str,
    /// Variables that move the place, the first that is set counts, with what lies below their value.
    pub variables: &'static [(&'static str, &'static str)],
    /// Where it is without them.
    pub root: Root,
    /// Paths of sessions below it; `*` stands for any part of one name.
    pub files: &'static [&'static str],
    /// Names that match `files` and are no sessions.
    pub not: &'static [&'static str],
    /// A session is one JSON document, not a line per record: its beginning alone tells nothing.
    pub document: bool,
}

/// The default of a place.
#[derive(Clone, Copy, Debug)]
pub enum Root {
    /// Below the home folder.
    Home(&'static str),
    /// Below `$XDG_DATA_HOME`, by default `~/.local/share`.
    Data(&'static str),
}

/// What a program is started with: its home folder and its variables.
#[derive(Clone, Copy)]
pub struct Surroundings<'a> {
    /// The home folder.
    pub home: &'a Path,
    /// The value of a variable of the environment.
    pub variable: &'a dyn Fn(&str) -> Option<OsString>,
}

impl Surroundings<'_> {
    fn set(&self, name: &str) -> Option<PathBuf> {
        (self.variable)(name).filter(|value| !value.is_empty()).map(PathBuf::from)
    }
}

impl Place {
    /// The folder, for a program started with `surroundings`.
    pub fn folder(&self, surroundings: &Surroundings<'_>) -> PathBuf {
        let moved = self.variables.iter().find_map(|(name, below)| {
            let value = surroundings.set(name)?;
            Some(if below.is_empty() { value } else { value.join(below) })
        });
        moved.unwrap_or_else(|| match self.root {
            Root::Home(below) => surroundings.home.join(below),
            Root::Data(below) => {
                let absolute = surroundings.set("XDG_DATA_HOME").filter(|path| path.is_absolute());
                absolute.unwrap_or_else(|| surroundings.home.join(".local/share")).join(below)
            }
        })
    }
}

/// A place whose sessions are lines.
const fn lines(
    agent: &'static str,
    variables: &'static [(&'static str, &'static str)],
    root: Root,
    files: &'static [&'static str],
) -> Place {
    Place { agent, variables, root, files, not: NEVER, document: false }
}

/// Names that are no sessions anywhere: histories of prompts, indexes, journals, sub-agents.
const NEVER: &[&str] =
    &["agent-*", "history.jsonl", "journal.jsonl", "session_index.jsonl", "sessions-index.json"];

/// All places. Aider is not among them: it writes into each repository, and has no place of its own.
///
/// Sub-agents' folders (`subagents/`) lie deeper than the patterns reach.
pub static PLACES: &[Place] = &[
    lines("Claude Code", &[("CLAUDE_CONFIG_DIR", "")], Root::Home(".claude"), &["projects/*/*.jsonl"]),
    lines(
        "Codex",
        &[("CODEX_HOME", "")],
        Root::Home(".codex"),
        &["sessions/*/*/*/rollout-*.jsonl", "archived_sessions/rollout-*.jsonl"],
    ),
    Place {
        document: true,
        ..lines(
            "Gemini CLI",
            &[("GEMINI_CLI_HOME", ".gemini")],
            Root::Home(".gemini"),
            &["tmp/*/chats/session-*.json"],
        )
    },
    lines(
        "Gemini CLI",
        &[("GEMINI_CLI_HOME", ".gemini")],
        Root::Home(".gemini"),
        &["tmp/*/chats/session-*.jsonl"],
    ),
    lines("Qwen Code", &[("QWEN_HOME", "")], Root::Home(".qwen"), &["projects/*/chats/*.jsonl"]),
    lines("pi", &[("PI_CODING_AGENT_DIR", "")], Root::Home(".pi/agent"), &["sessions/*/*.jsonl"]),
    lines("OpenClaw", &[("OPENCLAW_STATE_DIR", "")], Root::Home(".openclaw"), &["agents/*/sessions/*.jsonl"]),
    lines(
        "Copilot CLI",
        &[("COPILOT_HOME", "")],
        Root::Home(".copilot"),
        &["session-state/*/events.jsonl", "session-state/*.jsonl"],
    ),
    lines("Cursor", &[], Root::Home(".cursor"), &["projects/*/agent-transcripts/*/*.jsonl"]),
    lines("Droid", &[], Root::Home(".factory"), &["sessions/*.jsonl", "sessions/*/*.jsonl"]),
    lines(
        "Kimi CLI",
        &[("KIMI_SHARE_DIR", "")],
        Root::Home(".kimi"),
        &["sessions/*/wire.jsonl", "sessions/*/*/wire.jsonl"],
    ),
    lines(
        "Kimi Code",
        &[("KIMI_CODE_HOME", "")],
        Root::Home(".kimi-code"),
        // The other agents of a session are those that `main` sent.
        &["sessions/*/wire.jsonl", "sessions/*/*/wire.jsonl", "sessions/*/*/agents/main/wire.jsonl"],
    ),
    lines("iFlow", &[], Root::Home(".iflow"), &["projects/*/*.jsonl"]),
    lines("Grok", &[], Root::Home(".grok"), &["sessions/*/*/chat_history.jsonl"]),
    lines("Hermes", &[("HERMES_HOME", "")], Root::Home(".hermes"), &["sessions/*.jsonl"]),
    lines("Goose", &[], Root::Data("goose"), &["sessions/*.jsonl"]),
    Place { document: true, ..lines("Amp", &[], Root::Data("amp"), &["threads/T-*.json"]) },
    Place {
        document: true,
        ..lines("opencode", &[], Root::Data("opencode"), &["storage/session/*/ses_*.json"])
    },
];
