//! A tool call and the result found for it, made into a [`Step`].

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use jiff::Timestamp;

use super::content::{attachments, blocks_of, images, result_text};
use super::said::is_declined;
use super::shown::items;
use super::spill::whole;
use super::{FIELDS, first, given, relayed, tools};
use crate::session::agent::{Desk, not_shown, steps_of};
use crate::session::error::ReadError;
use crate::session::fields::Strange;
use crate::session::index::{Entry, Kind, hash};
use crate::session::json::Obj;
use crate::session::model::{Attachment, Item, NESTED, Outcome, Step, Tool};

/// A call as its tool's form needs it.
pub(super) struct Call<'a> {
    /// Number of its step, and the id of the call.
    pub no: u32,
    pub id: &'a str,
    pub name: &'a str,
    pub input: Obj<'a>,
    pub cwd: &'a str,
    pub outcome: Outcomes<'a>,
}

/// What became of a call.
pub(super) enum Outcomes<'a> {
    /// No result was recorded.
    None,
    /// It worked.
    Good {
        /// The text the agent saw.
        text: String,
        /// What the record says besides (`toolUseResult`).
        extra: &'a Obj<'a>,
    },
    /// It failed, or was declined.
    Bad {
        /// The error.
        text: String,
        /// The person declined it.
        declined: bool,
    },
}

impl<'a> Outcomes<'a> {
    /// The text of the result or the error.
    pub(super) fn text(&self) -> &str {
        match self {
            Self::None => "",
            Self::Good { text, .. } | Self::Bad { text, .. } => text,
        }
    }

    /// The text of a result that is no error.
    pub(super) fn good_text(&self) -> &str {
        if self.failed() { "" } else { self.text() }
    }

    pub(super) fn extra(&self) -> Option<&Obj<'a>> {
        match self {
            Self::Good { extra, .. } => Some(*extra),
            _ => None,
        }
    }

    pub(super) fn failed(&self) -> bool {
        matches!(self, Self::Bad { .. })
    }

    pub(super) fn declined(&self) -> bool {
        matches!(self, Self::Bad { declined: true, .. })
    }
}

/// Where a call stands.
#[derive(Clone, Copy)]
pub(super) struct Caller<'a> {
    pub no: u32,
    pub at: Option<Timestamp>,
    pub cwd: &'a str,
    /// The sub-agent that makes the call.
    pub inside: Option<&'a Inside<'a>>,
}

/// A sub-agent of which something is shown.
#[derive(Clone, Copy)]
pub(super) struct Inside<'a> {
    /// Its id, if it has a file of its own: where it has none, those that it sent are not told.
    id: Option<&'a str>,
    /// The one that sent it.
    above: Option<&'a Inside<'a>>,
    /// How many items of all that are inside one step may be shown still.
    room: &'a Cell<usize>,
}

impl Inside<'_> {
    /// Whether a sub-agent of this id that it sends is shown: not if it is one of those above it.
    fn shows(&self, id: &str) -> bool {
        let mut depth = 1;
        let mut at = Some(self);
        while let Some(inside) = at {
            if inside.id.is_none_or(|above| above == id) {
                return false;
            }
            depth += 1;
            at = inside.above;
        }
        depth <= NESTED
    }
}

/// The records that bring the results of the calls among `blocks`, each read once.
pub(super) fn brought(blocks: &[Obj<'_>], desk: &Desk<'_>) -> Result<Vec<(Entry, Vec<u8>)>, ReadError> {
    let ids = blocks.iter().filter_map(|block| block.text("id").map(|id| hash(&id)));
    let entries: BTreeMap<u32, Entry> = ids.filter_map(|id| desk.index().result_of(id)).collect();
    entries.into_values().map(|entry| Ok((entry, desk.record(&entry)?))).collect()
}

/// The results that some records bring.
#[derive(Default)]
pub(super) struct Answers<'a> {
    records: Vec<Answer<'a>>,
    /// By the id of the call: which record, and which of its blocks.
    of: HashMap<u64, (usize, usize)>,
}

/// A record that brings results.
struct Answer<'a> {
    at: Option<Timestamp>,
    blocks: Vec<Obj<'a>>,
    /// Number of the first image in each block.
    images: Vec<u32>,
    extra: Obj<'a>,
}

