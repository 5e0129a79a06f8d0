//! Kimi Code: `~/.kimi-code/sessions/<folder>/<session>/agents/<agent>/wire.jsonl`.
//!
//! Records `{type, time}` of everything on the wire. What is said is what is appended to the context: a
//! prompt is recorded a second time as the start of a turn, and what the agent injects names its origin.

use std::borrow::Cow;

use jiff::Timestamp;

use super::agent::Likeness;
use super::dialect::{
    Block, Call, Counted, Dialect, Facts, Returned, Said, Speaker, content, picture, pictures, result_text,
    said_by, usage,
};
use super::fields::{Fields, Table};
use super::json::{Obj, RawValue};
use super::private::Private;

/// The fields of its records.
static FIELDS: Table = Table::new(|| Fields::of(include_str!("fields/kimi.txt")));

/// The format.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kimi;

/// Records without anything for a reader that is not said elsewhere, or with what belongs to the person alone (system
/// prompts, lists of tools).
const HIDDEN: &[&str] = &[
    "agent.turn.ended",
    "agent.turn.started",
    "file_history.checkpoint",
    "file_history.tracked",
    "forked",
    "full_compaction.begin",
    "full_compaction.cancel",
    "full_compaction.complete",
    "goal.clear",
    "goal.create",
    "goal.update",
    "llm.request",
    "llm.tools_snapshot",
    "mcp.tools_discovered",
    "metadata",
    "micro_compaction.apply",
    "permission.record_approval_result",
    "permission.set_mode",
    "plan_mode.cancel",
    "plan_mode.enter",
    "plan_mode.exit",
    "plugin.session_start",
    "prompt.accepted",
    "prompt.completed",
    "runtime.set_binding",
    "staleGuard.recorded",
    "swarm_mode.enter",
    "swarm_mode.exit",
    "token_counting.measured",
    "token_counting.measured_turn",
    "token_counting.rebased",
    "token_counting.truncated",
    "token_counting.turn_recorded",
    "tools.register_user_tool",
    "tools.set_active_tools",
    "tools.unregister_user_tool",
    "tools.update_store",
    "turn.ended",
    "turn.prompt",
    "turn.started",
    "turn.steer",
];

impl Dialect for Kimi {
    fn name(&self) -> &'static str {
        "Kimi Code"
    }

    fn fields(&self) -> Option<&'static Table> {
        Some(&FIELDS)
    }

    fn likeness(&self, record: &Obj<'_>) -> Likeness {
        let has = |key| record.raw(key).is_some();
        match record.text("type").as_deref() {
            Some("metadata") if has("protocol_version") => Likeness::Certain,
            Some("context.append_message") if has("message") => Likeness::Certain,
            Some("context.append_loop_event") if has("event") => Likeness::Certain,
            Some("turn.prompt") if has("input") => Likeness::Likely,
            _ => Likeness::Unknown,
        }
    }

    fn read<'a>(&self, record: &Obj<'a>) -> Vec<Said<'a>> {
        let kind = record.text("type").unwrap_or_default();
        let facts = |facts| Said { facts, ..Said::default() };
        let mut said = match kind.as_ref() {
            "context.append_message" => appended(&record.obj("message").unwrap_or_default()),
            "context.append_loop_event" => event(&record.obj("event").unwrap_or_default()),
            "context.apply_compaction" => Said::one(Block::Compacted {
                before: record.number("tokensBefore"),
                after: record.number("tokensAfter"),
                summary: record.says("summary"),
            }),
            "turn.cancel" => Said::one(Block::Interrupted),
            "config.update" => {
                let mut said = facts(Facts { model: record.text("modelAlias"), ..Facts::default() });
                said.context(Private::Instructions, record.words("systemPrompt"));
                said
            }
            "profile.bind" => {
                let mut said = facts(Facts {
                    model: record.text("modelAlias"),
                    cwd: record.obj("environmentDisclosure").and_then(|told| told.text("cwd")),
                    ..Facts::default()
                });
                said.context(Private::Instructions, record.words("systemPrompt"));
                said
            }
            "usage.record" => facts(Facts {
                usage: record.obj("usage").map(|tokens| {
                    let names = ["inputOther", "output", "inputCacheRead", "inputCacheCreation"];
                    (Counted::Record, usage(&tokens, names))
                }),
                ..Facts::default()
            }),
            kind if HIDDEN.contains(&kind) => Said::default(),
            kind => Said::one(Block::Unknown(kind.to_owned(), record.clone())),
        };
        let millis = record.number("time").and_then(|millis| i64::try_from(millis).ok());
        said.at = millis.and_then(|millis| Timestamp::from_millisecond(millis).ok());
        vec![said]
    }
}

