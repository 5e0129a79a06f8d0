//! A tool call and the result found for it, made into [`Step`]s.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use jiff::Timestamp;

use super::said::{Block, Call, Returned};
use super::shown::Page;
use super::tools::{self, Done, shows_errors};
use super::{Dialect, first, given, whole};
use crate::session::agent::{Desk, not_shown, steps_of};
use crate::session::error::ReadError;
use crate::session::fields::Strange;
use crate::session::index::hash;
use crate::session::media;
use crate::session::model::{Attachment, Ended, Item, Outcome, Step, Tool};

/// The result of a call, and what is known of the record it stands in.
struct Found<'a> {
    result: &'a Returned<'a>,
    /// When it came, where that is another record than the call's.
    at: Option<Timestamp>,
    /// The number of its first image.
    image: u32,
}

/// A call of a record, and where it stands.
pub(super) struct Calling<'a> {
    pub call: &'a Call<'a>,
    /// Number of its first step.
    pub no: u32,
    /// Number of the first image inside it.
    pub image: u32,
}

/// The steps of the calls of one record, call by call. A record that brings the results of many of them is read
/// once.
pub(super) fn steps<D: Dialect>(
    page: &Page<'_, D>,
    calls: &[Calling<'_>],
) -> Result<Vec<Vec<Item>>, ReadError> {
    let mut made_of: Vec<Vec<Item>> = calls.iter().map(|_| Vec::new()).collect();
    let mut by_record: BTreeMap<Option<u32>, Vec<(&Calling<'_>, &mut Vec<Item>)>> = BTreeMap::new();
    for (calling, items) in calls.iter().zip(&mut made_of) {
        let steps = tools::kinds(calling.call).len() as u32;
        if page.desk.skips(calling.no..calling.no + steps) {
            continue;
        }
        if let Some(result) = &calling.call.result {
            let found = Found { result, at: None, image: calling.image };
            *items = made(page, calling.call, calling.no, Some(found))?;
            continue;
        }
        let id = calling.call.id.as_ref().map(|id| hash(id));
        let record = id.and_then(|id| page.desk.index().result_of(id)).map(|(no, _)| no);
        by_record.entry(record).or_default().push((calling, items));
    }
    for (record, calls) in by_record {
        answered(page, record, calls)?;
    }
    Ok(made_of)
}

/// Makes the steps of calls whose results stand in `record`.
fn answered<D: Dialect>(
    page: &Page<'_, D>,
    record: Option<u32>,
    calls: Vec<(&Calling<'_>, &mut Vec<Item>)>,
) -> Result<(), ReadError> {
    let entry = record.and_then(|no| page.desk.index().entry(no));
    let bytes = entry.map(|entry| page.desk.record(&entry)).transpose()?;
    let object = bytes.as_deref().and_then(first).map(|(object, _)| object);
    let said = object.as_ref().and_then(|object| whole(page.dialect, object));
    let mut results = HashMap::new();
    let mut image = entry.map_or(0, |entry| entry.images) + 1;
    for block in said.as_ref().map(|said| &said.blocks[..]).unwrap_or_default() {
        let (of, result) = match block {
            Block::Result(result) => (&result.of, Some(result)),
            Block::Call(again) => (&again.id, again.result.as_ref()),
            _ => (&None, None),
        };
        if let (Some(of), Some(result)) = (of, result) {
            results.entry(hash(of)).or_insert((result, image));
        }
        image += block.images().len() as u32;
    }
    for (calling, items) in calls {
        let id = calling.call.id.as_ref().map(|id| hash(id));
        let found = id.and_then(|id| results.get(&id));
        let at = entry.and_then(|entry| entry.at());
        let found = found.map(|(result, image)| Found { result, at, image: *image });
        *items = made(page, calling.call, calling.no, found)?;
    }
    Ok(())
}

fn made<D: Dialect>(
    page: &Page<'_, D>,
    call: &Call<'_>,
    no: u32,
    found: Option<Found<'_>>,
) -> Result<Vec<Item>, ReadError> {
    let desk = page.desk;
    let at = page.entry.at();
    let result = found.as_ref().map(|found| found.result);
    let root = desk.index().root().unwrap_or_default().to_owned();
    let took = found.as_ref().and_then(|found| {
        let between = || Duration::try_from(found.at?.duration_since(at?)).ok();
        found.result.took.or_else(between)
    });
    let done = Done { call, result, root: &root };
    let forms = tools::formed(done, desk);
    let mut items = Vec::with_capacity(forms.len());
    for ((form, kind), no) in forms.into_iter().zip(tools::kinds(call)).zip(no..) {
        let mut tool = form.tool;
        if let (Tool::Agent { items, .. }, Some(id), false) = (&mut tool, &call.id, page.inside) {
            *items = sub_items(page, hash(id), no)?;
        }
        let images = match &found {
            Some(found) if items.is_empty() => pictures(&found.result.images, found.image),
            _ => Vec::new(),
        };
        let beside = given::beside(&done, &tool, desk);
        items.push(Item::Step(Box::new(Step {
            no,
            kind,
            name: form.name,
            outcome: outcome(result, &tool, page),
            tool,
            beside,
            at,
            took,
            images,
        })));
    }
    Ok(items)
}

fn outcome<D: Dialect>(result: Option<&Returned<'_>>, tool: &Tool, page: &Page<'_, D>) -> Outcome {
    let desk = page.desk;
    let Some(result) = result else { return Outcome::Open };
    match result.ended() {
        Ended::Open => Outcome::Open,
        Ended::Done => Outcome::Done,
        Ended::Declined => Outcome::Declined,
        Ended::Failed if shows_errors(tool) && !is_delete(tool) => Outcome::Failed(desk.clean("")),
        Ended::Failed => Outcome::Failed(desk.cleaner.start(&result.text, desk.output)),
    }
}

/// Whether the form is that of a deleted file, which shows no output.
fn is_delete(tool: &Tool) -> bool {
    matches!(tool, Tool::Other { input, output, .. } if input.is_empty() && output.bytes == 0)
}

/// Encoded images as attachments, numbered from `first`.
pub(super) fn pictures(images: &[std::borrow::Cow<'_, str>], first: u32) -> Vec<Attachment> {
    let attachment = |(encoded, no): (&std::borrow::Cow<'_, str>, u32)| {
        let head = media::head(encoded);
        Attachment {
            no: no.into(),
            media_type: media::kind(&head),
            bytes: media::decoded_len(encoded),
            size: media::size(&head),
        }
    };
    images.iter().zip(first..).map(attachment).collect()
}

/// What the sub-agent of a step did, where this file tells.
fn sub_items<D: Dialect>(page: &Page<'_, D>, sender: u64, step: u32) -> Result<Vec<Item>, ReadError> {
    let desk = &Desk { only: None, ..*page.desk };
    let (chain, more) = desk.index().sub_agent(sender, step, desk.records);
    let mut shown = Vec::new();
    let mut strange = Strange::default();
    for (no, entry) in chain {
        let record = desk.record(&entry)?;
        shown.extend(super::shown::inside(page.dialect, &entry, no, &record, desk)?);
        if let Some(fields) = page.dialect.fields() {
            strange.look(fields, &record, desk);
        }
    }
    shown.extend(strange.take(desk));
    shown.extend((more > 0).then(|| not_shown(more, desk)));
    steps_of(&mut shown).zip(1..).for_each(|(step, no)| step.no = no);
    Ok(shown)
}
