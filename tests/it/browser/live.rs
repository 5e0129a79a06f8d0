//! A session that goes on, looked at.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;

use serde_json::json;

use super::{Reader, in_view};
use crate::support::browser::{Browser, DESKTOP, Look};
use crate::support::daemon::Home;
use crate::support::sessions;

/// A live share in front of a browser.
pub(super) fn live() -> Option<(Reader, std::path::PathBuf)> {
    live_of(6)
}

/// The same, of a session of so many turns.
fn live_of(turns: usize) -> Option<(Reader, std::path::PathBuf)> {
    let browser = Browser::start()?;
    let home = Home::started();
    let session = home.path("session.jsonl");
    sessions::write(&session, turns, 32);
    let reply = home.ask(&json!({"method": "StartShare", "params": {
        "session_path": session, "provider": "local", "options": {"live": true}}}));
    let url = reply["data"]["public_url"].as_str().unwrap().to_owned();
    browser.look(Look { height: 700, ..DESKTOP });
    browser.open(&url);
    Some((Reader { browser, url, home }, session))
}

/// Appends turns from `from` up to `to` as the agent would.
pub(super) fn grow(session: &Path, from: usize, to: usize) {
    let folder = tempfile::tempdir().unwrap();
    let whole = folder.path().join("whole.jsonl");
    sessions::write(&whole, to, 32);
    let text = std::fs::read_to_string(&whole).unwrap();
    let mut file = OpenOptions::new().append(true).open(session).unwrap();
    for line in text.lines().skip(from * 4) {
        writeln!(file, "{line}").unwrap();
    }
}

#[test]
fn what_comes_is_appended_and_the_reader_keeps_the_place() {
    let Some((reader, session)) = live() else { return };
    let browser = &reader.browser;
    browser.assert("it says that it is live", "document.querySelector('.live').textContent === 'Live'");
    browser.assert("no reload is needed", "document.querySelector('.reload').offsetHeight === 0");
    browser.click("#s2 summary .verb");
    browser.until("a step is open", "document.querySelector('#s2 > details').open");
    browser.eval("void (window.kept = document.querySelector('#s2'), scrollTo(0, 300))");
    let y = "Math.round(document.querySelector('#s2').getBoundingClientRect().top)";
    let before = browser.eval(y);
    grow(&session, 6, 9);
    browser.until(
        "three more turns are here",
        "!!document.querySelector('#p9') && document.body.textContent.includes('reply-8')",
    );
    browser.assert("nothing moved", &format!("{y} === {before}"));
    browser.assert(
        "nothing was made anew",
        "kept === document.querySelector('#s2') && kept.querySelector('details').open",
    );
    browser.assert("each turn stands once", "document.querySelectorAll('.turn').length === 9");
    browser.until("new below is offered", "document.querySelector('.pill').textContent === '3 new steps' && !document.querySelector('.pill').hidden");
    browser.until("the outline has them", "document.querySelectorAll('.outline > li').length === 9");
    browser.click(".pill");
    browser.until("and leads there", "document.querySelector('#p7').getBoundingClientRect().top < 200 && document.querySelector('.pill').hidden");
    reader.end();
}

/// Appends records as the agent would.
fn append(session: &Path, records: &[serde_json::Value]) {
    let mut file = OpenOptions::new().append(true).open(session).unwrap();
    for record in records {
        writeln!(file, "{record}").unwrap();
    }
}

