//! What records become.

use serde_json::json;

use super::{items, lines, record, steps, turns};
use crate::session::model::{AsideHow, DiffLine, Item, Marker, Outcome, StepKind, TodoState, Tool};

fn one_step(name: &str, input: serde_json::Value, result: String) -> crate::session::model::Step {
    steps(&lines(&[record::user(0, json!("go")), record::call(1, "t", name, input), result])).remove(0)
}

#[test]
fn a_shell_command_has_its_exit_code_and_output() {
    let step = one_step(
        "Bash",
        json!({ "command": "make", "description": "Build" }),
        record::error(4, "t", "Exit code 2\nno rule"),
    );
    let Tool::Shell { command, description, exit, output, .. } = &step.tool else { panic!("{step:?}") };
    assert_eq!((command.as_str(), description.as_ref().map(|d| d.as_str())), ("make", Some("Build")));
    assert_eq!((*exit, output.text.as_str(), output.cut()), (Some(2), "no rule", false));
    assert!(matches!(&step.outcome, Outcome::Failed(text) if text.is_blank()));
    assert_eq!((step.no, step.kind, step.took.map(|t| t.as_secs())), (1, StepKind::Run, Some(3)));
}

#[test]
fn what_was_read_loses_line_numbers_and_reminders() {
    let text = "    7→fn main() {\n    8→}\n\n<system-reminder>\nbe good\n</system-reminder>\n";
    let step = one_step(
        "Read",
        json!({ "file_path": "/home/ada/tally/src/main.rs" }),
        record::result(2, "t", json!(text), json!({})),
    );
    let Tool::Read { path, from, content } = &step.tool else { panic!("{step:?}") };
    assert_eq!(
        (path.as_str(), *from, content.text.as_str(), content.lines),
        ("src/main.rs", 7, "fn main() {\n}", 2)
    );
    let step = one_step(
        "Read",
        json!({ "file_path": "/etc/x", "offset": 3 }),
        record::error(2, "t", "<tool_use_error>File does not exist.</tool_use_error>"),
    );
    assert!(matches!(&step.outcome, Outcome::Failed(text) if text.as_str() == "File does not exist."));
    assert!(matches!(&step.tool, Tool::Read { path, from: 3, .. } if path.as_str() == "/etc/x"));
}

#[test]
fn edits_take_the_recorded_patch_and_else_compare() {
    let input = json!({ "file_path": "/home/ada/tally/a", "old_string": "a\nb\nc", "new_string": "a\nB\nc" });
    let patch = json!({ "structuredPatch": [{ "oldStart": 41, "oldLines": 2, "newStart": 42, "newLines": 2,
        "lines": [" a", "-b", "+B", "\\ No newline at end of file"] }] });
    let recorded = one_step("Edit", input.clone(), record::result(2, "t", json!("ok"), patch));
    let compared = one_step("Edit", input, record::result(2, "t", json!("ok"), json!("no object")));
    for (step, start, lines) in [(recorded, Some((41, 42)), 3), (compared, None, 4)] {
        let Tool::Edit { path, diff } = &step.tool else { panic!("{step:?}") };
        assert_eq!((path.as_str(), diff.added, diff.removed, diff.omitted), ("a", 1, 1, 0));
        assert_eq!((diff.hunks[0].start, diff.hunks[0].lines.len()), (start, lines));
        assert!(matches!(&diff.hunks[0].lines[2], DiffLine::Added(text) if text.as_str() == "B"));
    }
}

#[test]
fn a_new_file_is_all_added_and_a_very_long_one_is_cut() {
    let content = (0..1000).map(|n| format!("{n}\n")).collect::<String>();
    let input = json!({ "file_path": "/home/ada/tally/new", "content": content });
    let step = one_step(
        "Write",
        input,
        record::result(2, "t", json!("File created successfully"), json!({ "type": "create" })),
    );
    let Tool::Write { created: true, diff, .. } = &step.tool else { panic!("{step:?}") };
    assert_eq!((diff.added, diff.removed, diff.omitted, diff.hunks[0].lines.len()), (1000, 0, 600, 400));
}

