//! The picture of a turn in the outline: one tick a step, in order, by kind; dotted, what was said meanwhile.

use super::html::Html;
use crate::session::model::{Ended, StepKind};

/// Most ticks that fit the rail.
const TICKS: usize = 48;
/// From one tick to the next, in pixels.
const PITCH: u64 = 5;

/// One tick: what it stands for, how that ended, and the position of the first step of it.
type Tick = (StepKind, Ended, usize);

/// Shapes of ticks by kind: class and path from the top of its column.
const SHAPES: [(&str, &str, &[StepKind]); 4] = [
    ("read", "8h3v4h-3z", &[StepKind::Read, StepKind::Other]),
    ("run", "5h3v7h-3z", &[StepKind::Run]),
    ("edit", "0h3v12h-3z", &[StepKind::Edit]),
    ("agent", "0h3v12h-3z", &[StepKind::Agent]),
];

/// Appends the spark of a turn whose first step is number `from` of the session. `asides`: after how many of the
/// steps each was said.
///
/// `data-from` and `data-at` tell the script which steps stand at a place; an aside has the place before its step.
pub(super) fn svg(html: &mut Html, (kinds, ends): (&[StepKind], &[Ended]), asides: &[u32], from: u64) {
    if kinds.is_empty() {
        return;
    }
    let ticks = ticks(kinds, ends, TICKS.saturating_sub(asides.len()).max(1));
    let places = Places::of(&ticks, asides, kinds.len());
    let width = places.first.len() as u64 * PITCH;
    html.raw("<svg class=\"spark\" width=\"").num(width).raw("\" height=\"16\" viewBox=\"0 0 ").num(width);
    html.raw(" 16\" preserveAspectRatio=\"none\" aria-hidden=\"true\" data-from=\"").num(from).raw("\"");
    if places.first.len() != kinds.len() || !asides.is_empty() {
        html.raw(" data-at=\"");
        for (i, first) in places.first.iter().enumerate() {
            if i > 0 {
                html.raw(" ");
            }
            html.num(*first as u64);
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
    first: Vec<usize>,
    /// The column of each tick.
    ticks: Vec<usize>,
    /// The column of each aside.
    asides: Vec<usize>,
}

impl Places {
    /// Ticks of `steps` steps, and the asides between them.
    fn of(ticks: &[Tick], asides: &[u32], steps: usize) -> Self {
        let mut places = Self::default();
        let mut asides = asides.iter().map(|after| *after as usize).peekable();
        for first in ticks.iter().map(|(.., first)| *first).chain([steps]) {
            // At the end, all that are left: more steps may be counted than are kept.
            while asides.next_if(|after| *after <= first || first == steps).is_some() {
                places.asides.push(places.first.len());
                places.first.push(first);
            }
            if first < steps {
                places.ticks.push(places.first.len());
                places.first.push(first);
            }
        }
        places
    }
}

/// Ticks: one a step, or neighbours of a kind and an end merged, or as many neighbours as it takes.
fn ticks(kinds: &[StepKind], ends: &[Ended], max: usize) -> Vec<Tick> {
    let ends = ends.iter().copied().chain(std::iter::repeat(Ended::Done));
    let all: Vec<Tick> = kinds.iter().zip(ends).zip(0..).map(|((kind, end), at)| (*kind, end, at)).collect();
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

    #[test]
    fn a_tick_stands_for_each_step() {
        let mut html = Html::new();
        svg(&mut html, (&[StepKind::Read, StepKind::Run, StepKind::Edit], &[]), &[], 7);
        insta::assert_snapshot!(html, @r#"<svg class="spark" width="15" height="16" viewBox="0 0 15 16" preserveAspectRatio="none" aria-hidden="true" data-from="7"><path class="read" d="M0 8h3v4h-3z"/><path class="run" d="M5 5h3v7h-3z"/><path class="edit" d="M10 0h3v12h-3z"/></svg>"#);
    }

    #[test]
    fn what_was_said_meanwhile_stands_dotted_between_the_steps() {
        let kinds = [StepKind::Read, StepKind::Run, StepKind::Edit];
        let mut html = Html::new();
        svg(&mut html, (&kinds, &[]), &[1, 3], 7);
        insta::assert_snapshot!(html, @r#"<svg class="spark" width="25" height="16" viewBox="0 0 25 16" preserveAspectRatio="none" aria-hidden="true" data-from="7" data-at="0 1 1 2 3"><path class="read" d="M0 8h3v4h-3z"/><path class="run" d="M10 5h3v7h-3z"/><path class="edit" d="M15 0h3v12h-3z"/><path class="you" d="M6.5 0v12M21.5 0v12"/></svg>"#);
        // Of many steps, and of more than are kept.
        let kinds = [[StepKind::Read; 40], [StepKind::Run; 40]].concat();
        let columns = |asides: &[u32]| {
            let places = Places::of(&ticks(&kinds, &[], TICKS), asides, kinds.len());
            (places.first, places.ticks, places.asides)
        };
        assert_eq!(columns(&[0, 20, 900]), (vec![0, 0, 40, 40, 80], vec![1, 3], vec![0, 2, 4]));
    }

    #[test]
    fn an_edit_without_a_result_is_not_drawn_as_a_change() {
        let mut html = Html::new();
        svg(&mut html, (&[StepKind::Edit, StepKind::Run], &[Ended::Open, Ended::Open]), &[], 1);
        assert!(
            html.as_str().contains("<path class=\"edit open\"")
                && html.as_str().contains("<path class=\"run\""),
            "{html}"
        );
    }

    #[test]
    fn neighbours_of_a_kind_merge_when_there_are_many() {
        let kinds = [vec![StepKind::Read; 40], vec![StepKind::Run; 40]].concat();
        let done = Ended::Done;
        assert_eq!(ticks(&kinds, &[], TICKS), [(StepKind::Read, done, 0), (StepKind::Run, done, 40)]);
    }

    #[test]
    fn alternating_kinds_still_fit() {
        let kinds = [StepKind::Read, StepKind::Edit].repeat(250);
        let ticks = ticks(&kinds, &[], TICKS);
        assert!(ticks.len() <= TICKS, "{}", ticks.len());
        assert!(ticks.iter().all(|(kind, ..)| *kind == StepKind::Edit));
    }
}
