//! Sessions made by hand.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::redact::{CleanText, Cleaner};
use crate::session::model::*;
use crate::session::timeline::{Event, Goal, Lane, Timeline, drawn};

/// Clean text.
pub fn clean(text: &str) -> CleanText {
    Cleaner::new().text(text)
}

/// `seconds` after the session began.
pub fn at(seconds: i64) -> Option<Timestamp> {
    Some(Timestamp::from_second(1_769_725_193 + seconds).unwrap())
}

/// Output as a parser hands it on: whole unless it is longer than a window may hold.
pub fn output(text: &str) -> Output {
    Output { text: clean(text), bytes: text.len() as u64, lines: text.lines().count() as u64 }
}

/// A step that worked.
pub fn step(no: u32, kind: StepKind, name: &str, tool: Tool) -> Step {
    let took = Some(Duration::from_secs(u64::from(no) * 3));
    let at = at(i64::from(no) * 10);
    Step {
        no,
        kind,
        name: clean(name),
        tool,
        beside: Vec::new(),
        outcome: Outcome::Done,
        at,
        took,
        images: Vec::new(),
    }
}

/// The same, as an item.
pub fn item(step: Step) -> Item {
    Item::Step(Box::new(step))
}

/// A shell command.
pub fn shell(no: u32, command: &str, printed: &str) -> Step {
    let tool = Tool::Shell {
        command: clean(command),
        description: None,
        background: false,
        exit: None,
        output: output(printed),
    };
    step(no, StepKind::Run, "Bash", tool)
}

/// A file that was read.
pub fn read(no: u32, path: &str, from: u64, content: &str) -> Step {
    step(no, StepKind::Read, "Read", Tool::Read { path: clean(path), from, content: output(content) })
}

/// An edit, its hunks as `(start, lines)`, each line with its sign: ` `, `+`, `-`.
pub fn edit(no: u32, path: &str, hunks: &[(Option<(u64, u64)>, &str)]) -> Step {
    step(no, StepKind::Edit, "Edit", Tool::Edit { path: clean(path), diff: diff(hunks) })
}

/// A diff; see [`edit`].
pub fn diff(hunks: &[(Option<(u64, u64)>, &str)]) -> FileDiff {
    let mut diff = FileDiff::default();
    for (start, text) in hunks {
        let mut lines = Vec::new();
        for line in text.lines() {
            let (sign, line) = line.split_at(1);
            lines.push(match sign {
                "+" => DiffLine::Added(clean(line)),
                "-" => DiffLine::Removed(clean(line)),
                _ => DiffLine::Same(clean(line)),
            });
        }
        diff.added += lines.iter().filter(|line| matches!(line, DiffLine::Added(_))).count() as u64;
        diff.removed += lines.iter().filter(|line| matches!(line, DiffLine::Removed(_))).count() as u64;
        diff.hunks.push(Hunk { start: *start, lines });
    }
    diff
}

/// A prompt.
pub fn prompt(text: &str, seconds: i64) -> Prompt {
    Prompt { text: clean(text), command: None, attachments: Vec::new(), at: at(seconds) }
}

/// A reply.
pub fn reply(text: &str) -> Item {
    Item::Reply { text: clean(text), at: None }
}

/// A thought.
pub fn thought(text: &str) -> Item {
    Item::Thinking { text: clean(text), at: None }
}

/// An entry of the outline.
pub fn entry(no: u32, window: WindowNo, text: &str) -> OutlineEntry {
    OutlineEntry {
        no,
        window,
        text: clean(text),
        command: false,
        at: at(i64::from(no) * 100 - 100),
        worked: Some(Duration::from_secs(277)),
        kinds: vec![StepKind::Read, StepKind::Edit, StepKind::Run],
        ends: vec![Ended::Done, Ended::Declined, Ended::Failed],
        inside: Vec::new(),
        steps: 3,
        sub_steps: 0,
        added: 26,
        removed: 1,
        asides: Vec::new(),
    }
}