#[test]
fn output_is_cut_in_a_window_and_whole_on_its_own_page() {
    let text = "ä".repeat(20_000);
    let session = lines(&[
        record::user(0, json!("go")),
        record::call(1, "t", "Bash", json!({ "command": "x" })),
        record::result(2, "t", json!(text), json!({})),
    ]);
    let shown = |step: &crate::session::model::Step| match &step.tool {
        Tool::Shell { output, .. } => (output.text.as_str().len(), output.bytes, output.cut()),
        other => panic!("{other:?}"),
    };
    assert_eq!(shown(&steps(&session)[0]), (16 * 1024, 40_000, true));
    assert_eq!(shown(&session.step(1).unwrap().unwrap()), (40_000, 40_000, false));
}

#[test]
fn todos_questions_plans_and_other_tools_take_their_forms() {
    let done = |id: &str| {
        record::result(2, id, json!("done"), json!({ "answers": { "Which?": "B", "Why?": "because" } }))
    };
    let step =
        one_step("TodoWrite", json!({ "todos": [{ "content": "x", "status": "in_progress" }] }), done("t"));
    assert!(matches!(&step.tool, Tool::Todo { items, .. } if items[0].state == TodoState::Doing));
    let asked = json!({ "questions": [
        { "question": "Which?", "options": [{ "label": "A" }, { "label": "B" }] }, { "question": "Why?", "options": [] } ] });
    let step = one_step("AskUserQuestion", asked, done("t"));
    let Tool::Question { questions } = &step.tool else { panic!("{step:?}") };
    assert_eq!(questions[0].options.iter().map(|option| option.picked).collect::<Vec<_>>(), [false, true]);
    assert_eq!(questions[1].answer.as_ref().map(|a| a.as_str()), Some("because"));
    let step = one_step("ExitPlanMode", json!({ "plan": "# P" }), done("t"));
    assert!(matches!(&step.tool, Tool::Plan { text } if text.as_str() == "# P"));
    assert!(step.beside.is_empty(), "{:?}", step.beside);
    let step = one_step("mcp__notes__find", json!({ "n": 1, "query": "x" }), done("t"));
    assert!(matches!(&step.tool, Tool::Other { server: Some(server), object: Some(object), .. }
        if server.as_str() == "notes" && object.as_str() == "x"));
    assert_eq!(step.name.as_str(), "find");
    let step = one_step(
        "Grep",
        json!({ "pattern": "x", "path": "/home/ada/tally" }),
        record::result(2, "t", json!("Found 2 files\na\nb"), json!({ "numFiles": 2 })),
    );
    assert!(
        matches!(&step.tool, Tool::Find { verb: "Grep", files: Some(2), matches: None, within: Some(within), .. } if within.as_str() == ".")
    );
    let step = one_step(
        "Grep",
        json!({ "pattern": "x", "output_mode": "content", "-n": true }),
        record::result(
            2,
            "t",
            json!("a.rs:1:x\na.rs:9:x x\nb.rs:2:x"),
            json!({ "mode": "content", "numFiles": 0, "numLines": 3 }),
        ),
    );
    assert!(matches!(&step.tool, Tool::Find { files: Some(2), matches: Some(3), .. }), "{step:?}");
}

#[test]
fn commands_and_what_they_print_are_told_from_prompts() {
    let session = lines(&[
        record::user(0, json!("<command-name>/tally</command-name><command-args></command-args>")),
        record::user(1, json!("<local-command-stdout>1 $</local-command-stdout>")),
        record::user(2, json!("<bash-input>ls</bash-input>")),
        record::user(3, json!("<bash-stdout>a b</bash-stdout><bash-stderr></bash-stderr>")),
        record::user_with(4, json!("skill body"), json!({ "isMeta": true })),
        record::user(5, json!([{ "type": "text", "text": "[Request interrupted by user]" }])),
        record::user(
            6,
            json!([{ "type": "text", "text": "<ide_opened_file>x</ide_opened_file>" }, { "type": "text", "text": "fix" }]),
        ),
    ]);
    let turns = turns(&session);
    assert_eq!(turns.len(), 2);
    assert_eq!(turns[0].prompt.as_ref().and_then(|p| p.command.as_ref()).map(|c| c.as_str()), Some("/tally"));
    assert_eq!(turns[1].prompt.as_ref().map(|p| p.text.as_str()), Some("fix"));
    let locals: Vec<_> = turns[0]
        .items
        .iter()
        .filter_map(|item| match item {
            Item::Marker(Marker::Local { command, output }) => Some((command.as_str(), output.text.as_str())),
            _ => None,
        })
        .collect();
    assert_eq!(locals, [("/tally", "1 $"), ("!ls", "a b")]);
    assert!(matches!(turns[0].items[2], Item::Marker(Marker::Interrupted { .. })));
    assert!(session.overview().outline[0].command);
}

