//! What the person typed while the agent worked.
//!
//! Claude Code notes that a text was put into the queue (`enqueue`), and later that it left it: as a prompt
//! of its own (`dequeue`; a user record follows), merged into the running turn (`remove`; newer versions
//! write an attachment as well), or back into the editor (`popAll`). Texts that never become a user record
//! are asides. Neither `dequeue` nor `remove` says which text left: it is the oldest, put right when the
//! user record shows another.

use std::collections::VecDeque;
use std::collections::hash_map::Entry;

use foldhash::HashMap;
use jiff::Timestamp;

use super::{HEADLINE, Reading, Record};
use crate::redact::Cleaner;
use crate::session::claude::said::{Said, said};
use crate::session::claude::{content, hidden};
use crate::session::index::{Index, Kind, New, hash};
use crate::session::lines::Place;
use crate::session::words::words;

/// Texts that wait; more are a file gone wrong.
const WAITING: usize = 1000;
/// Texts that are looked for in what was said and are not in it, oldest first. What leaves the queue together is the
/// oldest of it, one after the other: a long queue costs no more than a short one.
const LOOKS: usize = 8;
/// Bytes of a text that is known again within a longer one.
const TELLING: usize = 8;

/// A text in the queue, and the record that put it there.
#[derive(Clone, Debug)]
pub(super) struct Queued {
    text: String,
    /// Of the text without blanks around it.
    hash: u64,
    place: Place,
    len: usize,
    at: Option<Timestamp>,
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
    /// What left it as prompts that are yet to come: the oldest texts.
    expected: Texts,
    /// What is in it.
    waiting: Texts,
    /// Texts shown from one source (positive: the queue, negative: an attachment) and not yet seen from
    /// the other.
    shown: HashMap<u64, i32>,
}

impl Queue {
    fn put(&mut self, queued: Queued) {
        if self.expected.list.len() + self.waiting.list.len() < WAITING {
            self.waiting.push(queued);
        }
    }

    /// The oldest text becomes a prompt.
    fn leave_as_prompt(&mut self) {
        if let Some(queued) = self.waiting.pop() {
            self.expected.push(queued);
        }
    }

    /// The oldest text is merged into the running turn.
    fn leave_as_aside(&mut self) -> Option<Queued> {
        self.waiting.pop()
    }

    /// All texts go back into the editor.
    fn clear(&mut self) {
        self.waiting = Texts::default();
    }

    /// A user record says `text`: what of the queue it answers is gone. Returns whether there was any.
    pub(super) fn answered(&mut self, text: &str) -> bool {
        if self.expected.list.is_empty() && self.waiting.list.is_empty() {
            return false;
        }
        let text = text.trim();
        if self.expected.take_same(text) {
            return true;
        }
        let waited = self.waiting.take_same(text);
        let answered = !waited && self.expected.take_parts(text);
        let waited = waited || self.waiting.take_parts(text);
        if waited && !self.expected.list.is_empty() {
            // Another text than the oldest left: that one waits still.
            let newer = std::mem::replace(&mut self.waiting, std::mem::take(&mut self.expected));
            newer.list.into_iter().for_each(|queued| self.waiting.push(queued));
        }
        waited || answered
    }

    /// The person says `text`. Returns what was expected to be said before and was not.
    pub(super) fn prompt(&mut self, text: &str) -> VecDeque<Queued> {
        if self.answered(text) { VecDeque::new() } else { std::mem::take(&mut self.expected).list }
    }

    /// What still waits.
    pub(super) fn waiting(&self) -> impl Iterator<Item = &Queued> {
        self.expected.list.iter().chain(&self.waiting.list)
    }

    /// Whether `text`, from the queue or from an attachment, is new: not shown from the other source.
    fn first_time(&mut self, text: &str, sign: i32) -> bool {
        let balance = self.shown.entry(hash(text.trim())).or_default();
        let first = *balance * sign >= 0;
        *balance += sign;
        first
    }
}

/// Texts, the oldest first.
#[derive(Debug, Default)]
struct Texts {
    list: VecDeque<Queued>,
    /// How many of them have this hash.
    hashes: HashMap<u64, u32>,
}

impl Texts {
    fn push(&mut self, queued: Queued) {
        *self.hashes.entry(queued.hash).or_default() += 1;
        self.list.push_back(queued);
    }

