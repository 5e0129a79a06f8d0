//! The labels of the timeline's axis: round times, and which of them a phone has room for.

use super::between;
use crate::render::scene::Scene;
use crate::session::model::Overview;
use crate::session::timeline::Axis;

/// Least distance of two labels on the axis, of the whole: short ones, and those with hours.
const APART: (f64, f64) = (0.1, 0.14);
/// Width of the picture on the narrowest phone, that of a character of a label at most, and what is left between
/// two, in pixels.
const PHONE: f64 = 236.0;
const LETTER: f64 = 6.6;
const GAP: f64 = 6.0;
/// Most labels on the axis.
const TICKS: u64 = 8;
/// Distances of labels, in seconds.
const STEPS: [u64; 19] = [
    1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 14_400, 28_800, 86_400, 172_800,
    604_800,
];

const HOUR: u64 = 3_600;

/// Labels at round times, where something goes on, not too close to each other where there is room.
pub(super) fn ticks(scene: &Scene, overview: &Overview, axis: &Axis) -> Vec<(f64, String)> {
    let stretches = &overview.timeline.stretches;
    let (Some(first), Some(last)) = (stretches.first(), stretches.last()) else { return Vec::new() };
    let origin = scene.origin.unwrap_or(first.0);
    let all = between(origin, last.1).map_or(0, |all| all.as_secs());
    let apart = if all < HOUR { APART.0 } else { APART.1 };
    let active = overview.timeline.active().as_secs();
    let step = STEPS.into_iter().find(|step| active / step < TICKS).unwrap_or(604_800);
    let mut found: Vec<(f64, String)> = Vec::new();
    // Of a pause of weeks no label is wanted, so each stretch is gone through by itself.
    for (from, to) in stretches {
        let begin = between(origin, *from).map_or(0, |d| d.as_secs()).div_ceil(step);
        let end = between(origin, *to).map_or(0, |d| d.as_secs()) / step;
        for n in begin..=end.min(begin + TICKS) {
            let seconds = n * step;
            let Some(at) = i64::try_from(seconds)
                .ok()
                .and_then(|s| origin.checked_add(jiff::SignedDuration::from_secs(s)).ok())
            else {
                continue;
            };
            let x = axis.x(at);
            let clear = found.last().is_none_or(|(before, _)| x - before >= apart);
            if x <= 0.97 && axis.covers(at) && clear {
                found.push((x, label(seconds, all)));
            }
        }
    }
    found
}

/// `2:00` in a session of less than an hour, else `1 h 30`, `2 h`, `3 d 4 h`.
fn label(seconds: u64, all: u64) -> String {
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        _ if all < HOUR => format!("{}:{:02}", seconds / 60, seconds % 60),
        (0, 0, 0) => "0".to_owned(),
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, 0) => format!("{hours} h"),
        (0, hours, minutes) => format!("{hours} h {minutes:02}"),
        (days, 0, _) => format!("{days} d"),
        (days, hours, _) => format!("{days} d {hours} h"),
    }
}

/// From where to where a label goes on the narrowest phone: it stands in the middle of its line, the first behind it.
pub(super) fn place(x: f64, label: &str, first: bool) -> (f64, f64) {
    let (at, wide) = (x * PHONE, label.chars().count() as f64 * LETTER);
    if first { (at, at + wide) } else { (at - wide / 2.0, at + wide / 2.0) }
}

/// Of how many labels one is shown on a phone, so that none touches the next: they stay evenly apart.
pub(super) fn stride(places: &[(f64, f64)]) -> usize {
    let clear = |stride: usize| {
        let shown = || places.iter().step_by(stride);
        shown().zip(shown().skip(1)).all(|((_, end), (begin, _))| end + GAP <= *begin)
    };
    (1..places.len()).find(|stride| clear(*stride)).unwrap_or(places.len().max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_fit_the_length() {
        for (seconds, all, want) in [
            (120, 500, "2:00"),
            (1_800, 7_000, "30 min"),
            (5_400, 7_000, "1 h 30"),
            (7_200, 9_000, "2 h"),
            (100_800, 400_000, "1 d 4 h"),
            (172_800, 400_000, "2 d"),
        ] {
            assert_eq!(label(seconds, all), want);
        }
    }

    #[test]
    fn a_label_has_its_room_on_a_phone() {
        assert_eq!(place(0.0, "0:00", true), (0.0, 26.4));
        assert_eq!(place(0.5, "0:10", false), (118.0 - 13.2, 118.0 + 13.2));
    }

    #[test]
    fn labels_of_a_phone_are_as_many_as_do_not_touch() {
        let of = |xs: &[f64]| {
            let at = |x: &f64| place(*x, "0:00", *x < 0.02);
            stride(&xs.iter().map(at).collect::<Vec<_>>())
        };
        assert_eq!(of(&[]), 1);
        assert_eq!(of(&[0.0, 0.25, 0.5, 0.75]), 1);
        // The first stands behind its line, so that the second is nearer to it than the third to the second.
        assert_eq!(of(&[0.0, 0.14, 0.28, 0.42, 0.56]), 2);
        assert_eq!(of(&[0.0, 0.05]), 2);
    }
}
