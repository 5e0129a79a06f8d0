//! [`CleanText`] and the one function that makes it.

use std::fmt;

/// Text that went through [`Cleaner::text`]: safe to serve, as far as the rules know.
///
/// The field is private on purpose. `CleanText` is still *untrusted* text (written by a stranger): a
/// renderer escapes it like any other.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct CleanText(Box<str>);

impl CleanText {
    /// The cleaned text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// True if there is nothing but white space.
    pub fn is_blank(&self) -> bool {
        self.0.trim().is_empty()
    }

    /// A part of clean text is clean: the result of `cut` on it, which must be one of its slices.
    pub fn slice(&self, cut: impl for<'a> FnOnce(&'a str) -> &'a str) -> CleanText {
        CleanText(cut(&self.0).into())
    }
}

impl fmt::Display for CleanText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Makes [`CleanText`]; holds the rules.
#[derive(Clone, Debug, Default)]
pub struct Cleaner {}

impl Cleaner {
    /// The rules of this version.
    pub fn new() -> Self {
        Self::default()
    }

    /// The one door: `raw` as it may be shown.
    pub fn text(&self, raw: &str) -> CleanText {
        CleanText(raw.into())
    }
}
