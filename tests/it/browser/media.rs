//! On paper, from right to left, without motion, in the colours of the system.

use serde_json::json;

use super::{Reader, forms, live};
use crate::support::browser::{Browser, DESKTOP, Look, PHONE};

/// Shows the page as it is on such a medium, with such a wish of the person's.
fn emulate(browser: &Browser, media: &str, (name, value): (&str, &str)) {
    let features = json!([{"name": name, "value": value}]);
    browser.tools("Emulation.setEmulatedMedia", json!({"media": media, "features": features}));
}

/// The computed style of the first element of a selector, in JavaScript.
fn style(selector: &str, property: &str) -> String {
    format!("getComputedStyle(document.querySelector('{selector}')).{property}")
}

#[test]
fn paper_is_white_whatever_was_chosen_and_has_no_switches() {
    let Some(reader) = forms::reader() else { return };
    let browser = &reader.browser;
    browser.press("tt");
    browser.assert("it is dark", "document.documentElement.dataset.theme === 'dark'");
    let dark = browser.text(&style("body", "backgroundColor"));
    for wish in ["dark", "light"] {
        emulate(browser, "print", ("prefers-color-scheme", wish));
        browser.assert(
            "the ground is white",
            &format!("{} === 'rgb(255, 255, 255)'", style("body", "backgroundColor")),
        );
        browser.assert("the ink is dark", &format!("{} === 'rgb(27, 31, 39)'", style("h1", "color")));
        for gone in ["#rail", ".topbar", ".jump", ".copybar", ".link"] {
            browser.assert(gone, &format!("{} === 'none'", style(gone, "display")));
        }
        browser.assert(
            "a row that is closed says all of what was done",
            &format!(
                "{} === 'normal'",
                style(".step.run > details:not([open]) > summary > .what", "whiteSpace")
            ),
        );
        for ground in [".out", ".code", ".diff .add", ".prose .block", ".prompt.aside"] {
            let kept = style(ground, "printColorAdjust");
            browser.assert(&format!("{ground} keeps its ground"), &format!("{kept} === 'exact'"));
        }
    }
    browser.eval("void document.querySelectorAll('.step > details').forEach(d => d.open = true)");
    browser.assert(
        "how much of an output is left out is said",
        "(all => all.length > 0 && all.every(s => s.offsetHeight > 0 && /more lines$/.test(s.textContent)))([...document.querySelectorAll('.body > .more:not([open]) > summary')])",
    );
    emulate(browser, "", ("prefers-color-scheme", "light"));
    browser.assert(
        "on the screen it is dark as before",
        &format!("{} === '{dark}'", style("body", "backgroundColor")),
    );
    reader.end();
}

#[test]
fn paper_gets_the_diffs_to_their_last_line_and_the_screen_is_as_it_was() {
    let Some(reader) = forms::reader() else { return };
    let browser = &reader.browser;
    let folds = "[...document.querySelectorAll('.step details')].map(d => d.open).join()";
    let last = "[...document.querySelectorAll('.diff tr')].find(r => r.textContent.includes('WIDTH_29'))";
    let before = browser.text(folds);
    browser.eval(
        &format!("void addEventListener('beforeprint', () => {{ window.printed = {{ \
           diffs: [...document.querySelectorAll('.turn > .strip > .edit > details')].every(d => d.open && [...d.querySelectorAll('details')].every(m => m.open)), \
           last: !{last}.closest('details:not([open])'), \
           runs: [...document.querySelectorAll('.step.run > details')].some(d => d.open) }} }})"),
    );
    browser.assert("the last line is folded away", &format!("!!{last}.closest('details:not([open])')"));
    let paper = browser.tools("Page.printToPDF", json!({}));
    assert!(paper["data"].as_str().unwrap().len() > 20_000, "nothing was printed");
    assert_eq!(browser.eval("printed"), json!({"diffs": true, "last": true, "runs": false}));
    browser.until("as it was", &format!("{folds} === '{before}'"));
    reader.end();
}

#[test]
fn a_session_longer_than_the_tab_says_on_paper_that_more_follows() {
    let Some(reader) = Reader::of_turns(400) else { return };
    let browser = &reader.browser;
    emulate(browser, "print", ("prefers-color-scheme", "light"));
    browser.assert(
        "what comes next is named",
        "(a => a.offsetHeight > 0 && /^Next: prompts/.test(a.textContent))(document.querySelector('.pager a[rel=next]'))",
    );
    reader.end();
}

/// Where the first letter of an element stands, as a part of the element's width from its left.
fn first_letter(element: &str) -> String {
    format!(
        "(e => {{ const box = e.getBoundingClientRect(); const walk = document.createTreeWalker(e, NodeFilter.SHOW_TEXT); \
         const node = walk.nextNode(); const range = document.createRange(); range.setStart(node, 0); range.setEnd(node, 1); \
         return (range.getBoundingClientRect().x - box.x) / box.width }})({element})"
    )
}

