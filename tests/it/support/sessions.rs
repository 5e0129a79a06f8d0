//! Session files for tests: made here, or found unpacked under `target/`.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde_json::json;

/// The session that comes with the source.
pub fn example() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/session.jsonl")
}

/// The fixture of opencode as it is kept in a storage folder: a file for the session, one a message, one a
/// part. Returns the session's own file.
pub fn opencode_storage(storage: &Path) -> PathBuf {
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/opencode/export.json");
    let document: serde_json::Value = serde_json::from_slice(&fs::read(fixture).unwrap()).unwrap();
    let put = |name: String, value: &serde_json::Value| {
        let path = storage.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, serde_json::to_string_pretty(value).unwrap()).unwrap();
        path
    };
    let name = |value: &serde_json::Value| value["id"].as_str().unwrap().to_owned();
    let session = name(&document["info"]);
    for message in document["messages"].as_array().unwrap() {
        let id = name(&message["info"]);
        put(format!("message/{session}/{id}.json"), &message["info"]);
        for part in message["parts"].as_array().unwrap() {
            put(format!("part/{id}/{}.json", name(part)), part);
        }
    }
    put(format!("session/p/{session}.json"), &document["info"])
}

/// A Claude Code session of `turns` prompts, written to `path`; each turn has a tool call with some output.
/// The text of prompt and reply number `n` holds the words `prompt-n` and `reply-n`.
pub fn write(path: &Path, turns: usize, output_bytes: usize) {
    let mut file = std::io::BufWriter::new(fs::File::create(path).unwrap());
    let output = "0123456789abcde\n".repeat(output_bytes / 16);
    let mut uuid = 0;
    let mut line = |kind: &str, message: serde_json::Value| {
        uuid += 1;
        let time = jiff::Timestamp::from_second(1_780_000_000 + uuid).unwrap();
        let record = json!({
            "type": kind, "uuid": format!("u{uuid}"), "parentUuid": null, "sessionId": "s", "cwd": "/home/dev/tool",
            "version": "2.1.0", "timestamp": time.to_string(), "isSidechain": false, "message": message,
        });
        writeln!(file, "{record}").unwrap();
    };
    for n in 0..turns {
        line("user", json!({"role": "user", "content": format!("Please do prompt-{n} of the list")}));
        let call = json!({"type": "tool_use", "id": format!("t{n}"), "name": "Bash", "input": {"command": "cat log"}});
        line(
            "assistant",
            json!({"id": format!("a{n}"), "role": "assistant", "model": "m", "content": [call]}),
        );
        let result = json!({"type": "tool_result", "tool_use_id": format!("t{n}"), "content": output});
        line("user", json!({"role": "user", "content": [result]}));
        let text = json!({"type": "text", "text": format!("That is **reply-{n}** for you.")});
        line(
            "assistant",
            json!({"id": format!("b{n}"), "role": "assistant", "model": "m", "content": [text]}),
        );
    }
}

/// The Claude Code sessions of the corpus, if it is unpacked at `target/corpus`.
pub fn corpus() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("target/corpus/claude-code")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "jsonl") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}
