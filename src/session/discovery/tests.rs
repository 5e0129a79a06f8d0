use std::collections::HashMap;
use std::ffi::OsString;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::walk::matches;
use super::*;
use crate::redact::Cleaner;
use crate::session::OpenError;

fn home(files: &[&str]) -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    for file in files {
        let path = home.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "x\n").unwrap();
    }
    home
}

fn found(home: &Path, variables: &[(&str, &Path)]) -> Vec<(String, &'static str)> {
    let variables: HashMap<&str, OsString> =
        variables.iter().map(|(name, value)| (*name, value.as_os_str().to_owned())).collect();
    let variable = |name: &str| variables.get(name).cloned();
    let walked = find(&Surroundings { home, variable: &variable });
    assert!(walked.unread.is_empty(), "{:?}", walked.unread);
    let relative = |path: &PathBuf| path.strip_prefix(home).unwrap().to_str().unwrap().to_owned();
    walked.files.iter().map(|found| (relative(&found.path), found.place.agent)).collect()
}

#[test]
fn sessions_are_found_where_each_agent_keeps_them() {
    let table = [
        (".claude/projects/-home-dev-tool/0a1b.jsonl", "Claude Code"),
        (".codex/archived_sessions/rollout-2026-01-02T03-04-05-0a.jsonl", "Codex"),
        (".codex/sessions/2026/01/02/rollout-2026-01-02T03-04-05-0b.jsonl", "Codex"),
        (".copilot/session-state/0a.jsonl", "Copilot CLI"),
        (".copilot/session-state/0b/events.jsonl", "Copilot CLI"),
        (".cursor/projects/tool/agent-transcripts/0a/0a.jsonl", "Cursor"),
        (".factory/sessions/-home-dev/0a.jsonl", "Droid"),
        (".factory/sessions/0b.jsonl", "Droid"),
        (".gemini/tmp/tool/chats/session-2026-01-02T03-04-0a.json", "Gemini CLI"),
        (".gemini/tmp/tool/chats/session-2026-01-02T03-04-0b.jsonl", "Gemini CLI"),
        (".grok/sessions/tool/0a/chat_history.jsonl", "Grok"),
        (".hermes/sessions/0a.jsonl", "Hermes"),
        (".iflow/projects/-home-dev/session-0a.jsonl", "iFlow"),
        (".kimi/sessions/w/0a/wire.jsonl", "Kimi CLI"),
        (".kimi-code/sessions/w/0a/wire.jsonl", "Kimi Code"),
        (".kimi-code/sessions/w/0b/agents/main/wire.jsonl", "Kimi Code"),
        (".local/share/amp/threads/T-0a.json", "Amp"),
        (".local/share/goose/sessions/0a.jsonl", "Goose"),
        (".local/share/opencode/storage/session/p/ses_0a.json", "opencode"),
        (".openclaw/agents/main/sessions/0a.jsonl", "OpenClaw"),
        (".pi/agent/sessions/--home-dev--/2026_0a.jsonl", "pi"),
        (".qwen/projects/-home-dev/chats/0a.jsonl", "Qwen Code"),
    ];
    let home = home(&table.map(|(file, _)| file));
    let expected = table.map(|(file, agent)| (file.to_owned(), agent));
    assert_eq!(found(home.path(), &[]), expected);
}

#[test]
fn what_lies_beside_sessions_is_not_found() {
    let home = home(&[
        ".claude/history.jsonl",
        ".claude/projects/p/agent-0a1b2c3.jsonl",
        ".claude/projects/p/history.jsonl",
        ".claude/projects/p/journal.jsonl",
        ".claude/projects/p/sessions-index.json",
        ".claude/projects/p/0a1b/subagents/agent-0a1b2c3.jsonl",
        ".claude/projects/p/0a1b/subagents/workflows/wf_1/journal.jsonl",
        ".claude/projects/p/0a1b/tool-results/t.txt",
        ".claude/projects/p/memory/notes.md",
        ".claude/todos/x.json",
        ".codex/history.jsonl",
        ".codex/session_index.jsonl",
        ".codex/sessions/2026/01/02/notes.jsonl",
        ".cursor/projects/p/agent-transcripts/0a/subagents/0b.jsonl",
        ".gemini/tmp/p/logs.json",
        ".gemini/tmp/p/checkpoint-x.json",
        ".gemini/tmp/p/chats/0a/session-sub.json",
        ".kimi/sessions/w/0a/context.jsonl",
        ".kimi-code/sessions/w/0b/agents/agent-0/wire.jsonl",
        ".copilot/session-state/0b/workspace.yaml",
    ]);
    fs::create_dir_all(home.path().join(".claude/projects/p/folder.jsonl")).unwrap();
    assert_eq!(found(home.path(), &[]), []);
}

