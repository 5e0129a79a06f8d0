//! Sub-agents that sub-agents sent, each in a file of its own.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::beside::{call, line, opened, result, within, write};
use crate::session::model::{Item, Step, Tool};
use crate::session::timeline::Goal;

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x02\x80\0\0\x01\xe0";

fn told(id: &str) -> String {
    format!("Done.\nagentId: {id} (for resuming to continue this agent's work if needed)")
}

/// The records of an agent that sends the agents `sent`, then writes a file named for itself and looks at a picture.
/// What it was told of them is in their reports alone.
fn records(id: &str, sent: &[&str], side: bool) -> Vec<Value> {
    let uuid = |n: usize| format!("{id}-{n}");
    let mut lines = vec![line("user", &uuid(0), 0, side, &json!(format!("brief of {id}")))];
    let mut say = |kind: &str, content: &Value| {
        let n = lines.len();
        lines.push(line(kind, &uuid(n), n as u32, side, content));
    };
    for sub in sent {
        let input = json!({"description": format!("send {sub}"), "prompt": format!("brief of {sub}")});
        say("assistant", &call(&format!("{id}-{sub}"), "Agent", &input));
        say("user", &result(&format!("{id}-{sub}"), &told(sub)));
    }
    let file = json!({"file_path": format!("{id}.txt"), "content": "one\ntwo\n"});
    say("assistant", &call(&format!("{id}-w"), "Write", &file));
    say("user", &result(&format!("{id}-w"), "File created successfully"));
    say("assistant", &call(&format!("{id}-r"), "Read", &json!({"file_path": "a.png"})));
    let image = json!({"type": "image", "source": {"type": "base64", "media_type": "image/png",
        "data": data_encoding::BASE64.encode(PNG)}});
    say("user", &json!([{"type": "tool_result", "tool_use_id": format!("{id}-r"), "content": [image]}]));
    lines
}

/// A session, and which agent sends which.
fn family(home: &Path, top: &[&str], agents: &[(&str, &[&str])]) -> PathBuf {
    let path = home.join("s1.jsonl");
    write(&path, &records("top", top, false));
    for (id, sent) in agents {
        write(&home.join(format!("s1/subagents/agent-{id}.jsonl")), &records(id, sent, true));
    }
    path
}

#[test]
fn a_sub_agent_of_a_sub_agent_is_shown_and_counted_by_the_step_that_sent_it() {
    let home = tempfile::tempdir().unwrap();
    let session = opened(&family(home.path(), &["a1"], &[("a1", &["b2"]), ("b2", &["c3"]), ("c3", &[])]));
    let a1 = within(&session.step(1).unwrap().unwrap());
    let b2 = within(&a1[0]);
    let c3 = within(&b2[0]);
    assert_eq!([a1.len(), b2.len(), c3.len()], [3, 3, 2]);
    let overview = session.overview();
    assert_eq!((overview.steps, overview.sub_steps), (3, 8));
    assert_eq!(overview.outline[0].all_steps(), 11);
    let minor: Vec<_> = overview.timeline.bars.iter().filter(|bar| bar.minor).map(|bar| bar.goal).collect();
    // Of the first its own steps, of what these sent the step of the session.
    let of_first = |goal: &Goal| matches!(goal, Goal::Step(1) | Goal::Inner(1, 1..=3));
    assert!(!minor.is_empty() && minor.iter().all(of_first), "{minor:?}");
    let inside: Vec<_> = overview.outline[0].inside.iter().map(|step| step.sent_by).collect();
    assert_eq!(inside, [0; 8]);
    assert_eq!(overview.usage.output, 11 * 10, "each call is a message of ten tokens");
    let files = &overview.changes.as_ref().unwrap().files;
    let files: Vec<_> =
        files.iter().map(|file| (file.path.as_str(), file.first.as_str(), file.added)).collect();
    let expected =
        [("c3.txt", "1.1.1.1", 2), ("b2.txt", "1.1.2", 2), ("a1.txt", "1.2", 2), ("top.txt", "2", 2)];
    assert_eq!(files, expected);
    assert_eq!(overview.outline[0].added, 8);
    // The address of each picture leads to its bytes, also for who has shown nothing yet.
    let images = [&c3[1], &b2[2], &a1[2]].map(|step| step.images[0].no);
    assert_eq!(images.map(|no| no.to_string()), ["1.1.1.1", "1.1.1", "1.1"]);
    for no in images {
        let session = opened(&home.path().join("s1.jsonl"));
        assert_eq!(session.attachment(no).unwrap(), Some(("image/png", PNG.to_vec())), "{no}");
    }
}

