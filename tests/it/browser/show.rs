//! The switches: what is left out, how diffs stand, what is copied.

use serde_json::json;

use super::Reader;
use crate::support::browser::{DESKTOP, Look};

fn visible(selector: &str) -> String {
    format!("[...document.querySelectorAll('{selector}')].filter(e => e.offsetHeight > 0).length")
}

#[test]
fn only_prompts_only_errors_and_back() {
    let Some(reader) = Reader::of_example() else { return };
    let browser = &reader.browser;
    let (prose, steps, prompts) = (visible(".turn > .prose"), visible(".step"), visible(".turn h2"));
    let before = (browser.eval(&prose), browser.eval(&steps), browser.eval(&prompts));
    browser.click("[data-set=only] [value=prompts]");
    browser.until("the work and the words are gone", &format!("{prose} === 0 && {steps} === 0"));
    browser.assert("prompts stay", &format!("{prompts} === {}", before.2));
    browser.click("[data-set=only] [value=errors]");
    browser.until("what failed is there", &format!("{} > 0", visible(".failed, .declined")));
    browser.assert(
        "and nothing that worked",
        "[...document.querySelectorAll('.turn > .strip > .step')].every(s => s.offsetHeight === 0 || s.matches('.failed, .declined') || s.querySelector('.failed, .declined'))",
    );
    // At the end of the page too, where the last prompt would be marked if it were shown.
    browser.eval("scrollTo(0, 1e6)");
    browser.until(
        "the outline marks a prompt that is shown",
        "(on => on.length > 0 && on.every(t => t && t.offsetHeight > 0))([...document.querySelectorAll('.outline > .on > a')].map(a => document.querySelector(a.hash)))",
    );
    browser.assert("and the bar names it", "[...document.querySelectorAll('.turn h2, .turn h3')].some(h => h.offsetHeight > 0 && h.textContent === document.querySelector('.now').textContent)");
    browser.click("[data-set=only] [value=errors]");
    browser.until("all is back", &format!("{prose} === {} && {prompts} === {}", before.0, before.2));
    reader.end();
}

#[test]
fn tools_and_thinking_hide_each_by_itself() {
    let Some(reader) = Reader::of_example() else { return };
    let browser = &reader.browser;
    let (thoughts, tools) = (visible(".mind"), visible(".turn > .strip > .step:not(.thought)"));
    browser.assert("there are both", &format!("{thoughts} > 0 && {tools} > 0"));
    browser.click("[data-set=hide] [value=thinking]");
    browser.until("no thought is there, but tools are", &format!("{thoughts} === 0 && {tools} > 0"));
    browser.click("[data-set=hide] [value=tools]");
    browser.until("neither is", &format!("{thoughts} === 0 && {tools} === 0"));
    // A link to what is hidden brings it back.
    browser.eval("void (location.hash = 's1')");
    browser.until("the step is there", "document.querySelector('#s1').offsetHeight > 0");
    browser.assert("no button is pressed", "!document.querySelector('[data-set=hide] [aria-pressed=true]')");
    reader.end();
}

#[test]
fn what_is_read_keeps_its_place_however_deep_one_reads() {
    let Some(reader) = Reader::of_turns(60) else { return };
    let browser = &reader.browser;
    browser.look(Look { height: 700, ..DESKTOP });
    let y = "document.querySelector('#p9').getBoundingClientRect().top";
    // What follows may still have to come.
    browser.until("a prompt is at the top", &format!("(scrollBy(0, {y} - 40), Math.abs({y} - 40) < 1)"));
    for (key, depth) in [("4", "all"), ("1", "prose"), ("3", "diffs"), ("4", "all"), ("2", "steps")] {
        browser.press(key);
        browser.until(depth, &format!("document.documentElement.dataset.depth === '{depth}'"));
        browser.assert("it is where it was", &format!("Math.abs({y} - 40) < 1.5"));
    }
    reader.end();
}

#[test]
fn the_whole_session_is_copied_as_markdown() {
    let Some(reader) = Reader::of_example() else { return };
    let browser = &reader.browser;
    browser.eval("void Object.defineProperty(navigator, 'clipboard', {value: {writeText: async t => { window.copied = t }}})");
    browser.click("#all");
    browser.until("it says so", "document.querySelector('.told')?.textContent === 'The session copied'");
    browser.assert(
        "every prompt is in it, as Markdown",
        "copied.startsWith('# ') && [...document.querySelectorAll('.turn h2')].every(h => copied.includes(h.textContent.split(' ').at(-1)))",
    );
    reader.end();
}

#[test]
fn a_diff_stands_in_two_columns_and_back() {
    let Some(reader) = Reader::of_example() else { return };
    let browser = &reader.browser;
    browser.look(DESKTOP);
    browser.press("3");
    let marked = "[...document.querySelectorAll('.diff:not(.fresh)')].map(t => t.querySelectorAll('ins, del').length).join()";
    let before = browser.text(marked);
    browser.click("[data-set=sides] [value=two]");
    browser.until(
        "two columns",
        "!!document.querySelector('.diff.two') && !document.querySelector('.diff:not(.two):not(.fresh)')",
    );
    browser.assert("an old line stands beside the new one", "[...document.querySelectorAll('.diff.two tr')].some(r => r.querySelector('td.del') && r.querySelector('td.add') && r.cells[1].className === 'del' && r.cells[3].className === 'add')");
    browser.assert("words are still marked", &format!("{marked} === '{before}'"));
    browser.assert("nothing is wider than the page", "document.documentElement.scrollWidth <= 1280");
    browser.reload();
    browser.press("3");
    browser.until("it is remembered", "!!document.querySelector('.diff.two')");
    browser.press("s");
    browser.until("and back", "!document.querySelector('.diff.two') && !!document.querySelector('.diff')");
    reader.end();
}

