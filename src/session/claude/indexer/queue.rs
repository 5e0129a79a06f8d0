//! What the person typed while the agent worked.
//!
//! Claude Code notes that a text was put into the queue (`enqueue`), and later that it left it: as a prompt
//! of its own (`dequeue`; a user record follows), merged into the running turn (`remove`; newer versions
//! write an attachment as well), or back into the editor (`popAll`). Texts that never become a user record
//! are asides. Neither `dequeue` nor `remove` says which text left: it is the oldest, put right when the
//! user record shows another.

use std::collections::{HashMap, VecDeque};

use jiff::Timestamp;

use super::{HEADLINE, Reading, Record};
use crate::redact::Cleaner;
use crate::session::claude::said::{Said, said};
use crate::session::claude::{content, hidden};
use crate::session::index::{Index, Kind, New, hash};
use crate::session::json;
use crate::session::lines::Place;

/// Texts that wait; more are a file gone wrong.
const WAITING: usize = 1000;

/// A text in the queue, and the record that put it there.
#[derive(Clone, Debug)]
pub(super) struct Queued {
    text: String,
    place: Place,
    len: usize,
    at: Option<Timestamp>,
    /// It left the queue as a prompt, which is yet to come.
    expected: bool,
}

impl Queued {
    /// The entry of the record that put it into the queue, as an aside here.
    pub(super) fn aside(&self, cleaner: &Cleaner) -> New {
        let mut new = New::one(self.place, self.len, self.at, Kind::Flow);
        if let Said::Words(text) = said(&self.text) {
            new.asides.push(cleaner.headline(&text, HEADLINE));
        }
        new
    }
}

/// The queue, as its records tell.
#[derive(Debug, Default)]
pub(super) struct Queue {
    texts: VecDeque<Queued>,
    /// Texts shown from one source (positive: the queue, negative: an attachment) and not yet seen from
    /// the other.
    shown: HashMap<u64, i32>,
}

impl Queue {
    fn put(&mut self, queued: Queued) {
        if self.texts.len() < WAITING {
            self.texts.push_back(queued);
        }
    }

    /// The oldest text becomes a prompt.
    fn leave_as_prompt(&mut self) {
        if let Some(queued) = self.texts.iter_mut().find(|queued| !queued.expected) {
            queued.expected = true;
        }
    }

    /// The oldest text is merged into the running turn.
    fn leave_as_aside(&mut self) -> Option<Queued> {
        let at = self.texts.iter().position(|queued| !queued.expected)?;
        self.texts.remove(at)
    }

    /// All texts go back into the editor.
    fn clear(&mut self) {
        self.texts.retain(|queued| queued.expected);
    }

    /// A user record says `text`: what of the queue it answers is gone.
    pub(super) fn answered(&mut self, text: &str) {
        let expected = self.texts.iter().any(|queued| queued.expected);
        let before = self.texts.len();
        let wrong = |queued: &Queued| !queued.expected && is_part(&queued.text, text);
        let took_waiting = expected && self.texts.iter().any(wrong);
        self.texts.retain(|queued| !is_part(&queued.text, text));
        if took_waiting && self.texts.len() < before {
            // Another text than the oldest left: that one waits still.
            self.texts.iter_mut().for_each(|queued| queued.expected = false);
        }
    }

    /// The person says `text`. Returns what was expected to be said before and was not.
    pub(super) fn prompt(&mut self, text: &str) -> Vec<Queued> {
        if self.texts.is_empty() {
            return Vec::new();
        }
        let before = self.texts.len();
        self.answered(text);
        if self.texts.len() < before {
            return Vec::new();
        }
        let (lost, kept): (Vec<_>, Vec<_>) = self.texts.drain(..).partition(|queued| queued.expected);
        self.texts = kept.into();
        lost
    }

    /// What still waits.
    pub(super) fn waiting(&self) -> impl Iterator<Item = &Queued> {
        self.texts.iter()
    }

    /// Whether `text`, from the queue or from an attachment, is new: not shown from the other source.
    fn first_time(&mut self, text: &str, sign: i32) -> bool {
        let balance = self.shown.entry(hash(text.trim())).or_default();
        let first = *balance * sign >= 0;
        *balance += sign;
        first
    }
}

fn is_part(queued: &str, said: &str) -> bool {
    let queued = queued.trim();
    said.trim() == queued || (queued.len() >= 8 && said.contains(queued))
}

impl Reading {
    /// A record about the queue.
    pub(super) fn queued(&mut self, record: &Record<'_, '_>, index: &mut Index) {
        let fields = record.fields;
        match fields.operation.as_str().unwrap_or_default() {
            "enqueue" => {
                let text = fields.content.and_then(json::text).unwrap_or_default().into_owned();
                if said(&text) != Said::Nothing {
                    let Record { place, len, at, .. } = *record;
                    self.queue.put(Queued { text, place, len, at, expected: false });
                }
            }
            "dequeue" => self.queue.leave_as_prompt(),
            "remove" => {
                let left = self.queue.leave_as_aside();
                if let Some(queued) = left.filter(|queued| self.queue.first_time(&queued.text, 1)) {
                    Self::say(queued.aside(record.cleaner), index);
                }
            }
            "popAll" => self.queue.clear(),
            other => {
                index.tally.unknown(record.place, &format!("queue-operation {other}"));
                index.flow(record.entry(Kind::Flow));
            }
        }
    }

    /// A record that brings context, among it texts of the queue.
    pub(super) fn attachment(&mut self, record: &Record<'_, '_>, index: &mut Index) {
        let attached = &record.fields.attachment;
        if record.fields.side.0 {
            return;
        }
        if attached.kind.as_str() != Some("queued_command") {
            let kind = attached.kind.as_str().unwrap_or_default();
            match hidden::attached(kind) {
                Some(what) => Self::context(what, record, index),
                None => {
                    index.tally.unknown(record.place, &format!("attachment {kind}"));
                    index.flow(record.entry(Kind::Flow));
                }
            }
            return;
        }
        let Some(prompt) = attached.prompt else { return };
        let text = content::result_text(Some(prompt));
        let images = content::count_images(prompt);
        let machine = attached.mode.as_str() == Some("task-notification");
        if (text.trim().is_empty() && images == 0) || !self.queue.first_time(&text, -1) {
            return;
        }
        let mut new = record.entry(Kind::Flow);
        new.images = images;
        match said(&text) {
            Said::Words(words) if !machine => new.asides.push(record.headline(&words)),
            Said::Nothing if images == 0 => return,
            Said::Nothing => new.asides.push(record.headline("")),
            _ => {}
        }
        Self::say(new, index);
    }

    fn say(new: New, index: &mut Index) {
        index.tally.counts.asides += new.asides.len() as u64;
        index.flow(new);
    }
}
