//! One golden per kind of block.

use super::fixture::*;
use crate::render::html::Html;
use crate::render::items::{self, Ending};
use crate::render::scene::{Scene, Spot};
use crate::session::model::*;

fn scene() -> Scene {
    Scene::new(&overview(vec![entry(1, 0, "one")]), 0, false, false)
}

pub(super) fn show(items: &[Item]) -> String {
    let scene = scene();
    let mut html = Html::new();
    items::write(
        &mut html,
        &Spot::top(&scene),
        Vec::new(),
        items,
        Ending { closed: true, ..Ending::default() },
    );
    html.into_string()
}

/// Every item of the rich session, by itself.
#[test]
fn every_kind_of_block_has_its_form() {
    let (_, window) = rich();
    for turn in &window.turns {
        for (i, block) in turn.items.iter().enumerate() {
            let name = format!("block_{}_{:02}", turn.no, i + 1);
            insta::assert_snapshot!(name, show(std::slice::from_ref(block)));
        }
    }
}

#[test]
fn commands_and_patterns_stand_as_they_were_written() {
    let html = show(&[item(shell(1, "ls **/*.rs # all of **them**", "x"))]);
    assert!(html.contains("<span class=\"cmd\">ls **/*.rs # all of **them**</span>"), "{html}");
    let find = |no, pattern| {
        let (pattern, hits) = (clean(pattern), output("a"));
        let tool = Tool::Find { verb: "Glob", pattern, within: None, matches: None, files: None, hits };
        item(step(no, StepKind::Read, "Glob", tool))
    };
    let html = show(&[find(1, "**/*.rs"), find(2, "**/*.md")]);
    assert!(html.contains("<span class=\"cmd\">**/*.rs, **/*.md</span>"), "{html}");
}

#[test]
fn context_is_a_quiet_row_that_opens() {
    let html = show(&[Item::Context { what: clean("hook"), text: output("be <brief>\nask first") }]);
    assert!(html.contains(">Context<") && html.contains("hook: be &lt;brief&gt; ask first<"), "{html}");
    assert!(html.contains("<details>") && html.contains("be &lt;brief&gt;\nask first</pre>"), "{html}");
}

#[test]
fn steps_of_a_kind_gather_and_edits_do_not() {
    let one = |no| item(edit(no, "a.rs", &[(Some((1, 1)), "-a\n+b")]));
    let html = show(&[
        item(shell(1, "git diff", "x")),
        item(shell(2, "go test ./...", "x")),
        item(read(3, "a/b.rs", 1, "x")),
        one(4),
        one(5),
    ]);
    assert_eq!(html.matches("class=\"step group").count(), 1);
    assert!(html.contains("<span class=\"n\">2 commands</span><span class=\"cmd\">git diff, go test</span>"));
    for id in 1..=5 {
        assert_eq!(html.matches(&format!("id=\"s{id}\"")).count(), 1, "s{id}");
    }
}

#[test]
fn files_of_one_name_are_told_apart_in_the_row_of_their_group() {
    let of = |paths: &[&str]| {
        let reads: Vec<_> = (1..).zip(paths).map(|(no, path)| item(read(no, path, 1, "x"))).collect();
        show(&reads)
    };
    let html = of(&["a/rc.lua", "b/rc.lua", "b/rc.lua", "b/x.lua"]);
    assert!(html.contains("<span class=\"cmd\">a/rc.lua, b/rc.lua, x.lua</span>"), "{html}");
    assert!(of(&["a/rc.lua", "a/rc.lua"]).contains("<span class=\"cmd\">rc.lua</span>"));
}

#[test]
fn a_failure_inside_a_group_is_counted_in_its_row() {
    let mut failed = shell(2, "go test", "x");
    failed.outcome = Outcome::Failed(clean(""));
    let html = show(&[item(shell(1, "git diff", "x")), item(failed), item(shell(3, "ls", "x"))]);
    assert!(html.contains("<span class=\"fail\">1 failed</span>"), "{html}");
}

#[test]
fn many_short_thoughts_between_steps_of_a_kind_gather_with_them() {
    let mut items = Vec::new();
    for no in 1..=4 {
        items.push(item(read(no, "a.rs", 1, "x")));
        items.push(thought("Next."));
    }
    let html = show(&items);
    assert_eq!(html.matches("class=\"step group").count(), 1);
    assert!(html.contains("4 files"));
    // Two thoughts only: everything stays as it was.
    assert_eq!(show(&items[..5]).matches("class=\"step group").count(), 0);
}

