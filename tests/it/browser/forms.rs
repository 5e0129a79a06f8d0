//! Every form a block can have, in one session made for it (`tests/fixtures/claude/forms.jsonl`): what the row says,
//! what opens, what images take, and what axe finds.

use std::path::Path;

use super::{Reader, access, in_view};
use crate::support::browser::{Browser, DESKTOP, Look, PHONE};

/// The session of all forms, opened, with all of its windows on the page.
pub(super) fn reader() -> Option<Reader> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/claude/forms.jsonl");
    let reader = Reader::of(|_| path)?;
    whole(&reader, "");
    Some(reader)
}

/// Opens the page with this query, and fetches every window as who reads on does.
pub(super) fn whole(reader: &Reader, query: &str) {
    let Reader { browser, url, .. } = reader;
    browser.open(&format!("{url}{query}"));
    browser.until(
        "every window is here",
        "(next => (next?.scrollIntoView(), !next && !!document.querySelector('.foot')))(document.querySelector('.pager a[rel=next]'))",
    );
    browser.eval("void scrollTo(0, 0)");
}

/// The first step whose row has this verb and holds these words, in JavaScript; no group of steps.
fn step(verb: &str, words: &str) -> String {
    format!(
        "[...document.querySelectorAll('.step:not(.group)')].filter(s => (r => r?.querySelector('.verb').textContent === '{verb}' && r.querySelector('.what').textContent.includes('{words}'))(s.querySelector(':scope > details > summary, :scope > .line')))[0]"
    )
}

/// What the row of a step says, a space between its parts.
fn row(step: &str) -> String {
    format!(
        "(s => s && [...s.querySelector(':scope > details > summary, :scope > .line').children].filter(e => !e.matches('.dur')).map(e => e.textContent.trim()).filter(Boolean).join(' '))({step})"
    )
}

/// Opens the folds around a step and clicks on its row, as a reader does.
#[track_caller]
fn open(browser: &Browser, step: &str) {
    browser.eval(&format!("void (window.it = {step})"));
    browser.assert("it is there", "!!it");
    browser.eval(
        "void (() => { for (let e = it.parentElement; e; e = e.parentElement) if (e.tagName === 'DETAILS') e.open = true; \
         document.querySelectorAll('[data-clicked]').forEach(e => delete e.dataset.clicked); it.dataset.clicked = ''; \
         it.scrollIntoView({block: 'center'}) })()",
    );
    browser.eval("void (it.querySelector('details').open = false)");
    browser.click("[data-clicked] > details > summary > .verb");
    browser
        .until("it opens", "it.querySelector('details').open && it.querySelector('.body').offsetHeight > 0");
}

/// Verb, words of the row that name it, the whole row, and what its body holds.
const STEPS: [(&str, &str, &str, &str); 23] = [
    ("Glob", "src/**", "Glob src/**/*.rs 3 files", "src/main.rs"),
    ("Grep", "fn print_", "Grep fn print_ in src 2 matches in 2 files", "print_all(&rows)"),
    ("Read", "src/report.rs", "Read src/report.rs 55 lines from 8", "println!"),
    ("Read", "none.rs", "Read none.rs failed", "File does not exist."),
    ("Edit", "src/main.rs", "Edit src/main.rs +3 −3", "Report::of(rows).print();"),
    (
        "Write",
        "columns_of",
        "Write src/report/columns_of_the_printed_table_by_tag.rs new file +32",
        "//! Columns.",
    ),
    ("Edit", "Cargo.toml", "Edit Cargo.toml declined +1", "comfy-table"),
    ("Bash", "cargo test report", "Bash cargo test report", "Run the tests of the report"),
    (
        "Bash",
        "cargo clippy",
        "Bash cargo clippy --all-targets -- -D warnings && cargo fmt --check && git diff --stat exit 101",
        "unused variable",
    ),
    ("Bash", "git add", "Bash git add -A", "No output"),
    ("Bash", "cargo watch", "Bash cargo watch -x test in the background", "ID: b1"),
    ("linear", "create_issue", "linear create_issue Shares that add up", "They must\nadd up to 100."),
    ("linear", "close", "linear close T-99 failed", "no such issue"),
    ("Skill", "report-style", "Skill report-style", "Launching skill"),
    ("Todo", "Collect", "Todo started: Collect the tags 0 of 4 done", "Ask for a review"),
    ("Asked", "rounded", "Asked How shall the shares be rounded?", "Which columns shall be there?"),
    ("Plan", "Shares that add up", "Plan Shares that add up accepted", "Give the rest to the largest"),
    ("Agent", "Review", "Agent Review the report 5 steps, 51 k tokens", "misnamed"),
    ("Summary", "continued", "", "the rows are not"),
    (
        "Search",
        "percentages",
        "Search print percentages that add up to 100 2 results",
        "Largest remainder method",
    ),
    ("Fetch", "largest", "Fetch example.org/largest-remainder?lang=en", "Round down, then give what is left"),
    ("Todo", "added: Round", "Todo added: Round the shares 0 of 3 done", "Round the shares"),
    ("Edit", "report.ipynb", "", "report.by_tag().plot()"),
];

