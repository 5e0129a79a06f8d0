//! Which files a session changed: found by decoding the steps that change any, after the session is indexed
//! and beside its first views. What it finds is what the rows say, for every agent alike.

use std::collections::HashMap;
use std::sync::Arc;

use super::Session;
use crate::redact::CleanText;
use crate::session::error::ReadError;
use crate::session::index::{MainStep, hash};
use crate::session::model::{ChangedFile, Changes, Item, Outcome, Step, StepKind, Tool};
use crate::session::session::Progress;

/// Files kept with their path.
const FILES: usize = 1_000;
/// Edits without a result that are looked at again when the session has grown.
const OPEN: usize = 64;
/// How deep sub-agents inside sub-agents are looked into.
const DEEPEST: usize = 6;

/// How far the survey is, and what it found.
#[derive(Debug, Default)]
pub(super) struct Survey {
    /// Steps looked at.
    at: usize,
    /// Files by the hash of their path; those beyond [`FILES`] have no place.
    files: HashMap<u64, Option<usize>>,
    found: Changes,
    /// Edits that had no result yet.
    open: Vec<MainStep>,
}

impl Session {
    /// Looks at up to `max` more steps for files they changed; what is found is in the overview once all are
    /// looked at. Callable again when the session has grown.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn survey(&self, max: usize) -> Result<Progress, ReadError> {
        let mut survey = self.survey.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let waiting = std::mem::take(&mut survey.open);
        for mark in waiting {
            self.look(&mut survey, mark)?;
        }
        let next = self.desk().index().main_steps(survey.at, max);
        if let Some((marks, at)) = next {
            for mark in marks.into_iter().filter(|mark| matches!(mark.kind, StepKind::Edit | StepKind::Agent))
            {
                self.look(&mut survey, mark)?;
            }
            survey.at = at;
        }
        if self.desk().index().main_steps(survey.at, 1).is_some() {
            return Ok(Progress::More);
        }
        let annex = self.subs.annex();
        self.index_mut().surveyed(Arc::new(survey.found.clone()), annex);
        Ok(Progress::Complete)
    }

    fn look(&self, survey: &mut Survey, mark: MainStep) -> Result<(), ReadError> {
        let desk = self.desk();
        let entry = desk.index().entry(mark.entry);
        let Some(entry) = entry else { return Ok(()) };
        let items = self.show(&entry, mark.entry, &desk)?.items;
        let step = items.iter().find_map(|item| match item {
            Item::Step(step) if step.no == mark.no => Some(step),
            _ => None,
        });
        let Some(step) = step else { return Ok(()) };
        if step.outcome == Outcome::Open {
            survey.open.push(mark);
            let surplus = survey.open.len().saturating_sub(OPEN);
            survey.open.drain(..surplus);
        }
        let window = desk.index().place_of_step(step.no).unwrap_or_default();
        let before = (survey.found.added, survey.found.removed);
        survey.step(step, &Place { id: step.no.to_string(), window, by: None, depth: 0 });
        let (added, removed) = (survey.found.added - before.0, survey.found.removed - before.1);
        if added + removed > 0 {
            let turn = survey.found.turns.entry(mark.turn).or_default();
            *turn = (turn.0 + added, turn.1 + removed);
        }
        Ok(())
    }
}

/// Where a step stands.
struct Place<'a> {
    id: String,
    window: u32,
    by: Option<&'a CleanText>,
    depth: usize,
}

impl Survey {
    fn step(&mut self, step: &Step, place: &Place<'_>) {
        if step.outcome != Outcome::Done {
            return;
        }
        match &step.tool {
            Tool::Edit { path, diff } => self.change(path, false, (diff.added, diff.removed), place),
            Tool::Write { path, created, diff } => {
                self.change(path, *created, (diff.added, diff.removed), place);
            }
            Tool::Agent { items, kind, description, .. } if place.depth < DEEPEST => {
                let by = Some(kind.as_ref().unwrap_or(description));
                for item in items {
                    let Item::Step(inner) = item else { continue };
                    let id = format!("{}.{}", place.id, inner.no);
                    self.step(inner, &Place { id, by, depth: place.depth + 1, ..*place });
                }
            }
            _ => {}
        }
    }

    fn change(&mut self, path: &CleanText, created: bool, lines: (u64, u64), place: &Place<'_>) {
        let known = self.files.len();
        let at = *self.files.entry(hash(path.as_str())).or_insert((known < FILES).then_some(known));
        self.found.added = self.found.added.saturating_add(lines.0);
        self.found.removed = self.found.removed.saturating_add(lines.1);
        self.found.count = self.files.len() as u64;
        let Some(at) = at else { return };
        if at == self.found.files.len() {
            self.found.files.push(ChangedFile {
                path: path.clone(),
                edits: 0,
                created,
                added: 0,
                removed: 0,
                first: place.id.clone(),
                window: place.window,
                by: place.by.cloned(),
            });
        }
        if let Some(file) = self.found.files.get_mut(at) {
            file.edits += 1;
            file.added = file.added.saturating_add(lines.0);
            file.removed = file.removed.saturating_add(lines.1);
        }
    }
}
