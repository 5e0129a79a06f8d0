//! As [`corpus`](super::corpus), of agents of which the corpus has small files only.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::corpus::{Content, blocks, compare, corpus, records, text};

fn read(path: &Path) -> Vec<Value> {
    records(&fs::read(path).unwrap())
}

/// The texts of what a message's content says: a string, or blocks.
fn said(content: &Value) -> Vec<String> {
    match content {
        Value::String(text) => vec![text.clone()],
        _ => blocks(content, "text").map(|block| text(&block["text"])).collect(),
    }
}

#[test]
fn sessions_of_qwen_are_shown_whole() {
    for path in corpus("qwen") {
        let records = read(&path);
        let parts = |kind: &'static str| {
            let of = records.iter().filter(move |r| r["type"] == kind && r["subtype"].is_null());
            of.flat_map(|r| r["message"]["parts"].as_array().unwrap())
        };
        let answered: Vec<&Value> = parts("tool_result").map(|p| &p["functionResponse"]["id"]).collect();
        let calls = || parts("assistant").map(|p| &p["functionCall"]).filter(|call| call.is_object());
        let words = |thought: bool| {
            let texts = parts("assistant").filter(move |p| (p["thought"] == true) == thought);
            texts.map(|p| text(&p["text"])).filter(|text| !text.is_empty()).collect()
        };
        let wanted = Content {
            prompts: parts("user").map(|p| text(&p["text"])).filter(|t| !t.starts_with("<qwen:")).collect(),
            replies: words(false),
            thoughts: words(true),
            steps: calls().count(),
            with_result: calls().filter(|call| answered.contains(&&call["id"])).count(),
        };
        compare(&path, "Qwen Code", wanted);
    }
}

#[test]
fn sessions_of_copilot_are_shown_once_and_whole() {
    for path in corpus("copilot") {
        let records = read(&path);
        let main = |kind: &'static str| {
            let of = records.iter().filter(move |r| r["type"] == kind).map(|r| &r["data"]);
            of.filter(|data| data["parentToolCallId"].is_null())
        };
        let answered: Vec<&Value> = main("tool.execution_complete").map(|d| &d["toolCallId"]).collect();
        let calls =
            || main("assistant.message").flat_map(|d| d["toolRequests"].as_array().into_iter().flatten());
        // Told in an event of its own and with the message; the sub-agent's thoughts are shown in its step.
        let told = main("assistant.reasoning").map(|d| text(&d["content"]));
        let kept = main("assistant.message").map(|d| text(&d["reasoningText"]));
        let kept =
            kept.filter(|thought| !main("assistant.reasoning").any(|d| text(&d["content"]) == *thought));
        let wanted = Content {
            prompts: main("user.message").map(|d| text(&d["content"])).collect(),
            replies: main("assistant.message").map(|d| text(&d["content"])).collect(),
            thoughts: told.chain(kept).collect(),
            steps: calls().count(),
            with_result: calls().filter(|call| answered.contains(&&call["toolCallId"])).count(),
        };
        compare(&path, "Copilot CLI", wanted);
    }
}

#[test]
fn sessions_of_cursor_and_droid_are_shown_whole() {
    for (agent, name) in [("cursor", "Cursor"), ("droid", "Droid")] {
        let stored = |path: &Path| read(path).iter().any(|record| record["message"].is_object());
        for path in corpus(agent).iter().filter(|path| stored(path)) {
            let records = read(path);
            let messages = |role: &'static str| {
                records.iter().filter(move |r| r["role"] == role || r["message"]["role"] == role)
            };
            let content = |role| messages(role).map(|r| &r["message"]["content"]);
            let results: Vec<&Value> =
                content("user").flat_map(|c| blocks(c, "tool_result")).map(|b| &b["tool_use_id"]).collect();
            let calls = || content("assistant").flat_map(|c| blocks(c, "tool_use"));
            let wanted = Content {
                prompts: content("user").flat_map(said).collect(),
                replies: content("assistant").flat_map(said).collect(),
                thoughts: vec![],
                steps: calls().count(),
                with_result: calls().filter(|call| results.contains(&&call["id"])).count(),
            };
            compare(path, name, wanted);
        }
    }
}

#[test]
fn streams_of_droid_are_shown_whole() {
    let streamed = |path: &Path| read(path).iter().any(|record| record["session_id"].is_string());
    for path in corpus("droid").iter().filter(|path| streamed(path)) {
        let records = read(path);
        let of = |kind: &'static str| records.iter().filter(move |r| r["type"] == kind);
        let results: Vec<&Value> = of("tool_result").map(|r| &r["toolCallId"]).collect();
        let role =
            |role: &'static str| of("message").filter(move |r| r["role"] == role).map(|r| text(&r["text"]));
        let last = of("completion").map(|r| text(&r["finalText"]));
        let last = last.filter(|last| !role("assistant").any(|reply| reply == *last));
        let wanted = Content {
            prompts: role("user").collect(),
            replies: role("assistant").chain(last).collect(),
            thoughts: vec![],
            steps: of("tool_call").count(),
            with_result: of("tool_call").filter(|r| results.contains(&&r["toolCallId"])).count(),
        };
        compare(path, "Droid", wanted);
    }
}

