//! A stranger's session with a payload in every field, looked at without any policy: nothing of it runs.
//!
//! `PANKO_HOSTILE=all` takes every collected payload by itself instead of one in twenty.

mod session;

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::Reader;
use crate::support::browser::Browser;
use crate::support::http;
use crate::support::wait::{SOON, until};

/// Some of each kind; the collected ones, where they are unpacked, are many more.
const PAYLOADS: [&str; 20] = [
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
    "```\"><img/src/onerror=window.ran=1>\nx\n```",
    "[a](https://other.example/\"onmouseover=\"window.ran=1 \"' onclick='window.ran=1\")",
    "<noscript><p title=\"</noscript><svg onload=window.ran=1>\">",
    "<meta http-equiv=refresh content=\"0;url=https://other.example/\">",
    "--><!--><svg><script>window.ran=1</script>--!><![CDATA[<img src=x onerror=window.ran=1>]]>",
    "<a href=\"data:text/html,<script>opener.ran=1</script>\" ping=\"https://other.example/\">x</a>",
    "<details open ontoggle=window.ran=1><summary>x</summary></details>",
    "<style>@import url(https://other.example/x.css); @keyframes x{} *{animation:x}</style><b onanimationstart=window.ran=1>",
    "\u{1b}]8;;javascript:window.ran=1\u{7}x\u{1b}]8;;\u{7}\u{1b}[31m<svg onload=window.ran=1>\u{1b}[0m",
    "&lt;script&gt;window.ran=1&lt;/script&gt; &#60;svg onload=window.ran=1&#62; \u{202e}<svg onload=window.ran=1>",
];

/// Those found where they are unpacked.
fn collected() -> Vec<String> {
    let collected = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/hostile/xss_payloads.jsonl");
    let text = fs::read_to_string(collected).unwrap_or_default();
    let one = |line: &str| serde_json::from_str::<Value>(line).ok()?["payload"].as_str().map(str::to_owned);
    text.lines().filter_map(one).collect()
}

fn own() -> impl Iterator<Item = String> {
    PAYLOADS.iter().map(|text| (*text).to_owned())
}

/// A session with a turn for each text, shared; nothing is open yet, and no policy will be heeded.
fn shared(texts: &[String]) -> Option<Reader> {
    let reader = Reader::of(|home| {
        let path = home.path("hostile.jsonl");
        session::write(std::io::BufWriter::new(fs::File::create(&path).unwrap()), texts);
        path
    })?;
    let browser = &reader.browser;
    browser.tools("Page.enable", json!({}));
    browser.tools("Page.setBypassCSP", json!({"enabled": true}));
    // Every document, those in frames too, tells the first one.
    let watch = "for (const f of ['alert', 'confirm', 'prompt', 'print', 'open']) window[f] = () => { window.ran = f }";
    browser.tools("Page.addScriptToEvaluateOnNewDocument", json!({"source": watch}));
    until(SOON, "the session is read to its end", || {
        !http::get(&reader.url).text().contains("still being read")
    });
    Some(reader)
}

/// Below the address of the site, each window of the session.
fn windows(url: &str) -> Vec<String> {
    let window = |no| if no == 0 { String::new() } else { format!("w/{no}") };
    (0..).map(window).take_while(|window| http::get(&format!("{url}{window}")).status == 200).collect()
}

/// Where on a page anything stands that panko does not write: what runs or asks others, handlers, styles, links
/// that lead anywhere but on.
const THEIRS: &str = "(e => [...e.querySelectorAll('*')].filter(e => \
    e.matches('script, iframe, object, embed, form, style, link, base, meta, video, audio, template, noscript, math, input, textarea, select') || \
    e.matches('img:not(.shot > a > img)') || \
    [...e.attributes].some(a => /^on|^(style|srcdoc|formaction|action|ping|background|poster|target|xlink:href|autofocus)$/i.test(a.name) || \
        (/^(href|src)$/.test(a.name) && !/^(https?:\\/\\/|mailto:|(\\.\\.?\\/)*(w\\/\\d+)?\\/?(#[pasw][\\da-z.]+|#end)?$|(\\.\\.?\\/)*[is][\\d.]+$)/i.test(a.value)))) \
    .map(e => e.outerHTML.slice(0, 200)).slice(0, 3))";

/// As a person who opens and touches everything.
const TOUCH: &str = "(e => { e.querySelectorAll('details').forEach(d => d.open = true); \
    for (const one of e.querySelectorAll('*')) for (const k of ['mouseover', 'focus', 'pointerenter']) one.dispatchEvent(new Event(k, {bubbles: true})) })";

