//! What is asked of a command in the background (`BashOutput`, `TaskOutput`): how far it is, and what it printed.

use super::call::Call;
use crate::session::agent::Desk;
use crate::session::model::{Output, Tool};

/// Elements that hold what was printed.
const PRINTED: [&str; 3] = ["stdout", "stderr", "output"];
/// Elements that say how it is with the command.
const TOLD: [&str; 8] =
    ["status", "retrieval_status", "task_id", "task_type", "exit_code", "timestamp", "shell_id", "command"];

/// What stands before the end of an output that was too long for the agent.
const CUT: &str = "[Truncated. ";

/// The form of such a call.
pub(super) fn polled(call: &Call<'_>, desk: &Desk<'_>) -> Tool {
    let extra = call.outcome.extra();
    let task = extra.and_then(|extra| extra.obj("task"));
    let said = |key: &str| {
        let told = extra.and_then(|extra| extra.text(key));
        told.or_else(|| task.as_ref()?.text(key)).filter(|text| !text.trim().is_empty())
    };
    let text = call.outcome.text();
    let name = || ["task_id", "bash_id", "shell_id", "agentId"].iter().find_map(|key| call.input.text(key));
    let command = said("command").or_else(|| said("description")).or_else(name).unwrap_or_default();
    let state = said("status").or_else(|| element(text, "status").map(|(state, _)| state.trim().into()));
    let printed = printed(text);
    // Of a long one the agent got the end; the record has all of it.
    let whole = || task.as_ref().map(|task| task.words("output")).filter(|all| all.len() > printed.len());
    let whole = printed.starts_with(CUT).then(whole).flatten();
    let exit = element(text, "exit_code").and_then(|(code, _)| code.trim().parse().ok());
    Tool::Polled {
        command: desk.long(&command),
        state: state.map(|state| desk.cleaner.start(&state, 80)),
        exit: exit.filter(|code| *code != 0),
        output: if call.outcome.declined() {
            Output::default()
        } else {
            desk.text(whole.as_deref().unwrap_or(&printed))
        },
    }
}

/// What was printed, without the elements around it; a text of another form as it is.
fn printed(text: &str) -> String {
    let mut parts = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let Some((name, inner, after)) = first_element(rest) else { return text.to_owned() };
        if PRINTED.contains(&name) {
            parts.push(inner.trim_matches('\n'));
        } else if !TOLD.contains(&name) {
            return text.to_owned();
        }
        rest = after.trim_start();
    }
    parts.retain(|part| !part.trim().is_empty());
    parts.join("\n")
}

/// Name and content of the element that `text` begins with, and what follows it.
fn first_element(text: &str) -> Option<(&str, &str, &str)> {
    let (name, _) = text.strip_prefix('<')?.split_once('>')?;
    let (inner, after) = element(text, name)?;
    Some((name, inner, after))
}

/// The content of the first element of this name, and what follows it. Output may hold anything: what was printed
/// ends where the last such element does.
fn element<'a>(text: &'a str, name: &str) -> Option<(&'a str, &'a str)> {
    let (_, rest) = text.split_once(&format!("<{name}>"))?;
    let end = format!("</{name}>");
    if PRINTED.contains(&name) { rest.rsplit_once(&end) } else { rest.split_once(&end) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_printed_loses_the_elements_around_it() {
        let text = "<status>running</status>\n\n<stdout>\n> next dev\n</stdout>\n\n<stderr>\nold node\n</stderr>\n\n\
                    <timestamp>2025-09-03T00:55:34.632Z</timestamp>";
        assert_eq!(printed(text), "> next dev\nold node");
        assert_eq!(printed("<status>running</status>\n\n<timestamp>x</timestamp>"), "");
        assert_eq!(printed("<output>\n<p>a</output>b\n</output>"), "<p>a</output>b");
        for other in ["No task of this id", "<html>x</html>", "<status>x"] {
            assert_eq!(printed(other), other);
        }
    }
}
