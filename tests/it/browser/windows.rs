//! A long session, window by window.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::{Reader, in_view};
use crate::support::browser::{DESKTOP, Look, PHONE};
use crate::support::http;
use crate::support::wait::{SOON, until};

const TURNS: &str = "document.querySelectorAll('.turn').length";

#[test]
fn the_outline_shows_where_one_is_in_a_window_opened_by_its_address() {
    let Some(reader) = Reader::of_turns(400) else { return };
    let Reader { browser, url, .. } = &reader;
    for look in [DESKTOP, Look { height: 700, ..DESKTOP }, PHONE] {
        browser.look(look);
        for window in [2, 5, 9] {
            browser.open("about:blank");
            browser.open(&format!("{url}w/{window}"));
            if look.width == PHONE.width {
                browser.click(".topbar [popovertarget]");
            }
            browser.until(
                "its entry is in view",
                "(on => !!on && (([entry, list]) => entry.top >= list.top && entry.bottom <= list.bottom) \
                 ([on, on.parentNode].map(e => e.getBoundingClientRect())))(document.querySelector('.outline > .on'))",
            );
        }
    }
    reader.end();
}

#[test]
fn the_next_window_comes_as_one_comes_near() {
    let Some(mut reader) = Reader::of_turns(400) else { return };
    let browser = &mut reader.browser;
    browser.assert("the end is not here yet", "!document.querySelector('#p400')");
    let before = browser.eval(TURNS).as_u64().unwrap();
    browser.eval("void document.querySelector('.pager').scrollIntoView()");
    browser.until("more turns came", &format!("{TURNS} > {before}"));
    browser.assert("without leaving the page", "!location.pathname.includes('/w/')");
    browser.until("each prompt stands once", "new Set([...document.querySelectorAll('.turn')].map(t => t.id)).size === document.querySelectorAll('.turn').length");
    let parts = browser.requests().iter().filter(|url| url.ends_with("?part=1")).count();
    assert!(parts > 0, "no part was fetched");
    reader.end();
}

#[test]
fn a_link_into_a_window_that_is_not_here_leads_there() {
    let Some(reader) = Reader::of_turns(400) else { return };
    let browser = &reader.browser;
    browser.eval("void (window.same = true)");
    browser.click(".outline > li:last-child a");
    browser.until("the last prompt is in view", &in_view("#p400"));
    browser.assert("at its own address", "location.pathname.includes('/w/') && location.hash === '#p400'");
    browser.assert("without loading a page", "window.same");
    browser.assert("with a way back", "!!document.querySelector('.pager a[rel=prev]')");
    browser.eval("history.back()");
    browser.until("where one came from", "!location.pathname.includes('/w/')");
    browser.until("the first prompt is there", &in_view("#p1"));
    reader.end();
}

#[test]
fn a_bar_of_the_timeline_leads_into_a_window_that_is_not_here() {
    let Some(reader) = Reader::of_turns(400) else { return };
    let browser = &reader.browser;
    browser.eval("void (window.same = true)");
    browser.eval(
        "void (bar => { window.goal = bar.getAttribute('href').split('#')[1]; \
         bar.dispatchEvent(new MouseEvent('click', {bubbles: true, cancelable: true})) }) \
         ([...document.querySelectorAll('.timeline a[href*=\"#s\"]')].at(-1))",
    );
    browser.until("the step is there", "!!document.getElementById(window.goal)?.offsetHeight");
    browser.assert("without loading a page", "window.same && location.pathname.includes('/w/')");
    reader.end();
}

#[test]
fn one_reads_upwards_too_and_keeps_the_place() {
    let Some(reader) = Reader::of_turns(400) else { return };
    let Reader { browser, url, .. } = &reader;
    browser.open(&format!("{url}w/5#{}", "p105"));
    browser.until("a prompt is in view", "document.querySelectorAll('.turn[id]').length > 0");
    // In one go: the window before it may come at any time.
    let first = browser.text(
        "(turn => (scrollBy(0, turn.getBoundingClientRect().top - 200), turn.id))(document.querySelector('.turn[id]'))",
    );
    browser
        .until("the window before it came", &format!("document.querySelector('.turn[id]').id !== '{first}'"));
    browser.until(
        "what was read is where it was",
        &format!(
            "(y => y > 0 && y < innerHeight)(document.querySelector('#{first}').getBoundingClientRect().top)"
        ),
    );
    reader.end();
}