#[test]
fn variables_move_the_places() {
    let home = home(&[
        ".claude/projects/p/0a.jsonl",
        "claude/projects/p/0b.jsonl",
        "codex/archived_sessions/rollout-0c.jsonl",
        "gem/.gemini/tmp/p/chats/session-0d.json",
        "share/goose/sessions/0e.jsonl",
    ]);
    let at = |name: &str| home.path().join(name);
    let (claude, codex, gemini, share) = (at("claude"), at("codex"), at("gem"), at("share"));
    let variables: [(&str, &Path); 5] = [
        ("CLAUDE_CONFIG_DIR", &claude),
        ("CODEX_HOME", &codex),
        ("GEMINI_CLI_HOME", &gemini),
        ("XDG_DATA_HOME", &share),
        // Set and empty is not set.
        ("QWEN_HOME", Path::new("")),
    ];
    let names: Vec<String> = found(home.path(), &variables).into_iter().map(|(name, _)| name).collect();
    assert_eq!(
        names,
        [
            "claude/projects/p/0b.jsonl",
            "codex/archived_sessions/rollout-0c.jsonl",
            "gem/.gemini/tmp/p/chats/session-0d.json",
            "share/goose/sessions/0e.jsonl",
        ]
    );
}

#[test]
fn a_file_with_two_paths_is_found_once_and_a_loop_ends() {
    let home = home(&[".claude/projects/p/0a.jsonl"]);
    let projects = home.path().join(".claude/projects");
    std::os::unix::fs::symlink(projects.join("p"), projects.join("same")).unwrap();
    std::os::unix::fs::symlink(&projects, projects.join("loop")).unwrap();
    std::os::unix::fs::symlink("nowhere", projects.join("p/0b.jsonl")).unwrap();
    assert_eq!(found(home.path(), &[]).len(), 1);
}

#[test]
fn a_pattern_has_one_star() {
    for (pattern, name, is) in [
        ("*.jsonl", "a.jsonl", true),
        ("*.jsonl", ".jsonl", true),
        ("*.jsonl", "a.json", false),
        ("rollout-*.jsonl", "rollout-.jsonl", true),
        ("aba*aba", "aba", false),
        ("events.jsonl", "events.jsonl", true),
        ("events.jsonl", "x.jsonl", false),
    ] {
        assert_eq!(matches(pattern, name.as_bytes()), is, "{pattern} {name}");
    }
}

fn record(n: usize, kind: &str, text: &str) -> String {
    let id = format!("m{n}");
    let message = if kind == "user" {
        serde_json::json!({"role": "user", "content": text})
    } else {
        serde_json::json!({"role": "assistant", "id": id, "content": [{"type": "text", "text": text}]})
    };
    let time = jiff::Timestamp::from_second(1_780_000_000 + n as i64).unwrap().to_string();
    let record = serde_json::json!({
        "type": kind, "uuid": format!("u{n}"), "parentUuid": null, "sessionId": "s", "cwd": "/home/dev/tool",
        "timestamp": time, "message": message,
    });
    format!("{record}\n")
}

fn look_at(text: &str) -> Result<Glance, OpenError> {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    glance(Path::new("x.jsonl"), file, false, &Cleaner::new())
}

#[test]
fn a_long_session_is_told_by_its_beginning_and_its_end() {
    let mut text = record(0, "user", "first words");
    for n in 1..4_000 {
        text += &record(n, if n % 2 == 0 { "user" } else { "assistant" }, &"some text ".repeat(20));
    }
    text += "{\"type\":\"custom-title\",\"customTitle\":\"a name\",\"sessionId\":\"s\"}\n";
    text += &record(4_000, "assistant", "last words");
    assert!(text.len() > 1 << 20);
    let glance = look_at(&text).unwrap();
    assert_eq!(glance.prompt.unwrap().as_str(), "first words");
    assert_eq!(glance.title.unwrap().1.as_str(), "a name");
    assert_eq!(glance.project.unwrap().as_str(), "tool");
    assert_eq!(glance.started.unwrap().as_second(), 1_780_000_000);
    assert_eq!(glance.ended.unwrap().as_second(), 1_780_004_000);
    assert!(glance.answered);
}

