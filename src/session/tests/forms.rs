//! Tools of Claude Code whose forms take more than their own call and result, or more than text.

use serde_json::json;

use super::{lines, record, steps};
use crate::session::model::{DiffLine, FileDiff, Outcome, Step, StepKind, TodoState, Tool};

fn one_step(name: &str, input: serde_json::Value, result: String) -> Step {
    steps(&lines(&[record::user(0, json!("go")), record::call(1, "t", name, input), result])).remove(0)
}

#[test]
fn a_list_kept_entry_by_entry_is_shown_whole_after_each_step() {
    let created = |at, call, text| record::result(at, call, json!(text), json!({}));
    let session = lines(&[
        record::user(0, json!("go")),
        record::call(1, "a", "TaskCreate", json!({ "subject": "Chart the bay", "description": "all of it" })),
        created(2, "a", "Task #1 created successfully: Chart the bay"),
        record::call(3, "b", "TaskCreate", json!({ "subject": "Sound it", "description": "" })),
        created(4, "b", "Task #2 created successfully: Sound it"),
        record::call(5, "c", "TaskUpdate", json!({ "taskId": "1", "status": "in_progress" })),
        created(6, "c", "Updated task #1 status"),
        record::call(7, "d", "TaskUpdate", json!({ "taskId": "1", "status": "completed" })),
        created(8, "d", "Updated task #1 status"),
        record::call(9, "e", "TaskUpdate", json!({ "taskId": "9", "status": "completed" })),
        created(10, "e", "Updated task #9 status"),
        record::call(11, "f", "TaskList", json!({})),
        created(12, "f", "#1 [completed] Chart the bay\n#2 [pending] Sound it [blocked by #1]"),
    ]);
    let shown: Vec<_> = steps(&session)
        .into_iter()
        .map(|step| match step.tool {
            Tool::Todo { items, change } => {
                let items = items.iter().map(|item| format!("{:?} {}", item.state, item.text));
                let change = change.map(|c| format!("{:?} {} {}", c.to, c.added, c.text));
                format!("{} | {}", change.unwrap_or_default(), items.collect::<Vec<_>>().join(", "))
            }
            other => format!("{other:?}").split(' ').next().unwrap_or_default().to_owned(),
        })
        .collect();
    assert_eq!(
        shown,
        [
            "Some(Later) true Chart the bay | Later Chart the bay",
            "Some(Later) true Sound it | Later Chart the bay, Later Sound it",
            "Some(Doing) false Chart the bay | Doing Chart the bay, Later Sound it",
            "Some(Done) false Chart the bay | Done Chart the bay, Later Sound it",
            // Made in another session: nothing is known of it.
            "Other",
            " | Done Chart the bay, Later Sound it [blocked by #1]",
        ]
    );
}

