//! Which files a session changed: found by decoding the steps that change any, after the session is indexed
//! and beside its first views. What it finds is what the rows say, for every agent alike.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, PoisonError};

use super::{Progress, SUB_RECORDS, Session};
use crate::redact::CleanText;
use crate::session::agent::Desk;
use crate::session::error::ReadError;
use crate::session::index::{Annex, MainStep, Spent, hash};
use crate::session::model::{ChangedFile, Changes, Item, NESTED, Outcome, Step, StepKind, Tool};

/// Files kept with their path.
const FILES: usize = 1_000;
/// Edits without a result that are looked at again when the session has grown.
const OPEN: usize = 64;

/// How far the survey is, and what it found.
#[derive(Debug, Default)]
pub(super) struct Survey {
    /// Steps looked at.
    at: usize,
    found: Found,
    /// Edits that had no result yet.
    open: Vec<MainStep>,
    /// The steps that sent sub-agents which have files of their own.
    senders: BTreeMap<u32, Sender>,
}

/// Files that were changed.
#[derive(Clone, Debug, Default)]
struct Found {
    /// By the hash of their path; those beyond [`FILES`] have no place.
    files: HashMap<u64, Option<usize>>,
    changes: Changes,
}

/// A step that sent a sub-agent which has a file of its own.
#[derive(Clone, Debug)]
struct Sender {
    /// Position of its turn, and its window.
    turn: u32,
    window: u32,
    /// What the sub-agent is called.
    name: CleanText,
}

impl Session {
    /// Looks at up to `max` more steps for files they changed; what is found is in the overview once all are
    /// looked at. Callable again when the session has grown.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn survey(&self, max: usize) -> Result<Progress, ReadError> {
        let mut survey = self.survey.lock().unwrap_or_else(PoisonError::into_inner);
        if self.look_on(&mut survey, max)? == Progress::More {
            return Ok(Progress::More);
        }
        let mut found = survey.found.clone();
        let mut annex = Annex::default();
        let mut seen = HashSet::new();
        for (no, sender) in &survey.senders {
            let spot = Spot { id: no.to_string(), window: sender.window, by: Some(&sender.name) };
            let (before, steps) = (found.lines(), annex.steps);
            self.sub_survey(*no, &spot, 1, &mut found, &mut annex, &mut seen);
            found.in_turn(sender.turn, before);
            *annex.turns.entry(sender.turn).or_default() += annex.steps - steps;
        }
        found.changes.files.sort_by_key(place);
        self.index_mut().surveyed(Arc::new(found.changes), annex);
        Ok(Progress::Complete)
    }

    /// Looks at up to `max` more steps of this file.
    fn look_on(&self, survey: &mut Survey, max: usize) -> Result<Progress, ReadError> {
        let waiting = std::mem::take(&mut survey.open);
        self.look_at(survey, &waiting)?;
        let next = self.desk().index().main_steps(survey.at, max);
        if let Some((mut marks, at)) = next {
            marks.retain(|mark| matches!(mark.kind, StepKind::Edit | StepKind::Agent));
            self.look_at(survey, &marks)?;
            survey.at = at;
        }
        let more = self.desk().index().main_steps(survey.at, 1).is_some();
        Ok(if more { Progress::More } else { Progress::Complete })
    }

    /// Adds what the sub-agent that `step` sent comes to, and those that it sent: each once, whoever sent it too.
    fn sub_survey(
        &self,
        step: u32,
        spot: &Spot<'_>,
        depth: usize,
        found: &mut Found,
        annex: &mut Annex,
        seen: &mut HashSet<*const Session>,
    ) {
        let Some(sub) = self.subs.sent_by(step) else { return };
        if depth > NESTED || !seen.insert(Arc::as_ptr(&sub)) {
            return;
        }
        sub.read_on();
        let senders = {
            let mut survey = sub.survey.lock().unwrap_or_else(PoisonError::into_inner);
            // What cannot be read any more counts as far as it was.
            while matches!(sub.look_on(&mut survey, usize::MAX), Ok(Progress::More)) {}
            found.add(&survey.found.changes, sub.steps_inside(), spot);
            survey.senders.clone()
        };
        let overview = sub.overview();
        annex.steps += overview.steps + overview.sub_steps;
        annex.spent = annex.spent + Spent { usage: overview.usage, cost: overview.cost };
        // Of one that a sub-agent sent, the steps are deeper than a bar leads.
        let shown = if depth == 1 { sub.steps_inside() } else { 0 };
        annex.events.extend(sub.desk().index().minor_events(spot.sender(), shown));
        for (no, sender) in senders {
            let id = if no <= sub.steps_inside() { format!("{}.{no}", spot.id) } else { spot.id.clone() };
            let spot = Spot { id, by: Some(&sender.name), ..*spot };
            sub.sub_survey(no, &spot, depth + 1, found, annex, seen);
        }
    }

    /// How many steps of this sub-agent are shown inside the step that sent it.
    fn steps_inside(&self) -> u32 {
        let desk = self.desk();
        let index = desk.index();
        index.entry(SUB_RECORDS as u32).map_or(u32::MAX, |first_left_out| first_left_out.steps)
    }

    /// Looks at steps in their order: once at a record that holds many of them.
    fn look_at(&self, survey: &mut Survey, marks: &[MainStep]) -> Result<(), ReadError> {
        for marks in marks.chunk_by(|a, b| a.entry == b.entry) {
            let (Some(first), only) = (marks.first(), if let [one] = marks { Some(one.no) } else { None })
            else {
                continue;
            };
            // A sub-agent that has a file of its own is surveyed itself.
            let desk = Desk { beside: 0, only, ..self.desk() };
            let entry = desk.index().entry(first.entry);
            let Some(entry) = entry else { continue };
            let items = self.show(&entry, first.entry, &desk)?.items;
            let steps = items.iter().filter_map(|item| match item {
                Item::Step(step) => Some((step.no, &**step)),
                _ => None,
            });
            let steps: HashMap<u32, &Step> = steps.collect();
            for mark in marks {
                if let Some(step) = steps.get(&mark.no) {
                    self.look(survey, *mark, step, &desk);
                }
            }
        }
        let surplus = survey.open.len().saturating_sub(OPEN);
        survey.open.drain(..surplus);
        Ok(())
    }

    fn look(&self, survey: &mut Survey, mark: MainStep, step: &Step, desk: &Desk<'_>) {
        if step.outcome == Outcome::Open {
            survey.open.push(mark);
        }
        let window = desk.index().place_of_step(step.no).unwrap_or_default();
        if let Tool::Agent { kind, description, .. } = &step.tool
            && self.subs.sent_by(step.no).is_some()
        {
            let name = kind.as_ref().unwrap_or(description).clone();
            survey.senders.insert(step.no, Sender { turn: mark.turn, window, name });
            return;
        }
        let before = survey.found.lines();
        survey.found.step(step, &Spot { id: step.no.to_string(), window, by: None });
        survey.found.in_turn(mark.turn, before);
    }
}

