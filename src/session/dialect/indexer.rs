//! Places what records say in the index.

use foldhash::{HashMap, HashSet};
use jiff::Timestamp;

use super::said::{Block, Counted, Facts, Recorded, Returned, Said, Title};
use super::{Dialect, is_text, tools};
use crate::redact::Cleaner;
use crate::session::agent::{Format, NotJson, Records, sound};
use crate::session::fields::Table;
use crate::session::index::{Index, Kind, New, NewStep, Spent, hash, project_name};
use crate::session::json::{self, Obj};
use crate::session::lines::Place;
use crate::session::model::{Ended, Output, Usage};
use crate::session::price::{Asked, Prices};

/// Characters of a prompt in the outline.
const HEADLINE: usize = 240;
/// Models named in the header.
const MODELS: usize = 32;

/// The memory of reading one file.
#[derive(Debug)]
pub(super) struct Reading<D> {
    dialect: D,
    /// The model in use.
    model: Option<String>,
    prices: Prices,
    /// Something was answered: a change of the model is worth a mark.
    answered: bool,
    /// What was recorded in one way and not yet in the other: positive in events, negative in items.
    twins: HashMap<u64, i32>,
    /// The last thing shown is a prompt with a twin still to come.
    fresh: Option<(u64, Recorded)>,
    /// Keys of what may be recorded again.
    seen: HashSet<u64>,
    /// Chains of sub-agents by the call that sent them.
    sides: HashMap<u64, u32>,
}

/// What a record says.
#[derive(Default)]
pub(super) struct Heard<'a> {
    /// From where it begins.
    text: &'a str,
    said: Vec<Said<'a>>,
}

/// A record on its way into the index.
struct Record<'a> {
    text: &'a str,
    place: Place,
    len: usize,
    cleaner: &'a Cleaner,
}

impl<D: Dialect> Reading<D> {
    pub(super) fn new(dialect: D) -> Self {
        Self {
            dialect,
            model: None,
            prices: Prices::default(),
            answered: false,
            twins: HashMap::default(),
            fresh: None,
            seen: HashSet::default(),
            sides: HashMap::default(),
        }
    }
}

/// How records are read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hearing<D>(D);

impl<D: Dialect> Format for Hearing<D> {
    type Record<'a> = Heard<'a>;

    fn read<'a>(self, text: &'a str, heard: &mut Heard<'a>) -> Result<usize, NotJson> {
        heard.text = text;
        if is_text(self.0) {
            heard.said = vec![self.0.read_text(text)];
            return Ok(text.len());
        }
        let mut record = Obj::default();
        let len = sound(text, &mut record)?;
        heard.said = self.0.read(&record);
        Ok(len)
    }

    fn mended(self, bytes: &[u8]) -> Option<String> {
        if is_text(self.0) {
            return std::str::from_utf8(bytes).is_err().then(|| json::as_utf8(bytes));
        }
        json::mended(bytes)
    }
}

impl<D: Dialect> Records for Reading<D> {
    type Format = Hearing<D>;

    fn format(&self) -> Hearing<D> {
        Hearing(self.dialect)
    }

    fn place(
        &mut self,
        heard: &mut Heard<'_>,
        place: Place,
        len: usize,
        index: &mut Index,
        cleaner: &Cleaner,
    ) {
        let record = Record { text: heard.text, place, len, cleaner };
        for said in &mut heard.said {
            only_shown(said, index);
            self.put(said, &record, index);
        }
    }

    fn waiting(&self, _cleaner: &Cleaner) -> Vec<New> {
        Vec::new()
    }

    fn fields(&self) -> Option<&'static Table> {
        self.dialect.fields()
    }
}