fn asides(session: &crate::session::Session) -> Vec<(u32, AsideHow, String)> {
    let aside = |item| match item {
        Item::Aside { no, how, prompt } => Some((no, how, prompt.text.to_string())),
        _ => None,
    };
    items(session).into_iter().filter_map(aside).collect()
}

#[test]
fn what_was_typed_while_the_agent_worked_is_an_aside_unless_it_became_a_prompt() {
    let session = lines(&[
        record::user(0, json!("go")),
        record::queue("enqueue", Some("merged")),
        record::queue("remove", None),
        record::attachment(
            1,
            json!({ "type": "queued_command", "prompt": "merged", "commandMode": "prompt" }),
        ),
        record::attachment(
            2,
            json!({ "type": "queued_command", "prompt": [{ "type": "text", "text": "attached" }] }),
        ),
        record::queue("enqueue", Some("became a prompt")),
        record::queue("enqueue", Some("waits")),
        record::queue("dequeue", None),
        record::user(3, json!("became a prompt")),
        record::queue("enqueue", Some("back to the editor")),
        record::queue("popAll", Some("waits\nback to the editor")),
        record::queue("enqueue", Some("still waits")),
    ]);
    let texts: Vec<_> = asides(&session).into_iter().map(|(no, _, text)| (no, text)).collect();
    assert_eq!(texts, [(1, "merged".into()), (2, "attached".into()), (3, "still waits".into())]);
    let outline = &session.overview().outline;
    assert_eq!(outline.iter().map(|turn| turn.asides.len()).collect::<Vec<_>>(), [2, 1]);
    assert_eq!(session.place_of_aside(3), Some(0));
}

#[test]
fn what_was_said_when_declining_is_an_aside_and_the_step_is_declined() {
    let reason = "The user doesn't want to proceed with this tool use. To tell you how to proceed, the user said:\nuse tabs";
    let beside = json!([{ "type": "tool_result", "tool_use_id": "u", "is_error": true, "content": "The user doesn't want to proceed with this tool use." },
        { "type": "text", "text": "not there" }]);
    let session = lines(&[
        record::user(0, json!("go")),
        record::call(1, "t", "Bash", json!({ "command": "x" })),
        record::error(2, "t", reason),
        record::call(3, "u", "Write", json!({ "file_path": "a", "content": "b" })),
        record::user(4, beside),
    ]);
    assert_eq!(
        asides(&session),
        [(1, AsideHow::Declining, "use tabs".into()), (2, AsideHow::Declining, "not there".into())]
    );
    assert!(steps(&session).iter().all(|step| step.outcome == Outcome::Declined));
}

