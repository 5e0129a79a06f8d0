//! A Claude Code session that says a text wherever one can say something.

use std::io::Write;

use serde_json::{Value, json};

/// Writes a turn for each of `texts`, which stands in every field of that turn. What is said once of a session
/// (title, project, version, branch) is the last text's.
pub(super) fn write(out: impl Write, texts: &[String]) {
    let mut session = Session { out, no: 0, calls: 0 };
    for text in texts {
        session.turn(text);
    }
    session.record(json!({"type": "custom-title", "customTitle": texts.last(), "sessionId": "s"}));
}

struct Session<W> {
    out: W,
    no: usize,
    calls: usize,
}

impl<W: Write> Session<W> {
    fn record(&mut self, record: Value) {
        writeln!(self.out, "{record}").unwrap();
    }

    /// A record with all that records have, `more` besides.
    fn said(&mut self, kind: &str, text: &str, more: Value) {
        self.no += 1;
        let mut record = json!({
            "type": kind, "uuid": format!("u{}", self.no), "parentUuid": null, "sessionId": "s",
            "cwd": format!("/home/dev/{text}"), "version": text, "gitBranch": text,
            "timestamp": "2026-01-01T00:00:00Z",
        });
        record.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.record(record);
    }

    fn user(&mut self, text: &str, content: Value) {
        self.said("user", text, json!({"message": {"role": "user", "content": content}}));
    }

    fn assistant(&mut self, text: &str, content: &Value, side: bool) {
        let message =
            json!({"id": format!("m{}", self.no), "role": "assistant", "model": text, "content": content});
        self.said("assistant", text, json!({"message": message, "isSidechain": side}));
    }

    /// A call and what came of it.
    fn call(&mut self, text: &str, (name, input): (&str, Value), extra: Value, side: bool) {
        self.calls += 1;
        let id = format!("t{}", self.calls);
        self.assistant(text, &json!([{"type": "tool_use", "id": id, "name": name, "input": input}]), side);
        let failed = extra.is_null() && self.calls.is_multiple_of(2);
        let result = json!({"type": "tool_result", "tool_use_id": id, "content": text, "is_error": failed});
        let message = json!({"role": "user", "content": [result]});
        self.said("user", text, json!({"message": message, "toolUseResult": extra, "isSidechain": side}));
    }

    fn turn(&mut self, text: &str) {
        let picture =
            json!({"type": "image", "source": {"type": "base64", "media_type": text, "data": text}});
        self.user(text, json!([{"type": "text", "text": text}, picture]));
        self.assistant(text, &json!([{"type": "thinking", "thinking": format!("{text}\n\n{text}")}]), false);
        self.assistant(text, &json!([{"type": "text", "text": text}]), false);
        for tool in tools(text) {
            self.call(text, tool, Value::Null, false);
        }
        for (tool, extra) in told(text) {
            self.call(text, tool, extra, false);
        }
        self.agent(text);
        self.marks(text);
        self.assistant(text, &json!([{"type": "text", "text": format!("- {text}\n\n> {text}\n\n| {text} |\n|--|\n| {text} |")}]), false);
    }

    /// A sub-agent that says it, calls with it and reports it.
    fn agent(&mut self, text: &str) {
        let id = format!("agent{}", self.no);
        let input = json!({"description": text, "prompt": text, "subagent_type": text});
        self.assistant(text, &json!([{"type": "tool_use", "id": id, "name": "Task", "input": input}]), false);
        self.said("user", text, json!({"isSidechain": true, "message": {"role": "user", "content": text}}));
        let first = self.no;
        self.assistant(text, &json!([{"type": "text", "text": text}]), true);
        for tool in tools(text).into_iter().take(3) {
            self.call(text, tool, Value::Null, true);
        }
        debug_assert!(self.no > first);
        let result = json!({"type": "tool_result", "tool_use_id": id, "content": text});
        self.user(text, json!([result]));
    }