/// All the way down and back: the tab never holds more than some windows, and what was opened is open again.
#[test]
fn far_windows_leave_the_tab_and_come_back_as_they_were() {
    let Some(reader) = Reader::of_turns(1_000) else { return };
    let browser = &reader.browser;
    browser.click("#s2 summary .verb");
    browser.until("a step is open", "document.querySelector('#s2 > details').open");
    // A window that has the focus stays, however far away it is.
    browser.eval("void document.activeElement.blur()");
    // Step by step, as a wheel turns; the most turns that were in the tab on the way.
    let walk = |by: i32, end: &str| {
        let mut most = 0;
        for _ in 0..2_000 {
            let seen = browser.eval(&format!("(scrollBy(0, {by}), [{TURNS}, {end}])"));
            most = most.max(seen[0].as_u64().unwrap());
            if seen[1] == true {
                return most;
            }
        }
        panic!("{end} was not reached");
    };
    let most = walk(2_500, "!!document.querySelector('#p1000')");
    assert!(most < 500, "{most} turns were in the tab at once");
    browser.until(
        "the first window is gone",
        "!document.querySelector('#p1') && document.querySelector('.window').offsetHeight > 1000",
    );
    walk(-2_500, "scrollY === 0 && !!document.querySelector('#s2')");
    browser.until("it comes back", "!!document.querySelector('#s2')");
    browser.assert("as it was", "document.querySelector('#s2 > details').open");
    reader.end();
}

/// Turns of many steps that print much: on the page each is a few lines high, with a megabyte folded away in it.
fn write_dense(path: &Path, turns: usize) {
    let output = "what a command printed, line by line\n".repeat(440);
    let mut text = String::new();
    let mut line = |kind: &str, content: Value| {
        let message = json!({"id": format!("m{}", text.len()), "role": kind, "content": content});
        let record = json!({"type": kind, "uuid": format!("u{}", text.len()), "parentUuid": null, "sessionId": "s",
            "message": message});
        text += &format!("{record}\n");
    };
    for turn in 0..turns {
        line("user", json!(format!("prompt {turn}")));
        for step in 0..36 {
            let id = format!("t{turn}-{step}");
            line(
                "assistant",
                json!([{"type": "tool_use", "id": id, "name": "Bash", "input": {"command": "make"}}]),
            );
            line("user", json!([{"type": "tool_result", "tool_use_id": id, "content": output}]));
        }
        line("assistant", json!([{"type": "text", "text": "Done."}]));
    }
    fs::write(path, text).unwrap();
}

#[test]
fn windows_with_much_folded_away_do_not_pile_up() {
    let Some(reader) = Reader::of(|home| {
        let path = home.path("dense.jsonl");
        write_dense(&path, 40);
        path
    }) else {
        return;
    };
    let Reader { browser, url, .. } = &reader;
    until(SOON, "the session is read to its end", || !http::get(url).text().contains("still being read"));
    browser.look(Look { height: 700, ..DESKTOP });
    browser.open(url);
    let mut most = 0;
    for _ in 0..2_000 {
        let seen = browser.eval(
            "(scrollBy(0, 150), [document.querySelector('main').innerHTML.length, !!document.querySelector('#p40')])",
        );
        most = most.max(seen[0].as_u64().unwrap());
        if seen[1] == true {
            break;
        }
    }
    browser.assert("the end is here", "!!document.querySelector('#p40')");
    assert!((1 << 20..12 << 20).contains(&most), "{most} characters were in the tab at once");
    // What went comes back.
    browser.eval("void document.querySelector('.window').scrollIntoView()");
    browser.until("the first turn is there again", "!!document.querySelector('#p1')");
    reader.end();
}

#[test]
fn the_end_and_a_far_prompt_are_soon_there() {
    let Some(reader) = Reader::of_turns(1_000) else { return };
    let browser = &reader.browser;
    // The promise is 100 ms, for a release build on a machine at rest; debug builds decode slowly, beside others.
    let timed = |what: &str, act: &str, there: &str| {
        let script = format!(
            "const began = performance.now(); {act}; \
             (function wait() {{ ({there}) ? done(performance.now() - began) : setTimeout(wait, 1) }})()"
        );
        let took = browser.run(&script).as_f64().unwrap();
        assert!(took < 5_000.0, "{what} took {took} ms");
        eprintln!("{what}: {took:.0} ms");
    };
    let key =
        |key: &str| format!("dispatchEvent(new KeyboardEvent('keydown', {{key: '{key}', bubbles: true}}))");
    timed("the end", &format!("document.body.{}", key("G")), &in_view(".turn:last-child .prose"));
    timed(
        "a prompt",
        "document.querySelector('.outline a[href*=\"#p500\"]').click()",
        "!!document.querySelector('#p500')",
    );
    reader.end();
}
