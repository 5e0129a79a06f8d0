//! A stranger's session with a payload in every field, looked at without any policy: nothing of it runs.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use serde_json::{Value, json};

use super::Reader;
use crate::support::http;
use crate::support::wait::{SOON, until};

/// Some of each kind; the collected ones, where they are unpacked, are many more.
const PAYLOADS: [&str; 10] = [
    "<script>window.ran = 1</script>",
    "\"><img src=x onerror=\"window.ran = 1\">",
    "' autofocus onfocus='window.ran = 1",
    "</title></textarea></style></pre><svg onload=\"window.ran = 1\">",
    "[a](javascript:window.ran=1) <javascript:window.ran=1>",
    "![x](https://other.example/pixel.png)",
    "```html\n<script>window.ran = 1</script>\n```",
    "<iframe srcdoc=\"<script>parent.ran = 1</script>\"></iframe>",
    "<math><mtext><table><mglyph><style><img src=x onerror=\"window.ran = 1\">",
    "<base href=\"https://other.example/\"><link rel=stylesheet href=\"https://other.example/x.css\">",
];

fn payloads() -> Vec<String> {
    let collected = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/hostile/xss_payloads.jsonl");
    let text = fs::read_to_string(collected).unwrap_or_default();
    let one = |line: &str| serde_json::from_str::<Value>(line).ok()?["payload"].as_str().map(str::to_owned);
    PAYLOADS.iter().map(|text| (*text).to_owned()).chain(text.lines().filter_map(one)).collect()
}

/// A Claude Code session that says `text` wherever one can say something.
fn write(path: &Path, texts: &[String]) {
    let mut file = std::io::BufWriter::new(fs::File::create(path).unwrap());
    let mut no = 0;
    let mut line = |kind: &str, message: Value, text: &str| {
        no += 1;
        let record = json!({
            "type": kind, "uuid": format!("u{no}"), "parentUuid": null, "sessionId": "s", "cwd": "/home/dev/tool",
            "version": text, "gitBranch": text, "timestamp": "2026-01-01T00:00:00Z", "message": message,
        });
        writeln!(file, "{record}").unwrap();
    };
    for (n, text) in texts.iter().enumerate() {
        line("user", json!({"role": "user", "content": text}), text);
        let tools = [
            ("Bash", json!({"command": text, "description": text})),
            ("Read", json!({"file_path": text})),
            ("Write", json!({"file_path": text, "content": text})),
            ("Edit", json!({"file_path": text, "old_string": text, "new_string": format!("{text}x")})),
            ("Grep", json!({"pattern": text, "path": text})),
            ("WebFetch", json!({"url": text, "prompt": text})),
            ("TodoWrite", json!({"todos": [{"content": text, "status": "pending", "activeForm": text}]})),
            ("Task", json!({"description": text, "prompt": text, "subagent_type": text})),
            (text.as_str(), json!({text.as_str(): text})),
        ];
        let mut content = vec![
            json!({"type": "thinking", "thinking": format!("{text}\n\n{text}")}),
            json!({"type": "text", "text": text}),
        ];
        content.extend(tools.iter().enumerate().map(|(i, (name, input))| {
            json!({"type": "tool_use", "id": format!("t{n}-{i}"), "name": name, "input": input})
        }));
        line(
            "assistant",
            json!({"id": format!("m{n}"), "role": "assistant", "model": text, "content": content}),
            text,
        );
        let results: Vec<_> = (0..tools.len())
            .map(|i| json!({"type": "tool_result", "tool_use_id": format!("t{n}-{i}"), "content": text, "is_error": i % 2 == 0}))
            .collect();
        line("user", json!({"role": "user", "content": results}), text);
    }
}

#[test]
fn nothing_of_it_runs_and_nobody_is_asked_with_the_policy_removed_too() {
    let all = payloads();
    let Some(mut reader) = Reader::of(|home| {
        let path = home.path("hostile.jsonl");
        // Many payloads a turn: what is looked for is one that works.
        let together: Vec<String> =
            all.chunks(60).map(|some| some.join("\n\n")).chain(all.iter().take(10).cloned()).collect();
        write(&path, &together);
        path
    }) else {
        return;
    };
    let (browser, url) = (&reader.browser, reader.url.clone());
    until(SOON, "the session is read to its end", || !http::get(&url).text().contains("still being read"));
    browser.tools("Page.enable", json!({}));
    browser.tools("Page.setBypassCSP", json!({"enabled": true}));
    let watch = "for (const f of ['alert', 'confirm', 'prompt', 'print', 'open']) window[f] = () => { window.ran = f }";
    browser.tools("Page.addScriptToEvaluateOnNewDocument", json!({"source": watch}));
    let window = |no| if no == 0 { String::new() } else { format!("w/{no}") };
    let windows = (0..).take_while(|no| http::get(&format!("{url}{}", window(*no))).status == 200).count();
    assert!(windows > 1, "{windows} windows");
    for no in 0..windows {
        let window = window(no);
        browser.open(&format!("{url}{window}?depth=all"));
        // As a person who opens and touches everything.
        browser.eval("void document.querySelectorAll('details').forEach(d => d.open = true)");
        browser.eval("void document.querySelectorAll('main *').forEach(e => { for (const k of ['mouseover', 'focus', 'pointerenter']) e.dispatchEvent(new Event(k, {bubbles: true})) })");
        browser.assert("nothing ran", "window.ran === undefined");
        browser.assert("nothing of theirs stands there", "!document.querySelector('main :is(script, iframe, object, embed, form, style, link, base, meta, video, audio)')");
    }
    browser.open(&format!("{url}find?q={}", "script"));
    browser.assert(
        "nor in what a search finds",
        "window.ran === undefined && !document.querySelector('main script')",
    );
    reader.browser.assert_quiet(&url);
}
