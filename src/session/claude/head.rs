//! As much of a record as the index needs, read in one pass; everything else is read over.

use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::session::agent::Likeness;
use crate::session::json::{Flag, Number, Text};
use crate::session::model::Usage;

/// Defines a struct that is read from an object: known keys into fields, the rest read over. A value that
/// is no object gives the default.
macro_rules! lenient {
    ($(#[$doc:meta])* $name:ident { $($field:ident: $type:ty = $($key:literal)|+),* $(,)? }
        $(str $text:ident)?) => {
        $(#[$doc])*
        #[derive(Debug, Default)]
        pub(super) struct $name<'a> { $(pub $field: $type,)* $(pub $text: Text<'a>,)?
            pub marker: std::marker::PhantomData<&'a ()> }

        impl<'de> Deserialize<'de> for $name<'de> {
            fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                struct V;
                impl<'de> Visitor<'de> for V {
                    type Value = $name<'de>;
                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str("an object")
                    }
                    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                        let mut found = $name::default();
                        while let Some(key) = map.next_key::<Text<'de>>()? {
                            match key.as_str().unwrap_or_default() {
                                $($($key)|+ => found.$field = map.next_value()?,)*
                                _ => { map.next_value::<IgnoredAny>()?; }
                            }
                        }
                        Ok(found)
                    }
                    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                        while seq.next_element::<IgnoredAny>()?.is_some() {}
                        Ok($name::default())
                    }
                    fn visit_unit<E>(self) -> Result<Self::Value, E> { Ok($name::default()) }
                    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> { Ok($name::default()) }
                    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> { Ok($name::default()) }
                    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> { Ok($name::default()) }
                    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> { Ok($name::default()) }
                    fn visit_str<E>(self, _v: &str) -> Result<Self::Value, E> {
                        #[allow(unused_mut)]
                        let mut found = $name::default();
                        $(found.$text = Text(Some(_v.to_owned().into()));)?
                        Ok(found)
                    }
                }
                d.deserialize_any(V)
            }
        }
    };
}

lenient! {
    /// The fields of a record.
    Fields {
        kind: Text<'a> = "type",
        subtype: Text<'a> = "subtype",
        uuid: Text<'a> = "uuid",
        parent: Text<'a> = "parentUuid",
        timestamp: Text<'a> = "timestamp",
        session: Text<'a> = "sessionId",
        version: Text<'a> = "version",
        cwd: Text<'a> = "cwd",
        branch: Text<'a> = "gitBranch",
        side: Flag = "isSidechain",
        meta: Flag = "isMeta",
        summary_of_context: Flag = "isCompactSummary",
        api_error: Flag = "isApiErrorMessage",
        message: Option<Message<'a>> = "message",
        operation: Text<'a> = "operation",
        content: Option<&'a RawValue> = "content",
        attachment: Attached<'a> = "attachment",
        origin: Origin<'a> = "origin",
        summary: Text<'a> = "summary",
        leaf: Text<'a> = "leafUuid",
        message_id: Text<'a> = "messageId",
        custom_title: Text<'a> = "customTitle",
        ai_title: Text<'a> = "aiTitle",
    }
}

lenient! {
    /// Where a user record comes from.
    Origin { kind: Text<'a> = "kind" }
}

lenient! {
    /// What a record of type `attachment` carries.
    Attached {
        kind: Text<'a> = "type",
        prompt: Option<&'a RawValue> = "prompt",
        mode: Text<'a> = "commandMode",
    }
}

lenient! {
    /// The message of a user or assistant record.
    Message {
        id: Text<'a> = "id",
        model: Text<'a> = "model",
        usage: Tokens<'a> = "usage",
        content: Option<Content<'a>> = "content",
        parts: Option<IgnoredAny> = "parts",
    }
}

lenient! {
    /// Tokens of a message.
    Tokens {
        input: Number = "input_tokens",
        output: Number = "output_tokens",
        cache_read: Number = "cache_read_input_tokens",
        cache_write: Number = "cache_creation_input_tokens",
    }
}

lenient! {
    /// A block of a message; a bare string is a block of text.
    Block {
        kind: Text<'a> = "type",
        id: Text<'a> = "id",
        of: Text<'a> = "tool_use_id",
        name: Text<'a> = "name",
        input: Option<&'a RawValue> = "input",
        text: Option<&'a RawValue> = "text",
        content: Option<&'a RawValue> = "content",
        failed: Flag = "is_error",
    }
    str bare
}

/// A record, or nothing if it is JSON but no object.
#[derive(Debug)]
pub(super) struct Head<'a>(pub Fields<'a>);