#[test]
fn an_answer_that_is_an_object_is_told_by_its_fields() {
    let told = |text: &str| {
        let result = record::result(2, "t", json!(text), json!({}));
        let Tool::Other { told, output, .. } =
            one_step("mcp__linear__get", json!({ "id": "T-1" }), result).tool
        else {
            panic!("a form")
        };
        assert_eq!(output.text.as_str(), text, "for the exports it stays as it is");
        told.iter().map(|(key, value)| format!("{key}: {value}")).collect::<Vec<_>>()
    };
    let wanted = ["title: Chart\nthe bay", "by: {\"name\":\"Ada\"}"];
    assert_eq!(told(r#"{"title":"Chart\nthe bay","by":{"name":"Ada"}}"#), wanted);
    assert!(told("{ not json").is_empty() && told("[1]").is_empty() && told("done").is_empty());
    let key = ["AKIA", "IOSFODNN7", "REALKEY"].concat();
    let escaped = format!("{{\"key\":\"\\u0041{}\"}}", &key[1..]);
    let result = record::result(2, "t", json!(escaped), json!({}));
    let step = one_step("mcp__linear__get", json!({ "id": "T-1" }), result);
    let Tool::Other { told, .. } = step.tool else { panic!("a form") };
    assert!(!told[0].1.as_str().contains(&key), "what escapes hid is cleaned: {told:?}");
}

#[test]
fn what_a_tool_was_given_as_a_credential_is_masked_wherever_it_is_told() {
    let secret = format!("Basic {}", "a1B2c3D4".repeat(3));
    let result = record::result(2, "t", json!(json!({ "Authorization": secret }).to_string()), json!({}));
    let input = json!({ "Authorization": secret, "x-api-key": "9f8e7d6c5b4a39281706", "url": "here" });
    let shown = format!("{:?}", one_step("mcp__linear__get", input, result).tool);
    assert!(!shown.contains("a1B2c3D4") && !shown.contains("9f8e7d6c"), "{shown}");
    assert!(shown.contains("Basic ▇") && shown.contains("here"), "{shown}");
}

#[test]
fn a_line_of_a_patch_without_a_sign_keeps_its_first_letter() {
    let extra = json!({ "structuredPatch": [{ "oldStart": 1, "oldLines": 3, "newStart": 1, "newLines": 3,
        "lines": [" same", "no sign", "+more", "-less", ""] }] });
    let input = json!({ "file_path": "/a/b.rs", "old_string": "less", "new_string": "more" });
    let step = one_step("Edit", input, record::result(2, "t", json!("done"), extra));
    let Tool::Edit { diff, .. } = step.tool else { panic!("{:?}", step.tool) };
    let same = |line: &DiffLine| match line {
        DiffLine::Same(text) => Some(text.to_string()),
        _ => None,
    };
    let lines: Vec<_> = diff.hunks[0].lines.iter().filter_map(same).collect();
    assert_eq!(lines, ["same", "no sign", ""]);
}

#[test]
fn an_entry_that_is_looked_at_is_told_with_what_is_known_of_it() {
    let got = |text: &str| {
        let result = record::result(2, "t", json!(text), json!({}));
        one_step("TaskGet", json!({ "taskId": "2" }), result).tool
    };
    let text = "Task #2: Sound it\nStatus: in_progress\nDescription: with the lead\nBlocked by: #1";
    let Tool::TodoEntry { item, about } = got(text) else { panic!("no form") };
    assert_eq!((item.text.as_str(), item.state), ("Sound it", TodoState::Doing));
    assert_eq!(about.text.as_str(), "with the lead\nBlocked by: #1");
    assert!(matches!(got("Task not found"), Tool::Other { .. }));
}

#[test]
fn what_a_command_in_the_background_printed_is_output() {
    let text = "<status>running</status>\n\n<stdout>\nready\n</stdout>\n\n<timestamp>x</timestamp>";
    let extra = json!({ "shellId": "bash_1", "command": "pnpm dev", "status": "running" });
    let polled =
        one_step("BashOutput", json!({ "bash_id": "bash_1" }), record::result(2, "t", json!(text), extra));
    let text = "<retrieval_status>success</retrieval_status>\n\n<task_id>b4</task_id>\n\n<status>failed</status>\n\n\
                <exit_code>2</exit_code>\n\n<output>\nno port\n</output>";
    let extra =
        json!({ "retrieval_status": "success", "task": { "description": "Start it", "status": "failed" } });
    let task = one_step("TaskOutput", json!({ "task_id": "b4" }), record::result(2, "t", json!(text), extra));
    for (step, wanted) in
        [(polled, ("pnpm dev", "running", None, "ready")), (task, ("Start it", "failed", Some(2), "no port"))]
    {
        assert_eq!((step.kind, &step.outcome), (StepKind::Read, &Outcome::Done));
        let Tool::Polled { command, state, exit, output } = &step.tool else { panic!("{step:?}") };
        let state = state.as_ref().map(|state| state.as_str()).unwrap_or_default();
        assert_eq!((command.as_str(), state, *exit, output.text.as_str()), wanted);
    }
}

#[test]
fn an_output_that_was_cut_for_the_agent_is_shown_whole_where_the_record_has_it() {
    let text = "<status>running</status>\n\n<output>\n[Truncated. Full output: /tmp/b4.output]\n\nthe end\n</output>";
    let all = format!("the beginning\n{}the end\n", "line\n".repeat(30));
    let extra = json!({ "task": { "description": "Start it", "status": "running", "output": all } });
    let step = one_step("TaskOutput", json!({ "task_id": "b4" }), record::result(2, "t", json!(text), extra));
    let Tool::Polled { output, .. } = &step.tool else { panic!("{step:?}") };
    assert_eq!(output.text.as_str(), all);
}

#[test]
fn a_cell_of_a_notebook_is_compared_with_what_it_was() {
    let notebook = json!({ "cells": [
        { "cell_type": "code", "id": "f00", "source": ["import tides\n", "tides.low()"] },
        { "cell_type": "code", "source": "tides.map()" },
    ] });
    let changed = |input: serde_json::Value| -> FileDiff {
        let extra = json!({ "original_file": notebook.to_string(), "cell_id": input["cell_id"] });
        let step = one_step("NotebookEdit", input, record::result(2, "t", json!("Updated cell"), extra));
        assert_eq!(step.kind, StepKind::Edit);
        let Tool::Edit { path, diff } = step.tool else { panic!("{:?}", step.tool) };
        assert_eq!(path.as_str(), "bay.ipynb");
        diff
    };
    let path = "/home/ada/tally/bay.ipynb";
    let new = "import tides\ntides.high()";
    let diff = changed(json!({ "notebook_path": path, "cell_id": "f00", "new_source": new }));
    assert_eq!((diff.added, diff.removed, diff.hunks[0].start), (1, 1, None));
    assert!(matches!(&diff.hunks[0].lines[0], DiffLine::Same(text) if text.as_str() == "import tides"));
    let diff = changed(
        json!({ "notebook_path": path, "cell_id": "cell-1", "new_source": "", "edit_mode": "delete" }),
    );
    assert_eq!((diff.added, diff.removed), (0, 1));
    let diff =
        changed(json!({ "notebook_path": path, "cell_id": "f00", "new_source": new, "edit_mode": "insert" }));
    assert_eq!((diff.added, diff.removed), (2, 0));
}

#[test]
fn a_search_of_the_web_tells_pages_and_words() {
    let text = "Web search results for query: \"tides\"\n\nLinks: [{\"title\":\"Tides\",\"url\":\"https://example.org/\"},{\"url\":\"\"}]\n\n\
                High water at **4**.\n\n\nREMINDER: You MUST include the sources above";
    let step =
        one_step("WebSearch", json!({ "query": "tides" }), record::result(2, "t", json!(text), json!({})));
    let Tool::WebSearch { query, links, results } = &step.tool else { panic!("{step:?}") };
    assert_eq!((query.as_str(), results.text.as_str()), ("tides", "High water at **4**."));
    let links: Vec<_> = links.iter().map(|link| (link.title.as_str(), link.url.as_str())).collect();
    assert_eq!(links, [("Tides", "https://example.org/")]);
    let asked = json!({ "url": "https://example.org/", "prompt": "When?" });
    let step = one_step("WebFetch", asked, record::result(2, "t", json!("At **4**."), json!({})));
    let Tool::Fetch { asked: Some(asked), content, .. } = &step.tool else { panic!("{step:?}") };
    assert_eq!((asked.as_str(), content.text.as_str()), ("When?", "At **4**."));
}
