//! What a record shows: its prompt, its items. Counts asides, steps and images as the indexer did.

use super::indexer::only_shown;
use super::said::{Block, Returned, Said, Words};
use super::step::{Calling, pictures, steps};
use super::tools::kinds;
use super::{Dialect, first, is_text, whole};
use crate::redact::CleanText;
use crate::session::agent::{Desk, Shown};
use crate::session::error::ReadError;
use crate::session::index::{Entry, hash};
use crate::session::json::{Obj, RawValue};
use crate::session::model::{Item, Marker, Output, Prompt};
use crate::session::private::{is_private_key, visible};

/// Bytes of a result without a call.
const STRAY: usize = 16 << 10;
/// Fields shown of what is not understood.
const FIELDS: usize = 12;
/// Characters of such a field.
const FIELD: usize = 300;

/// A record being shown.
pub(super) struct Page<'a, D> {
    pub dialect: D,
    pub entry: &'a Entry,
    pub no: u32,
    pub desk: &'a Desk<'a>,
    /// Inside a sub-agent, where the person says nothing.
    pub inside: bool,
}

/// What the record of `entry` shows.
pub(super) fn shown<D: Dialect>(
    dialect: D,
    entry: &Entry,
    no: u32,
    record: &[u8],
    desk: &Desk<'_>,
) -> Result<Shown, ReadError> {
    Page { dialect, entry, no, desk, inside: false }.shown(record)
}

/// The items of a record of a sub-agent.
pub(super) fn inside<D: Dialect>(
    dialect: D,
    entry: &Entry,
    no: u32,
    record: &[u8],
    desk: &Desk<'_>,
) -> Result<Vec<Item>, ReadError> {
    Ok(Page { dialect, entry, no, desk, inside: true }.shown(record)?.items)
}

