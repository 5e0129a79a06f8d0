//! What happened when: a mark per step with its end, and when the model answered. Fed by the calls and
//! results that the index is told of anyway.

use std::collections::HashMap;

use jiff::Timestamp;

use super::header::{KINDS, TurnHead};
use super::steps::Mark;
use super::{Index, Kind, New};
use crate::session::model::{Ended, InnerStep, StepKind};
use crate::session::session::SUB_RECORDS;
use crate::session::timeline::{Event, Goal, Lane, Timeline, drawn};

/// The model is not at work for longer than this at a time, in milliseconds: the agent was away.
const AWAY: i64 = 10 * 60_000;
/// Answers closer than this are one, in milliseconds.
const CLOSE: i64 = 1_500;

/// A step of the main agent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MainStep {
    pub no: u32,
    /// The record that calls it.
    pub entry: u32,
    /// Position of its turn.
    pub turn: u32,
    pub kind: StepKind,
}

/// When the model was at work.
#[derive(Debug, Default)]
pub(crate) struct Activity {
    /// When the model answered, in order.
    model: Vec<(i64, i64)>,
    /// Time of the last record of the main agent's.
    last: Option<i64>,
}

fn millis(at: Option<Timestamp>) -> i64 {
    at.map_or(i64::MIN, Timestamp::as_millisecond)
}

