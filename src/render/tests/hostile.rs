//! A stranger's text in every field of the model: it is shown, it does nothing, it ends in time.

use super::fixture::*;
use super::strict;
use crate::redact::CleanText;
use crate::render::{PageInput, markdown, page, part, step_page};
use crate::session::model::*;

/// Kept short: the samples on disk, where they are, have thousands.
const PAYLOADS: &[&str] = &[
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "' onmouseover='alert(1)",
    "</title></textarea></style><svg onload=alert(1)>",
    "[a](javascript:alert(1)) ![b](data:text/html;base64,PHN2Zz4=) <javascript:alert(1)>",
    "[a](JaVaScRiPt&colon;alert(1)) [b](\tjavascript:alert(1)) [c](vbscript:x) [d](//evil.example/x)",
    "![x](https://evil.example/pixel.png)\n\n[![x](https://evil.example/a.png)](https://evil.example/)",
    "```\"><script>alert(1)</script>\nx\n```",
    "[x]: javascript:alert(1)\n\n[x] [^1]\n\n[^1]: <b onclick=x>",
    "| <b> | `<i>` |\n|:-:|--:|\n| \"x\" | </td><script> |",
    "`</code><script>` ``<b>``",
    "<https://example.org/\" onclick=\"x> <mailto:a@example.org>",
    "\u{202e}evil\u{2066}\u{0}\u{1b}[31m\u{9b}31m\u{8}\u{7f}",
    "\u{1b}]8;;javascript:alert(1)\u{7}link\u{1b}]8;;\u{7}",
    "--><!--><![CDATA[<script>]]>&lt;script&gt;&#60;script&#62;",
    "{{constructor.constructor('x')()}} ${x} {% raw %}",
];

