//! Real files, if they are there: what is read of them is compared with a plain reading by `serde_json`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::retold::{read, read_source};
use crate::session::Session;
use crate::session::model::{Item, Outcome};
use crate::session::tests::{assert_ends_agree, turns};

/// What a session holds, counted by text: prompts and replies; and how many calls and results.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Content {
    pub prompts: Vec<String>,
    pub replies: Vec<String>,
    pub thoughts: Vec<String>,
    pub steps: usize,
    pub with_result: usize,
}

pub(super) fn root(agent: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("target/corpus").join(agent)
}

pub(super) fn corpus(agent: &str) -> Vec<PathBuf> {
    files(&root(agent))
}

/// The files below a folder that may be sessions.
pub(super) fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut waiting = vec![folder.to_owned()];
    while let Some(path) = waiting.pop() {
        if let Ok(folder) = fs::read_dir(&path) {
            waiting.extend(folder.map(|entry| entry.unwrap().path()));
        } else if path.extension().is_some_and(|e| e == "jsonl" || e == "json" || e == "md") {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// All objects in a file, however they are laid out.
pub(super) fn records(bytes: &[u8]) -> Vec<Value> {
    serde_json::Deserializer::from_slice(bytes).into_iter().map(Result::unwrap).collect()
}

fn shown(session: &Session) -> (&'static str, Content) {
    let mut content = Content::default();
    for turn in turns(session) {
        content.prompts.extend(turn.prompt.map(|prompt| prompt.text.to_string()));
        for item in &turn.items {
            match item {
                Item::Reply { text, .. } => content.replies.push(text.to_string()),
                Item::Thinking { text, .. } => content.thoughts.push(text.to_string()),
                Item::Step(step) => {
                    content.steps += 1;
                    content.with_result += usize::from(step.outcome != Outcome::Open);
                }
                _ => {}
            }
        }
    }
    (session.agent(), content)
}

/// Compares without regard to order, and with secrets masked on both sides.
#[track_caller]
pub(super) fn compare(path: &Path, agent: &str, wanted: Content) {
    compare_with(path, agent, wanted, shown(&read(&fs::read(path).unwrap()).unwrap()));
}

#[track_caller]
fn compare_with(path: &Path, agent: &str, wanted: Content, (found, content): (&str, Content)) {
    assert_ne!(wanted, Content::default(), "{} holds nothing", path.display());
    let cleaner = crate::redact::Cleaner::new();
    let sorted = |mut texts: Vec<String>| {
        texts = texts
            .iter()
            .map(|text| cleaner.text(text.trim()).to_string())
            .filter(|t| !t.is_empty())
            .collect();
        texts.sort();
        texts
    };
    assert_eq!(found, agent, "{}", path.display());
    let show = path.display();
    assert_eq!(sorted(content.prompts), sorted(wanted.prompts), "prompts of {show}");
    assert_eq!(sorted(content.replies), sorted(wanted.replies), "replies of {show}");
    assert_eq!(sorted(content.thoughts), sorted(wanted.thoughts), "thoughts of {show}");
    assert_eq!(content.steps, wanted.steps, "steps of {show}");
    assert_eq!(content.with_result, wanted.with_result, "results of {show}");
}

pub(super) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// Texts of blocks of one of these types, under the key that bears the type's name or `text`.
pub(super) fn blocks<'a>(content: &'a Value, kind: &'a str) -> impl Iterator<Item = &'a Value> + 'a {
    content.as_array().into_iter().flatten().filter(move |block| block["type"] == kind)
}

#[test]
fn rollouts_of_codex_are_shown_once_and_whole() {
    for path in corpus("codex").iter().filter(|path| path.to_string_lossy().contains("rollout-")) {
        let records = records(&fs::read(path).unwrap());
        let payloads =
            |kind: &'static str| records.iter().filter(move |r| r["type"] == kind).map(|r| &r["payload"]);
        let events = |kind: &'static str| payloads("event_msg").filter(move |p| p["type"] == kind);
        let items = |kind: &'static str| payloads("response_item").filter(move |p| p["type"] == kind);
        // Either recording may lack something the other has: the larger count of each text is what there is.
        let union = |a: Vec<String>, b: Vec<String>| {
            let mut counts: BTreeMap<String, (usize, usize)> = BTreeMap::new();
            a.into_iter().for_each(|text| counts.entry(text.trim().to_owned()).or_default().0 += 1);
            b.into_iter().for_each(|text| counts.entry(text.trim().to_owned()).or_default().1 += 1);
            counts.into_iter().flat_map(|(text, (a, b))| vec![text; a.max(b)]).collect::<Vec<_>>()
        };
        let said =
            items("message").filter(|p| p["role"] == "assistant").map(|p| text(&p["content"][0]["text"]));
        let summaries = items("reasoning")
            .flat_map(|p| p["summary"].as_array().into_iter().flatten().map(|s| text(&s["text"])));
        let outputs = items("function_call_output").chain(items("custom_tool_call_output"));
        let answered: Vec<&Value> = outputs.map(|p| &p["call_id"]).collect();
        let mut wanted = Content {
            prompts: events("user_message").map(|p| text(&p["message"])).collect(),
            replies: union(said.collect(), events("agent_message").map(|p| text(&p["message"])).collect()),
            thoughts: union(
                summaries.collect(),
                events("agent_reasoning").map(|p| text(&p["text"])).collect(),
            ),
            ..Content::default()
        };
        for call in items("function_call").chain(items("custom_tool_call")) {
            let patch = text(&call["input"]);
            let files = patch.lines().filter(|line| {
                ["*** Add File: ", "*** Update File: ", "*** Delete File: "]
                    .iter()
                    .any(|h| line.starts_with(h))
            });
            let steps = files.count().max(1);
            wanted.steps += steps;
            wanted.with_result += if answered.contains(&&call["call_id"]) { steps } else { 0 };
        }
        compare(path, "Codex", wanted);
    }
}

#[test]
fn sessions_of_pi_are_shown_once_and_whole() {
    for path in corpus("pi") {
        let records = records(&fs::read(&path).unwrap());
        let messages =
            |role: &'static str| records.iter().map(|r| &r["message"]).filter(move |m| m["role"] == role);
        let answered: Vec<&Value> = messages("toolResult").map(|m| &m["toolCallId"]).collect();
        let mut wanted = Content::default();
        for message in messages("user") {
            let texts: Vec<String> = blocks(&message["content"], "text").map(|b| text(&b["text"])).collect();
            wanted.prompts.push(texts.join("\n\n"));
        }
        for message in messages("assistant") {
            wanted.replies.extend(blocks(&message["content"], "text").map(|b| text(&b["text"])));
            wanted.thoughts.extend(blocks(&message["content"], "thinking").map(|b| text(&b["thinking"])));
            for call in blocks(&message["content"], "toolCall") {
                wanted.steps += 1;
                wanted.with_result += usize::from(answered.contains(&&call["id"]));
            }
        }
        compare(&path, "pi", wanted);
    }
}

#[test]
fn chats_of_gemini_are_shown_once_and_whole() {
    for path in corpus("gemini-cli") {
        let records = records(&fs::read(&path).unwrap());
        let mut wanted = Content::default();
        for message in records[0]["messages"].as_array().unwrap() {
            match message["type"].as_str().unwrap() {
                "user" => wanted.prompts.push(text(&message["content"])),
                "gemini" => {
                    wanted.replies.push(text(&message["content"]));
                    for thought in message["thoughts"].as_array().into_iter().flatten() {
                        let (subject, rest) = (text(&thought["subject"]), text(&thought["description"]));
                        let rest = rest.trim();
                        let whole = format!("**{}**\n\n{rest}", subject.trim());
                        wanted.thoughts.push(if subject.is_empty() { rest.to_owned() } else { whole });
                    }
                    let calls = message["toolCalls"].as_array().map_or(0, Vec::len);
                    wanted.steps += calls;
                    wanted.with_result += calls;
                }
                _ => {}
            }
        }
        compare(&path, "Gemini CLI", wanted);
    }
}

#[test]
fn sessions_of_kimi_are_shown_once_and_whole() {
    for path in corpus("kimi").iter().filter(|path| path.extension().is_some_and(|e| e == "jsonl")) {
        let records = records(&fs::read(path).unwrap());
        let events =
            |kind: &'static str| records.iter().map(|r| &r["event"]).filter(move |e| e["type"] == kind);
        let parts = |kind: &'static str| {
            events("content.part").map(|e| &e["part"]).filter(move |p| p["type"] == kind)
        };
        let typed = records.iter().map(|r| &r["message"]).filter(|m| m["origin"]["kind"] == "user");
        let results: Vec<&Value> = events("tool.result").map(|e| &e["toolCallId"]).collect();
        let wanted = Content {
            prompts: typed.map(|m| text(&m["content"][0]["text"])).collect(),
            replies: parts("text").map(|p| text(&p["text"])).collect(),
            thoughts: parts("think").map(|p| text(&p["think"])).collect(),
            steps: events("tool.call").count(),
            with_result: events("tool.call").filter(|e| results.contains(&&e["toolCallId"])).count(),
        };
        compare(path, "Kimi Code", wanted);
    }
}