impl<'a> Answers<'a> {
    pub(super) fn of(brought: &'a [(Entry, Vec<u8>)]) -> Self {
        let mut answers = Answers::default();
        for (entry, record) in brought {
            let Some(record) = first(record) else { continue };
            let blocks = blocks_of(&record);
            for (nth, block) in blocks.iter().enumerate() {
                if let Some(of) = block.text("tool_use_id") {
                    answers.of.entry(hash(&of)).or_insert((answers.records.len(), nth));
                }
            }
            let mut image = entry.images + 1;
            let count = |block: &Obj<'_>| {
                let first = image;
                image += images(std::slice::from_ref(block)).count() as u32;
                first
            };
            let images = blocks.iter().map(count).collect();
            let extra = record.obj("toolUseResult").unwrap_or_default();
            answers.records.push(Answer { at: entry.at(), blocks, images, extra });
        }
        answers
    }

    /// The record that answers the call of this id, and the block that does.
    fn find(&self, id: u64) -> Option<(&Answer<'a>, usize)> {
        let (record, nth) = self.of.get(&id)?;
        Some((self.records.get(*record)?, *nth))
    }
}

/// The step of a block that calls a tool.
pub(super) fn step(
    block: &Obj<'_>,
    caller: Caller<'_>,
    answers: &Answers<'_>,
    desk: &Desk<'_>,
) -> Result<Step, ReadError> {
    let found = block.text("id").and_then(|id| answers.find(hash(&id)));
    let (outcome, images) =
        found.map_or_else(|| (Outcomes::None, Vec::new()), |(answer, nth)| outcome(answer, nth, desk));
    let name = block.text("name").unwrap_or_default();
    // What is no object is a field by itself: no form reads it, and so it is told.
    let input = block
        .raw("input")
        .map(|input| Obj::of(input).unwrap_or_else(|| Obj(vec![(Cow::Borrowed("input"), input)])));
    let input = input.unwrap_or_default();
    let id = block.text("id").unwrap_or_default();
    let call = Call { no: caller.no, id: &id, name: &name, input, cwd: caller.cwd, outcome };
    let mut tool = tools::tool(&call, desk);
    if let Tool::Agent { items, .. } = &mut tool {
        if caller.inside.is_none() {
            let prompt = call.input.text("prompt").unwrap_or_default();
            *items = sub_items(hash(prompt.trim()), caller.no, desk)?;
        }
        if items.is_empty()
            && let Some(id) = sent(&call, desk)
            && caller.inside.is_none_or(|inside| inside.shows(&id))
        {
            *items = items_beside(&id, call.id, caller, desk)?;
        }
    }
    let beside = given::beside(&call, &tool, desk);
    let outcome = match &call.outcome {
        Outcomes::None => Outcome::Open,
        Outcomes::Good { .. } => Outcome::Done,
        Outcomes::Bad { declined: true, .. } => Outcome::Declined,
        Outcomes::Bad { .. } if tools::shows_errors(&tool) => Outcome::Failed(desk.clean("")),
        Outcomes::Bad { text, .. } => Outcome::Failed(desk.cleaner.start(text, desk.output)),
    };
    let took = || {
        let (from, to) = (caller.at?, found?.0.at?);
        Duration::try_from(to.duration_since(from)).ok()
    };
    Ok(Step {
        no: caller.no,
        kind: tools::kind(&name),
        name: desk.cleaner.start(tools::names(&name).0, 200),
        tool,
        beside,
        outcome,
        at: caller.at,
        took: took(),
        images,
    })
}

/// What the `nth` block of a record says of its call, and the images in it.
fn outcome<'a>(answer: &'a Answer<'a>, nth: usize, desk: &Desk<'_>) -> (Outcomes<'a>, Vec<Attachment>) {
    let (Some(block), Some(image)) = (answer.blocks.get(nth), answer.images.get(nth)) else {
        return (Outcomes::None, Vec::new());
    };
    let text = result_text(block.raw("content"));
    let declined = is_declined(&text);
    let outcome = if declined || block.flag("is_error") || text.starts_with("<tool_use_error>") {
        Outcomes::Bad { text: unwrapped(&text).to_owned(), declined }
    } else {
        Outcomes::Good { text: whole(text, desk), extra: &answer.extra }
    };
    (outcome, attachments(std::slice::from_ref(block), *image))
}

/// An error without the tag around it.
fn unwrapped(text: &str) -> &str {
    let inner = text.trim().strip_prefix("<tool_use_error>");
    inner.map_or(text, |inner| inner.strip_suffix("</tool_use_error>").unwrap_or(inner).trim())
}