/// A session with `text` in each of its fields, and `printed` in each output.
fn everywhere(text: &str, printed: &str) -> (Overview, Window) {
    let t = clean(text);
    let o = output(printed);
    let pairs = vec![(t.clone(), t.clone())];
    let diff = FileDiff {
        hunks: vec![Hunk {
            start: Some((1, 1)),
            lines: vec![
                DiffLine::Same(t.clone()),
                DiffLine::Removed(t.clone()),
                DiffLine::Added(clean(&format!("{text} x"))),
            ],
        }],
        added: 1,
        removed: 1,
        omitted: 3,
    };
    let prompt = Prompt {
        text: t.clone(),
        command: None,
        attachments: vec![Attachment {
            no: 1.into(),
            media_type: "application/octet-stream",
            bytes: 3,
            size: Some((1, 1)),
        }],
        at: at(1),
    };
    let mut tools = vec![
        Tool::Shell {
            command: t.clone(),
            description: Some(t.clone()),
            background: false,
            exit: Some(1),
            output: o.clone(),
        },
        Tool::Read { path: t.clone(), from: 3, content: o.clone() },
        Tool::Write { path: t.clone(), created: true, diff: diff.clone() },
        Tool::Edit { path: t.clone(), diff },
        Tool::Find {
            verb: "Glob",
            pattern: t.clone(),
            within: Some(t.clone()),
            matches: None,
            files: None,
            hits: o.clone(),
        },
        Tool::Find {
            verb: "Grep",
            pattern: t.clone(),
            within: Some(t.clone()),
            matches: Some(1),
            files: Some(1),
            hits: o.clone(),
        },
        Tool::Fetch { url: t.clone(), asked: None, content: o.clone() },
        Tool::Fetch {
            url: clean(&format!("https://example.org/{text}")),
            asked: Some(t.clone()),
            content: o.clone(),
        },
        Tool::Polled { command: t.clone(), state: Some(t.clone()), exit: None, output: o.clone() },
        Tool::WebSearch {
            query: t.clone(),
            links: vec![Link { title: t.clone(), url: t.clone() }],
            results: o.clone(),
        },
        Tool::Todo {
            items: vec![TodoItem { text: t.clone(), state: TodoState::Doing }],
            change: Some(TodoChange { to: None, added: false, text: t.clone() }),
        },
        Tool::Plan { text: t.clone() },
        Tool::Question {
            questions: vec![
                Question {
                    text: t.clone(),
                    options: vec![Choice { text: t.clone(), about: Some(t.clone()), picked: true }],
                    answer: Some(t.clone())
                };
                2
            ],
        },
        Tool::Other {
            server: Some(t.clone()),
            object: Some(t.clone()),
            input: pairs.clone(),
            output: o.clone(),
            told: pairs.clone(),
        },
        Tool::Other { server: None, object: None, input: pairs.clone(), output: o.clone(), told: Vec::new() },
    ];
    let inner = vec![Item::Reply { text: t.clone(), at: None }, Item::Thinking { text: t.clone(), at: None }];
    tools.push(Tool::Agent {
        description: t.clone(),
        kind: Some(t.clone()),
        prompt: t.clone(),
        report: o.clone(),
        items: inner,
        tokens: Some(9),
    });
    let mut items = Vec::new();
    for (no, tool) in (1..).zip(tools) {
        let mut step = step(no, StepKind::Other, text, tool);
        if no % 2 == 0 {
            step.outcome = Outcome::Failed(t.clone());
        }
        items.push(item(step));
    }
    items.extend([
        Item::Aside { no: 1, how: AsideHow::Queued, prompt: prompt.clone() },
        Item::Thinking { text: clean(&format!("{text}\n\n{text}")), at: None },
        Item::Marker(Marker::Compacted {
            at: at(3),
            before: Some(1),
            after: Some(1),
            summary: Some(t.clone()),
        }),
        Item::Marker(Marker::ApiError { at: at(3), text: t.clone(), times: 2, until: at(9) }),
        Item::Marker(Marker::Model { to: t.clone() }),
        Item::Marker(Marker::Local { command: t.clone(), output: o.clone() }),
        Item::Context { what: t.clone(), text: o },
        Item::Image { file: prompt.attachments[0].clone(), at: None },
        Item::Unknown { what: t.clone(), fields: pairs },
        Item::Reply { text: t.clone(), at: None },
    ]);
    let mut command = prompt.clone();
    command.command = Some(t.clone());
    let first = Turn { no: 1, prompt: Some(prompt), items, ..Turn::default() };
    let second = Turn { no: 2, prompt: Some(command), ..Turn::default() };
    let mut one = entry(1, 0, text);
    one.asides.push(OutlineAside { no: 1, window: 0, text: t.clone(), at: None, after: 0 });
    let mut two = entry(2, 0, text);
    two.command = true;
    let mut overview = overview(vec![one, two]);
    overview.version = Some(t.clone());
    overview.models = vec![t.clone()];
    overview.title = Some(t.clone());
    overview.project = Some(t.clone());
    overview.branch = Some(t.clone());
    let mut changes = changes();
    for file in &mut changes.files {
        file.path = t.clone();
        file.by = Some(t.clone());
    }
    overview.changes = Some(std::sync::Arc::new(changes));
    (overview, window(vec![first, second]))
}

/// Renders everything and reads it strictly.
fn harmless(text: &str) {
    let (overview, window) = everywhere(text, text);
    let title = clean(text);
    for title in [None, Some(&title)] {
        let input = PageInput {
            overview: &overview,
            window: &window,
            title,
            live: title.is_some(),
            downloads: false,
        };
        strict::check(&page(&input));
        strict::check(&part(&input));
        if let Some(Item::Step(step)) = window.turns[0].items.first() {
            strict::check(&step_page(&input, step));
        }
    }
    agrees(&markdown(&clean(text)).into_string());
}

