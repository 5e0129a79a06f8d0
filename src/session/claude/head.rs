//! As much of a record as the index needs, read in one pass; everything else is read over.

use crate::session::agent::Likeness;
use crate::session::json::{Flag, Number, RawValue, Read, Reader, Text};
use jiff::Timestamp;
use smallvec::SmallVec;

use crate::session::index::Spent;
use crate::session::model::Usage;
use crate::session::price::{Asked, Prices};

/// Defines a struct that is read from an object: known keys into fields, the rest passed over. A value that
/// is no object gives the default; with `bare`, a string stands in the field of that name.
macro_rules! lenient {
    ($(#[$doc:meta])* $name:ident { $($field:ident: $type:ty = $key:literal),* $(,)? } $(bare $text:ident)?) => {
        $(#[$doc])*
        #[derive(Debug, Default)]
        pub(super) struct $name<'a> { $(pub $field: $type,)* $(pub $text: Option<RawValue<'a>>,)?
            pub marker: std::marker::PhantomData<&'a ()> }

        impl<'a> Read<'a> for $name<'a> {
            fn read(&mut self, reader: &mut Reader<'a>) -> Option<()> {
                match reader.next()? {
                    b'{' => reader.fields(|key, reader| {
                        match key {
                            $($key => {
                                // A key may occur twice: the last counts.
                                self.$field = <$type>::default();
                                self.$field.read(reader)
                            })*
                            _ => reader.raw().map(drop),
                        }
                    })?,
                    $(b'"' => self.$text = Some(reader.raw()?),)?
                    _ => { reader.raw()?; }
                }
                Some(())
            }
        }

        impl<'a> Read<'a> for Option<$name<'a>> {
            fn read(&mut self, reader: &mut Reader<'a>) -> Option<()> {
                self.insert($name::default()).read(reader)
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
        content: Option<RawValue<'a>> = "content",
        attachment: Attached<'a> = "attachment",
        origin: Origin<'a> = "origin",
        summary: Text<'a> = "summary",
        leaf: Text<'a> = "leafUuid",
        message_id: Text<'a> = "messageId",
        sender: Text<'a> = "parentToolUseID",
        data: Progress<'a> = "data",
        custom_title: Text<'a> = "customTitle",
        ai_title: Text<'a> = "aiTitle",
    }
}

lenient! {
    /// What a record of type `progress` carries.
    Progress { kind: Text<'a> = "type" }
}

lenient! {
    /// Where a user record comes from.
    Origin { kind: Text<'a> = "kind" }
}

lenient! {
    /// What a record of type `attachment` carries.
    Attached {
        kind: Text<'a> = "type",
        prompt: Option<RawValue<'a>> = "prompt",
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
        parts: Option<RawValue<'a>> = "parts",
    }
    bare bare
}

lenient! {
    /// Tokens of a message.
    Tokens {
        input: Number = "input_tokens",
        output: Number = "output_tokens",
        cache_read: Number = "cache_read_input_tokens",
        cache_write: Number = "cache_creation_input_tokens",
        kept: Kept<'a> = "cache_creation",
        speed: Text<'a> = "speed",
        tier: Text<'a> = "service_tier",
    }
}

lenient! {
    /// How long what was written to the cache is kept there.
    Kept {
        hour: Number = "ephemeral_1h_input_tokens",
    }
}

lenient! {
    /// A block of a message; a bare string is a block of text.
    Block {
        kind: Text<'a> = "type",
        id: Text<'a> = "id",
        of: Text<'a> = "tool_use_id",
        name: Text<'a> = "name",
        input: Option<RawValue<'a>> = "input",
        text: Option<RawValue<'a>> = "text",
        content: Option<RawValue<'a>> = "content",
        failed: Flag = "is_error",
    }
    bare bare
}

/// What a message says.
#[derive(Debug)]
pub(super) enum Content<'a> {
    /// A string, or another plain value.
    Text(RawValue<'a>),
    /// Blocks, mostly one.
    Blocks(SmallVec<[Block<'a>; 1]>),
}

impl Default for Content<'_> {
    fn default() -> Self {
        Self::Blocks(SmallVec::new())
    }
}

impl<'a> Read<'a> for Option<Content<'a>> {
    fn read(&mut self, reader: &mut Reader<'a>) -> Option<()> {
        let content = self.insert(Content::default());
        match (reader.next()?, content) {
            (b'"', content) => *content = Content::Text(reader.raw()?),
            // A block that stands for a list of one.
            (b'{', Content::Blocks(blocks)) => {
                blocks.push(Block::default());
                blocks.last_mut()?.read(reader)?;
            }
            (b'[', Content::Blocks(blocks)) => reader.elements(|reader| {
                blocks.push(Block::default());
                blocks.last_mut()?.read(reader)
            })?,
            (_, content) => {
                let plain = reader.raw()?;
                if plain.get() != "null" {
                    *content = Content::Text(plain);
                }
            }
        }
        Some(())
    }
}

impl<'a> Message<'a> {
    /// What it says, if it is one plain value.
    pub(super) fn plain(&self) -> Option<RawValue<'a>> {
        match self.content {
            Some(Content::Text(text)) => Some(text),
            _ => self.bare,
        }
    }
}

impl Fields<'_> {
    /// What speaks for Claude Code in this record.
    pub(super) fn likeness(&self) -> Likeness {
        let kind = self.kind.as_str().unwrap_or_default();
        let named = self.session.0.is_some();
        match (kind, &self.message) {
            // Qwen Code's clone of the envelope.
            ("user" | "assistant", Some(message)) if message.parts.is_some() => Likeness::Foreign,
            ("user" | "assistant", Some(message)) if message.content.is_some() => {
                if self.uuid.0.is_some() || named { Likeness::Certain } else { Likeness::Unknown }
            }
            ("file-history-snapshot", _) if self.message_id.0.is_some() => Likeness::Likely,
            ("summary", _) if self.leaf.0.is_some() => Likeness::Likely,
            ("queue-operation", _) if self.operation.0.is_some() => Likeness::Likely,
            ("progress" | "attachment" | "system", _) if self.uuid.0.is_some() && named => Likeness::Likely,
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

    /// These tokens of this model, at this time, with what they cost.
    pub(super) fn spent(&self, model: &str, at: Option<Timestamp>, prices: &mut Prices) -> Spent {
        let usage = self.usage();
        let standard = |text: &Text<'_>| text.as_str().is_none_or(|text| text == "standard");
        // Fast answers, and such as wait, have prices of their own.
        let model = if standard(&self.speed) && standard(&self.tier) { model } else { "" };
        let asked = Asked::Once { hour_write: self.kept.hour.0.unwrap_or(0) };
        Spent { usage, cost: prices.cost(model, at, usage, asked) }
    }
}
