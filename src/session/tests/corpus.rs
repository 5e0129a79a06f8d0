//! The acceptance test: nothing said is lost. An independent reading of every session with plain `serde_json`
//! against all that the windows show. Reads `target/corpus/claude-code` where it is there, and always the
//! sessions of this repository.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{assert_ends_agree, session, turns, windows};
use crate::redact::Cleaner;
use crate::session::model::{Item, Marker, Outcome, Tool};

/// Texts, and how often each occurs.
type Bag = BTreeMap<String, usize>;

#[derive(Debug, Default, PartialEq)]
struct Said {
    prompts: Bag,
    asides: Bag,
    replies: Bag,
    thinking: usize,
    calls: usize,
    results: usize,
    /// Images and documents.
    images: usize,
    /// Calls of sub-agents whose records stand in the same file, or were relayed there.
    side_calls: usize,
    /// Results of all, sub-agents included.
    all_results: usize,
}

fn put(bag: &mut Bag, text: &str) {
    // White space and masks are not what is compared here.
    let text = Cleaner::new().text(text);
    let text = text.as_str().split_whitespace().collect::<Vec<_>>().join(" ");
    *bag.entry(text).or_default() += 1;
}

/// Every object of a file, several on a line and a torn end included.
fn records(bytes: &[u8]) -> Vec<Value> {
    let mut all = Vec::new();
    for line in bytes.split(|b| *b == b'\n') {
        let values = serde_json::Deserializer::from_slice(line).into_iter::<Value>();
        all.extend(values.map_while(Result::ok));
    }
    all
}

fn texts(content: &Value) -> Vec<String> {
    match content {
        Value::String(text) => vec![text.clone()],
        Value::Array(blocks) => {
            let text = |block: &Value| {
                (block["type"] == "text").then(|| block["text"].as_str().unwrap_or("").to_owned())
            };
            blocks.iter().filter_map(text).collect()
        }
        _ => vec![],
    }
}

/// Blocks of a content that are one of these, those in the content of results included.
fn count(content: &Value, kinds: &[&str]) -> usize {
    let blocks = content.as_array().into_iter().flatten();
    blocks
        .map(|block| {
            usize::from(kinds.iter().any(|kind| block["type"] == *kind)) + count(&block["content"], kinds)
        })
        .sum()
}

/// What a person typed, without what the agent put around it; `None` if nothing is left.
fn typed(text: &str) -> Option<String> {
    let tag = regex::Regex::new(
        r"(?s)\A\s*<(system-reminder|ide_opened_file|ide_selection|local-command-caveat)>.*?</(system-reminder|ide_opened_file|ide_selection|local-command-caveat)>",
    )
    .unwrap();
    let mut text = text.trim().to_owned();
    while let Some(found) = tag.find(&text) {
        text = text[found.end()..].trim().to_owned();
    }
    let machinery = [
        "<command-",
        "<local-command-",
        "<bash-",
        "<task-notification>",
        "[Request interrupted by user",
        "Caveat: The messages below were generated",
        "This session is being continued from a previous conversation",
    ];
    (!text.is_empty() && !machinery.iter().any(|start| text.starts_with(start))).then_some(text)
}

/// Whether a command is one of those in the corpus that the program answers by itself.
fn is_local(text: &str) -> bool {
    let names = ["clear", "cost", "exit", "ide", "mcp", "plugin"];
    names.iter().any(|name| text.contains(&format!("<command-name>/{name}</command-name>")))
}

