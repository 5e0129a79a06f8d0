//! Places the records of one file in the index: what opens a turn, what is an aside, what belongs to a
//! sub-agent, and what is only noted for the header.

mod fields;
mod queue;

use foldhash::HashMap;
use jiff::Timestamp;

use super::head::{Block, Fields};
use super::said::{SYNTHETIC, Said, is_no_answer, joined, reason, said};
use super::{FIELDS, hidden, tasks, tools};
use crate::redact::{CleanText, Cleaner};
use crate::session::agent::{Format, NotJson, Records, sound};
use crate::session::fields::Table;
use crate::session::index::{Index, Kind, New, hash, project_name};
use crate::session::json;
use crate::session::lines::Place;
use crate::session::model::{Output, Usage};
use crate::session::price::Prices;
use crate::session::private::Private;
use fields::{
    blocks, declined, images, new_step, results, results_of, steps, text_of, texts, unknown_of_a_person,
};
use queue::Queue;

/// Characters of a prompt in the outline.
const HEADLINE: usize = 240;

/// The memory of reading one file.
#[derive(Debug, Default)]
pub(super) struct Reading {
    /// Texts typed while the agent worked.
    queue: Queue,
    /// The model that answered last.
    model: Option<String>,
    prices: Prices,
    /// Chains of sub-agents by the ids of their records.
    side: HashMap<u64, u32>,
    /// The file is a sub-agent's own: there the flag of side chains means nothing. Its first user or
    /// assistant record has it; a session's never does.
    own_file: Option<bool>,
    /// The last record was of progress: a great part of old sessions, and said elsewhere again.
    dull: bool,
    cwd: Option<String>,
    version: Option<String>,
    branch: Option<String>,
}

/// A record on its way into the index.
struct Record<'a, 'b> {
    fields: &'a Fields<'b>,
    place: Place,
    len: usize,
    at: Option<Timestamp>,
    cleaner: &'a Cleaner,
}

impl Record<'_, '_> {
    fn entry(&self, kind: Kind) -> New {
        New::one(self.place, self.len, self.at, kind)
    }

    fn headline(&self, text: &str) -> CleanText {
        self.cleaner.headline(text, HEADLINE)
    }

    /// A title; one that is taken away again is blank.
    fn title(&self, text: Option<&str>) -> Option<CleanText> {
        text.map(|text| self.headline(text)).filter(|title| !title.is_blank())
    }
}

/// How records are read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Heads;

impl Format for Heads {
    type Record<'a> = Fields<'a>;

    fn read<'a>(self, text: &'a str, fields: &mut Fields<'a>) -> Result<usize, NotJson> {
        sound(text, fields)
    }
}

impl Records for Reading {
    type Format = Heads;

    fn format(&self) -> Heads {
        Heads
    }

    fn place(
        &mut self,
        fields: &mut Fields<'_>,
        place: Place,
        len: usize,
        index: &mut Index,
        cleaner: &Cleaner,
    ) {
        let at = fields.timestamp.as_str().and_then(|at| at.parse().ok());
        self.put(&Record { fields, place, len, at, cleaner }, index);
    }

    fn fields(&self) -> Option<&'static Table> {
        (!self.dull).then_some(&FIELDS)
    }

    fn waiting(&self, cleaner: &Cleaner) -> Vec<New> {
        self.queue.waiting().map(|queued| queued.aside(cleaner)).collect()
    }
}

impl Reading {
    fn put(&mut self, record: &Record<'_, '_>, index: &mut Index) {
        let fields = record.fields;
        let kind = fields.kind.as_str().unwrap_or_default();
        self.dull = kind == "progress";
        match kind {
            "user" | "assistant" => self.spoken(kind == "user", record, index),
            "system" => {
                self.header(record, index);
                Self::system(record, index);
            }
            "attachment" => self.attachment(record, index),
            "queue-operation" => self.queued(record, index),
            "summary" => {
                if let (Some(text), Some(leaf)) = (fields.summary.as_str(), fields.leaf.as_str()) {
                    let title = record.headline(text);
                    index.header().summary(leaf, title);
                }
            }
            "custom-title" => {
                index.header().custom_title = record.title(fields.custom_title.as_str());
            }
            "ai-title" => index.header().agent_title = record.title(fields.ai_title.as_str()),
            "progress" if fields.data.kind.as_str() == Some("agent_progress") => {
                if let Some(call) = fields.sender.as_str() {
                    index.relays(hash(call), record.place, record.len);
                }
            }
            kind if hidden::RECORDS.contains(&kind) => {}
            kind => {
                index.tally.unknown(record.place, if kind.is_empty() { "(none)" } else { kind });
                index.flow(record.entry(Kind::Flow));
            }
        }
    }

