//! JSON as strangers write it: borrowed, lenient, never more than one level at a time.
//!
//! A field of the wrong type is an absent field; an object keeps its values unparsed until somebody asks.
//! Depth costs no stack: `serde_json` skips unparsed values in a loop.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// A string, or nothing if the value is of another type.
#[derive(Debug, Default, Clone)]
pub(crate) struct Text<'a>(pub Option<Cow<'a, str>>);

impl<'a> Text<'a> {
    pub(crate) fn as_str(&self) -> Option<&str> {
        self.0.as_deref()
    }
}

/// `true`, or anything else.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Flag(pub bool);

/// A whole number from 0, or nothing.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Number(pub Option<u64>);

/// Implements the visits of types that are not wanted: they are read over.
macro_rules! read_over {
    ($value:ty, $none:expr; $($scalar:ident($t:ty)),*) => {
        $(fn $scalar<E>(self, _: $t) -> Result<$value, E> { Ok($none) })*
        fn visit_unit<E>(self) -> Result<$value, E> { Ok($none) }
        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<$value, A::Error> {
            while seq.next_element::<IgnoredAny>()?.is_some() {}
            Ok($none)
        }
        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<$value, A::Error> {
            while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            Ok($none)
        }
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.write_str("any value") }
    };
}

impl<'de> Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct V;
        impl<'de> Visitor<'de> for V {
            type Value = Text<'de>;
            fn visit_borrowed_str<E>(self, v: &'de str) -> Result<Text<'de>, E> {
                Ok(Text(Some(Cow::Borrowed(v))))
            }
            fn visit_str<E>(self, v: &str) -> Result<Text<'de>, E> {
                Ok(Text(Some(Cow::Owned(v.to_owned()))))
            }
            read_over!(Text<'de>, Text(None); visit_bool(bool), visit_u64(u64), visit_i64(i64), visit_f64(f64));
        }
        d.deserialize_any(V)
    }
}

impl<'de> Deserialize<'de> for Flag {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct V;
        impl<'de> Visitor<'de> for V {
            type Value = Flag;
            fn visit_bool<E>(self, v: bool) -> Result<Flag, E> {
                Ok(Flag(v))
            }
            read_over!(Flag, Flag(false); visit_str(&str), visit_u64(u64), visit_i64(i64), visit_f64(f64));
        }
        d.deserialize_any(V)
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct V;
        impl<'de> Visitor<'de> for V {
            type Value = Number;
            fn visit_u64<E>(self, v: u64) -> Result<Number, E> {
                Ok(Number(Some(v)))
            }
            read_over!(Number, Number(None); visit_str(&str), visit_bool(bool), visit_i64(i64), visit_f64(f64));
        }
        d.deserialize_any(V)
    }
}

/// An object, its values unparsed, in the order of the file.
#[derive(Debug, Default, Clone)]
pub(crate) struct Obj<'a>(pub Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de> Deserialize<'de> for Obj<'de> {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct V;
        impl<'de> Visitor<'de> for V {
            type Value = Obj<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Obj<'de>, A::Error> {
                let mut fields = Vec::with_capacity(16);
                while let Some(key) = map.next_key::<Text<'de>>()? {
                    fields.push((key.0.unwrap_or_default(), map.next_value()?));
                }
                Ok(Obj(fields))
            }
        }
        d.deserialize_map(V)
    }
}

impl<'a> Obj<'a> {
    /// The object in `raw`; `None` if it is anything else.
    pub(crate) fn of(raw: &'a RawValue) -> Option<Self> {
        raw.get().starts_with('{').then(|| serde_json::from_str(raw.get()).ok()).flatten()
    }

    /// The object in `text`; `None` if it is anything else.
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        text.trim_start().starts_with('{').then(|| serde_json::from_str(text).ok()).flatten()
    }

    /// A value as it stands. Of a key that occurs twice the last counts, as everywhere.
    pub(crate) fn raw(&self, key: &str) -> Option<&'a RawValue> {
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
    pub(crate) fn list(&self, key: &str) -> Vec<&'a RawValue> {
        self.raw(key).map(list).unwrap_or_default()
    }
}

/// The string in `raw`; `None` if it is anything else.
pub(crate) fn text(raw: &RawValue) -> Option<Cow<'_, str>> {
    let json = raw.get();
    if !json.starts_with('"') {
        return None;
    }
    if let Ok(Text(text)) = serde_json::from_str(json) {
        return text;
    }
    // Lone surrogates: the only thing in a string that passed as JSON and cannot be decoded.
    let mended = repaired(json.as_bytes());
    serde_json::from_slice::<Text<'_>>(&mended).ok()?.0.map(|text| Cow::Owned(text.into_owned()))
}

/// The elements of the array in `raw`; empty if it is anything else.
pub(crate) fn list(raw: &RawValue) -> Vec<&RawValue> {
    if raw.get().starts_with('[') { serde_json::from_str(raw.get()).unwrap_or_default() } else { Vec::new() }
}

/// `bytes` with what no JSON parser takes made harmless, byte for byte, so that offsets stay true: control
/// characters become blanks, invalid UTF-8 `?`, escapes of lone surrogates U+FFFD.
pub(crate) fn repaired(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        out.extend_from_slice(chunk.valid().as_bytes());
        out.extend(chunk.invalid().iter().map(|_| b'?'));
    }
    for byte in &mut out {
        if *byte < b' ' {
            *byte = b' ';
        }
    }
    mend_surrogates(&mut out);
    out
}

/// `bytes` [`repaired`], if something in them needs it or may need it.
pub(crate) fn mended(bytes: &[u8]) -> Option<Vec<u8>> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lone_surrogate_becomes_a_replacement_and_a_pair_stays() {
        let line = br#"{"a":"\ud83d\ude00 \ud83d x \\ud83d"}"#;
        assert_eq!(repaired(line), br#"{"a":"\ud83d\ude00 \ufffd x \\ud83d"}"#);
    }

    #[test]
    fn repairing_keeps_every_offset() {
        let line = b"{\"a\":\"\xff\x00\xe2\x82\"}";
        let mended = repaired(line);
        assert_eq!(mended.len(), line.len());
        assert!(serde_json::from_slice::<Obj<'_>>(&mended).is_ok());
    }

    #[test]
    fn a_field_of_another_type_is_an_absent_field() {
        let obj: Obj<'_> = serde_json::from_str(r#"{"a":[1],"b":"x","b":"y","c":{"d":7}}"#).unwrap();
        assert_eq!(obj.text("a"), None);
        assert_eq!(obj.text("b").as_deref(), Some("y"));
        assert_eq!(obj.obj("c").and_then(|c| c.number("d")), Some(7));
    }

    #[test]
    fn a_depth_bomb_is_skipped_without_stack() {
        let bomb = format!("{{\"x\":{}{},\"type\":\"user\"}}", "[".repeat(300_000), "]".repeat(300_000));
        let obj: Obj<'_> = serde_json::from_str(&bomb).unwrap();
        assert_eq!(obj.text("type").as_deref(), Some("user"));
    }
}
