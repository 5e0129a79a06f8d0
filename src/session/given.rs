//! What a call was given that the form of its tool does not show: no word of an input is lost.

use super::agent::Desk;
use super::json::{self, Obj, RawValue};
use crate::redact::CleanText;

/// Fields of one input that are told.
const MOST: usize = 40;
/// Characters of a value.
const VALUE: usize = 4096;

/// The fields of `input` beside those that are `shown`; what is empty or off says nothing.
pub(super) fn beside(input: &Obj<'_>, shown: &[&str], desk: &Desk<'_>) -> Vec<(CleanText, CleanText)> {
    let says = |value: &RawValue<'_>| !matches!(value.get(), "null" | "false" | "\"\"" | "[]" | "{}");
    let fields = input.0.iter().filter(|(key, value)| says(value) && !shown.contains(&key.as_ref()));
    fields.take(MOST).map(|(key, value)| field(key, *value, desk)).collect()
}

/// All fields of `input`.
pub(super) fn all(input: &Obj<'_>, desk: &Desk<'_>) -> Vec<(CleanText, CleanText)> {
    input.0.iter().take(MOST).map(|(key, value)| field(key, *value, desk)).collect()
}

fn field(key: &str, value: RawValue<'_>, desk: &Desk<'_>) -> (CleanText, CleanText) {
    (desk.cleaner.start(key, 200), text(value, VALUE, desk))
}

/// A value as text: strings as they are, anything else as JSON.
pub(super) fn text(value: RawValue<'_>, max: usize, desk: &Desk<'_>) -> CleanText {
    let text = json::text(value).unwrap_or(std::borrow::Cow::Borrowed(value.get()));
    desk.cleaner.start(&text, max)
}
