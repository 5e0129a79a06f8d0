//! A Claude Code transcript of any size, mixed as measured in real ones: a prompt every forty records or so, half
//! of the bytes in results, most of these twice (what the model saw, and what the agent keeps beside it). In the
//! Claude Code sessions of the corpus a record has 2.7 KB on average, and a kilobyte 17 strings, 2 other values, 34
//! escapes and 640 bytes in strings longer than 200.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

/// Source code to fill results with: quotes, line breaks and braces as dense as in real sessions.
const CODE: &str = include_str!("transcript.rs");

/// Writes records, one line each. Every id is its own.
pub struct Writer {
    name: &'static str,
    no: u64,
    call: u64,
    message: u64,
}

impl Writer {
    /// A writer whose ids begin with `name`.
    pub fn new(name: &'static str) -> Self {
        Self { name, no: 0, call: 0, message: 0 }
    }

    /// Writes turns until there are `bytes` of them.
    pub fn write(&mut self, file: &mut impl Write, bytes: u64) {
        let mut left = bytes;
        while left > 0 {
            for record in self.turn() {
                let line = record.to_string();
                writeln!(file, "{line}").unwrap();
                left = left.saturating_sub(line.len() as u64 + 1);
            }
        }
    }

    fn record(&mut self, kind: &str, message: Value) -> Value {
        self.no += 1;
        let time = jiff::Timestamp::from_second(1_780_000_000 + self.no as i64).unwrap();
        json!({
            "parentUuid": format!("{}-{:024}", self.name, self.no - 1), "isSidechain": false, "userType": "external",
            "cwd": "/home/dev/tool", "sessionId": "5b1a2c3d-0000-4000-8000-000000000000", "version": "2.1.71",
            "gitBranch": "main", "slug": "a-quiet-name", "type": kind, "message": message,
            "uuid": format!("{}-{:024}", self.name, self.no), "timestamp": time.to_string(),
        })
    }

    fn answer(&mut self, block: Value) -> Value {
        let id = format!("msg_{}{:020}", self.name, self.message);
        let usage = json!({"input_tokens": 9, "cache_creation_input_tokens": 812, "cache_read_input_tokens": 68_101,
            "cache_creation": {"ephemeral_5m_input_tokens": 812, "ephemeral_1h_input_tokens": 0},
            "output_tokens": 214, "service_tier": "standard", "inference_geo": "not_available"});
        self.record(
            "assistant",
            json!({"id": id, "type": "message", "role": "assistant", "model": "a-model-4-5", "content": [block],
                "stop_reason": null, "usage": usage}),
        )
    }

    fn turn(&mut self) -> Vec<Value> {
        let mut turn = vec![];
        let prompt = format!(
            "Look at case {} of the list, and make its test pass without changing the others.",
            self.no
        );
        turn.push(self.record("user", json!({"role": "user", "content": prompt})));
        for step in 0..18u64 {
            self.message += 1;
            if step % 3 == 0 {
                let thought = code(step * 331, 700);
                turn.push(
                    self.answer(
                        json!({"type": "thinking", "thinking": thought, "signature": "c".repeat(400)}),
                    ),
                );
            }
            self.call += 1;
            let id = format!("toolu_{}{:018}", self.name, self.call);
            let output = code(self.call * 997, [400, 3_600, 900, 2_400][self.call as usize % 4]);
            let (name, input, kept) = match self.call % 4 {
                0 => (
                    "Bash",
                    json!({"command": "cargo test", "description": "Run the tests"}),
                    json!({"stdout": output, "stderr": "", "interrupted": false, "isImage": false}),
                ),
                1 => (
                    "Edit",
                    json!({"file_path": "/home/dev/tool/src/main.rs", "old_string": code(step, 300),
                        "new_string": code(step + 40, 300), "replace_all": false}),
                    json!({"filePath": "/home/dev/tool/src/main.rs", "oldString": code(step, 300),
                        "newString": code(step + 40, 300), "originalFile": output, "structuredPatch": [
                            {"oldStart": 40, "oldLines": 30, "newStart": 40, "newLines": 31,
                                "lines": code(step, 1_800).lines().collect::<Vec<_>>()}],
                        "userModified": false, "replaceAll": false}),
                ),
                2 => (
                    "Read",
                    json!({"file_path": "/home/dev/tool/src/main.rs"}),
                    json!({"type": "text", "file": {"filePath": "/home/dev/tool/src/main.rs", "content": output,
                        "numLines": 120, "startLine": 1, "totalLines": 120}}),
                ),
                _ => (
                    "Grep",
                    json!({"pattern": "fn main", "output_mode": "content"}),
                    json!({"mode": "content", "numFiles": 3, "filenames": [], "content": output}),
                ),
            };
            turn.push(self.answer(json!({"type": "tool_use", "id": id, "name": name, "input": input})));
            let result = json!({"type": "tool_result", "tool_use_id": id, "content": output});
            let mut record = self.record("user", json!({"role": "user", "content": [result]}));
            record["toolUseResult"] = kept;
            turn.push(record);
        }
        self.message += 1;
        turn.push(self.answer(json!({"type": "text", "text": code(self.no, 1_500)})));
        turn
    }
}

/// `len` bytes of source, from anywhere in it.
fn code(from: u64, len: usize) -> String {
    let from = from as usize % CODE.len();
    CODE.chars().skip(from).chain(CODE.chars().cycle()).take(len).collect()
}

/// Writes the Claude Code sessions of the corpus to `path`, over and over; false if there is none.
#[allow(dead_code)]
pub fn corpus(path: &Path, bytes: usize) -> bool {
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("target/corpus/claude-code")];
    let mut files: Vec<PathBuf> = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    files.retain(|path| {
        path.extension().is_some_and(|ext| ext == "jsonl") && !path.to_string_lossy().contains("_growth")
    });
    files.sort();
    let all: Vec<u8> =
        files.iter().flat_map(|path| [fs::read(path).unwrap(), b"\n".to_vec()].concat()).collect();
    if all.is_empty() {
        return false;
    }
    let mut file = fs::File::create(path).unwrap();
    for _ in 0..bytes.div_ceil(all.len()) {
        file.write_all(&all).unwrap();
    }
    true
}
