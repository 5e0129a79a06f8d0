//! What a first view weighs and when it is seen, of the largest session at hand.

use super::Reader;
use crate::support::wait::{SOON, until};
use crate::support::{http, sessions};

/// Bytes on the wire until the page stands: document, style sheet, script, icon.
const WEIGHT: u64 = 150_000;
/// Until something is painted, in milliseconds. The promise is 300 for a release build on a machine at rest; this
/// is for debug builds among other tests.
const PAINTED: f64 = 1_500.0;

#[test]
fn the_first_view_of_the_largest_session_is_light_and_soon_there() {
    let largest = sessions::corpus().into_iter().max_by_key(|path| std::fs::metadata(path).unwrap().len());
    let Some(reader) = Reader::of(|home| {
        largest.unwrap_or_else(|| {
            let path = home.path("large.jsonl");
            sessions::write(&path, 2_000, 4_800);
            path
        })
    }) else {
        return;
    };
    let Reader { browser, url, .. } = &reader;
    until(SOON, "the session is read to its end", || !http::get(url).text().contains("still being read"));
    browser.open(url);
    browser.until("it is painted", "performance.getEntriesByName('first-contentful-paint').length === 1");
    let painted =
        browser.eval("performance.getEntriesByName('first-contentful-paint')[0].startTime").as_f64().unwrap();
    let weight = browser
        .eval("[...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource').filter(e => !e.name.includes('part=1'))].reduce((sum, e) => sum + e.transferSize, 0)")
        .as_u64()
        .unwrap();
    eprintln!("first contentful paint after {painted:.0} ms, {weight} bytes");
    assert!((1..=WEIGHT).contains(&weight), "{weight} bytes");
    assert!(painted <= PAINTED, "painted after {painted} ms");
    reader.end();
}
