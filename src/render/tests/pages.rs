//! Whole pages: one golden, and what must hold for any.

use super::fixture::*;
use super::strict;
use crate::render::{PageInput, assets, page, part, step_page};
use crate::session::model::*;

fn input<'a>(overview: &'a Overview, window: &'a Window) -> PageInput<'a> {
    PageInput { overview, window, title: None, live: false, downloads: false }
}

/// The names of assets change with every touch of them.
fn stable(html: &str) -> String {
    html.replace(&assets::icon().name, "H.svg")
        .replace(&assets::css().name, "H.css")
        .replace(&assets::js().name, "H.js")
}

#[test]
fn a_whole_page() {
    let (overview, window) = rich();
    let html = page(&input(&overview, &window));
    strict::check(&html);
    insta::assert_snapshot!(stable(&html));
}

#[test]
fn a_step_has_a_page_of_its_own_with_nothing_folded() {
    let (overview, window) = rich();
    let Item::Step(step) = &window.turns[0].items[4] else { panic!("the read") };
    let html = step_page(&input(&overview, &window), step);
    strict::check(&html);
    assert!(!html.contains("more lines"));
    insta::assert_snapshot!(stable(&html));
}

#[test]
fn links_of_a_later_window_go_up_first() {
    let outline = vec![entry(1, 0, "one"), entry(2, 1, "two"), entry(3, 2, "three"), entry(4, 2, "four")];
    let mut overview = overview(outline);
    overview.windows = 3;
    let mut window = window(vec![turn(2, "two", vec![item(shell(4, "ls", "x"))])]);
    (window.no, window.next) = (1, true);
    let html = page(&input(&overview, &window));
    strict::check(&html);
    for want in [
        "<link rel=\"stylesheet\" href=\"../a/",
        "<a rel=\"prev\" href=\"../\">Previous: prompt 1</a>",
        "<a rel=\"next\" href=\"../w/2\">Next: prompts 3–4</a>",
        "href=\"../w/1#s4\"",
        "<a href=\"../#p1\">",
        "<a href=\"../w/2#p3\">",
    ] {
        assert!(html.contains(want), "{want} is missing in {html}");
    }
    assert!(!html.contains("End of session"));
}

#[test]
fn a_part_is_the_turns_and_the_next_link_only() {
    let overview = overview(vec![entry(1, 0, "one"), entry(2, 1, "two")]);
    let mut window = window(vec![turn(2, "two", vec![reply("Done.")])]);
    window.no = 1;
    let html = part(&input(&overview, &window));
    strict::check(&html);
    insta::assert_snapshot!(html);
}

#[test]
fn a_turn_that_goes_on_says_so_and_repeats_no_id() {
    let overview = overview(vec![entry(1, 0, "one")]);
    let mut window =
        window(vec![Turn { no: 1, continued: true, items: vec![reply("And more.")], ..Turn::default() }]);
    window.no = 1;
    let html = page(&input(&overview, &window));
    assert!(html.contains("<a href=\"../#p1\">Prompt 1, continued</a>"), "{html}");
    assert!(!html.contains("id=\"p1\""));
    assert!(!html.contains("No answer recorded."));
}

#[test]
fn an_empty_session_says_so() {
    let overview = Overview { agent: "Claude Code", complete: true, ..Overview::default() };
    let window = window(Vec::new());
    let html = page(&input(&overview, &window));
    strict::check(&html);
    assert!(html.contains("Nothing was said in this session."));
    for unknown in
        ["<dt>When", "<dt>Lasted", "<dt>Prompts", "<dt>Steps", "<dt>Tokens", "End of session", "unknown"]
    {
        assert!(!html.contains(unknown), "{unknown}");
    }
}

#[test]
fn a_prompt_without_an_answer_says_so() {
    let overview = overview(vec![entry(1, 0, "one")]);
    let asked = window(vec![turn(1, "hello?", Vec::new())]);
    assert!(page(&input(&overview, &asked)).contains("No answer recorded."));
    let local = || Item::Marker(Marker::Local { command: clean("Added a.py"), output: output("") });
    let told = window(vec![turn(1, "and?", vec![local()])]);
    assert!(page(&input(&overview, &told)).contains("No answer recorded."), "the program is no agent");
    let mut command = told.clone();
    command.turns[0].prompt.as_mut().unwrap().command = Some(clean("/tally"));
    assert!(!page(&input(&overview, &command)).contains("No answer recorded."), "that came of the command");
    let live = PageInput { live: true, ..input(&overview, &asked) };
    assert!(!page(&live).contains("No answer recorded."), "it may still come");
}

