//! What sessions are called in the list: what their pages call them, as far as it can be known without reading them.

use super::*;
use crate::session::{Progress, Session, Source};

#[test]
fn titles_are_found_and_old_text_is_not() {
    let home = Home::new();
    home.say("a.jsonl", 0, "alpha", "beta");
    let mut catalog = home.open();
    assert_eq!(home.found(&mut catalog, "beta").len(), 1);
    fs::remove_file(home.session("a.jsonl")).unwrap();
    home.say("a.jsonl", 0, "gamma", "delta");
    let mut file = fs::OpenOptions::new().append(true).open(home.session("a.jsonl")).unwrap();
    writeln!(file, "{{\"type\":\"custom-title\",\"customTitle\":\"a named thing\",\"sessionId\":\"s\"}}")
        .unwrap();
    assert!(home.found(&mut catalog, "beta").is_empty());
    assert_eq!(home.found(&mut catalog, "named"), ["a named thing"]);
    fs::remove_file(home.session("a.jsonl")).unwrap();
    assert!(home.found(&mut catalog, "gamma").is_empty());
    let left: i64 = schema::passages::table.count().get_result(&mut catalog.db).unwrap();
    assert_eq!(left, 0, "what is gone is forgotten");
}

/// What the page of a session calls it.
fn page(path: &Path) -> String {
    let session = Session::open(Source::open(path).unwrap(), Cleaner::new()).unwrap();
    while session.advance(1 << 20).unwrap() == Progress::More {}
    let overview = session.overview();
    let title = overview.title.as_ref().or_else(|| Some(&overview.first_words()?.text));
    title.unwrap().as_str().to_owned()
}

fn append(path: &Path, record: &serde_json::Value) {
    let mut file = fs::OpenOptions::new().append(true).open(path).unwrap();
    writeln!(file, "{record}").unwrap();
}

#[test]
fn a_title_in_the_middle_of_a_long_session_is_known_once_that_was_read_and_from_then_on() {
    let home = Home::new();
    let path = home.session("a.jsonl");
    let filler = "word ".repeat(40_000);
    home.say("a.jsonl", 0, "the first words", &filler);
    append(&path, &serde_json::json!({"type": "custom-title", "customTitle": "given", "sessionId": "s"}));
    home.say("a.jsonl", 10, "more", &filler);
    let mut catalog = home.open();
    assert_eq!(
        (page(&path).as_str(), home.names(&mut catalog)),
        ("given", vec!["the first words".to_owned()])
    );
    assert_eq!(home.found(&mut catalog, "more"), ["given"], "the search that read it knows");
    assert_eq!(home.names(&mut catalog), ["given"]);
    // It grows, and is not read through again.
    home.say("a.jsonl", 20, "and more", &filler);
    assert_eq!(home.names(&mut catalog), ["given"]);
    // A title that counts less does not take its place, whether it is read or not.
    append(&path, &serde_json::json!({"type": "ai-title", "aiTitle": "thought of", "sessionId": "s"}));
    assert_eq!(home.names(&mut catalog), ["given"]);
    assert_eq!(home.found(&mut catalog, "given"), ["given"]);
    assert!(home.found(&mut catalog, "thought").is_empty());
    assert_eq!(page(&path), "given");
    append(&path, &serde_json::json!({"type": "custom-title", "customTitle": "another", "sessionId": "s"}));
    assert_eq!(home.names(&mut catalog), ["another"]);
    assert_eq!(home.found(&mut catalog, "another"), ["another"]);
    assert!(home.found(&mut catalog, "given").is_empty());
    // Another file in its place.
    fs::remove_file(&path).unwrap();
    home.say("a.jsonl", 30, "something else", "done");
    assert_eq!(home.names(&mut catalog), ["something else"]);
}

#[test]
fn a_summary_that_comes_late_names_a_session_before_and_after_it_is_read_on() {
    let home = Home::new();
    let path = home.session("a.jsonl");
    let filler = "word ".repeat(40_000);
    home.say("a.jsonl", 0, "the first words", &filler);
    home.say("a.jsonl", 10, "more", &filler);
    let mut catalog = home.open();
    assert_eq!(home.found(&mut catalog, "more"), ["the first words"]);
    let summary =
        |title: &str, of: &str| serde_json::json!({"type": "summary", "summary": title, "leafUuid": of});
    for (title, of, called) in [
        ("of another", "x-1", "the first words"),
        ("come late", "0-1", "come late"),
        ("again", "10-1", "again"),
    ] {
        append(&path, &summary(title, of));
        assert_eq!((page(&path).as_str(), home.names(&mut catalog)), (called, vec![called.to_owned()]));
        assert_eq!(home.found(&mut catalog, "more"), [called]);
        assert_eq!(home.names(&mut catalog), [called], "it was read on, not through");
    }
    assert_eq!(home.found(&mut catalog, "again"), ["again"]);
    assert!(home.found(&mut catalog, "late").is_empty());
}

#[test]
fn what_codex_keeps_in_one_file_for_all_names_a_session_in_the_list_and_on_its_page() {
    let home = Home::new();
    let id = "019a2b3c-4d5e-6f70-8192-a3b4c5d6e7f8";
    let folder = home.folder.path().join(".codex/sessions/2026/09/01");
    let path = folder.join(format!("rollout-2026-09-01T10-00-00-{id}.jsonl"));
    fs::create_dir_all(&folder).unwrap();
    let records = include_str!("../../../tests/fixtures/codex/rollout.jsonl");
    let unnamed =
        records.lines().filter(|line| !line.contains("thread_name")).map(|line| format!("{line}\n"));
    fs::write(&path, unnamed.collect::<String>()).unwrap();
    let mut catalog = home.open();
    assert_eq!(home.names(&mut catalog), [page(&path)]);
    let names = home.folder.path().join(".codex/session_index.jsonl");
    let entry = |id: &str, name: &str| {
        format!("{{\"id\":\"{id}\",\"thread_name\":\"{name}\",\"updated_at\":\"x\"}}\n")
    };
    let all = entry(id, "first name") + "torn\n" + &entry("other", "not this") + &entry(id, "last name");
    fs::write(&names, all).unwrap();
    assert_eq!((page(&path), home.names(&mut catalog)), ("last name".into(), vec!["last name".into()]));
    // What the session's own records say counts more.
    let event = serde_json::json!({"timestamp": "2026-09-02T10:00:00Z", "type": "event_msg",
        "payload": {"type": "thread_name_updated", "thread_name": "in the records"}});
    append(&path, &event);
    assert_eq!(
        (page(&path), home.names(&mut catalog)),
        ("in the records".into(), vec!["in the records".into()])
    );
}