/// The id of the sub-agent that a call sent, whose records lie in a file of their own. The records of sub-agents say it
/// in the report alone; while one is at work, only what lies beside its records does.
fn sent(call: &Call<'_>, desk: &Desk<'_>) -> Option<String> {
    let told = call.outcome.extra().and_then(|extra| extra.text("agentId")).map(Cow::into_owned);
    let noted = || {
        let note = call.outcome.text().lines().rev().find_map(|line| line.strip_prefix("agentId: "))?;
        Some(note.split_whitespace().next()?.to_owned())
    };
    let beside = || desk.source.beside()?.sent_by(call.id);
    told.or_else(noted).or_else(beside).or_else(|| relayed::agent(call.id, desk))
}

/// What the sub-agent of a step did, where this file tells.
fn sub_items(brief: u64, step: u32, desk: &Desk<'_>) -> Result<Vec<Item>, ReadError> {
    let desk = &Desk { only: None, ..*desk };
    let (chain, more) = desk.index().sub_agent(brief, step, desk.records);
    let room = Cell::new(usize::MAX);
    let mut shown = shown_inside(&chain, more, Inside { id: None, above: None, room: &room }, desk)?;
    steps_of(&mut shown).zip(1..).for_each(|(step, no)| step.no = no);
    Ok(shown)
}

/// What the sub-agent that a step sent did, whose records lie in a file of their own, or were relayed.
fn items_beside(id: &str, call: &str, sender: Caller<'_>, desk: &Desk<'_>) -> Result<Vec<Item>, ReadError> {
    let relayed = || relayed::records(call, desk);
    let Some(sub) = desk.subs.get(id, sender.no, desk, relayed) else { return Ok(Vec::new()) };
    let Desk { long, output, diff_lines, records, beside, .. } = *desk;
    if beside == 0 {
        return Ok(Vec::new());
    }
    let there = Desk { long, output, diff_lines, records, beside, ..sub.desk() };
    let all = Cell::new(beside);
    let room = sender.inside.map_or(&all, |inside| inside.room);
    let inside = Inside { id: Some(id), above: sender.inside, room };
    let first = sub.first_entries(records);
    let more = there.index().entry_count() as usize - first.len();
    let mut shown = shown_inside(&first, more, inside, &there)?;
    for item in &mut shown {
        if let Item::Aside { prompt, .. } = item {
            let fields = vec![(desk.clean("text"), prompt.text.clone())];
            *item = Item::Unknown { what: desk.clean("said to the sub-agent"), fields };
        }
    }
    readdress(&mut shown, sender.no);
    Ok(shown)
}

/// Images of the file of a sub-agent that step `sender` sent, and of those below it, get addresses of this file.
fn readdress(items: &mut [Item], sender: u32) {
    // None is too deep that was shown.
    let there = |file: &mut Attachment| file.no = file.no.sent_by(sender).unwrap_or(file.no);
    for item in items {
        let step = match item {
            Item::Image { file, .. } => {
                there(file);
                continue;
            }
            Item::Step(step) => step,
            _ => continue,
        };
        step.images.iter_mut().for_each(there);
        if let Tool::Agent { items, .. } = &mut step.tool {
            readdress(items, sender);
        }
    }
}

/// The items of a sub-agent's first records, but for its brief; `more` records follow these.
fn shown_inside(
    records: &[(u32, Entry)],
    more: usize,
    inside: Inside<'_>,
    desk: &Desk<'_>,
) -> Result<Vec<Item>, ReadError> {
    let mut shown = Vec::new();
    let mut strange = Strange::default();
    let mut left = records.iter().copied().skip(1);
    while inside.room.get() > 0
        && let Some((no, entry)) = left.next()
    {
        let record = desk.record(&entry)?;
        if entry.kind == Kind::Strange {
            shown.extend(FIELDS.named(&record, desk));
            continue;
        }
        let items = items(&entry, no, &record, desk, Some(&inside))?.items;
        inside.room.update(|room| room.saturating_sub(items.len()));
        shown.extend(items);
        strange.look(&FIELDS, &record, desk);
    }
    shown.extend(strange.take(desk));
    let left = left.len() + more;
    shown.extend((left > 0).then(|| not_shown(left, desk)));
    Ok(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_loses_its_tag() {
        assert_eq!(
            unwrapped("<tool_use_error>File does not exist.</tool_use_error>"),
            "File does not exist."
        );
        assert_eq!(unwrapped("Exit code 1"), "Exit code 1");
    }
}