impl Index {
    /// Notes the steps in a record, and when it was written.
    pub(super) fn worked(&mut self, new: &New, entry: u32) {
        for step in &new.steps {
            self.steps.push(*step, entry);
        }
        let at = millis(new.at);
        if new.kind == Kind::Side || at == i64::MIN {
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

    /// Notes in their turns how steps ended.
    pub(super) fn ended(&mut self, steps: &[u32], ended: Ended) {
        for step in steps {
            let Some(no) = self.number_of(*step as usize) else { continue };
            let turn = self.turn_of(no) as usize;
            if let Some(turn) = self.turns.get_mut(turn) {
                turn.ended(no, ended);
            }
        }
    }

    /// Number of the step at this position; `None` if it is a sub-agent's.
    fn number_of(&self, at: usize) -> Option<u32> {
        let (before, side) = self.entries.before(self.steps.all().get(at)?.entry);
        let nth = at - self.steps.first_beside(at);
        (!side).then_some(before + 1 + nth as u32)
    }

    /// Position of the turn of the main agent's step of this number.
    fn turn_of(&self, no: u32) -> u32 {
        self.turns.partition_point(|turn| turn.first_step() <= no).saturating_sub(1) as u32
    }

    /// The steps from position `from` on, at most `max` and those that stand in the last one's record, with where to go
    /// on; `None` at the end. Those of sub-agents are left out.
    pub(crate) fn main_steps(&self, from: usize, max: usize) -> Option<(Vec<MainStep>, usize)> {
        let rest = self.steps.all().get(from..).filter(|rest| !rest.is_empty())?;
        let (these, next) = rest.split_at_checked(max).unwrap_or((rest, &[]));
        let last = these.last().map(|mark| mark.entry);
        let same = next.iter().take_while(|mark| Some(mark.entry) == last).count();
        let these = rest.get(..these.len() + same).unwrap_or_default();
        let main = |(at, mark): (usize, &Mark)| {
            let no = self.number_of(at)?;
            Some(MainStep { no, entry: mark.entry, turn: self.turn_of(no), kind: mark.kind })
        };
        Some(((from..).zip(these).filter_map(main).collect(), from + these.len()))
    }

    /// Every step as something that took time.
    fn step_events(&self) -> impl Iterator<Item = Event> {
        let senders = self.senders();
        let mut beside = (u32::MAX, 0);
        let mut inside: HashMap<u32, u32> = HashMap::new();
        self.steps.all().iter().map(move |mark| {
            // Numbers go up within a record.
            beside = if beside.0 == mark.entry { (mark.entry, beside.1 + 1) } else { (mark.entry, 0) };
            let (steps, side) = self.entries.before(mark.entry);
            let from = self.entries.millis(mark.entry);
            let to = mark.result().map_or(from, |result| self.entries.millis(result).max(from));
            let goal = match senders.get(&mark.entry) {
                _ if !side => Goal::Step(steps + 1 + beside.1),
                None => Goal::None,
                Some((sender, false)) => Goal::Step(*sender),
                Some((sender, true)) => {
                    let no = inside.entry(*sender).or_default();
                    *no += 1;
                    Goal::Inner(*sender, *no)
                }
            };
            Event { lane: Lane::of(mark.kind), from, to, goal, ended: mark.ended, minor: side }
        })
    }

    /// Of each record of a sub-agent in this file, the step that sent the sub-agent, and whether it is shown there.
    fn senders(&self) -> HashMap<u32, (u32, bool)> {
        let sent = self.briefs.values().flat_map(|brief| brief.steps.iter().zip(&brief.chains));
        sent.filter_map(|(step, chain)| Some((*step, self.chains.get(*chain as usize)?)))
            .flat_map(|(step, chain)| {
                chain.entries.iter().zip(0..).map(move |(entry, at)| (*entry, (step, at < SUB_RECORDS)))
            })
            .collect()
    }

    /// How many steps the sub-agents took that each turn sent, by its position.
    pub(super) fn sub_steps(&self) -> HashMap<u32, u32> {
        let mut counts = self.annex.turns.clone();
        let senders = self.senders();
        for (sender, _) in self.steps.all().iter().filter_map(|mark| senders.get(&mark.entry)) {
            *counts.entry(self.turn_of(*sender)).or_default() += 1;
        }
        counts
    }

    /// The steps that the sub-agents of each turn took, by its position: those that its picture keeps.
    pub(super) fn inside(&self) -> HashMap<u32, Vec<InnerStep>> {
        let mut inside: HashMap<u32, Vec<InnerStep>> = HashMap::new();
        if self.briefs.is_empty() && self.annex.events.is_empty() {
            return inside;
        }
        let here = self.step_events().filter(|event| event.minor);
        for event in here.chain(self.annex.events.iter().copied()) {
            let (Goal::Step(sender) | Goal::Inner(sender, _), Some(kind)) = (event.goal, event.lane.kind())
            else {
                continue;
            };
            let at = self.turn_of(sender);
            let first = self.turns.get(at as usize).map_or(0, TurnHead::first_step);
            let steps = inside.entry(at).or_default();
            if steps.len() < KINDS {
                steps.push(InnerStep { sent_by: sender.saturating_sub(first), kind, ended: event.ended });
            }
        }
        inside.values_mut().for_each(|steps| steps.sort_by_key(|step| step.sent_by));
        inside
    }

    /// Every step as one of a sub-agent that step `sender` sent, for the picture of the session it is a step of. Up to
    /// the number `shown` they are shown right inside that step.
    pub(crate) fn minor_events(&self, sender: u32, shown: u32) -> Vec<Event> {
        let goal = |goal| match goal {
            Goal::Step(no) if no <= shown => Goal::Inner(sender, no),
            _ => Goal::Step(sender),
        };
        self.step_events().map(|event| Event { goal: goal(event.goal), minor: true, ..event }).collect()
    }

    /// The picture of what is indexed so far.
    pub(super) fn timeline(&self) -> Timeline {
        let known = |at: i64| at != i64::MIN;
        let said = |at: Option<Timestamp>, goal, minor| {
            let at = millis(at);
            Event { lane: Lane::You, from: at, to: at, goal, ended: Ended::Done, minor }
        };
        let mut events = Vec::with_capacity(self.steps.all().len() + self.activity.model.len());
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
        events.extend(self.step_events());
        events.extend_from_slice(&self.annex.events);
        events.retain(|event| known(event.from));
        drawn(events, |goal| {
            let window = match goal {
                Goal::None => None,
                Goal::Prompt(no) => self.place_of_prompt(no),
                Goal::Aside(no) => self.place_of_aside(no),
                Goal::Step(no) | Goal::Inner(no, _) => self.place_of_step(no),
            };
            window.unwrap_or_default()
        })
    }
}