/// Puts each of these pieces of a page into a document of its own, in frames of one page, touches all there is, and
/// returns what was found of each that is not as it should be.
#[track_caller]
fn alone(browser: &Browser, pieces: &[String]) -> Vec<(usize, Value)> {
    let script = format!(
        "const pieces = {}; const found = []; let left = pieces.length; document.body.replaceChildren(); \
         pieces.forEach((piece, no) => {{ const frame = document.createElement('iframe'); \
           frame.onload = () => {{ const w = frame.contentWindow; const d = frame.contentDocument; \
             if (!d || d.URL !== 'about:srcdoc') found.push([no, 'it led away']); else {{ \
               {TOUCH}(d.body); \
               const theirs = {THEIRS}(d.body); \
               if (theirs.length) found.push([no, theirs]); \
               if (w.ran !== undefined || window.ran !== undefined) found.push([no, 'ran ' + w.ran + window.ran]); }} \
             if (!--left) done(found) }}; \
           frame.srcdoc = '<!doctype html><body>' + piece; document.body.append(frame) }})",
        serde_json::to_string(pieces).unwrap()
    );
    let found = browser.run(&script);
    let one = |found: &Value| (found[0].as_u64().unwrap() as usize, found[1].clone());
    found.as_array().unwrap().iter().map(one).collect()
}

/// The turns of a page, each as it was sent.
fn turns(page: &str) -> Vec<String> {
    let (mut turns, mut rest) = (Vec::new(), page);
    while let Some(at) = rest.find("<section class=\"turn") {
        let end = rest[at..].find("</section>").unwrap() + at;
        turns.push(rest[at..end].to_owned());
        rest = &rest[end..];
    }
    turns
}

#[test]
fn each_payload_by_itself_in_every_field_of_a_turn_does_nothing() {
    let all = std::env::var("PANKO_HOSTILE").is_ok_and(|how| how == "all");
    let payloads: Vec<String> =
        own().chain(collected().into_iter().step_by(if all { 1 } else { 20 })).collect();
    for some in payloads.chunks(200) {
        let Some(mut reader) = shared(some) else { return };
        let (browser, url) = (&reader.browser, reader.url.clone());
        browser.open(&url);
        browser.assert("nothing ran on the first view", "window.ran === undefined");
        // The frames show what runs, if something does.
        let control = ["<svg onload=\"window.ran=1\"></svg>".to_owned(), "<p>x</p>".to_owned()];
        let found = alone(browser, &control);
        assert!(!found.is_empty() && found.iter().all(|(no, _)| *no == 0), "{found:?}");
        let mut seen = 0;
        for window in windows(&url) {
            let turns = turns(&http::get(&format!("{url}{window}")).text());
            seen += turns.iter().filter(|turn| !turn.contains("class=\"turn continued")).count();
            for turns in turns.chunks(25) {
                let found: Vec<_> =
                    alone(browser, turns).into_iter().map(|(no, what)| (what, &turns[no])).collect();
                assert!(found.is_empty(), "{found:#?}");
            }
        }
        assert!(seen >= some.len(), "{seen} turns of {}", some.len());
        reader.browser.assert_quiet(&url);
    }
}

#[test]
fn each_payload_by_itself_as_all_there_is_to_a_session_does_nothing() {
    for payload in own() {
        let Some(mut reader) = shared(std::slice::from_ref(&payload)) else { return };
        let (browser, url) = (&reader.browser, reader.url.clone());
        for page in ["", "?depth=all", "s1", "s5", "find?q=ran"] {
            browser.open(&format!("{url}{page}"));
            browser.eval(&format!("void {TOUCH}(document)"));
            browser.assert(&format!("nothing ran of {payload:?}"), "window.ran === undefined");
            let within = "document.querySelector('main')";
            let form = if page.starts_with("find") {
                ".filter(html => !html.startsWith('<form') && !html.startsWith('<input'))"
            } else {
                ""
            };
            let theirs = browser.eval(&format!("{THEIRS}({within}){form}"));
            assert_eq!(theirs, json!([]), "{page} of {payload:?}");
            assert_eq!(browser.eval("location.href"), format!("{url}{page}"), "{payload:?} led away");
        }
        reader.browser.assert_quiet(&url);
    }
}

#[test]
fn nothing_of_it_runs_and_nobody_is_asked_with_the_policy_removed_too() {
    let all: Vec<String> = own().chain(collected()).collect();
    // Many payloads a turn: what is looked for is one that works.
    let together: Vec<String> = all.chunks(60).map(|some| some.join("\n\n")).chain(own()).collect();
    let Some(mut reader) = shared(&together) else { return };
    let (browser, url) = (&reader.browser, reader.url.clone());
    let windows = windows(&url);
    assert!(windows.len() > 1, "{windows:?}");
    for window in windows {
        browser.open(&format!("{url}{window}?depth=all"));
        browser.eval(&format!("void {TOUCH}(document)"));
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
