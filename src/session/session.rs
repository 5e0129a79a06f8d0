//! An open session: indexes its file piece by piece, and decodes the window that is asked for.
//!
//! Indexing and reading go side by side: the index is locked for as long as a piece of it is written, and
//! never while the file is read.

mod overview;
mod shown;
mod sift;
mod subs;
mod survey;

use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockWriteGuard};

use super::agent::{AGENTS, Agent, Desk, Indexer, Layout};
use super::document::Document;
use super::error::{OpenError, ReadError};
use super::fields::Strange;
use super::index::Index;
use super::lines::{Fed, Lines, Splitter};
use super::model::{Item, Marker, Output, Overview, Step, TitleBy, Turn, Window, WindowNo};
use super::private::Include;
use super::recognise::recognised;
use super::report::Report;
use super::runs::Runs;
use super::source::Source;
use crate::redact::{CleanText, Cleaner};
pub use sift::Sifted;
pub(crate) use subs::Subs;
use survey::Survey;

/// Bytes of a prompt or a reply in a window. Real ones stay far below.
const LONG: usize = 256 << 10;
/// Lines of one diff in a window.
const DIFF_LINES: usize = 400;
/// Characters of a title.
pub(super) const HEADLINE: usize = 240;
/// Records of one sub-agent in a window, and items of all that are inside one step.
pub(super) const SUB_RECORDS: usize = 400;
/// Bytes of an output, and lines of a diff, on the page of one step …
const WHOLE: (usize, usize) = (8 << 20, 50_000);
/// … and records and items of sub-agents.
const WHOLE_SUB: usize = 5_000;

/// How far the index is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// There is more to be read.
    More,
    /// The end of the file, as it is now, is reached. It may grow: advance again later.
    Complete,
}

/// Where reading can be taken up when a file has only grown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resume {
    /// Bytes before the first record that is read again.
    pub offset: u64,
    /// The window that begins there.
    pub window: WindowNo,
    /// Number of the turn open at its start.
    pub turn: u32,
}

impl Resume {
    /// This place in the rest of a session that begins at `start`, as one in the whole.
    #[must_use]
    pub fn after(self, start: Resume) -> Self {
        Self {
            offset: start.offset.saturating_add(self.offset),
            window: start.window.saturating_add(self.window),
            turn: start.turn.saturating_add(self.turn),
        }
    }
}

/// A session being read.
#[derive(Debug)]
pub struct Session {
    source: Source,
    cleaner: Cleaner,
    agent: &'static dyn Agent,
    index: RwLock<Index>,
    reading: Mutex<Reading>,
    overview: Mutex<Option<(u64, Arc<Overview>)>>,
    survey: Mutex<Survey>,
    subs: Subs,
}

#[derive(Debug)]
struct Reading {
    lines: Box<dyn Splitter>,
    indexer: Box<dyn Indexer>,
}

impl Session {
    /// Tells by its content whose session this is. Reads at most 1 MiB (more if that tells nothing), indexes nothing
    /// yet.
    ///
    /// # Errors
    /// [`OpenError::Empty`], [`OpenError::NotASession`], or what reading gave.
    pub fn open(source: Source, cleaner: Cleaner) -> Result<Self, OpenError> {
        let agent = recognised(&source)?;
        let name = source.beside().and_then(|beside| beside.name_by(agent));
        let name = name.map(|name| cleaner.headline(&name, HEADLINE));
        let session = Self::of(source, cleaner, agent);
        session.index_mut().header().name = name.filter(|name| !name.is_blank());
        Ok(session)
    }

    /// The end of a session, known to be of the agent of this name, from where [`Session::resume`] said. `None`
    /// if there is no such agent.
    pub fn rest(source: Source, cleaner: Cleaner, agent: &str) -> Option<Self> {
        let agent = AGENTS.iter().find(|known| known.name() == agent && is_lines(**known))?;
        Some(Self::of(source, cleaner, *agent))
    }

    fn of(source: Source, cleaner: Cleaner, agent: &'static dyn Agent) -> Self {
        let lines: Box<dyn Splitter> = match agent.layout() {
            Layout::Lines => Box::new(Lines::new()),
            Layout::Document { array, head } => Box::new(Document::new(array, head)),
            Layout::Runs(begins) => Box::new(Runs::new(begins)),
        };
        let reading = Reading { lines, indexer: agent.indexer() };
        Self {
            source,
            cleaner,
            agent,
            index: RwLock::default(),
            reading: Mutex::new(reading),
            overview: Mutex::default(),
            survey: Mutex::default(),
            subs: Subs::default(),
        }
    }

