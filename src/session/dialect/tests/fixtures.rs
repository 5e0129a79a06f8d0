//! What a reader sees of each fixture; `INSTA_UPDATE=always` writes the snapshots anew.

use super::retold::{read, retold};
use crate::redact::Cleaner;
use crate::session::model::{Item, Tool};
use crate::session::tests::{assert_ends_agree, file, turns};
use crate::session::{Include, Progress, Session, Source};

/// The fixtures: agent, path, content.
pub(super) const FIXTURES: &[(&str, &str, &[u8])] = &[
    ("Codex", "codex-rollout", include_bytes!("../../../../tests/fixtures/codex/rollout.jsonl")),
    ("Codex", "codex-bare", include_bytes!("../../../../tests/fixtures/codex/bare.jsonl")),
    ("pi", "pi-v1", include_bytes!("../../../../tests/fixtures/pi/v1.jsonl")),
    ("OpenClaw", "openclaw-v3", include_bytes!("../../../../tests/fixtures/openclaw/v3.jsonl")),
    ("Gemini CLI", "gemini-document", include_bytes!("../../../../tests/fixtures/gemini/session.json")),
    ("Gemini CLI", "gemini-lines", include_bytes!("../../../../tests/fixtures/gemini/session.jsonl")),
    ("opencode", "opencode-document", include_bytes!("../../../../tests/fixtures/opencode/export.json")),
    ("iFlow", "iflow-session", include_bytes!("../../../../tests/fixtures/iflow/session.jsonl")),
    ("Grok", "grok-history", include_bytes!("../../../../tests/fixtures/grok/chat_history.jsonl")),
    ("Qwen Code", "qwen-chat", include_bytes!("../../../../tests/fixtures/qwen/chat.jsonl")),
    ("Copilot CLI", "copilot-events", include_bytes!("../../../../tests/fixtures/copilot/events.jsonl")),
    ("Cursor", "cursor-transcript", include_bytes!("../../../../tests/fixtures/cursor/transcript.jsonl")),
    ("Droid", "droid-store", include_bytes!("../../../../tests/fixtures/droid/store.jsonl")),
    ("Droid", "droid-stream", include_bytes!("../../../../tests/fixtures/droid/stream.jsonl")),
    ("Aider", "aider-history", include_bytes!("../../../../tests/fixtures/aider/history.md")),
    ("Kimi Code", "kimi-wire", include_bytes!("../../../../tests/fixtures/kimi/wire.jsonl")),
];

#[test]
fn every_fixture_reads_as_its_snapshot_says() {
    for (agent, name, bytes) in FIXTURES {
        let session = read(bytes).unwrap();
        assert_eq!(session.agent(), *agent, "{name}");
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/snapshots");
        insta::with_settings!({ snapshot_path => folder, prepend_module_to_snapshot => false, omit_expression => true }, {
            insta::assert_snapshot!(*name, retold(&session));
        });
    }
}

#[test]
fn nothing_private_is_ever_shown() {
    for (_, name, bytes) in FIXTURES {
        let session = read(bytes).unwrap();
        let shown = format!("{} {:?} {:?}", retold(&session), session.overview(), session.report());
        assert!(!shown.contains("PRIVATE") && !shown.contains("FORBIDDEN"), "{name}: {shown}");
        assert!(!shown.contains("41.5"), "{name} shows rate limits");
    }
}

#[test]
fn context_is_shown_when_it_is_asked_for_and_never_what_is_forbidden() {
    let mut told = String::new();
    for (_, name, bytes) in FIXTURES {
        let source = Source::from_file(file(bytes), None).unwrap();
        let session = Session::open(source, Cleaner::new()).unwrap().including(Include::of(&["context"]));
        while session.advance(1 << 16).unwrap() == Progress::More {}
        let all = retold(&session);
        let shown = format!("{all} {:?} {:?}", session.overview(), session.report());
        assert!(!shown.contains("FORBIDDEN"), "{name}: {shown}");
        let (context, rest): (Vec<&str>, Vec<&str>) =
            all.lines().partition(|line| line.starts_with("  context"));
        let without = retold(&read(bytes).unwrap());
        assert_eq!(rest, without.lines().collect::<Vec<_>>(), "{name}: nothing else changes");
        told += &format!("{name}\n{}\n", context.join("\n"));
    }
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/snapshots");
    insta::with_settings!({ snapshot_path => folder, prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!("context", told);
    });
}