impl<D: Dialect> Reading<D> {
    fn put(&mut self, said: &Said<'_>, record: &Record<'_>, index: &mut Index) {
        header(&said.facts, record, index);
        let switch = self.switched(&said.facts);
        if let Some((counted, usage)) = said.facts.usage {
            self.used(counted, usage, said.at, record.place, index);
        }
        if (said.blocks.is_empty() && !switch) || !self.is_new(said) {
            return;
        }
        let mut new = record.begun(said, Kind::Flow);
        if said.once.is_some_and(|key| !self.seen.insert(key)) {
            return again(said, new, index);
        }
        if let Some(side) = &said.side {
            return self.side(hash(side), said, new, index);
        }
        new.switch = switch;
        new.items = u32::from(switch);
        new.weight = 0;
        let mut prompt = None;
        let mut answers = false;
        for block in &said.blocks {
            match block {
                Block::Prompt(words) => prompt = Some(record.cleaner.headline(&words.text, HEADLINE)),
                Block::Aside(_, words) => new.asides.push(record.cleaner.headline(&words.text, HEADLINE)),
                Block::Call(call) => {
                    let steps = new_steps(call);
                    if let (Some(id), true) = (&call.id, tools::sends(call)) {
                        index.sent(hash(id), index.next_step() + new.steps.len() as u32);
                    }
                    new.items += steps.len() as u32;
                    new.steps.extend(steps);
                }
                Block::Result(result) => new.weight += result.text.len().min(Output::MAX) as u64 + 2048,
                _ => new.items += 1,
            }
            answers |=
                matches!(block, Block::Reply(_) | Block::Thinking(_) | Block::Image(_) | Block::Call(_));
        }
        new.items += new.asides.len() as u32;
        if new.items > 0 || prompt.is_some() {
            new.weight += (new.len as u64).min(256 << 10);
        }
        new.by_model = answers;
        if answers {
            self.answers(record, index);
        }
        count(said, record, index);
        if let Some(text) = prompt {
            new.kind = Kind::Prompt;
            return index.prompt(new, text, false);
        }
        let entry = index.flow(new);
        link(said, entry, index);
    }

    /// Whether another model is in use from here on, after something was answered.
    fn switched(&mut self, facts: &Facts<'_>) -> bool {
        let Some(model) = facts.model.as_deref().filter(|model| !model.is_empty()) else { return false };
        let before = self.model.as_deref();
        if before == Some(model) {
            return false;
        }
        let switched = self.answered && before.is_some();
        self.model = Some(model.to_owned());
        switched
    }

    /// Notes the tokens that were used, by the model in use. What several came to together has no price.
    fn used(
        &mut self,
        counted: Counted,
        usage: Usage,
        at: Option<Timestamp>,
        place: Place,
        index: &mut Index,
    ) {
        let header = index.header();
        let (model, asked) = match (counted, &self.model) {
            (Counted::Session, Some(model)) if header.models.len() < 2 => (model.as_str(), Asked::Often),
            (Counted::Session, _) | (_, None) => ("", Asked::Often),
            (_, Some(model)) => (model.as_str(), Asked::Once { hour_write: 0 }),
        };
        let spent = Spent { usage, cost: self.prices.cost(model, at, usage, asked) };
        match counted {
            Counted::Session => header.tokens.of_session(spent),
            Counted::Record => header.tokens.of_message(hash(&format!("record at {}", place.offset)), spent),
            Counted::Message(id) => header.tokens.of_message(id, spent),
        }
    }

    /// Something is answered by the model in use.
    fn answers(&mut self, record: &Record<'_>, index: &mut Index) {
        self.answered = true;
        let Some(model) = &self.model else { return };
        let models = &mut index.header().models;
        if models.len() < MODELS && !models.iter().any(|known| known.as_str() == model) {
            models.push(record.cleaner.headline(model, 80));
        }
    }

    /// Whether this is not the second record of something that was shown by the first.
    fn is_new(&mut self, said: &Said<'_>) -> bool {
        let fresh = self.fresh.take();
        let prompt = said.blocks.iter().any(|block| matches!(block, Block::Prompt(_)));
        let Some(twin) = said.twin else { return true };
        let sign = if twin.how == Recorded::Event { 1 } else { -1 };
        let new = self.twins.get(&twin.key).is_none_or(|balance| balance * sign >= 0);
        self.weigh(twin.key, sign);
        if !new || !prompt {
            return new;
        }
        // Two records of one prompt may differ in what was put around it: nothing stands between them.
        if let Some((key, how)) = fresh.filter(|(_, how)| *how != twin.how) {
            self.weigh(key, if how == Recorded::Event { -1 } else { 1 });
            self.weigh(twin.key, -sign);
            return false;
        }
        self.fresh = Some((twin.key, twin.how));
        true
    }

    /// Notes that what has this key was recorded once more in one of its ways.
    fn weigh(&mut self, key: u64, by: i32) {
        let balance = self.twins.entry(key).or_default();
        *balance += by;
        if *balance == 0 {
            self.twins.remove(&key);
        }
    }

    /// Work of a sub-agent inside the same file.
    fn side(&mut self, sender: u64, said: &Said<'_>, mut new: New, index: &mut Index) {
        let known = self.sides.get(&sender).copied();
        let chain = *self.sides.entry(sender).or_insert_with(|| index.begin_chain(sender));
        new.kind = Kind::Side;
        new.items = u32::from(known.is_none());
        new.weight = 0;
        new.steps = calls(said).flat_map(new_steps).collect();
        let counts = &mut index.tally.counts;
        counts.calls += calls(said).count() as u64;
        counts.replies += said.blocks.iter().filter(|block| matches!(block, Block::Reply(_))).count() as u64;
        counts.results += results(said).count() as u64;
        let entry = index.flow(new);
        link(said, entry, index);
        index.link(chain, entry);
    }
}

