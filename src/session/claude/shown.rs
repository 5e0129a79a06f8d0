//! What a record shows: its prompt, its items. Counts asides, steps and images as the indexer did.

use std::borrow::Cow;

use super::call::{Answers, Caller, Inside, brought, step};
use super::content::{attachments, blocks, blocks_of, content_of, fields, images, parts, result_text};
use super::said::{Said, injected, is_declined, is_no_answer, joined, reason, said};
use super::{first, hidden, tools};
use crate::session::agent::{Desk, Shown};
use crate::session::error::ReadError;
use crate::session::index::{Entry, Kind, hash};
use crate::session::json::{self, Obj, RawValue};
use crate::session::model::{AsideHow, Item, Marker, Output, Prompt};
use crate::session::private::Private;
use crate::session::words::words;

/// Bytes of a result without a call.
const STRAY: usize = 16 << 10;

/// What the record of `entry` shows.
pub(super) fn shown(entry: &Entry, no: u32, record: &[u8], desk: &Desk<'_>) -> Result<Shown, ReadError> {
    items(entry, no, record, desk, None)
}

/// As [`shown`]; `inside` a sub-agent the person says nothing.
pub(super) fn items(
    entry: &Entry,
    no: u32,
    record: &[u8],
    desk: &Desk<'_>,
    inside: Option<&Inside<'_>>,
) -> Result<Shown, ReadError> {
    let Some(record) = first(record) else { return Ok(Shown::default()) };
    let page = Page { entry, no, desk, inside, record: &record };
    match (entry.kind, record.text("type").as_deref().unwrap_or_default()) {
        (_, "assistant") => page.assistant(),
        (Kind::Summary, _) => Ok(page.marker(page.summary())),
        (_, "user") => Ok(page.user()),
        (_, "system") => Ok(page.system()),
        (_, "queue-operation") => {
            let operation = record.text("operation").unwrap_or_default();
            if operation != "enqueue" {
                return Ok(page.unknown(&format!("queue-operation {operation}")));
            }
            let text = record.words("content");
            Ok(page.said_aside(&text, false, &[]))
        }
        (_, "attachment") => {
            let attached = record.obj("attachment").unwrap_or_default();
            let kind = attached.text("type").unwrap_or_default();
            if let Some(what) = hidden::attached(&kind) {
                return Ok(page.context(what, &attached_text(&attached)));
            }
            if kind != "queued_command" {
                // Most of what is attached is the person's own affair: that it is there is all that is told.
                let what = desk.cleaner.start(&format!("attachment {kind}"), 80);
                return Ok(one(Item::Unknown { what, fields: vec![] }));
            }
            let machine = attached.text("commandMode").as_deref() == Some("task-notification");
            Ok(page.said_aside(&result_text(attached.raw("prompt")), machine, &blocks_of(&record)))
        }
        (_, kind) => Ok(page.unknown(kind)),
    }
}

/// A record being shown.
struct Page<'a> {
    entry: &'a Entry,
    no: u32,
    desk: &'a Desk<'a>,
    inside: Option<&'a Inside<'a>>,
    record: &'a Obj<'a>,
}

/// The text of an attachment that nobody typed.
fn attached_text(attached: &Obj<'_>) -> String {
    let fields = ["content", "stdout", "snippet", "stderr"];
    let texts = fields.iter().filter_map(|key| attached.raw(key)).map(|raw| match Obj::of(raw) {
        Some(inner) => {
            let file = inner.obj("file").and_then(|file| file.text("content"));
            file.or_else(|| inner.text("content")).unwrap_or_default().into_owned()
        }
        None => listed(raw),
    });
    // A hook that has nothing to say prints an empty object.
    texts.into_iter().find(|text| !matches!(text.trim(), "" | "{}")).unwrap_or_default()
}

/// A text, or a list of tasks or texts, one a line.
fn listed(raw: RawValue<'_>) -> String {
    let task = |task: Obj<'_>| {
        let what = ["subject", "content", "text"].iter().find_map(|key| task.text(key));
        let state = task.text("status").map(|status| format!(" ({status})")).unwrap_or_default();
        what.map(|what| format!("{what}{state}"))
    };
    json::text(raw).map(String::from).unwrap_or_else(|| {
        json::list(raw).into_iter().filter_map(Obj::of).filter_map(task).collect::<Vec<_>>().join("\n")
    })
}

