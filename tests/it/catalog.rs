//! `panko sessions` and `panko search`, in private homes with sessions where agents keep them.

use std::collections::HashSet;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::{Value, json};

use crate::support::daemon::Home;
use crate::support::sessions;
use crate::support::wait::{SOON, until};

/// A file below a home, its folders made.
fn place(home: &Home, name: &str) -> PathBuf {
    let path = home.path(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    path
}

/// A session of one prompt, and an answer if there is one.
fn say(home: &Home, name: &str, day: u32, project: &str, prompt: &str, reply: Option<&str>) -> PathBuf {
    let path = place(home, name);
    let mut file = fs::File::create(&path).unwrap();
    let mut line = |kind: &str, second: u32, content: Value| {
        let record = json!({
            "type": kind, "uuid": format!("u{second}"), "parentUuid": null, "sessionId": "s",
            "cwd": format!("/home/dev/{project}"), "timestamp": format!("2026-01-{day:02}T10:00:{second:02}Z"),
            "message": {"id": format!("m{second}"), "role": kind, "content": content},
        });
        writeln!(file, "{record}").unwrap();
    };
    line("user", 0, json!(prompt));
    if let Some(reply) = reply {
        line("assistant", 1, json!([{"type": "text", "text": reply}]));
    }
    path
}

fn listed(home: &Home, args: &[&str]) -> Vec<Value> {
    let args = [&["sessions", "--json"], args].concat();
    serde_json::from_str(&home.ok(&args)).unwrap()
}

fn prompts(home: &Home, args: &[&str]) -> Vec<String> {
    listed(home, args).iter().map(|session| session["prompt"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn sessions_are_listed_the_last_active_first_and_chosen() {
    let home = Home::new();
    let none = home.run(&["sessions"]);
    assert!(none.status.success() && none.stdout.is_empty(), "{none:?}");
    let first = say(&home, ".claude/projects/a/1.jsonl", 1, "alpha", "first", Some("done"));
    say(&home, ".claude/projects/b/2.jsonl", 3, "beta", "second", Some("done with zebras"));
    say(&home, ".claude/projects/b/3.jsonl", 2, "beta", "third", None);
    // What is in another agent's place is told by its content; what is no session is not listed.
    say(&home, ".iflow/projects/b/4.jsonl", 4, "gamma", "fourth", Some("done"));
    fs::write(place(&home, ".codex/archived_sessions/rollout-x.jsonl"), "{\"odd\":1}\n").unwrap();
    say(&home, ".claude/projects/a/agent-1a2b3c4.jsonl", 5, "alpha", "brief of a sub-agent", Some("done"));
    fs::write(place(&home, ".claude/history.jsonl"), "{\"display\":\"x\"}\n").unwrap();
    // Codex gives its sub-agents files like those of sessions.
    let spawned = json!({"subagent": {"thread_spawn": {"parent_thread_id": "0199", "depth": 1}}});
    for (name, more) in [("1", json!({"source": spawned})), ("2", json!({"thread_source": "subagent"}))] {
        let mut meta = json!({"id": name, "cwd": "/home/dev/alpha", "cli_version": "0.146.0"});
        meta.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let file = format!(".codex/sessions/2026/01/05/rollout-2026-01-05T10-00-00-{name}.jsonl");
        let line =
            |kind, payload| json!({"timestamp": "2026-01-05T10:00:00Z", "type": kind, "payload": payload});
        let said = json!({"type": "user_message", "message": "brief of a sub-agent"});
        let lines = format!("{}\n{}\n", line("session_meta", meta), line("event_msg", said));
        fs::write(place(&home, &file), lines).unwrap();
    }

    assert_eq!(prompts(&home, &[]), ["fourth", "second", "third", "first"]);
    assert_eq!(prompts(&home, &["--project", "BETA"]), ["second", "third"]);
    assert_eq!(prompts(&home, &["--agent", "claude-code", "--project", "alpha"]), ["first"]);
    assert!(prompts(&home, &["--agent", "codex"]).is_empty());
    assert_eq!(prompts(&home, &["--search", "zebra"]), ["second"]);
    let nothing = home.run(&["sessions", "--search", "nobodysaidthis"]);
    let said = String::from_utf8(nothing.stderr).unwrap();
    assert!(said.contains("none of the 4 sessions here is of that kind"), "{said}");
    let all = listed(&home, &[]);
    assert_eq!(all[2]["answered"], false);
    let last = &all[3];
    assert_eq!((&last["path"], &last["agent"]), (&json!(first), &json!("Claude Code")));
    assert_eq!((&last["project"], &last["started"]), (&json!("alpha"), &json!("2026-01-01T10:00:00Z")));
    assert_eq!(last["bytes"], fs::metadata(&first).unwrap().len());

    let table = home.ok(&["sessions"]);
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(lines.len(), 5, "{table}");
    assert!(
        lines[0].contains("PROJECT") && lines[3].contains("no reply") && lines[3].ends_with("third"),
        "{table}"
    );
    let paths = home.ok(&["sessions", "--paths", "--project", "alpha"]);
    assert_eq!(paths.trim_end(), first.to_str().unwrap());
}

#[test]
fn sessions_of_every_agent_are_listed_from_where_it_keeps_them() {
    let home = Home::new();
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let table = [
        ("Claude Code", "claude/everything.jsonl", ".claude/projects/p/1.jsonl"),
        ("Codex", "codex/rollout.jsonl", ".codex/sessions/2026/01/02/rollout-2026-01-02T03-04-05-1.jsonl"),
        ("Copilot CLI", "copilot/events.jsonl", ".copilot/session-state/1/events.jsonl"),
        ("Cursor", "cursor/transcript.jsonl", ".cursor/projects/p/agent-transcripts/1/1.jsonl"),
        ("Droid", "droid/store.jsonl", ".factory/sessions/p/1.jsonl"),
        ("Gemini CLI", "gemini/session.json", ".gemini/tmp/p/chats/session-1.json"),
        ("Gemini CLI", "gemini/session.jsonl", ".gemini/tmp/p/chats/session-2.jsonl"),
        ("Kimi Code", "kimi/wire.jsonl", ".kimi-code/sessions/p/1/wire.jsonl"),
        ("OpenClaw", "openclaw/v3.jsonl", ".openclaw/agents/main/sessions/1.jsonl"),
        ("Qwen Code", "qwen/chat.jsonl", ".qwen/projects/p/chats/1.jsonl"),
        ("pi", "pi/v1.jsonl", ".pi/agent/sessions/p/1.jsonl"),
    ];
    for (_, fixture, name) in table {
        fs::copy(fixtures.join(fixture), place(&home, name)).unwrap();
    }
    let sessions = listed(&home, &[]);
    for (agent, _, name) in table {
        let path = json!(home.path(name));
        let session = sessions.iter().find(|session| session["path"] == path);
        let session = session.unwrap_or_else(|| panic!("{name} is not listed"));
        assert_eq!(session["agent"], agent);
        assert!(session["prompt"].is_string() && session["answered"] == true, "{session}");
    }
    assert_eq!(sessions.len(), table.len());
}

#[test]
fn variables_of_the_agents_are_followed() {
    let home = Home::new();
    say(&home, ".claude/projects/a/1.jsonl", 1, "alpha", "here", Some("done"));
    say(&home, "elsewhere/projects/a/1.jsonl", 1, "alpha", "there", Some("done"));
    let mut command = home.command(&["sessions", "--json"]);
    let output = command.env("CLAUDE_CONFIG_DIR", home.path("elsewhere")).output().unwrap();
    let listed: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((listed.as_array().unwrap().len(), &listed[0]["prompt"]), (1, &json!("there")));
}

#[test]
fn search_shows_where_it_was_said() {
    let home = Home::new();
    let path = say(
        &home,
        ".claude/projects/a/1.jsonl",
        1,
        "alpha",
        "mend the lexer",
        Some("It was the parser of tables."),
    );
    say(&home, ".claude/projects/a/2.jsonl", 2, "alpha", "write a poem", Some("Roses are red."));
    let found = home.ok(&["search", "parser", "table"]);
    assert!(
        found.contains("It was the [parser] of [tables].") && found.contains("2026-01-01 alpha"),
        "{found}"
    );
    assert!(found.contains(path.to_str().unwrap()) && !found.contains("Roses"), "{found}");
    let hits: Value = serde_json::from_str(&home.ok(&["search", "--json", "\"are red\""])).unwrap();
    assert_eq!((&hits[0]["role"], &hits[0]["prompt_no"]), (&json!("reply"), &json!(1)));
    assert_eq!(hits[0]["snippet"][1], json!({"text": "are red", "hit": true}));
    assert_eq!(hits.as_array().unwrap().len(), 1);
    let nothing = home.run(&["search", "unheard"]);
    assert!(nothing.status.success() && nothing.stdout.is_empty());
    assert_eq!(home.run(&["search", "--", "--"]).status.code(), Some(2));
    // What grows is found, what goes is forgotten.
    let mut file = fs::OpenOptions::new().append(true).open(&path).unwrap();
    let more = json!({"type": "user", "uuid": "u9", "sessionId": "s", "message": {"role": "user", "content": "and the giraffes"}});
    writeln!(file, "{more}").unwrap();
    assert!(home.ok(&["search", "giraffe"]).contains("[giraffes]"));
    fs::remove_file(&path).unwrap();
    assert_eq!(home.ok(&["search", "giraffe"]), "");
}

#[test]
fn nothing_of_a_session_steers_the_terminal() {
    let home = Home::new();
    let evil = "\u{1b}]0;owned\u{7}\u{1b}[2J zebra \u{202e}\u{9b}31m";
    say(&home, ".claude/projects/a/1.jsonl", 1, evil, evil, Some(evil));
    for args in [&["sessions"][..], &["search", "zebra"], &["sessions", "--paths"]] {
        let shown = home.ok(args);
        assert!(shown.chars().all(|c| c == '\n' || !(c.is_control() || c == '\u{202e}')), "{shown:?}");
    }
}

#[test]
fn a_damaged_catalog_is_built_anew() {
    let home = Home::new();
    say(&home, ".claude/projects/a/1.jsonl", 1, "alpha", "first", Some("a zebra"));
    home.ok(&["search", "zebra"]);
    for suffix in ["-wal", "-shm"] {
        let _ = fs::remove_file(home.data(&format!("index.db{suffix}")));
    }
    fs::write(home.data("index.db"), "no database at all ".repeat(1_000)).unwrap();
    assert_eq!(prompts(&home, &[]), ["first"]);
    assert!(home.ok(&["search", "zebra"]).contains("[zebra]"));
}

#[test]
fn an_update_that_is_killed_is_completed_by_the_next() {
    let home = Home::new();
    for n in 0..60 {
        sessions::write(&place(&home, &format!(".claude/projects/p/{n}.jsonl")), 40, 512);
    }
    for _ in 0..3 {
        let mut search = home
            .command(&["search", "prompt-7"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        until(SOON, "it has begun or ended", || {
            home.data("index.db.reading").exists() || search.try_wait().unwrap().is_some()
        });
        let _ = search.kill();
        search.wait().unwrap();
    }
    let hits: Value =
        serde_json::from_str(&home.ok(&["search", "--json", "-n", "1000", "\"do prompt-7 of\""])).unwrap();
    let hits = hits.as_array().unwrap();
    assert_eq!(hits.len(), 60);
    assert!(hits.iter().all(|hit| hit["passages"] == 1), "nothing is there twice");
}

#[test]
fn every_claude_session_of_the_corpus_is_listed_once() {
    let home = Home::new();
    let is_agent = |path: &Path| path.file_name().unwrap().to_str().unwrap().starts_with("agent-");
    let mut expected = HashSet::new();
    for (n, source) in sessions::corpus().into_iter().filter(|path| !is_agent(path)).enumerate() {
        let name = source.file_name().unwrap().to_str().unwrap();
        let path = place(&home, &format!(".claude/projects/{n}/{name}"));
        fs::hard_link(&source, &path).or_else(|_| fs::copy(&source, &path).map(drop)).unwrap();
        let agents = source.with_extension("").join("subagents");
        for entry in fs::read_dir(agents).into_iter().flatten() {
            let entry = entry.unwrap();
            let name = format!(".claude/projects/{n}/subagents/{}", entry.file_name().to_str().unwrap());
            fs::copy(entry.path(), place(&home, &name)).unwrap();
        }
        expected.insert(path.to_str().unwrap().to_owned());
    }
    if expected.is_empty() {
        crate::support::inject::skipped("no corpus is unpacked at target/corpus");
        return;
    }
    let sessions = listed(&home, &[]);
    let found: HashSet<String> =
        sessions.iter().map(|session| session["path"].as_str().unwrap().to_owned()).collect();
    assert_eq!((sessions.len(), &found), (expected.len(), &expected));
    assert_eq!(listed(&home, &[]), sessions, "the same from the cache");
}

#[test]
fn a_session_in_many_files_is_listed_once_and_its_text_found() {
    let home = Home::new();
    sessions::opencode_storage(&home.path("data/opencode/storage"));
    let all = listed(&home, &[]);
    assert_eq!(all.len(), 1, "{all:?}");
    assert_eq!((&all[0]["agent"], &all[0]["title"]), (&json!("opencode"), &json!("Read and mend")));
    assert_eq!((&all[0]["project"], &all[0]["prompt"]), (&json!("tally"), &json!("Look at the readme")));
    assert_eq!((&all[0]["active"], &all[0]["answered"]), (&json!("2026-05-28T20:28:10Z"), &json!(true)));
    let found = home.ok(&["search", "--json", "nothing to say"]);
    assert_eq!(serde_json::from_str::<Vec<Value>>(&found).unwrap().len(), 1, "{found}");
}

#[test]
fn a_session_is_named_by_the_id_that_the_list_shows() {
    let home = Home::new();
    say(&home, ".claude/projects/a/1.jsonl", 1, "alpha", "the first of all", Some("done"));
    say(&home, ".claude/projects/a/2.jsonl", 2, "alpha", "the second", Some("done"));
    let table = home.ok(&["sessions"]);
    let row = table.lines().find(|line| line.contains("the first of all")).unwrap();
    let id = row.split_whitespace().next().unwrap();
    let session = &listed(&home, &[])[1];
    assert!(id.len() >= 6 && session["id"].as_str().unwrap().starts_with(id), "{row} {session}");
    // Every command takes it, and its beginning.
    for id in [id, &id[..5], session["id"].as_str().unwrap()] {
        assert!(home.ok(&["export", id, "--format", "md"]).contains("the first of all"));
        assert!(home.ok(&["check", id]).contains("1.jsonl: Claude Code, 1 prompt, 1 reply, 0 tool calls"));
    }
    let shared: Value =
        serde_json::from_str(&home.ok(&["share", id, "--tunnel", "local", "--json"])).unwrap();
    assert!(shared["session_path"].as_str().unwrap().ends_with("1.jsonl"), "{shared}");
    // Unknown, and the beginning of several.
    let refused = |args: &[&str]| {
        let output = home.run(args);
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    for command in [&["share", "abcd0123"][..], &["view", "abcd0123"], &["export", "abcd0123", "-f", "md"]] {
        let error = refused(command);
        assert!(error.contains("no session of that id") && error.contains("panko sessions"), "{error}");
    }
    let error = refused(&["check", "abcd0123", id]);
    assert!(error.contains("no session of that id") && error.contains("1 of 2 files"), "{error}");
    // A file of that name is that file.
    fs::copy(home.path(".claude/projects/a/2.jsonl"), home.path("abcd0123")).unwrap();
    let file = home.path("abcd0123");
    assert!(home.ok(&["export", file.to_str().unwrap(), "-f", "md"]).contains("the second"));
}
