//! What a reader sees of a session stays to be seen when an agent writes it as a value of another type: a list where a
//! text was, blocks, an object.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::fixtures::FIXTURES;
use super::retold::read;
use crate::session::tests::turns;

/// A word that no fixture holds.
const MARK: &str = "QuiteUnmistakable";

/// What may be lost when its type changes: the ends of its path.
const LEFT_OUT: &[&[&str]] = &[
    // What things are called, and where they are.
    &["/type", "/subtype", "/role", "/name", "/toolName", "/tool", "/tool_type", "/namespace", "/cwd"],
    &["/model", "/model_id", "/modelID", "/modelId"],
    // The output or the edit's own texts say it as well.
    &["/resultDisplay", "/fileDiff", "/diff"],
];

/// The other types a text may come as.
fn types(text: &str) -> [(&'static str, Value); 2] {
    [("blocks", json!([{ "type": "text", "text": text }])), ("object", json!({ "brandNew": text }))]
}

/// The places of the texts in `value`, as JSON pointers.
fn texts(value: &Value, at: &str, found: &mut Vec<String>) {
    match value {
        Value::String(_) => found.push(at.to_owned()),
        Value::Array(all) => {
            all.iter().enumerate().for_each(|(no, value)| texts(value, &format!("{at}/{no}"), found));
        }
        Value::Object(object) => {
            object.iter().for_each(|(key, value)| texts(value, &format!("{at}/{key}"), found));
        }
        _ => {}
    }
}

/// Whether the mark is in what is shown of the records.
fn shows(records: &[Value]) -> bool {
    let lines: Vec<String> = records.iter().map(Value::to_string).collect();
    read((lines.join("\n") + "\n").as_bytes())
        .is_ok_and(|session| format!("{:?}", turns(&session)).contains(MARK))
}

/// The place without positions, in a record and an object of these types: what is read in the same way.
fn way(record: &Value, place: &str) -> String {
    let kind = |value: &Value| value["type"].as_str().unwrap_or_default().to_owned();
    let inner = ["payload", "attachment", "event", "message"].map(|key| kind(&record[key])).concat();
    let holder = place.rsplit_once('/').and_then(|(holder, _)| record.pointer(holder)).map(kind);
    let place: String = place.chars().filter(|c| !c.is_ascii_digit()).collect();
    format!("{} {inner} {} {place}", kind(record), holder.unwrap_or_default())
}

#[test]
fn what_is_shown_stays_visible_when_it_comes_as_a_value_of_another_type() {
    let claude: &[u8] = include_bytes!("../../../../tests/fixtures/claude/everything.jsonl");
    let all = FIXTURES.iter().copied().chain([("Claude Code", "claude", claude)]);
    let mut lost = Vec::new();
    let mut compared = 0;
    for (_, name, bytes) in all.filter(|(agent, ..)| *agent != "Aider") {
        let records: Vec<Value> =
            serde_json::Deserializer::from_slice(bytes).into_iter().map_while(Result::ok).collect();
        let mut ways = HashSet::new();
        for (no, record) in records.iter().enumerate() {
            let mut places = Vec::new();
            texts(record, "", &mut places);
            places.retain(|place| !LEFT_OUT.iter().flat_map(|ends| *ends).any(|end| place.ends_with(end)));
            for place in places.into_iter().filter(|place| ways.insert(way(record, place))) {
                let mut changed = records.clone();
                let at = changed[no].pointer_mut(&place).unwrap();
                let text = format!("{} {MARK}", at.as_str().unwrap());
                *at = text.clone().into();
                if !shows(&changed) {
                    continue;
                }
                for (kind, value) in types(&text) {
                    *changed[no].pointer_mut(&place).unwrap() = value;
                    compared += 1;
                    if !shows(&changed) {
                        lost.push(format!("{name}: {} as {kind}", way(record, &place)));
                    }
                }
            }
        }
    }
    assert!(lost.is_empty(), "{compared} compared, lost: {lost:#?}");
    assert!(compared > 200, "{compared} compared");
}