#[test]
fn what_stands_before_the_first_prompt_has_a_name() {
    let overview = overview(vec![entry(0, 0, ""), entry(1, 0, "one")]);
    let before = Turn { no: 0, items: vec![item(shell(1, "ls", "x"))], ..Turn::default() };
    let html = page(&input(&overview, &window(vec![before])));
    strict::check(&html);
    assert!(html.contains("<h2 id=\"h0\" class=\"quiet\">Before the first prompt</h2>"), "{html}");
}

#[test]
fn without_times_there_are_no_clocks() {
    let mut bare = entry(1, 0, "one");
    (bare.at, bare.worked) = (None, None);
    let mut overview = overview(vec![bare]);
    (overview.started, overview.ended) = (None, None);
    let mut turn = turn(1, "one", vec![reply("Yes."), Item::Marker(Marker::Interrupted { at: None })]);
    turn.prompt.as_mut().unwrap().at = None;
    let html = page(&input(&overview, &window(vec![turn])));
    strict::check(&html);
    assert!(!html.contains("<time"), "{html}");
}

#[test]
fn an_unfinished_index_is_said_quietly() {
    let mut overview = overview(vec![entry(1, 0, "one")]);
    overview.complete = false;
    let html = page(&input(&overview, &window(vec![turn(1, "one", vec![reply("Yes.")])])));
    strict::check(&html);
    assert!(html.contains("The session is still being read"));
    assert!(!html.contains("End of session"));
}

#[test]
fn a_given_title_wins_over_the_sessions_own() {
    let mut overview = overview(vec![entry(
        1,
        0,
        "a prompt that is long enough to be cut somewhere after its sixtieth character",
    )]);
    let window = window(Vec::new());
    let h1 = |overview: &Overview, title| {
        let html = page(&PageInput { title, ..input(overview, &window) });
        html.split("<h1>").nth(1).unwrap().split("</h1>").next().unwrap().to_owned()
    };
    assert_eq!(h1(&overview, None), "a prompt that is long enough to be cut somewhere after its…");
    // Sixty are seen: the marks of code are not.
    let words = "need a little patch for `entire explain` that prints the help text if a parameter is passed";
    let coded = super::fixture::overview(vec![entry(1, 0, words)]);
    let code = "<code class=\"w\">entire explain</code>";
    assert_eq!(h1(&coded, None), format!("need a little patch for {code} that prints the help…"));
    overview.title = Some(clean("Tides"));
    assert_eq!(h1(&overview, None), "Tides");
    assert_eq!(h1(&overview, Some(&clean("Given"))), "Given");
}

#[test]
fn a_live_page_says_so_and_offers_to_reload() {
    let overview = overview(vec![entry(1, 0, "one")]);
    let window = window(vec![turn(1, "one", vec![reply("Yes.")])]);
    let html = page(&PageInput { live: true, ..input(&overview, &window) });
    strict::check(&html);
    assert!(html.contains("<span class=\"live\">Live</span>"));
    assert!(html.contains(">Reload</a>"));
}

#[test]
fn the_outline_of_a_very_long_session_stays_small() {
    let words =
        ["tide", "harbour", "chart", "moon", "table", "wind", "depth", "pilot", "buoy", "current", "lock"];
    let text = |n: u32| {
        let pick =
            |i: u32| words[(n.wrapping_mul(2_654_435_761).wrapping_add(i * 97) >> 7) as usize % words.len()];
        (0..40).map(|i| format!("{}{}", pick(i), n % (i + 7))).collect::<Vec<_>>().join(" ")
    };
    for prompts in [150, 900, 60_000] {
        let outline: Vec<_> = (1..=prompts).map(|n| entry(n, (n - 1) / 5, &text(n))).collect();
        let mut overview = overview(outline);
        overview.windows = prompts / 5;
        let mut window = window(vec![turn(1, "one", vec![reply("Yes.")])]);
        (window.no, window.next) = (prompts / 10, true);
        let html = page(&input(&overview, &window));
        strict::check(&html);
        let packed = gzip(&html);
        assert!(packed < 100 * 1024, "{prompts} prompts: {packed} bytes compressed, {} raw", html.len());
        let here = format!("#p{}\"", prompts / 10 * 5 + 1);
        assert!(html.contains(&here), "the outline shows where one is: {here}");
    }
}

