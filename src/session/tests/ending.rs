//! How a session ended, as its head tells.

use serde_json::json;

use super::{lines, record};
use crate::redact::CleanText;
use crate::session::model::{Ending, Item, Marker};

fn ending(records: &[String]) -> Option<Ending> {
    lines(records).overview().ending.clone()
}

fn shown(ending: Option<Ending>) -> String {
    match ending {
        Some(Ending::Reply(text)) => format!("reply: {text}"),
        Some(Ending::ApiError(text)) => format!("error: {text}"),
        other => format!("{other:?}"),
    }
}

#[test]
fn what_stands_last_tells_how_it_ended() {
    let bash = |at, id| record::call(at, id, "Bash", json!({ "command": "ls" }));
    let ok = |at, id| record::result(at, id, json!("x"), json!({}));
    let declined = "The user doesn't want to proceed with this tool use. The tool use was rejected";
    let go = || record::user(0, json!("go"));
    let cases = [
        (vec![go(), record::reply(1, "Done.")], "reply: Done."),
        (vec![go(), record::reply(1, "I look."), bash(2, "a"), ok(3, "a")], "Some(BrokeOff(Some(1)))"),
        (
            vec![go(), bash(1, "a"), record::user(2, json!("[Request interrupted by user]"))],
            "Some(Interrupted)",
        ),
        (vec![go(), bash(1, "a"), record::error(2, "a", declined)], "Some(Declined(1))"),
        (vec![go(), record::reply(1, "Yes."), record::user(2, json!("and now?"))], "Some(Unanswered)"),
        (
            vec![
                go(),
                record::reply(1, "Yes."),
                record::user(2, json!("<command-name>/exit</command-name>")),
            ],
            "reply: Yes.",
        ),
    ];
    for (records, wanted) in cases {
        assert_eq!(shown(ending(&records)), wanted, "{records:?}");
    }
}

#[test]
fn a_command_that_the_program_answers_itself_is_no_prompt_and_said_once() {
    let command = |at, name: &str| {
        let text = format!(
            "<command-name>/{name}</command-name>\n<command-message>{name}</command-message>\n<command-args></command-args>"
        );
        record::user(at, json!(text))
    };
    let session = lines(&[
        record::user(0, json!("go")),
        record::reply(1, "Done."),
        command(2, "cost"),
        record::user(3, json!("<local-command-stdout>Total: 1.20</local-command-stdout>")),
        record::user(
            4,
            json!("<command-message>review</command-message>\n<command-name>/review</command-name>"),
        ),
        record::reply(5, "Fine."),
    ]);
    let overview = session.overview();
    let prompts: Vec<_> = overview.outline.iter().map(|entry| entry.text.as_str()).collect();
    assert_eq!(prompts, ["go", "/review"]);
    let local: Vec<_> = super::items(&session)
        .into_iter()
        .filter_map(|item| match item {
            Item::Marker(Marker::Local { command, output }) => Some(format!("{command}: {}", output.text)),
            _ => None,
        })
        .collect();
    assert_eq!(local, ["/cost: Total: 1.20"]);
}

#[test]
fn a_folder_named_by_a_number_is_called_by_the_one_above_it_and_a_detached_head_is_no_branch() {
    for (cwd, branch, want) in [
        ("/home/ada/tally", "main", (Some("tally"), Some("main"))),
        ("/home/ada/tally/2", "HEAD", (Some("tally/2"), None)),
        (r"C:\src\tally\02", "x", (Some("tally/02"), Some("x"))),
    ] {
        let more = json!({ "cwd": cwd, "gitBranch": branch });
        let overview = lines(&[record::user_with(0, json!("go"), more)]).overview();
        let text = |text: &Option<CleanText>| text.as_ref().map(|text| text.as_str().to_owned());
        let shown = (text(&overview.project), text(&overview.branch));
        assert_eq!((shown.0.as_deref(), shown.1.as_deref()), want, "{cwd}");
    }
}