#[test]
fn breaks_in_the_flow_are_markers() {
    let session = lines(&[
        record::user(0, json!("go")),
        record::reply(1, "a"),
        record::model(2, "claude-opus-4-6", json!([{ "type": "text", "text": "b" }])),
        record::system(
            3,
            "compact_boundary",
            json!({ "content": "Conversation compacted", "compactMetadata": { "preTokens": 170_000, "postTokens": 22_000 } }),
        ),
        record::user_with(
            4,
            json!("This session is being continued… Summary"),
            json!({ "isCompactSummary": true }),
        ),
        record::system(
            5,
            "api_error",
            json!({ "cause": { "code": "ConnectionRefused" }, "retryAttempt": 1 }),
        ),
        record::system(
            6,
            "api_error",
            json!({ "cause": { "code": "FailedToOpenSocket" }, "retryAttempt": 2 }),
        ),
        record::system(6, "api_error", json!({ "cause": { "code": "Overloaded" }, "retryAttempt": 1 })),
        record::user_with(
            7,
            json!("<task-notification><summary>done</summary></task-notification>"),
            json!({ "origin": { "kind": "task-notification" } }),
        ),
    ]);
    let items = items(&session);
    assert!(
        matches!(&items[..], [
        Item::Reply { .. }, Item::Marker(Marker::Model { to }), Item::Reply { .. },
        Item::Marker(Marker::Compacted { before: Some(170_000), after: Some(22_000), summary: Some(_), .. }),
        Item::Marker(Marker::ApiError { text, times: 2, at: Some(from), until: Some(until) }),
        Item::Marker(Marker::ApiError { times: 1, until: None, .. }), Item::Marker(Marker::Local { command, .. }),
    ] if to.as_str() == "claude-opus-4-6" && text.as_str() == "FailedToOpenSocket" && from < until && command.as_str() == "done"),
        "{items:?}"
    );
    assert_eq!(session.overview().models.len(), 2);
}

#[test]
fn tokens_are_counted_once_a_message_and_the_last_report_counts() {
    // Two lines of one message (`msg1`), then another.
    let session = lines(&[
        record::user(0, json!("go")),
        record::reply(2, "a"),
        record::reply(3, "b"),
        record::reply(4, "c"),
    ]);
    let usage = session.overview().usage;
    assert_eq!((usage.input, usage.output, usage.cache_read), (20, 3 + 4, 200));
}

#[test]
fn a_sub_agent_in_the_same_file_is_shown_inside_its_step() {
    let side = |no: u32, parent: &str, record: String| {
        let mut record: serde_json::Value = serde_json::from_str(&record).unwrap();
        record["isSidechain"] = true.into();
        record["uuid"] = format!("side{no}").into();
        record["parentUuid"] = if parent.is_empty() { json!(null) } else { json!(parent) };
        record.to_string()
    };
    let brief = json!({ "description": "look", "prompt": "look around", "subagent_type": "Explore" });
    let session = lines(&[
        record::user(0, json!("go")),
        record::call(1, "t", "Task", brief),
        side(1, "", record::user(2, json!("look around"))),
        side(9, "", record::user(2, json!("a stray brief"))),
        side(2, "side1", record::call(3, "sub", "Bash", json!({ "command": "ls" }))),
        side(3, "side2", record::result(4, "sub", json!("a"), json!({}))),
        side(4, "side3", record::reply(5, "seen")),
        record::result(
            6,
            "t",
            json!([{ "type": "text", "text": "report" }, { "type": "text", "text": "agentId: x\n<usage>total_tokens: 5</usage>" }]),
            json!({ "totalTokens": 5 }),
        ),
        record::reply(7, "done"),
    ]);
    assert_eq!(
        (session.overview().steps, session.overview().sub_steps, session.overview().outline.len()),
        (1, 1, 1)
    );
    let Tool::Agent { items: inside, report, tokens, .. } = &steps(&session)[0].tool else { panic!() };
    assert_eq!((report.text.as_str(), *tokens), ("report", Some(5)));
    assert!(
        matches!(&inside[..], [Item::Step(step), Item::Reply { .. }] if step.no == 1 && step.outcome == Outcome::Done),
        "{inside:?}"
    );
    let outside = items(&session);
    assert!(
        matches!(&outside[..], [Item::Step(_), Item::Unknown { what, .. }, Item::Reply { .. }] if what.as_str().contains("sub-agent")),
        "{outside:?}"
    );
}

#[test]
fn the_file_of_a_sub_agent_is_a_session_of_its_own() {
    let own = |record: String| record.replace("\"isSidechain\":false", "\"isSidechain\":true");
    let session = lines(&[own(record::user(0, json!("brief"))), own(record::reply(1, "done"))]);
    assert_eq!(turns(&session).len(), 1);
    assert_eq!(items(&session).len(), 1);
}

