//! Folds, permanent links, the switches.

use serde_json::json;

use super::{Reader, in_view};
use crate::support::browser::{DESKTOP, Look, PHONE};

const FOLDED: &str = "document.querySelectorAll('.step details[open]').length";

#[test]
fn a_step_opens_in_place_and_closes_again() {
    let Some(Reader { browser, .. }) = &Reader::of_example() else { return };
    let open = "document.querySelector('#s1 > details').open";
    browser.assert("a step is folded at first", &format!("!{open}"));
    browser.click("#s1 summary .verb");
    browser.until("it opens", open);
    browser.assert("its body shows", "document.querySelector('#s1 .body').offsetHeight > 20");
    browser.click("#s1 summary .verb");
    browser.until("it closes", &format!("!{open}"));
}

#[test]
fn a_permanent_link_opens_every_fold_above_its_step() {
    let Some(reader) = Reader::of_example() else { return };
    let Reader { browser, url, .. } = &reader;
    browser.open(&format!("{url}#s10"));
    browser.until("the step opens", "document.querySelector('#s10 > details').open");
    browser.until("it is in view", &in_view("#s10"));
    // The same when one follows a link within the page, and for steps inside a group or an agent.
    browser.eval("void (location.hash = 's1')");
    browser.until("another opens", "document.querySelector('#s1 > details').open");
    browser.until("and is in view", &in_view("#s1"));
    let hidden = "[...document.querySelectorAll('.step .step[id]')].map(e => e.id)[0] || ''";
    let inner = browser.text(hidden);
    if !inner.is_empty() {
        browser.eval(&format!("void (location.hash = '{inner}')"));
        let folds = format!(
            "(() => {{ for (let e = document.getElementById('{inner}'); e; e = e.parentElement) if (e.tagName === 'DETAILS' && !e.open) return false; return true }})()"
        );
        browser.until("every fold above it is open", &folds);
    }
    reader.end();
}

#[test]
fn the_link_of_a_step_is_its_address() {
    let Some(reader) = Reader::of_example() else { return };
    let Reader { browser, url, .. } = &reader;
    let link = browser.text("document.querySelector('#s9 > .link').href");
    assert_eq!(link, format!("{url}#s9"));
    reader.end();
}

#[test]
fn the_switch_decides_how_deep_one_reads() {
    let Some(reader) = Reader::of_example() else { return };
    let browser = &reader.browser;
    let at_first = browser.eval(FOLDED);
    browser.click("[data-set=depth] [value=all]");
    browser.until("everything is open", "[...document.querySelectorAll('.step details')].every(d => d.open)");
    browser.click("[data-set=depth] [value=prose]");
    browser.until("the work is hidden", "document.querySelector('.strip').offsetHeight === 0");
    browser.assert("prose is not", "document.querySelector('.turn > .prose').offsetHeight > 0");
    browser.click("[data-set=depth] [value=diffs]");
    browser.until(
        "edits are open and nothing else",
        "document.querySelector('.step.edit > details').open && !document.querySelector('.step.run > details').open",
    );
    browser.click("[data-set=depth] [value=steps]");
    browser.until("as it was", &format!("{FOLDED} === {at_first}"));
    browser.assert(
        "the button is pressed",
        "document.querySelector('[data-set=depth] [value=steps]').getAttribute('aria-pressed') === 'true'",
    );
    reader.end();
}

#[test]
fn a_chosen_theme_stays() {
    let Some(reader) = Reader::of_example() else { return };
    let browser = &reader.browser;
    let ground = "getComputedStyle(document.body).backgroundColor";
    let light = browser.text(ground);
    browser.click("[data-set=theme] [value=dark]");
    browser.until("it is dark", &format!("{ground} !== '{light}'"));
    browser.reload();
    browser.assert("it is still dark", &format!("{ground} !== '{light}'"));
    browser.assert(
        "and the switch says so",
        "document.querySelector('[data-set=theme] [value=dark]').getAttribute('aria-pressed') === 'true'",
    );
    browser.click("[data-set=theme] [value=auto]");
    browser.until("the system decides again", &format!("{ground} === '{light}'"));
    browser.look(crate::support::browser::DESKTOP.dark());
    browser.until("and it does", &format!("{ground} !== '{light}'"));
    reader.end();
}

#[test]
fn times_are_told_from_the_first_prompt_and_exactly_where_one_points() {
    let Some(reader) = Reader::of_example() else { return };
    let Reader { browser, url, .. } = &reader;
    browser.tools("Page.enable", serde_json::json!({}));
    browser.tools(
        "Page.addScriptToEvaluateOnNewDocument",
        serde_json::json!({"source": "Date.now = () => Date.parse('2027-07-20T00:00:00Z')"}),
    );
    browser.open("about:blank");
    browser.open(url);
    browser.assert(
        "the date says how long ago",
        "document.querySelector('.facts time[data-rel]').textContent === '14 Oct 2026 9 months ago'",
    );
    let exact = "/^2026-10-14 \\d\\d:\\d\\d:\\d\\d UTC$/";
    browser.assert(
        "and when exactly",
        &format!("{exact}.test(document.querySelector('.facts dd:has(time)').title)"),
    );
    browser.assert(
        "a prompt says when in the session",
        &format!("(t => t.textContent === '0:00' && {exact}.test(t.title))(document.querySelector('#p1 .meta time'))"),
    );
    browser.assert(
        "a step both where one points",
        "/^0:\\d\\d into the session · 2026-10-14 /.test(document.querySelector('#s1 > .link, #s1 .dur').title)",
    );
    reader.end();
}

