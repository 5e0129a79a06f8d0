//! What lies beside a session: sub-agents in files of their own, and large outputs.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::redact::Cleaner;
use crate::session::model::{AttachmentNo, Item, Outcome, Overview, Step, Tool};
use crate::session::{Progress, Session, Source};

pub(super) fn line(kind: &str, uuid: &str, second: u32, side: bool, content: &Value) -> Value {
    json!({"type": kind, "uuid": uuid, "parentUuid": null, "sessionId": "s1", "isSidechain": side,
        "timestamp": format!("2026-05-04T09:00:{second:02}.000Z"),
        "message": {"role": kind, "id": uuid, "model": "m", "content": content,
            "usage": {"input_tokens": 1, "output_tokens": 10}}})
}

pub(super) fn call(id: &str, name: &str, input: &Value) -> Value {
    json!([{"type": "tool_use", "id": id, "name": name, "input": input}])
}

pub(super) fn result(id: &str, text: &str) -> Value {
    json!([{"type": "tool_result", "tool_use_id": id, "content": text}])
}

pub(super) fn write(path: &Path, lines: &[Value]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, lines.iter().map(|line| format!("{line}\n")).collect::<String>()).unwrap();
}

/// A session that sent sub-agent `a1b2`, whose records lie at `sub` in the session's folder, and that printed
/// more than fits a record.
fn session(home: &Path, sub: &str) -> PathBuf {
    let path = home.join("s1.jsonl");
    let mut sent = line("user", "u3", 9, false, &result("t1", "All counted."));
    sent["toolUseResult"] = json!({"status": "completed", "agentId": "a1b2", "prompt": "Count the files"});
    let spilled = "<persisted-output>\nOutput too large (100.5KB). Full output saved to: /home/me/.x/s1/tool-results/o1.txt\n\n\
                   Preview (first 2KB):\nline 1\n</persisted-output>";
    write(
        &path,
        &[
            line("user", "u1", 0, false, &json!("How many files are there?")),
            line(
                "assistant",
                "u2",
                1,
                false,
                &call("t1", "Task", &json!({"description": "Count", "prompt": "Count the files"})),
            ),
            sent,
            line("assistant", "u4", 10, false, &call("t2", "Bash", &json!({"command": "cat log"}))),
            line("user", "u5", 11, false, &result("t2", spilled)),
        ],
    );
    write(
        &home.join(sub),
        &[
            line("user", "x1", 2, true, &json!("Count the files")),
            line("assistant", "x2", 3, true, &call("y1", "Bash", &json!({"command": "ls | wc -l"}))),
            line("user", "x3", 4, true, &result("y1", "42")),
            line(
                "assistant",
                "x4",
                5,
                true,
                &call("y2", "Write", &json!({"file_path": "count.txt", "content": "42\n"})),
            ),
            line("user", "x5", 6, true, &result("y2", "File created successfully")),
        ],
    );
    path
}

pub(super) fn opened(path: &Path) -> Session {
    let session = Session::open(Source::open(path).unwrap(), Cleaner::new()).unwrap();
    while session.advance(1 << 20).unwrap() == Progress::More {}
    while session.survey(16).unwrap() == Progress::More {}
    session
}

fn inside(session: &Session) -> Vec<Step> {
    within(session.step(1).unwrap().as_ref().expect("a step"))
}

/// The steps of the sub-agent that a step sent.
pub(super) fn within(step: &Step) -> Vec<Step> {
    let Tool::Agent { items, .. } = &step.tool else { panic!("no agent: {:?}", step.tool) };
    let step = |item: &Item| if let Item::Step(step) = item { Some((**step).clone()) } else { None };
    items.iter().filter_map(step).collect()
}

#[test]
fn a_sub_agent_in_a_file_of_its_own_is_shown_by_the_step_that_sent_it() {
    for place in [
        "s1/subagents/agent-a1b2.jsonl",
        "agent-a1b2.jsonl",
        "s1/subagents/workflows/wf_9/agent-a1b2.jsonl",
        "tasks/t1/agent-a1b2.jsonl",
    ] {
        let home = tempfile::tempdir().unwrap();
        let session = opened(&session(home.path(), place));
        let steps = inside(&session);
        assert_eq!(steps.iter().map(|step| step.no).collect::<Vec<_>>(), [1, 2], "{place}");
        assert!(matches!(&steps[0].tool, Tool::Shell { command, .. } if command.as_str() == "ls | wc -l"));
        let overview = session.overview();
        assert_eq!((overview.steps, overview.sub_steps), (2, 2), "{place}");
        assert_eq!(overview.usage.output, 40, "its tokens are counted with the session's");
        let changed = &overview.changes.as_ref().unwrap().files[0];
        assert_eq!((changed.path.as_str(), changed.first.as_str()), ("count.txt", "1.2"));
    }
}

