//! How the page is set: sizes of type, measures and colours, as its reference has them.

use serde_json::Value;

use super::{Reader, forms};
use crate::support::browser::{Browser, DESKTOP, Look, PHONE};

/// Every form, everything open.
fn reader(look: Look) -> Option<Reader> {
    let reader = forms::reader()?;
    reader.browser.look(look);
    forms::whole(&reader, "?depth=all");
    Some(reader)
}

/// Size, height of line and weight of the first element of a selector, in pixels.
#[track_caller]
fn assert_type(browser: &Browser, selector: &str, (size, line, weight): (f64, f64, f64)) {
    let found = browser.eval(&format!(
        "(s => s && [s.fontSize, s.lineHeight, s.fontWeight].map(parseFloat))((e => e && getComputedStyle(e))(document.querySelector('{selector}')))"
    ));
    let found: Vec<f64> = found.as_array().into_iter().flatten().filter_map(Value::as_f64).collect();
    assert_eq!(found, [size, line, weight], "{selector}");
}

#[test]
fn type_is_set_as_the_reference_has_it() {
    let Some(reader) = reader(DESKTOP) else { return };
    let browser = &reader.browser;
    for (selector, size, line, weight) in [
        ("h1", 24.0, 32.0, 650.0),
        (".prompt h2", 20.0, 28.0, 650.0),
        (".prompt.aside > h3", 16.0, 24.0, 650.0),
        (".turn > .reply > p", 16.0, 26.0, 400.0),
        (".step .verb", 13.0, 20.0, 400.0),
        (".step .dur", 13.0, 20.0, 400.0),
        (".prompt .meta", 13.0, 20.0, 400.0),
        (".outline > li:not(.on) .t", 13.0, 20.0, 400.0),
        (".seg button", 13.0, 20.0, 400.0),
        (".code li", 12.5, 20.0, 400.0),
        (".out", 12.5, 20.0, 400.0),
        (".diff td", 12.5, 20.0, 400.0),
        (".report p", 14.0, 22.0, 400.0),
        (".mind .body p", 14.0, 22.0, 400.0),
        (".facts dt", 12.0, 16.0, 400.0),
    ] {
        assert_type(browser, selector, (size, line, weight));
    }
    browser.look(PHONE);
    for (selector, size, line, weight) in [
        ("h1", 22.0, 29.0, 650.0),
        (".prompt h2", 18.0, 24.0, 650.0),
        (".turn > .reply > p", 16.0, 26.0, 400.0),
        (".step .verb", 13.0, 20.0, 400.0),
        (".code li", 11.5, 18.0, 400.0),
        (".out", 11.5, 18.0, 400.0),
        (".diff td", 11.5, 18.0, 400.0),
    ] {
        assert_type(browser, selector, (size, line, weight));
    }
    reader.end();
}

#[test]
fn measures_are_those_of_the_reference() {
    let Some(reader) = reader(DESKTOP) else { return };
    let browser = &reader.browser;
    let rect = |selector: &str| format!("document.querySelector('{selector}').getBoundingClientRect()");
    let is = |what: &str, expression: &str, want: f64| {
        let found = browser.eval(expression).as_f64().unwrap();
        assert!((found - want).abs() < 0.6, "{what}: {found}, not {want}");
    };
    is("the rail", &format!("{}.width", rect("#rail")), 240.0);
    is("the gap", &format!("{}.left - {}.right", rect("main"), rect("#rail")), 48.0 + 36.0);
    is("the text", &format!("{}.width", rect("main")), 832.0);
    is(
        "a row",
        "[...document.querySelectorAll('.strip > .step > details > summary')].map(e => e.offsetHeight).sort((a, b) => a - b)[0]",
        26.0,
    );
    is("the column of verbs", &format!("{}.width", rect(".step .verb")), 60.0);
    browser.assert(
        "one left edge: title, prompts, prose, verbs, bodies",
        "['h1', '.facts', '#p1 h2', '#p1 > .prose > p', '#p1 > .strip > .step > details > summary > .verb', '#p1 > .strip > .step .body > *'].map(s => document.querySelector(s).getBoundingClientRect().left).every((x, _, all) => Math.abs(x - all[0]) < 1.6)",
    );
    browser.assert(
        "prose and prompts keep to their measure",
        "[...document.querySelectorAll('.prompt h2, .prompt h3, .prose')].every(e => e.offsetWidth <= 640)",
    );
    browser.assert(
        "code does not",
        "Math.max(...[...document.querySelectorAll('.out, .code, .diff')].map(e => e.offsetWidth)) === 832",
    );
    browser.assert(
        "seven facts are two lines of columns",
        "(facts => facts.length === 7 && facts.filter(f => f.offsetTop === facts[0].offsetTop).length === 4 && facts[4].offsetLeft === facts[0].offsetLeft)([...document.querySelectorAll('.facts > div')])",
    );
    browser.look(Look { width: 1056, ..DESKTOP });
    is("the bar", &format!("{}.height", rect(".topbar")), 49.0);
    is("the side", &format!("{}.left", rect("main")), (1056.0 - 880.0) / 2.0 + 24.0);
    browser.look(PHONE);
    is("a phone's side", &format!("{}.left", rect("main")), 16.0);
    is(
        "an agent's indent",
        "parseFloat(getComputedStyle(document.querySelector('.nest')).paddingLeft)",
        12.0,
    );
    browser.assert(
        "one column of numbers",
        "(([a, b]) => a.offsetWidth === 0 && b.offsetWidth > 0)(document.querySelector('.diff:not(.fresh)').rows[0].cells)",
    );
    browser.press("2");
    browser.until("folded", "!document.querySelector('.step.read > details').open");
    is(
        "a phone's row",
        "[...document.querySelectorAll('.strip > .step > details > summary')].map(e => e.offsetHeight).sort((a, b) => a - b)[0]",
        34.0,
    );
    reader.end();
}

