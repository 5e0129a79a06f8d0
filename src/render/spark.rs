//! The picture of a turn in the outline: one tick a step, in order, by kind; dotted, what was said meanwhile.

use super::html::Html;
use crate::session::model::{Ended, OutlineEntry, StepKind};

/// Most ticks that fit the rail.
const TICKS: usize = 48;
/// From one tick to the next, in pixels.
const PITCH: u64 = 5;

/// Where a step stands in its turn: the position of the main agent's step, and in it that of the sub-agent's, from 1
/// (0: the main agent's own).
type At = (u32, u32);

/// One tick: what it stands for, how that ended, and where the first step of it stands.
type Tick = (StepKind, Ended, At);

/// Shapes of ticks by kind: class and path from the top of its column.
const SHAPES: [(&str, &str, &[StepKind]); 4] = [
    ("read", "8h3v4h-3z", &[StepKind::Read, StepKind::Other]),
    ("run", "5h3v7h-3z", &[StepKind::Run]),
    ("edit", "0h3v12h-3z", &[StepKind::Edit]),
    ("agent", "0h3v12h-3z", &[StepKind::Agent]),
];

/// Appends the spark of a turn whose first step is number `from` of the session; a sub-agent's steps follow the one
/// that sent it. `asides`: after how many of the main agent's steps each was said.
///
/// `data-from` and `data-at` tell the script which steps stand at a place (`3`, or `3.1` of a sub-agent); an aside has
/// the place before its step.
pub(super) fn svg(html: &mut Html, entry: &OutlineEntry, asides: &[u32], from: u64) {
    if entry.kinds.is_empty() {
        return;
    }
    let ticks = ticks(steps(entry), TICKS.saturating_sub(asides.len()).max(1));
    let places = Places::of(&ticks, asides, entry.kinds.len());
    let width = places.first.len() as u64 * PITCH;
    html.raw("<svg class=\"spark\" width=\"").num(width).raw("\" height=\"16\" viewBox=\"0 0 ").num(width);
    html.raw(" 16\" preserveAspectRatio=\"none\" aria-hidden=\"true\" data-from=\"").num(from).raw("\"");
    if !places.first.iter().copied().eq((0..entry.kinds.len() as u32).map(|at| (at, 0))) {
        html.raw(" data-at=\"");
        for (i, (step, inside)) in places.first.iter().enumerate() {
            if i > 0 {
                html.raw(" ");
            }
            html.num(*step);
            if *inside > 0 {
                html.raw(".").num(*inside);
            }
        }
        html.raw("\"");
    }
    html.raw(">");
    for (class, shape, of) in SHAPES {
        for colour in ["", " failed", " declined", " open"] {
            let these = |(kind, end, _): &Tick| {
                let own = match end {
                    Ended::Failed => " failed",
                    Ended::Declined => " declined",
                    // Green says that a file changed.
                    Ended::Open if *kind == StepKind::Edit => " open",
                    Ended::Done | Ended::Open => "",
                };
                of.contains(kind) && own == colour
            };
            if !ticks.iter().any(these) {
                continue;
            }
            html.raw("<path class=\"").raw(class).raw(colour).raw("\" d=\"");
            for (_, place) in ticks.iter().zip(&places.ticks).filter(|(tick, _)| these(tick)) {
                html.raw("M").num(*place as u64 * PITCH).raw(" ").raw(shape);
            }
            html.raw("\"/>");
        }
    }
    if !places.asides.is_empty() {
        html.raw("<path class=\"you\" d=\"");
        for place in &places.asides {
            html.raw("M").num(*place as u64 * PITCH + 1).raw(".5 0v12");
        }
        html.raw("\"/>");
    }
    html.raw("</svg>");
}

/// Where things stand, in columns from the left.
#[derive(Default)]
struct Places {
    /// Of each column, the first step it stands for.
    first: Vec<At>,
    /// The column of each tick.
    ticks: Vec<usize>,
    /// The column of each aside.
    asides: Vec<usize>,
}

impl Places {
    /// Ticks of so many steps of the main agent, and the asides between them.
    fn of(ticks: &[Tick], asides: &[u32], steps: usize) -> Self {
        let mut places = Self::default();
        let mut asides = asides.iter().peekable();
        for first in ticks.iter().map(|(.., first)| Some(*first)).chain([None]) {
            // At the end, all that are left: more steps may be counted than are kept.
            while asides.next_if(|after| first.is_none_or(|first| (**after, 0) <= first)).is_some() {
                places.asides.push(places.first.len());
                places.first.push(first.unwrap_or((steps as u32, 0)));
            }
            if let Some(first) = first {
                places.ticks.push(places.first.len());
                places.first.push(first);
            }
        }
        places
    }
}

/// All steps of a turn in order, a tick each.
fn steps(entry: &OutlineEntry) -> Vec<Tick> {
    let ends = entry.ends.iter().copied().chain(std::iter::repeat(Ended::Done));
    let mut inside = entry.inside.iter().peekable();
    let mut all = Vec::with_capacity(entry.kinds.len() + entry.inside.len());
    for ((kind, end), at) in entry.kinds.iter().zip(ends).zip(0..) {
        all.push((*kind, end, (at, 0)));
        let mut nth = 0;
        while let Some(step) = inside.next_if(|step| step.sent_by <= at) {
            nth += 1;
            all.push((step.kind, step.ended, (at, nth)));
        }
    }
    all
}

