//! JSON as strangers write it: borrowed, lenient, never more than one level at a time.
//!
//! A field of the wrong type is an absent field; an object keeps its values unparsed until somebody asks.
//! Depth costs no stack, and what is not asked for costs little more than a look ([`scan`]). That such a
//! part is JSON is then not known: broken, it is an absent field when it is read.

mod read;
mod scan;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use serde::de::IgnoredAny;

pub(crate) use read::{Read, Reader};

/// A value as it stands in its text, unparsed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RawValue<'a>(&'a str);

impl<'a> RawValue<'a> {
    /// The value that `text` is; `None` if it is none, or more than one.
    #[cfg(test)]
    pub(crate) fn of(text: &'a str) -> Option<Self> {
        let mut reader = Reader::new(text);
        let raw = reader.raw()?;
        reader.next().is_none().then_some(raw)
    }

    /// Its text.
    pub(crate) fn get(self) -> &'a str {
        self.0
    }
}

impl<'a> Read<'a> for Option<RawValue<'a>> {
    fn read(&mut self, reader: &mut Reader<'a>) -> Option<()> {
        *self = Some(reader.raw()?);
        Some(())
    }
}

/// A string, or nothing if the value is of another type.
#[derive(Debug, Default, Clone)]
pub(crate) struct Text<'a>(pub Option<Cow<'a, str>>);

impl Text<'_> {
    pub(crate) fn as_str(&self) -> Option<&str> {
        self.0.as_deref()
    }
}

impl<'a> Read<'a> for Text<'a> {
    fn read(&mut self, reader: &mut Reader<'a>) -> Option<()> {
        match reader.next()? {
            b'"' => self.0 = reader.string()?,
            _ => drop(reader.raw()?),
        }
        Some(())
    }
}

/// `true`, or anything else.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Flag(pub bool);

impl<'a> Read<'a> for Flag {
    fn read(&mut self, reader: &mut Reader<'a>) -> Option<()> {
        self.0 = reader.raw()?.get() == "true";
        Some(())
    }
}

/// A whole number from 0, or nothing.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Number(pub Option<u64>);

impl<'a> Read<'a> for Number {
    fn read(&mut self, reader: &mut Reader<'a>) -> Option<()> {
        self.0 = reader.raw()?.get().parse().ok();
        Some(())
    }
}

/// An object, its values unparsed, in the order of the file.
#[derive(Debug, Default, Clone)]
pub(crate) struct Obj<'a>(pub Vec<(Cow<'a, str>, RawValue<'a>)>);

impl<'a> Read<'a> for Obj<'a> {
    fn read(&mut self, reader: &mut Reader<'a>) -> Option<()> {
        self.0.reserve(16);
        reader.list(b'{', b'}', |reader| {
            self.0.push((reader.key()?, reader.raw()?));
            Some(())
        })
    }
}

/// The first value of `text`, and its length with the blanks before it.
pub(crate) fn first<'a, T: Read<'a>>(text: &'a str) -> Option<(T, usize)> {
    let mut value = T::default();
    let len = read_into(&mut value, text)?;
    Some((value, len))
}

/// As [`first`], read where it will stay: into `value`, which is as by default.
pub(crate) fn read_into<'a>(value: &mut impl Read<'a>, text: &'a str) -> Option<usize> {
    let mut reader = Reader::new(text);
    value.read(&mut reader)?;
    Some(reader.at())
}

/// Whether no string in the first value of `text` holds what JSON does not allow in there: control characters.
/// What it says otherwise is not checked.
pub(crate) fn is_sound(text: &str) -> bool {
    !scan::has_control(text.as_bytes()) || matches!(values(text).next(), Some(Ok(_)))
}

/// The values in `text`, read over by the strictest of readers.
fn values(text: &str) -> impl Iterator<Item = serde_json::Result<IgnoredAny>> {
    serde_json::Deserializer::from_str(text).into_iter()
}

impl<'a> Obj<'a> {
    /// The object in `raw`; `None` if it is anything else.
    pub(crate) fn of(raw: RawValue<'a>) -> Option<Self> {
        Self::parse(raw.get())
    }

