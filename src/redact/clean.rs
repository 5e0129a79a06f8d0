//! [`CleanText`] and the functions that make it.

use std::borrow::Cow;
use std::fmt;

use anstream::adapter::strip_str;

use super::rules::MASK;
use super::{pem, rules};

/// Text that went through a [`Cleaner`]: safe to serve, as far as the rules know.
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

/// What is cleaned beyond a cut, in bytes: a secret that begins before the cut ends within it.
const MARGIN: usize = 64 << 10;
/// How far a cut goes back to the last white space, so that it does not tear a secret.
const WORD: usize = 8 << 10;

/// Makes [`CleanText`]; holds the rules.
#[derive(Clone, Debug, Default)]
pub struct Cleaner {}

impl Cleaner {
    /// The rules of this version.
    pub fn new() -> Self {
        Self::default()
    }

    /// The one door: `raw` as it may be shown. Never adds or removes a line.
    pub fn text(&self, raw: &str) -> CleanText {
        CleanText(masked(raw).into())
    }

    /// The start of `raw`, at most `max` bytes (a character is not cut). It is cleaned before it is cut, so
    /// that no secret survives by being torn; only `max` and a margin are looked at.
    pub fn start(&self, raw: &str, max: usize) -> CleanText {
        if !self.cuts(raw, max) {
            let clean = masked(raw);
            return CleanText(clean.into());
        }
        let seen = &raw[..raw.floor_char_boundary(max.saturating_add(MARGIN))];
        // Masking may shorten the text so much that the end of `seen` is shown: that must not be a torn word.
        let seen = if seen.len() < raw.len() { untorn(seen) } else { seen };
        let clean = masked(seen);
        CleanText(clean[..clean.floor_char_boundary(max)].into())
    }

    /// Whether [`Cleaner::start`] leaves something out.
    pub fn cuts(&self, raw: &str, max: usize) -> bool {
        raw.len() > max
    }

    /// The start of `raw`, at most `max` characters, cut at a word and marked with `…` where it was cut.
    pub fn headline(&self, raw: &str, max: usize) -> CleanText {
        let start = self.start(raw.trim_start(), max.saturating_mul(4).saturating_add(4));
        let whole = start.as_str().trim_end();
        let Some((end, _)) = whole.char_indices().nth(max) else { return CleanText(whole.into()) };
        let room = whole.char_indices().nth(max.saturating_sub(1)).map_or(end, |(at, _)| at);
        let part = &whole[..room];
        let word = part.rfind(char::is_whitespace).filter(|at| *at > room / 2).unwrap_or(room);
        CleanText(format!("{}…", part[..word].trim_end()).into())
    }

    /// The start of the value of a field (see [`Cleaner::start`]), whose name may say that it is a credential.
    pub fn field(&self, name: &str, value: &str, max: usize) -> CleanText {
        if !self.is_credential(name) {
            return self.start(value, max);
        }
        let named = format!("{name}: ");
        let clean = self.start(&format!("{named}{value}"), max.saturating_add(named.len()));
        clean.slice(|clean| clean.strip_prefix(&named).unwrap_or(clean))
    }

    /// Whether a field of this name holds a credential.
    pub fn is_credential(&self, name: &str) -> bool {
        rules::is_header(name)
    }

    /// Lines cleaned together (a key block spans many), one [`CleanText`] each.
    pub fn lines<'a>(&self, lines: impl IntoIterator<Item = &'a str>) -> Vec<CleanText> {
        let lines: Vec<&str> = lines.into_iter().collect();
        if lines.iter().any(|line| line.contains('\n')) {
            return lines.into_iter().map(|line| self.text(line)).collect();
        }
        masked(&lines.join("\n")).split('\n').take(lines.len()).map(|line| CleanText(line.into())).collect()
    }
}

/// Up to the last white space, if there is one near the end.
fn untorn(seen: &str) -> &str {
    let floor = seen.floor_char_boundary(seen.len().saturating_sub(WORD));
    let tail = &seen[floor..];
    tail.rfind(char::is_whitespace).map_or(&seen[..floor], |at| &seen[..floor + at])
}

/// `raw` without secrets. Such as a terminal's colours stand in are found without them, and shown without them.
fn masked(raw: &str) -> Cow<'_, str> {
    let masked = as_it_stands(raw);
    if memchr::memchr(b'\x1b', raw.as_bytes()).is_none() {
        return masked;
    }
    let plain = strip_str(raw).to_string();
    let found = |text: &str| text.matches(MASK).count();
    match as_it_stands(&plain) {
        Cow::Owned(plain) if found(&plain) > found(&masked) => Cow::Owned(plain),
        _ => masked,
    }
}

fn as_it_stands(raw: &str) -> Cow<'_, str> {
    then(pem::masked(raw), rules::masked)
}

/// `text` as `mask` leaves it: copied only where something is masked.
pub(super) fn then<'a>(text: Cow<'a, str>, mask: impl Fn(&str) -> Cow<'_, str>) -> Cow<'a, str> {
    let masked = match &text {
        Cow::Borrowed(text) => return mask(text),
        Cow::Owned(text) => match mask(text) {
            Cow::Borrowed(_) => None,
            Cow::Owned(masked) => Some(masked),
        },
    };
    masked.map_or(text, Cow::Owned)
}
