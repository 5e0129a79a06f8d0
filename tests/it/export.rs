//! `panko export`: what lands on the disk, and that nothing of a session is lost or comes alive.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::support::daemon::Home;
use crate::support::sessions;

fn export(home: &Home, session: &Path, format: &str) -> String {
    home.ok(&["export", session.to_str().unwrap(), "--format", format])
}

#[test]
fn an_export_tells_of_sub_agents_in_files_of_their_own_as_the_page_does() {
    let home = Home::new();
    let line = |kind: &str, uuid: &str, content: Value| {
        json!({"type": kind, "uuid": uuid, "parentUuid": null, "sessionId": "s1", "isSidechain": uuid > "x",
            "timestamp": "2026-05-04T09:00:00.000Z",
            "message": {"role": kind, "id": uuid, "model": "m", "content": content}})
    };
    let call = |id: &str, name: &str, input: Value| json!([{"type": "tool_use", "id": id, "name": name, "input": input}]);
    let result = |id: &str| json!([{"type": "tool_result", "tool_use_id": id, "content": "done"}]);
    let write = |path: &Path, lines: &[Value]| {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, lines.iter().map(|line| format!("{line}\n")).collect::<String>()).unwrap();
    };
    let mut sent = line("user", "u3", result("t1"));
    sent["toolUseResult"] = json!({"status": "completed", "agentId": "a1", "prompt": "Write it"});
    let session = home.path("s1.jsonl");
    write(
        &session,
        &[
            line("user", "u1", json!("Write a file")),
            line(
                "assistant",
                "u2",
                call("t1", "Task", json!({"description": "Write", "prompt": "Write it"})),
            ),
            sent,
        ],
    );
    write(
        &home.path("s1/subagents/agent-a1.jsonl"),
        &[
            line("user", "x1", json!("Write it")),
            line("assistant", "x2", call("y1", "Write", json!({"file_path": "new.txt", "content": "one\n"}))),
            line("user", "x3", result("y1")),
        ],
    );
    let told: Value = serde_json::from_str(&export(&home, &session, "json")).unwrap();
    assert_eq!((&told["steps"], &told["sub_steps"]), (&json!(1), &json!(1)));
    assert!(export(&home, &session, "html").contains("1 file"), "what was changed");
}

