//! What nobody knows stays visible, wherever Claude Code writes it.

use serde_json::json;

use super::{items, lines, record, turns};
use crate::session::model::Item;

/// What the unknown blocks of a session say.
fn unknown(items: Vec<Item>) -> Vec<String> {
    let told = |item| match item {
        Item::Unknown { what, fields } => {
            let fields: Vec<String> = fields.iter().map(|(key, value)| format!(" {key}={value}")).collect();
            Some(format!("{what}{}", fields.concat()))
        }
        _ => None,
    };
    items.into_iter().filter_map(told).collect()
}

#[test]
fn what_is_of_another_type_than_expected_is_told_as_it_stands() {
    let session = lines(&[
        record::user(0, json!({ "type": "text", "text": "WORDobject" })),
        record::call(1, "a", "Bash", json!({ "command": ["echo", "WORDcommand"] })),
        record::result(2, "a", json!(770_077), json!({})),
        record::call(3, "b", "Read", json!("WORDinput")),
        record::result(4, "b", json!({ "type": "text", "text": ["WORDresult"] }), json!({})),
        record::user(5, json!([{ "type": "text", "text": ["WORDlist"] }])),
    ]);
    let told = format!("{:?}", turns(&session));
    for word in ["WORDobject", "WORDcommand", "770077", "WORDinput", "WORDresult", "WORDlist"] {
        assert!(told.contains(word), "{word}: {told}");
    }
}

#[test]
fn blocks_in_a_persons_record_that_nobody_knows_are_shown() {
    let new = |words: &str| json!({ "type": "brand-new", "words": words, "accountId": "FORBIDDEN" });
    let text = |text: &str| json!({ "type": "text", "text": text });
    let session = lines(&[
        record::user(0, json!([text("go"), new("beside a prompt")])),
        record::user(1, json!([new("alone")])),
        record::call(2, "t", "Bash", json!({ "command": "ls" })),
        record::user(
            3,
            json!([{ "type": "tool_result", "tool_use_id": "t", "content": "a" }, new("beside a result")]),
        ),
        record::user(4, json!([text("<system-reminder>r</system-reminder>"), { "words": "of no type" }])),
        record::model(
            5,
            "claude-opus-4-5",
            json!([{ "type": "connector_text", "connector_text": "the agent's" }]),
        ),
    ]);
    let all = items(&session);
    assert_eq!(
        unknown(all),
        [
            "brand-new words=beside a prompt",
            "brand-new words=alone",
            "brand-new words=beside a result",
            "block without a type words=of no type",
            "connector_text connector_text=the agent's",
        ]
    );
    assert_eq!((turns(&session).len(), session.report().counts.unknown), (1, 5));
}

#[test]
fn attachments_and_operations_that_nobody_knows_are_named() {
    let attached =
        json!({ "type": "brand_new", "content": "FORBIDDEN", "rendered": [{ "content": "FORBIDDEN" }] });
    let session = lines(&[
        record::user(0, json!("go")),
        record::attachment(1, attached),
        record::queue("postpone", Some("later")),
        record::reply(2, "done"),
    ]);
    assert_eq!(
        unknown(items(&session)),
        ["attachment brand_new", "queue-operation postpone content=later operation=postpone"]
    );
    let warnings: Vec<String> = session
        .report()
        .warnings
        .iter()
        .map(|warning| format!("{}: {}", warning.line, warning.what))
        .collect();
    assert_eq!(
        warnings,
        [
            "2: unknown type attachment brand_new, 1 times: shown as a quiet block",
            "3: unknown type queue-operation postpone, 1 times: shown as a quiet block",
        ]
    );
}

#[test]
fn fields_nobody_knows_inside_what_a_form_shows_stand_beside_it() {
    let todo = json!({ "content": "one", "status": "pending", "activeForm": "Doing one", "owner": "ada" });
    let edit = json!({ "old_string": "a", "new_string": "b", "replace_all": false, "why": "typo" });
    let option = json!({ "label": "yes", "description": "do it", "weight": 3 });
    let question =
        json!({ "question": "Shall I?", "header": "h", "options": [option], "multiSelect": false });
    let session = lines(&[
        record::user(0, json!("go")),
        record::call(1, "t", "TodoWrite", json!({ "todos": [todo] })),
        record::call(2, "e", "MultiEdit", json!({ "file_path": "/a", "edits": [edit] })),
        record::call(3, "q", "AskUserQuestion", json!({ "questions": [question] })),
    ]);
    let beside: Vec<String> = items(&session)
        .iter()
        .filter_map(|item| if let Item::Step(step) = item { Some(&step.beside) } else { None })
        .flatten()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    assert_eq!(beside, ["todos.owner=ada", "edits.why=typo", "questions.options.weight=3"]);
}

#[test]
fn pictures_among_the_agents_words_are_shown() {
    let image = json!({ "type": "image", "source": { "type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo=" } });
    let text = |text: &str| json!({ "type": "text", "text": text });
    let session = lines(&[
        record::user(0, json!([text("draw"), image])),
        record::model(1, "claude-opus-4-5", json!([text("here"), image, text("and"), image])),
    ]);
    let told: Vec<String> = items(&session)
        .iter()
        .map(|item| match item {
            Item::Reply { text, .. } => text.to_string(),
            Item::Image { file, .. } => format!("{} {}", file.no, file.media_type),
            item => format!("{item:?}"),
        })
        .collect();
    assert_eq!(told, ["here", "2 image/png", "and", "3 image/png"]);
    for no in 1..=3 {
        assert_eq!(session.attachment(no.into()).unwrap().unwrap().0, "image/png");
    }
    assert_eq!(session.attachment(4.into()).unwrap(), None);
}

#[test]
fn a_title_that_was_taken_away_again_is_none() {
    let title =
        |title: &str| json!({ "type": "custom-title", "customTitle": title, "sessionId": "s" }).to_string();
    let agents = json!({ "type": "ai-title", "aiTitle": "By the agent", "sessionId": "s" }).to_string();
    let named = |last: &[String]| {
        let all = [&[record::user(0, json!("go")), record::reply(1, "done")], last].concat();
        lines(&all).overview().title.as_ref().map(ToString::to_string)
    };
    assert_eq!(named(&[title("Mine"), title(" ")]), None);
    assert_eq!(named(&[agents, title("Mine"), title("")]).as_deref(), Some("By the agent"));
}
