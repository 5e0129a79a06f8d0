//! Event messages: news for the terminal, most of it said by response items as well.

use super::item::person;
use super::{titled, tokens};
use crate::session::dialect::{Block, Recorded, Said, Twin, pictures};
use crate::session::json::{self, Obj, RawValue};

/// Events without anything for a reader that is not said elsewhere, or with what belongs to the person alone.
const HIDDEN: &[&str] = &[
    "task_started",
    "task_complete",
    "turn_started",
    "turn_complete",
    "turn_diff",
    "item_started",
    "item_completed",
    "agent_message_delta",
    "agent_reasoning_delta",
    "agent_reasoning_section_break",
    "exec_command_begin",
    "exec_command_end",
    "exec_command_output_delta",
    "exec_approval_request",
    "apply_patch_approval_request",
    "patch_apply_begin",
    "patch_apply_end",
    "mcp_tool_call_begin",
    "mcp_tool_call_end",
    "dynamic_tool_call_request",
    "dynamic_tool_call_response",
    "web_search_begin",
    "web_search_end",
    "image_generation_begin",
    "image_generation_end",
    "view_image_tool_call",
    "exited_review_mode",
    "guardian_assessment",
    "collab_agent_spawn_begin",
    "collab_agent_spawn_end",
    "collab_agent_interaction_begin",
    "collab_agent_interaction_end",
    "collab_waiting_begin",
    "collab_waiting_end",
    "collab_close_begin",
    "collab_close_end",
    "collab_resume_begin",
    "collab_resume_end",
    "sub_agent_activity",
    "thread_goal_updated",
    "thread_settings_applied",
    "thread_rolled_back",
    "undo_completed",
    "plan_update",
    "background_event",
    "stream_error",
    "warning",
    "session_configured",
    "model_reroute",
    "hook_started",
    "hook_completed",
];

/// What an event says.
pub(super) fn read<'a>(event: &Obj<'a>) -> Said<'a> {
    let kind = event.text("type").unwrap_or_default();
    let text = |key| event.words(key);
    let twin = |kind, text: &str| Some(Twin::of(kind, text, Recorded::Event));
    match kind.as_ref() {
        "user_message" => {
            let images = event.raw("images").map(urls).unwrap_or_default();
            person(vec![text("message")], images, Recorded::Event)
        }
        "agent_message" => {
            let text = text("message");
            let mut said = Said { twin: twin("reply", &text), ..Said::default() };
            said.reply(text);
            said
        }
        "agent_reasoning" | "agent_reasoning_raw_content" => {
            let text = text("text");
            let mut said = Said { twin: twin("thought", &text), ..Said::default() };
            said.thought(text);
            said
        }
        // Rate limits stand here as well: they are the person's own affair.
        "token_count" => {
            let facts = event.obj("info").map(|info| tokens(&info)).unwrap_or_default();
            Said { facts, ..Said::default() }
        }
        "turn_aborted" => Said { twin: twin("aborted", ""), ..Said::one(Block::Interrupted) },
        "context_compacted" => Said {
            twin: twin("compacted", ""),
            ..Said::one(Block::Compacted { before: None, after: None, summary: None })
        },
        "error" => Said::one(Block::Error(text("message"))),
        "thread_name_updated" => {
            let name = event.text("thread_name").or_else(|| event.text("name"));
            Said { facts: titled(name), ..Said::default() }
        }
        "entered_review_mode" => {
            let command = format!("/review {}", text("user_facing_hint"));
            Said::one(Block::Local { command: command.trim_end().to_owned().into(), output: "".into() })
        }
        kind if HIDDEN.contains(&kind) => Said::default(),
        kind => Said::one(Block::Unknown(format!("event {kind}"), event.clone())),
    }
}

/// The base64 of `data:` URLs in a list.
fn urls(list: RawValue<'_>) -> Vec<std::borrow::Cow<'_, str>> {
    let blocks = pictures(list);
    if !blocks.is_empty() {
        return blocks;
    }
    let urls = json::list(list).into_iter().filter_map(json::text);
    urls.filter_map(|url| Some(url.split_once(";base64,")?.1.to_owned().into())).collect()
}