fn gzip(html: &str) -> usize {
    use std::io::Write;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(html.as_bytes()).unwrap();
    encoder.finish().unwrap().len()
}

#[test]
fn headings_are_in_order_and_the_landmarks_are_there() {
    let (overview, window) = rich();
    let html = page(&input(&overview, &window));
    assert_eq!(html.matches("<h1>").count(), 1);
    for landmark in
        ["<main id=\"top\"", "<nav class=\"rail\"", "<a class=\"jump\" href=\"#talk\">", "id=\"talk\""]
    {
        assert!(html.contains(landmark), "{landmark}");
    }
    let ids: Vec<&str> = html.split(" id=\"").skip(1).filter_map(|s| s.split('"').next()).collect();
    let mut once = ids.clone();
    once.sort_unstable();
    once.dedup();
    assert_eq!(once.len(), ids.len(), "every id stands once");
}

/// What chat programs and search engines show of a link.
#[test]
fn a_preview_says_nothing_of_the_session_unless_its_sharer_named_a_title() {
    let (overview, window) = rich();
    let tags = |title| {
        let html = page(&PageInput { title, ..input(&overview, &window) });
        let tags: Vec<String> = html
            .lines()
            .filter(|line| line.contains("og:") || line.contains("twitter:"))
            .map(str::to_owned)
            .collect();
        tags.join("\n")
    };
    let silent = tags(None);
    assert!(silent.contains("content=\"A shared session\""), "{silent}");
    let own = [overview.title.as_ref(), overview.project.as_ref(), overview.branch.as_ref()];
    for word in own.into_iter().flatten().chain(overview.outline.iter().map(|entry| &entry.text)) {
        let word: String = word.as_str().chars().take(12).collect();
        assert!(!silent.contains(&word), "{word} in {silent}");
    }
    let title = clean("Tides & more");
    let named = tags(Some(&title));
    assert!(named.contains("og:title\" content=\"Tides &#38; more\""), "{named}");
}

#[test]
fn downloads_are_offered_where_they_are_allowed_only() {
    let (overview, window) = rich();
    let show = |downloads| page(&PageInput { downloads, ..input(&overview, &window) });
    strict::check(&show(true));
    assert!(show(true).contains("href=\"session.json\" download"));
    assert!(!show(false).contains("session.json"));
}

/// Ids of replies and thoughts, in order.
fn ids_of_words(html: &str) -> Vec<String> {
    let ids = html.split(" id=\"").skip(1).filter_map(|s| s.split('"').next());
    let counted = |id: &&str| id.contains(['r', 't']) && id.starts_with(['s', 'p', 'a', 'w']);
    ids.filter(counted).filter(|id| id.bytes().any(|b| b.is_ascii_digit())).map(str::to_owned).collect()
}

#[test]
fn replies_and_thoughts_have_ids_that_stay_while_the_session_grows() {
    let mut items = vec![
        thought("First."),
        reply("One."),
        reply("Two."),
        item(shell(1, "ls", "x")),
        thought("Then."),
        thought(""),
        reply("Three."),
        Item::Aside { no: 1, how: AsideHow::Queued, prompt: prompt("wait", 9) },
        reply("Four."),
    ];
    let overview = overview(vec![entry(1, 0, "one")]);
    let html = |items: &[Item]| page(&input(&overview, &window(vec![turn(1, "one", items.to_vec())])));
    let before = ids_of_words(&html(&items));
    assert_eq!(before, ["p1t1", "p1r1", "p1r2", "s1t1", "s1r1", "a1r1"]);
    items.push(item(shell(2, "pwd", "x")));
    items.push(reply("Five."));
    let after = ids_of_words(&html(&items));
    assert_eq!(after, [before, vec!["s2r1".to_owned()]].concat());
    assert!(
        html(&items).contains("<a class=\"link\" href=\"./#s1r1\" aria-label=\"Link to this reply\">#</a>")
    );
    assert!(html(&items).contains("<a class=\"link\" href=\"./#s1t1\""));
}

#[test]
fn a_turn_that_goes_on_repeats_no_id_of_its_beginning() {
    let overview = overview(vec![entry(1, 0, "one")]);
    let on = Turn { no: 1, continued: true, items: vec![reply("More.")], ..Turn::default() };
    let mut second = window(vec![on]);
    second.no = 3;
    assert_eq!(ids_of_words(&page(&input(&overview, &second))), ["w3r1"]);
}

