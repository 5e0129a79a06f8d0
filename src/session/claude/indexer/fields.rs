//! Questions to the fields of a record: its blocks, calls, results, texts, images.

use std::borrow::Cow;

use crate::session::claude::content::{count_images, result_text};
use crate::session::claude::head::{Block, Content, Fields, Message};
use crate::session::claude::said::is_declined;
use crate::session::claude::{hidden, tools};
use crate::session::index::{NewStep, hash};
use crate::session::json::{self, RawValue};
use crate::session::model::{Ended, StepKind};
use crate::session::words::words;

/// The blocks of a message; none if it is a string.
pub(super) fn blocks<'a, 'b>(fields: &'a Fields<'b>) -> &'a [Block<'b>] {
    match fields.message.as_ref().and_then(|message| message.content.as_ref()) {
        Some(Content::Blocks(blocks)) => blocks,
        _ => &[],
    }
}

/// The tool calls of a message.
pub(super) fn steps<'a, 'b>(fields: &'a Fields<'b>) -> impl Iterator<Item = (&'a Block<'b>, StepKind)> {
    let calls = blocks(fields).iter().filter(|block| tools::is_call(block.kind.as_str()));
    calls.map(|block| (block, tools::kind(block.name.as_str().unwrap_or_default())))
}

/// The step that a block calls for.
pub(super) fn new_step(block: &Block<'_>, kind: StepKind) -> NewStep {
    NewStep { kind, call: block.id.as_str().map(hash), ended: Ended::Open }
}

pub(super) fn results_of<'a, 'b>(fields: &'a Fields<'b>) -> impl Iterator<Item = &'a Block<'b>> {
    blocks(fields).iter().filter(|block| block.kind.as_str() == Some("tool_result"))
}

/// The results in a record: of which call, and how that ended.
pub(super) fn results(fields: &Fields<'_>) -> impl Iterator<Item = (u64, Ended)> {
    results_of(fields).map(|block| (block.of.as_str().map_or(0, hash), ended(block)))
}

fn ended(result: &Block<'_>) -> Ended {
    let declined = result.content.is_some_and(|content| declined(content).is_some());
    let told = result.content.is_some_and(|content| content.get().starts_with("\"<tool_use_error>"));
    match () {
        () if declined => Ended::Declined,
        () if told || result.failed.0 => Ended::Failed,
        () => Ended::Done,
    }
}

/// The texts of a message, one a block.
pub(super) fn texts<'b>(fields: &Fields<'b>) -> Vec<Cow<'b, str>> {
    if let Some(text) = fields.message.as_ref().and_then(Message::plain) {
        return vec![words(text)];
    }
    let text = |block: &Block<'b>| match (block.bare, block.text) {
        (Some(bare), _) => json::text(bare),
        (None, Some(text)) if block.kind.as_str() == Some("text") => Some(words(text)),
        _ => None,
    };
    blocks(fields).iter().filter_map(text).collect()
}

/// All text of a message.
pub(super) fn text_of(fields: &Fields<'_>) -> String {
    texts(fields).join("\n")
}

/// What the blocks of a person's record call themselves that nobody knows.
pub(super) fn unknown_of_a_person<'a>(fields: &'a Fields<'_>) -> Vec<&'a str> {
    let unknown = |block: &&Block<'_>| block.bare.is_none() && !hidden::is_known_of_a_person(kind_of(block));
    blocks(fields).iter().filter(unknown).map(kind_of).collect()
}

fn kind_of<'a>(block: &'a Block<'_>) -> &'a str {
    block.kind.as_str().unwrap_or_default()
}

/// How many images a record holds, those in results included.
pub(super) fn images(fields: &Fields<'_>) -> u32 {
    let count = |block: &Block<'_>| match (block.kind.as_str(), block.content) {
        (Some("image" | "document"), _) => 1,
        (Some("tool_result"), Some(content)) => count_images(content),
        _ => 0,
    };
    blocks(fields).iter().map(count).sum()
}

/// The text of a result, if it says that the person declined the step.
pub(super) fn declined(content: RawValue<'_>) -> Option<String> {
    const LONGEST: usize = 256 << 10;
    let json = content.get();
    let start = json.get(..json.floor_char_boundary(200)).unwrap_or_default();
    if json.len() > LONGEST || !start.contains("The user doesn") {
        return None;
    }
    Some(result_text(Some(content))).filter(|text| is_declined(text))
}
