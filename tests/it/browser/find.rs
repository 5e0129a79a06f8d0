//! Search in the session.

use super::{Reader, in_view};

const COUNT: &str = "document.querySelector('.count').textContent";

#[test]
fn slash_opens_the_search_hits_are_counted_and_marked_and_lead_there() {
    let Some(reader) = Reader::of_turns(400) else { return };
    let browser = &reader.browser;
    browser.press("/");
    browser.until("the box has the focus", "document.activeElement.id === 'find'");
    browser.press("reply-37");
    // reply-37 and reply-370 to reply-379.
    browser.until("hits are counted", &format!("{COUNT} === '11 hits'"));
    browser.press("\u{e007}");
    browser.until("Enter leads to the first", &format!("{COUNT} === '1 of 11 hits'"));
    browser.until("its turn is in view", &in_view("#s38r1"));
    browser.assert(
        "words are marked",
        "[...CSS.highlights.get('found')].some(r => r.startContainer.data.includes('reply-37'))",
    );
    browser.assert(
        "that which is looked at stands out from them",
        "(r => r.length === 1 && r[0].startContainer.parentElement.closest('.turn').id === 'p38')([...CSS.highlights.get('here')])",
    );
    browser.eval("void document.activeElement.blur()");
    browser.press("n");
    browser.until("n leads on, into a window that was not here", &format!("{COUNT} === '2 of 11 hits'"));
    browser.until("that turn is in view", &in_view("#s371"));
    browser.press("p");
    browser.until("p leads back", &in_view("#s38r1"));
    browser.press("\u{e00c}");
    browser.until("Escape ends it", &format!("{COUNT} === '' && !document.querySelector('.hits li')"));
    browser.assert("and no mark stays", "['found', 'here'].every(name => !CSS.highlights.get(name).size)");
    reader.end();
}

#[test]
fn a_time_is_a_place_too() {
    let Some(reader) = Reader::of_turns(400) else { return };
    let browser = &reader.browser;
    browser.press("/10:00");
    browser
        .until("it is offered", "!!document.querySelector('.hits a')?.textContent.includes('Go to 10:00')");
    browser.press("\u{e007}");
    // Four records a turn, one a second.
    browser.until(
        "and leads there",
        "Math.abs(+(document.querySelector('.at')?.closest('.turn').id.slice(1)) - 151) < 6",
    );
    reader.end();
}

#[test]
fn without_a_script_search_is_a_page() {
    let Some(reader) = Reader::of_turns(400) else { return };
    let Reader { browser, url, .. } = &reader;
    browser.tools("Emulation.setScriptExecutionDisabled", serde_json::json!({"value": true}));
    browser.goto(url);
    browser.click("#find");
    browser.press("reply-37\u{e007}");
    browser.until("a page of hits", "document.querySelectorAll('.hits li').length === 11");
    browser.assert("counted", &format!("{COUNT} === '11 hits'"));
    browser.assert("marked", "document.querySelectorAll('.hits mark').length >= 11");
    browser.click(".hits li:last-child a");
    browser.until("a hit leads to the very reply", &in_view("#s380r1"));
    reader.end();
}