#[test]
fn a_thought_with_a_heading_is_named_by_it_and_gathers() {
    let headed = || thought("**Reading the chart**\n\nThe chart is *old*.");
    let html = show(&[headed()]);
    assert!(html.contains("<span class=\"said\">Reading the chart</span>"), "{html}");
    assert!(html.contains("<div class=\"prose small\"><p>The chart is <em>old</em>.</p>"), "{html}");
    let items: Vec<_> = (1..=4).flat_map(|no| [headed(), item(read(no, "a.rs", 1, "x"))]).collect();
    assert_eq!(show(&items).matches("class=\"step group").count(), 1);
    assert!(show(&[thought("**Only a heading**")]).contains("<span class=\"said\">Only a heading</span>"));
    assert!(show(&[thought("**Not** all of it")]).contains(">Not all of it</span>"));
}

#[test]
fn steps_of_an_agent_are_numbered_below_its_own() {
    let (_, window) = rich();
    let html = show(&window.turns[1].items);
    assert!(html.contains("id=\"s8.1\"") && html.contains("id=\"s8.6\""));
    assert_eq!(html.matches("All is well.").count(), 1, "the report is said once");
}

#[test]
fn that_an_edit_is_of_every_occurrence_is_a_quiet_line() {
    let mut edit = edit(1, "a.rs", &[(Some((1, 1)), "-a\n+b")]);
    edit.beside = vec![(clean("replace_all"), clean("true"))];
    let html = show(&[item(edit.clone())]);
    assert!(html.contains("<p class=\"note\">Every occurrence</p>") && !html.contains("pairs"), "{html}");
    edit.beside.push((clean("strict"), clean("true")));
    assert!(show(&[item(edit)]).contains("<dt>replace_all</dt>"), "what else there is is told as it is");
}

#[test]
fn words_are_marked_only_in_lines_that_are_alike() {
    let html = show(&[item(edit(
        1,
        "a",
        &[(Some((1, 1)), "-let stdout = buffer();\n+let stdout, stderr = buffer();")],
    ))]);
    assert!(html.contains("let stdout<ins>, stderr</ins> = buffer();"), "{html}");
    let html =
        show(&[item(edit(1, "a", &[(Some((1, 1)), "-completely other words\n+let stdout = buffer();")]))]);
    assert!(!html.contains("<ins>") && !html.contains("<del>"), "{html}");
}

#[test]
fn unchanged_lines_between_hunks_are_counted() {
    let html = show(&[item(edit(
        1,
        "a",
        &[(Some((10, 10)), " a\n-b\n+c\n d"), (Some((20, 20)), " e\n-f\n+g\n h")],
    ))]);
    // Lines 10 to 12 and 20 to 22 are shown.
    assert!(html.contains("<td>7 lines unchanged</td>"), "{html}");
}

#[test]
fn context_beyond_three_lines_is_left_out() {
    let same = " s\n".repeat(20);
    let lines = format!("-a\n{same}+b\n{same}");
    let html = show(&[item(edit(1, "a", &[(Some((1, 1)), lines.as_str())]))]);
    assert!(html.contains("<td>14 lines unchanged</td>"), "{html}");
    // 2 changes, 3 + 3 + 3 of context, 1 for what is left out.
    assert_eq!(html.matches("<tr").count(), 12);
    assert!(
        html.contains("<td data-n=\"19\"></td><td data-n=\"18\"></td>"),
        "numbers go on after a skip: {html}"
    );
}

/// What a session shows that goes on.
fn show_on(items: &[Item]) -> String {
    let scene = scene();
    let mut html = Html::new();
    let ending = Ending { running: true, ..Ending::default() };
    items::write(&mut html, &Spot::top(&scene), Vec::new(), items, ending);
    html.into_string()
}

fn open(no: u32) -> Step {
    Step { outcome: Outcome::Open, ..shell(no, "cargo bench", "") }
}

