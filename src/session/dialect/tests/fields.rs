//! Fields of known records that nobody knows are told of, and of real files next to none.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};

use super::fixtures::FIXTURES;
use super::retold::{read, read_source};
use crate::session::Source;
use crate::session::model::{Item, Tool};
use crate::session::tests::{items, record};

/// What is told of unknown fields, and how often.
fn told(items: &[Item], found: &mut BTreeMap<String, usize>) {
    for item in items {
        match item {
            Item::Unknown { what, fields } if what.as_str() == "unknown fields" => {
                for (key, value) in fields {
                    let value: String = value.as_str().chars().take(60).collect();
                    *found.entry(format!("{key} = {value}")).or_default() += 1;
                }
            }
            Item::Step(step) => {
                if let Tool::Agent { items, .. } = &step.tool {
                    told(items, found);
                }
            }
            _ => {}
        }
    }
}

#[test]
fn real_sessions_have_next_to_no_fields_that_nobody_knows() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found: BTreeMap<String, BTreeMap<String, usize>> = BTreeMap::new();
    for folder in ["target/corpus", "tests/fixtures", "examples"] {
        for path in super::corpus::files(&root.join(folder)) {
            let Ok(session) = Source::open(&path).and_then(read_source) else { continue };
            told(&items(&session), found.entry(session.agent().to_owned()).or_default());
        }
    }
    let all: Vec<String> = found
        .iter()
        .flat_map(|(agent, fields)| {
            fields.iter().map(move |(field, times)| format!("{agent}: {field} {times}"))
        })
        .collect();
    // Of a shape that who made the corpus made up.
    let known = ["Codex: function = {name: translate} 1"];
    let new: Vec<&String> = all.iter().filter(|told| !known.contains(&told.as_str())).collect();
    assert!(new.is_empty(), "{new:#?}");
}

/// Kinds of records that have no place in a window, so that nothing of them is told: metadata, news for the
/// terminal, the second telling of something, and what the agent was told besides the person's words.
const SILENT: &[(&str, &[&str])] = &[
    (
        "Codex",
        &[
            "",
            "event_msg agent_message",
            "event_msg context_compacted",
            "event_msg exec_command_end",
            "event_msg task_started",
            "event_msg thread_name_updated",
            "event_msg token_count",
            "event_msg turn_aborted",
            "event_msg user_message",
            "response_item ghost_snapshot",
            // Instructions; or told first as an event.
            "response_item message",
            "message",
            // Each thought has a place of its own, the record has none.
            "response_item reasoning",
            "reasoning",
            "session_meta",
            "turn_context",
            "world_state",
        ],
    ),
    ("pi", &["session", "thinking_level_change"]),
    ("OpenClaw", &["custom", "session", "session_info"]),
    // One message holds nothing but a call, which has a place of its own.
    ("Gemini CLI", &["", "gemini"]),
    ("iFlow", &["user user"]),
    ("Grok", &["system", "user"]),
    ("Qwen Code", &["system ui_telemetry user"]),
    (
        "Copilot CLI",
        &[
            "assistant.turn_start",
            "hook.start",
            "session.shutdown",
            "session.start",
            "subagent.started",
            "system.message",
            "tool.execution_start",
        ],
    ),
    ("Cursor", &["turn_ended"]),
    ("Droid", &["session_start", "todo_state", "completion", "system init"]),
    (
        "Kimi Code",
        &[
            "context.append_loop_event step.begin",
            "context.append_loop_event step.end",
            "context.append_message user",
            "llm.request",
            "llm.tools_snapshot",
            "metadata",
            "profile.bind",
            "turn.prompt",
            "usage.record",
        ],
    ),
    ("Claude Code", &["custom-title", "file-history-snapshot", "queue-operation", "summary", "user user"]),
];

/// The records of a file, each by itself.
fn records(bytes: &[u8]) -> Vec<Value> {
    serde_json::Deserializer::from_slice(bytes).into_iter().map_while(Result::ok).collect()
}

fn kind(record: &Value) -> String {
    let of = |record: &Value| ["type", "role"].iter().find_map(|key| record[key].as_str().map(str::to_owned));
    let inner = ["payload", "event", "message", "attachment"].iter().find_map(|key| of(&record[key]));
    let subtype = record["subtype"].as_str().map(str::to_owned);
    let parts = [of(record), subtype, inner].into_iter().flatten();
    parts.collect::<Vec<_>>().join(" ")
}

