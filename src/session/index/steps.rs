//! The steps of a session, kept in 20 bytes each: which record calls it, under which id, which record brings its
//! result, and how it ended.

use foldhash::HashMap;
use hashbrown::HashTable;

use super::NewStep;
use crate::session::model::{Ended, StepKind};

/// Stands for the result that did not come yet.
const NONE: u32 = u32::MAX;

/// A step.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mark {
    /// Hash of the id of the call it is of, in halves: so it needs no place to be aligned to.
    call: [u32; 2],
    /// The record that calls it.
    pub entry: u32,
    result: u32,
    pub kind: StepKind,
    pub ended: Ended,
}

impl Mark {
    fn call(&self) -> u64 {
        u64::from(self.call[0]) << 32 | u64::from(self.call[1])
    }

    /// The record with its result.
    pub(super) fn result(&self) -> Option<u32> {
        Some(self.result).filter(|result| *result != NONE)
    }
}

/// All steps in the order of the file, those of sub-agents among them.
#[derive(Debug, Default)]
pub(super) struct Steps {
    marks: Vec<Mark>,
    /// The first step of each call, by the call's id: of calls of one id, the last one's.
    calls: HashTable<u32>,
    /// Results that no step called for, or not yet: by the call's id, the first.
    strays: HashMap<u64, (u32, Ended)>,
}

impl Steps {
    pub(super) fn all(&self) -> &[Mark] {
        &self.marks
    }

    /// The last `count` steps.
    pub(super) fn last(&self, count: usize) -> &[Mark] {
        self.marks.get(self.marks.len().saturating_sub(count)..).unwrap_or_default()
    }

    /// Adds a step of the call of this id. The steps of one call are added one after the other.
    pub(super) fn push(&mut self, step: NewStep, entry: u32) {
        let NewStep { kind, call, ended } = step;
        let no = self.marks.len() as u32;
        let id = call.unwrap_or_default();
        let mut mark = Mark { call: [(id >> 32) as u32, id as u32], entry, result: NONE, kind, ended };
        if let Some(id) = call {
            let before = self.first_of(id).and_then(|first| self.marks.get(first as usize)).copied();
            let told = before.and_then(|before| Some((before.result()?, before.ended)));
            if let Some((result, ended)) = told.or_else(|| self.strays.remove(&id)) {
                mark.result = result;
                mark.ended = ended;
            }
            match before {
                // Another step of the same call.
                Some(before) if before.entry == entry => {}
                Some(_) => self.replace(id, no),
                None => {
                    let marks = &self.marks;
                    let id_of = |no: &u32| marks.get(*no as usize).map_or(id, Mark::call);
                    self.calls.insert_unique(id, no, id_of);
                }
            }
        }
        self.marks.push(mark);
    }

    fn first_of(&self, id: u64) -> Option<u32> {
        let is_it = |no: &u32| self.marks.get(*no as usize).is_some_and(|mark| mark.call() == id);
        self.calls.find(id, is_it).copied()
    }

    fn replace(&mut self, id: u64, no: u32) {
        let marks = &self.marks;
        let is_it = |no: &u32| marks.get(*no as usize).is_some_and(|mark| mark.call() == id);
        if let Some(first) = self.calls.find_mut(id, is_it) {
            *first = no;
        }
    }

    /// Notes that `entry` brings the result of the call of this id, and how that ended; of several results the first
    /// counts. Returns the steps of the call.
    pub(super) fn came(&mut self, id: u64, entry: u32, ended: Ended) -> Vec<u32> {
        let Some(first) = self.first_of(id) else {
            self.strays.entry(id).or_insert((entry, ended));
            return Vec::new();
        };
        if self.marks.get(first as usize).is_some_and(|mark| mark.result().is_some()) {
            return Vec::new();
        }
        let rest = self.marks.get_mut(first as usize..).unwrap_or_default();
        let by = rest.first().map(|mark| mark.entry);
        let steps = rest.iter_mut().take_while(|mark| Some(mark.entry) == by && mark.call() == id);
        let note = |(no, mark): (u32, &mut Mark)| {
            mark.result = entry;
            mark.ended = ended;
            no
        };
        (first..).zip(steps).map(note).collect()
    }

    /// The record with the result of the call of this id.
    pub(super) fn result_of(&self, id: u64) -> Option<u32> {
        match self.first_of(id) {
            Some(first) => self.marks.get(first as usize)?.result(),
            None => self.strays.get(&id).map(|(entry, _)| *entry),
        }
    }

    /// Whether a step shows the result that `entry` brings to the call of this id.
    pub(super) fn is_shown(&self, id: u64, entry: u32) -> bool {
        self.first_of(id)
            .is_some_and(|first| self.marks.get(first as usize).is_some_and(|mark| mark.result == entry))
    }

    /// Position of the first step that the same record calls.
    pub(super) fn first_beside(&self, no: usize) -> usize {
        let entry = self.marks.get(no).map_or(0, |mark| mark.entry);
        self.marks.partition_point(|mark| mark.entry < entry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ends(steps: &Steps) -> Vec<Ended> {
        steps.all().iter().map(|mark| mark.ended).collect()
    }

    fn step(id: u64) -> NewStep {
        NewStep { kind: StepKind::Run, call: Some(id), ended: Ended::Open }
    }

    #[test]
    fn the_first_result_ends_every_step_of_its_call() {
        let mut steps = Steps::default();
        [step(7), step(7), step(8)].into_iter().for_each(|step| steps.push(step, 3));
        steps.push(NewStep { call: None, ..step(0) }, 3);
        assert_eq!(steps.came(7, 4, Ended::Failed), [0, 1]);
        assert!(steps.came(7, 5, Ended::Done).is_empty());
        assert_eq!(ends(&steps), [Ended::Failed, Ended::Failed, Ended::Open, Ended::Open]);
        assert_eq!((steps.result_of(7), steps.result_of(8)), (Some(4), None));
        assert!(steps.is_shown(7, 4) && !steps.is_shown(7, 5) && !steps.is_shown(9, 4));
        assert_eq!(steps.first_beside(2), 0);
    }

    #[test]
    fn a_result_may_come_before_its_call_and_a_call_twice() {
        let mut steps = Steps::default();
        assert!(steps.came(7, 1, Ended::Declined).is_empty());
        assert!(steps.came(7, 2, Ended::Done).is_empty());
        assert_eq!((steps.result_of(7), steps.is_shown(7, 1)), (Some(1), false));
        steps.push(step(7), 3);
        assert!(steps.is_shown(7, 1));
        steps.push(step(7), 4);
        assert_eq!(ends(&steps), [Ended::Declined, Ended::Declined]);
        steps.push(step(9), 5);
        steps.push(step(9), 6);
        assert_eq!(steps.came(9, 7, Ended::Done), [3]);
    }

    #[test]
    fn many_calls_are_all_found() {
        let mut steps = Steps::default();
        let id = |n: u32| u64::from(n).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (0..10_000).for_each(|n| steps.push(step(id(n)), n));
        (0..10_000).for_each(|n| assert_eq!(steps.came(id(n), n + 1, Ended::Done), [n]));
        assert!((0..10_000).all(|n| steps.result_of(id(n)) == Some(n + 1)));
    }
}
