//! The keyboard.

use super::{Reader, forms, in_view};
use crate::support::browser::{DESKTOP, Look, PHONE};

const TAB: &str = "\u{e004}";

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
fn n_passes_over_what_is_folded_to_the_last_step() {
    let Some(reader) = forms::reader() else { return };
    let browser = &reader.browser;
    browser.eval(
        "void (window.rows = [...document.querySelectorAll('.step')].filter(s => s.querySelector(':scope > details') && s.checkVisibility()))",
    );
    browser.assert(
        "there are folds with steps in them",
        "rows.filter(s => s.querySelector('.step > details')).length > 1",
    );
    browser.eval("void rows[0].querySelector('summary').focus()");
    let rows = browser.eval("rows.length").as_u64().unwrap() as usize;
    browser.press(&"n".repeat(rows - 1));
    browser.until("the last has the focus", &format!("{FOCUS} === rows.at(-1)"));
    browser.press(&"p".repeat(rows - 1));
    browser.until("and the first again", &format!("{FOCUS} === rows[0]"));
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
fn d_finds_an_edit_that_a_filter_left_out_or_that_a_sub_agent_made() {
    let Some(reader) = forms::reader() else { return };
    let browser = &reader.browser;
    for leave_out in ["[data-set=depth] [value=prose]", "[data-set=hide] [value=tools]"] {
        browser.eval(&format!("void document.querySelector('{leave_out}').click()"));
        browser.assert(
            "no edit is there",
            "[...document.querySelectorAll('.step.edit')].every(e => !e.offsetHeight)",
        );
        browser.press("d");
        browser.until("it is there, and open", "document.querySelector('.step.edit .body').offsetHeight > 0");
        browser.until("in view", &in_view(".step.edit"));
        browser.eval("void (document.activeElement.blur(), scrollTo(0, 0))");
    }
    browser.eval(
        "void (window.inner = document.querySelector('.step.agent .step.edit'), window.agent = inner.closest('.step.agent'))",
    );
    browser.assert("it is folded", "!inner.checkVisibility()");
    browser.eval(
        "void (() => { window.below = document.querySelector('.step.edit').cloneNode(true); agent.parentNode.append(below); \
           agent.scrollIntoView({behavior: 'instant'}); scrollBy({top: agent.offsetHeight, behavior: 'instant'}) })()",
    );
    browser.press("d");
    browser.until("the next is one below, none in a fold above", &format!("{FOCUS} === below"));
    browser.eval("void (document.activeElement.blur(), agent.scrollIntoView({behavior: 'instant'}))");
    browser.press("d");
    browser.until("the next is what the agent changed", &format!("{FOCUS} === inner"));
    browser.assert("and open", "inner.querySelector('.diff').checkVisibility()");
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

#[test]
fn e_shows_errors_only_s_turns_diffs_y_copies_the_link_and_slash_goes_to_search() {
    let Some(reader) = Reader::of_example() else { return };
    let Reader { browser, url, .. } = &reader;
    // What would be in the clipboard, where the system keeps it to itself.
    browser.eval(
        "void Object.defineProperty(navigator, 'clipboard', {value: {writeText: async t => { window.copied = t }}})",
    );
    browser.press("e");
    browser.until("errors only", "document.documentElement.dataset.only === 'errors'");
    browser.press("e");
    browser.until("all again", "!document.documentElement.dataset.only");
    browser.press("s");
    browser.until("two columns", "document.documentElement.dataset.sides === 'two'");
    browser.press("s");
    browser.until("one", "document.documentElement.dataset.sides === 'one'");
    browser.press("d");
    browser.until("an edit has the focus", &format!("{FOCUS}?.matches('.edit')"));
    browser.press("y");
    let id = browser.text(&format!("{FOCUS}.id"));
    browser.until("its link is copied", &format!("window.copied === '{url}#{id}'"));
    browser.press("/jj/");
    browser.until("what is typed stands in the box", "document.querySelector('#find').value === 'jj/'");
    browser.assert("and the box has the focus", "document.activeElement.id === 'find'");
    reader.end();
}

#[test]
fn keys_with_a_modifier_belong_to_the_browser() {
    let Some(reader) = Reader::of_example() else { return };
    let browser = &reader.browser;
    for modifier in ["ctrlKey", "metaKey", "altKey"] {
        let key = format!("{{key: 't', bubbles: true, cancelable: true, {modifier}: true}}");
        browser.assert(
            "it is left to the browser",
            &format!("document.body.dispatchEvent(new KeyboardEvent('keydown', {key})) && !document.documentElement.dataset.theme"),
        );
    }
    reader.end();
}

/// Tab, from the top to the end of the first turns: where the focus is can always be seen.
#[test]
fn the_focus_is_seen_wherever_tab_leads_and_the_first_stop_leads_past_the_rail() {
    let Some(reader) = Reader::of_example() else { return };
    let browser = &reader.browser;
    for look in [DESKTOP, DESKTOP.dark(), PHONE] {
        browser.look(look);
        browser.open(&reader.url);
        browser.press(TAB);
        browser.assert("first comes the way past the rail", "document.activeElement.matches('.jump')");
        let mut stops = 0;
        for _ in 0..60 {
            let seen = browser.eval(
                "(e => { const r = e.getBoundingClientRect(); const s = getComputedStyle(e); \
                 return [e.outerHTML.slice(0, 120), e === document.body, \
                   r.width > 0 && r.height > 0 && r.right > 0 && r.left < innerWidth && r.bottom > 0 && r.top < innerHeight, \
                   s.outlineStyle === 'solid' && parseFloat(s.outlineWidth) >= 2] })(document.activeElement)",
            );
            if seen[1] == true {
                break;
            }
            assert!(seen[2] == true, "out of sight: {seen}");
            assert!(seen[3] == true, "without an outline: {seen}");
            stops += 1;
            browser.press(TAB);
        }
        assert!(stops > 20, "{stops} stops");
        browser.open(&reader.url);
        browser.press(TAB);
        browser.press("\u{e007}");
        browser.until("it leads to the talk", "document.activeElement.id === 'talk'");
        browser.press(TAB);
        browser.assert("and from there into it", "!!document.activeElement.closest('.turn, .pager')");
    }
    reader.end();
}

#[test]
fn assistive_technology_finds_its_way_by_landmarks_and_headings() {
    let Some(reader) = Reader::of_example() else { return };
    let browser = &reader.browser;
    browser.tools("Accessibility.enable", serde_json::json!({}));
    let tree = browser.tools("Accessibility.getFullAXTree", serde_json::json!({}));
    let nodes = tree["nodes"].as_array().unwrap();
    let named = |role: &str| -> Vec<&str> {
        let of = |node: &&serde_json::Value| node["role"]["value"] == role && node["ignored"] == false;
        nodes.iter().filter(of).map(|node| node["name"]["value"].as_str().unwrap_or_default()).collect()
    };
    assert_eq!(named("main").len(), 1);
    assert!(!named("navigation").is_empty() && named("navigation").iter().all(|name| !name.is_empty()));
    let prompts = browser.eval("document.querySelectorAll('.turn').length").as_u64().unwrap();
    // Turns are none: there may be hundreds, of the same words, and each has its heading.
    assert_eq!(named("region"), ["3 files changed +36 −4", "How it ended"]);
    for role in ["region", "heading", "button", "link", "textbox", "searchbox"] {
        assert!(named(role).iter().all(|name| !name.trim().is_empty()), "{role}: {:?}", named(role));
    }
    assert!(named("heading").len() as u64 > prompts, "{:?}", named("heading"));
    reader.end();
}