#[test]
fn each_form_says_what_it_is_and_opens_to_what_it_has() {
    let Some(reader) = reader() else { return };
    let browser = &reader.browser;
    browser.look(DESKTOP);
    for (verb, words, says, holds) in STEPS {
        let step = step(verb, words);
        let said = browser.text(&row(&step)).split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(says.is_empty() || said == says, "{said:?}, not {says:?}");
        open(browser, &step);
        let body = browser.text("it.querySelector('.body').innerText");
        assert!(body.contains(holds), "{verb} {words}: {holds:?} is not in {body:?}");
    }
    // What stands open from the first: what was agreed on, and the last state of a list.
    whole(&reader, "");
    for (verb, words) in [("Plan", "Shares that add up"), ("Asked", "rounded"), ("Asked", "head")] {
        browser.assert("it is open", &format!("{}.querySelector('details').open", step(verb, words)));
    }
    browser.assert(
        "of the lists of a turn, the last is open and no other",
        "[...document.querySelectorAll('#p2 .step:not(.group) > details')].filter(d => d.querySelector('.verb').textContent === 'Todo').map(d => d.open).join() === 'false,false,false,false,false,false,false,false,true'",
    );
    browser.assert(
        "picked answers are bold, the others not",
        &format!("(s => JSON.stringify([...s.querySelectorAll('li')].map(l => [l.querySelector('span').firstChild.textContent.trim(), +getComputedStyle(l).fontWeight > 500])) === JSON.stringify([['Largest remainder', true], ['Half up', false], ['Sum', true], ['Share', true], ['Count', false]]))({})", step("Asked", "rounded")),
    );
    reader.end();
}

#[test]
fn marks_of_what_went_wrong_have_a_word_and_a_colour() {
    let Some(reader) = reader() else { return };
    let browser = &reader.browser;
    // The colour of the first text of this selector that holds these words is the token's.
    let is = |selector: &str, words: &str, token: &str| {
        browser.assert(
            &format!("{words} is {token}"),
            &format!(
                "(e => {{ const probe = document.body.appendChild(document.createElement('i')); probe.style.color = 'var({token})'; \
                 const same = !!e && getComputedStyle(e).color === getComputedStyle(probe).color; probe.remove(); return same }}) \
                 ([...document.querySelectorAll('{selector}')].find(e => e.textContent.includes('{words}')))"
            ),
        );
    };
    for dark in [false, true] {
        browser.look(Look { dark, ..DESKTOP });
        is(".halt.error", "tried 3 times over 4 s, then continued", "--del");
        is(".halt.stop", "You interrupted", "--warn");
        is(".declined .warn", "declined", "--warn");
        is(".failed .verb", "Bash", "--del");
        is(".failed .fail", "exit 101", "--del");
        is(".out .del", "red", "--del");
        is(".out .add", "green", "--add");
        is(".out .warn", "yellow", "--warn");
        is(".out .c", "dim", "--ink-2");
    }
    browser.assert(
        "the file of a declined edit is struck through",
        &format!(
            "getComputedStyle({}.querySelector('.base')).textDecorationLine === 'line-through'",
            step("Edit", "Cargo.toml")
        ),
    );
    for (selector, words) in [
        (".seam", "Context compacted at 7:54, 168 k to 22 k tokens"),
        (".seam.model", "Sonnet 4.5 from here on"),
        (".step", "line 121 is not valid JSON"),
        (".step", "telepathy"),
        (".step .line", "not recorded"),
        (".prompt.aside", "and name it column_width"),
        (".prompt.aside", "I said no new dependency."),
    ] {
        browser.assert(
            words,
            &format!("[...document.querySelectorAll('{selector}')].some(e => e.textContent.includes('{words}') && e.offsetHeight > 0)"),
        );
    }
    reader.end();
}