#[test]
fn an_export_is_private_whole_and_takes_the_place_of_what_was_there() {
    let home = Home::new();
    let session = sessions::example();
    let session = session.to_str().unwrap();
    for name in ["out.html", "out.md", "out.json", "out.jsonl"] {
        fs::write(home.path(name), "before").unwrap();
        assert_eq!(home.ok(&["export", session, "-o", name]), "");
        let written = fs::read_to_string(home.path(name)).unwrap();
        let format = name.rsplit('.').next().unwrap();
        assert_eq!(written, export(&home, Path::new(session), format));
        assert_eq!(fs::metadata(home.path(name)).unwrap().permissions().mode() & 0o777, 0o600);
    }
    assert!(fs::read_to_string(home.path("out.html")).unwrap().ends_with("</html>"));
    serde_json::from_str::<Value>(&fs::read_to_string(home.path("out.json")).unwrap()).unwrap();
    assert!(!home.data("").exists(), "exporting needs no data folder");

    let no_session = home.path("bad.jsonl");
    fs::write(&no_session, "no session\n").unwrap();
    let refused = home.run(&["export", no_session.to_str().unwrap(), "-o", "out.md"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(fs::read_to_string(home.path("out.md")).unwrap().starts_with("# "), "it is as it was");
    for args in
        [&["export", session][..], &["export", session, "-o", "out.txt"], &["export", session, "-f", "pdf"]]
    {
        assert_eq!(home.run(args).status.code(), Some(2), "{args:?}");
    }
    for output in [".", "nowhere/out.md"] {
        assert_eq!(
            home.run(&["export", session, "-f", "md", "-o", output]).status.code(),
            Some(1),
            "{output}"
        );
    }
    let left = fs::read_dir(home.path(""))
        .unwrap()
        .flatten()
        .filter(|e| e.file_name().to_str().unwrap().starts_with(".tmp"));
    assert_eq!(left.count(), 0);
}

#[test]
fn an_export_never_takes_the_place_of_its_session() {
    let home = Home::new();
    let session = home.path("session.jsonl");
    sessions::write(&session, 2, 32);
    fs::create_dir(home.path("links")).unwrap();
    symlink("../session.jsonl", home.path("links/out.jsonl")).unwrap();
    let before = fs::read(&session).unwrap();
    for output in ["session.jsonl", "./links/../session.jsonl", "links/out.jsonl"] {
        let refused = home.run(&["export", session.to_str().unwrap(), "-o", output]);
        assert_eq!(refused.status.code(), Some(2), "{output}");
        let said = String::from_utf8(refused.stderr).unwrap();
        assert!(said.contains("would take the place of the session"), "{said}");
        assert_eq!(fs::read(&session).unwrap(), before, "{output}");
    }
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let home = Home::new();
    let session = home.path("long.jsonl");
    sessions::write(&session, 2_000, 1_000);
    let mut command = home.command(&["export", session.to_str().unwrap(), "--format", "html"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
}

#[test]
fn no_collected_payload_comes_alive() {
    let Ok(payloads) = fs::read_to_string("target/hostile/xss_payloads.jsonl") else {
        crate::support::inject::skipped("no hostile samples are unpacked at target/hostile");
        return;
    };
    let home = Home::new();
    let session = home.path("hostile.jsonl");
    let mut lines = String::new();
    for (n, line) in payloads.lines().enumerate() {
        let record: Value = serde_json::from_str(line).unwrap();
        let Some(text) = record["payload"].as_str() else { continue };
        for (kind, content) in
            [("user", json!(format!("p {text}"))), ("assistant", json!([{"type": "text", "text": text}]))]
        {
            let record = json!({
                "type": kind, "uuid": format!("{kind}{n}"), "parentUuid": null, "sessionId": "s",
                "message": {"id": format!("m{n}"), "role": kind, "content": content},
            });
            lines += &format!("{record}\n");
        }
    }
    fs::write(&session, lines).unwrap();
    let page = export(&home, &session, "html");
    assert_eq!(page.matches("<script").count(), 1, "ours");
    assert_eq!(page.matches("<style").count(), 1, "ours");
    let (head, body) = page.split_once("</head>").unwrap();
    assert!(head.contains("default-src 'none'; style-src 'sha256-"), "{}", &head[..600]);
    for open in body.split('<').skip(1) {
        let (tag, _) = open.split_once('>').unwrap();
        // Values are quoted and escaped: outside of quotes there are names of attributes only.
        let names: String = tag.split('"').step_by(2).collect();
        let lower = names.to_ascii_lowercase();
        assert!(!lower.contains(" on") && !lower.contains(" style="), "<{tag}>");
        for loads in [
            "img", "iframe", "object", "embed", "link", "base", "meta", "video", "audio", "source", "math",
            "template",
        ] {
            let after = lower.strip_prefix(loads);
            assert!(after.is_none_or(|rest| rest.starts_with(|c: char| c.is_alphanumeric())), "<{tag}>");
        }
        for url in ["javascript:", "data:", "vbscript:"] {
            assert!(!tag.to_ascii_lowercase().contains(&format!("=\"{url}")), "<{tag}>");
        }
    }
    let markdown = export(&home, &session, "md");
    let allowed = ["<details>", "</details>", "<summary>", "</summary>", "<b>", "</b>", "<code>", "</code>"];
    for event in pulldown_cmark::Parser::new(&markdown) {
        if let pulldown_cmark::Event::Html(html) | pulldown_cmark::Event::InlineHtml(html) = event {
            let rest = allowed.iter().fold(html.to_string(), |rest, ours| rest.replace(ours, ""));
            assert!(!rest.contains('<'), "{html}");
        }
    }
}

/// Letters and digits alone: what is left of a text however it is set.
fn bare(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).collect()
}

/// The text of a page, as a reader of it sees it.
fn text_of(page: &str) -> String {
    let body = page.split_once("<body>").unwrap().1;
    let text: String =
        body.split('<').filter_map(|part| part.split_once('>')).map(|(_, text)| text).collect();
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&#39;", "'")
        .replace("&amp;", "&")
}

/// `text` without the numbers before its lines: a pasted list is one on the page, its numbers no text.
fn numbers_are_markers(text: &str) -> String {
    let unnumbered = |line: &str| {
        let rest = line.trim_start().trim_start_matches(|c: char| c.is_ascii_digit());
        format!("{}\n", rest.strip_prefix(". ").unwrap_or(line))
    };
    text.lines().map(unnumbered).collect()
}

#[test]
fn every_claude_session_of_the_corpus_is_exported_with_every_prompt() {
    let home = Home::new();
    let all = sessions::corpus();
    if all.is_empty() {
        crate::support::inject::skipped("no corpus is unpacked at target/corpus");
    }
    for session in all {
        let name = session.display();
        let [page, markdown, json] = ["html", "md", "json"].map(|format| export(&home, &session, format));
        let json: Value = serde_json::from_str(&json).unwrap();
        assert_eq!(json["format_version"], 1);
        let (page_text, markdown) =
            (bare(&text_of(&page)), bare(&markdown.replace("&lt;", "<").replace("&amp;", "&")));
        for turn in json["turns"].as_array().unwrap() {
            let no = &turn["no"];
            assert!(*no == 0 || page.contains(&format!(" id=\"p{no}\"")), "{name}: prompt {no}");
            let Some(text) =
                turn["prompt"]["text"].as_str().filter(|_| turn["prompt"].get("command").is_none())
            else {
                continue;
            };
            // A heading ends inside a line of a long prompt: there the page says other things in between.
            let start = |line: &str| -> String { bare(line).chars().take(40).collect() };
            let missing =
                |text: &str, shown: &str| text.lines().filter(|line| !shown.contains(&start(line))).count();
            assert!(missing(&numbers_are_markers(text), &page_text) <= 1, "{name}: prompt {no} in HTML");
            assert!(missing(text, &markdown) <= 1, "{name}: prompt {no} in Markdown");
        }
    }
}

#[test]
fn a_session_in_many_files_is_exported_like_one_in_a_file() {
    let home = Home::new();
    let own = sessions::opencode_storage(&home.path("storage"));
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/opencode/export.json");
    for format in ["md", "json", "html"] {
        assert_eq!(export(&home, &own, format), export(&home, &fixture, format), "{format}");
    }
    let database = home.path("opencode.db");
    fs::write(&database, b"SQLite format 3\0 and pages").unwrap();
    let refused = home.run(&["export", database.to_str().unwrap(), "-f", "md"]);
    let told = String::from_utf8(refused.stderr).unwrap();
    assert!(!refused.status.success() && told.contains("opencode export"), "{told}");
}