/// Whether a content is neither blocks nor one of them.
fn is_plain(content: RawValue<'_>) -> bool {
    !content.get().starts_with(['[', '{'])
}

fn one(item: Item) -> Shown {
    Shown { prompt: None, items: vec![item] }
}

impl Page<'_> {
    fn assistant(&self) -> Result<Shown, ReadError> {
        let (desk, at) = (self.desk, self.entry.at());
        let message = self.record.obj("message").unwrap_or_default();
        let mut shown = Shown::default();
        if let Some(model) = message.text("model").filter(|_| self.entry.switch) {
            shown.items.push(Item::Marker(Marker::Model { to: desk.cleaner.start(&model, 80) }));
        }
        let cwd = self.record.text("cwd").unwrap_or_default();
        let failed = self.record.flag("isApiErrorMessage");
        let say = |text: &str| match failed {
            true => Item::Marker(Marker::ApiError { at, text: desk.long(text), times: 1, until: None }),
            false => Item::Reply { text: desk.long(text), at },
        };
        let mut no = self.entry.steps;
        let Some(content) = content_of(self.record) else { return Ok(shown) };
        if is_no_answer(&message.text("model").unwrap_or_default(), &joined(&self.texts(), "\n")) {
            return Ok(shown);
        }
        if is_plain(content) {
            shown.items.push(say(&words(content)));
        }
        let mut next = no;
        let calls = blocks(content).into_iter().filter(|block| {
            let call = tools::is_call(block.text("type").as_deref());
            next += u32::from(call);
            call && !desk.skips(next..next + 1)
        });
        let brought = brought(&calls.collect::<Vec<_>>(), desk)?;
        let answers = Answers::of(&brought);
        let mut image = self.entry.images + 1;
        for block in parts(content) {
            if let Some(text) = json::text(block).filter(|_| desk.only.is_none()) {
                shown.items.push(say(&text));
            }
            let Some(block) = Obj::of(block) else { continue };
            let first = image;
            image += images(std::slice::from_ref(&block)).count() as u32;
            let text = |key: &str| block.text(key).unwrap_or_default();
            let call = tools::is_call(block.text("type").as_deref());
            no += u32::from(call);
            if desk.skips(if call { no..no + 1 } else { 0..0 }) {
                continue;
            }
            match text("type").as_ref() {
                "text" => {
                    let said = block.words("text");
                    shown.items.extend((!said.trim().is_empty()).then(|| say(&said)));
                }
                "thinking" => {
                    shown.items.push(Item::Thinking { text: desk.long(&block.words("thinking")), at })
                }
                "redacted_thinking" => shown.items.push(Item::Thinking { text: desk.clean(""), at }),
                _ if call => {
                    let caller = Caller { no, at, cwd: &cwd, inside: self.inside };
                    shown.items.push(Item::Step(Box::new(step(&block, caller, &answers, desk)?)));
                }
                "image" | "document" => {
                    let files = attachments(std::slice::from_ref(&block), first);
                    shown.items.extend(files.into_iter().map(|file| Item::Image { file, at }));
                }
                kind if hidden::BLOCKS.contains(&kind) => {}
                kind => shown
                    .items
                    .push(Item::Unknown { what: desk.cleaner.start(kind, 80), fields: fields(&block, desk) }),
            }
        }
        Ok(shown)
    }

    fn user(&self) -> Shown {
        let blocks = blocks_of(self.record);
        if blocks.iter().any(|block| block.text("type").as_deref() == Some("tool_result")) {
            return self.results(&blocks);
        }
        if self.inside.is_some() {
            return Shown::default();
        }
        if self.record.flag("isMeta") {
            return self.context(Private::Injected, &joined(&self.texts(), "\n\n"));
        }
        let machine =
            self.record.obj("origin").is_some_and(|o| o.text("kind").as_deref() == Some("task-notification"));
        let mut words = Vec::new();
        let mut command = None;
        let mut shown = Shown::default();
        let texts = self.texts();
        for text in &texts {
            match said(text) {
                Said::Words(text) if machine => shown.items.extend(self.local(&text, "")),
                Said::Words(text) => words.push(text),
                Said::Command(name) => command = Some(self.desk.cleaner.start(&name, 4096)),
                said => shown.items.extend(self.remark(said)),
            }
        }
        if self.entry.kind == Kind::Prompt {
            shown.items.extend(texts.iter().flat_map(|text| self.around(text)));
        }
        shown.items.extend(self.unknown_blocks(&blocks));
        if self.entry.kind != Kind::Prompt && words.is_empty() && command.is_none() && shown.items.is_empty()
        {
            return self.context(Private::Reminder, &joined(&self.texts(), "\n\n"));
        }
        if self.entry.kind == Kind::Prompt {
            shown.prompt = Some(Prompt {
                text: self.desk.long(&joined(&words, "\n\n")),
                command,
                attachments: attachments(&blocks, self.entry.images + 1),
                at: self.entry.at(),
            });
        }
        shown
    }

    /// What was put around the words of a prompt.
    fn around(&self, text: &str) -> Vec<Item> {
        let context = |around: &str| {
            let what = if around.starts_with("<ide_") { Private::Editor } else { Private::Reminder };
            self.context(what, around).items
        };
        injected(text).into_iter().flat_map(context).collect()
    }

    /// What the agent was told besides; checked here too, so that it depends on no index.
    fn context(&self, what: Private, text: &str) -> Shown {
        if text.trim().is_empty() || !self.desk.index().shows(what) {
            return Shown::default();
        }
        one(Item::Context { what: self.desk.clean(what.name()), text: self.desk.text(text) })
    }

    /// Results show themselves in their steps; here are those without one, and what the person said.
    fn results(&self, blocks: &[Obj<'_>]) -> Shown {
        let mut shown = Shown::default();
        let mut declined = false;
        let mut said_so = Vec::new();
        for block in blocks.iter().filter(|block| block.text("type").as_deref() == Some("tool_result")) {
            let id = block.text("tool_use_id").map_or(0, |id| hash(&id));
            let text = result_text(block.raw("content"));
            if !self.desk.index().is_shown(id, self.no) {
                let output = self.desk.part(&text, STRAY);
                let fields = vec![(self.desk.clean("output"), output)];
                shown.items.push(Item::Unknown { what: self.desk.clean("result without a call"), fields });
            }
            if is_declined(&text) {
                declined = true;
                said_so.extend(reason(&text).map(str::to_owned));
            }
        }
        shown.items.extend(self.unknown_blocks(blocks));
        if self.inside.is_some() {
            return shown;
        }
        let mut no = self.entry.asides;
        let mut aside = |how, text: &str| {
            no += 1;
            self.aside(no, how, text, &[])
        };
        shown.items.extend(said_so.iter().map(|text| aside(AsideHow::Declining, text)));
        if self.record.flag("isMeta") {
            return shown;
        }
        let how = if declined { AsideHow::Declining } else { AsideHow::Queued };
        for text in self.texts() {
            match said(&text) {
                Said::Words(text) => shown.items.push(aside(how, &text)),
                said => shown.items.extend(self.remark(said)),
            }
        }
        shown
    }

    /// The blocks of a person's record that nobody knows.
    fn unknown_blocks(&self, blocks: &[Obj<'_>]) -> Vec<Item> {
        let unknown = blocks.iter().filter_map(|block| {
            let kind = block.text("type").unwrap_or("block without a type".into());
            let what = self.desk.cleaner.start(&kind, 80);
            let fields = || fields(block, self.desk);
            (!hidden::is_known_of_a_person(&kind)).then(|| Item::Unknown { what, fields: fields() })
        });
        unknown.collect()
    }

    /// A text of the queue: the person's words, or news of something in the background.
    fn said_aside(&self, text: &str, machine: bool, blocks: &[Obj<'_>]) -> Shown {
        let no = self.entry.asides + 1;
        match said(text) {
            Said::Words(text) if machine => {
                Shown { prompt: None, items: self.local(&text, "").into_iter().collect() }
            }
            Said::Words(text) => one(self.aside(no, AsideHow::Queued, &text, blocks)),
            Said::Nothing if !blocks.is_empty() => one(self.aside(no, AsideHow::Queued, "", blocks)),
            said => Shown { prompt: None, items: self.remark(said).into_iter().collect() },
        }
    }

    fn aside(&self, no: u32, how: AsideHow, text: &str, blocks: &[Obj<'_>]) -> Item {
        let prompt = Prompt {
            text: self.desk.long(text),
            command: None,
            attachments: attachments(blocks, self.entry.images + 1),
            at: self.entry.at(),
        };
        Item::Aside { no, how, prompt }
    }

    /// What is neither words nor a prompt's command.
    fn remark(&self, said: Said<'_>) -> Option<Item> {
        match said {
            Said::Words(_) | Said::Summary | Said::Nothing => None,
            Said::Command(name) => self.local(&name, ""),
            Said::Printed(text) => self.local("", text),
            Said::Own(command) => self.local(&command, ""),
            Said::OwnPrinted(text) => self.local("", &text),
            Said::News(headline, result) => self.local(&headline, result),
            Said::Interrupted => Some(Item::Marker(Marker::Interrupted { at: self.entry.at() })),
        }
    }

    fn local(&self, command: &str, output: &str) -> Option<Item> {
        let command = self.desk.cleaner.headline(command, 400);
        let output = if output.is_empty() { Output::default() } else { self.desk.text(output) };
        Some(Item::Marker(Marker::Local { command, output }))
    }

    fn system(&self) -> Shown {
        let text = self.record.words("content");
        let subtype = self.record.text("subtype").unwrap_or_default();
        match subtype.as_ref() {
            "compact_boundary" => {
                let meta = self.record.obj("compactMetadata").unwrap_or_default();
                let (before, after) = (meta.number("preTokens"), meta.number("postTokens"));
                self.marker(Marker::Compacted { at: self.entry.at(), before, after, summary: None })
            }
            "local_command" => Shown { prompt: None, items: self.remark(said(&text)).into_iter().collect() },
            "api_error" | "api_refusal" | "model_refusal_fallback" | "error" => {
                let text = if text.is_empty() { self.cause() } else { text.into_owned() };
                let (at, again) =
                    (self.entry.at(), self.record.number("retryAttempt").is_some_and(|n| n > 1));
                let (text, until) = (self.desk.cleaner.start(&text, 2000), at.filter(|_| again));
                self.marker(Marker::ApiError { at, text, times: 1, until })
            }
            subtype => self.unknown(&format!("system {subtype}")),
        }
    }

    /// What an error of the service says of itself.
    fn cause(&self) -> String {
        let error = self.record.obj("error").unwrap_or_default();
        let nested = error.obj("error").unwrap_or_default();
        let inner = nested.obj("error").unwrap_or_default();
        let cause = self.record.obj("cause").or_else(|| error.obj("cause")).unwrap_or_default();
        let message =
            inner.says("message").or_else(|| nested.says("message")).or_else(|| error.says("message"));
        let words = message.or_else(|| cause.text("code")).or_else(|| self.record.text("error"));
        let status = error.number("status").map(|status| format!("{status} "));
        format!("{}{}", status.unwrap_or_default(), words.unwrap_or("the service did not answer".into()))
    }

    fn marker(&self, marker: Marker) -> Shown {
        one(Item::Marker(marker))
    }

    fn summary(&self) -> Marker {
        let texts = self.texts();
        let summary = match content_of(self.record) {
            Some(content) if texts.is_empty() => words(content),
            _ => joined(&texts, "\n\n"),
        };
        let summary = Some(self.desk.long(&summary));
        Marker::Compacted { at: self.entry.at(), before: None, after: None, summary }
    }

    fn unknown(&self, kind: &str) -> Shown {
        let what = if kind.is_empty() { "record without a type" } else { kind };
        one(Item::Unknown { what: self.desk.cleaner.start(what, 80), fields: fields(self.record, self.desk) })
    }

    /// The texts of the message, one a block.
    fn texts(&self) -> Vec<Cow<'_, str>> {
        let Some(content) = content_of(self.record) else { return Vec::new() };
        if is_plain(content) {
            return vec![words(content)];
        }
        let text = |block| match (json::text(block), Obj::of(block)) {
            (Some(bare), _) => Some(bare),
            (None, Some(block)) if block.text("type").as_deref() == Some("text") => block.says("text"),
            _ => None,
        };
        parts(content).into_iter().filter_map(text).collect()
    }
}