/// A session whose only edit changes every one of so many lines.
fn of_edit(home: &crate::support::daemon::Home, lines: u32) -> std::path::PathBuf {
    let text = |word: &str| (0..lines).map(|n| format!("let {word}_{n} = {n};\n")).collect::<String>();
    let input =
        json!({"file_path": "/home/ada/tally/a.rs", "old_string": text("old"), "new_string": text("new")});
    let call = json!([{"type": "tool_use", "id": "t", "name": "Edit", "input": input}]);
    let result = json!([{"type": "tool_result", "tool_use_id": "t", "content": "done"}]);
    let records = [("user", json!("rename them")), ("assistant", call), ("user", result)];
    let line = |(n, (kind, content)): (usize, &(&str, serde_json::Value))| {
        let message = json!({"role": kind, "model": "claude-opus-4-5", "content": content});
        let record = json!({
            "type": kind, "uuid": format!("u{n}"), "sessionId": "s", "cwd": "/home/ada/tally", "version": "2.1.0",
            "timestamp": format!("2026-10-14T09:00:0{n}Z"), "isSidechain": false, "message": message,
        });
        format!("{record}\n")
    };
    let path = home.path("edit.jsonl");
    std::fs::write(&path, records.iter().enumerate().map(line).collect::<String>()).unwrap();
    path
}

#[test]
fn what_was_added_stands_beside_what_was_removed_across_the_fold() {
    for (lines, shown, folded) in [(20, 20, 0), (40, 24, 16)] {
        let Some(reader) = Reader::of(|home| of_edit(home, lines)) else { return };
        let Reader { browser, url, .. } = &reader;
        browser.look(DESKTOP);
        browser.open(url);
        browser.press("3");
        let rows = "[...document.querySelectorAll('.diff')].map(t => t.rows.length).join()";
        let parts = format!("24,{}", 2 * lines - 24);
        browser.until("the diff folds", &format!("{rows} === '{parts}'"));
        browser.press("s");
        browser.until("side by side", &format!("{rows} === '{shown},{folded}'"));
        browser.assert(
            "each row has both",
            "[...document.querySelectorAll('.diff.two tr')].every(r => r.querySelector('td.del') && r.querySelector('td.add'))",
        );
        let hidden = "document.querySelector('.step .more').hidden";
        browser.assert("no fold is left without lines", &format!("{hidden} === {}", folded == 0));
        browser.press("s");
        browser.until("and back", &format!("{rows} === '{parts}' && !{hidden}"));
        reader.end();
    }
}

#[test]
fn blocks_steps_and_links_are_copied() {
    let Some(reader) = Reader::of_example() else { return };
    let Reader { browser, url, .. } = &reader;
    // What would be in the clipboard, where the system keeps it to itself.
    browser.eval("void Object.defineProperty(navigator, 'clipboard', {value: {writeText: async t => { window.copied = t }}})");
    browser.click("#s1 summary .verb");
    browser.until("a button is offered", "!!document.querySelector('#s1 .copybar .copy')");
    browser.eval("void document.querySelector('#s1 .copy').click()");
    browser.until(
        "the block is copied",
        "!!window.copied && document.querySelector('#s1 .body').textContent.includes(copied.split('\\n')[0])",
    );
    browser.assert("it says so", "document.querySelector('.told').textContent === 'Block copied'");
    browser.eval("void document.querySelector('#s9 .link').click()");
    browser.until("the address is", &format!("copied === '{url}#s9'"));
    // A reply and its address; a thought.
    browser.eval("void document.querySelector('.reply > .acts > .copy').click()");
    browser.until(
        "the reply is, as one reads it, without its buttons",
        "(r => copied.length > 0 && !/Copy|#$/.test(copied) && r.textContent.startsWith(copied.slice(0, 20)))(document.querySelector('.reply'))",
    );
    browser.eval("void document.querySelector('.reply > .acts > .link').click()");
    browser.until("its address is", &format!("copied === '{url}#' + document.querySelector('.reply').id"));
    browser.reload();
    browser.until("it is marked when one comes by it", "!!document.querySelector('.reply:target')");
    browser.eval("void Object.defineProperty(navigator, 'clipboard', {value: {writeText: async t => { window.copied = t }}})");
    browser.eval("void (document.querySelector('.mind > details').open = true)");
    browser.until("a button for the thought", "!!document.querySelector('.mind .copybar .copy')");
    browser.eval("void document.querySelector('.mind .copybar .copy').click()");
    browser.until("the thought is", "document.querySelector('.told').textContent === 'Thought copied'");
    browser.press("n");
    browser.eval("void (window.copied = '')");
    browser.press("c");
    browser.until("a step is", "copied.length > 0");
    // Folded lines come with their block, numbers do not.
    let long = browser.eval("(b => b ? [b.querySelectorAll('li').length, b.nextElementSibling?.querySelectorAll('li').length || 0] : [0, 0])(document.querySelector('.code'))");
    if long != json!([0, 0]) {
        browser.eval("void (document.querySelector('.code').closest('details').open = true)");
        browser.until(
            "a button",
            "!!document.querySelector('.code').previousElementSibling?.matches('.copybar')",
        );
        browser.eval("void document.querySelector('.code').previousElementSibling.firstChild.click()");
        let (shown, folded) = (long[0].as_u64().unwrap(), long[1].as_u64().unwrap());
        browser.until("all lines", &format!("copied.split('\\n').length === {}", shown + folded));
    }
    reader.end();
}
