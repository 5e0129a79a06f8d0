//! The picture of a turn in the outline: one tick a step, in order, by kind.

use super::html::Html;
use crate::session::model::StepKind;

/// Most ticks that fit the rail.
const TICKS: usize = 48;
/// From one tick to the next, in pixels.
const PITCH: u64 = 5;

/// Appends the spark of a turn whose first step is number `from` of the session.
///
/// `data-from` and `data-at` tell the script which steps a tick stands for.
pub(super) fn svg(html: &mut Html, kinds: &[StepKind], from: u64) {
    if kinds.is_empty() {
        return;
    }
    let ticks = ticks(kinds);
    let width = ticks.len() as u64 * PITCH;
    html.raw("<svg class=\"spark\" width=\"").num(width).raw("\" height=\"16\" viewBox=\"0 0 ").num(width);
    html.raw(" 16\" preserveAspectRatio=\"none\" aria-hidden=\"true\" data-from=\"").num(from).raw("\"");
    if ticks.len() < kinds.len() {
        html.raw(" data-at=\"");
        for (i, (_, first)) in ticks.iter().enumerate() {
            if i > 0 {
                html.raw(" ");
            }
            html.num(*first as u64);
        }
        html.raw("\"");
    }
    html.raw(">");
    for (class, tick, of) in [
        ("<path class=\"read\" d=\"", "8h3v4h-3z", [StepKind::Read, StepKind::Other].as_slice()),
        ("<path class=\"run\" d=\"", "5h3v7h-3z", &[StepKind::Run]),
        ("<path class=\"edit\" d=\"", "0h3v12h-3z", &[StepKind::Edit]),
        ("<path class=\"agent\" d=\"", "0h3v12h-3z", &[StepKind::Agent]),
    ] {
        if !ticks.iter().any(|(kind, _)| of.contains(kind)) {
            continue;
        }
        html.raw(class);
        for (i, _) in ticks.iter().enumerate().filter(|(_, (kind, _))| of.contains(kind)) {
            html.raw("M").num(i as u64 * PITCH).raw(" ").raw(tick);
        }
        html.raw("\"/>");
    }
    html.raw("</svg>");
}

/// Ticks with the position of the first step each stands for: one a step, or neighbours of a kind merged,
/// or as many neighbours as it takes.
fn ticks(kinds: &[StepKind]) -> Vec<(StepKind, usize)> {
    let all: Vec<_> = kinds.iter().copied().zip(0..).collect();
    if all.len() <= TICKS {
        return all;
    }
    let mut merged = all;
    merged.dedup_by_key(|(kind, _)| *kind);
    if merged.len() <= TICKS {
        return merged;
    }
    let many = merged.len().div_ceil(TICKS);
    // The kind that says most wins.
    let weight = |kind: StepKind| match kind {
        StepKind::Read | StepKind::Other => 0,
        StepKind::Run => 1,
        StepKind::Agent => 2,
        StepKind::Edit => 3,
    };
    let pick = |these: &[(StepKind, usize)]| {
        let kind = these.iter().map(|(kind, _)| *kind).max_by_key(|kind| weight(*kind))?;
        Some((kind, these.first()?.1))
    };
    merged.chunks(many).filter_map(pick).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tick_stands_for_each_step() {
        let mut html = Html::new();
        svg(&mut html, &[StepKind::Read, StepKind::Run, StepKind::Edit], 7);
        insta::assert_snapshot!(html, @r#"<svg class="spark" width="15" height="16" viewBox="0 0 15 16" preserveAspectRatio="none" aria-hidden="true" data-from="7"><path class="read" d="M0 8h3v4h-3z"/><path class="run" d="M5 5h3v7h-3z"/><path class="edit" d="M10 0h3v12h-3z"/></svg>"#);
    }

    #[test]
    fn neighbours_of_a_kind_merge_when_there_are_many() {
        let kinds = [vec![StepKind::Read; 40], vec![StepKind::Run; 40]].concat();
        assert_eq!(ticks(&kinds), [(StepKind::Read, 0), (StepKind::Run, 40)]);
    }

    #[test]
    fn alternating_kinds_still_fit() {
        let kinds = [StepKind::Read, StepKind::Edit].repeat(250);
        let ticks = ticks(&kinds);
        assert!(ticks.len() <= TICKS, "{}", ticks.len());
        assert!(ticks.iter().all(|(kind, _)| *kind == StepKind::Edit));
    }
}