    /// What is between prompts and replies.
    fn marks(&mut self, text: &str) {
        let queued = json!({"type": "queued_command", "prompt": text, "commandMode": "prompt"});
        self.said("attachment", text, json!({"attachment": queued}));
        let error = json!({"status": 529, "error": {"type": text, "error": {"type": text, "message": text}}});
        self.said("system", text, json!({"subtype": "api_error", "error": error}));
        self.user(text, json!(format!("<bash-input>{text}</bash-input>")));
        self.user(text, json!(format!("<bash-stdout>{text}</bash-stdout><bash-stderr>{text}</bash-stderr>")));
        let news = format!(
            "<task-notification><summary>{text}</summary><result>{text}</result></task-notification>"
        );
        self.said(
            "user",
            text,
            json!({"origin": {"kind": "task-notification"}, "message": {"role": "user", "content": news}}),
        );
        self.said(
            "system",
            text,
            json!({"subtype": "compact_boundary", "compactMetadata": {"preTokens": 9}}),
        );
        self.said(
            "user",
            text,
            json!({"isCompactSummary": true, "message": {"role": "user", "content": text}}),
        );
        self.record(json!({"type": text, text: text, "sessionId": "s"}));
        self.record(json!({"type": "summary", "summary": text, "leafUuid": format!("u{}", self.no)}));
        // No JSON at all.
        writeln!(self.out, "{{ {}", text.replace(['\n', '\r'], " ")).unwrap();
    }
}

/// Calls that say it in whatever they take.
fn tools(text: &str) -> Vec<(&str, Value)> {
    vec![
        ("Bash", json!({"command": text, "description": text})),
        ("Read", json!({"file_path": text})),
        ("Edit", json!({"file_path": text, "old_string": text, "new_string": format!("{text}x")})),
        ("Write", json!({"file_path": text, "content": text})),
        (
            "MultiEdit",
            json!({"file_path": text, "edits": [{"old_string": text, "new_string": ""}, {"old_string": "", "new_string": text}]}),
        ),
        (
            "NotebookEdit",
            json!({"notebook_path": text, "cell_id": text, "new_source": text, "cell_type": text, "edit_mode": text}),
        ),
        ("Glob", json!({"pattern": text, "path": text})),
        ("Grep", json!({"pattern": text, "path": text})),
        ("LS", json!({"path": text})),
        ("WebFetch", json!({"url": text, "prompt": text})),
        ("WebFetch", json!({"url": format!("https://example.org/{text}"), "prompt": text})),
        ("WebSearch", json!({"query": text})),
        ("TodoWrite", json!({"todos": [{"content": text, "status": text, "activeForm": text}]})),
        ("TaskCreate", json!({"subject": text, "description": text, "activeForm": text})),
        ("TaskUpdate", json!({"taskId": text, "status": text, "subject": text})),
        ("TaskList", json!({})),
        ("Skill", json!({"skill": text, "args": text})),
        ("ExitPlanMode", json!({"plan": text})),
        (text, json!({text: text, "list": [text, {text: text}]})),
    ]
}

/// Calls whose result says it in more than its text.
fn told(text: &str) -> Vec<((&str, Value), Value)> {
    let lines = [format!(" {text}"), format!("-{text}"), format!("+{text}x")];
    let patch = json!([{"oldStart": 1, "oldLines": 2, "newStart": 1, "newLines": 2, "lines": lines}]);
    let asked = json!([{"question": text, "header": text, "options": [{"label": text, "description": text}, {"label": "b"}]}]);
    let found = json!({"query": text, "results": [{"tool_use_id": "s", "content": [{"title": text, "url": text}, {"title": text, "url": format!("https://example.org/{text}")}]}, text]});
    vec![
        (
            ("Edit", json!({"file_path": text, "old_string": "", "new_string": ""})),
            json!({"filePath": text, "structuredPatch": patch}),
        ),
        (
            ("AskUserQuestion", json!({"questions": asked})),
            json!({"questions": asked, "answers": {text: text}}),
        ),
        (
            ("AskUserQuestion", json!({"questions": asked})),
            json!({"questions": asked, "answers": {text: format!("{text} {text}")}}),
        ),
        (("WebSearch", json!({"query": text})), found),
        (("TaskCreate", json!({"subject": text})), json!({"task": {"id": text, "subject": text}})),
        (
            ("TaskList", json!({})),
            json!({"tasks": [{"id": text, "subject": text, "status": text, "blockedBy": [text]}]}),
        ),
        (
            ("Grep", json!({"pattern": text})),
            json!({"mode": "content", "filenames": [text], "numFiles": 1, "content": text}),
        ),
        (
            ("NotebookEdit", json!({"notebook_path": text, "new_source": text})),
            json!({"new_source": text, "cell_id": text, "cell_type": text, "language": text, "edit_mode": text, "notebook_path": text, "original_file": text, "updated_file": text}),
        ),
    ]
}