#[test]
fn the_title_is_the_persons_then_the_agents_then_a_summary_of_this_file() {
    let summary =
        |leaf: &str| format!("{{\"type\":\"summary\",\"summary\":\"of {leaf}\",\"leafUuid\":\"{leaf}\"}}");
    let titles = |more: &[&str]| {
        let mut all =
            vec![summary("elsewhere"), record::user(1, json!("go")), summary("u1"), summary("elsewhere")];
        all.extend(more.iter().map(ToString::to_string));
        lines(&all).overview().title.as_ref().map(ToString::to_string)
    };
    let ai = "{\"type\":\"ai-title\",\"aiTitle\":\"ai\",\"sessionId\":\"s\"}";
    let custom =
        |t: &str| format!("{{\"type\":\"custom-title\",\"customTitle\":\"{t}\",\"sessionId\":\"s\"}}");
    assert_eq!(titles(&[]).as_deref(), Some("of u1"));
    assert_eq!(titles(&[ai]).as_deref(), Some("ai"));
    assert_eq!(titles(&[&custom("first"), ai, &custom("last")]).as_deref(), Some("last"));
}

#[test]
fn a_secret_in_any_shape_is_masked_before_it_reaches_the_model() {
    let body = "a1B2c3D4e5F6".repeat(3);
    let secret = format!("{}{body}", ["gh", "p_"].concat());
    let s = |text: &str| format!("{text} {secret}");
    let session = lines(&[
        record::user(0, json!(s("go"))),
        record::assistant(
            1,
            json!([{ "type": "text", "text": s("r") }, { "type": "thinking", "thinking": s("t") }, { "type": s("new") , "x": s("y") }]),
        ),
        record::call(2, "a", "Bash", json!({ "command": s("echo"), "description": s("d") })),
        record::result(3, "a", json!(format!("{}{}", "x ".repeat(8180), secret)), json!({})),
        record::call(
            4,
            "b",
            "Edit",
            json!({ "file_path": s("f"), "old_string": s("o"), "new_string": s("n") }),
        ),
        record::error(5, "b", &s("failed")),
        record::call(6, "c", &s("mcp__x__y"), json!({ "k": [s("deep")] })),
        format!("{{\"type\":\"custom-title\",\"customTitle\":\"{}\",\"sessionId\":\"s\"}}", s("title")),
        format!("{{\"type\":\"quite-new\",\"k\":\"{}\"}}", s("v")),
        format!("not json {secret}"),
        record::queue("enqueue", Some(&s("queued"))),
    ]);
    let all = format!("{:?}{:?}{:?}", turns(&session), session.overview(), session.report());
    assert!(!all.contains(&body[..12]), "{all}");
    assert!(format!("{:?}", session.step(1).unwrap()).contains('▇'));
}