    /// Where reading can be taken up again when the file has grown: what comes before is read once for all.
    /// `None` where it must be read from its beginning.
    pub fn resume(&self) -> Option<Resume> {
        if !is_lines(self.agent) || self.source.is_joined() {
            return None;
        }
        let (offset, window, turn) = self.desk().index().resume()?;
        Some(Resume { offset, window, turn })
    }

    /// Whether what is said later is added to the end of the file, so that it can be followed.
    pub fn grows(&self) -> bool {
        !matches!(self.agent.layout(), Layout::Document { .. }) && !self.source.is_joined()
    }

    /// Shows more than what was said and done. To be called before anything is indexed.
    #[must_use]
    pub fn including(self, include: Include) -> Self {
        self.index_mut().including(include);
        self
    }

    /// The file that is read.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// The agent's product name.
    pub fn agent(&self) -> &'static str {
        self.agent.name()
    }

    /// Indexes about `max_bytes` more (at least one read). Callable again after [`Progress::Complete`]: then
    /// what the file has grown by is indexed.
    ///
    /// # Errors
    /// When the file cannot be read, or is shorter than what is indexed.
    pub fn advance(&self, max_bytes: usize) -> Result<Progress, ReadError> {
        let mut reading = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        let Reading { lines, indexer } = &mut *reading;
        let mut done = 0;
        loop {
            let mut feeding = indexer.feeding(&self.index, &self.cleaner);
            let fed = feeding.feed(lines.as_mut(), &self.source, max_bytes - done)?;
            drop(feeding);
            match fed {
                Fed::Read(bytes) => done += bytes,
                Fed::End => {}
                Fed::Unchanged => return Ok(Progress::Complete),
            }
            let complete = fed == Fed::End;
            let waiting = if complete { indexer.waiting(&self.cleaner) } else { Vec::new() };
            let mut index = self.index_mut();
            index.tally.lines = lines.count();
            index.touched(complete, waiting);
            drop(index);
            if complete {
                return Ok(Progress::Complete);
            }
            if done >= max_bytes {
                return Ok(Progress::More);
            }
        }
    }

    /// The summaries that may be the title, the last first, each with the id of the message it is of; none if there is
    /// a better one.
    pub(super) fn summaries(&self) -> Vec<(String, CleanText)> {
        self.desk().index().summaries()
    }

    /// The title that the file itself holds, as far as it is indexed, and who gave it.
    pub fn title(&self) -> Option<(TitleBy, CleanText)> {
        self.desk().index().title()
    }

    /// Whether the file is a sub-agent's own, as far as it is indexed.
    pub fn is_sub_agents(&self) -> bool {
        self.desk().index().is_sub_agents()
    }

    /// Whether all that the file held when it was last read is indexed.
    pub fn is_complete(&self) -> bool {
        self.desk().index().complete()
    }

    /// How many windows are indexed. The last one may still grow until the index is complete.
    pub fn windows(&self) -> WindowNo {
        self.desk().index().window_count()
    }

    /// A window; `None` if it is not indexed (yet).
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn window(&self, no: WindowNo) -> Result<Option<Window>, ReadError> {
        self.window_at(no, &self.desk())
    }

    /// As [`Session::window`], with prompts, replies and thoughts whole, however long they are.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn unabridged(&self, no: WindowNo) -> Result<Option<Window>, ReadError> {
        self.window_at(no, &Desk { long: usize::MAX, ..self.desk() })
    }

    fn window_at(&self, no: WindowNo, desk: &Desk<'_>) -> Result<Option<Window>, ReadError> {
        let plan = desk.index().plan(no);
        let Some(plan) = plan else { return Ok(None) };
        let mut turns = vec![Turn { no: plan.mark.turn, continued: plan.mark.continued, ..Turn::default() }];
        let mut strange = Strange::default();
        for (entry, at) in plan.entries.iter().zip(plan.first..) {
            let (shown, record) = self.shown(entry, at, desk)?;
            if let Some(prompt) = shown.prompt {
                if let Some(last) = turns.last_mut() {
                    last.items.extend(strange.take(desk));
                }
                let no = turns.last().map_or(0, |turn| turn.no) + 1;
                turns.push(Turn { no, prompt: Some(prompt), ..Turn::default() });
            }
            if let Some(turn) = turns.last_mut() {
                shown.items.into_iter().for_each(|item| add(&mut turn.items, item));
                self.name_command(turn);
            }
            if let Some(fields) = self.agent.fields() {
                strange.look(fields, &record, desk);
            }
        }
        if let Some(last) = turns.last_mut() {
            last.items.extend(strange.take(desk));
        }
        turns.retain(|turn| turn.prompt.is_some() || !turn.items.is_empty());
        if let Some(last) = turns.last_mut() {
            last.unfinished = plan.unfinished;
        }
        Ok(Some(Window { no, turns, next: plan.next }))
    }

    /// A step with the whole of its output (up to 8 MiB); `None` if there is none of this number (yet).
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn step(&self, no: u32) -> Result<Option<Step>, ReadError> {
        let (output, diff_lines) = WHOLE;
        let (long, records, beside) = (usize::MAX, WHOLE_SUB, WHOLE_SUB);
        let whole = Desk { long, output, diff_lines, records, beside, ..self.desk() };
        self.step_at(no, &whole)
    }

    /// Step `no` as far as `desk` shows it.
    fn step_at(&self, no: u32, desk: &Desk<'_>) -> Result<Option<Step>, ReadError> {
        let desk = &Desk { only: Some(no), ..*desk };
        let found = desk.index().step_entry(no);
        let Some((at, entry)) = found else { return Ok(None) };
        let items = self.show(&entry, at, desk)?.items;
        Ok(items.into_iter().find_map(|item| match item {
            Item::Step(step) if step.no == no => Some(*step),
            _ => None,
        }))
    }

    /// The window in which a step stands.
    pub fn place_of_step(&self, no: u32) -> Option<WindowNo> {
        self.desk().index().place_of_step(no)
    }

    /// The window in which a prompt stands.
    pub fn place_of_prompt(&self, no: u32) -> Option<WindowNo> {
        self.desk().index().place_of_prompt(no)
    }

    /// The window in which an aside stands.
    pub fn place_of_aside(&self, no: u32) -> Option<WindowNo> {
        self.desk().index().place_of_aside(no)
    }

    /// What was counted and what was odd, in what is indexed.
    pub fn report(&self) -> Report {
        let desk = self.desk();
        let index = desk.index();
        let overview = index.overview(self.agent.name());
        let (warnings, more_warnings) = index.tally.warnings(&self.cleaner);
        Report {
            agent: self.agent.name(),
            bytes: index.tally.bytes,
            lines: index.tally.lines,
            counts: index.tally.counts,
            steps: overview.steps,
            sub_steps: overview.sub_steps,
            windows: overview.windows,
            warnings,
            more_warnings,
        }
    }

    /// What was printed by the slash command that opened the turn is named by it.
    fn name_command(&self, turn: &mut Turn) {
        if let Some(Item::Marker(Marker::Local { command, .. })) = turn.items.last_mut()
            && command.is_blank()
        {
            let opened = turn.prompt.as_ref().and_then(|prompt| prompt.command.clone());
            *command = opened.unwrap_or_else(|| self.cleaner.text("local command"));
        }
    }

    /// Bytes read of the source so far.
    #[cfg(test)]
    pub(super) fn read_so_far(&self) -> u64 {
        self.source.read.load(std::sync::atomic::Ordering::Relaxed)
    }

    pub(crate) fn desk(&self) -> Desk<'_> {
        let Session { source, cleaner, index, subs, .. } = self;
        Desk {
            source,
            index,
            cleaner,
            subs,
            long: LONG,
            output: Output::MAX,
            diff_lines: DIFF_LINES,
            records: SUB_RECORDS,
            beside: SUB_RECORDS,
            only: None,
        }
    }

    fn index_mut(&self) -> RwLockWriteGuard<'_, Index> {
        self.index.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether records can be read without what stands before them.
fn is_lines(agent: &dyn Agent) -> bool {
    matches!(agent.layout(), Layout::Lines)
}

/// Adds an item; what a local command printed joins the command, and repeated errors become one.
pub(super) fn add(items: &mut Vec<Item>, item: Item) {
    use Marker::{ApiError, Compacted, Local};
    match (items.last_mut(), item) {
        (Some(Item::Marker(Local { output: before, .. })), Item::Marker(Local { command, output }))
            if command.is_blank() && before.bytes == 0 =>
        {
            *before = output
        }
        (
            Some(Item::Marker(ApiError { text: before, times, until, .. })),
            Item::Marker(ApiError { at, text, times: more, until: later }),
        ) if *before == text || later.is_some() => {
            // Of what failed in several ways the last is told: it is what was left to mend.
            *before = text;
            *times = times.saturating_add(more);
            *until = later.or(at).or(*until);
        }
        (
            Some(Item::Marker(Compacted { summary: none @ None, at, .. })),
            Item::Marker(Compacted { summary: Some(summary), at: later, .. }),
        ) => {
            *none = Some(summary);
            *at = at.or(later);
        }
        (_, item) => items.push(item),
    }
}
