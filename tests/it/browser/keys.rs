//! The keyboard.

use super::{Reader, in_view};
use crate::support::browser::{DESKTOP, Look};

const FOCUS: &str = "document.activeElement.closest('.step')";

#[test]
fn j_and_k_go_from_prompt_to_prompt() {
    let Some(reader) = Reader::of_example() else { return };
    let browser = &reader.browser;
    browser.look(Look { height: 600, ..DESKTOP });
    browser.press("jj");
    browser.until(
        "the second prompt is at the top",
        "Math.abs(document.querySelector('#p2').getBoundingClientRect().top) < 80",
    );
    browser.assert("and has the focus", "document.activeElement.closest('.turn').id === 'p2'");
    browser.press("k");
    browser.until("back at the first", &in_view("#h1"));
    reader.end();
}

#[test]
fn n_p_and_o_walk_and_open_the_steps() {
    let Some(reader) = Reader::of_example() else { return };
    let browser = &reader.browser;
    browser.press("nn");
    browser.until("a step has the focus", &format!("!!{FOCUS}"));
    browser.eval("void (window.second = document.activeElement.closest('.step'))");
    browser.press("o");
    browser.until("it opens", "second.querySelector('details').open");
    browser.press("o");
    browser.until("it closes", "!second.querySelector('details').open");
    browser.press("p");
    browser.until("the one before has the focus", &format!("{FOCUS} !== second && !!{FOCUS}"));
    browser.press("n");
    browser.until("and back", &format!("{FOCUS} === second"));
    reader.end();
}

#[test]
fn d_opens_the_next_edit() {
    let Some(reader) = Reader::of_example() else { return };
    let browser = &reader.browser;
    browser.press("d");
    browser.until("the first edit is open", "document.querySelector('.step.edit > details').open");
    browser.until("in view", &in_view(".step.edit"));
    browser.press("d");
    browser.until("then the second", "document.querySelectorAll('.step.edit > details')[1].open");
    reader.end();
}

#[test]
fn digits_t_g_and_the_question_mark() {
    let Some(reader) = Reader::of_example() else { return };
    let browser = &reader.browser;
    for (key, depth) in [("1", "prose"), ("2", "steps"), ("3", "diffs"), ("4", "all"), ("2", "steps")] {
        browser.press(key);
        browser.until(depth, &format!("document.documentElement.dataset.depth === '{depth}'"));
    }
    browser.press("G");
    browser.until("the end", "scrollY + innerHeight > document.documentElement.scrollHeight - 4");
    browser.press("g");
    browser.until("the top", "scrollY === 0");
    browser.press("t");
    browser.until("light", "document.documentElement.dataset.theme === 'light'");
    browser.press("t");
    browser.until("dark", "document.documentElement.dataset.theme === 'dark'");
    browser.press("?");
    browser.until("the list of keys", "document.querySelector('#keys').open");
    // Keys of the page rest while the list is open.
    browser.press("t");
    browser.assert("still dark", "document.documentElement.dataset.theme === 'dark'");
    browser.press("\u{e00c}");
    browser.until("it closes", "!document.querySelector('#keys').open");
    reader.end();
}