impl Record<'_> {
    fn begun(&self, said: &Said<'_>, kind: Kind) -> New {
        let (mut place, mut len) = (self.place, self.len);
        if let Some(part) = said.part.map(|part| part.get()) {
            // A part is borrowed from the record's bytes: where it lies in them is where it lies in the file.
            let at = (part.as_ptr() as usize).checked_sub(self.text.as_ptr() as usize);
            if let Some(at) = at.filter(|at| at + part.len() <= self.len) {
                place.offset += at as u64;
                len = part.len();
            }
        }
        let mut new = New::one(place, len, said.at, kind);
        new.images = said.images().count() as u32;
        new
    }
}

/// Takes out what is private.
pub(super) fn only_shown(said: &mut Said<'_>, index: &Index) {
    said.blocks.retain(|block| !matches!(block, Block::Context(what, _) if !index.shows(*what)));
}

fn header(facts: &Facts<'_>, record: &Record<'_>, index: &mut Index) {
    let clean = |text: &str| Some(record.cleaner.headline(text, 120)).filter(|text| !text.is_blank());
    let header = index.header();
    let set = |kept: &mut Option<_>, text: Option<&str>| {
        if let Some(found) = text.and_then(clean) {
            *kept = Some(found);
        }
    };
    set(&mut header.version, facts.version.as_deref());
    set(&mut header.branch, facts.branch.as_deref());
    if let Some(cwd) = &facts.cwd {
        set(&mut header.project, Some(&project_name(cwd)));
        header.root.get_or_insert_with(|| cwd.trim_end_matches('/').to_owned());
    }
    header.sub_agent = header.sub_agent.or(facts.sub_agent);
    match &facts.title {
        Some(Title::Person(title)) => set(&mut header.custom_title, Some(title)),
        Some(Title::Agent(title)) => set(&mut header.agent_title, Some(title)),
        None => {}
    }
    header.seen(facts.until);
}

/// What was shown before is recorded again: its calls may have their results now.
fn again(said: &Said<'_>, mut new: New, index: &mut Index) {
    if !calls(said).any(|call| call.result.is_some()) {
        return;
    }
    new.kind = Kind::Side;
    new.items = 0;
    new.weight = 0;
    let entry = index.flow(new);
    link(said, entry, index);
}

fn count(said: &Said<'_>, record: &Record<'_>, index: &mut Index) {
    let counts = &mut index.tally.counts;
    for block in &said.blocks {
        match block {
            Block::Prompt(_) => counts.prompts += 1,
            Block::Aside(..) => counts.asides += 1,
            Block::Reply(_) => counts.replies += 1,
            Block::Thinking(_) => counts.thinking += 1,
            Block::Call(call) => {
                counts.calls += 1;
                counts.results += u64::from(call.result.is_some());
            }
            Block::Result(_) => counts.results += 1,
            _ => {}
        }
    }
    for block in &said.blocks {
        if let Block::Unknown(name, _) = block {
            index.tally.unknown(record.place, name);
        }
    }
}

/// Tells the index which results this entry holds, and how they came out.
fn link(said: &Said<'_>, entry: u32, index: &mut Index) {
    for (id, result) in results(said) {
        index.result(id, entry, result.ended());
    }
}

/// The steps of a call.
fn new_steps(call: &super::Call<'_>) -> Vec<NewStep> {
    let id = call.id.as_ref().map(|id| hash(id));
    let ended = call.result.as_ref().map_or(Ended::Open, |result| result.ended());
    tools::kinds(call).into_iter().map(|kind| NewStep { kind, call: id, ended }).collect()
}

fn calls<'a, 'b>(said: &'a Said<'b>) -> impl Iterator<Item = &'a super::Call<'b>> {
    said.blocks.iter().filter_map(|block| match block {
        Block::Call(call) => Some(&**call),
        _ => None,
    })
}

/// The results in a record with the ids of their calls: such as stand alone, and such as stand in their calls.
fn results<'a, 'b>(said: &'a Said<'b>) -> impl Iterator<Item = (u64, &'a Returned<'b>)> {
    said.blocks.iter().filter_map(|block| match block {
        Block::Result(result) => Some((hash(result.of.as_ref()?), &**result)),
        Block::Call(call) => Some((hash(call.id.as_ref()?), call.result.as_deref()?)),
        _ => None,
    })
}
