//! The picture of a whole session over time: the stretches in which something went on, and what went on in
//! them, merged to what a screen can tell apart. However long a session is, the picture stays as small.

use std::time::Duration;

use jiff::Timestamp;

use super::model::{Ended, StepKind, WindowNo};

/// A pause longer than this is drawn short.
const IDLE_MS: i64 = 5 * 60_000;
/// What took longer than this waited for somebody: it counts at its beginning and at its end.
const WAITED_MS: i64 = 30 * 60_000;
/// Stretches told apart; of a session with more, only longer pauses count.
const STRETCHES: usize = 40;
/// Bars of one lane that a screen can tell apart.
const BUCKETS: f64 = 240.0;
/// Share of the width that one pause counts for, and all together: where things stand and what is too close to be told
/// apart is decided by it. On a wide page it comes to the 24 px that a pause has when it is drawn.
const PAUSE: f64 = 0.03;
const PAUSES: f64 = 0.4;

/// Who or what a bar is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lane {
    /// What a person said.
    You,
    /// The model thought or wrote.
    Model,
    /// Steps that look, and those of no other kind.
    Read,
    /// Steps that change files.
    Edit,
    /// Commands.
    Run,
    /// Sub-agents.
    Agent,
}

impl Lane {
    /// The lane of steps of this kind.
    pub(crate) fn of(kind: StepKind) -> Self {
        match kind {
            StepKind::Read | StepKind::Other => Self::Read,
            StepKind::Edit => Self::Edit,
            StepKind::Run => Self::Run,
            StepKind::Agent => Self::Agent,
        }
    }

    /// The kind of the steps in it; `None` of the lanes that are no steps'.
    pub(crate) fn kind(self) -> Option<StepKind> {
        match self {
            Self::You | Self::Model => None,
            Self::Read => Some(StepKind::Read),
            Self::Edit => Some(StepKind::Edit),
            Self::Run => Some(StepKind::Run),
            Self::Agent => Some(StepKind::Agent),
        }
    }
}

/// Where a bar leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Goal {
    /// Nowhere.
    None,
    /// To prompt `#p1`.
    Prompt(u32),
    /// To aside `#a1`.
    Aside(u32),
    /// To step `#s1`.
    Step(u32),
    /// To `#s1.2`: the step of this number of the sub-agent that a step sent.
    Inner(u32, u32),
}

impl Goal {
    /// The id of what it leads to.
    pub fn id(self) -> Option<String> {
        match self {
            Self::None => None,
            Self::Prompt(no) => Some(format!("p{no}")),
            Self::Aside(no) => Some(format!("a{no}")),
            Self::Step(no) => Some(format!("s{no}")),
            Self::Inner(sender, no) => Some(format!("s{sender}.{no}")),
        }
    }
}

/// One bar: one thing, or several that stand too close to be told apart.
#[derive(Clone, Debug, PartialEq)]
pub struct Bar {
    /// Where it stands.
    pub lane: Lane,
    /// When the first began.
    pub from: Timestamp,
    /// When the last ended.
    pub to: Timestamp,
    /// How many there are.
    pub count: u32,
    /// Where the first stands in the session.
    pub goal: Goal,
    /// The window of `goal`.
    pub window: WindowNo,
    /// The worst end of them.
    pub ended: Ended,
    /// A sub-agent's step, or something said while the agent worked: drawn fainter.
    pub minor: bool,
}

/// The picture.
#[derive(Clone, Debug, Default)]
pub struct Timeline {
    /// When something went on, in order; longer pauses lie between.
    pub stretches: Vec<(Timestamp, Timestamp)>,
    /// The bars, lane by lane, each in order.
    pub bars: Vec<Bar>,
}

impl Timeline {
    /// How long something went on between these moments.
    pub fn active_between(&self, from: Timestamp, to: Timestamp) -> Duration {
        let within = |(begin, end): &(Timestamp, Timestamp)| {
            Duration::try_from((*end).min(to).duration_since((*begin).max(from))).ok()
        };
        self.stretches.iter().filter_map(within).sum()
    }

    /// How long something went on in all.
    pub fn active(&self) -> Duration {
        self.active_between(Timestamp::MIN, Timestamp::MAX)
    }
}

/// Something that happened. Times in milliseconds since 1970.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Event {
    pub lane: Lane,
    pub from: i64,
    pub to: i64,
    pub goal: Goal,
    pub ended: Ended,
    pub minor: bool,
}

/// Times laid out on a line from 0 to 1, pauses drawn short.
#[derive(Clone, Debug, Default)]
pub struct Axis {
    /// From, to, and where both stand.
    parts: Vec<(i64, i64, f64, f64)>,
}

