//! What happened when: a mark per step with its end, and when the model answered. Fed by the calls and
//! results that the index is told of anyway.

use std::mem;

use jiff::Timestamp;

use super::{Entry, Index, Kind, New};
use crate::session::model::{Ended, StepKind};
use crate::session::timeline::{Event, Goal, Lane, Timeline, drawn};

/// The model is not at work for longer than this at a time, in milliseconds: the agent was away.
const AWAY: i64 = 10 * 60_000;
/// Answers closer than this are one, in milliseconds.
const CLOSE: i64 = 1_500;

/// A step. Times in milliseconds since 1970; `i64::MIN` if unknown.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mark {
    from: i64,
    to: i64,
    /// Its number; 0 inside a sub-agent.
    pub no: u32,
    /// The record that calls it.
    pub entry: u32,
    /// Position of its turn, and its own in there.
    pub turn: u32,
    nth: u32,
    pub kind: StepKind,
    ended: Ended,
}

impl Mark {
    fn event(&self) -> Event {
        Event {
            lane: Lane::of(self.kind),
            from: self.from,
            to: self.to,
            goal: if self.no > 0 { Goal::Step(self.no) } else { Goal::None },
            ended: self.ended,
            minor: self.no == 0,
        }
    }
}

/// Everything that took time.
#[derive(Debug, Default)]
pub(crate) struct Activity {
    marks: Vec<Mark>,
    /// When the model answered, in order.
    model: Vec<(i64, i64)>,
    /// Time of the last record of the main agent's.
    last: Option<i64>,
    /// Ids of the calls in the record about to be added.
    pub(super) calling: Vec<u64>,
}

fn millis(at: Option<Timestamp>) -> i64 {
    at.map_or(i64::MIN, Timestamp::as_millisecond)
}

impl Index {
    /// Notes when a record was written, and the steps in it. `nth`: steps of its turn before.
    pub(super) fn mark(&mut self, new: &New, entry: u32, nth: u32) {
        let at = millis(new.at);
        let side = new.kind == Kind::Side;
        let calling = mem::take(&mut self.activity.calling);
        let first = self.activity.marks.len();
        let turn = self.turns.len().saturating_sub(1) as u32;
        for (n, kind) in (0..).zip(&new.steps) {
            let no = if side { 0 } else { self.steps + 1 + n };
            let mark =
                Mark { from: at, to: at, no, entry, turn, nth: nth + n, kind: *kind, ended: Ended::Open };
            self.activity.marks.push(mark);
        }
        // Where a call has no id, which is which is not told.
        if calling.len() == new.steps.len() {
            for (mark, id) in (first as u32..).zip(calling) {
                self.pairs.entry(id).or_default().mark = Some(mark);
            }
        }
        if side || at == i64::MIN {
            return;
        }
        let activity = &mut self.activity;
        if new.by_model {
            let from = activity.last.filter(|last| *last <= at && at - last <= AWAY).unwrap_or(at);
            match activity.model.last_mut() {
                Some(before) if from - before.1 <= CLOSE && from >= before.0 => before.1 = before.1.max(at),
                _ => activity.model.push((from, at)),
            }
        }
        activity.last = Some(at);
    }

    /// The result of this call came with `entry`.
    pub(super) fn came(&mut self, mark: Option<u32>, entry: Option<Entry>) {
        let (Some(no), Some(entry)) = (mark, entry) else { return };
        let Some(mark) = self.activity.marks.get_mut(no as usize) else { return };
        mark.to = mark.to.max(entry.millis);
        self.ended(no, Ended::Done);
    }

    fn ended(&mut self, no: u32, ended: Ended) {
        let Some(mark) = self.activity.marks.get_mut(no as usize) else { return };
        mark.ended = ended;
        if mark.no > 0
            && let Some(turn) = self.turns.get_mut(mark.turn as usize)
        {
            turn.ended(mark.nth as usize, ended);
        }
    }

    /// Notes that the step called under this id failed, or was declined.
    pub(crate) fn failed(&mut self, id: u64, declined: bool) {
        if let Some(no) = self.pairs.get(&id).and_then(|pair| pair.mark) {
            self.ended(no, if declined { Ended::Declined } else { Ended::Failed });
        }
    }

    /// Up to `max` steps of the main agent's from position `from` on, with where to go on; `None` at the end.
    pub(crate) fn marks(&self, from: usize, max: usize) -> Option<(Vec<Mark>, usize)> {
        let rest = self.activity.marks.get(from..).filter(|rest| !rest.is_empty())?;
        let these = rest.get(..max.min(rest.len())).unwrap_or_default();
        Some((these.iter().filter(|mark| mark.no > 0).copied().collect(), from + these.len()))
    }

    /// Every step as one of a sub-agent, for the picture of the session that sent it.
    pub(crate) fn minor_events(&self) -> Vec<Event> {
        let minor = |mark: &Mark| Event { goal: Goal::None, minor: true, ..mark.event() };
        self.activity.marks.iter().map(minor).collect()
    }

    /// The picture of what is indexed so far.
    pub(super) fn timeline(&self) -> Timeline {
        let known = |at: i64| at != i64::MIN;
        let said = |at: Option<Timestamp>, goal, minor| {
            let at = millis(at);
            Event { lane: Lane::You, from: at, to: at, goal, ended: Ended::Done, minor }
        };
        let mut events = Vec::with_capacity(self.activity.marks.len() + self.activity.model.len());
        for turn in self.turns.iter().filter(|turn| turn.no > 0) {
            events.push(said(turn.at(), Goal::Prompt(turn.no), false));
            events.extend(turn.asides().map(|aside| said(aside.at, Goal::Aside(aside.no), true)));
        }
        events.extend(self.activity.model.iter().map(|(from, to)| Event {
            lane: Lane::Model,
            from: *from,
            to: *to,
            goal: Goal::None,
            ended: Ended::Done,
            minor: false,
        }));
        events.extend(self.activity.marks.iter().map(Mark::event));
        events.extend_from_slice(&self.annex.events);
        events.retain(|event| known(event.from));
        drawn(events, |goal| {
            let window = match goal {
                Goal::None => None,
                Goal::Prompt(no) => self.place_of_prompt(no),
                Goal::Aside(no) => self.place_of_aside(no),
                Goal::Step(no) => self.place_of_step(no),
            };
            window.unwrap_or_default()
        })
    }
}
