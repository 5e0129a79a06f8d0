//! Blocks of messages, the text of results, and images in both.

use std::borrow::Cow;

use super::said::without_reminders;
use crate::redact::CleanText;
use crate::session::agent::Desk;
use crate::session::json::{self, Obj, RawValue};
use crate::session::media;
use crate::session::model::Attachment;
use crate::session::private::visible;
use crate::session::words::words;

/// The blocks of a record: of its message, or of the prompt it carries as an attachment.
pub(super) fn blocks_of<'a>(record: &Obj<'a>) -> Vec<Obj<'a>> {
    let carried = || record.obj("attachment").and_then(|attached| attached.raw("prompt"));
    content_of(record).or_else(carried).map(blocks).unwrap_or_default()
}

/// What the message of a record says: a plain value, or blocks.
pub(super) fn content_of<'a>(record: &Obj<'a>) -> Option<RawValue<'a>> {
    let message = record.raw("message")?;
    match Obj::of(message) {
        Some(message) => message.raw("content").filter(|content| content.get() != "null"),
        None => Some(message).filter(|message| message.get().starts_with('"')),
    }
}

/// The blocks of a content that are objects.
pub(super) fn blocks(content: RawValue<'_>) -> Vec<Obj<'_>> {
    parts(content).into_iter().filter_map(Obj::of).collect()
}

/// The elements of a content; an object stands for a list of one.
pub(super) fn parts(content: RawValue<'_>) -> Vec<RawValue<'_>> {
    if content.get().starts_with('{') { vec![content] } else { json::list(content) }
}

fn is_image(kind: &str) -> bool {
    matches!(kind, "image" | "document")
}

fn is_block_image(block: &Obj<'_>) -> bool {
    block.raw("type").is_some_and(|kind| is_image(kind.get().trim_matches('"')))
}

/// The images of blocks and of the results in them, in order.
pub(super) fn images<'a>(blocks: &'a [Obj<'a>]) -> impl Iterator<Item = Obj<'a>> + 'a {
    blocks.iter().flat_map(images_of)
}

/// The image a block is, or the images in the result it is.
fn images_of<'a>(block: &Obj<'a>) -> Vec<Obj<'a>> {
    if is_block_image(block) {
        return vec![block.clone()];
    }
    match block.raw("content") {
        Some(content) if is_result(block) => content_images(content),
        _ => vec![],
    }
}

fn is_result(block: &Obj<'_>) -> bool {
    block.raw("type").is_some_and(|kind| kind.get() == "\"tool_result\"")
}

fn content_images(content: RawValue<'_>) -> Vec<Obj<'_>> {
    blocks(content).into_iter().filter(is_block_image).collect()
}

/// How many images a result's content holds; as [`images`] counts, for the index.
pub(super) fn count_images(content: RawValue<'_>) -> u32 {
    // Most results are strings; and a list without the word has none.
    let json = content.get();
    if json.starts_with('"') || !(json.contains("\"image\"") || json.contains("\"document\"")) {
        return 0;
    }
    content_images(content).len() as u32
}

/// The encoded bytes of an image block.
pub(super) fn base64<'a>(image: &Obj<'a>) -> Option<Cow<'a, str>> {
    image.obj("source")?.text("data")
}

/// The images of blocks, numbered from `first`.
pub(super) fn attachments(blocks: &[Obj<'_>], first: u32) -> Vec<Attachment> {
    images(blocks).zip(first..).map(|(image, no)| attachment(&image, no)).collect()
}

fn attachment(image: &Obj<'_>, no: u32) -> Attachment {
    let encoded = base64(image).unwrap_or_default();
    let head = media::head(&encoded);
    Attachment {
        no: no.into(),
        media_type: media::kind(&head),
        bytes: media::decoded_len(&encoded),
        size: media::size(&head),
    }
}

/// The text of a result's content: a string, or its blocks of text. Reminders are left out.
pub(super) fn result_text(content: Option<RawValue<'_>>) -> String {
    let Some(content) = content else { return String::new() };
    if let Some(text) = json::text(content) {
        return without_reminders(&text).into_owned();
    }
    let mut told = Vec::new();
    let mut tell = |block: RawValue<'_>| match Obj::of(block) {
        None => told.push(words(block).into_owned()),
        Some(object) => match object.text("type").as_deref() {
            Some("text") => told.push(without_reminders(&object.words("text")).into_owned()),
            Some("tool_reference") => told.extend(object.text("tool_name").map(Cow::into_owned)),
            // Of a type that nobody knows it is told as a field of the record.
            Some(_) => {}
            None => told.push(words(block).into_owned()),
        },
    };
    if content.get().starts_with(['[', '{']) {
        parts(content).into_iter().for_each(&mut tell);
    } else {
        tell(content);
    }
    told.retain(|text| !text.is_empty());
    told.join("\n")
}

/// Fields of an unknown record or block, what is private left out, cut to a sane length.
pub(super) fn fields(object: &Obj<'_>, desk: &Desk<'_>) -> Vec<(CleanText, CleanText)> {
    let is_private = super::hidden::is_private;
    let shown = object.0.iter().filter(|(key, _)| !is_private(key)).take(12);
    let text = |key: &str, value| desk.cleaner.field(key, &visible(value, 300, &is_private), 300);
    shown.map(|(key, value)| (desk.cleaner.start(key, 80), text(key, *value))).collect()
}