#[test]
fn what_does_not_open_is_read_whole_in_its_row() {
    let Some(reader) = reader() else { return };
    let browser = &reader.browser;
    for look in [DESKTOP, PHONE, Look { width: 320, ..PHONE }] {
        browser.look(look);
        let rows = "[...document.querySelectorAll('.step > .line')].filter(row => row.offsetHeight)";
        browser.assert("there are such rows", &format!("{rows}.length > 5"));
        let cut = browser.eval(&format!(
            "{rows}.filter(row => (e => e.scrollWidth > e.clientWidth + 1 || [...e.querySelectorAll('.dir, .in')].some(d => !d.offsetHeight))(row.querySelector('.what'))).map(row => row.textContent)"
        ));
        assert_eq!(cut, serde_json::json!([]), "cut at {}", look.width);
    }
    reader.end();
}

#[test]
fn of_a_long_path_the_folder_gives_way_and_the_name_is_read() {
    let Some(reader) = reader() else { return };
    let browser = &reader.browser;
    for look in [DESKTOP, Look { width: 700, ..DESKTOP }, PHONE] {
        browser.look(look);
        browser.eval(&format!("void (window.it = {})", step("Write", "columns_of")));
        browser.eval("void (it.querySelector('.dir').textContent = 'a-folder/'.repeat(40))");
        browser.assert(
            "the name is there, and what came of it",
            "(([what, base, res]) => base.right <= what.right + 1 && base.width > 100 && res.left >= what.right && res.right <= innerWidth)(['.what', '.base', '.res'].map(s => it.querySelector('summary ' + s).getBoundingClientRect()))",
        );
        browser.assert("in one line", "it.querySelector('summary').offsetHeight < 36");
    }
    reader.end();
}

#[test]
fn on_a_phone_the_base_name_of_a_long_path_stays_whole() {
    let Some(reader) = reader() else { return };
    let browser = &reader.browser;
    browser.look(PHONE);
    let whole = "(e => { const range = document.createRange(); range.selectNodeContents(e); const lines = range.getClientRects(); \
                 return lines.length === 1 && lines[0].left >= 0 && lines[0].right <= 390 })";
    browser.assert(
        "in the list of files, in one line with the end of its folder",
        &format!("(files => files.length > 2 && files.every(at => {whole}(at.querySelector('.base')) && at.offsetHeight < 30))([...document.querySelectorAll('.changed .at')])"),
    );
    let step = step("Write", "columns_of");
    browser.assert(
        "a row that is closed leaves the folder out",
        &format!("!{step}.querySelector('.dir').offsetHeight"),
    );
    open(browser, &step);
    browser.assert(
        "one that is open has both, the name unbroken",
        &format!("it.querySelector('.dir').offsetHeight > 0 && {whole}(it.querySelector('.base'))"),
    );
    reader.end();
}

#[test]
fn on_a_phone_what_a_step_took_stands_in_the_line_of_its_verb() {
    let Some(reader) = reader() else { return };
    let browser = &reader.browser;
    for width in [390, 320] {
        browser.look(Look { width, ..PHONE });
        for step in [step("Agent", "Review"), step("Bash", "cargo clippy")] {
            open(browser, &step);
            browser.eval("void (it.querySelector('summary .dur').textContent = '12 min 06 s')");
            browser.assert(
                "its words go on below",
                "(([verb, dur, what]) => Math.abs(verb.top - dur.top) < 2 && dur.right <= innerWidth && what.top >= verb.bottom) \
                 (['.verb', '.dur', '.what'].map(s => it.querySelector('summary > ' + s).getBoundingClientRect()))",
            );
        }
    }
    reader.end();
}

/// The sparks of the outline: what was said meanwhile has a place of its own, and the steps on screen are underlined.
#[test]
fn what_was_said_meanwhile_is_dotted_between_the_ticks_and_moves_no_mark() {
    let Some(reader) = reader() else { return };
    let browser = &reader.browser;
    browser.look(Look { height: 700, ..DESKTOP });
    browser.eval(
        "void (() => { const aside = document.querySelector('#p2 .prompt.aside'); \
           window.steps = [...document.querySelectorAll('#p2 .step[id]')].filter(s => /^s\\d+$/.test(s.id)); \
           window.before = steps.filter(s => s.compareDocumentPosition(aside) & Node.DOCUMENT_POSITION_FOLLOWING).length; \
           window.spark = document.querySelector('.outline a[href$=\"#p2\"]').parentNode.querySelector('.spark') })()",
    );
    browser.assert("it stands between steps", "before > 2 && before < steps.length");
    browser.assert(
        "it is dotted in its place",
        "spark.querySelector('.you').getAttribute('d') === `M${before * 5 + 1}.5 0v12` && getComputedStyle(spark.querySelector('.you')).strokeDasharray !== 'none'",
    );
    browser.eval("void steps[before].scrollIntoView({block: 'center'})");
    browser.until(
        "the step behind it is underlined where its tick is",
        "!!spark.querySelector('.seen')?.getAttribute('d').includes(`M${(before + 1) * 5 - 1} 14`)",
    );
    reader.end();
}