    fn header(&mut self, record: &Record<'_, '_>, index: &mut Index) {
        let set = |kept: &mut Option<String>, found: Option<&str>| {
            let found = found.filter(|found| !found.is_empty())?;
            (kept.as_deref() != Some(found)).then(|| *kept = Some(found.to_owned()))?;
            Some(found.to_owned())
        };
        let fields = record.fields;
        let clean = |text: String| Some(record.cleaner.headline(&text, 120));
        if let Some(version) = set(&mut self.version, fields.version.as_str()) {
            index.header().version = clean(version);
        }
        if let Some(branch) = set(&mut self.branch, fields.branch.as_str()) {
            index.header().branch = clean(branch);
        }
        if let Some(cwd) = set(&mut self.cwd, fields.cwd.as_str()) {
            index.header().root.get_or_insert_with(|| cwd.trim_end_matches('/').to_owned());
            index.header().project = clean(project_name(&cwd));
        }
    }

    fn spoken(&mut self, user: bool, record: &Record<'_, '_>, index: &mut Index) {
        let fields = record.fields;
        let own_file = *self.own_file.get_or_insert(fields.side.0);
        index.header().sub_agent.get_or_insert(own_file);
        if fields.side.0 && !own_file {
            return self.side(user, record, index);
        }
        self.header(record, index);
        if let Some(uuid) = fields.uuid.as_str() {
            index.id(hash(uuid));
        }
        if user { self.user(record, index) } else { self.assistant(record, index) }
    }

    /// A record of a sub-agent: goes to its parent's chain, or begins one.
    fn side(&mut self, user: bool, record: &Record<'_, '_>, index: &mut Index) {
        let fields = record.fields;
        let parent = fields.parent.as_str().and_then(|parent| self.side.get(&hash(parent))).copied();
        let chain = parent.unwrap_or_else(|| index.begin_chain(hash(text_of(fields).trim())));
        if let Some(uuid) = fields.uuid.as_str() {
            self.side.insert(hash(uuid), chain);
        }
        let mut new = record.entry(Kind::Side);
        new.weight = 0;
        new.items = u32::from(parent.is_none());
        new.images = images(fields);
        if !user {
            new.steps = steps(fields).map(|(block, kind)| new_step(block, kind)).collect();
            self.count_assistant(record, index);
        }
        index.tally.counts.results += results_of(fields).count() as u64;
        let entry = index.flow(new);
        results(fields).for_each(|(id, ended)| index.result(id, entry, ended));
        index.link(chain, entry);
    }

    fn assistant(&mut self, record: &Record<'_, '_>, index: &mut Index) {
        let fields = record.fields;
        let model = fields.message.as_ref().and_then(|message| message.model.as_str()).unwrap_or_default();
        if model == SYNTHETIC && is_no_answer(model, &text_of(fields)) {
            return;
        }
        let mut new = record.entry(Kind::Flow);
        if let Some(message) = &fields.message {
            let model = message.model.as_str().filter(|model| !model.is_empty() && *model != SYNTHETIC);
            if let Some(model) = model {
                new.by_model = true;
                new.switch = self.model.as_deref().is_some_and(|before| before != model);
                if self.model.as_deref() != Some(model) {
                    self.model = Some(model.to_owned());
                }
            }
        }
        self.count_assistant(record, index);
        new.items = blocks(fields).len().max(1) as u32;
        let first = index.next_step();
        for (no, (block, kind)) in (first..).zip(steps(fields)) {
            new.steps.push(new_step(block, kind));
            let (id, name) = (block.id.as_str(), block.name.as_str());
            tasks::note(index, no, id, name.unwrap_or_default(), block.input, record.cleaner);
            if let Some(brief) = tools::brief(block.name.as_str(), block.input) {
                index.sent(hash(brief.trim()), no);
            }
        }
        new.images = images(fields);
        new.weight = (record.len as u64).min(256 << 10);
        index.flow(new);
    }

    /// Counts and tokens of an assistant's record, whoever's it is.
    fn count_assistant(&mut self, record: &Record<'_, '_>, index: &mut Index) {
        let fields = record.fields;
        let Some(message) = &fields.message else { return };
        let model = message.model.as_str().unwrap_or_default();
        if model != SYNTHETIC {
            let spent = message.usage.spent(model, record.at, &mut self.prices);
            if let Some(id) = message.id.as_str().filter(|_| spent.usage != Usage::default()) {
                index.header().tokens.of_message(hash(id), spent);
            }
            let models = &mut index.header().models;
            let known = model.is_empty() || models.iter().any(|known| known.as_str() == model);
            if !known && models.len() < 32 && !fields.side.0 {
                models.push(record.cleaner.headline(model, 80));
            }
        }
        for block in blocks(fields) {
            let kind = block.kind.as_str().unwrap_or_default();
            let counts = &mut index.tally.counts;
            match kind {
                "text" => counts.replies += 1,
                "thinking" | "redacted_thinking" => counts.thinking += 1,
                "tool_use" | "server_tool_use" => counts.calls += 1,
                kind if hidden::BLOCKS.contains(&kind) => {}
                _ if block.bare.is_some() => counts.replies += 1,
                kind => index.tally.unknown(record.place, &format!("block {kind}")),
            }
        }
        index.tally.counts.replies += u64::from(message.plain().is_some());
    }

