//! Without a script, on a phone, and where nothing is.

use std::path::Path;

use serde_json::json;

use super::{Reader, forms, in_view};
use crate::support::browser::{Browser, Look, PHONE};

#[test]
fn without_a_script_the_page_reads_opens_and_links() {
    let Some(reader) = Reader::of_turns(400) else { return };
    let Reader { browser, url, .. } = &reader;
    browser.tools("Emulation.setScriptExecutionDisabled", json!({"value": true}));
    browser.goto(url);
    browser.assert(
        "no script ran",
        "!document.documentElement.dataset.depth && document.querySelector('.controls').hidden",
    );
    browser
        .assert("prompts stand there", "document.querySelector('#p1 h2').textContent.includes('prompt-0')");
    browser.assert("and replies", "document.body.textContent.includes('reply-0')");
    browser.click("#s1 summary .verb");
    browser.until("steps open", "document.querySelector('#s1 .body').offsetHeight > 0");
    browser.click(".pager a[rel=next]");
    browser.until("the next window has an address of its own", "location.pathname.endsWith('/w/1')");
    browser.assert(
        "and the session goes on",
        "!document.querySelector('#p1') && !!document.querySelector('.turn[id]')",
    );
    browser.click(".pager a[rel=prev]");
    browser.until("one comes back", "!!document.querySelector('#p1')");
    // The outline leads into other windows.
    let last = "[...document.querySelectorAll('.outline a')].pop()";
    let href = browser.text(&format!("{last}.href"));
    browser.goto(&href);
    browser.until("the last prompt is in view", &in_view("#p400"));
    reader.end();
}

#[test]
fn without_a_script_the_outline_of_a_phone_opens_and_leads() {
    let Some(reader) = Reader::of_example() else { return };
    let Reader { browser, url, .. } = &reader;
    browser.look(PHONE);
    browser.tools("Emulation.setScriptExecutionDisabled", json!({"value": true}));
    browser.goto(url);
    browser.assert("it is away", "document.querySelector('#rail').offsetHeight === 0");
    browser.click(".topbar .btn");
    browser.until("it comes", "document.querySelector('#rail').offsetHeight > 100");
    browser.click(".outline a[href*='#p3']");
    browser.until("it leads to the prompt", &in_view("#p3"));
    reader.end();
}

/// Asserts that nothing is wider than the window, on this page as it stands.
#[track_caller]
fn assert_fits(browser: &Browser, width: u32, what: &str) {
    // Not innerWidth: a page that is too wide makes that grow with it.
    let wide = browser.eval(&format!(
        "[...document.querySelectorAll('main *')].filter(e => e.getBoundingClientRect().right > {width} + 1 && !e.closest('.wide, .jump, .what')).map(e => e.outerHTML.slice(0, 90)).slice(0, 5)"
    ));
    assert_eq!(wide, json!([]), "{what}: wider than {width}");
    browser.assert(what, &format!("document.documentElement.scrollWidth <= {width}"));
    let touching = browser.eval(
        "[...document.querySelectorAll('.timeline text')].map(e => [e.textContent, e.getBoundingClientRect()]).filter(([, r]) => r.width).flatMap(([words, r], n, all) => n && r.left < all[n - 1][1].right + 2 ? [words] : [])",
    );
    assert_eq!(touching, json!([]), "{what}: labels of the axis touch the one before at {width}");
}

fn open_all(browser: &Browser) {
    browser.press("4");
    let all = "[...document.querySelectorAll('.step details')].every(d => d.open)";
    browser.until("everything is open", all);
}

#[test]
fn on_a_phone_nothing_scrolls_sideways() {
    let Some(reader) = Reader::of_example() else { return };
    let Reader { browser, url, .. } = &reader;
    for width in [390, 320] {
        browser.look(Look { width, ..PHONE });
        browser.goto(&format!("{url}find?q=json"));
        assert_fits(browser, width, "the page of hits");
        browser.assert("its button is one line", "document.querySelector('.finds .btn').offsetHeight < 44");
        browser.goto(&format!("{url}s9"));
        assert_fits(browser, width, "a step's own page");
        browser.goto(url);
        assert_fits(browser, width, "the page");
        open_all(browser);
        assert_fits(browser, width, "the page, all open");
    }
    // The outline is a sheet at the foot.
    browser.assert("the rail is away", "document.querySelector('#rail').offsetHeight === 0");
    browser.click(".topbar .btn");
    browser.until("it comes", "document.querySelector('#rail').offsetHeight > 100");
    browser.click(".outline a[href*='#p3']");
    browser.until("and leads there", &in_view("#p3"));
    browser.until("and goes", "document.querySelector('#rail').offsetHeight === 0");
    reader.end();
}

#[test]
fn every_form_fits_every_width_with_everything_open() {
    let Some(reader) = forms::reader() else { return };
    let browser = &reader.browser;
    for width in [320, 576, 577, 768, 1056, 1057, 1199, 1200, 1280] {
        browser.look(Look { width, ..PHONE });
        forms::whole(&reader, "?depth=all");
        assert_fits(browser, width, &format!("every form, {width} wide"));
    }
    reader.end();
}

#[test]
fn the_session_of_every_agent_fits_a_phone() {
    let Some(reader) = Reader::of_example() else { return };
    let Reader { browser, home, .. } = &reader;
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let files = |folder| std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let folders = files(root).filter(|path| path.is_dir() && !path.ends_with("snapshots"));
    for session in folders.flat_map(files).filter(|path| path.is_file()) {
        let share = home.share(&session, "local");
        browser.goto(share["public_url"].as_str().unwrap());
        for width in [PHONE.width, 320] {
            browser.look(Look { width, ..PHONE });
            open_all(browser);
            assert_fits(browser, width, &session.display().to_string());
        }
        home.ask(&json!({"method": "StopShare", "params": {"share_id": share["id"]}}));
    }
}

#[test]
fn where_nothing_is_there_stands_one_quiet_page() {
    let Some(mut reader) = Reader::of_example() else { return };
    let Reader { browser, url, .. } = &mut reader;
    let nowhere = format!("{}x/", url.trim_end_matches('/'));
    let before = browser.requests().len();
    browser.goto(&nowhere);
    browser.assert("it says so", "document.querySelector('h1').textContent === 'No session here'");
    browser.assert("it is styled", "document.querySelector('main').offsetWidth === 352");
    browser.assert("and says nothing else", "document.querySelectorAll('a').length === 0");
    let asked: Vec<_> =
        browser.requests()[before..].iter().filter(|asked| !asked.starts_with("data:")).collect();
    assert_eq!(asked, [&nowhere], "it asks for nothing else");
    let nowhere = nowhere.clone();
    browser.assert_quiet_but(url, |complaint| complaint.starts_with(&nowhere) && complaint.contains("404"));
}
