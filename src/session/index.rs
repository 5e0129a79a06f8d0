//! What is known of a session without holding it: one small [`Entry`] per shown record, where windows and
//! turns begin, which result belongs to which call, and the header. Knows no agent's format.

mod activity;
mod header;
mod lookup;

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use jiff::Timestamp;

use super::lines::Place;
use super::model::{Changes, StepKind, WindowNo};
use super::private::{Include, Private};
use super::report::Tally;
use crate::redact::CleanText;
use activity::Activity;
pub(crate) use activity::Mark;
pub(crate) use header::{Annex, Header, TurnHead};

/// A window is closed before the first prompt after this many items…
const SOFT_ITEMS: u32 = 40;
/// … or after this many bytes of shown content.
const SOFT_BYTES: u64 = 192 << 10;
/// A turn longer than this many items is cut…
const HARD_ITEMS: u32 = 120;
/// … and one with more bytes of shown content.
const HARD_BYTES: u64 = 640 << 10;

/// What an entry is to the flow of the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Opens a turn.
    Prompt,
    /// Shows items, or only brings results to calls.
    Flow,
    /// The context was compacted; its summary may follow as the next entry.
    Boundary,
    /// The summary after a boundary.
    Summary,
    /// A record of a sub-agent inside the same file: shown by the step that sent it.
    Side,
    /// A line that is not JSON.
    Broken,
    /// A line too long to be decoded.
    TooLong,
}

/// Where a record is, and what was counted before it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    pub offset: u64,
    /// Milliseconds since 1970; `i64::MIN` if unknown.
    millis: i64,
    pub len: u32,
    pub line: u32,
    /// Steps of the main agent before this record.
    pub steps: u32,
    /// Asides before this record.
    pub asides: u32,
    /// Images before this record.
    pub images: u32,
    pub kind: Kind,
    /// Another model answers from this record on.
    pub switch: bool,
}

impl Entry {
    pub(crate) fn at(&self) -> Option<Timestamp> {
        Timestamp::from_millisecond(self.millis).ok().filter(|_| self.millis != i64::MIN)
    }
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
    /// Its steps.
    pub steps: Vec<StepKind>,
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

#[derive(Clone, Copy, Debug, Default)]
struct Pair {
    call: bool,
    result: Option<u32>,
    /// The call's mark.
    mark: Option<u32>,
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
    entries: Vec<Entry>,
    windows: Vec<WindowMark>,
    /// Items and bytes in the window that is open.
    open: (u32, u64),
    turns: Vec<TurnHead>,
    header: Header,
    pairs: HashMap<u64, Pair>,
    /// Sub-agents whose records are in this file.
    chains: Vec<Chain>,
    /// Chains by the entry of their first record.
    roots: HashMap<u32, u32>,
    /// By the hash of a brief: the steps that sent it and the chains it began.
    briefs: HashMap<u64, Brief>,
    /// Ids of messages, for titles that name the message they are of.
    ids: HashSet<u64>,
    /// What waits to be said at the end of the file as it is now; not part of any prefix.
    pending: Vec<(New, Entry)>,
    activity: Activity,
    /// What a survey of the whole has found.
    changes: Option<Arc<Changes>>,
    annex: Annex,
    steps: u32,
    asides: u32,
    images: u32,
    complete: bool,
    include: Include,
    /// Counts every change.
    revision: u64,
    pub tally: Tally,
}

/// Hash of an id or a text, equal for equal strings within one run of the program.
pub(crate) fn hash(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

impl Index {
    /// Adds a record that opens a turn.
    pub(crate) fn prompt(&mut self, new: New, text: CleanText, command: bool) {
        let (items, bytes) = self.open;
        if !self.entries.is_empty() && (items >= SOFT_ITEMS || bytes >= SOFT_BYTES) {
            self.begin_window(false);
        }
        let no = self.turns.last().map_or(0, |turn| turn.no) + 1;
        let window = self.last_window();
        self.turns.push(TurnHead::new(no, window, text, command, new.at));
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
            self.turns.push(TurnHead::new(0, window, CleanText::default(), false, new.at));
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
            steps: self.steps,
            asides: self.asides,
            images: self.images,
            kind: new.kind,
            switch: new.switch,
        }
    }

    fn insert(&mut self, new: New) -> u32 {
        if self.windows.is_empty() {
            self.windows.push(WindowMark { entry: 0, turn: 0, continued: false });
        }
        let no = u32::try_from(self.entries.len()).unwrap_or(u32::MAX);
        self.entries.push(self.entry_of(&new));
        self.images += new.images;
        self.open = (self.open.0 + new.items, self.open.1 + new.weight);
        self.header.seen(new.at);
        let window = self.last_window();
        let nth = self.turns.last().map_or(0, TurnHead::steps);
        self.mark(&new, no, nth);
        if new.kind == Kind::Side {
            self.header.sub_steps += new.steps.len() as u32;
            return no;
        }
        self.steps += new.steps.len() as u32;
        for text in new.asides {
            self.asides += 1;
            if let Some(turn) = self.turns.last_mut() {
                turn.aside(self.asides, window, text, new.at);
            }
        }
        if let Some(turn) = self.turns.last_mut() {
            turn.went_on(new.at, &new.steps);
        }
        no
    }

    /// Notes that the record about to be added calls a tool under this id.
    pub(crate) fn call(&mut self, id: u64) {
        self.pairs.entry(id).or_default().call = true;
        self.activity.calling.push(id);
    }

    /// Notes that `entry` brings the result of the call of this id. The first result counts.
    pub(crate) fn result(&mut self, id: u64, entry: u32) {
        let pair = self.pairs.entry(id).or_default();
        if pair.result.is_none() {
            pair.result = Some(entry);
            let mark = pair.mark;
            self.came(mark, self.entry(entry));
        }
    }

    /// Number of the next step of the main agent.
    pub(crate) fn next_step(&self) -> u32 {
        self.steps + 1
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

    /// Notes a message's id.
    pub(crate) fn id(&mut self, id: u64) {
        self.ids.insert(id);
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