    fn user(&mut self, record: &Record<'_, '_>, index: &mut Index) {
        let fields = record.fields;
        if fields.summary_of_context.0 {
            index.flow(record.entry(Kind::Summary));
            return;
        }
        let found: Vec<&Block<'_>> = results_of(fields).collect();
        if !found.is_empty() {
            return self.results(&found, record, index);
        }
        if fields.meta.0 {
            return Self::context(Private::Injected, record, index);
        }
        let mut words = Vec::new();
        let mut command = None;
        let mut other = Self::unknown_blocks(record, index);
        let told = texts(fields);
        for text in &told {
            match said(text) {
                Said::Words(text) => words.push(text),
                Said::Command(name) => command = Some(name),
                Said::Summary => {
                    index.flow(record.entry(Kind::Summary));
                    return;
                }
                Said::Nothing => {}
                _ => other += 1,
            }
        }
        let from_machine = fields.origin.kind.as_str() == Some("task-notification");
        let images = images(fields);
        if from_machine || (words.is_empty() && command.is_none() && images == 0) {
            if other > 0 || (from_machine && !words.is_empty()) {
                self.queue.answered(&text_of(fields));
                let mut new = record.entry(Kind::Flow);
                new.images = images;
                index.flow(new);
                return;
            }
            return Self::context(Private::Reminder, record, index);
        }
        let text = joined(&words, "\n\n");
        let spoken = command.as_deref().filter(|_| words.is_empty()).unwrap_or(&text);
        for queued in self.queue.prompt(spoken) {
            index.tally.counts.asides += 1;
            index.flow(queued.aside(record.cleaner));
        }
        let head = match &command {
            Some(command) => record.headline(command),
            None => record.headline(&text),
        };
        let mut new = record.entry(Kind::Prompt);
        new.images = images;
        index.tally.counts.prompts += 1;
        index.prompt(new, head, command.is_some());
    }

    /// Notes the blocks of a person's record that nobody knows. Returns how many there are.
    fn unknown_blocks(record: &Record<'_, '_>, index: &mut Index) -> u32 {
        let unknown = unknown_of_a_person(record.fields);
        unknown.iter().for_each(|kind| index.tally.unknown(record.place, &format!("block {kind}")));
        unknown.len() as u32
    }

    /// What the agent was told besides.
    fn context(what: Private, record: &Record<'_, '_>, index: &mut Index) {
        if index.shows(what) {
            index.flow(record.entry(Kind::Flow));
        }
    }

    /// A record with results of tools, and perhaps with words of the person beside them.
    fn results(&mut self, found: &[&Block<'_>], record: &Record<'_, '_>, index: &mut Index) {
        let fields = record.fields;
        let mut new = record.entry(Kind::Flow);
        new.weight = 0;
        new.images = images(fields);
        new.items = 0;
        for block in found {
            let size = block.content.map_or(0, |content| content.get().len());
            new.weight += size.min(Output::MAX) as u64 + 2048;
            let declined = block.content.and_then(declined);
            if let Some(said) = declined.as_deref().and_then(reason) {
                new.asides.push(record.headline(said));
            }
        }
        if !fields.meta.0 {
            for text in texts(fields) {
                match said(&text) {
                    Said::Words(text) => new.asides.push(record.headline(&text)),
                    Said::Nothing => {}
                    _ => new.items += 1,
                }
            }
        }
        new.items += new.asides.len() as u32 + Self::unknown_blocks(record, index);
        index.tally.counts.asides += new.asides.len() as u64;
        index.tally.counts.results += found.len() as u64;
        let entry = index.flow(new);
        results(fields).for_each(|(id, ended)| index.result(id, entry, ended));
        found.iter().for_each(|block| tasks::note_result(index, block.of.as_str(), block.content));
    }

    fn system(record: &Record<'_, '_>, index: &mut Index) {
        match record.fields.subtype.as_str().unwrap_or_default() {
            "compact_boundary" => {
                index.flow(record.entry(Kind::Boundary));
            }
            "local_command" => {
                let text = record.fields.content.and_then(json::text).unwrap_or_default();
                if said(&text) != Said::Nothing {
                    index.flow(record.entry(Kind::Flow));
                }
            }
            "api_error" | "api_refusal" | "model_refusal_fallback" | "error" => {
                index.flow(record.entry(Kind::Flow));
            }
            subtype if hidden::SYSTEM.contains(&subtype) => {}
            subtype => {
                index.tally.unknown(record.place, &format!("system {subtype}"));
                index.flow(record.entry(Kind::Flow));
            }
        }
    }
}