/// An overview of a finished session with these prompts.
pub fn overview(outline: Vec<OutlineEntry>) -> Overview {
    Overview {
        agent: "Claude Code",
        version: Some(clean("2.1.23")),
        models: vec![clean("claude-opus-4-5-20251101")],
        title: None,
        project: Some(clean("harbour")),
        branch: Some(clean("tide-tables")),
        started: at(0),
        ended: at(524),
        usage: Usage { input: 150, output: 9_000, cache_read: 1_329_665, cache_write: 152_740 },
        cost: Cost { nanodollars: 1_845_207_500, unpriced: 0 },
        steps: 17,
        sub_steps: 24,
        outline,
        timeline: Timeline::default(),
        changes: None,
        ending: None,
        windows: 1,
        complete: true,
    }
}

/// A turn.
pub fn turn(no: u32, text: &str, items: Vec<Item>) -> Turn {
    Turn { no, prompt: Some(prompt(text, i64::from(no) * 100 - 100)), items, ..Turn::default() }
}

/// A window with nothing after it.
pub fn window(turns: Vec<Turn>) -> Window {
    Window { no: 0, turns, next: false }
}

/// One session with every kind of block in it.
pub fn rich() -> (Overview, Window) {
    let first = turn(
        1,
        "print tomorrow's tides when `harbour tides` is called without a date\n\nKeep the table as it is, and \
         do not touch the parser.\nIt should also say the time zone.",
        first_items(),
    );
    let mut second =
        turn(2, "Look at the diff of this branch.\n\n1. Read the **guide**\n2. Report", second_items());
    if let Some(prompt) = &mut second.prompt {
        prompt.command = Some(clean("/review tides"));
    }
    let mut third = turn(3, "the table is cut off on the right, see the screenshot", third_items());
    if let Some(prompt) = &mut third.prompt {
        let size = Some((1280, 400));
        prompt.attachments.push(Attachment { no: 1.into(), media_type: "image/png", bytes: 61_000, size });
    }
    let fourth = turn(4, "thanks", Vec::new());
    let mut entries: Vec<_> = [&first, &second, &third, &fourth]
        .into_iter()
        .map(|turn| entry(turn.no, 0, turn.prompt.as_ref().map(|p| p.text.as_str()).unwrap_or_default()))
        .collect();
    entries[0].asides.push(OutlineAside {
        no: 1,
        window: 0,
        text: clean("let's cut a branch first"),
        at: None,
        after: 2,
    });
    entries[1].text = clean("/review tides");
    entries[1].command = true;
    let overview = Overview {
        timeline: timeline(),
        changes: Some(Arc::new(changes())),
        ending: Some(Ending::Unanswered),
        ..overview(entries)
    };
    (overview, window(vec![first, second, third, fourth]))
}

/// Work, a pause of an hour, and work again.
fn timeline() -> Timeline {
    let event = |lane, from, to, goal| {
        let (from, to) = (at(from).unwrap().as_millisecond(), at(to).unwrap().as_millisecond());
        Event { lane, from, to, goal, ended: Ended::Done, minor: false }
    };
    let events = vec![
        event(Lane::You, 0, 0, Goal::Prompt(1)),
        event(Lane::Model, 0, 12, Goal::None),
        event(Lane::Read, 12, 13, Goal::Step(1)),
        Event { ended: Ended::Declined, ..event(Lane::Edit, 30, 77, Goal::Step(3)) },
        Event { minor: true, ..event(Lane::You, 60, 60, Goal::Aside(1)) },
        Event { minor: true, ..event(Lane::Run, 100, 130, Goal::None) },
        event(Lane::You, 3_700, 3_700, Goal::Prompt(2)),
        Event { ended: Ended::Failed, ..event(Lane::Run, 3_705, 3_800, Goal::Step(8)) },
        event(Lane::Run, 3_705, 3_706, Goal::Step(9)),
    ];
    drawn(events, |_| 0)
}

