//! How a session ended, as its head tells.

use serde_json::json;

use super::{lines, record};
use crate::session::model::Ending;

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