/// Where the first edit of a file stands: the numbers of its step and of those above.
fn place(file: &ChangedFile) -> Vec<u32> {
    file.first.split('.').map(|no| no.parse().unwrap_or(u32::MAX)).collect()
}

/// Where a step stands.
struct Spot<'a> {
    id: String,
    window: u32,
    by: Option<&'a CleanText>,
}

impl Spot<'_> {
    /// The step of the session itself that this is, or is below.
    fn sender(&self) -> u32 {
        self.id.split('.').next().and_then(|no| no.parse().ok()).unwrap_or_default()
    }
}

impl Found {
    /// Lines added and removed.
    fn lines(&self) -> (u64, u64) {
        (self.changes.added, self.changes.removed)
    }

    /// Counts the lines since `before` for a turn.
    fn in_turn(&mut self, turn: u32, before: (u64, u64)) {
        let (added, removed) = (self.changes.added - before.0, self.changes.removed - before.1);
        if added + removed > 0 {
            let turn = self.changes.turns.entry(turn).or_default();
            *turn = (turn.0 + added, turn.1 + removed);
        }
    }

    fn step(&mut self, step: &Step, spot: &Spot<'_>) {
        if step.outcome != Outcome::Done {
            return;
        }
        let changed = |path: &CleanText, created, added, removed| ChangedFile {
            path: path.clone(),
            edits: 1,
            created,
            added,
            removed,
            first: spot.id.clone(),
            window: spot.window,
            by: spot.by.cloned(),
        };
        match &step.tool {
            Tool::Edit { path, diff } => self.file(changed(path, false, diff.added, diff.removed)),
            Tool::Write { path, created, diff } => {
                self.file(changed(path, *created, diff.added, diff.removed));
            }
            Tool::Agent { items, kind, description, .. } => {
                let by = Some(kind.as_ref().unwrap_or(description));
                for item in items {
                    let Item::Step(inner) = item else { continue };
                    self.step(inner, &Spot { id: format!("{}.{}", spot.id, inner.no), by, ..*spot });
                }
            }
            _ => {}
        }
    }

    /// Adds what a sub-agent at `spot` changed, whose steps up to number `shown` are shown there.
    fn add(&mut self, changes: &Changes, shown: u32, spot: &Spot<'_>) {
        let told = changes.files.iter().fold((0, 0), |sum, file| (sum.0 + file.added, sum.1 + file.removed));
        for file in &changes.files {
            let step = file.first.split('.').next().and_then(|no| no.parse::<u32>().ok());
            let first = match step {
                Some(no) if no <= shown => format!("{}.{}", spot.id, file.first),
                _ => spot.id.clone(),
            };
            let by = file.by.as_ref().or(spot.by).cloned();
            self.file(ChangedFile { first, window: spot.window, by, ..file.clone() });
        }
        // Of files beyond those that are kept there is the sum alone.
        self.changes.added += changes.added - told.0;
        self.changes.removed += changes.removed - told.1;
    }

    fn file(&mut self, file: ChangedFile) {
        let known = self.files.len();
        let at = *self.files.entry(hash(file.path.as_str())).or_insert((known < FILES).then_some(known));
        let Changes { files, count, added, removed, .. } = &mut self.changes;
        *added = added.saturating_add(file.added);
        *removed = removed.saturating_add(file.removed);
        *count = self.files.len() as u64;
        let Some(at) = at else { return };
        match files.get_mut(at) {
            Some(known) => {
                let edits = known.edits.saturating_add(file.edits);
                let lines =
                    (known.added.saturating_add(file.added), known.removed.saturating_add(file.removed));
                // A sub-agent's edits are added after all of the session's own.
                if place(&file) < place(known) {
                    *known = file;
                }
                (known.edits, (known.added, known.removed)) = (edits, lines);
            }
            None => files.push(file),
        }
    }
}