#[test]
fn agents_that_send_each_other_end_and_count_once() {
    let home = tempfile::tempdir().unwrap();
    let session = opened(&family(home.path(), &["a1", "b2"], &[("a1", &["b2", "a1"]), ("b2", &["a1"])]));
    let first = within(&session.step(1).unwrap().unwrap());
    assert!(within(&first[1]).is_empty(), "it does not stand in itself");
    assert!(within(&within(&first[0])[0]).is_empty(), "nor by another");
    let overview = session.overview();
    assert_eq!((overview.steps, overview.sub_steps), (4, 4 + 3));
    assert_eq!(overview.changes.as_ref().unwrap().count, 3);
    assert_eq!(overview.changes.as_ref().unwrap().added, 6);
}

#[test]
fn a_long_chain_and_a_crowd_of_agents_have_an_end() {
    let home = tempfile::tempdir().unwrap();
    let ids: Vec<String> = (0..40).map(|n| format!("x{n}")).collect();
    let sent: Vec<[&str; 1]> = (1..40).map(|n| [ids[n].as_str()]).collect();
    let chain: Vec<(&str, &[&str])> = (0..39).map(|n| (ids[n].as_str(), &sent[n][..])).collect();
    let session = opened(&family(home.path(), &["x0"], &chain));
    let mut depth = 0;
    let mut step = session.step(1).unwrap().unwrap();
    while let Some(inner) = within(&step).into_iter().next() {
        depth += 1;
        step = inner;
        assert!(depth < 40, "no end");
        if !matches!(step.tool, Tool::Agent { .. }) {
            break;
        }
    }
    assert_eq!(depth, 6);
    assert_eq!(session.overview().sub_steps, 6 * 3);

    // Everybody sends everybody.
    let home = tempfile::tempdir().unwrap();
    let all: Vec<&str> = ids.iter().map(String::as_str).collect();
    let crowd: Vec<(&str, &[&str])> = all.iter().map(|id| (*id, &all[..])).collect();
    let session = opened(&family(home.path(), &all, &crowd));
    let items = count(&session.step(1).unwrap().unwrap());
    assert!(items > 100 && items < 15_000, "{items} items");
    assert!(session.overview().sub_steps >= 40 * 42);
}

fn count(step: &Step) -> usize {
    let Tool::Agent { items, .. } = &step.tool else { return 0 };
    let inner = |item: &Item| if let Item::Step(step) = item { count(step) } else { 0 };
    items.len() + items.iter().map(inner).sum::<usize>()
}

#[test]
fn an_agent_that_is_at_work_is_found_by_the_note_beside_its_records() {
    let home = tempfile::tempdir().unwrap();
    let path = family(home.path(), &["a1"], &[("a1", &[])]);
    let lines = fs::read_to_string(&path).unwrap();
    // No result yet.
    fs::write(&path, lines.lines().take(2).map(|line| format!("{line}\n")).collect::<String>()).unwrap();
    let note =
        json!({"agentType": "general-purpose", "description": "d", "spawnDepth": 1, "toolUseId": "top-a1"});
    assert!(within(&opened(&path).step(1).unwrap().unwrap()).is_empty());
    fs::write(home.path().join("s1/subagents/agent-a1.meta.json"), note.to_string()).unwrap();
    assert_eq!(within(&opened(&path).step(1).unwrap().unwrap()).len(), 2);
}

#[test]
fn what_is_not_shown_of_a_sub_agent_is_said_and_shown_on_the_steps_own_page() {
    let home = tempfile::tempdir().unwrap();
    let path = family(home.path(), &["a1"], &[("a1", &[])]);
    let mut lines = records("a1", &[], true);
    for n in 0..300 {
        let id = format!("more{n}");
        lines.push(line("assistant", &id, 9, true, &call(&id, "Bash", &json!({"command": "ls"}))));
        lines.push(line("user", &format!("{id}-r"), 9, true, &result(&id, "a b")));
    }
    write(&home.path().join("s1/subagents/agent-a1.jsonl"), &lines);
    let session = opened(&path);
    let window = session.window(0).unwrap().unwrap();
    let Item::Step(step) = &window.turns[0].items[0] else { panic!() };
    let Tool::Agent { items, .. } = &step.tool else { panic!() };
    let Some(Item::Unknown { what, fields }) = items.last() else { panic!("{:?}", items.last()) };
    assert_eq!((what.as_str(), fields[0].1.as_str()), ("more of this sub-agent", "205"));
    assert_eq!(within(&session.step(1).unwrap().unwrap()).len(), 302);
}