#[test]
fn steps_without_a_result_are_running_at_the_end_of_a_session_that_goes_on() {
    let running = |items: &[Item]| show_on(items).matches("step run running").count();
    assert_eq!(running(&[item(open(1))]), 1);
    assert!(
        show_on(&[item(open(1))])
            .contains("<time class=\"dur\" datetime=\"2026-01-29T22:20:03Z\" data-running>")
    );
    assert!(show(&[item(open(1))]).contains("no result recorded"));
    // Side by side: one answered already.
    assert_eq!(running(&[reply("Now."), item(open(1)), item(shell(2, "ls", "x")), item(open(3))]), 2);
    // What was said since stands behind a step that nobody answers any more.
    assert_eq!(running(&[item(open(1)), reply("Well.")]), 0);
    assert_eq!(running(&[item(open(1)), thought("Well."), item(open(2))]), 1);
}

#[test]
fn so_are_those_of_an_agent_at_work() {
    let agent = |outcome| {
        let tool = Tool::Agent {
            description: clean("look"),
            kind: None,
            prompt: clean("Look at it."),
            report: Output::default(),
            items: vec![item(shell(1, "ls", "x")), item(open(2))],
            tokens: None,
        };
        item(Step { outcome, ..step(1, StepKind::Agent, "Task", tool) })
    };
    let html = show_on(&[agent(Outcome::Open)]);
    assert!(html.contains("step agent running") && html.contains("step run running"), "{html}");
    assert!(!show_on(&[agent(Outcome::Done)]).contains("running\""));
}

#[test]
fn a_brief_that_is_one_line_is_told_once() {
    let agent = |prompt: &str| {
        let tool = Tool::Agent {
            description: clean("look"),
            kind: None,
            prompt: clean(prompt),
            report: output("Done."),
            items: Vec::new(),
            tokens: None,
        };
        show(&[item(step(1, StepKind::Agent, "Task", tool))])
    };
    assert_eq!(agent("Count the lines.").matches("Count the lines.").count(), 1);
    assert_eq!(agent("Count the lines.\n\nThen stop.").matches("Count the lines.").count(), 2);
}

/// An agent of which nothing is known but what it was to do.
fn silent_agent() -> Step {
    let tool = Tool::Agent {
        description: clean("look"),
        kind: None,
        prompt: clean(""),
        report: Output::default(),
        items: Vec::new(),
        tokens: None,
    };
    step(1, StepKind::Agent, "Task", tool)
}

#[test]
fn an_agent_in_the_background_says_so_in_its_row() {
    let beside = vec![(clean("run_in_background"), clean("true"))];
    let html = show(&[item(Step { beside, ..silent_agent() })]);
    assert!(
        html.contains("<span class=\"res\">in the background</span>") && !html.contains("<details"),
        "{html}"
    );
}

/// The forms that the rich session lacks, each opened on its own.
#[test]
fn more_forms_of_tools() {
    let entry = |text, state| TodoItem { text: clean(text), state };
    let items = vec![entry("Chart the bay", TodoState::Done), entry("Sound it", TodoState::Later)];
    let change = |to, text| Some(TodoChange { to, added: false, text: clean(text) });
    let task = |no, change| {
        item(step(no, StepKind::Other, "TaskUpdate", Tool::Todo { items: items.clone(), change }))
    };
    let polled = |exit| Tool::Polled {
        command: clean("npm run dev"),
        state: Some(clean("running")),
        exit,
        output: output("ready in 1098 ms\n"),
    };
    let fetch = Tool::Fetch {
        url: clean("https://example.org/tides/"),
        asked: Some(clean("When is high water?")),
        content: output("# High water\n\nAt **04:12**."),
    };
    let link = |title, url| Link { title: clean(title), url: clean(url) };
    let search = Tool::WebSearch {
        query: clean("tide tables Leith"),
        links: vec![link("Tides <today>", "https://example.org/tides"), link("Trap", "javascript:alert(1)")],
        results: output("High water is at *04:12*."),
    };
    let looks = |kind, name, tool| item(step(1, kind, name, tool));
    let looked_at = Tool::TodoEntry {
        item: entry("Sound it", TodoState::Doing),
        about: output("with the *lead*\nBlocked by: #1"),
    };
    let forms = [
        ("task_looked_at", looks(StepKind::Other, "TaskGet", looked_at)),
        ("task_done", task(1, change(Some(TodoState::Done), "Chart the bay"))),
        ("task_deleted", task(1, change(None, "Ask"))),
        ("polled", looks(StepKind::Read, "BashOutput", polled(None))),
        ("polled_exit", looks(StepKind::Read, "BashOutput", polled(Some(1)))),
        ("fetch_asked", looks(StepKind::Read, "WebFetch", fetch)),
        ("search_links", looks(StepKind::Read, "WebSearch", search)),
    ];
    for (name, form) in forms {
        insta::assert_snapshot!(format!("form_{name}"), show(&[form]));
    }
}

