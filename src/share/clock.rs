//! Did the machine sleep? Told by two clocks that run apart: the monotonic one stands still meanwhile (on
//! Linux and macOS), the wall clock does not, and a process that was stopped sees both jump.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// Both clocks at one moment.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// Monotonic.
    pub mono: Duration,
    /// By the wall.
    pub wall: Timestamp,
}

/// What lies between two moments that should have been close.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gap {
    /// The wall clock went on without the monotonic one: the machine slept, or the clock was set forward.
    Slept(Duration),
    /// The wall clock was set back.
    SetBack(Duration),
    /// Both went on: this process stood still.
    Paused(Duration),
}

/// Clocks that differ by less are only imprecise, or being adjusted.
const NOTABLE: Duration = Duration::from_secs(5);

/// What happened between two moments that were meant to be `apart`; `None`: nothing.
pub fn gap(before: Moment, after: Moment, apart: Duration) -> Option<Gap> {
    let mono = after.mono.saturating_sub(before.mono);
    let wall = after.wall.duration_since(before.wall);
    let beyond = wall - SignedDuration::try_from(mono).unwrap_or(SignedDuration::MAX);
    let size = beyond.unsigned_abs();
    if size >= NOTABLE {
        return Some(if beyond.is_positive() { Gap::Slept(size) } else { Gap::SetBack(size) });
    }
    let paused = mono.saturating_sub(apart);
    (paused >= NOTABLE).then_some(Gap::Paused(paused))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sleep_a_set_clock_and_a_pause_are_told_apart_from_nothing() {
        let secs = Duration::from_secs;
        let (day, year) = (24 * 3600, 365 * 24 * 3600);
        for (mono, wall, expected) in [
            (2, 2, None),
            (2, 6, None),
            (4, 1, None),
            (2, 62, Some(Gap::Slept(secs(60)))),
            (2, 2 + 400 * day, Some(Gap::Slept(secs(400 * 24 * 3600)))),
            (2, 2 - day, Some(Gap::SetBack(secs(24 * 3600)))),
            (62, 62, Some(Gap::Paused(secs(60)))),
            (2, -50 * year, Some(Gap::SetBack(secs(50 * 365 * 24 * 3600 + 2)))),
        ] {
            let wall_before: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
            let before = Moment { mono: secs(100), wall: wall_before };
            let wall = wall_before + SignedDuration::from_secs(wall);
            let after = Moment { mono: before.mono + secs(mono), wall };
            assert_eq!(gap(before, after, secs(2)), expected, "{mono} s, {wall}");
        }
    }
}