/// Token, light, dark.
const COLOURS: [(&str, &str, &str); 22] = [
    ("bg", "#ffffff", "#131519"),
    ("wash", "#f5f6f8", "#1b1e24"),
    ("wash-2", "#eceef1", "#262a32"),
    ("ink", "#1b1f27", "#e2e5ea"),
    ("ink-2", "#545c6a", "#a4acb9"),
    ("ink-3", "#69717f", "#8c95a3"),
    ("accent", "#0a58ca", "#8ab4f8"),
    ("add", "#176f33", "#6fcf8e"),
    ("add-bg", "#e7f6eb", "#12261a"),
    ("add-word", "#a9e5b8", "#1f5b36"),
    ("del", "#b3261e", "#ff968c"),
    ("del-bg", "#fdeeec", "#2e1a1b"),
    ("del-word", "#f8c5bf", "#722f2c"),
    ("warn", "#8a5600", "#e3b15a"),
    ("add-mark", "#2f9e55", "#3fae68"),
    ("del-mark", "#d9483d", "#e0665c"),
    ("warn-mark", "#bd7a0a", "#c98f2b"),
    ("mark-1", "#b7bec9", "#3b414b"),
    ("mark-2", "#7d8694", "#6f7886"),
    ("mark-3", "#2f3641", "#c9ced6"),
    ("line", "#e3e6ea", "#282c34"),
    ("line-2", "#c9ced6", "#434954"),
];

#[test]
fn colours_are_those_of_the_reference_by_the_system_and_by_choice() {
    let Some(reader) = Reader::of_example() else { return };
    let browser = &reader.browser;
    let assert_colours = |dark: bool, what: &str| {
        for (token, light, night) in COLOURS {
            let found = browser.text(&format!(
                "getComputedStyle(document.documentElement).getPropertyValue('--{token}').trim()"
            ));
            assert_eq!(found, if dark { night } else { light }, "{token}, {what}");
        }
    };
    for dark in [false, true] {
        browser.look(Look { dark, ..DESKTOP });
        assert_colours(dark, "by the system");
    }
    for (value, dark) in [("light", false), ("dark", true)] {
        browser.look(Look { dark: !dark, ..DESKTOP });
        browser.click(&format!("[data-set=theme] [value={value}]"));
        assert_colours(dark, "by choice");
    }
    reader.end();
}

#[test]
fn the_sheet_has_no_colour_that_the_reference_does_not_name() {
    let named = |colour: &str| COLOURS.iter().any(|(_, light, dark)| [*light, *dark].contains(&colour));
    let sheet = include_str!("../../../src/render/assets/page.css");
    let colours = sheet.split('#').skip(1).map(|rest| rest.split(|c: char| !c.is_ascii_hexdigit()).next());
    let others: Vec<_> =
        colours.flatten().filter(|word| word.len() == 6).map(|word| format!("#{word}")).collect();
    let others: Vec<_> = others.into_iter().filter(|colour| !named(colour)).collect();
    assert!(others.is_empty(), "{others:?}");
}