/// Ten files.
pub fn changes() -> Changes {
    let file = |n: u64| ChangedFile {
        path: clean(&format!("src/tides/part_{n}.rs")),
        edits: n as u32 + 1,
        created: n % 2 == 1,
        added: n * n,
        removed: n,
        first: if n == 3 { "7.2".into() } else { n.to_string() },
        window: 0,
        by: (n == 3).then(|| clean("reviewer")),
    };
    let files: Vec<_> = (0..10).map(file).collect();
    Changes { files, count: 10, added: 285, removed: 45, ..Changes::default() }
}

fn first_items() -> Vec<Item> {
    let find = Tool::Find {
        verb: "Glob",
        pattern: clean("**/tide*.rs"),
        within: Some(clean("src/")),
        matches: None,
        files: Some(2),
        hits: output("src/tides/table.rs\nsrc/tides/mod.rs\n"),
    };
    let mut declined =
        edit(3, "src/tides/mod.rs", &[(None, " fn main() {\n-    run(_)\n+    run(args)\n }")]);
    declined.outcome = Outcome::Declined;
    let mut failed =
        shell(6, "cargo test", "running 3 tests\n\x1b[32mok\x1b[0m a\n\x1b[1;31mFAILED\x1b[0m b\n");
    failed.outcome = Outcome::Failed(clean(""));
    if let Tool::Shell { exit, description, .. } = &mut failed.tool {
        *exit = Some(101);
        *description = Some(clean("Run the tests"));
    }
    let long: String = (1..=60).map(|n| format!("let line_{n} = {n};\n")).collect();
    vec![
        thought("Let me look at how `tides` parses its arguments."),
        reply("I'll look at the current `tides` command first."),
        item(step(1, StepKind::Read, "Glob", find)),
        thought(
            "The table is built in `table.rs`. It takes a date.\n\nIf none is given it fails, so I have to:\n\n1. check\n2. default",
        ),
        item(read(2, "src/tides/table.rs", 80, &long)),
        item(declined),
        Item::Aside { no: 1, how: AsideHow::Declining, prompt: prompt("let's cut a branch first", 74) },
        item(shell(4, "git switch -c tides-default", "Switched to a new branch 'tides-default'\n")),
        item(edit(
            5,
            "src/tides/mod.rs",
            &[
                (
                    Some((40, 40)),
                    " use std::env;\n \n fn main() {\n-    let day = day(env::args());\n+    let day = day(env::args()).unwrap_or(tomorrow());\n     print(day);\n }\n \n fn far() {}\n fn farther() {}",
                ),
                (Some((90, 90)), " fn tomorrow() {\n+    // the next day at noon\n+    today() + 1\n }"),
            ],
        )),
        item(failed),
        item(shell(7, "cargo fmt", "")),
        reply(
            "It works now:\n\n```text\n$ harbour tides\nHigh 04:12  5.1 m\n```\n\n| port | high |\n|:--|--:|\n| Leith | 04:12 |\n\n- [x] default\n- [ ] docs, see [the guide](https://example.org/guide)",
        ),
    ]
}

