mod sifted;

use super::*;
use crate::render::tests::fixture::{overview, rich};
use crate::render::tests::strict;

fn found(query: &str) -> Vec<(String, String)> {
    let (_, window) = rich();
    let search = Search::new(query).unwrap();
    search.hits(&window).into_iter().map(|hit| (hit.id, hit.snippet.into_string())).collect()
}

#[test]
fn a_hit_is_a_block_that_holds_all_words_in_any_case() {
    let hits = found("TIDES tomorrow");
    assert!(hits.iter().any(|(id, _)| id == "p1"), "{hits:?}");
    assert!(
        hits.iter().all(|(_, snippet)| snippet.to_lowercase().contains("<mark>tides</mark>")),
        "{hits:?}"
    );
    assert!(found("tomorrow nosuchword").is_empty());
    assert!(Search::new("  ").is_none());
}

#[test]
fn what_an_agent_did_is_found_at_its_own_steps() {
    let ids: Vec<String> = found("a").into_iter().map(|(id, _)| id).collect();
    assert!(ids.iter().any(|id| id.starts_with("s8.")), "{ids:?}");
}

#[test]
fn a_query_is_no_expression_and_no_markup() {
    assert!(found("t.des").is_empty());
    let (overview, window) = rich();
    for query in ["<script>alert(1)</script>", "\"><img src=x onerror=x>", "&", "' onclick='x", "%00 é 🙂"]
    {
        let hits = Search::new(query).unwrap().hits(&window);
        let input =
            FoundInput { overview: &overview, title: None, query, hits: &hits, from: 0, next: Some(3) };
        strict::check(&found_page(&input));
        strict::check(&found_part(&input));
    }
}

#[test]
fn words_that_overlap_are_marked_once() {
    let search = Search::new("ab bc").unwrap();
    assert_eq!(search.marked("x abc").as_str(), "x <mark>ab</mark><mark>c</mark>");
}

#[test]
fn an_answer_says_how_far_it_looked() {
    let (overview, window) = rich();
    let hits = Search::new("tides").unwrap().hits(&window);
    let show = |next| {
        let input =
            FoundInput { overview: &overview, title: None, query: "tides & x", hits: &hits, from: 0, next };
        found_part(&input)
    };
    assert!(show(Some(4)).contains(" so far</p>"));
    assert!(show(Some(4)).contains("href=\"find?q=tides%20%26%20x&amp;from=4\""), "{}", show(Some(4)));
    assert!(!show(None).contains(" so far</p>"));
}

#[test]
fn a_time_leads_to_what_went_on_then() {
    let (overview, _) = rich();
    let show = |query| {
        found_part(&FoundInput { overview: &overview, title: None, query, hits: &[], from: 0, next: None })
    };
    assert!(show("0:00").contains("Go to 0:00</a>"), "{}", show("0:00"));
    for no_time in ["12", "a:b", "1:2:3:4", ":", "-1:00"] {
        assert!(!show(no_time).contains("Go to"), "{no_time}");
    }
    let bare = self::overview(Vec::new());
    let input = FoundInput { overview: &bare, title: None, query: "1:00", hits: &[], from: 0, next: None };
    assert!(found_part(&input).contains("No hits"));
}

#[test]
fn what_a_sub_agent_of_a_sub_agent_did_stands_in_it_and_is_found() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/claude/nested.jsonl");
    let source = crate::session::Source::open(path.as_ref()).unwrap();
    let session = crate::session::Session::open(source, crate::redact::Cleaner::new()).unwrap();
    while session.advance(1 << 20).unwrap() == crate::session::Progress::More {}
    let search = Search::new("quincunx").unwrap();
    assert!(session.sift(search.words(), 0).unwrap().has(0));
    let window = session.window(0).unwrap().unwrap();
    let hits = search.hits(&window);
    assert_eq!(hits.iter().map(|hit| hit.id.as_str()).collect::<Vec<_>>(), ["s1.1.1.1"]);
    let overview = session.overview();
    let page = crate::render::page(&crate::render::PageInput {
        overview: &overview,
        window: &window,
        title: None,
        live: false,
        downloads: false,
    });
    strict::check(&page);
    let deepest = page.find("id=\"s1.1.1.1\"").unwrap();
    assert_eq!(page[..deepest].matches("<div class=\"nest\">").count(), 3, "one in another in another");
}