#[test]
fn what_a_sub_agent_says_is_counted_inside_its_step() {
    let (overview, window) = rich();
    let html = page(&input(&overview, &window));
    let ids = ids_of_words(&html);
    let once: std::collections::HashSet<_> = ids.iter().collect();
    assert_eq!(once.len(), ids.len(), "{ids:?}");
    assert!(ids.iter().any(|id| id.starts_with("s8r")), "{ids:?}");
}

#[test]
fn the_head_says_how_it_ended_and_leads_there() {
    let mut overview = overview(vec![entry(1, 0, "one"), entry(2, 1, "two")]);
    (overview.windows, overview.ending) = (2, Some(Ending::Reply(clean("All **is** `well`.\n\n- More."))));
    let mut last = window(vec![turn(2, "two", vec![reply("I look."), reply("All is well.")])]);
    last.no = 1;
    let of = |overview: &Overview, live| {
        let html = page(&PageInput { live, ..input(overview, &last) });
        strict::check(&html);
        let section = html.split("<section class=\"ending\"").nth(1).unwrap_or_default();
        (
            section.split("</section>").next().unwrap_or_default().to_owned(),
            html.matches(" id=\"end\"").count(),
        )
    };
    let (section, ends) = of(&overview, false);
    let want = "<a href=\"../w/1#end\">All is <code class=\"w\">well</code>. · More.</a>";
    assert!(section.contains("How it ended") && section.contains(want), "{section}");
    assert_eq!(ends, 1);
    // While it goes on the end moves.
    let (section, ends) = of(&overview, true);
    assert!(section.contains("How it stands") && section.contains("href=\"../w/1#p2\""), "{section}");
    assert_eq!(ends, 0);
    for (ending, want) in [
        (Ending::Interrupted, "<a href=\"../w/1#end\">The agent was interrupted."),
        (Ending::ApiError(clean("529 <b>")), "The model did not answer: 529 &lt;b&gt;"),
        (Ending::Declined(7), "<a href=\"../w/1#s7\">Step 7 was declined."),
        (Ending::BrokeOff(Some(9)), "<a href=\"../w/1#s9\">Without a closing reply, at step 9."),
        (Ending::BrokeOff(None), "<a href=\"../w/1#p2\">Without a closing reply."),
        (Ending::Unanswered, "<a href=\"../w/1#p2\">The last prompt has no answer."),
    ] {
        overview.ending = Some(ending);
        let (section, _) = of(&overview, false);
        assert!(section.contains(want), "{want} in {section}");
    }
    // One question, one answer: the page says it.
    (overview.outline, overview.steps) = (vec![entry(1, 0, "one")], 0);
    assert_eq!(of(&overview, false).0, "");
}

#[test]
fn the_rail_is_headed_by_the_project_and_without_one_by_the_agent() {
    let mut overview = overview(vec![entry(1, 0, "one")]);
    overview.agent = "Gemini CLI";
    let place = |overview: &Overview| {
        let html = page(&input(overview, &window(Vec::new())));
        let (_, rest) = html.split_once("<p class=\"where\">").unwrap();
        rest.split_once("</p>").unwrap().0.to_owned()
    };
    overview.project = Some(clean("cli"));
    assert!(place(&overview).ends_with(">cli</a>"), "{}", place(&overview));
    overview.project = None;
    assert!(place(&overview).ends_with(">Gemini CLI</a>"), "{}", place(&overview));
}

#[test]
fn what_was_masked_says_so_wherever_an_element_may_stand() {
    use crate::redact::MASK;
    let mut overview = overview(vec![entry(1, 0, &format!("use {MASK}"))]);
    overview.title = Some(clean(&format!("Keys {MASK}")));
    let mut shown = shell(1, &format!("curl -H {MASK}"), &format!("sent {MASK}\n"));
    shown.beside = vec![(clean("token"), clean(MASK))];
    let window =
        window(vec![turn(1, &format!("use {MASK}"), vec![item(shown), reply(&format!("`{MASK}`"))])]);
    let html = page(&input(&overview, &window));
    strict::check(&html);
    let named = html.matches("title=\"hidden\">").count();
    assert!(html.contains(&format!("<title>Keys {MASK}")), "{html}");
    // One in the title of the window's frame.
    assert_eq!(html.matches(MASK).count(), named + 1, "{html}");
    assert!(named >= 7, "{html}");
}
