//! Record types that are known and not shown, and words that are private.

use crate::session::private::{Private, is_private_key};

/// What an attachment is that was not said by the person; `None` if nobody knows.
pub(super) fn attached(kind: &str) -> Option<Private> {
    Some(match kind {
        "task_reminder"
        | "todo_reminder"
        | "todo"
        | "total_tokens_reminder"
        | "plan_mode"
        | "date_change"
        | "output_style"
        | "critical_system_reminder" => Private::Reminder,
        "skill_listing"
        | "invoked_skills"
        | "nested_memory"
        | "file"
        | "compact_file_reference"
        | "edited_text_file"
        | "directory" => Private::Injected,
        "selected_lines_in_ide" | "opened_file_in_ide" | "diagnostics" => Private::Editor,
        "environment" | "model" => Private::Environment,
        "prompt_snapshot" => Private::Instructions,
        "mcp_instructions_delta" | "deferred_tools_delta" | "agent_listing_delta" => Private::Connectors,
        kind if kind.starts_with("hook_") || kind == "async_hook_response" => Private::Hook,
        _ => return None,
    })
}

/// Records without anything for a reader, or with what belongs to the person alone.
pub(super) const RECORDS: &[&str] = &[
    "progress",
    "file-history-snapshot",
    "queue-operation",
    "summary",
    "last-prompt",
    "pr-link",
    "permission-mode",
    "mode",
    "ai-title",
    "custom-title",
    "agent-name",
    "agent-color",
    "agent-setting",
    "worktree-state",
    "frame-link",
    "relocated",
    "tag",
    "started",
    "result",
    "content-replacement",
    "speculation-accept",
    "attribution-snapshot",
    "context-collapse-commit",
    "context-collapse-snapshot",
    "atis-latch",
    // Private: ids of accounts and organisations, system prompts, the environment.
    "bridge-session",
    "prompt_snapshot",
    "environment",
    "hook_success",
    "deferred_tools_delta",
    "system-prompt",
    "system_prompt",
];

/// System records that are known and not shown.
pub(super) const SYSTEM: &[&str] = &[
    "stop_hook_summary",
    "turn_duration",
    "microcompact_boundary",
    "session_start",
    "init",
    "status",
    "informational",
    "memory_saved",
    "bridge_status",
    "away_summary",
    "scheduled_task_fire",
    "file_snapshot",
    "agents_killed",
    "api_metrics",
    "permission_retry",
    "prompt_snapshot",
    "environment",
];

/// Blocks that are known and not shown.
pub(super) const BLOCKS: &[&str] = &["fallback", "image", "document", "tool_reference"];

/// Whether nothing is to be said of a block of this type in a person's record, beyond what it says itself.
pub(super) fn is_known_of_a_person(kind: &str) -> bool {
    matches!(kind, "text" | "tool_result") || BLOCKS.contains(&kind)
}

/// Keys never shown of an unknown record or block: the envelope, and what is private.
pub(super) fn is_private(key: &str) -> bool {
    const ENVELOPE: &[&str] =
        &["subtype", "slug", "userType", "entrypoint", "isSidechain", "isMeta", "level", "gitBranch", "data"];
    ENVELOPE.contains(&key) || is_private_key(key)
}