impl<'de> Deserialize<'de> for Head<'de> {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        Fields::deserialize(d).map(Head)
    }
}

/// What a message says.
#[derive(Debug)]
pub(super) enum Content<'a> {
    /// A string.
    Text(String),
    /// Blocks.
    Blocks(Vec<Block<'a>>),
}

impl<'de> Deserialize<'de> for Content<'de> {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct V;
        impl<'de> Visitor<'de> for V {
            type Value = Content<'de>;
            fn visit_str<E>(self, v: &str) -> Result<Content<'de>, E> {
                Ok(Content::Text(v.to_owned()))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Content<'de>, A::Error> {
                let mut blocks = Vec::new();
                while let Some(block) = seq.next_element()? {
                    blocks.push(block);
                }
                Ok(Content::Blocks(blocks))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Content<'de>, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Content::Blocks(Vec::new()))
            }
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string or blocks")
            }
            fn visit_unit<E>(self) -> Result<Content<'de>, E> {
                Ok(Content::Blocks(Vec::new()))
            }
            fn visit_bool<E>(self, _: bool) -> Result<Content<'de>, E> {
                Ok(Content::Blocks(Vec::new()))
            }
            fn visit_u64<E>(self, _: u64) -> Result<Content<'de>, E> {
                Ok(Content::Blocks(Vec::new()))
            }
            fn visit_i64<E>(self, _: i64) -> Result<Content<'de>, E> {
                Ok(Content::Blocks(Vec::new()))
            }
            fn visit_f64<E>(self, _: f64) -> Result<Content<'de>, E> {
                Ok(Content::Blocks(Vec::new()))
            }
        }
        d.deserialize_any(V)
    }
}

impl Head<'_> {
    /// What speaks for Claude Code in this record.
    pub(super) fn likeness(&self) -> Likeness {
        let f = &self.0;
        let kind = f.kind.as_str().unwrap_or_default();
        let named = f.session.0.is_some();
        match (kind, &f.message) {
            // Qwen Code's clone of the envelope.
            ("user" | "assistant", Some(message)) if message.parts.is_some() => Likeness::Foreign,
            ("user" | "assistant", Some(message)) if message.content.is_some() => {
                if f.uuid.0.is_some() || named { Likeness::Certain } else { Likeness::Unknown }
            }
            ("file-history-snapshot", _) if f.message_id.0.is_some() => Likeness::Likely,
            ("summary", _) if f.leaf.0.is_some() => Likeness::Likely,
            ("queue-operation", _) if f.operation.0.is_some() => Likeness::Likely,
            ("progress" | "attachment" | "system", _) if f.uuid.0.is_some() && named => Likeness::Likely,
            (
                "permission-mode" | "mode" | "last-prompt" | "custom-title" | "ai-title" | "agent-name"
                | "atis-latch" | "worktree-state" | "relocated",
                _,
            ) if named => Likeness::Likely,
            _ => Likeness::Unknown,
        }
    }
}

impl Tokens<'_> {
    pub(super) fn usage(&self) -> Usage {
        Usage {
            input: self.input.0.unwrap_or(0),
            output: self.output.0.unwrap_or(0),
            cache_read: self.cache_read.0.unwrap_or(0),
            cache_write: self.cache_write.0.unwrap_or(0),
        }
    }
}