/// An independent sanitiser finds nothing to take away from prose but what this module adds itself.
fn agrees(html: &str) {
    let ours = [
        "svg", "path", "circle", "div", "p", "pre", "code", "a", "ul", "ol", "li", "table", "thead", "tbody",
        "tr", "th", "td",
    ];
    let mut oracle = ammonia::Builder::default();
    oracle
        .add_tags(ours)
        .add_generic_attributes([
            "class",
            "role",
            "aria-label",
            "viewBox",
            "viewbox",
            "d",
            "cx",
            "cy",
            "r",
            "fill",
        ])
        .link_rel(Some("nofollow noopener noreferrer"))
        .url_schemes(["http", "https", "mailto"].into());
    let mut everything = ammonia::Builder::default();
    // The same pass without a policy to speak of: what is left differs from `oracle` only by what that drops.
    everything
        .add_tags(ours)
        .add_tags(["script", "img", "iframe", "style", "form", "input", "object", "embed"])
        .rm_clean_content_tags(["script", "style"])
        .add_generic_attributes([
            "class",
            "role",
            "aria-label",
            "viewBox",
            "viewbox",
            "d",
            "cx",
            "cy",
            "r",
            "fill",
            "style",
            "src",
        ])
        .link_rel(Some("nofollow noopener noreferrer"))
        .url_schemes(["http", "https", "mailto", "javascript", "data", "vbscript"].into());
    assert_eq!(oracle.clean(html).to_string(), everything.clean(html).to_string());
}

#[test]
fn nothing_in_any_field_becomes_markup() {
    for payload in PAYLOADS {
        harmless(payload);
    }
}

#[test]
fn nothing_from_the_collected_payloads_becomes_markup() {
    // Collected from public test suites; not in the repository.
    let Ok(file) = std::fs::read_to_string("target/hostile/xss_payloads.jsonl") else { return };
    let mut seen = 0;
    let mut joined = String::new();
    for line in file.lines() {
        let record: serde_json::Value = serde_json::from_str(line).unwrap();
        let Some(payload) = record.get("payload").and_then(|payload| payload.as_str()) else { continue };
        agrees(&markdown(&clean(payload)).into_string());
        strict::check(markdown(&clean(payload)).as_str());
        joined.push_str(payload);
        joined.push_str("\n\n");
        seen += 1;
        // Whole pages take longer to build: many payloads share one.
        if seen % 40 == 0 {
            harmless(&std::mem::take(&mut joined));
        }
    }
    harmless(&joined);
    assert!(seen > 1_000, "{seen} payloads");
}

#[test]
fn every_payload_stands_alone_in_every_field() {
    let Ok(file) = std::fs::read_to_string("target/hostile/xss_payloads.jsonl") else { return };
    // One in twenty alone; all of them went through in company above.
    for line in file.lines().step_by(20) {
        let record: serde_json::Value = serde_json::from_str(line).unwrap();
        if let Some(payload) = record.get("payload").and_then(|payload| payload.as_str()) {
            harmless(payload);
        }
    }
}

#[test]
fn no_control_or_bidi_character_is_left() {
    let (overview, window) = everywhere(&PAYLOADS.concat(), &PAYLOADS.concat());
    let html =
        page(&PageInput { overview: &overview, window: &window, title: None, live: false, downloads: false });
    let bad = html.chars().find(|&c| {
        (c.is_control() && c != '\n' && c != '\t')
            || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    });
    assert_eq!(bad, None);
}

#[test]
fn one_endless_text_does_not_make_an_endless_page() {
    for text in ["x".repeat(250_000), "x ".repeat(125_000), "<\n\n".repeat(80_000)] {
        // Outputs, prose and what was given are cut by who reads the session, all else here.
        let (overview, window) = everywhere(&text, "x");
        let html = page(&PageInput {
            overview: &overview,
            window: &window,
            title: None,
            live: false,
            downloads: false,
        });
        // Some ten of the fields hold prose or what was given; each `<` takes four bytes.
        assert!(html.len() < 16 * 1024 * 1024, "{} bytes from {:?}…", html.len(), &text[..4]);
    }
}

#[test]
fn agents_inside_agents_end_somewhere() {
    let mut items: Vec<Item> = vec![reply("deep")];
    for _ in 0..400 {
        let tool = Tool::Agent {
            description: clean("again"),
            kind: None,
            prompt: CleanText::default(),
            report: Output::default(),
            items,
            tokens: None,
        };
        items = vec![item(step(1, StepKind::Agent, "Task", tool))];
    }
    let overview = overview(vec![entry(1, 0, "one")]);
    let window = window(vec![turn(1, "one", items)]);
    let html =
        page(&PageInput { overview: &overview, window: &window, title: None, live: false, downloads: false });
    strict::check(&html);
    assert!(!html.contains("deep"));
}
