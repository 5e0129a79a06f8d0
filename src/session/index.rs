//! What is known of a session without holding it: one small [`Entry`] per shown record, where windows and
//! turns begin, which result belongs to which call, and the header. Knows no agent's format.

mod activity;
mod entries;
mod header;
mod lookup;
mod steps;
mod tasks;
mod tokens;

use std::hash::BuildHasher as _;
use std::sync::{Arc, LazyLock};

use foldhash::quality::RandomState;
use foldhash::{HashMap, HashSet};
use jiff::Timestamp;

use super::lines::Place;
use super::model::{Changes, Ended, StepKind, WindowNo};
use super::private::{Include, Private};
use super::report::Tally;
use crate::redact::CleanText;
use activity::Activity;
pub(crate) use activity::MainStep;
use entries::Entries;
pub(crate) use entries::{Entry, Kind};
pub(crate) use header::{Annex, Header, TurnHead, project_name};
pub(crate) use lookup::Span;
use steps::Steps;
pub(crate) use tasks::Tasks;
pub(crate) use tokens::Spent;

/// A window is closed before the first prompt after this many items…
const SOFT_ITEMS: u32 = 40;
/// … or after this many bytes of shown content.
const SOFT_BYTES: u64 = 192 << 10;
/// Names of fields that are told of records that show nothing.
const STRANGERS: usize = 100;
/// A turn longer than this many items is cut…
const HARD_ITEMS: u32 = 120;
/// … and one with more bytes of shown content.
const HARD_BYTES: u64 = 640 << 10;

/// A step in a record that is put into the index.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NewStep {
    pub kind: StepKind,
    /// Hash of the id of the call it is of.
    pub call: Option<u64>,
    /// How it ended, if the same record tells.
    pub ended: Ended,
}

/// A record to be put into the index.
#[derive(Debug)]
pub(crate) struct New {
    pub place: Place,
    pub len: usize,
    pub at: Option<Timestamp>,
    pub kind: Kind,
    /// Items it shows.
    pub items: u32,
    /// Bytes it shows, estimated.
    pub weight: u64,
    pub images: u32,
    /// Start of each aside in it.
    pub asides: Vec<CleanText>,
    /// Its steps; those of one call one after the other.
    pub steps: Vec<NewStep>,
    /// The model wrote it.
    pub by_model: bool,
    pub switch: bool,
}

impl New {
    /// A record that shows one item.
    pub(crate) fn one(place: Place, len: usize, at: Option<Timestamp>, kind: Kind) -> Self {
        let weight = (len as u64).min(64 << 10);
        New {
            place,
            len,
            at,
            kind,
            items: 1,
            weight,
            images: 0,
            asides: vec![],
            steps: vec![],
            by_model: false,
            switch: false,
        }
    }
}

/// Where a window begins.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WindowMark {
    /// Its first entry.
    pub entry: u32,
    /// The turn open at its start.
    pub turn: u32,
    /// That turn began in an earlier window and goes on here.
    pub continued: bool,
}

/// The records of one sub-agent.
#[derive(Debug)]
struct Chain {
    brief: u64,
    /// How many chains of the same brief began before.
    nth: usize,
    entries: Vec<u32>,
}

#[derive(Debug, Default)]
struct Brief {
    steps: Vec<u32>,
    chains: Vec<u32>,
}

