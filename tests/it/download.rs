//! The session as JSON lines, for viewers to take along: whole, of any length, and no word more than the page shows.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::support::daemon::Home;
use crate::support::{http, sessions};

/// The lines that a share of `session` hands out.
fn taken(home: &Home, session: &Path) -> Vec<Value> {
    let reply = home.ask(&json!({"method": "StartShare", "params": {
        "session_path": session, "provider": "local", "options": {"allow_download": true}}}));
    assert_eq!(reply["status"], "ShareStarted", "{}: {reply}", session.display());
    let (port, root) = http::parts(reply["data"]["public_url"].as_str().unwrap());
    let answer = http::request(port, "GET", &format!("{root}session.jsonl"), &[]);
    home.ask(&json!({"method": "StopShare", "params": {"share_id": reply["data"]["id"]}}));
    assert_eq!(answer.status, 200, "{}", session.display());
    assert_eq!(answer.header("content-disposition"), Some("attachment; filename=\"session.jsonl\""));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    answer.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Lines of this `type`.
fn of<'a>(lines: &'a [Value], kind: &str) -> Vec<&'a Value> {
    lines.iter().filter(|line| line["type"] == kind).collect()
}

#[test]
fn a_long_session_is_handed_out_whole_in_order() {
    let home = Home::started();
    let session = home.path("long.jsonl");
    // Outputs longer than what a page shows of them.
    sessions::write(&session, 300, 40_000);
    let lines = taken(&home, &session);
    assert_eq!((&lines[0]["type"], &lines[0]["format"]), (&json!("session"), &json!("panko-session")));
    let said: Vec<&str> = of(&lines, "prompt").iter().map(|line| line["text"].as_str().unwrap()).collect();
    let wanted: Vec<String> = (0..300).map(|n| format!("Please do prompt-{n} of the list")).collect();
    assert_eq!(said, wanted);
    let steps = of(&lines, "step");
    assert_eq!(steps.len(), 300);
    for (n, step) in steps.iter().enumerate() {
        assert_eq!((step["no"].as_u64(), step["turn"].as_u64()), (Some(n as u64 + 1), Some(n as u64 + 1)));
        assert_eq!(step["tool"]["output"]["text"].as_str().unwrap().trim_end().len(), 39_999, "step {n}");
    }
}

#[test]
fn the_lines_say_what_the_export_says() {
    let home = Home::started();
    let session = sessions::example();
    let whole: Value =
        serde_json::from_str(&home.ok(&["export", session.to_str().unwrap(), "-f", "json"])).unwrap();
    let mut wanted = vec![whole.clone()];
    wanted[0].as_object_mut().unwrap().remove("turns");
    wanted[0]["type"] = json!("session");
    for turn in whole["turns"].as_array().unwrap() {
        let mut add = |line: &Value, kind: Option<&str>| {
            let mut line = line.clone();
            line["turn"] = turn["no"].clone();
            if let Some(kind) = kind {
                line["type"] = json!(kind);
            }
            wanted.push(line);
        };
        if let Some(prompt) = turn.get("prompt") {
            add(prompt, Some("prompt"));
        }
        turn["items"].as_array().unwrap().iter().for_each(|item| add(item, None));
    }
    assert_eq!(taken(&home, &session), wanted);
    let lines = home.ok(&["export", session.to_str().unwrap(), "-f", "jsonl"]);
    assert_eq!(
        lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()).collect::<Vec<_>>(),
        wanted
    );
}

/// Keys whose values say what a record is, or to what it belongs: with a secret in them they would be another record.
const STRUCTURE: [&str; 17] = [
    "type",
    "role",
    "id",
    "uuid",
    "parentUuid",
    "tool_use_id",
    "timestamp",
    "subtype",
    "media_type",
    "data",
    "status",
    "operation",
    "name",
    "sessionId",
    "userType",
    "output_mode",
    "mode",
];

/// Appends ` secret` to every text of a record but those of [`STRUCTURE`], and adds a field named for it to every
/// input of a tool. Counts what was planted.
fn plant(value: &mut Value, secret: &str, planted: &mut usize) {
    match value {
        Value::String(text) => {
            text.push(' ');
            text.push_str(secret);
            *planted += 1;
        }
        Value::Array(list) => list.iter_mut().for_each(|one| plant(one, secret, planted)),
        Value::Object(fields) => {
            for (key, one) in fields.iter_mut() {
                if !(STRUCTURE.contains(&key.as_str()) && one.is_string()) {
                    plant(one, secret, planted);
                }
                if let (true, Value::Object(input)) = (key == "input", one) {
                    input.insert(secret.to_owned(), json!("a value"));
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[test]
fn no_secret_leaves_whatever_field_it_stands_in() {
    // Put together here: the repository holds nothing that looks like a key.
    let secret = format!("{}{}", "gh", "p_") + &"a1B2c3D4e5F6".repeat(3);
    let home = Home::started();
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/claude");
    let files = fs::read_dir(fixtures).unwrap().map(|entry| entry.unwrap().path());
    let mut masked = 0;
    for session in files.filter(|path| path.is_file()).chain([sessions::example()]) {
        let mut planted = 0;
        let mut text = String::new();
        for line in fs::read_to_string(&session).unwrap().lines() {
            let Ok(mut record) = serde_json::from_str::<Value>(line) else { continue };
            plant(&mut record, &secret, &mut planted);
            text += &format!("{record}\n");
        }
        assert!(planted > 20, "{}: {planted} planted", session.display());
        let path = home.path("planted.jsonl");
        fs::write(&path, text).unwrap();
        let lines = taken(&home, &path);
        assert!(!of(&lines, "prompt").is_empty(), "{}: it is no session any more", session.display());
        for line in &lines {
            let line = line.to_string();
            for part in [&secret[..], &secret[4..16]] {
                assert!(!line.contains(part), "{}: {line}", session.display());
            }
            masked += line.matches('▇').count();
        }
    }
    assert!(masked > 500, "only {masked} marks stand where secrets were");
}

#[test]
fn what_is_private_to_an_agent_or_its_account_leaves_with_no_line() {
    let home = Home::started();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let files = |folder| fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let folders = files(root).filter(|path| path.is_dir() && !path.ends_with("snapshots"));
    let mut looked_at = 0;
    for session in folders.flat_map(files).filter(|path| path.is_file()) {
        let lines = taken(&home, &session);
        assert!(lines.len() > 1, "{}", session.display());
        for line in lines {
            let line = line.to_string();
            for private in ["PRIVATE", "FORBIDDEN"] {
                assert!(!line.contains(private), "{}: {line}", session.display());
            }
        }
        looked_at += 1;
    }
    assert!(looked_at >= 12, "{looked_at} fixtures");
}

#[test]
fn nothing_is_handed_out_where_that_is_not_allowed() {
    let home = Home::started();
    let url = home.share(&sessions::example(), "local")["public_url"].as_str().unwrap().to_owned();
    let nothing = http::get(&format!("{url}nothing"));
    let refused = http::get(&format!("{url}session.jsonl"));
    assert_eq!((refused.status, &refused.body), (404, &nothing.body));
}