#[test]
fn steps_at_work_have_a_dot_until_their_results_come() {
    let Some((reader, session)) = live() else { return };
    let browser = &reader.browser;
    let record = |n: u32, kind: &str, content: serde_json::Value| {
        json!({"type": kind, "uuid": format!("r{n}"), "parentUuid": null, "sessionId": "s", "isSidechain": false,
            "timestamp": format!("2026-05-28T22:00:0{n}Z"), "message": {"id": format!("r{n}"), "role": kind, "content": content}})
    };
    let call = |id: &str, command: &str| json!({"type": "tool_use", "id": id, "name": "Bash", "input": {"command": command}});
    let result = |n, id: &str| {
        record(n, "user", json!([{"type": "tool_result", "tool_use_id": id, "content": "done"}]))
    };
    append(
        &session,
        &[
            record(1, "user", json!("run both")),
            record(2, "assistant", json!([call("r1", "make one"), call("r2", "make two")])),
        ],
    );
    let running = "[...document.querySelectorAll('#p7 .step.running')].map(s => s.querySelector('.what').textContent).join()";
    browser.until("both run, side by side", &format!("{running} === 'make one,make two'"));
    browser.assert(
        "each with a dot, in the colour of what goes on",
        "[...document.querySelectorAll('.step.running > .line')].every(row => (dot => dot.borderRadius === '50%' && dot.backgroundColor === getComputedStyle(row.querySelector('.verb')).color && dot.backgroundColor === getComputedStyle(document.querySelector('.live')).color)(getComputedStyle(row, '::before')))",
    );
    // As if it had begun a minute ago.
    browser.eval("void document.querySelectorAll('[data-running]').forEach(t => { t.dateTime = new Date(Date.now() - 65_000).toISOString() })");
    browser.until(
        "how long each has run is told",
        "[...document.querySelectorAll('.running .dur')].map(t => /^1 min \\d+ s$/.test(t.textContent)).join() === 'true,true'",
    );
    append(&session, &[result(3, "r2")]);
    browser.until("one is done", &format!("{running} === 'make one'"));
    append(&session, &[result(4, "r1")]);
    browser.until(
        "both are, and stand together",
        &format!("{running} === '' && document.querySelector('#p7 .group .n')?.textContent === '2 commands'"),
    );
    reader.end();
}

#[test]
fn what_comes_into_a_window_that_is_not_there_is_offered_and_led_to() {
    let Some((reader, session)) = live_of(200) else { return };
    let browser = &reader.browser;
    let windows =
        "[...document.querySelectorAll('.window')].filter(w => !w.dataset.gone).map(w => +w.dataset.no)";
    browser.until("news were heard", "document.querySelector('.live').textContent === 'Live'");
    browser.until("all windows are known", "+document.querySelector('main').dataset.windows > 8");
    browser.assert("the last is not here", &format!("Math.max(...{windows}) < 6"));
    browser.assert("nothing is offered", "document.querySelector('.pill').hidden");
    grow(&session, 200, 202);
    browser.until(
        "new below is offered",
        "document.querySelector('.pill').textContent === 'New below' && !document.querySelector('.pill').hidden",
    );
    browser.click(".pill");
    browser.until(
        "and leads there",
        "document.body.textContent.includes('reply-201') && document.querySelector('.pill').hidden",
    );
    reader.end();
}

#[test]
fn where_no_websocket_opens_it_asks_by_post() {
    let Some((reader, session)) = live() else { return };
    let browser = &reader.browser;
    browser.tools("Page.enable", json!({}));
    browser.tools(
        "Page.addScriptToEvaluateOnNewDocument",
        json!({"source": "window.WebSocket = class { constructor() { throw new Error('no') } }"}),
    );
    browser.reload();
    browser.until(
        "it asked",
        "performance.getEntriesByType('resource').some(e => e.name.includes('/live?since='))",
    );
    grow(&session, 6, 7);
    browser.until(
        "the turn came",
        "!!document.querySelector('#p7') && document.body.textContent.includes('reply-6')",
    );
    reader.end();
}

#[test]
fn it_goes_on_by_itself_after_the_daemon_was_away() {
    let Some((mut reader, session)) = live() else { return };
    reader.browser.until("it listens", "document.documentElement.matches('.listening')");
    reader.home.kill_daemon();
    grow(&session, 6, 8);
    reader.home.start();
    let browser = &reader.browser;
    browser.until("what came meanwhile is here", "!!document.querySelector('#p8')");
    browser.until("it says that it is live", "document.querySelector('.live').textContent === 'Live'");
    // And on from there.
    grow(&session, 8, 9);
    browser.until("what comes now too", "!!document.querySelector('#p9')");
    browser.assert("each turn stands once", "document.querySelectorAll('.turn').length === 9");
}

#[test]
fn a_permanent_link_and_a_chosen_theme_outlive_the_daemon() {
    let Some(mut reader) = Reader::of_example() else { return };
    reader.browser.press("tt");
    reader.browser.until("it is dark", "document.documentElement.dataset.theme === 'dark'");
    let link = reader.browser.text("document.querySelector('#s9 > .link').href");
    reader.home.kill_daemon();
    reader.home.start();
    let browser = &reader.browser;
    browser.open("about:blank");
    browser.open(&link);
    browser.until("the step opens", "document.querySelector('#s9 > details').open");
    browser.until("it is in view", &in_view("#s9"));
    browser.assert("it is dark", "document.documentElement.dataset.theme === 'dark'");
    reader.end();
}