#[test]
fn images_are_numbered_and_served_by_their_bytes() {
    let png = data_encoding::BASE64.encode(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x02\x80\0\0\x01\xe0");
    let svg = data_encoding::BASE64.encode(b"<svg onload=alert(1)>");
    let image = |data: &str| json!({ "type": "image", "source": { "type": "base64", "media_type": "image/png", "data": data } });
    let session = lines(&[
        record::user(0, json!([{ "type": "text", "text": "see" }, image(&svg), image(&png)])),
        record::call(1, "t", "Read", json!({ "file_path": "x.png" })),
        record::result(2, "t", json!([image(&png)]), json!({})),
    ]);
    let prompt = turns(&session)[0].prompt.clone().unwrap();
    assert_eq!(
        prompt.attachments.iter().map(|a| (a.no.no, a.media_type, a.size)).collect::<Vec<_>>(),
        [(1, "application/octet-stream", None), (2, "image/png", Some((640, 480)))]
    );
    assert_eq!(steps(&session)[0].images[0].no, 3.into());
    assert_eq!(
        session.attachment(1.into()).unwrap().unwrap(),
        ("application/octet-stream", b"<svg onload=alert(1)>".to_vec())
    );
    assert_eq!(session.attachment(3.into()).unwrap().unwrap().0, "image/png");
    assert!(session.attachment(4.into()).unwrap().is_none());
}

#[test]
fn a_record_with_very_many_results_is_read_once() {
    let calls: Vec<_> = (0..600)
        .map(|no| json!({ "type": "tool_use", "id": format!("t{no}"), "name": "Bash", "input": { "command": "ls" } }))
        .collect();
    let results: Vec<_> = (0..600)
        .map(|no| json!({ "type": "tool_result", "tool_use_id": format!("t{no}"), "content": format!("file {no}") }))
        .collect();
    let session = lines(&[
        record::user(1, json!("go")),
        record::assistant(2, json!(calls)),
        record::user(3, json!(results)),
    ]);
    let before = session.read_so_far();
    let steps = steps(&session);
    assert_eq!(steps.len(), 600);
    for (no, step) in steps.iter().enumerate() {
        let Tool::Shell { output, .. } = &step.tool else { panic!("{step:?}") };
        assert_eq!((output.text.as_str(), &step.outcome), (format!("file {no}").as_str(), &Outcome::Done));
    }
    let (read, size) = (session.read_so_far() - before, session.report().bytes);
    assert!(read < 3 * size, "{read} bytes read to show a file of {size}");
}

#[test]
fn the_page_of_one_step_reads_its_own_result_alone() {
    let calls: Vec<_> = (0..40)
        .map(|no| json!({ "type": "tool_use", "id": format!("t{no}"), "name": "Bash", "input": { "command": "ls" } }))
        .collect();
    let mut records = vec![record::user(1, json!("go")), record::assistant(2, json!(calls))];
    for no in 0..40 {
        let printed = format!("{no} {}", "x".repeat(20_000));
        let result = json!({ "type": "tool_result", "tool_use_id": format!("t{no}"), "content": printed });
        records.push(record::user(3 + no, json!([result])));
    }
    let session = lines(&records);
    let before = session.read_so_far();
    for no in 1..=40 {
        let Some(Tool::Shell { output, .. }) = session.step(no).unwrap().map(|step| step.tool) else {
            panic!()
        };
        assert!(output.text.as_str().starts_with(&format!("{} x", no - 1)));
    }
    let (read, size) = (session.read_so_far() - before, session.report().bytes);
    assert!(read < 2 * size, "{read} bytes read to show the steps of a file of {size}");
}

#[test]
fn what_stands_in_for_an_answer_is_none() {
    let synthetic =
        |no, text: &str| record::model(no, "<synthetic>", json!([{ "type": "text", "text": text }]));
    let failed = {
        let mut failed: serde_json::Value = serde_json::from_str(&synthetic(3, "API Error: 529")).unwrap();
        failed["isApiErrorMessage"] = true.into();
        failed.to_string()
    };
    let session = lines(&[record::user(0, json!("go")), synthetic(1, "No response requested."), failed]);
    let items = items(&session);
    assert!(matches!(&items[..], [Item::Marker(Marker::ApiError { .. })]), "{items:?}");
    assert_eq!(session.report().counts.replies, 1, "the error alone is counted");
    // The same words of a model are its answer.
    let session = lines(&[record::user(0, json!("go")), record::reply(1, "No response requested.")]);
    assert_eq!(super::items(&session).len(), 1);
}

#[test]
fn a_file_is_one_file_wherever_the_agent_stood() {
    let edit = |no: u32, cwd: &str, path: &str| {
        let input = json!({ "file_path": path, "old_string": "a", "new_string": "b" });
        let call = record::call(no, &format!("t{no}"), "Edit", input);
        let mut call: serde_json::Value = serde_json::from_str(&call).unwrap();
        call["cwd"] = cwd.into();
        [call.to_string(), record::result(no + 1, &format!("t{no}"), json!("ok"), json!({}))]
    };
    let mut all = vec![record::user(0, json!("go"))];
    all.extend(edit(1, "/home/ada/tally", "/home/ada/tally/src/a.rs"));
    all.extend(edit(3, "/home/ada/tally/src", "/home/ada/tally/src/a.rs"));
    all.extend(edit(5, "/home/ada/tally/src", "a.rs"));
    all.extend(edit(7, "/home/ada/tally", "./src/a.rs"));
    let session = lines(&all);
    while session.survey(100).unwrap() == crate::session::Progress::More {}
    let changes = session.overview().changes.clone().unwrap();
    let files: Vec<_> = changes.files.iter().map(|file| (file.path.as_str(), file.edits)).collect();
    assert_eq!(files, [("src/a.rs", 4)]);
}
