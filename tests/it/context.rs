//! What belongs to the sharer alone: not on a page, not in an export, unless it was asked for; and the rest never.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::support::daemon::Home;
use crate::support::wait::{SOON, until};
use crate::support::{http, sessions};

/// Marks in the fixtures: what is left out by default, and what is never shown.
const PRIVATE: &str = "PRIVATE";
const FORBIDDEN: &str = "FORBIDDEN";

/// The fixture of every agent.
fn fixtures() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let files = |folder: PathBuf| fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let folders = files(root).filter(|path| path.is_dir() && !path.ends_with("snapshots"));
    // What lies beside a session stands in a folder of its name.
    folders.flat_map(files).filter(|path| path.is_file()).collect()
}

fn share(home: &Home, session: &Path, options: &Value) -> Value {
    let params = json!({"session_path": session, "provider": "local", "options": options});
    let reply = home.ask(&json!({"method": "StartShare", "params": params}));
    assert_eq!(reply["status"], "ShareStarted", "{}: {reply}", session.display());
    reply["data"].clone()
}

#[test]
fn no_page_shows_what_is_private_and_one_with_context_not_what_is_forbidden() {
    let home = Home::started();
    let mut with_context = 0;
    for session in fixtures() {
        let show = session.display();
        let page = |options: Value| {
            let share = share(&home, &session, &options);
            let page = http::get(share["public_url"].as_str().unwrap()).text();
            home.ask(&json!({"method": "StopShare", "params": {"share_id": share["id"]}}));
            page
        };
        let plain = page(json!({}));
        assert!(!plain.contains(PRIVATE) && !plain.contains(FORBIDDEN), "{show}");
        // A word this daemon does not know includes nothing.
        assert!(!page(json!({"include": ["everything"]})).contains(PRIVATE), "{show}");
        let told = page(json!({"include": ["context"]}));
        assert!(!told.contains(FORBIDDEN), "{show}");
        with_context += usize::from(told.contains(PRIVATE) && told.contains(">Context<"));
    }
    assert!(with_context >= 8, "{with_context} fixtures show context");
}

#[test]
fn a_share_keeps_what_it_includes_across_a_restart() {
    let mut home = Home::started();
    let session = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/codex/rollout.jsonl");
    let url = share(&home, &session, &json!({"include": ["context"]}))["public_url"].clone();
    let url = url.as_str().unwrap();
    home.kill_daemon();
    home.start();
    until(SOON, "the page is back", || http::get(url).status == 200);
    assert!(http::get(url).text().contains("PRIVATE rules"));
}

#[test]
fn exports_include_context_only_when_they_are_told_to() {
    let home = Home::new();
    let session = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/codex/rollout.jsonl");
    let session = session.to_str().unwrap();
    for format in ["html", "md", "json", "jsonl"] {
        let plain = home.ok(&["export", session, "-f", format]);
        assert!(!plain.contains(PRIVATE) && !plain.contains(FORBIDDEN), "{format}");
        let told = home.ok(&["export", session, "-f", format, "--include", "context"]);
        assert!(told.contains("PRIVATE rules") && !told.contains(FORBIDDEN), "{format}");
    }
    assert_eq!(home.run(&["export", session, "-f", "md", "--include", "tokens"]).status.code(), Some(2));
}

#[test]
fn a_session_in_many_files_is_not_followed() {
    let home = Home::started();
    let own = sessions::opencode_storage(&home.path("storage"));
    let params = json!({"session_path": own, "provider": "local", "options": {"live": true}});
    let reply = home.ask(&json!({"method": "StartShare", "params": params}));
    assert_eq!(reply["status"], "Error", "{reply}");
    assert!(reply["data"]["message"].as_str().unwrap().contains("written anew with every turn"), "{reply}");
    assert!(home.shares().is_empty());
}