/// The fixtures that are lines of JSON.
fn fixtures() -> impl Iterator<Item = (&'static str, &'static str, &'static [u8])> {
    let claude: &[u8] = include_bytes!("../../../../tests/fixtures/claude/everything.jsonl");
    let lines = FIXTURES.iter().filter(|(agent, name, _)| *agent != "Aider" && !name.contains("document"));
    lines.copied().chain([("Claude Code", "claude", claude)])
}

/// All that is told of these records.
fn all_of(records: &[Value]) -> String {
    let lines: Vec<String> = records.iter().map(Value::to_string).collect();
    format!("{:?}", items(&read((lines.join("\n") + "\n").as_bytes()).unwrap()))
}

#[test]
fn a_field_nobody_knows_is_told_of_wherever_it_stands() {
    let mut checked = 0;
    for (agent, name, bytes) in fixtures() {
        let records = records(bytes);
        let silent = SILENT.iter().find(|(silent, _)| *silent == agent).unwrap().1;
        let may_be_silent = |record: &Value| silent.contains(&kind(record).as_str());
        for at in 0..records.len() {
            let mut changed = records.clone();
            let Some(record) = changed[at].as_object_mut() else { continue };
            record
                .insert("quiteNew".into(), json!({ "word": "which nobody knows", "apiToken": "FORBIDDEN" }));
            record.insert("newToken".into(), "FORBIDDEN".into());
            let all = all_of(&changed);
            assert!(!all.contains("FORBIDDEN"), "{name}: {all}");
            let is_told = all.contains("which nobody knows");
            assert!(is_told || may_be_silent(&records[at]), "{name}: {}", records[at]);
            checked += usize::from(is_told);
        }
    }
    assert!(checked > 100, "{checked} records");
}

#[test]
fn a_field_nobody_knows_is_told_of_in_blocks_and_in_sub_agents() {
    for (name, path) in
        [("claude", "/message/content/0"), ("pi-v1", "/message/content/0"), ("codex-rollout", "/payload")]
    {
        let (_, _, bytes) = fixtures().find(|(_, known, _)| *known == name).unwrap();
        let mut records = records(bytes);
        let wanted = |record: &&mut Value| {
            kind(record).contains("assistant") || kind(record) == "response_item function_call"
        };
        let record =
            records.iter_mut().find(|record| wanted(record) && record.pointer(path).is_some()).unwrap();
        record.pointer_mut(path).unwrap()["quiteNew"] = "which nobody knows".into();
        assert!(all_of(&records).contains("which nobody knows"), "{name}");
    }
    let (_, _, claude) = fixtures().last().unwrap();
    let mut records = records(claude);
    let inside = records.iter_mut().filter(|record| record["isSidechain"] == true).last().unwrap();
    inside["quiteNew"] = "which nobody knows".into();
    assert!(all_of(&records).contains("which nobody knows"), "in a sub-agent");
}

#[test]
fn what_is_told_often_in_one_turn_is_told_once() {
    let reply = |no: u32, new: Value| {
        let mut reply: Value = serde_json::from_str(&record::reply(no, "r")).unwrap();
        reply["quiteNew"] = new;
        reply.to_string()
    };
    let lines = |lines: &[String]| {
        let mut found = BTreeMap::new();
        told(&items(&crate::session::tests::lines(lines)), &mut found);
        found.into_iter().collect::<Vec<_>>()
    };
    let go = |no| record::user(no, json!("go"));
    let once = |told: &str| vec![(format!("quiteNew = {told}"), 1)];
    assert_eq!(lines(&[go(0), reply(1, json!(7))]), once("7"));
    assert_eq!(lines(&[go(0), reply(1, json!(7)), reply(2, json!(7))]), once("7 (2 times)"));
    assert_eq!(lines(&[go(0), reply(1, json!(7)), reply(2, json!(8))]), once("7 (the first of 2)"));
    assert_eq!(lines(&[go(0), reply(1, json!(null)), reply(2, json!([]))]), []);
    // A turn each.
    let two = lines(&[go(0), reply(1, json!(7)), go(2), reply(3, json!(8))]);
    assert_eq!(two, [("quiteNew = 7".to_owned(), 1), ("quiteNew = 8".to_owned(), 1)]);
    let many: serde_json::Map<String, Value> = (0..20).map(|no| (format!("n{no:02}"), json!(no))).collect();
    let mut reply: Value = serde_json::from_str(&record::reply(1, "r")).unwrap();
    reply.as_object_mut().unwrap().extend(many);
    let told = lines(&[go(0), reply.to_string()]);
    assert_eq!((told.len(), told[0].0.as_str()), (13, "and more = 8"));
}
