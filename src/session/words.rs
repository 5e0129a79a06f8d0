//! What a value says to a reader, whatever type it is of.
//!
//! Agents change the shape of what they write from version to version: a text becomes a list of blocks, a line an
//! object. What was said is then read from there, and what has no words of its own is told as it stands, without what
//! is private.

use std::borrow::Cow;

use super::dialect::picture;
use super::json::{self, Obj, RawValue};
use super::private::{is_private_key, visible};

/// Bytes of a value that is neither text nor blocks of text.
const ODD: usize = 16 << 10;

impl<'a> Obj<'a> {
    /// What a field says, see [`words`]; empty if it says nothing.
    pub(crate) fn words(&self, key: &str) -> Cow<'a, str> {
        self.raw(key).map(words).unwrap_or_default()
    }

    /// As [`Obj::words`], of a field that is there.
    pub(crate) fn says(&self, key: &str) -> Option<Cow<'a, str>> {
        self.raw(key).filter(|value| value.get() != "null").map(words)
    }
}

/// What `value` says: a text; the texts of a list or of its blocks, a line each; of anything else but null how it is
/// written. Images say nothing.
pub(crate) fn words(value: RawValue<'_>) -> Cow<'_, str> {
    if !value.get().starts_with('[') {
        return one(value);
    }
    let parts = json::list(value).into_iter().map(one);
    joined(parts.filter(|text| !text.is_empty()).collect(), "\n")
}

/// `texts` one after the other, `between` them.
pub(crate) fn joined<'a>(mut texts: Vec<Cow<'a, str>>, between: &str) -> Cow<'a, str> {
    match texts.len() {
        1 => texts.pop().unwrap_or_default(),
        _ => Cow::Owned(texts.join(between)),
    }
}

/// What a text or a block says.
fn one(value: RawValue<'_>) -> Cow<'_, str> {
    match value.get().as_bytes().first() {
        Some(b'"') => json::text(value).unwrap_or_default(),
        Some(b'{') => block(value),
        Some(b'[') => odd(value),
        _ if value.get() == "null" => Cow::Borrowed(""),
        _ => Cow::Borrowed(value.get()),
    }
}

fn block(value: RawValue<'_>) -> Cow<'_, str> {
    let object = Obj::of(value).unwrap_or_default();
    match object.raw("text").map(|text| json::text(text).unwrap_or_else(|| odd(text))) {
        Some(text) => text,
        None if picture(&object).is_some() => Cow::Borrowed(""),
        None => odd(value),
    }
}

/// A value that nobody expected.
fn odd(value: RawValue<'_>) -> Cow<'_, str> {
    match visible(value, ODD, &is_private_key) {
        nothing if matches!(nothing.as_str(), "{}" | "[]" | "null") => Cow::Borrowed(""),
        written => Cow::Owned(written),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_in_values_of_any_type() {
        for (value, said) in [
            (r#""plain \"text\"""#, "plain \"text\""),
            ("null", ""),
            ("17", "17"),
            (r#"["a","","b"]"#, "a\nb"),
            (r#"[{"type":"text","text":"a"},{"type":"text","text":"b"}]"#, "a\nb"),
            (r#"{"text":"a"}"#, "a"),
            (r#"{"text":["a",{"sessionId":"x"}]}"#, "[a, {}]"),
            (r#"{"brandNew":"a","accountUuid":"x"}"#, "{brandNew: a}"),
            (r#"[{"type":"image","source":{"data":"AAAA"}},{"type":"text","text":"a"}]"#, "a"),
            (r#"{"sessionId":"x"}"#, ""),
        ] {
            assert_eq!(words(RawValue::of(value).unwrap()), said, "{value}");
        }
    }

    #[test]
    fn depth_costs_no_stack() {
        let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
        assert!(words(RawValue::of(&deep).unwrap()).len() < 100);
    }
}
