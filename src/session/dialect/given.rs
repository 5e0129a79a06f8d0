//! The fields of inputs that the forms of tools show, or that are of no interest to a reader: limits of time and
//! of size.

use super::tools::{BRIEF, COMMAND, CONTENT, Done, NEW, OLD, PATH, PATTERN, QUERY, TODOS, WITHIN};
use crate::redact::CleanText;
use crate::session::agent::Desk;
use crate::session::given;
use crate::session::json::{self, Obj};
use crate::session::model::Tool;

/// Where a command ran.
const FOLDER: [&str; 3] = ["workdir", "cwd", "directory"];

/// What the call was given that `tool` does not show.
pub(super) fn beside(done: &Done<'_>, tool: &Tool, desk: &Desk<'_>) -> Vec<(CleanText, CleanText)> {
    let Some(input) = Obj::parse(&done.call.input) else { return Vec::new() };
    // Of several names for one thing the first that is there is shown.
    let first = |names: &[&'static str]| names.iter().copied().find(|name| input.text(name).is_some());
    let list = |names: &[&'static str]| names.iter().copied().find(|name| input.raw(name).is_some());
    let mut shown: Vec<&str> = Vec::new();
    match tool {
        Tool::Other { .. } | Tool::Polled { .. } => return Vec::new(),
        Tool::Shell { .. } => {
            shown.extend(list(COMMAND));
            shown.extend(first(&["description", "justification"]));
            shown.extend(["run_in_background", "is_background", "timeout", "timeout_ms", "yield_time_ms"]);
            shown.extend(["max_output_tokens", "type", "login", "tty"]);
            let here = |name: &str| {
                input
                    .text(name)
                    .is_some_and(|folder| folder.trim_end_matches('/') == done.root.trim_end_matches('/'))
            };
            shown.extend(FOLDER.iter().copied().filter(|name| here(name)));
        }
        Tool::Read { .. } => {
            shown.extend(first(PATH).into_iter().chain(["offset", "limit", "line_offset", "n_lines"]))
        }
        Tool::Write { .. } | Tool::Edit { .. } if patches(&input) => return Vec::new(),
        Tool::Write { .. } => shown.extend(first(PATH).into_iter().chain(first(CONTENT))),
        Tool::Edit { .. } => {
            shown.extend(first(PATH).into_iter().chain(first(OLD)).chain(first(NEW)));
            shown.extend(["edits", "edit"]);
        }
        Tool::Find { .. } => {
            shown.extend(first(WITHIN).into_iter().chain(first(PATTERN)).chain(["output_mode"]))
        }
        Tool::Fetch { asked, .. } => {
            shown.extend(first(&["url", "prompt"]));
            shown.extend(asked.is_some().then_some("prompt"));
            shown.push("type");
        }
        Tool::WebSearch { .. } => shown.extend(first(QUERY).into_iter().chain(["type"])),
        Tool::Todo { .. } | Tool::TodoEntry { .. } => shown.extend(list(TODOS)),
        Tool::Plan { .. } => shown.extend(first(&["plan", "text"])),
        Tool::Question { .. } => shown.push("questions"),
        Tool::Agent { .. } => {
            shown.extend(first(&["description", "agent_name", "name"]));
            shown.extend(first(&["subagent_type", "agent_type"]).into_iter().chain(first(BRIEF)));
        }
    }
    given::beside(&input, &shown, desk)
}

/// Whether a patch is what was given: it is shown file by file.
fn patches(input: &Obj<'_>) -> bool {
    let texts = input.0.iter().map(|(_, value)| json::text(*value).unwrap_or(value.get().into()));
    texts.into_iter().any(|text| text.contains("*** Begin Patch"))
}
