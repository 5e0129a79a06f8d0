//! What the model looks like in JSON: header, prompts, items. Borrowed, and made where it is written.

use jiff::Timestamp;
use serde::Serialize;

use super::tool::{OutputView, ToolView, output, tool};
use crate::redact::CleanText;
use crate::session::model::{
    AsideHow, Attachment, Item, Marker, Outcome, Overview, Prompt, Step, StepKind, Usage,
};
use crate::session::price;

/// Agents inside agents deeper than this are left out.
const DEEPEST: usize = 16;

/// The fields of the export but its turns.
#[derive(Serialize)]
pub(super) struct HeadView<'a> {
    format: &'static str,
    format_version: u32,
    agent: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<&'a str>,
    models: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    project: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    branch: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    started: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ended: Option<Timestamp>,
    usage: UsageView,
    #[serde(skip_serializing_if = "Option::is_none")]
    cost: Option<CostView>,
    steps: u32,
    sub_steps: u32,
}

#[derive(Serialize)]
struct UsageView {
    input: u64,
    output: u64,
    cache_read: u64,
    cache_write: u64,
}

#[derive(Serialize)]
struct CostView {
    usd: f64,
    prices_as_of: &'static str,
}

impl<'a> HeadView<'a> {
    pub(super) fn of(overview: &'a Overview, format_version: u32) -> Self {
        let Usage { input, output, cache_read, cache_write } = overview.usage;
        Self {
            format: "panko-session",
            format_version,
            agent: overview.agent,
            version: maybe(&overview.version),
            models: overview.models.iter().map(CleanText::as_str).collect(),
            title: maybe(&overview.title),
            project: maybe(&overview.project),
            branch: maybe(&overview.branch),
            started: overview.started,
            ended: overview.ended,
            usage: UsageView { input, output, cache_read, cache_write },
            cost: overview.cost.dollars().map(|usd| CostView { usd, prices_as_of: price::AS_OF }),
            steps: overview.steps,
            sub_steps: overview.sub_steps,
        }
    }
}

pub(super) fn maybe(text: &Option<CleanText>) -> Option<&str> {
    text.as_ref().map(CleanText::as_str)
}

#[derive(Serialize)]
pub(super) struct PromptView<'a> {
    text: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    command: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    attachments: Vec<AttachmentView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<Timestamp>,
}

pub(super) fn prompt(prompt: &Prompt) -> PromptView<'_> {
    PromptView {
        text: prompt.text.as_str(),
        command: maybe(&prompt.command),
        attachments: prompt.attachments.iter().map(attachment).collect(),
        at: prompt.at,
    }
}

#[derive(Serialize)]
pub(super) struct AttachmentView {
    no: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    step: Option<u32>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    within: Vec<u32>,
    media_type: &'static str,
    bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    width: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    height: Option<u32>,
}

fn attachment(file: &Attachment) -> AttachmentView {
    let Attachment { no, media_type, bytes, size } = *file;
    let (step, within) =
        no.steps().split_first().map_or((None, &[][..]), |(step, within)| (Some(*step), within));
    let (width, height) = size.unzip();
    AttachmentView { no: no.no, step, within: within.to_vec(), media_type, bytes, width, height }
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum ItemView<'a> {
    Reply {
        text: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        at: Option<Timestamp>,
    },
    Thinking {
        text: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        at: Option<Timestamp>,
    },
    Image {
        attachment: AttachmentView,
        #[serde(skip_serializing_if = "Option::is_none")]
        at: Option<Timestamp>,
    },
    Aside {
        no: u32,
        how: &'static str,
        prompt: PromptView<'a>,
    },
    Step(Box<StepView<'a>>),
    Compacted {
        #[serde(skip_serializing_if = "Option::is_none")]
        at: Option<Timestamp>,
        #[serde(skip_serializing_if = "Option::is_none")]
        before: Option<u64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        after: Option<u64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        summary: Option<&'a str>,
    },
    Interrupted {
        #[serde(skip_serializing_if = "Option::is_none")]
        at: Option<Timestamp>,
    },
    ApiError {
        #[serde(skip_serializing_if = "Option::is_none")]
        at: Option<Timestamp>,
        text: &'a str,
        times: u32,
        #[serde(skip_serializing_if = "Option::is_none")]
        until: Option<Timestamp>,
    },
    Model {
        to: &'a str,
    },
    Local {
        command: &'a str,
        output: OutputView<'a>,
    },
    Context {
        what: &'a str,
        text: OutputView<'a>,
    },
    Unknown {
        what: &'a str,
        fields: Vec<(&'a str, &'a str)>,
    },
}

#[derive(Serialize)]
pub(super) struct StepView<'a> {
    no: u32,
    kind: &'static str,
    name: &'a str,
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    took_ms: Option<u64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    images: Vec<AttachmentView>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    beside: Vec<(&'a str, &'a str)>,
    tool: ToolView<'a>,
}

