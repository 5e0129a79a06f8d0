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

/// The fields that are read as a list of words.
const WORDS: &[&str] = &["command", "cmd", "script"];

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
            // One that is written as a text.
            Some(_) if key == "plan" && json::text(*value).is_some() => {}
            Some((_, known)) => inside(*value, key, "", known, &mut fields),
            None if is_read(key, *value) => {}
            None => fields.push((key.clone(), *value)),
        }
    }
    told(fields.iter(), desk)
}

/// Whether a form that shows the field `key` can read this of it: no object, and a list where it is one of words.
fn is_read(key: &str, value: RawValue<'_>) -> bool {
    match value.get().as_bytes().first() {
        Some(b'{') => false,
        Some(b'[') => {
            WORDS.contains(&key) && json::list(value).iter().all(|word| word.get().starts_with('"'))
        }
        _ => true,
    }
}

fn says(value: RawValue<'_>) -> bool {
    !matches!(value.get(), "null" | "false" | "\"\"" | "[]" | "{}")
}

/// Adds what stands in the objects of the field `of`, below `above`, and is not `known`, or is no plain value; and what
/// stands in the place of such an object.
fn inside<'a>(
    value: RawValue<'a>,
    of: &str,
    above: &str,
    known: &[&str],
    fields: &mut Vec<(Cow<'a, str>, RawValue<'a>)>,
) {
    for part in json::parts(value).into_iter().filter(|part| says(*part)) {
        let Some(object) = Obj::of(part) else {
            // A choice may be its label alone.
            if above == "options." && json::text(part).is_some() {
                continue;
            }
            let path = format!("{of}.{above}");
            fields.push((Cow::Owned(path.trim_end_matches('.').to_owned()), part));
            continue;
        };
        for (key, value) in object.0.into_iter().filter(|(_, value)| says(*value)) {
            let path = format!("{above}{key}");
            let below = format!("{path}.");
            if known.iter().any(|known| known.starts_with(&below)) {
                inside(value, of, &below, known, fields);
            } else if !known.contains(&path.as_str()) || value.get().starts_with(['{', '[']) {
                fields.push((Cow::Owned(format!("{of}.{path}")), value));
            }
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