#[test]
fn hebrew_and_arabic_begin_at_the_right_and_code_and_all_else_at_the_left() {
    let Some(reader) = forms::reader() else { return };
    let browser = &reader.browser;
    for look in [DESKTOP, PHONE] {
        browser.look(look);
        let right = |what: &str| browser.assert(what, &format!("{} > .8", first_letter(what)));
        let left = |what: &str| browser.assert(what, &format!("{} < .2", first_letter(what)));
        right("document.querySelector('#p5 h2')");
        right("document.querySelector('#p5 .said')");
        for reply in ["p", "li", "blockquote p"] {
            right(&format!("document.querySelector('#p5 > .prose {reply}')"));
        }
        left("document.querySelector('#p5 .block')");
        left("[...document.querySelectorAll('#p5 > .prose > p:not([class])')].at(-1)");
        left("document.querySelector('#p1 h2')");
        left("document.querySelector('#p1 > .prose li')");
        browser.assert(
            "the bullets and the bar of a quotation stand where the line begins",
            "[['#p5', 'rtl'], ['#p1', 'ltr']].every(([turn, way]) => ['ul', 'blockquote', 'table'].every(e => getComputedStyle(document.querySelector(`${turn} > .prose ${e}`)).direction === way))",
        );
        browser.assert(
            "so do columns, and the table itself",
            "(([a, b]) => a.getBoundingClientRect().x > b.getBoundingClientRect().x)(document.querySelectorAll('#p5 th')) && (t => Math.abs(t.getBoundingClientRect().right - t.closest('.prose').getBoundingClientRect().right) < 2)(document.querySelector('#p5 table'))",
        );
        browser.assert("code is never turned round", "[...document.querySelectorAll('#p5 :is(code, .block)')].every(e => getComputedStyle(e).direction === 'ltr')");
        browser.assert(
            "nothing is wider than the screen",
            &format!("document.documentElement.scrollWidth <= {}", look.width),
        );
    }
    reader.end();
}

#[test]
fn columns_stand_as_the_author_aligned_them() {
    let Some(reader) = forms::reader() else { return };
    let browser = &reader.browser;
    for cell in ["th", "td"] {
        browser.assert(
            "left, right, in the middle",
            &format!("[...document.querySelectorAll('#p1 .prose {cell}')].slice(0, 3).map(c => getComputedStyle(c).textAlign).join() === 'start,right,center'"),
        );
    }
    // A task's second line and what is below it stand where its first begins, as in any list.
    browser.look(PHONE);
    browser.assert(
        "tasks hang",
        "(items => { const x = i => { const t = [...i.childNodes].find(n => n.nodeType === 3 && n.data.trim()); const r = document.createRange(); r.selectNodeContents(t); return [...r.getClientRects()].filter(b => b.width > 4).map(b => Math.round(b.x)) }; \
          const [first, ...rest] = x(items[1]); const nested = items[1].querySelector('li').getBoundingClientRect().x; \
          return rest.length > 0 && rest.every(x => Math.abs(x - first) <= 4) && nested > first })([...document.querySelectorAll('#p1 .prose > ul > li')].slice(-2))",
    );
    reader.end();
}

#[test]
fn who_wants_no_motion_gets_none() {
    let Some((reader, _session)) = live::live() else { return };
    let browser = &reader.browser;
    let moving = "document.getAnimations().length";
    emulate(browser, "", ("prefers-reduced-motion", "no-preference"));
    browser.until("the dot of a live session beats", &format!("{moving} > 0"));
    emulate(browser, "", ("prefers-reduced-motion", "reduce"));
    browser.until("nothing moves", &format!("{moving} === 0"));
    browser.assert(
        "nothing would",
        "[...document.querySelectorAll('*')].every(e => (s => s.scrollBehavior === 'auto' && s.transitionDuration === '0s' && s.animationName === 'none')(getComputedStyle(e)))",
    );
    reader.end();
}

/// Where the system chooses the colours, grounds and the colours of words are gone.
#[test]
fn what_a_ground_or_a_colour_says_is_seen_in_the_colours_of_the_system_too() {
    let Some(reader) = forms::reader() else { return };
    let browser = &reader.browser;
    browser.look(Look { height: 700, ..DESKTOP });
    browser.press("3");
    emulate(browser, "screen", ("forced-colors", "active"));
    browser.until("it is so", "matchMedia('(forced-colors: active)').matches");
    let differ = |what: &str, one: &str, other: &str, property: &str| {
        browser.assert(what, &format!("{} !== {}", style(one, property), style(other, property)));
    };
    differ(
        "the pressed button",
        "[data-set=depth] [aria-pressed=true]",
        "[data-set=depth] [aria-pressed=false]",
        "backgroundColor",
    );
    differ("the prompt that is read", ".outline > li.on", ".outline > li:not(.on)", "borderLeftColor");
    let canvas = browser.text(&style("body", "backgroundColor"));
    let is_canvas = |element: &str, property: &str| {
        browser.eval(&format!(
            "getComputedStyle(document.querySelector('{element}'), '::before').{property} === '{canvas}'"
        ))
    };
    assert_eq!(
        is_canvas(".step .line", "borderRightColor"),
        json!(true),
        "what does not open has no chevron"
    );
    assert_eq!(is_canvas(".step summary", "borderRightColor"), json!(false), "what opens has one");
    assert_eq!(is_canvas(".prompt.aside", "backgroundColor"), json!(false), "an aside has its bar");
    for changed in ["ins", "del"] {
        browser.assert(
            "changed words are marked",
            &format!(
                "(e => !e || {}.includes('underline'))(document.querySelector('.diff {changed}'))",
                style(".diff ins", "textDecorationLine")
            ),
        );
    }
    browser.assert("there is a changed word", "!!document.querySelector('.diff ins')");
    reader.end();
}
