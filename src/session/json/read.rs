//! Reads values where they stand, one level at a time: what nobody asks for is passed over at the speed of
//! [`scan`], and is not looked at.

use std::borrow::Cow;

use super::{RawValue, scan, text};

/// What a value can be read into, where a [`Reader`] stands: some of it is large, and so not to be moved.
pub(crate) trait Read<'a>: Default {
    /// Reads one value into this, which is as by default. `None` if none stands there, or it does not end.
    fn read(&mut self, reader: &mut Reader<'a>) -> Option<()>;
}

/// A place in a text with JSON in it.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// How many bytes were read.
    pub(crate) fn at(&self) -> usize {
        self.at
    }

    /// The first byte of what comes next, blanks passed over.
    pub(crate) fn next(&mut self) -> Option<u8> {
        loop {
            match self.text.as_bytes().get(self.at)? {
                b' ' | b'\t' | b'\r' | b'\n' => self.at += 1,
                byte => return Some(*byte),
            }
        }
    }

    /// Passes over one value.
    pub(crate) fn raw(&mut self) -> Option<RawValue<'a>> {
        let first = self.next()?;
        let (bytes, from) = (self.text.as_bytes(), self.at);
        self.at = match first {
            b'"' => scan::string_end(bytes, from + 1)?.at + 1,
            b'{' | b'[' => scan::container_end(bytes, from)?,
            _ => {
                let rest = bytes.get(from..)?;
                let ends = |b: &u8| matches!(b, b',' | b'}' | b']' | b' ' | b'\t' | b'\r' | b'\n');
                let word = rest.get(..rest.iter().position(ends).unwrap_or(rest.len()))?;
                is_scalar(word).then_some(from + word.len())?
            }
        };
        self.text.get(from..self.at).map(RawValue)
    }

    /// Reads an object, field by field: `field` gets each key and must read its value.
    pub(crate) fn fields(&mut self, mut field: impl FnMut(&str, &mut Self) -> Option<()>) -> Option<()> {
        self.list(b'{', b'}', |reader| match reader.quoted()? {
            (key, false) => {
                reader.take(b':')?;
                field(key, reader)
            }
            (key, true) => {
                let key = reader.unescaped(key)?;
                reader.take(b':')?;
                field(&key, reader)
            }
        })
    }

    /// Reads an array: `element` is called where each value begins, and must read it.
    pub(crate) fn elements(&mut self, element: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        self.list(b'[', b']', element)
    }

    /// A key and the colon behind it.
    pub(super) fn key(&mut self) -> Option<Cow<'a, str>> {
        let key = self.string()??;
        self.take(b':')?;
        Some(key)
    }

    /// A string; nothing in it if its escapes mean nothing.
    #[inline]
    pub(super) fn string(&mut self) -> Option<Option<Cow<'a, str>>> {
        Some(match self.quoted()? {
            (text, false) => Some(Cow::Borrowed(text)),
            (text, true) => self.unescaped(text),
        })
    }

    /// What the string says that was read last, which is `inner` and has escapes.
    #[cold]
    fn unescaped(&self, inner: &str) -> Option<Cow<'a, str>> {
        let from = self.at.checked_sub(inner.len() + 2)?;
        text(RawValue(self.text.get(from..self.at)?))
    }

    /// What stands between the quotes of a string, and whether there are escapes in it.
    #[inline]
    fn quoted(&mut self) -> Option<(&'a str, bool)> {
        self.take(b'"')?;
        let from = self.at;
        let end = scan::string_end(self.text.as_bytes(), from)?;
        self.at = end.at + 1;
        Some((self.text.get(from..end.at)?, end.escapes))
    }

    pub(super) fn list(
        &mut self,
        open: u8,
        close: u8,
        mut one: impl FnMut(&mut Self) -> Option<()>,
    ) -> Option<()> {
        self.take(open)?;
        if self.take(close).is_some() {
            return Some(());
        }
        loop {
            one(self)?;
            if self.take(b',').is_none() {
                return self.take(close);
            }
        }
    }

    fn take(&mut self, byte: u8) -> Option<()> {
        (self.next()? == byte).then(|| self.at += 1)
    }
}

/// Whether this is a number, or `true`, `false`, `null`.
fn is_scalar(word: &[u8]) -> bool {
    match word {
        b"true" | b"false" | b"null" => true,
        [b'-' | b'0'..=b'9', rest @ ..] => {
            rest.iter().all(|b| matches!(b, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E'))
        }
        _ => false,
    }
}