#[test]
fn sessions_of_openclaw_are_shown_whole() {
    for path in corpus("openclaw") {
        let records = read(&path);
        let messages =
            |role: &'static str| records.iter().map(|r| &r["message"]).filter(move |m| m["role"] == role);
        let results: Vec<&Value> = messages("toolResult").map(|m| &m["toolCallId"]).collect();
        let calls = || messages("assistant").flat_map(|m| blocks(&m["content"], "toolCall"));
        let wanted = Content {
            prompts: messages("user").flat_map(|m| said(&m["content"])).collect(),
            replies: messages("assistant").flat_map(|m| said(&m["content"])).collect(),
            thoughts: vec![],
            steps: calls().count(),
            with_result: calls().filter(|call| results.contains(&&call["id"])).count(),
        };
        compare(&path, "OpenClaw", wanted);
    }
}

#[test]
fn sessions_of_grok_are_shown_whole() {
    for path in corpus("grok") {
        let records = read(&path);
        let of = |kind: &'static str| records.iter().filter(move |r| r["type"] == kind);
        let results: Vec<&Value> = of("tool_result").map(|r| &r["tool_call_id"]).collect();
        let calls = || of("assistant").flat_map(|r| r["tool_calls"].as_array().into_iter().flatten());
        let vendors = of("backend_tool_call").count();
        let thoughts = of("reasoning").flat_map(|r| r["summary"].as_array().unwrap());
        let wanted = Content {
            prompts: of("user")
                .filter(|r| r["synthetic_reason"].is_null())
                .flat_map(|r| said(&r["content"]))
                .collect(),
            replies: of("assistant").map(|r| text(&r["content"])).collect(),
            thoughts: thoughts.map(|part| text(&part["text"])).collect(),
            steps: calls().count() + vendors,
            with_result: calls().filter(|call| results.contains(&&call["id"])).count() + vendors,
        };
        compare(&path, "Grok", wanted);
    }
}

#[test]
fn histories_of_aider_are_shown_whole() {
    for path in corpus("aider") {
        let file = fs::read_to_string(&path).unwrap();
        let mut wanted = Content::default();
        let mut before = "";
        for line in file.lines() {
            let voice =
                ["#### ", "> ", "# aider chat started at "].into_iter().find(|mark| line.starts_with(mark));
            let voice = voice.unwrap_or_default();
            let list = match voice {
                "#### " => &mut wanted.prompts,
                "" if !line.trim().is_empty() => &mut wanted.replies,
                _ => {
                    before = if line.trim().is_empty() { before } else { voice };
                    continue;
                }
            };
            let words = line.strip_prefix(voice).unwrap_or(line).trim_end();
            match list.last_mut() {
                Some(last) if before == voice => *last = format!("{last}\n{words}"),
                _ => list.push(words.to_owned()),
            }
            before = voice;
        }
        // Commands of the chat are no prompts; what stands behind this one is put to a model.
        wanted.prompts = (wanted.prompts.iter())
            .filter_map(|typed| match typed.strip_prefix('/') {
                Some(command) => command.strip_prefix("copy-context "),
                None => Some(typed),
            })
            .map(str::to_owned)
            .collect();
        compare(&path, "Aider", wanted);
    }
}

/// Shapes made up by who made the corpus: no version of Codex writes them. What is said in them is shown; the
/// calls and results of shapes nobody knows (`tool_call`, `tool_result`, `function_result`) are unknown blocks.
#[test]
fn made_up_rollouts_keep_what_was_said() {
    let made_up = |path: &&std::path::PathBuf| path.to_string_lossy().contains("stage0");
    for path in corpus("codex").iter().filter(made_up) {
        let records = read(path);
        let calls = records.iter().filter(|record| record["type"] == "function_call").count();
        let mut wanted = Content { steps: calls, ..Content::default() };
        for record in &records {
            let item = if record["type"] == "response_item" { &record["payload"] } else { record };
            let mut words: Vec<String> =
                item["content"].as_array().into_iter().flatten().map(|b| text(&b["text"])).collect();
            words.extend([&item["content"], &item["message"]].map(text));
            words.retain(|text| !text.is_empty() && !text.starts_with("<environment_context>"));
            match item["role"].as_str() {
                Some("user") => wanted.prompts.extend(words),
                Some("assistant") => wanted.replies.extend(words),
                _ => {}
            }
        }
        compare(path, "Codex", wanted);
    }
}