/// The independent reading.
fn expected(bytes: &[u8]) -> Said {
    let all = records(bytes);
    let mut said = Said::default();
    let own_file = all
        .iter()
        .find(|r| r["type"] == "user" || r["type"] == "assistant")
        .is_some_and(|r| r["isSidechain"] == true);
    let main = |r: &&Value| own_file || r["isSidechain"] != true;
    let spoken = |kind: &'static str| all.iter().filter(main).filter(move |r| r["type"] == kind);
    let mut users = Vec::new();
    for record in all.iter().filter(|r| r["type"] == "user" || r["type"] == "assistant") {
        let content = &record["message"]["content"];
        said.all_results += count(content, &["tool_result"]);
        if !main(&record) {
            said.side_calls += count(content, &["tool_use"]);
        }
    }
    // What sub-agents did is there a second time, for whom their own files are not at hand.
    let relayed = |r: &&Value| r["type"] == "progress" && r["data"]["type"] == "agent_progress";
    for record in all.iter().filter(relayed) {
        said.side_calls += count(&record["data"]["message"]["message"]["content"], &["tool_use"]);
    }
    for record in spoken("user") {
        said.images += count(&record["message"]["content"], &["image", "document"]);
        let content = &record["message"]["content"];
        users.extend(texts(content));
        let empty = Vec::new();
        let results: Vec<&Value> =
            content.as_array().unwrap_or(&empty).iter().filter(|b| b["type"] == "tool_result").collect();
        said.results += results.len();
        for result in &results {
            let text = result["content"].as_str().unwrap_or_default();
            if let Some((start, reason)) = text.split_once("the user said:\n")
                && start.starts_with("The user doesn't want to")
            {
                put(&mut said.asides, reason.split("\n\nNote: The user's next").next().unwrap());
            }
        }
        if record["isMeta"] == true || record["isCompactSummary"] == true {
            continue;
        }
        let words: Vec<String> = texts(content).iter().filter_map(|text| typed(text)).collect();
        if !results.is_empty() {
            words.iter().for_each(|text| put(&mut said.asides, text));
        } else if record["origin"]["kind"] == "task-notification" {
        } else if !words.is_empty() {
            put(&mut said.prompts, &words.join("\n\n"));
        } else if texts(content).iter().any(|text| text.trim().starts_with("<command-") && !is_local(text)) {
            put(&mut said.prompts, "");
        }
    }
    for record in spoken("assistant") {
        let content = &record["message"]["content"];
        let error = record["isApiErrorMessage"] == true;
        texts(content)
            .iter()
            // What the program puts in the place of an answer that nobody asked for.
            .filter(|t| record["message"]["model"] != "<synthetic>" || t.as_str() != "No response requested.")
            .filter(|t| !error && !t.trim().is_empty())
            .for_each(|t| put(&mut said.replies, t));
        for block in content.as_array().unwrap_or(&Vec::new()) {
            said.thinking +=
                usize::from(matches!(block["type"].as_str(), Some("thinking" | "redacted_thinking")));
            said.calls += usize::from(block["type"] == "tool_use");
        }
    }
    let mut attached = Vec::new();
    for record in all.iter().filter(main) {
        let carried = &record["attachment"];
        if carried["type"] == "queued_command" && carried["commandMode"] != "task-notification" {
            let text = texts(&carried["prompt"]).join("\n");
            put(&mut said.asides, &text);
            said.images += count(&carried["prompt"], &["image", "document"]);
            attached.push(text);
        }
    }
    let popped: Vec<&str> =
        all.iter().filter(|r| r["operation"] == "popAll").filter_map(|r| r["content"].as_str()).collect();
    for record in all.iter().filter(|r| r["type"] == "queue-operation" && r["operation"] == "enqueue") {
        let Some(text) = record["content"].as_str().and_then(typed) else { continue };
        let shown = |other: &String| other.trim() == text || other.contains(&text);
        if !users.iter().any(shown)
            && !attached.iter().any(shown)
            && !popped.iter().any(|p| p.contains(&text))
        {
            put(&mut said.asides, &text);
        }
    }
    said
}

/// Steps of sub-agents among these items.
fn inside(items: &[Item]) -> usize {
    let inner = |item: &Item| match item {
        Item::Step(step) => match &step.tool {
            Tool::Agent { items, .. } => {
                items.iter().filter(|item| matches!(item, Item::Step(_))).count() + inside(items)
            }
            _ => 0,
        },
        _ => 0,
    };
    items.iter().map(inner).sum()
}

/// What the windows show.
fn shown(bytes: &[u8]) -> Said {
    let session = session(bytes);
    let mut said = Said { all_results: session.report().counts.results as usize, ..Said::default() };
    for turn in turns(&session) {
        if let Some(prompt) = &turn.prompt {
            put(&mut said.prompts, prompt.text.as_str());
            said.images += prompt.attachments.len();
        }
        said.side_calls += inside(&turn.items);
        for item in &turn.items {
            match item {
                Item::Aside { prompt, .. } => {
                    put(&mut said.asides, prompt.text.as_str());
                    said.images += prompt.attachments.len();
                }
                Item::Reply { text, .. } => put(&mut said.replies, text.as_str()),
                Item::Thinking { .. } => said.thinking += 1,
                Item::Image { .. } => said.images += 1,
                Item::Step(step) => {
                    said.calls += 1;
                    said.images += step.images.len();
                    said.results += usize::from(step.outcome != Outcome::Open);
                    assert_eq!(step.no as usize, said.calls, "steps are numbered in order");
                }
                Item::Unknown { what, .. } => {
                    said.results += usize::from(what.as_str() == "result without a call")
                }
                Item::Marker(_) | Item::Context { .. } => {}
            }
        }
    }
    said
}

fn sessions(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            sessions(&path, found);
        } else if path.extension().is_some_and(|ext| ext == "jsonl") {
            found.push(path);
        }
    }
}

fn all_sessions() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    for dir in ["examples", "tests/fixtures/claude", "target/corpus/claude-code"] {
        sessions(&root.join(dir), &mut found);
    }
    found.sort();
    found
}