/// The index of one session.
#[derive(Debug, Default)]
pub(crate) struct Index {
    entries: Entries,
    windows: Vec<WindowMark>,
    /// Items and bytes in the window that is open.
    open: (u32, u64),
    turns: Vec<TurnHead>,
    header: Header,
    /// Every step, with its result.
    steps: Steps,
    /// Sub-agents whose records are in this file.
    chains: Vec<Chain>,
    /// Chains by the entry of their first record.
    roots: HashMap<u32, u32>,
    /// By the hash of a brief: the steps that sent it and the chains it began.
    briefs: HashMap<u64, Brief>,
    /// Where records relay what a sub-agent does, by the call that sent it: offset and length.
    relayed: HashMap<u64, Vec<(u64, u32)>>,
    /// Ids of messages in the order of the file, for titles that name the message they are of.
    ids: Vec<u64>,
    /// What waits to be said at the end of the file as it is now; not part of any prefix.
    pending: Vec<(New, Entry)>,
    activity: Activity,
    /// The list that is kept by calls of which each changes one entry.
    pub tasks: Tasks,
    /// Fields that were told of records that show nothing.
    strangers: HashSet<u64>,
    /// What a survey of the whole has found.
    changes: Option<Arc<Changes>>,
    annex: Annex,
    /// Steps of the main agent.
    main_steps: u32,
    complete: bool,
    include: Include,
    /// Counts every change.
    revision: u64,
    pub tally: Tally,
}

/// What texts are hashed with: another secret in each run of the program.
static HASHED: LazyLock<RandomState> = LazyLock::new(RandomState::default);

/// Hash of an id or a text, equal for equal strings within one run of the program.
pub(crate) fn hash(text: &str) -> u64 {
    HASHED.hash_one(text)
}

impl Index {
    /// Adds a record that opens a turn.
    pub(crate) fn prompt(&mut self, new: New, text: CleanText, command: bool) {
        let (items, bytes) = self.open;
        if self.entries.len() > 0 && (items >= SOFT_ITEMS || bytes >= SOFT_BYTES) {
            self.begin_window(false);
        }
        let no = self.turns.last().map_or(0, |turn| turn.no) + 1;
        let window = self.last_window();
        self.turns.push(TurnHead::new(no, window, text, command, new.at, self.main_steps));
        self.insert(new);
    }

    /// Adds a record to the open turn. Returns its entry.
    pub(crate) fn flow(&mut self, new: New) -> u32 {
        let (items, bytes) = self.open;
        let cuttable = new.items > 0 && !matches!(new.kind, Kind::Summary | Kind::Side);
        if cuttable && (items >= HARD_ITEMS || bytes >= HARD_BYTES) {
            self.begin_window(true);
        }
        if self.turns.is_empty() && !new.steps.is_empty() {
            let window = self.last_window();
            self.turns.push(TurnHead::new(0, window, CleanText::default(), false, new.at, self.main_steps));
        }
        self.insert(new)
    }

    fn begin_window(&mut self, continued: bool) {
        if self.windows.is_empty() {
            self.windows.push(WindowMark { entry: 0, turn: 0, continued: false });
        }
        let turn = self.turns.last().map_or(0, |turn| turn.no);
        let entry = u32::try_from(self.entries.len()).unwrap_or(u32::MAX);
        self.windows.push(WindowMark { entry, turn, continued });
        self.open = (0, 0);
    }

    fn last_window(&self) -> WindowNo {
        self.windows.len().saturating_sub(1) as WindowNo
    }

    fn entry_of(&self, new: &New) -> Entry {
        Entry {
            offset: new.place.offset,
            millis: new.at.map_or(i64::MIN, Timestamp::as_millisecond),
            len: u32::try_from(new.len).unwrap_or(u32::MAX),
            line: u32::try_from(new.place.line).unwrap_or(u32::MAX),
            steps: self.main_steps,
            asides: self.entries.asides(),
            images: self.entries.images(),
            kind: new.kind,
            switch: new.switch,
        }
    }

    fn insert(&mut self, new: New) -> u32 {
        if self.windows.is_empty() {
            self.windows.push(WindowMark { entry: 0, turn: 0, continued: false });
        }
        let entry = self.entry_of(&new);
        let asides = if new.kind == Kind::Side { 0 } else { new.asides.len() as u32 };
        let no = self.entries.push(&entry, asides, new.images);
        self.open = (self.open.0 + new.items, self.open.1 + new.weight);
        self.header.seen(new.at);
        let window = self.last_window();
        self.worked(&new, no);
        if new.kind == Kind::Side {
            self.header.sub_steps += new.steps.len() as u32;
            return no;
        }
        self.main_steps += new.steps.len() as u32;
        for (aside, text) in (entry.asides + 1..).zip(new.asides) {
            if let Some(turn) = self.turns.last_mut() {
                turn.aside(aside, window, text, new.at);
            }
        }
        let steps = self.steps.last(new.steps.len());
        if let Some(turn) = self.turns.last_mut() {
            turn.went_on(new.at, steps);
        }
        no
    }

