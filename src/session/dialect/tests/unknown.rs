//! What nobody knows is shown of every agent, and what an agent puts into the person's mouth is not theirs.

use serde_json::{Value, json};

use super::retold::{read, retold};
use crate::session::model::Item;
use crate::session::tests::items;

fn told(records: &[Value]) -> String {
    let lines: Vec<String> = records.iter().map(Value::to_string).collect();
    retold(&read((lines.join("\n") + "\n").as_bytes()).unwrap())
}

/// An agent's message with a picture in it, as each format writes that.
#[test]
fn pictures_among_an_agents_words_are_shown_of_every_agent() {
    const PNG: &str = "iVBORw0KGgo=";
    let url = format!("data:image/png;base64,{PNG}");
    let inline = json!({ "inlineData": { "mimeType": "image/png", "data": PNG } });
    let source =
        json!({ "type": "image", "source": { "type": "base64", "media_type": "image/png", "data": PNG } });
    let said = |picture: &Value| json!([{ "type": "text", "text": "here" }, picture]);
    let at = "2026-01-05T10:00:00Z";
    let kimi = |part: Value| json!({ "type": "context.append_loop_event", "event": { "type": "content.part", "part": part } });
    let document = json!({ "info": { "id": "s", "directory": "/a", "time": { "created": 1 } }, "messages": [
        { "info": { "id": "m", "role": "assistant" }, "parts": [
            { "type": "text", "text": "here" }, { "type": "file", "mime": "image/png", "url": url }] }] });
    for (agent, records) in [
        (
            "Codex",
            vec![
                json!({ "timestamp": at, "type": "response_item", "payload": { "type": "message", "role": "assistant",
                "content": [{ "type": "output_text", "text": "here" }, { "type": "input_image", "image_url": url }] } }),
            ],
        ),
        (
            "Gemini CLI",
            vec![
                json!({ "sessionId": "s", "projectHash": "h" }),
                json!({ "id": "1", "timestamp": at, "type": "gemini", "content": [{ "text": "here" }, inline] }),
            ],
        ),
        (
            "Qwen Code",
            vec![
                json!({ "uuid": "u", "type": "assistant", "message": { "role": "model", "parts": [{ "text": "here" }, inline] } }),
            ],
        ),
        ("opencode", vec![document]),
        (
            "Kimi Code",
            vec![
                json!({ "type": "metadata", "protocol_version": "1" }),
                kimi(json!({ "type": "text", "text": "here" })),
                kimi(json!({ "type": "image_url", "image_url": { "url": url } })),
            ],
        ),
        (
            "Droid",
            vec![
                json!({ "type": "session_start", "id": "s", "cwd": "/a" }),
                json!({ "type": "message", "id": "m", "message": { "role": "assistant", "content": said(&source) } }),
            ],
        ),
        ("Cursor", vec![json!({ "role": "assistant", "message": { "content": said(&source) } })]),
        (
            "pi",
            vec![
                json!({ "type": "session", "id": "s", "timestamp": at, "cwd": "/a" }),
                json!({ "type": "message", "timestamp": at, "message": { "role": "assistant",
                    "content": said(&json!({ "type": "image", "data": PNG, "mimeType": "image/png" })) } }),
            ],
        ),
        (
            "iFlow",
            vec![
                json!({ "type": "assistant", "sessionId": "session-1", "uuid": "u", "message": { "role": "assistant", "content": said(&source) } }),
            ],
        ),
        (
            "Grok",
            vec![
                json!({ "type": "assistant", "content": [{ "type": "text", "text": "here" }, { "type": "image", "url": url }],
                "tool_calls": [], "model_id": "g" }),
            ],
        ),
    ] {
        let text: Vec<String> = records.iter().map(Value::to_string).collect();
        let session = read((text.join("\n") + "\n").as_bytes()).unwrap();
        assert_eq!(session.agent(), agent);
        let items = items(&session);
        assert!(
            matches!(&items[..], [Item::Reply { .. }, Item::Image { file, .. }] if file.media_type == "image/png"),
            "{agent}: {items:?}"
        );
        assert_eq!(session.attachment(1.into()).unwrap().unwrap().0, "image/png", "{agent}");
    }
}

