//! Sessions read as a viewer's window by window, from files of our own making and, where it is there, from a
//! corpus of real ones.

mod activity;
mod beside;
mod corpus;
mod cost;
mod ending;
mod forms;
mod fuzz;
mod growth;
mod nested;
mod private;
mod shown;
mod source;
mod unknown;

use std::fs::File;
use std::io::Write;

use super::model::{Ended, Item, Outcome, Step, Turn, Window};
use super::{Progress, Session, Source};
use crate::redact::Cleaner;

/// A file with these bytes, nameless.
pub(super) fn file(bytes: &[u8]) -> File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file
}

/// A session of these bytes, indexed to its end.
pub(super) fn session(bytes: &[u8]) -> Session {
    let session = Session::open(Source::from_file(file(bytes), None).unwrap(), Cleaner::new()).unwrap();
    while session.advance(1).unwrap() == Progress::More {}
    session
}

/// A session of these lines.
pub(super) fn lines(lines: &[String]) -> Session {
    session((lines.join("\n") + "\n").as_bytes())
}

pub(super) fn windows(session: &Session) -> Vec<Window> {
    (0..session.windows()).map(|no| session.window(no).unwrap().unwrap()).collect()
}

/// The turns of all windows, continued ones joined.
pub(super) fn turns(session: &Session) -> Vec<Turn> {
    let mut turns: Vec<Turn> = Vec::new();
    for turn in windows(session).into_iter().flat_map(|window| window.turns) {
        match turns.last_mut() {
            Some(last) if turn.continued => last.items.extend(turn.items),
            _ => turns.push(turn),
        }
    }
    turns
}

pub(super) fn items(session: &Session) -> Vec<Item> {
    turns(session).into_iter().flat_map(|turn| turn.items).collect()
}

pub(super) fn steps(session: &Session) -> Vec<Step> {
    items(session)
        .into_iter()
        .filter_map(|item| match item {
            Item::Step(step) => Some(*step),
            _ => None,
        })
        .collect()
}

/// Asserts that the outline says of each step what the step says of itself.
pub(super) fn assert_ends_agree(session: &Session, name: &str) {
    let outlined: Vec<Vec<Ended>> =
        session.overview().outline.iter().map(|entry| entry.ends.clone()).collect();
    let ended = |item: &Item| match item {
        Item::Step(step) => Some(match step.outcome {
            Outcome::Done => Ended::Done,
            Outcome::Open => Ended::Open,
            Outcome::Declined => Ended::Declined,
            Outcome::Failed(_) => Ended::Failed,
        }),
        _ => None,
    };
    let turns = turns(session);
    let shown = turns.iter().map(|turn| turn.items.iter().filter_map(ended).collect::<Vec<_>>());
    // What was shown before the first prompt has a turn in the outline only if something was done.
    let some = |ends: &Vec<Ended>| !ends.is_empty();
    let outlined: Vec<Vec<Ended>> = outlined.into_iter().filter(some).collect();
    // Of a turn with very many steps the first are outlined.
    let shown: Vec<Vec<Ended>> = shown
        .filter(some)
        .zip(outlined.iter().map(Vec::len).chain(std::iter::repeat(usize::MAX)))
        .map(|(ends, most)| ends.into_iter().take(if most < 512 { usize::MAX } else { most }).collect())
        .collect();
    assert_eq!(outlined, shown, "{name}");
}

/// Records as Claude Code writes them, numbered by their place.
pub(super) mod record {
    use serde_json::{Value, json};

    fn envelope(no: u32, kind: &str, more: Value) -> String {
        let mut record = json!({
            "parentUuid": null, "isSidechain": false, "userType": "external", "cwd": "/home/ada/tally",
            "sessionId": "s", "version": "2.1.96", "gitBranch": "main", "type": kind,
            "uuid": format!("u{no}"), "timestamp": format!("2026-10-14T09:{:02}:{:02}.000Z", no / 60, no % 60),
        });
        let (Some(record_map), Value::Object(more)) = (record.as_object_mut(), more) else { unreachable!() };
        record_map.extend(more);
        record.to_string()
    }

    pub fn user(no: u32, content: Value) -> String {
        envelope(no, "user", json!({ "message": { "role": "user", "content": content } }))
    }

    pub fn user_with(no: u32, content: Value, more: Value) -> String {
        let mut record: Value = serde_json::from_str(&user(no, content)).unwrap();
        record.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        record.to_string()
    }

    pub fn assistant(no: u32, content: Value) -> String {
        model(no, "claude-sonnet-4-6", content)
    }

    pub fn model(no: u32, model: &str, content: Value) -> String {
        let usage = json!({ "input_tokens": 10, "output_tokens": no, "cache_read_input_tokens": 100 });
        let id = format!("msg{}", no / 2);
        envelope(
            no,
            "assistant",
            json!({ "message": { "id": id, "model": model, "role": "assistant",
            "content": content, "usage": usage } }),
        )
    }

    pub fn reply(no: u32, text: &str) -> String {
        assistant(no, json!([{ "type": "text", "text": text }]))
    }

    pub fn call(no: u32, id: &str, name: &str, input: Value) -> String {
        assistant(no, json!([{ "type": "tool_use", "id": id, "name": name, "input": input }]))
    }

    pub fn result(no: u32, id: &str, content: Value, extra: Value) -> String {
        let block = json!([{ "type": "tool_result", "tool_use_id": id, "content": content }]);
        user_with(no, block, json!({ "toolUseResult": extra }))
    }

    pub fn error(no: u32, id: &str, content: &str) -> String {
        let block =
            json!([{ "type": "tool_result", "tool_use_id": id, "content": content, "is_error": true }]);
        user_with(no, block, json!({ "toolUseResult": format!("Error: {content}") }))
    }

    pub fn system(no: u32, subtype: &str, more: Value) -> String {
        let mut all = json!({ "subtype": subtype });
        all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        envelope(no, "system", all)
    }

    pub fn attachment(no: u32, attachment: Value) -> String {
        envelope(no, "attachment", json!({ "attachment": attachment }))
    }

    pub fn queue(operation: &str, content: Option<&str>) -> String {
        let mut record = json!({ "type": "queue-operation", "operation": operation, "sessionId": "s",
            "timestamp": "2026-10-14T09:30:00.000Z" });
        if let Some(content) = content {
            record["content"] = content.into();
        }
        record.to_string()
    }
}
