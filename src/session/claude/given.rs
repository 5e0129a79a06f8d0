//! The fields of inputs that the forms of tools show, or that are of no interest to a reader: limits of time and
//! of size.

use super::call::Call;
use crate::redact::CleanText;
use crate::session::agent::Desk;
use crate::session::given;
use crate::session::model::Tool;

/// What `call` was given that `tool` does not show.
pub(super) fn beside(call: &Call<'_>, tool: &Tool, desk: &Desk<'_>) -> Vec<(CleanText, CleanText)> {
    let shown: &[&str] = match tool {
        Tool::Other { .. } => return Vec::new(),
        Tool::Shell { .. } => &["command", "description", "run_in_background", "timeout"],
        Tool::Read { .. } => &["file_path", "offset", "limit"],
        Tool::Write { .. } => &["file_path", "content"],
        Tool::Edit { .. } => {
            &["file_path", "old_string", "new_string", "edits", "notebook_path", "new_source"]
        }
        // The numbers of lines are seen.
        Tool::Find { .. } => &["pattern", "path", "output_mode", "head_limit", "-n"],
        Tool::Polled { .. } => {
            &["bash_id", "shell_id", "task_id", "agentId", "block", "timeout", "wait_up_to"]
        }
        Tool::Fetch { .. } => &["url", "prompt"],
        Tool::WebSearch { .. } => &["query"],
        // The form for while it is done says the same.
        Tool::Todo { .. } => &["todos", "subject", "activeForm", "taskId", "status"],
        Tool::TodoEntry { .. } => &["taskId"],
        Tool::Plan { .. } => &["plan"],
        Tool::Question { .. } => &["questions", "answers"],
        Tool::Agent { .. } => &["description", "subagent_type", "prompt"],
    };
    given::beside(&call.input, shown, desk)
}