/// Records of an agent that tell whose they are, and one of a kind, a role or a part that nobody knows.
fn unknown() -> Vec<(&'static str, Vec<Value>, Value)> {
    let new = || json!({ "words": "which nobody knows" });
    let text = || json!([{ "type": "text", "text": "which nobody knows" }]);
    let codex = |payload: Value| json!({ "timestamp": "2026-01-05T10:00:00Z", "type": "response_item", "payload": payload });
    let call = codex(json!({ "type": "function_call", "name": "shell", "arguments": "{}", "call_id": "c" }));
    let message = |role: &str| json!({ "type": "message", "role": role, "content": text() });
    let droid = json!({ "type": "session_start", "id": "s", "cwd": "/a" });
    let stream = json!({ "type": "message", "session_id": "s", "role": "user", "text": "go" });
    let kimi = json!({ "type": "metadata", "protocol_version": "1" });
    let copilot = json!({ "type": "session.start", "data": {} });
    let qwen = |kind: &str, more: Value| {
        let mut record = json!({ "uuid": "u", "type": kind, "message": { "parts": [{ "text": "go" }] } });
        record.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        record
    };
    let grok = json!({ "type": "assistant", "content": "ok", "tool_calls": [], "model_id": "g" });
    let gemini = json!({ "sessionId": "s", "projectHash": "h" });
    let part = json!([{ "text": "go" }, { "hologram": "which nobody knows" }]);
    let moment = "2026-01-05T10:00:00Z";
    vec![
        ("a role of Codex", vec![call.clone()], codex(message("oracle"))),
        (
            "a thought of Codex",
            vec![call.clone()],
            codex(
                json!({ "type": "reasoning", "summary": [{ "type": "vision", "words": "which nobody knows" }] }),
            ),
        ),
        (
            "an output of Codex",
            vec![call],
            codex(
                json!({ "type": "function_call_output", "call_id": "c", "output": [{ "type": "smell", "words": "which nobody knows" }] }),
            ),
        ),
        (
            "a role of Droid",
            vec![droid.clone()],
            json!({ "type": "message", "id": "m", "message": message("oracle") }),
        ),
        (
            "a role in a stream of Droid",
            vec![stream],
            json!({ "type": "message", "session_id": "s", "role": "oracle", "text": "which nobody knows" }),
        ),
        (
            "a system record of Droid",
            vec![droid],
            json!({ "type": "system", "subtype": "dream", "words": "which nobody knows" }),
        ),
        (
            "a role of Kimi",
            vec![kimi.clone()],
            json!({ "type": "context.append_message", "message": message("oracle") }),
        ),
        ("a record of Kimi", vec![kimi], json!({ "type": "turn.dream", "words": "which nobody knows" })),
        (
            "an event of Copilot's session",
            vec![copilot.clone()],
            json!({ "type": "session.dream", "data": new() }),
        ),
        (
            "an event of Copilot's tools",
            vec![copilot.clone()],
            json!({ "type": "tool.dream", "data": new() }),
        ),
        ("an event of Copilot's answers", vec![copilot], json!({ "type": "assistant.dream", "data": new() })),
        (
            "a system record of Qwen",
            vec![qwen("user", json!({}))],
            qwen("system", json!({ "subtype": "dream", "words": "which nobody knows" })),
        ),
        (
            "a user record of Qwen",
            vec![qwen("user", json!({}))],
            qwen("user", json!({ "subtype": "dream", "message": { "parts": text() } })),
        ),
        (
            "a part of Grok",
            vec![grok],
            json!({ "type": "user", "prompt_index": 0, "content": [{ "type": "text", "text": "go" }, { "type": "smell", "words": "which nobody knows" }] }),
        ),
        (
            "a part of Gemini",
            vec![gemini],
            json!({ "type": "user", "id": "1", "timestamp": moment, "content": part }),
        ),
    ]
}

#[test]
fn what_nobody_knows_is_shown_wherever_it_stands() {
    for (what, mut records, new) in unknown() {
        records.push(new);
        let all = told(&records);
        assert!(all.contains("unknown") && all.contains("which nobody knows"), "{what}: {all}");
    }
}