impl Axis {
    /// The axis of a picture.
    pub fn of(timeline: &Timeline) -> Self {
        let stretches: Vec<_> = timeline
            .stretches
            .iter()
            .map(|(from, to)| (from.as_millisecond(), to.as_millisecond()))
            .collect();
        Self::laid(&stretches)
    }

    fn laid(stretches: &[(i64, i64)]) -> Self {
        let pauses = stretches.len().saturating_sub(1) as f64;
        let pause = if pauses > 0.0 { PAUSE.min(PAUSES / pauses) } else { 0.0 };
        let all: i64 = stretches.iter().map(|(from, to)| to - from).sum();
        // A moment is not nothing: it gets a five hundredth.
        let least = (all / 500).max(1);
        let long = |from: i64, to: i64| (to - from).max(least) as f64;
        let sum: f64 = stretches.iter().map(|(from, to)| long(*from, *to)).sum();
        let room = 1.0 - pause * pauses;
        let mut at = 0.0;
        let part = |(from, to): &(i64, i64)| {
            let end = at + room * long(*from, *to) / sum;
            let part = (*from, *to, at, end);
            at = end + pause;
            part
        };
        Self { parts: stretches.iter().map(part).collect() }
    }

    /// Where a moment stands, from 0 to 1.
    pub fn x(&self, at: Timestamp) -> f64 {
        self.place(at.as_millisecond())
    }

    fn place(&self, at: i64) -> f64 {
        let next = self.parts.partition_point(|(from, ..)| *from <= at);
        let Some((from, to, left, right)) = next.checked_sub(1).and_then(|no| self.parts.get(no)) else {
            return 0.0;
        };
        let share = (at.min(*to) - from) as f64 / (to - from).max(1) as f64;
        left + (right - left) * share
    }

    /// The pauses: where each begins and ends, and how many seconds it lasted.
    pub fn pauses(&self) -> impl Iterator<Item = (f64, f64, u64)> + '_ {
        self.parts.windows(2).filter_map(|two| match two {
            [(_, end, _, left), (begin, _, right, _)] => {
                Some((*left, *right, ((begin - end) / 1000).max(0) as u64))
            }
            _ => None,
        })
    }

    /// Whether something went on at this moment.
    pub fn covers(&self, at: Timestamp) -> bool {
        let at = at.as_millisecond();
        self.parts.iter().any(|(from, to, ..)| (*from..=*to).contains(&at))
    }
}

/// Draws `events`; the windows of the goals are told by `window`.
pub(crate) fn drawn(mut events: Vec<Event>, window: impl Fn(Goal) -> WindowNo) -> Timeline {
    let stretches = stretches(&events);
    let axis = Axis::laid(&stretches);
    events.sort_by_key(|event| (event.lane, event.from));
    let mut bars: Vec<(Event, u32)> = Vec::new();
    let bucket = |at: i64| (axis.place(at) * BUCKETS) as i64;
    for event in events {
        if let Some((bar, count)) = bars.last_mut()
            && bar.lane == event.lane
            && (bucket(bar.from) == bucket(event.from)
                || (bar.lane == Lane::Model && bucket(bar.to) >= bucket(event.from)))
        {
            bar.to = bar.to.max(event.to);
            bar.ended = bar.ended.max(event.ended);
            bar.minor &= event.minor;
            *count += 1;
        } else {
            bars.push((event, 1));
        }
    }
    let time = |millis| Timestamp::from_millisecond(millis).unwrap_or(Timestamp::UNIX_EPOCH);
    let bar = |(event, count): (Event, u32)| {
        let Event { lane, goal, ended, minor, .. } = event;
        let (from, to) = (time(event.from), time(event.to));
        Bar { lane, from, to, count, goal, window: window(goal), ended, minor }
    };
    Timeline {
        stretches: stretches.into_iter().map(|(from, to)| (time(from), time(to))).collect(),
        bars: bars.into_iter().map(bar).collect(),
    }
}