    /// Takes the oldest.
    fn pop(&mut self) -> Option<Queued> {
        let queued = self.list.pop_front()?;
        self.gone(queued.hash);
        Some(queued)
    }

    fn gone(&mut self, hash: u64) {
        if let Entry::Occupied(mut count) = self.hashes.entry(hash) {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
    }

    /// Takes the oldest that reads `said`. Returns whether there was one.
    fn take_same(&mut self, said: &str) -> bool {
        let hash = hash(said);
        if !self.hashes.contains_key(&hash) {
            return false;
        }
        let at = self.list.iter().position(|queued| queued.hash == hash);
        let same = at.and_then(|at| self.list.remove(at)).is_some();
        self.gone(hash);
        same
    }

    /// Takes those that are in `said`, which was put together of several. Returns whether there were any.
    fn take_parts(&mut self, said: &str) -> bool {
        let (mut looks, mut from, mut gone) = (0, 0, Vec::new());
        self.list.retain(|queued| {
            let text = queued.text.trim();
            if looks == LOOKS || text.len() < TELLING {
                return true;
            }
            // They follow each other in it as in the queue, but not always.
            if let Some(at) = said.get(from..).and_then(|rest| rest.find(text)) {
                from += at + text.len();
            } else {
                looks += 1;
                if !said.contains(text) {
                    return true;
                }
            }
            gone.push(queued.hash);
            false
        });
        gone.iter().for_each(|hash| self.gone(*hash));
        !gone.is_empty()
    }
}

impl Reading {
    /// A record about the queue.
    pub(super) fn queued(&mut self, record: &Record<'_, '_>, index: &mut Index) {
        let fields = record.fields;
        match fields.operation.as_str().unwrap_or_default() {
            "enqueue" => {
                let text = fields.content.map(words).unwrap_or_default().into_owned();
                if said(&text) != Said::Nothing {
                    let Record { place, len, at, .. } = *record;
                    let hash = hash(text.trim());
                    self.queue.put(Queued { text, hash, place, len, at });
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

#[cfg(test)]
mod tests {
    use super::*;

    fn queue(texts: &[&str]) -> Queue {
        let mut queue = Queue::default();
        for text in texts {
            let place = Place { offset: 0, line: 1 };
            queue.put(Queued { text: (*text).to_owned(), hash: hash(text.trim()), place, len: 1, at: None });
        }
        queue
    }

    fn waiting(queue: &Queue) -> Vec<&str> {
        queue.waiting().map(|queued| queued.text.as_str()).collect()
    }

    #[test]
    fn a_prompt_answers_one_of_two_equal_texts() {
        let mut queue = queue(&["go on", " go on\n", "go on with it"]);
        queue.leave_as_prompt();
        assert!(queue.prompt("go on").is_empty());
        assert_eq!(waiting(&queue), [" go on\n", "go on with it"]);
    }

    #[test]
    fn a_prompt_of_several_texts_answers_them_in_any_order() {
        let mut queue = queue(&["first words", "other words", "last words", "no"]);
        assert!(queue.prompt("last words\nfirst words\nno").is_empty());
        assert_eq!(waiting(&queue), ["other words", "no"]);
    }

    #[test]
    fn the_oldest_waits_still_when_another_became_the_prompt() {
        let mut queue = queue(&["the oldest", "the second", "the third"]);
        queue.leave_as_prompt();
        assert!(queue.prompt("the second").is_empty());
        assert_eq!(waiting(&queue), ["the oldest", "the third"]);
        assert_eq!(queue.leave_as_aside().map(|queued| queued.text).as_deref(), Some("the oldest"));
    }

    #[test]
    fn what_was_expected_and_not_said_is_told() {
        let mut queue = queue(&["the oldest", "the second"]);
        queue.leave_as_prompt();
        let lost: Vec<String> =
            queue.prompt("something else").into_iter().map(|queued| queued.text).collect();
        assert_eq!((lost, waiting(&queue)), (vec!["the oldest".to_owned()], vec!["the second"]));
    }

    #[test]
    fn a_text_is_found_behind_a_thousand_others() {
        let texts: Vec<String> = (0..WAITING + 5).map(|no| format!("text number {no}.")).collect();
        let mut queue = queue(&texts.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(waiting(&queue).len(), WAITING);
        assert!(queue.answered("text number 999.") && !queue.answered("text number 999."));
        assert!(queue.answered(&texts[..500].join("\n")));
        assert_eq!(waiting(&queue).len(), WAITING - 501);
    }
}