fn appended<'a>(message: &Obj<'a>) -> Said<'a> {
    let mut said = Said::default();
    let origin = message.obj("origin").and_then(|origin| origin.text("kind"));
    let Some(raw) = message.raw("content") else { return said };
    match (message.text("role").as_deref(), origin.as_deref()) {
        (Some("user"), None | Some("user")) => content(raw, Speaker::Person, &mut said, Ok),
        (Some("user"), _) => content(raw, Speaker::Person, &mut said, |text| Err((Private::Reminder, text))),
        (Some("assistant"), _) => content(raw, Speaker::Agent, &mut said, Ok),
        (Some("system"), _) => said.context(Private::Instructions, result_text(Some(raw))),
        (role, _) => said.blocks.push(said_by(role.unwrap_or("nobody"), Some(raw))),
    }
    said
}

fn event<'a>(event: &Obj<'a>) -> Said<'a> {
    match event.text("type").as_deref() {
        Some("content.part") => part(&event.obj("part").unwrap_or_default()),
        Some("tool.call") => Said::one(Block::Call(Box::new(Call {
            id: event.text("toolCallId"),
            name: event.text("name").unwrap_or_default(),
            input: input(event),
            result: None,
        }))),
        Some("tool.result") => {
            let result = event.obj("result").unwrap_or_default();
            let output = result.raw("output");
            Said::one(Block::Result(Box::new(Returned {
                of: event.text("toolCallId"),
                text: reported(result_text(output)),
                failed: result.flag("isError"),
                images: output.map(pictures).unwrap_or_default(),
                ..Returned::default()
            })))
        }
        Some("step.begin" | "step.end" | "step.retry" | "step.interrupted") => Said::default(),
        kind => Said::one(Block::Unknown(format!("event {}", kind.unwrap_or_default()), event.clone())),
    }
}

/// What a sub-agent reports, without the lines in which the program says above it who does.
fn reported(text: Cow<'_, str>) -> Cow<'_, str> {
    match text.split_once("\n[summary]\n") {
        Some((head, report)) if head.starts_with("agent_id: ") => Cow::Owned(report.to_owned()),
        _ => text,
    }
}

/// The arguments of a call. A plan is in a file, and stands in what is displayed of the call.
fn input<'a>(event: &Obj<'a>) -> Cow<'a, str> {
    let plan = event.obj("display").and_then(|display| display.text("plan"));
    match plan.filter(|_| event.obj("args").is_none_or(|args| args.raw("plan").is_none())) {
        Some(plan) => Cow::Owned(serde_json::json!({ "plan": plan }).to_string()),
        None => Cow::Borrowed(event.raw("args").map_or("", RawValue::get)),
    }
}

fn part<'a>(part: &Obj<'a>) -> Said<'a> {
    let mut said = Said::default();
    match part.text("type").as_deref() {
        Some("text") => said.reply(part.words("text")),
        Some("think") => said.thought(part.words("think")),
        kind => said.blocks.push(match picture(part) {
            Some(image) => Block::Image(image),
            None => Block::Unknown(format!("part {}", kind.unwrap_or_default()), part.clone()),
        }),
    }
    said
}

#[cfg(test)]
mod tests {
    use super::reported;

    #[test]
    fn a_report_is_told_from_what_the_program_says_of_it() {
        for (text, want) in [
            ("agent_id: agent-0\nstatus: completed\n\n[summary]\nThere are 80.", "There are 80."),
            ("ls\n[summary]\nx", "ls\n[summary]\nx"),
        ] {
            assert_eq!(reported(text.into()), want);
        }
    }
}
