//! Record types that are known and not shown, and words that are private.

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
pub(super) const BLOCKS: &[&str] = &["fallback", "image", "document", "connector_text", "tool_reference"];

/// Keys never shown of an unknown record or block: ids, the envelope, and what is private.
pub(super) fn is_private(key: &str) -> bool {
    const KEYS: &[&str] = &[
        "type",
        "subtype",
        "uuid",
        "timestamp",
        "version",
        "cwd",
        "slug",
        "userType",
        "entrypoint",
        "isSidechain",
        "isMeta",
        "level",
        "gitBranch",
        "signature",
        "data",
        "rendered",
        "environment",
        "env",
        "system",
        "tools",
        "headers",
    ];
    let low = key.to_ascii_lowercase();
    let words =
        ["uuid", "encrypted", "signature", "classifier", "prompt_snapshot", "system_prompt", "systemprompt"];
    let ids = ["Id", "_id", "ID"].iter().any(|end| key.ends_with(end)) || key == "id";
    ids || KEYS.contains(&key) || words.iter().any(|word| low.contains(word))
}