fn records(path: &Path) -> Vec<Value> {
    fs::read_to_string(path).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// What a session tells of its sub-agent.
fn told(session: &Session) -> String {
    let overview = session.overview();
    let Overview { steps, sub_steps, usage, changes, timeline, .. } = &*overview;
    format!("{:?} {:?}", inside(session), (steps, sub_steps, usage, changes, timeline))
}

/// As Claude Code 2.1.12 to 2.1.71 wrote it, beside the sub-agent's own file.
#[test]
fn what_was_relayed_of_a_sub_agent_stands_for_its_file_where_that_is_not_at_hand() {
    let home = tempfile::tempdir().unwrap();
    let place = "s1/subagents/agent-a1b2.jsonl";
    let path = session(home.path(), place);
    let expected = told(&opened(&path));
    let relay = |record: &Value| {
        json!({"type": "progress", "uuid": record["uuid"], "sessionId": "s1", "timestamp": record["timestamp"],
            "toolUseID": "agent_msg_1", "parentToolUseID": "t1", "data": {"type": "agent_progress", "agentId": "a1b2",
            "prompt": "Count the files", "normalizedMessages": [], "message": {"type": record["type"],
            "message": record["message"], "uuid": record["uuid"], "timestamp": record["timestamp"]}}})
    };
    let own = records(&path);
    let (before, after) = own.split_at(2);
    let relays: Vec<_> = records(&home.path().join(place)).iter().map(relay).collect();
    write(&path, &[before, &relays, after].concat());
    assert_eq!(told(&opened(&path)), expected, "beside the file, it is a copy");
    fs::remove_file(home.path().join(place)).unwrap();
    assert_eq!(told(&opened(&path)), expected);
    // While it is at work, and more comes.
    write(&path, &[before, &relays[..4]].concat());
    let session = opened(&path);
    assert_eq!(
        inside(&session).iter().map(|step| &step.outcome).collect::<Vec<_>>(),
        [&Outcome::Done, &Outcome::Open]
    );
    assert_eq!(session.overview().sub_steps, 2);
    write(&path, &[before, &relays, after].concat());
    session.advance(usize::MAX).unwrap();
    assert_eq!(inside(&session)[1].outcome, Outcome::Done);
}

#[test]
fn an_image_in_a_sub_agents_own_file_has_an_address() {
    let home = tempfile::tempdir().unwrap();
    let path = session(home.path(), "s1/subagents/agent-a1b2.jsonl");
    let png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x02\x80\0\0\x01\xe0";
    let image = json!({"type": "image", "source": {"type": "base64", "media_type": "image/png",
        "data": data_encoding::BASE64.encode(png)}});
    let seen = json!([{"type": "tool_result", "tool_use_id": "y1", "content": [image]}]);
    write(
        &home.path().join("s1/subagents/agent-a1b2.jsonl"),
        &[
            line("user", "x1", 2, true, &json!("Count the files")),
            line("assistant", "x2", 3, true, &call("y1", "Read", &json!({"file_path": "a.png"}))),
            line("user", "x3", 4, true, &seen),
        ],
    );
    let shown = inside(&opened(&path));
    let no = shown[0].images[0].no;
    assert_eq!((no.to_string().as_str(), shown[0].images[0].size), ("1.1", Some((640, 480))));
    // By who has shown nothing yet, as after a restart.
    let session = opened(&path);
    assert_eq!(session.attachment(no).unwrap(), Some(("image/png", png.to_vec())));
    for no in ["1.2", "2.1", "9.1", "1", "1.1.1", "1.2.1"] {
        let no = AttachmentNo::parse(no).unwrap();
        assert_eq!(session.attachment(no).unwrap(), None, "{no}");
    }
}

#[test]
fn a_sub_agent_of_another_session_or_without_a_file_is_not_shown() {
    let home = tempfile::tempdir().unwrap();
    let path = session(home.path(), "agent-a1b2.jsonl");
    let other = fs::read_to_string(home.path().join("agent-a1b2.jsonl")).unwrap().replace("\"s1\"", "\"s2\"");
    fs::write(home.path().join("agent-a1b2.jsonl"), other).unwrap();
    assert!(inside(&opened(&path)).is_empty());
    fs::remove_file(home.path().join("agent-a1b2.jsonl")).unwrap();
    assert!(inside(&opened(&path)).is_empty());
}

#[test]
fn output_in_a_file_of_its_own_is_shown_whole_and_else_as_the_agent_saw_it() {
    let home = tempfile::tempdir().unwrap();
    let path = session(home.path(), "s1/subagents/agent-a1b2.jsonl");
    let printed = || match opened(&path).step(2).unwrap().unwrap().tool {
        Tool::Shell { output, .. } => output.text.as_str().to_owned(),
        other => panic!("{other:?}"),
    };
    assert!(printed().contains("Preview (first 2KB)") && !printed().contains("/home/me"));
    fs::create_dir_all(home.path().join("s1/tool-results")).unwrap();
    fs::write(home.path().join("s1/tool-results/o1.txt"), "line 1\nline 2\nthe end").unwrap();
    assert_eq!(printed(), "line 1\nline 2\nthe end");
}