#[test]
fn entries_added_one_after_the_other_gather_but_the_list_as_it_is_last_stands_open() {
    let items: Vec<Item> = (1..=4)
        .map(|no| {
            let text = clean(&format!("entry {no}"));
            let change = Some(TodoChange { to: Some(TodoState::Later), added: true, text: text.clone() });
            let items = vec![TodoItem { text, state: TodoState::Later }];
            item(step(no, StepKind::Other, "TaskCreate", Tool::Todo { items, change }))
        })
        .collect();
    let html = show(&items);
    assert!(
        html.contains("<span class=\"n\">3 entries</span><span class=\"cmd\">entry 1, entry 2, entry 3"),
        "{html}"
    );
    assert_eq!(html.matches("<details open>").count(), 1, "{html}");
    assert!(html.contains("<span class=\"said\">added: entry 4</span>"), "{html}");
}

#[test]
fn a_command_in_a_folder_is_told_by_what_it_does() {
    let html = show(&[item(shell(1, "cd /home/me/work && git status", "x"))]);
    assert!(
        html.contains("<span class=\"cmd\">git status</span><span class=\"in\"> in <span class=\"dir\">/home/me/work</span></span>"),
        "{html}"
    );
    // As it was typed, below.
    assert!(
        html.contains("cmdline\"><code>") && html.contains("/home/me/work &amp;&amp; git status</code>"),
        "{html}"
    );
}

#[test]
fn a_long_name_of_a_server_or_a_tool_does_not_break_the_column_of_verbs() {
    let other = |server: Option<&str>, name: &str| {
        let (object, input) = (Some(clean("x")), vec![(clean("q"), clean("x"))]);
        let tool = Tool::Other {
            server: server.map(clean),
            object,
            input,
            output: output("done"),
            told: Vec::new(),
        };
        show(&[item(step(1, StepKind::Other, name, tool))])
    };
    let html = other(Some("honeycomb-dogfood"), "mcp__honeycomb-dogfood__run_query");
    assert!(html.contains("<span class=\"verb\">MCP</span> <span class=\"what\"><span class=\"dir\">honeycomb-dogfood</span> <span class=\"cmd\">run_query</span>"), "{html}");
    assert!(!html.contains("pairs"), "what the row says is not said again: {html}");
    assert!(other(Some("linear"), "mcp__linear__close").contains("<span class=\"verb\">linear</span>"));
    let html = other(None, "ListMcpResourcesTool");
    assert!(html.contains("<span class=\"verb\">Tool</span> <span class=\"what\"><span class=\"cmd\">ListMcpResourcesTool</span>"), "{html}");
}

#[test]
fn that_nothing_was_found_is_said_once_and_here_is_nowhere_special() {
    let (pattern, within, hits) = (clean("**/*.md"), Some(clean(".")), output("No files found"));
    let tool = Tool::Find { verb: "Glob", pattern, within, matches: None, files: Some(0), hits };
    let html = show(&[item(step(1, StepKind::Read, "Glob", tool))]);
    assert!(
        html.contains("nothing found") && !html.contains("<details") && !html.contains("No files"),
        "{html}"
    );
    assert!(!html.contains(" in "), "{html}");
}

#[test]
fn what_the_program_said_is_no_command() {
    let local = |command: &str| {
        show(&[Item::Marker(Marker::Local { command: clean(command), output: Output::default() })])
    };
    assert!(local("/cost").contains(">Local<") && local("!ls").contains(">Local<"));
    assert!(
        local("An update is available").contains(">Notice</span> <span class=\"what\"><span class=\"said\">")
    );
}

#[test]
fn an_agent_of_which_nothing_is_known_does_not_open() {
    assert!(!show(&[item(silent_agent())]).contains("<details"));
}