/// An item, in an agent `depth` deep.
pub(super) fn item(item: &Item, depth: usize) -> ItemView<'_> {
    match item {
        Item::Reply { text, at } => ItemView::Reply { text: text.as_str(), at: *at },
        Item::Thinking { text, at } => ItemView::Thinking { text: text.as_str(), at: *at },
        Item::Image { file, at } => ItemView::Image { attachment: attachment(file), at: *at },
        Item::Aside { no, how, prompt: said } => ItemView::Aside {
            no: *no,
            how: match how {
                AsideHow::Queued => "queued",
                AsideHow::Declining => "declining",
            },
            prompt: prompt(said),
        },
        Item::Step(one) => ItemView::Step(Box::new(step(one, depth))),
        Item::Marker(marker) => self::marker(marker),
        Item::Context { what, text } => ItemView::Context { what: what.as_str(), text: output(text) },
        Item::Unknown { what, fields } => ItemView::Unknown { what: what.as_str(), fields: pairs(fields) },
    }
}

/// The items of a sub-agent.
pub(super) fn inside(items: &[Item], depth: usize) -> Vec<ItemView<'_>> {
    let items = if depth < DEEPEST { items } else { &[] };
    items.iter().map(|one| item(one, depth + 1)).collect()
}

pub(super) fn pairs(pairs: &[(CleanText, CleanText)]) -> Vec<(&str, &str)> {
    pairs.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect()
}

fn marker(marker: &Marker) -> ItemView<'_> {
    match marker {
        Marker::Compacted { at, before, after, summary } => {
            ItemView::Compacted { at: *at, before: *before, after: *after, summary: maybe(summary) }
        }
        Marker::Interrupted { at } => ItemView::Interrupted { at: *at },
        Marker::ApiError { at, text, times, until } => ItemView::ApiError {
            at: *at,
            text: text.as_str(),
            times: *times,
            until: until.filter(|_| *times > 1),
        },
        Marker::Model { to } => ItemView::Model { to: to.as_str() },
        Marker::Local { command, output: printed } => {
            ItemView::Local { command: command.as_str(), output: output(printed) }
        }
    }
}

fn step(step: &Step, depth: usize) -> StepView<'_> {
    let (outcome, error) = match &step.outcome {
        Outcome::Done => ("done", None),
        Outcome::Failed(text) => ("failed", Some(text.as_str()).filter(|text| !text.is_empty())),
        Outcome::Declined => ("declined", None),
        Outcome::Open => ("open", None),
    };
    let kind = match step.kind {
        StepKind::Read => "read",
        StepKind::Edit => "edit",
        StepKind::Run => "run",
        StepKind::Agent => "agent",
        StepKind::Other => "other",
    };
    StepView {
        no: step.no,
        kind,
        name: step.name.as_str(),
        outcome,
        error,
        at: step.at,
        took_ms: step.took.map(|took| u64::try_from(took.as_millis()).unwrap_or(u64::MAX)),
        images: step.images.iter().map(attachment).collect(),
        beside: pairs(&step.beside),
        tool: tool(&step.tool, depth),
    }
}