    /// Notes that `entry` brings the result of the call of this id, and how that ended. The first result counts.
    pub(crate) fn result(&mut self, id: u64, entry: u32, ended: Ended) {
        let steps = self.steps.came(id, entry, ended);
        self.ended(&steps, ended);
    }

    /// Number of the next step of the main agent.
    pub(crate) fn next_step(&self) -> u32 {
        self.main_steps + 1
    }

    /// Notes that step `step` sent a sub-agent with this brief.
    pub(crate) fn sent(&mut self, brief: u64, step: u32) {
        self.briefs.entry(brief).or_default().steps.push(step);
    }

    /// Begins a chain of a sub-agent's records under its brief. Returns the chain.
    pub(crate) fn begin_chain(&mut self, brief: u64) -> u32 {
        let chain = self.chains.len() as u32;
        let same = &mut self.briefs.entry(brief).or_default().chains;
        self.chains.push(Chain { brief, nth: same.len(), entries: Vec::new() });
        same.push(chain);
        chain
    }

    /// Adds a record to a chain.
    pub(crate) fn link(&mut self, no: u32, entry: u32) {
        if let Some(chain) = self.chains.get_mut(no as usize) {
            if chain.entries.is_empty() {
                self.roots.insert(entry, no);
            }
            chain.entries.push(entry);
        }
    }

    /// Notes a record that relays what the sub-agent does that a call sent.
    pub(crate) fn relays(&mut self, call: u64, place: Place, len: usize) {
        let len = u32::try_from(len).unwrap_or(u32::MAX);
        self.relayed.entry(call).or_default().push((place.offset, len));
    }

    /// Whether the record of `len` bytes at `offset` has a place, among the entries from number `from` on.
    pub(crate) fn has_placed(&self, from: u32, offset: u64, len: usize) -> bool {
        let mut added = (from..).map_while(|no| self.entry(no));
        added.any(|entry| entry.offset == offset && entry.len as usize == len)
    }

    /// Notes that a record of this kind, which shows nothing, has a field that nobody knows. Returns whether it is the
    /// first that has it.
    pub(crate) fn stranger(&mut self, kind: &str, field: &str) -> bool {
        self.strangers.len() < STRANGERS && self.strangers.insert(hash(&format!("{kind}\n{field}")))
    }

    /// Notes a message's id.
    pub(crate) fn id(&mut self, id: u64) {
        self.ids.push(id);
    }

    /// Says what is shown beside what was said and done; before anything is indexed.
    pub(crate) fn including(&mut self, include: Include) {
        self.include = include;
    }

    /// What is shown beside what was said and done.
    pub(crate) fn include(&self) -> Include {
        self.include
    }

    /// Whether private content of this kind is shown.
    pub(crate) fn shows(&self, private: Private) -> bool {
        private.is_shown(self.include)
    }

    /// The header, to be added to.
    pub(crate) fn header(&mut self) -> &mut Header {
        &mut self.header
    }

    /// Notes what a survey of all steps has found.
    pub(crate) fn surveyed(&mut self, changes: Arc<Changes>, annex: Annex) {
        self.changes = Some(changes);
        self.annex = annex;
        self.revision += 1;
    }

    /// Says that a piece was read: whether the end is reached, and what waits there to be said.
    pub(crate) fn touched(&mut self, complete: bool, waiting: Vec<New>) {
        self.revision += 1;
        self.complete = complete;
        let mut pending = Vec::with_capacity(waiting.len());
        for (n, new) in waiting.into_iter().enumerate() {
            let mut entry = self.entry_of(&new);
            entry.asides += n as u32;
            pending.push((new, entry));
        }
        self.pending = pending;
    }
}
