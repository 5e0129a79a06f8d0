//! What axe-core finds wrong for people who do not see, or see little. It is no part of this repository: it is
//! looked for where the build server installs it.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::Reader;
use crate::support::browser::{Browser, DESKTOP, Look, PHONE, is_ci};

fn axe() -> Option<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/npm/node_modules/axe-core/axe.min.js");
    let found = fs::read_to_string(&path).ok();
    if found.is_none() {
        assert!(!is_ci(), "{} is missing", path.display());
        eprintln!("skipped: no axe-core (npm install --prefix target/npm axe-core)");
    }
    found
}

/// One line a violation, with where it is.
fn violations(browser: &Browser, axe: &str) -> Vec<String> {
    let script = format!(
        "{axe}; axe.run(document, {{ resultTypes: ['violations'] }}).then(r => done(r.violations), e => done([{{ id: String(e), nodes: [] }}]))"
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
fn assert_accessible(browser: &Browser, axe: &str, look: Look, what: &str) {
    let found = violations(browser, axe);
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
