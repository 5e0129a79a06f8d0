//! What a call was given that the form of its tool does not show: no word of an input is lost.

use std::borrow::Cow;

use super::agent::Desk;
use super::json::{self, Obj, RawValue};
use crate::redact::CleanText;

/// Fields of one input that are told; of further ones how many.
const MOST: usize = 60;
/// Bytes of a value on the page of one step; in a window it may have as many as an output.
const VALUE: usize = 1 << 20;
/// Room for a note at the end of a value that it is cut.
const NOTE: usize = 64;

/// The fields of `input` beside those that are `shown`; what is empty or off says nothing.
pub(super) fn beside(input: &Obj<'_>, shown: &[&str], desk: &Desk<'_>) -> Vec<(CleanText, CleanText)> {
    let says = |value: &RawValue<'_>| !matches!(value.get(), "null" | "false" | "\"\"" | "[]" | "{}");
    told(input.0.iter().filter(|(key, value)| says(value) && !shown.contains(&key.as_ref())), desk)
}

/// All fields of `input`.
pub(super) fn all(input: &Obj<'_>, desk: &Desk<'_>) -> Vec<(CleanText, CleanText)> {
    told(input.0.iter(), desk)
}

fn told<'a: 'b, 'b>(
    mut fields: impl Iterator<Item = &'b (Cow<'a, str>, RawValue<'a>)>,
    desk: &Desk<'_>,
) -> Vec<(CleanText, CleanText)> {
    let max = desk.output.min(VALUE).saturating_sub(NOTE);
    let first = fields.by_ref().take(MOST);
    let mut told: Vec<_> =
        first.map(|(key, value)| (desk.cleaner.start(key, 200), text(*value, max, desk))).collect();
    let more = fields.count();
    if more > 0 {
        told.push((desk.clean("and more"), desk.clean(&more.to_string())));
    }
    told
}

/// A value as text, at most `max` bytes of it: strings as they are, anything else as JSON.
pub(super) fn text(value: RawValue<'_>, max: usize, desk: &Desk<'_>) -> CleanText {
    let text = json::text(value).unwrap_or(Cow::Borrowed(value.get()));
    desk.part(&text, max)
}
