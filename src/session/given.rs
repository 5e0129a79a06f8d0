//! What a call was given that the form of its tool does not show: no word of an input is lost.

use std::borrow::Cow;

use super::agent::Desk;
use super::json::{self, Obj, RawValue};
use crate::redact::CleanText;

/// Fields of one input that are told; of further ones how many.
const MOST: usize = 60;
/// Bytes of a value on the page of one step; in a window it may have as many as an output.
const VALUE: usize = 1 << 20;
/// Characters of what stands for an input in one line.
const SUBJECT: usize = 200;
/// Room for a note at the end of a value that it is cut.
const NOTE: usize = 64;

/// The fields whose objects are shown one by one, and what these are known to hold: the forms show it or what it means,
/// or it is of no interest.
const INSIDE: &[(&[&str], &[&str])] = &[
    (
        &["todos", "plan", "items"],
        &["content", "step", "description", "title", "text", "status", "activeForm", "id"],
    ),
    (
        &["edits", "edit"],
        &[
            "old_string",
            "oldText",
            "old_str",
            "oldString",
            "old",
            "new_string",
            "newText",
            "new_str",
            "newString",
            "new",
        ],
    ),
    (
        &["questions"],
        &[
            "question",
            "header",
            "multiSelect",
            "options.label",
            "options.description",
            "options.preview",
            "options.markdown",
        ],
    ),
];

/// The fields of `input` beside those that are `shown`, and what nobody knows inside of these; what is empty or off says
/// nothing.
pub(super) fn beside(input: &Obj<'_>, shown: &[&str], desk: &Desk<'_>) -> Vec<(CleanText, CleanText)> {
    let mut fields: Vec<(Cow<'_, str>, RawValue<'_>)> = Vec::new();
    for (key, value) in input.0.iter().filter(|(_, value)| says(*value)) {
        let known = INSIDE.iter().find(|(names, _)| names.contains(&key.as_ref()));
        match known {
            _ if !shown.contains(&key.as_ref()) => fields.push((key.clone(), *value)),
            Some((_, known)) => inside(*value, key, "", known, &mut fields),
            None => {}
        }
    }
    told(fields.iter(), desk)
}

fn says(value: RawValue<'_>) -> bool {
    !matches!(value.get(), "null" | "false" | "\"\"" | "[]" | "{}")
}

/// Adds what stands in the objects of the field `of`, below `above`, and is not `known`.
fn inside<'a>(
    value: RawValue<'a>,
    of: &str,
    above: &str,
    known: &[&str],
    fields: &mut Vec<(Cow<'a, str>, RawValue<'a>)>,
) {
    let objects = if value.get().starts_with('[') { json::list(value) } else { vec![value] };
    for (key, value) in objects.into_iter().filter_map(Obj::of).flat_map(|object| object.0) {
        let path = format!("{above}{key}");
        let below = format!("{path}.");
        if !says(value) || known.contains(&path.as_str()) {
            continue;
        }
        if known.iter().any(|known| known.starts_with(&below)) {
            inside(value, of, &below, known, fields);
        } else {
            fields.push((Cow::Owned(format!("{of}.{path}")), value));
        }
    }
}

/// What stands for `input` in one line: the first text in it that is no credential.
pub(super) fn subject(input: &Obj<'_>, desk: &Desk<'_>) -> Option<CleanText> {
    let told = input.0.iter().filter(|(key, _)| !desk.cleaner.is_credential(key));
    first_line(&told.into_iter().find_map(|(_, value)| json::text(*value))?, desk)
}

/// The first line of what stands for an input.
pub(super) fn first_line(text: &str, desk: &Desk<'_>) -> Option<CleanText> {
    Some(desk.cleaner.headline(text.lines().next()?, SUBJECT)).filter(|line| !line.is_blank())
}

/// All fields of `input`.
pub(super) fn all(input: &Obj<'_>, desk: &Desk<'_>) -> Vec<(CleanText, CleanText)> {
    told(input.0.iter(), desk)
}

/// The fields of what a tool answered, if that is an object; none of one that is longer than an output may be.
pub(super) fn object(answer: &str, desk: &Desk<'_>) -> Vec<(CleanText, CleanText)> {
    let answer = answer.trim();
    let object = || Obj::parse(answer).map(|object| all(&object, desk));
    if answer.starts_with('{') && answer.len() <= desk.output {
        object().unwrap_or_default()
    } else {
        Vec::new()
    }
}

fn told<'a: 'b, 'b>(
    mut fields: impl Iterator<Item = &'b (Cow<'a, str>, RawValue<'a>)>,
    desk: &Desk<'_>,
) -> Vec<(CleanText, CleanText)> {
    let max = desk.output.min(VALUE).saturating_sub(NOTE);
    let first = fields.by_ref().take(MOST);
    let mut told: Vec<_> =
        first.map(|(key, value)| (desk.cleaner.start(key, 200), named(key, *value, max, desk))).collect();
    let more = fields.count();
    if more > 0 {
        told.push((desk.clean("and more"), desk.clean(&more.to_string())));
    }
    told
}

/// The value of the field `key`, see [`text`].
fn named(key: &str, value: RawValue<'_>, max: usize, desk: &Desk<'_>) -> CleanText {
    match json::text(value).filter(|_| desk.cleaner.is_credential(key)) {
        Some(credential) => desk.cleaner.field(key, &credential, max),
        None => text(value, max, desk),
    }
}

/// A value as text, at most `max` bytes of it: strings as they are, anything else as JSON.
pub(super) fn text(value: RawValue<'_>, max: usize, desk: &Desk<'_>) -> CleanText {
    let text = json::text(value).unwrap_or(Cow::Borrowed(value.get()));
    desk.part(&text, max)
}