#[test]
fn a_sub_agent_opens_to_its_own_steps_and_each_of_them_opens() {
    let Some(reader) = reader() else { return };
    let Reader { browser, url, .. } = &reader;
    let agent = step("Agent", "Review");
    browser.assert("it is folded", &format!("!{agent}.querySelector('details').open"));
    open(browser, &agent);
    browser.assert(
        "its steps are rows that are folded",
        "(s => s.length === 5 && s.every(e => e.offsetHeight > 0 && !e.querySelector('details').open))([...it.querySelectorAll('.step[id]')].filter(e => /^s[0-9.]+$/.test(e.id)))",
    );
    let id = browser.text("it.id");
    open(browser, &format!("document.getElementById('{id}.1')"));
    browser.assert(
        "a step of it shows what was read",
        &format!("it.id === '{id}.1' && it.querySelector('.code').innerText.includes('BTreeMap')"),
    );
    // The tick of the step inside stands behind the agent's in the outline, and is underlined with it.
    browser.until(
        "the tick of that step is underlined",
        "(it => { const [n, m] = it.id.slice(1).split('.'); \
           const spark = [...document.querySelectorAll('.spark')].findLast(s => +s.dataset.from <= n); \
           const at = spark.dataset.at.split(' ').indexOf(`${n - spark.dataset.from}.${m}`); \
           return at > 0 && !!spark.querySelector('.seen')?.getAttribute('d').includes(`M${at * 5 - 1} 14`) })(it)",
    );
    open(browser, &step("Agent", "Count the lines"));
    browser.assert(
        "an agent that it sent says what came back",
        "it.querySelector('.report').innerText === 'There are 80.'",
    );
    // A link to a step inside opens all that is around it.
    let link = browser.text(&format!("document.getElementById('{id}.4').querySelector('.link').href"));
    browser.open("about:blank");
    browser.open(&link);
    browser.until("its diff is in view", &in_view(&format!("#{id}\\\\.4 .diff")));
    assert!(link.starts_with(url.as_str()), "{link}");
    reader.end();
}

#[test]
fn images_are_fetched_when_they_come_near_and_move_nothing() {
    let Some(reader) = reader() else { return };
    let Reader { browser, url, .. } = &reader;
    for look in [DESKTOP, PHONE] {
        browser.look(Look { height: 500, ..look });
        browser.tools("Network.enable", serde_json::json!({}));
        browser.tools("Network.setCacheDisabled", serde_json::json!({"cacheDisabled": true}));
        browser.open(&format!("{url}?depth=all"));
        browser.until("three images", "document.querySelectorAll('.shot img').length === 3");
        browser.until("the first is there", "document.querySelector('.shot img').naturalWidth > 0");
        let there = |no| format!("document.querySelectorAll('.shot img')[{no}].naturalWidth > 0");
        let heights = "[...document.querySelectorAll('.shot img')].map(e => Math.round(e.getBoundingClientRect().height)).join()";
        let reserved = browser.text(heights);
        browser.assert("the others are not fetched yet", &format!("!({}) && !({})", there(1), there(2)));
        for no in 1..3 {
            browser.eval(&format!("void document.querySelectorAll('.shot img')[{no}].scrollIntoView()"));
            browser.until("it is fetched", &there(no));
        }
        assert_eq!(reserved, browser.text(heights), "{} wide: the room images take", look.width);
        browser.assert(
            "none is larger than its frame, and none is distorted",
            "[...document.querySelectorAll('.shot img')].every(e => (r => r.width <= 642 && r.height <= 386 && Math.abs(r.width / r.height - e.naturalWidth / e.naturalHeight) < .05)(e.getBoundingClientRect()))",
        );
        browser.assert(
            "it leads to the whole",
            "[...document.querySelectorAll('.shot a')].every(a => a.href === a.firstElementChild.src)",
        );
    }
}

#[test]
fn axe_finds_nothing_in_any_form_open_or_folded_in_any_look() {
    let Some(axe) = access::axe() else { return };
    let Some(reader) = reader() else { return };
    for look in [DESKTOP, DESKTOP.dark(), PHONE, PHONE.dark()] {
        reader.browser.look(look);
        for query in ["", "?depth=all"] {
            whole(&reader, query);
            access::assert_accessible(&reader.browser, &axe, look, &format!("every form{query}"));
        }
    }
    reader.end();
}
