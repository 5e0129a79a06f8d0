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
            Item::Unknown { what, fields } if what.as_str().starts_with("unknown fields") => {
                for (key, value) in fields {
                    let value: String = value.as_str().chars().take(60).collect();
                    let of = what.as_str().strip_prefix("unknown fields").unwrap_or_default();
                    *found.entry(format!("{key} = {value}{of}")).or_default() += 1;
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

/// Kinds of records of which nothing is told: what they say is told elsewhere, and what is in them is not known well.
const SILENT: &[(&str, &[&str])] = &[
    // The brief of a sub-agent, which the step that sent it shows.
    ("Claude Code", &["user user"]),
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
        let silent = SILENT.iter().find(|(silent, _)| *silent == agent).map_or(&[][..], |(_, kinds)| kinds);
        let may_be_silent = |record: &Value| silent.contains(&kind(record).as_str());
        for at in 0..records.len() {
            let mut changed = records.clone();
            let Some(record) = changed[at].as_object_mut() else { continue };
            record
                .insert("quiteNew".into(), json!({ "word": "which nobody knows", "apiToken": "FORBIDDEN" }));
            record.insert("newToken".into(), "FORBIDDEN".into());
            let all = all_of(&changed);
            assert!(!all.contains("FORBIDDEN"), "{name}: {all}");
            // Of a record that shows nothing the name alone.
            let is_told = all.contains("quiteNew");
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