#[test]
fn what_a_person_has_copilot_run_is_a_step() {
    let event =
        |kind: &str, data: Value| json!({ "type": kind, "data": data, "timestamp": "2026-01-05T10:00:00Z" });
    let all = told(&[
        event("session.start", json!({})),
        event(
            "tool.user_requested",
            json!({ "toolCallId": "c", "toolName": "bash", "arguments": { "command": "ls" } }),
        ),
        event("tool.execution_start", json!({ "toolCallId": "c" })),
        event(
            "tool.execution_complete",
            json!({ "toolCallId": "c", "success": true, "result": { "content": "a.rs" } }),
        ),
    ]);
    assert!(all.contains("s1 bash Run [Done in 0ns] $ ls exit None -> \"a.rs\""), "{all}");
}

#[test]
fn skills_of_codex_are_no_prompts_and_what_agents_tell_each_other_is_shown() {
    let item = |payload: Value| json!({ "timestamp": "2026-01-05T10:00:00Z", "type": "response_item", "payload": payload });
    let user = |text: &str| {
        item(
            json!({ "type": "message", "role": "user", "content": [{ "type": "input_text", "text": text }] }),
        )
    };
    let between = |content: Value| {
        item(
            json!({ "type": "agent_message", "author": "/root", "recipient": "/root/w", "content": content }),
        )
    };
    let all = told(&[
        user("<skill>\n<name>tides</name>\n<path>/x</path>\nbody\n</skill>"),
        user("look at the bay"),
        between(json!([{ "type": "input_text", "text": "chart it" }])),
        between(json!([{ "type": "encrypted_content", "encrypted_content": "FORBIDDEN" }])),
    ]);
    assert!(
        all.contains("#p1 \"look at the bay\"\n  local message from /root to /root/w -> \"chart it\""),
        "{all}"
    );
    assert!(!all.contains("tides") && !all.contains("FORBIDDEN") && !all.contains("unknown"), "{all}");
}

#[test]
fn commands_and_interruptions_of_iflow_are_no_prompts() {
    let user = |text: &str| json!({ "uuid": "u", "sessionId": "session-1", "type": "user", "message": { "role": "user", "content": text } });
    let all = told(&[
        user("go on"),
        user("<command-name>/clear</command-name>\n<command-args></command-args>"),
        user("<local-command-stdout>gone</local-command-stdout>"),
        user("[Request interrupted by user]"),
        user("<command-name>/review</command-name>\n<command-args>all</command-args>"),
    ]);
    let wanted = "#p1 \"go on\"\n  local /clear -> \"gone\"\n  interrupted\n\n#p2 \"/review all\"";
    assert!(all.ends_with(wanted), "{all}");
}

#[test]
fn commands_of_aiders_chat_are_no_prompts_and_give_no_title() {
    let text = "# aider chat started at 2026-05-04 09:00:00\n\n#### /add a.py  \n####   b.py  \n> Added a.py  \n\n\
                #### !ls  \n\n#### /ask why is the bay shallow?  \n\nSand.\n\n#### /drop  \n\n#### chart it  \n\ndone\n";
    let session = read(text.as_bytes()).unwrap();
    let all = retold(&session);
    let wanted = "  local /add a.py -> \"  b.py\"\n  local Added a.py -> \"\"\n  local !ls -> \"\"\n\n\
                  #p1 \"why is the bay shallow?\"\n  local /ask -> \"\"\n  reply \"Sand.\"\n  local /drop -> \"\"\n\n\
                  #p2 \"chart it\"\n  reply \"done\"";
    assert!(all.ends_with(wanted), "{all}");
    let overview = session.overview();
    assert_eq!(overview.first_words().map(|entry| entry.text.as_str()), Some("why is the bay shallow?"));
}

#[test]
fn headings_and_quotations_in_replies_of_aider_are_the_agents() {
    let text = "# aider chat started at 2026-05-04 09:00:00\n\n> Aider v0.86.1  \n\n#### chart the bay  \n#### and sound it  \n\n\
                #### First\n\n> deep water\n\n#### Second\n\ndone\n\n> Tokens: 5k sent  \n\n#### go on  \n\n> quoted first\n";
    let all = retold(&read(text.as_bytes()).unwrap());
    let wanted = "#p1 \"chart the bay\\nand sound it\"\n  reply \"#### First\\n\\n> deep water\\n\\n#### Second\\n\\ndone\"\n  \
                  local Tokens: 5k sent -> \"\"\n\n#p2 \"go on\"\n  reply \"> quoted first\"";
    assert!(all.ends_with(wanted), "{all}");
}
