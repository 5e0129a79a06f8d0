//! What of Claude Code's records is private: not there by default, the harmless part there when it is asked for.

use serde_json::json;

use super::{file, items, lines, record, turns};
use crate::redact::Cleaner;
use crate::session::model::Item;
use crate::session::{Include, Progress, Session, Source};

#[test]
fn private_records_and_fields_never_reach_the_model() {
    let private = "for the owner alone";
    let session = lines(&[
        record::user_with(0, json!("go"), json!({ "serverClassifierContext": private })),
        record::attachment(
            1,
            json!({ "type": "prompt_snapshot", "content": private, "rendered": [{ "content": private }] }),
        ),
        record::attachment(2, json!({ "type": "hook_success", "stdout": private })),
        record::attachment(3, json!({ "type": "not_yet_known", "content": private })),
        record::system(4, "stop_hook_summary", json!({ "content": private })),
        record::assistant(
            5,
            json!([
                { "type": "thinking", "thinking": "t", "signature": private }, { "type": "redacted_thinking", "data": private },
                { "type": "new_block", "signature": private, "encrypted_content": private, "data": private, "accountUuid": private },
            ]),
        ),
        format!("{{\"type\":\"bridge-session\",\"sessionId\":\"s\",\"ownerAccountUuid\":\"{private}\"}}"),
        format!("{{\"type\":\"environment\",\"sessionId\":\"s\",\"vars\":\"{private}\"}}"),
        format!(
            "{{\"type\":\"quite-new\",\"sessionId\":\"{private}\",\"x_signature\":\"{private}\",\"env\":\"{private}\"}}"
        ),
    ]);
    let all = format!("{:?}{:?}", turns(&session), session.overview());
    assert!(!all.contains(private), "{all}");
    // Of what was attached that nobody knows, that it is there.
    assert_eq!(items(&session).len(), 5);
}

/// A session of these lines with its context.
fn with_context(lines: &[String]) -> Session {
    let bytes = lines.join("\n") + "\n";
    let source = Source::from_file(file(bytes.as_bytes()), None).unwrap();
    let session = Session::open(source, Cleaner::new()).unwrap().including(Include::of(&["context"]));
    while session.advance(1).unwrap() == Progress::More {}
    session
}

#[test]
fn context_is_there_when_it_is_asked_for_and_never_what_is_forbidden() {
    let attached = |no, kind: &str, more: serde_json::Value| {
        let mut attachment = json!({ "type": kind });
        attachment.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        record::attachment(no, attachment)
    };
    let all = [
        record::user_with(0, json!("body of the skill"), json!({ "isMeta": true })),
        record::user_with(1, json!("<system-reminder>think of the list</system-reminder>"), json!({})),
        record::user_with(
            2,
            json!("<ide_opened_file>open.rs</ide_opened_file>\ngo"),
            json!({ "serverClassifierContext": "FORBIDDEN" }),
        ),
        attached(3, "hook_success", json!({ "stdout": "hook says hello", "toolUseID": "FORBIDDEN" })),
        attached(4, "hook_success", json!({ "stdout": "{}", "content": "" })),
        attached(
            5,
            "task_reminder",
            json!({ "content": [{ "id": "1", "subject": "write", "status": "pending" }] }),
        ),
        attached(
            6,
            "file",
            json!({ "content": { "type": "text", "file": { "content": "lines of a file" } } }),
        ),
        attached(7, "mcp_instructions_delta", json!({ "addedNames": ["FORBIDDEN"], "content": "FORBIDDEN" })),
        attached(8, "deferred_tools_delta", json!({ "addedNames": ["FORBIDDEN"], "content": "FORBIDDEN" })),
        attached(9, "not_yet_known", json!({ "content": "FORBIDDEN" })),
        record::assistant(10, json!([{ "type": "thinking", "thinking": "t", "signature": "FORBIDDEN" }])),
        "{\"type\":\"bridge-session\",\"sessionId\":\"s\",\"ownerAccountUuid\":\"FORBIDDEN\"}".to_owned(),
    ];
    let session = with_context(&all);
    let told: Vec<String> = items(&session)
        .into_iter()
        .filter_map(|item| match item {
            Item::Context { what, text } => Some(format!("{what}: {}", text.text)),
            _ => None,
        })
        .collect();
    assert_eq!(
        told,
        [
            "added text: body of the skill",
            "reminder: <system-reminder>think of the list</system-reminder>",
            "editor: <ide_opened_file>open.rs</ide_opened_file>",
            "hook: hook says hello",
            "reminder: write (pending)",
            "added text: lines of a file",
        ]
    );
    let shown = format!("{:?}{:?}{:?}", turns(&session), session.overview(), session.report());
    assert!(!shown.contains("FORBIDDEN"), "{shown}");
    let without = lines(&all);
    // The thought, and that something was attached that nobody knows.
    assert_eq!(items(&without).len(), 2);
    assert_eq!(without.overview().outline.len(), session.overview().outline.len());
}