fn second_items() -> Vec<Item> {
    let inner = vec![
        item(read(1, "docs/guide.md", 1, "# Guide\n\nBe kind.\n")),
        item(read(2, "docs/style.md", 1, "# Style\n")),
        item(shell(3, "git diff main", "+ line\n")),
        item(shell(4, "git log --oneline", "abc\n")),
        item(shell(5, "ls -la", "total 0\n")),
        item(step(
            6,
            StepKind::Edit,
            "Write",
            Tool::Write {
                path: clean("review-01.md"),
                created: true,
                diff: diff(&[(Some((0, 1)), "+# Review\n+\n+Fine.")]),
            },
        )),
        reply("## Review\n\nAll is well."),
    ];
    let agent = Tool::Agent {
        description: clean("Reviewer checking the tides"),
        kind: Some(clean("general-purpose")),
        prompt: clean("Read the guide.\nThen review."),
        report: output("## Review\n\nAll is well."),
        items: inner,
        tokens: Some(51_000),
    };
    let todo = |no, doing| {
        let state = |i| match i {
            i if i < doing => TodoState::Done,
            i if i == doing => TodoState::Doing,
            _ => TodoState::Later,
        };
        let names = ["Default the date", "Add a test", "Run the linter", "Ask for a review"];
        let items =
            names.iter().enumerate().map(|(i, t)| TodoItem { text: clean(t), state: state(i) }).collect();
        item(step(no, StepKind::Other, "TodoWrite", Tool::Todo { items, change: None }))
    };
    let grep = Tool::Find {
        verb: "Grep",
        pattern: clean("tomorrow"),
        within: None,
        matches: Some(2),
        files: Some(2),
        hits: output("src/a.rs:3: tomorrow()\nsrc/b.rs:9: tomorrow()\n"),
    };
    let fetch = Tool::Fetch {
        url: clean("https://example.org/tides/"),
        asked: None,
        content: output("Tides are caused by the moon."),
    };
    let search = Tool::WebSearch {
        query: clean("tide tables Leith"),
        links: Vec::new(),
        results: output("1. Tides\n2. More tides\n"),
    };
    let mcp = Tool::Other {
        server: Some(clean("linear")),
        object: None,
        input: vec![(clean("title"), clean("Tides")), (clean("body"), clean("Say the\nzone"))],
        output: output("{\"id\":\"T-12\"}"),
        told: vec![(clean("id"), clean("T-12"))],
    };
    let other = Tool::Other {
        server: None,
        object: Some(clean("notes.ipynb")),
        input: vec![(clean("notebook_path"), clean("notes.ipynb"))],
        output: output(""),
        told: Vec::new(),
    };
    let question = Question {
        text: clean("Show the full help, or one line?"),
        options: vec![
            Choice { text: clean("One line"), about: None, picked: true },
            Choice {
                text: clean("The full help"),
                about: Some(clean("All options, one a line.")),
                picked: false,
            },
        ],
        answer: None,
    };
    let mut background = shell(16, "cargo watch", "");
    if let Tool::Shell { background, .. } = &mut background.tool {
        *background = true;
    }
    vec![
        item(step(8, StepKind::Agent, "Task", agent)),
        reply("The reviewer **approved**."),
        todo(9, 1),
        todo(10, 2),
        item(step(11, StepKind::Read, "Grep", grep)),
        item(step(12, StepKind::Read, "WebFetch", fetch)),
        item(step(13, StepKind::Read, "WebSearch", search)),
        item(step(14, StepKind::Other, "mcp__linear__create_issue", mcp)),
        item(step(15, StepKind::Other, "NotebookEdit", other)),
        item(background),
        item(step(
            17,
            StepKind::Other,
            "ExitPlanMode",
            Tool::Plan { text: clean("Default the date\n\nThen *test* it.") },
        )),
        item(step(18, StepKind::Other, "AskUserQuestion", Tool::Question { questions: vec![question] })),
    ]
}

fn third_items() -> Vec<Item> {
    let mut open = shell(19, "cargo bench", "");
    open.outcome = Outcome::Open;
    open.took = None;
    vec![
        Item::Marker(Marker::Compacted {
            at: at(210),
            before: Some(168_000),
            after: Some(22_000),
            summary: Some(clean("The person wants tides.\n\nThe work so far: a default.")),
        }),
        Item::Marker(Marker::Model { to: clean("claude-sonnet-4-5-20250929") }),
        Item::Marker(Marker::Local { command: clean("/cost"), output: output("Total: 1.20\n") }),
        thought(""),
        Item::Marker(Marker::ApiError {
            at: at(230),
            text: clean("529 overloaded"),
            times: 3,
            until: at(271),
        }),
        item(open),
        Item::Marker(Marker::Interrupted { at: at(240) }),
        Item::Unknown {
            what: clean("line 412 is not valid JSON"),
            fields: vec![(clean("start"), clean("{\"type\":\"assist"))],
        },
        Item::Unknown { what: clean("telepathy"), fields: Vec::new() },
        thought("So the table is too wide.\n\nI would have cut the last column."),
    ]
}
