//! What a reader waits for, in a real Chromium before a release build, and what the tab costs: for the largest
//! Claude Code session of the corpus, and for one of 100 MB made here. `cargo bench --bench viewer`; needs
//! chromium and chromedriver.
//!
//! Ends with exit code 1 if a promise is broken: something is painted within 300 ms, the first view takes at most
//! 150 KB on the wire, the end, a time and a hit are there within 100 ms (medians of the rounds; each round is a
//! share of its own, so that nothing is rendered yet), and the tab takes no more memory than some windows do, while
//! one scrolls through all of the session.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::fs;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use serde_json::{Value, json};

#[path = "../tests/it/support/browser.rs"]
#[allow(dead_code)]
mod browser;
#[path = "support/daemon.rs"]
mod daemon;
#[path = "../tests/it/support/http.rs"]
#[allow(dead_code)]
mod http;
#[path = "../tests/it/support/process.rs"]
#[allow(dead_code)]
mod process;
#[path = "../tests/it/support/sessions.rs"]
#[allow(dead_code)]
mod sessions;
#[path = "support/transcript.rs"]
#[allow(dead_code)]
mod transcript;
#[path = "../tests/it/support/wait.rs"]
mod wait;

use browser::Browser;
use daemon::Daemon;

const ROUNDS: usize = 5;
const MADE: u64 = 100 << 20;
/// Milliseconds until something is painted.
const PAINTED: f64 = 300.0;
/// Bytes on the wire until the page stands: document, style sheet, script, icon.
const WEIGHT: f64 = 150_000.0;
/// Milliseconds from the key or the click to the frame that shows the place.
const JUMP: f64 = 100.0;
/// Megabytes of the tab's process, at its most, beyond what it has with the first view.
const TAB: f64 = 100.0;

/// What is shown below another name than `#`: the page is scrolled to its end, nothing is behind it.
const AT_END: &str = "!document.querySelector('main .pager a[rel=next]') && \
    !document.querySelector('.window[data-gone]:last-of-type') && \
    scrollY + innerHeight >= document.documentElement.scrollHeight - 4";

/// A share of a session in front of the browser; nothing of it is rendered but the first view.
struct Shared {
    id: Value,
    url: String,
}

fn share(daemon: &mut Daemon, session: &Path) -> Shared {
    let params = json!({"session_path": session, "provider": "local"});
    let started = daemon.ask(&json!({"method": "StartShare", "params": params}));
    let url = started["data"]["public_url"].as_str().unwrap_or_else(|| panic!("{started}")).to_owned();
    wait::until(Duration::from_secs(60), "the session is read to its end", || {
        !http::get(&url).text().contains("still being read")
    });
    Shared { id: started["data"]["id"].clone(), url }
}

/// Opens the page as who was never there.
fn open(browser: &Browser, url: &str) {
    browser.open("about:blank");
    browser.tools("Network.clearBrowserCache", json!({}));
    browser.open(url);
    browser.until("it is painted", "performance.getEntriesByName('first-contentful-paint').length === 1");
}

/// Milliseconds until something was painted, and bytes on the wire.
fn first_view(browser: &Browser) -> (f64, f64) {
    let painted = browser.eval("performance.getEntriesByName('first-contentful-paint')[0].startTime");
    let weight = browser.eval(
        "[...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource').filter(e => !e.name.includes('part=1'))].reduce((sum, e) => sum + e.transferSize, 0)",
    );
    (painted.as_f64().unwrap(), weight.as_f64().unwrap())
}

/// Milliseconds from `act` to the frame that shows `there`. A reader looks before they leap: the page is at rest.
fn jump(browser: &Browser, act: &str, there: &str) -> f64 {
    browser.run("requestIdleCallback(() => requestIdleCallback(done))");
    let script = format!(
        "const began = performance.now(); {act}; const until = began + 20000; \
         (function wait() {{ \
            if (({there}) || performance.now() > until) requestAnimationFrame(() => done(performance.now() - began)); \
            else setTimeout(wait, 0) }})()"
    );
    browser.run(&script).as_f64().unwrap()
}

/// Whether the element that a variable of the page names is in view, in JavaScript.
fn in_view(id: &str) -> String {
    format!(
        "(r => !!r && r.height > 0 && r.bottom > 0 && r.top < innerHeight)(document.getElementById({id})?.getBoundingClientRect())"
    )
}

/// To the end, by the key for it.
fn to_end(browser: &Browser) -> f64 {
    let key = "document.body.dispatchEvent(new KeyboardEvent('keydown', {key: 'G', bubbles: true}))";
    jump(browser, key, AT_END)
}

/// To a time: a click on the bar of the timeline that stands at this part of it.
fn to_time(browser: &Browser, part: f64) -> f64 {
    browser.eval(&format!(
        "void (all => {{ window.goal = all[Math.floor(all.length * {part})] }})([...document.querySelectorAll('.timeline a[href*=\"#\"]')])"
    ));
    let click = "goal.dispatchEvent(new MouseEvent('click', {bubbles: true, cancelable: true}))";
    jump(browser, click, &in_view("goal.getAttribute('href').split('#')[1]"))
}