#[test]
fn a_turn_of_thirteen_steps_fits_a_screen_with_its_prompt_and_its_answer() {
    let Some(reader) = Reader::of_example() else { return };
    let browser = &reader.browser;
    browser.look(crate::support::browser::DESKTOP);
    browser.assert(
        "thirteen steps, and the last of it is words",
        "document.querySelectorAll('#p1 .step[id^=s]:not(.mind)').length === 13 && document.querySelector('#p1').lastElementChild.matches('.prose')",
    );
    browser.assert(
        "it fits",
        "document.querySelector('#p1').offsetHeight <= innerHeight && innerHeight <= 1600",
    );
    reader.end();
}

#[test]
fn the_outline_follows_the_reader() {
    let Some(reader) = Reader::of_turns(30) else { return };
    let browser = &reader.browser;
    browser.click(".outline a[href*='#p9']");
    browser.until("the prompt is in view", &in_view("#p9"));
    browser.until("and marked in the outline", "[...document.querySelectorAll('.outline .on > a')].map(a => a.hash).join() === '#p9' || [...document.querySelectorAll('.outline .on > a')].map(a => a.hash).join()");
    browser.eval("void (document.querySelector('#find').focus())");
    browser.press("prompt-7");
    browser.until(
        "the outline holds what was typed only",
        "[...document.querySelectorAll('.outline > li')].filter(li => li.offsetHeight).length === 1",
    );
    reader.end();
}

#[test]
fn the_head_shows_what_went_on_and_leads_there() {
    let Some(reader) = Reader::of_example() else { return };
    let browser = &reader.browser;
    browser
        .assert("the timeline has bars in lanes", "document.querySelectorAll('.timeline rect').length > 10");
    browser.assert(
        "and says the same in words",
        "document.querySelector('.timeline figcaption').textContent.includes('3 prompts over 3 min')",
    );
    browser.assert(
        "three files changed",
        "document.querySelector('.changed h2').textContent.startsWith('3 files')",
    );
    browser.click(".changed li:nth-child(2) a");
    browser.until("its first edit opens", "document.querySelector(location.hash + ' > details').open");
    browser
        .until("in view", "document.querySelector(location.hash).getBoundingClientRect().top < innerHeight");
    browser.assert("it is an edit", "document.querySelector(location.hash).matches('.edit')");
    reader.end();
}

/// A session of four turns with a night between each two.
fn of_nights(home: &crate::support::daemon::Home) -> std::path::PathBuf {
    let mut text = String::new();
    let seconds = (0..4).flat_map(|day| (0..=4 + day * 3).map(move |n| day * 86_400 + n * 100));
    for at in seconds {
        let time = jiff::Timestamp::from_second(1_780_000_000 + at).unwrap().to_string();
        let (kind, content) = match at % 86_400 {
            0 => ("user", json!("go on")),
            _ => ("assistant", json!([{"type": "text", "text": "Done."}])),
        };
        let message = json!({"role": kind, "model": "claude-opus-4-5", "content": content});
        let record = json!({
            "type": kind, "uuid": format!("u{at}"), "sessionId": "s", "cwd": "/home/ada/tally", "version": "2.1.0",
            "timestamp": time, "isSidechain": false, "message": message,
        });
        text += &format!("{record}\n");
    }
    let path = home.path("nights.jsonl");
    std::fs::write(&path, text).unwrap();
    path
}

#[test]
fn a_pause_in_the_timeline_has_24_pixels_and_a_break_at_every_width() {
    let Some(reader) = Reader::of(of_nights) else { return };
    let Reader { browser, url, .. } = &reader;
    for look in [DESKTOP, Look { width: 768, ..PHONE }, PHONE, Look { width: 320, ..PHONE }] {
        browser.look(look);
        browser.open(url);
        browser.until("the timeline is there", "document.querySelectorAll('.chart > svg').length === 7");
        browser.assert(
            "each pause is 24 wide, with its sign",
            "[...document.querySelectorAll('.chart > .pause')].every(p => Math.abs(p.getBoundingClientRect().width - 24) < .1 && !!p.querySelector('path') && p.querySelector('title').textContent.includes('23 h'))",
        );
        browser.assert(
            "all parts together fill the figure",
            "(r => Math.abs(r.left - 52 - r.parentLeft) < 1 && Math.abs(r.right - r.parentRight) < 1)((c => ({left: c.firstElementChild.getBoundingClientRect().left, right: c.lastElementChild.getBoundingClientRect().right, parentLeft: c.parentNode.getBoundingClientRect().left, parentRight: c.parentNode.getBoundingClientRect().right}))(document.querySelector('.chart')))",
        );
        // 400, 700, 1,000 and 1,300 seconds.
        browser.assert(
            "the stretches are to scale",
            "(w => w.every((x, i) => Math.abs(x / w[0] - (4 + 3 * i) / 4) < .02))([...document.querySelectorAll('.chart > svg:not(.pause)')].map(s => s.getBoundingClientRect().width))",
        );
    }
    reader.end();
}