impl<D: Dialect> Page<'_, D> {
    fn shown(&self, record: &[u8]) -> Result<Shown, ReadError> {
        if is_text(self.dialect) {
            let run = String::from_utf8_lossy(record);
            return self.said(self.dialect.read_text(&run));
        }
        let object = first(record).map(|(object, _)| object);
        match object.as_ref().and_then(|object| whole(self.dialect, object)) {
            Some(said) => self.said(said),
            None => Ok(Shown::default()),
        }
    }

    fn said(&self, mut said: Said<'_>) -> Result<Shown, ReadError> {
        let (desk, at) = (self.desk, self.entry.at());
        only_shown(&mut said, &desk.index());
        let mut shown = Shown::default();
        if let Some(model) = said.facts.model.as_deref().filter(|_| self.entry.switch) {
            shown.items.push(Item::Marker(Marker::Model { to: desk.cleaner.start(model, 80) }));
        }
        let mut aside = self.entry.asides + 1;
        let mut image = self.entry.images + 1;
        let mut made = self.steps(&said)?.into_iter();
        for block in &said.blocks {
            if desk.only.is_some() && !matches!(block, Block::Call(_)) {
                continue;
            }
            match block {
                Block::Prompt(words) if !self.inside => shown.prompt = Some(self.words(words, image)),
                Block::Aside(how, words) if !self.inside => {
                    let prompt = self.words(words, image);
                    shown.items.push(Item::Aside { no: aside, how: *how, prompt });
                    aside += 1;
                }
                Block::Prompt(_) | Block::Aside(..) => {}
                Block::Call(_) => shown.items.extend(made.next().unwrap_or_default()),
                Block::Reply(text) => shown.items.push(Item::Reply { text: desk.long(text), at }),
                Block::Thinking(text) => shown.items.push(Item::Thinking { text: desk.long(text), at }),
                Block::Image(encoded) => {
                    let files = pictures(std::slice::from_ref(encoded), image);
                    shown.items.extend(files.into_iter().map(|file| Item::Image { file, at }));
                }
                Block::Result(result) => shown.items.extend(self.stray(result)),
                Block::Compacted { before, after, summary } => {
                    let summary =
                        summary.as_deref().map(|text| desk.long(text)).filter(|text| !text.is_blank());
                    let (before, after) = (*before, *after);
                    shown.items.push(Item::Marker(Marker::Compacted { at, before, after, summary }));
                }
                Block::Interrupted => shown.items.push(Item::Marker(Marker::Interrupted { at })),
                Block::Error(text) => {
                    let text = desk.cleaner.start(text, 2000);
                    shown.items.push(Item::Marker(Marker::ApiError { at, text, times: 1, until: None }));
                }
                Block::Local { command, output } => {
                    let output = if output.is_empty() { Output::default() } else { desk.text(output) };
                    let command = desk.cleaner.headline(command, 400);
                    shown.items.push(Item::Marker(Marker::Local { command, output }));
                }
                Block::Context(what, text) => {
                    let what = desk.clean(what.name());
                    shown.items.push(Item::Context { what, text: desk.text(text) });
                }
                Block::Unknown(name, object) => {
                    let what = if name.is_empty() { "record without a type" } else { name };
                    let fields = self.fields(object);
                    shown.items.push(Item::Unknown { what: desk.cleaner.start(what, 80), fields });
                }
            }
            image += block.images().len() as u32;
        }
        Ok(shown)
    }

    /// The steps of all calls, call by call.
    fn steps(&self, said: &Said<'_>) -> Result<Vec<Vec<Item>>, ReadError> {
        let (mut no, mut image) = (self.entry.steps + 1, self.entry.images + 1);
        let mut calls = Vec::new();
        for block in &said.blocks {
            if let Block::Call(call) = block {
                calls.push(Calling { call, no, image });
                no += kinds(call).len() as u32;
            }
            image += block.images().len() as u32;
        }
        steps(self, &calls)
    }

    fn words(&self, words: &Words<'_>, image: u32) -> Prompt {
        Prompt {
            text: self.desk.long(words.text.trim_matches(['\n', '\r'])),
            command: None,
            attachments: pictures(&words.images, image),
            at: self.entry.at(),
        }
    }

    /// A result shows itself in its step; this is one whose call is not in the file.
    fn stray(&self, result: &Returned<'_>) -> Option<Item> {
        let desk = self.desk;
        let id = result.of.as_ref().map(|of| hash(of));
        if id.is_some_and(|id| desk.index().is_shown(id, self.no)) {
            return None;
        }
        let text = desk.part(&result.text, STRAY);
        let what = desk.clean("result of a call that is not in this file");
        Some(Item::Unknown { what, fields: vec![(desk.clean("output"), text)] })
    }

    /// Fields of what is not understood, one level of objects in it opened, what is private left out.
    fn fields(&self, object: &Obj<'_>) -> Vec<(CleanText, CleanText)> {
        let cleaner = &self.desk.cleaner;
        let private = |key: &str| is_private_key(key) || self.dialect.is_private(key);
        let mut fields: Vec<(String, RawValue<'_>)> = Vec::new();
        for (key, value) in object.0.iter().filter(|(key, _)| !private(key)) {
            match Obj::of(*value) {
                Some(inner) => {
                    let inner = inner.0.into_iter().filter(|(under, _)| !private(under));
                    fields.extend(inner.map(|(under, value)| (format!("{key}.{under}"), value)));
                }
                None => fields.push((key.to_string(), *value)),
            }
            fields.retain(|(_, value)| !matches!(value.get(), "[]" | "{}"));
            if fields.len() >= FIELDS {
                break;
            }
        }
        fields.truncate(FIELDS);
        let told = |(path, value): (String, RawValue<'_>)| {
            let key = path.rsplit('.').next().unwrap_or_default();
            let value = cleaner.field(key, &visible(value, FIELD, &private), FIELD);
            (cleaner.start(&path, 80), value)
        };
        fields.into_iter().map(told).collect()
    }
}