#[test]
fn every_step_image_and_prompt_is_where_the_index_says() {
    for (_, name, bytes) in FIXTURES {
        let session = read(bytes).unwrap();
        let turns = turns(&session);
        let steps: Vec<u32> = turns.iter().flat_map(|turn| &turn.items).filter_map(step_no).collect();
        assert_eq!(steps, (1..=session.overview().steps).collect::<Vec<_>>(), "{name}");
        for no in steps {
            assert_eq!(session.step(no).unwrap().map(|step| step.no), Some(no), "{name}, step {no}");
            assert!(session.place_of_step(no).is_some());
        }
        let prompts: Vec<String> =
            turns.iter().filter_map(|turn| Some(turn.prompt.as_ref()?.text.to_string())).collect();
        let outline: Vec<String> =
            session.overview().outline.iter().filter(|e| e.no > 0).map(|e| e.text.to_string()).collect();
        assert_eq!(prompts.len(), outline.len(), "{name}");
        let images = turns.iter().flat_map(|turn| {
            let steps = turn.items.iter().filter_map(|item| match item {
                Item::Step(step) => Some(&step.images),
                _ => None,
            });
            turn.prompt.iter().map(|prompt| &prompt.attachments).chain(steps).flatten()
        });
        for image in images {
            let (kind, bytes) = session.attachment(image.no).unwrap().unwrap();
            assert_eq!((kind, bytes.len() as u64), (image.media_type, image.bytes), "{name}, i{}", image.no);
        }
    }
}

fn step_no(item: &Item) -> Option<u32> {
    match item {
        Item::Step(step) => Some(step.no),
        _ => None,
    }
}

#[test]
fn a_session_that_grows_reads_like_one_that_was_there() {
    // A text has no records that could be waited for: what was read of one is not read again.
    for (_, name, bytes) in FIXTURES.iter().filter(|(agent, ..)| *agent != "Aider") {
        let whole = retold(&read(bytes).unwrap());
        for cut in [bytes.len() / 3, bytes.len() / 2, bytes.len() - 2] {
            let path = tempfile::NamedTempFile::new().unwrap();
            std::fs::write(path.path(), &bytes[..cut]).unwrap();
            let source = crate::session::Source::open(path.path()).unwrap();
            let session = crate::session::Session::open(source, crate::redact::Cleaner::new()).unwrap();
            while session.advance(100).unwrap() == crate::session::Progress::More {}
            use std::io::Write;
            let mut file = std::fs::OpenOptions::new().append(true).open(path.path()).unwrap();
            file.write_all(&bytes[cut..]).unwrap();
            while session.advance(100).unwrap() == crate::session::Progress::More {}
            assert_eq!(retold(&session), whole, "{name}, cut at {cut}");
        }
    }
}

#[test]
fn one_agents_session_is_not_taken_for_anothers() {
    for (agent, name, bytes) in FIXTURES {
        // Without its first record, which often names the agent.
        let second = bytes.iter().position(|b| *b == b'\n').unwrap() + 1;
        if !name.contains("document") && *agent != "Aider" && *agent != "OpenClaw" && !name.contains("bare") {
            assert_eq!(read(&bytes[second..]).unwrap().agent(), *agent, "{name}");
        }
    }
}

#[test]
fn a_patch_of_several_files_is_a_step_a_file() {
    let session = read(FIXTURES[0].2).unwrap();
    let turns = turns(&session);
    let steps = turns.iter().flat_map(|turn| &turn.items).filter_map(|item| match item {
        Item::Step(step) if step.name.as_str() == "apply_patch" || step.name.as_str() == "Delete" => {
            Some(&step.tool)
        }
        _ => None,
    });
    let paths: Vec<String> = steps
        .map(|tool| match tool {
            Tool::Write { path, created, .. } => format!("write {path} {created}"),
            Tool::Edit { path, .. } => format!("edit {path}"),
            Tool::Other { object, .. } => format!("delete {}", object.clone().unwrap_or_default()),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(paths, ["write docs/json.md true", "edit src/main.py", "delete old.py", "edit a.py"]);
}

#[test]
fn the_outline_says_how_each_step_ended() {
    for (_, name, bytes) in FIXTURES {
        assert_ends_agree(&read(bytes).unwrap(), name);
    }
}