#[test]
fn no_prompt_no_reply_and_no_step_is_lost() {
    let files = all_sessions();
    assert!(files.len() >= 2);
    for path in files {
        let bytes = std::fs::read(&path).unwrap();
        let (shown, wanted) = (shown(&bytes), expected(&bytes));
        let path = path.display();
        assert_eq!(shown.prompts, wanted.prompts, "prompts of {path}");
        assert_eq!(shown.asides, wanted.asides, "asides of {path}");
        assert_eq!(shown.replies, wanted.replies, "replies of {path}");
        assert_eq!(
            (shown.thinking, shown.calls, shown.results),
            (wanted.thinking, wanted.calls, wanted.results),
            "thinking, calls, results of {path}"
        );
        assert_eq!(shown.images, wanted.images, "images of {path}");
        assert_eq!(shown.side_calls, wanted.side_calls, "calls of sub-agents in {path}");
        assert_eq!(shown.all_results, wanted.all_results, "results of all in {path}");
    }
}

#[test]
fn outlines_agree_with_windows() {
    for path in all_sessions() {
        let session = session(&std::fs::read(&path).unwrap());
        let overview = session.overview();
        assert_ends_agree(&session, &path.display().to_string());
        let mut asides = 0;
        for window in windows(&session) {
            for turn in window.turns.iter().filter(|turn| !turn.continued && turn.prompt.is_some()) {
                let entry = overview.outline.iter().find(|entry| entry.no == turn.no);
                assert_eq!(entry.map(|entry| entry.window), Some(window.no), "{}", path.display());
            }
            asides += window
                .turns
                .iter()
                .flat_map(|t| &t.items)
                .filter(|i| matches!(i, Item::Aside { .. }))
                .count();
        }
        assert_eq!(
            overview.outline.iter().map(|entry| entry.steps).sum::<u32>(),
            overview.steps,
            "{}",
            path.display()
        );
        assert_eq!(
            overview.outline.iter().map(|entry| entry.asides.len()).sum::<usize>(),
            asides,
            "{}",
            path.display()
        );
    }
}

#[test]
fn real_sessions_are_known_well() {
    for path in all_sessions() {
        let session = session(&std::fs::read(&path).unwrap());
        let unknown = turns(&session)
            .iter()
            .flat_map(|turn| &turn.items)
            .filter(|item| matches!(item, Item::Unknown { .. }))
            .count();
        let sub_agents = turns(&session).iter().flat_map(|turn| &turn.items).filter(|item| {
            matches!(item, Item::Step(step) if matches!(&step.tool, Tool::Agent { items, .. } if !items.is_empty()))
        }).count();
        let locals = turns(&session)
            .iter()
            .flat_map(|turn| &turn.items)
            .filter(|item| matches!(item, Item::Marker(Marker::Local { .. })))
            .count();
        println!("{unknown:3} {sub_agents:2} {locals:2} {:3} {}", session.windows(), path.display());
        assert!(unknown <= 6, "{unknown} unknown blocks in {}", path.display());
    }
}

/// Files of the corpus that are refused, by a part of their path, and why.
const REFUSED: &[(&str, &str)] = &[
    ("/message/", "a message of opencode's storage: the session's own file brings all together"),
    ("/part/", "a part of a message of opencode's storage, likewise"),
    ("storage_v2/migration", "a number that opencode counts its storage by"),
    ("antigravity/", "no version of this agent is known well enough to be read"),
    ("hermes/", "no version of this agent is known well enough to be read"),
    ("assistant_tools.state.json", "what Kimi Code keeps beside a session"),
    (".meta.json", "what Claude Code keeps beside a sub-agent's records"),
];

#[test]
fn every_file_of_the_corpus_opens_or_is_refused_for_a_reason() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/corpus");
    let mut waiting = vec![root.clone()];
    let mut refused = Vec::new();
    while let Some(path) = waiting.pop() {
        if let Ok(folder) = std::fs::read_dir(&path) {
            waiting.extend(folder.map(|entry| entry.unwrap().path()));
            continue;
        }
        if !path.is_file() {
            continue;
        }
        let opened = crate::session::Source::open(&path)
            .and_then(|source| crate::session::check(source, Cleaner::new()));
        let name = path.strip_prefix(&root).unwrap().to_string_lossy().into_owned();
        let known = REFUSED.iter().any(|(part, _)| name.contains(part));
        match opened {
            Ok(_) => assert!(!known, "{name} opens: it need not be listed"),
            Err(_) if known => {}
            Err(error) => refused.push(format!("{name}: {error:.60}")),
        }
    }
    assert!(refused.is_empty(), "{refused:#?}");
}
