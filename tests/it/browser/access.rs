//! What axe-core finds wrong for people who do not see, or see little. It is no part of this repository: it is
//! looked for where the build server installs it.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::{Reader, live};
use crate::support::browser::{Browser, DESKTOP, Look, PHONE, is_ci};
use crate::support::daemon::Home;
use crate::support::sessions;

pub(super) fn axe() -> Option<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/npm/node_modules/axe-core/axe.min.js");
    let found = fs::read_to_string(&path).ok();
    if found.is_none() {
        assert!(!is_ci(), "{} is missing", path.display());
        crate::support::inject::skipped("no axe-core (npm install --prefix target/npm axe-core)");
    }
    found
}

/// One line a violation, with where it is. How large what is pressed has to be is a matter of a mouse: a finger finds
/// larger things for the same.
fn violations(browser: &Browser, axe: &str, look: Look) -> Vec<String> {
    let mouse = look.width > PHONE.width;
    let rules = format!("{{ 'target-size': {{ enabled: {mouse} }} }}");
    let script = format!(
        "{axe}; axe.run(document, {{ resultTypes: ['violations'], rules: {rules} }}).then(r => done(r.violations), e => done([{{ id: String(e), nodes: [] }}]))"
    );
    let found = browser.run(&script);
    let line = |violation: &Value| {
        let nodes = violation["nodes"].as_array().unwrap();
        let places: Vec<_> =
            nodes.iter().take(4).map(|n| format!("{} {}", n["target"], n["failureSummary"])).collect();
        format!("{}: {} places: {}", violation["id"], nodes.len(), places.join(" | "))
    };
    found.as_array().unwrap().iter().map(line).collect()
}

#[track_caller]
pub(super) fn assert_accessible(browser: &Browser, axe: &str, look: Look, what: &str) {
    let found = violations(browser, axe, look);
    let Look { width, dark, .. } = look;
    assert!(found.is_empty(), "{what}, {width} wide, dark: {dark}: {found:#?}");
}

#[test]
fn axe_finds_nothing_on_any_page_in_any_look() {
    let Some(axe) = axe() else { return };
    let Some(mut reader) = Reader::of_example() else { return };
    for look in [DESKTOP, DESKTOP.dark(), PHONE, PHONE.dark()] {
        let Reader { browser, url, .. } = &reader;
        browser.look(look);
        browser.open(url);
        assert_accessible(browser, &axe, look, "the page");
        browser.press("4");
        browser.until(
            "everything is open",
            "[...document.querySelectorAll('.step details')].every(d => d.open)",
        );
        assert_accessible(browser, &axe, look, "the page, all open");
        browser.press("?");
        browser.until("the keys", "document.querySelector('#keys').open");
        assert_accessible(browser, &axe, look, "the list of keys");
        browser.open(&format!("{url}s10"));
        assert_accessible(browser, &axe, look, "a step's own page");
        browser.open(&format!("{}x/", url.trim_end_matches('/')));
        assert_accessible(browser, &axe, look, "the page for nothing");
    }
    let url = reader.url.clone();
    reader.browser.assert_quiet_but(&url, |complaint| complaint.contains("404"));
}

#[test]
fn axe_finds_nothing_where_prompts_are_alike() {
    let Some(axe) = axe() else { return };
    let alike = |home: &Home| {
        let path = home.path("alike.jsonl");
        sessions::write(&path, 12, 600);
        let text = std::fs::read_to_string(&path).unwrap();
        let text =
            (0..12).rev().fold(text, |text, n| text.replace(&format!("do prompt-{n} of"), "go on with"));
        std::fs::write(&path, text).unwrap();
        path
    };
    let Some(reader) = Reader::of(alike) else { return };
    let Reader { browser, url, .. } = &reader;
    browser.open(url);
    browser.assert("they are there", "document.querySelectorAll('.turn h2').length > 5");
    assert_accessible(browser, &axe, DESKTOP, "prompts that are alike");
    reader.end();
}

#[test]
fn axe_finds_nothing_in_what_the_script_adds() {
    let Some(axe) = axe() else { return };
    let Some(reader) = Reader::of_turns(60) else { return };
    let Reader { browser, url, .. } = &reader;
    for look in [DESKTOP, DESKTOP.dark(), PHONE, PHONE.dark()] {
        browser.look(look);
        browser.open(url);
        browser.press("/");
        browser.until("the box has the focus", "document.activeElement.id === 'find'");
        browser.press("reply-1");
        browser.until("hits are counted", "document.querySelector('.count').textContent === '11 hits'");
        assert_accessible(browser, &axe, look, "hits");
        browser.press("\u{e007}");
        browser.until("one is chosen", "!!document.querySelector('.hits [aria-current]')");
        assert_accessible(browser, &axe, look, "a chosen hit");
        browser.open(&format!("{url}find?q=reply-1"));
        assert_accessible(browser, &axe, look, "the page of hits");
    }
    reader.end();
}

#[test]
fn axe_finds_nothing_however_the_switches_stand() {
    let Some(axe) = axe() else { return };
    let Some(reader) = Reader::of_example() else { return };
    let Reader { browser, url, .. } = &reader;
    for look in [DESKTOP, DESKTOP.dark(), PHONE, PHONE.dark()] {
        browser.look(look);
        browser.open(url);
        browser.press("3");
        browser.press("s");
        // There is no room for two columns on a phone.
        let wide = look.width > PHONE.width;
        browser.until(
            "diffs stand as they are to",
            &format!("!!document.querySelector('.diff.two') === {wide}"),
        );
        assert_accessible(browser, &axe, look, "diffs in two columns");
        browser.press("s");
        for (set, value) in [("only", "prompts"), ("only", "errors"), ("hide", "tools"), ("hide", "thinking")]
        {
            let button = format!("document.querySelector('[data-set={set}] [value={value}]')");
            browser.eval(&format!("void {button}.click()"));
            browser.until("it is pressed", &format!("{button}.matches('[aria-pressed=true]')"));
            assert_accessible(browser, &axe, look, &format!("{set} {value}"));
            browser.eval(&format!("void {button}.click()"));
        }
    }
    reader.end();
}

#[test]
fn axe_finds_nothing_on_a_page_that_goes_on() {
    let Some(axe) = axe() else { return };
    let Some((reader, session)) = live::live() else { return };
    let Reader { browser, url, .. } = &reader;
    let mut turns = 6;
    for look in [DESKTOP, DESKTOP.dark(), PHONE, PHONE.dark()] {
        // So low that what comes is out of view.
        let look = Look { height: 700, ..look };
        browser.look(look);
        browser.open(url);
        browser.until("it listens", "document.documentElement.matches('.listening')");
        assert_accessible(browser, &axe, look, "a live page");
        // It scrolls while it looks.
        browser.eval("void scrollTo(0, 0)");
        live::grow(&session, turns, turns + 2);
        turns += 2;
        browser.until("new below is offered", "!document.querySelector('.pill').hidden");
        assert_accessible(browser, &axe, look, "a live page with news");
    }
    reader.end();
}