/// The stretches in which something went on.
fn stretches(events: &[Event]) -> Vec<(i64, i64)> {
    let mut times: Vec<(i64, i64)> = events.iter().map(|event| (event.from, event.to)).collect();
    let mut ends = Vec::new();
    for (from, to) in times.iter_mut().filter(|(from, to)| to - from > WAITED_MS) {
        ends.push((*to, *to));
        *to = *from;
    }
    times.extend(ends);
    times.sort_unstable();
    let mut idle = IDLE_MS;
    loop {
        let mut found: Vec<(i64, i64)> = Vec::new();
        for (from, to) in &times {
            match found.last_mut() {
                Some(last) if *from <= last.1.saturating_add(idle) => last.1 = last.1.max(*to),
                _ => found.push((*from, *to)),
            }
        }
        if found.len() <= STRETCHES {
            return found;
        }
        idle = idle.saturating_mul(2);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(lane: Lane, from: i64, to: i64) -> Event {
        let (goal, ended, minor) = (Goal::None, Ended::Done, false);
        Event { lane, from: from * 1000, to: to * 1000, goal, ended, minor }
    }

    fn draw(events: Vec<Event>) -> Timeline {
        drawn(events, |_| 0)
    }

    #[test]
    fn what_went_on_between_two_moments_leaves_out_pauses() {
        let timeline = draw(vec![event(Lane::Run, 0, 100), event(Lane::Run, 100_000, 100_100)]);
        let at = |s: i64| Timestamp::from_second(s).unwrap();
        let between = |from, to| timeline.active_between(at(from), at(to)).as_secs();
        assert_eq!(between(0, 200_000), 200);
        assert_eq!(between(40, 100_010), 70);
        assert_eq!(between(10, 20), 10);
        assert_eq!(between(200, 300), 0, "nothing");
        assert_eq!(between(20, 10), 0, "clocks go back here and there");
        assert_eq!(timeline.active().as_secs(), 200);
    }

    #[test]
    fn a_pause_is_drawn_short_and_the_rest_to_scale() {
        let timeline = draw(vec![
            event(Lane::You, 0, 0),
            event(Lane::Run, 0, 100),
            event(Lane::You, 100_000, 100_000),
            event(Lane::Run, 100_000, 100_100),
        ]);
        assert_eq!(timeline.stretches.len(), 2);
        let axis = Axis::of(&timeline);
        let pauses: Vec<_> = axis.pauses().collect();
        assert_eq!(pauses.len(), 1);
        let (x, to, seconds) = pauses[0];
        assert!((x - 0.485).abs() < 1e-9 && (to - x - PAUSE).abs() < 1e-9 && seconds == 99_900);
        let at = |s: i64| axis.x(Timestamp::from_second(s).unwrap());
        assert!((at(50) - 0.2425).abs() < 1e-9 && at(5_000) < 0.486 && (at(100_100) - 1.0).abs() < 1e-9);
        assert_eq!(timeline.active().as_secs(), 200);
    }

    #[test]
    fn bars_too_close_to_be_told_apart_become_one_that_says_the_worst() {
        let mut events: Vec<_> = (0..10_000).map(|n| event(Lane::Run, n, n + 1)).collect();
        events[5_000].ended = Ended::Failed;
        let timeline = draw(events);
        assert!(timeline.bars.len() <= BUCKETS as usize + 1, "{}", timeline.bars.len());
        assert_eq!(timeline.bars.iter().map(|bar| bar.count).sum::<u32>(), 10_000);
        assert_eq!(timeline.bars.iter().filter(|bar| bar.ended == Ended::Failed).count(), 1);
    }

    #[test]
    fn a_step_that_waited_for_a_day_does_not_fill_the_picture() {
        let day = 86_400;
        let timeline = draw(vec![event(Lane::Run, 0, day), event(Lane::Edit, day, day + 600)]);
        let axis = Axis::of(&timeline);
        assert_eq!(timeline.active().as_secs(), 600);
        assert!(axis.x(timeline.bars[0].from) < 0.05, "{axis:?}");
        assert_eq!((timeline.bars[1].from, axis.pauses().count()), (Timestamp::UNIX_EPOCH, 1));
    }

    #[test]
    fn a_session_of_many_pauses_has_an_axis_all_the_same() {
        let timeline = draw(
            (0..1_000)
                .map(|n| event(Lane::You, n * 3_600 * (1 + n % 7), 0))
                .map(|mut e| {
                    e.to = e.from;
                    e
                })
                .collect(),
        );
        assert!(timeline.stretches.len() <= STRETCHES);
        let axis = Axis::of(&timeline);
        let places: Vec<f64> = timeline.bars.iter().map(|bar| axis.x(bar.from)).collect();
        assert!(places.is_sorted() && places.iter().all(|x| (0.0..=1.0).contains(x)), "{places:?}");
    }

    #[test]
    fn nothing_and_a_single_moment_are_drawn() {
        assert!(draw(vec![]).bars.is_empty());
        let timeline = draw(vec![event(Lane::You, 7, 7)]);
        assert_eq!(Axis::of(&timeline).x(timeline.bars[0].from), 0.0);
    }
}