#[test]
fn sessions_of_opencode_are_joined_whole() {
    let own =
        |path: &PathBuf| path.strip_prefix(root("opencode")).unwrap().iter().any(|part| part == "session");
    for path in corpus("opencode").iter().filter(|path| own(path)) {
        let value = |path: &PathBuf| serde_json::from_slice::<Value>(&fs::read(path).unwrap()).unwrap();
        let id = value(path)["id"].clone();
        let storage = path.ancestors().nth(3).unwrap().strip_prefix(root("opencode")).unwrap();
        let below = |kind: &str| corpus(&format!("opencode/{}/{kind}", storage.display()));
        let messages: Vec<Value> =
            below("message").iter().map(value).filter(|m| m["sessionID"] == id).collect();
        let by = |role: &'static str| messages.iter().filter(move |m| m["role"] == role).map(|m| &m["id"]);
        // Some parts name their message, of others the folder does.
        let folder =
            |path: &PathBuf| Value::from(path.parent().unwrap().file_name().unwrap().to_str().unwrap());
        let parts: Vec<(Value, Value)> = below("part")
            .iter()
            .map(|path| (value(path), folder(path)))
            .map(|(part, folder)| (part["messageID"].as_str().map(Value::from).unwrap_or(folder), part))
            .collect();
        let of = |role, kind: &'static str| {
            let ids: Vec<&Value> = by(role).collect();
            parts
                .iter()
                .filter(move |(of, part)| ids.contains(&of) && part["type"] == kind)
                .map(|(_, part)| part)
        };
        let wanted = Content {
            prompts: of("user", "text").map(|part| text(&part["text"])).collect(),
            replies: of("assistant", "text").map(|part| text(&part["text"])).collect(),
            thoughts: of("assistant", "reasoning").map(|part| text(&part["text"])).collect(),
            steps: of("assistant", "tool").count(),
            with_result: of("assistant", "tool").filter(|part| part["state"]["output"].is_string()).count(),
        };
        let source = crate::session::Source::open(path).unwrap();
        compare_with(path, "opencode", wanted, shown(&read_source(source).unwrap()));
    }
}

#[test]
fn every_file_of_these_agents_is_recognised_and_its_outline_agrees_with_its_steps() {
    let agents = [
        ("codex", "Codex"),
        ("pi", "pi"),
        ("openclaw", "OpenClaw"),
        ("gemini-cli", "Gemini CLI"),
        ("qwen", "Qwen Code"),
        ("copilot", "Copilot CLI"),
        ("cursor", "Cursor"),
        ("droid", "Droid"),
        ("aider", "Aider"),
        ("grok", "Grok"),
        ("claude-code", "Claude Code"),
    ];
    for (folder, agent) in agents {
        for path in corpus(folder) {
            // Beside the sessions lie lists, snapshots and journals; of those only the likeness counts.
            if let Ok(session) = read(&fs::read(&path).unwrap()) {
                assert_eq!(session.agent(), agent, "{}", path.display());
                assert_ends_agree(&session, &path.display().to_string());
            } else {
                assert_eq!(folder, "claude-code", "{} is not recognised", path.display());
            }
        }
    }
}