/// Ticks: one a step, or neighbours of a kind and an end merged, or as many neighbours as it takes.
fn ticks(all: Vec<Tick>, max: usize) -> Vec<Tick> {
    if all.len() <= max {
        return all;
    }
    let mut merged = all;
    merged.dedup_by_key(|(kind, end, _)| (*kind, *end));
    if merged.len() <= max {
        return merged;
    }
    let many = merged.len().div_ceil(max);
    // The kind that says most wins, and what went wrong.
    let weight = |kind: StepKind| match kind {
        StepKind::Read | StepKind::Other => 0,
        StepKind::Run => 1,
        StepKind::Agent => 2,
        StepKind::Edit => 3,
    };
    let pick = |these: &[Tick]| {
        let most = these.iter().max_by_key(|(kind, end, _)| (weight(*kind), *end))?;
        Some((most.0, most.1, these.first()?.2))
    };
    merged.chunks(many).filter_map(pick).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::model::InnerStep;

    fn turn(kinds: &[StepKind]) -> OutlineEntry {
        OutlineEntry { kinds: kinds.to_vec(), ..OutlineEntry::default() }
    }

    fn drawn(entry: &OutlineEntry, asides: &[u32], from: u64) -> Html {
        let mut html = Html::new();
        svg(&mut html, entry, asides, from);
        html
    }

    #[test]
    fn a_tick_stands_for_each_step() {
        let html = drawn(&turn(&[StepKind::Read, StepKind::Run, StepKind::Edit]), &[], 7);
        insta::assert_snapshot!(html, @r#"<svg class="spark" width="15" height="16" viewBox="0 0 15 16" preserveAspectRatio="none" aria-hidden="true" data-from="7"><path class="read" d="M0 8h3v4h-3z"/><path class="run" d="M5 5h3v7h-3z"/><path class="edit" d="M10 0h3v12h-3z"/></svg>"#);
    }

    #[test]
    fn the_steps_of_a_sub_agent_follow_the_one_that_sent_it() {
        let step = |sent_by, kind, ended| InnerStep { sent_by, kind, ended };
        let inside = vec![
            step(1, StepKind::Read, Ended::Done),
            step(1, StepKind::Run, Ended::Failed),
            step(2, StepKind::Edit, Ended::Done),
        ];
        let entry = OutlineEntry { inside, ..turn(&[StepKind::Run, StepKind::Agent, StepKind::Agent]) };
        // The aside was said after both.
        let html = drawn(&entry, &[3], 7);
        insta::assert_snapshot!(html, @r#"<svg class="spark" width="35" height="16" viewBox="0 0 35 16" preserveAspectRatio="none" aria-hidden="true" data-from="7" data-at="0 1 1.1 1.2 2 2.1 3"><path class="read" d="M10 8h3v4h-3z"/><path class="run" d="M0 5h3v7h-3z"/><path class="run failed" d="M15 5h3v7h-3z"/><path class="edit" d="M25 0h3v12h-3z"/><path class="agent" d="M5 0h3v12h-3zM20 0h3v12h-3z"/><path class="you" d="M31.5 0v12"/></svg>"#);
        let many = (0..90).map(|n| step(1, if n < 40 { StepKind::Read } else { StepKind::Run }, Ended::Done));
        let entry = OutlineEntry { inside: many.collect(), ..entry };
        let html = drawn(&entry, &[], 7).into_string();
        assert!(html.contains("data-at=\"0 1 1.1 1.41 2\""), "{html}");
    }

    #[test]
    fn what_was_said_meanwhile_stands_dotted_between_the_steps() {
        let html = drawn(&turn(&[StepKind::Read, StepKind::Run, StepKind::Edit]), &[1, 3], 7);
        insta::assert_snapshot!(html, @r#"<svg class="spark" width="25" height="16" viewBox="0 0 25 16" preserveAspectRatio="none" aria-hidden="true" data-from="7" data-at="0 1 1 2 3"><path class="read" d="M0 8h3v4h-3z"/><path class="run" d="M10 5h3v7h-3z"/><path class="edit" d="M15 0h3v12h-3z"/><path class="you" d="M6.5 0v12M21.5 0v12"/></svg>"#);
        // Of many steps, and of more than are kept.
        let entry = turn(&[[StepKind::Read; 40], [StepKind::Run; 40]].concat());
        let columns = |asides: &[u32]| {
            let places = Places::of(&ticks(steps(&entry), TICKS), asides, entry.kinds.len());
            (places.first, places.ticks, places.asides)
        };
        let first = [0, 0, 40, 40, 80].map(|at| (at, 0)).to_vec();
        assert_eq!(columns(&[0, 20, 900]), (first, vec![1, 3], vec![0, 2, 4]));
    }

    #[test]
    fn an_edit_without_a_result_is_not_drawn_as_a_change() {
        let ends = vec![Ended::Open, Ended::Open];
        let html = drawn(&OutlineEntry { ends, ..turn(&[StepKind::Edit, StepKind::Run]) }, &[], 1);
        assert!(
            html.as_str().contains("<path class=\"edit open\"")
                && html.as_str().contains("<path class=\"run\""),
            "{html}"
        );
    }

    #[test]
    fn neighbours_of_a_kind_merge_when_there_are_many() {
        let entry = turn(&[vec![StepKind::Read; 40], vec![StepKind::Run; 40]].concat());
        let done = Ended::Done;
        let want = [(StepKind::Read, done, (0, 0)), (StepKind::Run, done, (40, 0))];
        assert_eq!(ticks(steps(&entry), TICKS), want);
    }

    #[test]
    fn alternating_kinds_still_fit() {
        let ticks = ticks(steps(&turn(&[StepKind::Read, StepKind::Edit].repeat(250))), TICKS);
        assert!(ticks.len() <= TICKS, "{}", ticks.len());
        assert!(ticks.iter().all(|(kind, ..)| *kind == StepKind::Edit));
    }
}