/// To a hit: the words of a prompt at this part of the outline are searched for, then the last hit is clicked.
fn to_hit(browser: &Browser, part: f64) -> f64 {
    browser.eval(&format!(
        "void ((all, box) => {{ box.value = all[Math.floor(all.length * {part})].textContent.match(/[a-z]{{3,}}( [a-z0-9]+){{0,4}}/i)[0]; \
         box.dispatchEvent(new Event('input')) }})([...document.querySelectorAll('.outline > li > a')], document.querySelector('#find'))"
    ));
    browser.until("hits are counted", "/^[0-9]+ hits?$/.test(document.querySelector('.count').textContent)");
    browser.eval("void (window.goal = [...document.querySelectorAll('.hits a')].at(-1))");
    jump(browser, "goal.click()", &in_view("goal.hash.slice(1)"))
}

/// Memory of the tab's process that is its own, in megabytes. Of the browser's renderers, it is the largest.
fn memory(browser: &Browser) -> f64 {
    browser.tools("HeapProfiler.collectGarbage", json!({}));
    let is_renderer = |pid: &u32| {
        let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&line).contains("--type=renderer")
    };
    let private = |pid: u32| {
        let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
        let kilobytes = text.lines().filter(|line| line.starts_with("Private_")).filter_map(|line| {
            line.split_ascii_whitespace().nth(1).and_then(|number| number.parse::<f64>().ok())
        });
        kilobytes.sum::<f64>() / 1024.0
    };
    browser.processes().into_iter().filter(is_renderer).map(private).fold(0.0, f64::max)
}

/// Scrolls through all of the page, as a wheel does. Gives the tab's memory before, at its most in the first and in
/// the second half of the way, and how many windows it went through.
fn walk(browser: &Browser) -> (f64, f64, f64, usize) {
    let before = memory(browser);
    let mut seen = Vec::new();
    loop {
        let script = format!(
            "(async () => {{ for (let i = 0; i < 30; i++) {{ scrollBy(0, 2000); \
               await new Promise(r => requestAnimationFrame(() => setTimeout(r, 0))); }} \
             done({AT_END}) }})()"
        );
        let end = browser.run(&script);
        seen.push(memory(browser));
        if end == true {
            break;
        }
        assert!(seen.len() < 2_000, "the end of the page was not reached");
    }
    let most = |part: &[f64]| part.iter().copied().fold(0.0, f64::max);
    let (first, second) = seen.split_at(seen.len() / 2);
    let windows = browser.eval("document.querySelectorAll('.window').length").as_u64().unwrap();
    (before, most(first).max(before), most(second), windows as usize)
}

fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers[numbers.len() / 2]
}

/// Prints a figure and the promise; whether it holds.
fn holds(what: &str, figure: f64, unit: &str, promise: f64) -> bool {
    println!("  {what:<28} {figure:>9.0} {unit}  (at most {promise:.0})");
    figure <= promise
}

fn look_at(browser: &Browser, daemon: &mut Daemon, session: &Path) -> bool {
    let megabytes = fs::metadata(session).unwrap().len() as f64 / 1e6;
    println!("{} {megabytes:.1} MB", session.file_name().unwrap().to_string_lossy());
    let mut seen: [Vec<f64>; 5] = Default::default();
    for round in 0..ROUNDS {
        let shared = share(daemon, session);
        open(browser, &shared.url);
        let (painted, weight) = first_view(browser);
        let part = (round + 1) as f64 / (ROUNDS + 1) as f64;
        let end = to_end(browser);
        open(browser, &shared.url);
        let time = to_time(browser, part);
        open(browser, &shared.url);
        let hit = to_hit(browser, part - 0.05);
        for (seen, one) in seen.iter_mut().zip([painted, weight, end, time, hit]) {
            seen.push(one);
        }
        daemon.ask(&json!({"method": "StopShare", "params": {"share_id": shared.id}}));
    }
    let [painted, weight, end, time, hit] = seen.map(median);
    let shared = share(daemon, session);
    open(browser, &shared.url);
    let (before, first, second, windows) = walk(browser);
    daemon.ask(&json!({"method": "StopShare", "params": {"share_id": shared.id}}));
    println!("  {windows} windows scrolled through");
    [
        holds("first contentful paint", painted, "ms", PAINTED),
        holds("first view", weight, "bytes", WEIGHT),
        holds("to the end", end, "ms", JUMP),
        holds("to a time", time, "ms", JUMP),
        holds("to a hit", hit, "ms", JUMP),
        holds("tab, first half of the way", first, "MB", before + TAB),
        holds("tab, second half", second, "MB", before + TAB),
    ]
    .into_iter()
    .all(|kept| kept)
}

fn main() -> ExitCode {
    let Some(browser) = Browser::start_and(false) else { return ExitCode::FAILURE };
    let home = tempfile::Builder::new().prefix("pk").tempdir().unwrap();
    let made = home.path().join("made.jsonl");
    let mut file = BufWriter::new(fs::File::create(&made).unwrap());
    transcript::Writer::new("v").write(&mut file, MADE);
    file.flush().unwrap();
    let largest = sessions::corpus().into_iter().max_by_key(|path| fs::metadata(path).unwrap().len());
    if largest.is_none() {
        println!("no corpus at target/corpus: only what is made here is looked at");
    }
    let looked_at: Vec<PathBuf> = largest.into_iter().chain([made]).collect();
    let mut daemon = Daemon::start(home.path());
    let kept: Vec<bool> = looked_at.iter().map(|session| look_at(&browser, &mut daemon, session)).collect();
    if kept.into_iter().all(|kept| kept) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
