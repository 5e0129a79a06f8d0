//! A long session, window by window.

use super::{Reader, in_view};

#[test]
fn the_next_window_comes_as_one_comes_near() {
    let Some(mut reader) = Reader::of_turns(400) else { return };
    let browser = &mut reader.browser;
    browser.assert("the end is not here yet", "!document.querySelector('#p400')");
    let before = browser.eval("document.querySelectorAll('.turn').length").as_u64().unwrap();
    browser.press("G");
    browser.until("more turns came", &format!("document.querySelectorAll('.turn').length > {before}"));
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
    browser.click(".outline > li:last-child a");
    browser.until("the last prompt is in view", &in_view("#p400"));
    browser.assert("at its own address", "location.pathname.includes('/w/') && location.hash === '#p400'");
    reader.end();
}