    /// The object in `text`; `None` if it is anything else.
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        let mut object = Self::default();
        let mut reader = Reader::new(text);
        object.read(&mut reader)?;
        reader.next().is_none().then_some(object)
    }

    /// A value as it stands. Of a key that occurs twice the last counts, as everywhere.
    pub(crate) fn raw(&self, key: &str) -> Option<RawValue<'a>> {
        self.0.iter().rev().find(|(k, _)| k == key).map(|(_, v)| *v)
    }

    pub(crate) fn text(&self, key: &str) -> Option<Cow<'a, str>> {
        self.raw(key).and_then(text)
    }

    pub(crate) fn number(&self, key: &str) -> Option<u64> {
        self.raw(key).and_then(|raw| raw.get().parse().ok())
    }

    pub(crate) fn flag(&self, key: &str) -> bool {
        self.raw(key).is_some_and(|raw| raw.get() == "true")
    }

    pub(crate) fn obj(&self, key: &str) -> Option<Obj<'a>> {
        self.raw(key).and_then(Obj::of)
    }

    /// The elements of an array; empty if it is anything else.
    pub(crate) fn list(&self, key: &str) -> Vec<RawValue<'a>> {
        self.raw(key).map(list).unwrap_or_default()
    }
}

/// The string in `raw`; `None` if it is anything else.
pub(crate) fn text(raw: RawValue<'_>) -> Option<Cow<'_, str>> {
    let inner = raw.get().strip_prefix('"')?.strip_suffix('"')?;
    if memchr::memchr(b'\\', inner.as_bytes()).is_none() {
        return Some(Cow::Borrowed(inner));
    }
    if let Ok(text) = serde_json::from_str::<String>(raw.get()) {
        return Some(Cow::Owned(text));
    }
    // Lone surrogates, for the most part.
    let mended = repaired(raw.get().as_bytes());
    serde_json::from_str(&mended).ok().map(Cow::Owned)
}

/// The elements of the array in `raw`; empty if it is anything else.
pub(crate) fn list(raw: RawValue<'_>) -> Vec<RawValue<'_>> {
    let mut elements = Vec::new();
    let whole = Reader::new(raw.get()).elements(|reader| {
        elements.push(reader.raw()?);
        Some(())
    });
    if whole.is_some() { elements } else { Vec::new() }
}

/// As [`list`]; what is no array stands for a list of one.
pub(crate) fn parts(raw: RawValue<'_>) -> Vec<RawValue<'_>> {
    if raw.get().starts_with('[') { list(raw) } else { vec![raw] }
}

/// `bytes` with `?` for each byte that is not UTF-8, so that offsets stay true.
pub(crate) fn as_utf8(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        out.push_str(chunk.valid());
        out.extend(chunk.invalid().iter().map(|_| '?'));
    }
    out
}

/// `bytes` with what no JSON parser takes made harmless, byte for byte, so that offsets stay true: control
/// characters become blanks, invalid UTF-8 `?`, escapes of lone surrogates U+FFFD.
pub(crate) fn repaired(bytes: &[u8]) -> String {
    let mut out = as_utf8(bytes).into_bytes();
    for byte in &mut out {
        if *byte < b' ' {
            *byte = b' ';
        }
    }
    mend_surrogates(&mut out);
    // Nothing but ASCII was written, and over ASCII alone.
    String::from_utf8(out).unwrap_or_default()
}

/// `bytes` [`repaired`], if something in them needs it or may need it.
pub(crate) fn mended(bytes: &[u8]) -> Option<String> {
    let surrogates = [b"\\ud", b"\\uD"].iter().any(|escape| memchr::memmem::find(bytes, *escape).is_some());
    let wrong = || bytes.iter().any(|b| *b < b' ') || std::str::from_utf8(bytes).is_err();
    (surrogates || wrong()).then(|| repaired(bytes))
}

/// Turns `\ud83d` without its second half (and the reverse) into `\ufffd`.
fn mend_surrogates(out: &mut [u8]) {
    let unit = |out: &[u8], at: usize| -> Option<u16> {
        let escape = out.get(at..at + 6)?;
        let digits = escape.strip_prefix(b"\\u")?;
        u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
    };
    let mut at = 0;
    while let Some(step) = out.get(at..).and_then(|rest| memchr::memchr(b'\\', rest)) {
        at += step;
        at += match unit(out, at) {
            Some(0xD800..=0xDBFF) if matches!(unit(out, at + 6), Some(0xDC00..=0xDFFF)) => 12,
            Some(0xD800..=0xDFFF) => {
                if let Some(digits) = out.get_mut(at + 2..at + 6) {
                    digits.copy_from_slice(b"fffd");
                }
                6
            }
            _ => 2,
        };
    }
}