#[test]
fn a_prompt_behind_half_a_megabyte_is_found() {
    let mut text = String::new();
    for n in 0..200 {
        text += &format!(
            "{{\"type\":\"file-history-snapshot\",\"messageId\":\"m{n}\",\"snapshot\":\"{}\"}}\n",
            "x".repeat(3_000)
        );
    }
    text += &record(1, "user", "late words");
    text += &record(2, "assistant", &"long ".repeat(200_000));
    assert_eq!(look_at(&text).unwrap().prompt.unwrap().as_str(), "late words");
}

#[test]
fn an_answer_is_looked_for_in_the_middle_where_none_stands_at_either_end() {
    let snapshots = |n: usize| {
        let snapshot = "x".repeat(3_000);
        let line = format!(
            "{{\"type\":\"file-history-snapshot\",\"messageId\":\"m\",\"snapshot\":\"{snapshot}\"}}\n"
        );
        line.repeat(n)
    };
    let asked = record(0, "user", "words") + &snapshots(200);
    assert!(!look_at(&asked).unwrap().answered);
    let answered = asked + &record(1, "assistant", "here") + &snapshots(200);
    assert!(look_at(&answered).unwrap().answered);
}

#[test]
fn a_session_without_an_answer_says_so_and_a_command_is_no_title() {
    let command = |name: &str| format!("<command-name>/{name}</command-name>\n<command-args></command-args>");
    let glance = look_at(&record(0, "user", &command("review"))).unwrap();
    assert_eq!((glance.prompt.unwrap().as_str(), glance.answered), ("/review", false));
    let glance = look_at(&record(0, "user", &command("clear"))).unwrap();
    assert_eq!((glance.prompt, glance.answered), (None, false), "the agent's program answered that itself");
    let glance = look_at(&(record(0, "user", &command("review")) + &record(1, "user", "words"))).unwrap();
    assert_eq!((glance.prompt.unwrap().as_str(), glance.answered), ("words", false));
    assert!(matches!(look_at("hello\n"), Err(OpenError::NotASession { .. })));
    assert!(matches!(look_at(""), Err(OpenError::Empty)));
}

fn files_below(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() { files_below(&path, found) } else { found.push(path) }
    }
}

#[test]
fn a_list_names_sessions_as_their_pages_do() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    for folder in ["target/corpus", "examples", "tests/fixtures"] {
        files_below(&root.join(folder), &mut files);
    }
    let mut compared = 0;
    let mut wrong = Vec::new();
    for path in files {
        let source = crate::session::Source::open(&path);
        let Ok(session) = source.and_then(|source| crate::session::Session::open(source, Cleaner::new()))
        else {
            continue;
        };
        while session.advance(8 << 20).unwrap() == crate::session::Progress::More {}
        let document = path.extension().is_some_and(|extension| extension == "json");
        let listed = glance(&path, fs::File::open(&path).unwrap(), document, &Cleaner::new());
        let overview = session.overview();
        let page = overview.title.clone().or_else(|| Some(overview.first_words()?.text.clone()));
        let list = listed.ok().and_then(|listed| listed.title.map(|(_, title)| title).or(listed.prompt));
        compared += 1;
        if list != page {
            wrong.push(format!("{}: {list:?}, the page {page:?}", path.display()));
        }
    }
    // A summary that stands in neither the beginning nor the end of a large file is known once it was read through.
    wrong.retain(|told| !told.contains("130d7b7e-5801-4345-9bd6-f32fd9b8429b"));
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(compared >= 18, "{compared}");
}

#[test]
fn a_summary_is_a_title_if_its_message_is_anywhere_in_the_file() {
    let record = |uuid: &str, text: &str| serde_json::json!({ "type": "user", "uuid": uuid, "sessionId": "s", "message": { "role": "user", "content": text } });
    let summary = |title: &str, leaf: &str| serde_json::json!({ "type": "summary", "summary": title, "leafUuid": leaf });
    let long = "word ".repeat(200);
    let middle = (0..600).map(|no| record(&format!("u{no}"), &long).to_string() + "\n").collect::<String>();
    let head = [
        summary("of this", "u300"),
        summary("of another", "v1"),
        record("a", "/clear"),
        record("b", "go on"),
    ];
    let head = head.map(|record| record.to_string() + "\n").concat();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s.jsonl");
    fs::write(&path, head + &middle).unwrap();
    let glance = glance(&path, fs::File::open(&path).unwrap(), false, &Cleaner::new()).unwrap();
    let text = |text: Option<crate::redact::CleanText>| text.map(|text| text.to_string());
    assert_eq!(
        (text(glance.title.map(|(_, title)| title)), text(glance.prompt)),
        (Some("of this".to_owned()), Some("go on".to_owned()))
    );
}
