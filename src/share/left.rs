//! How long shares have left, as one daemon notes it for the next: by a clock that counts from the start of the
//! machine and is never set. After a start of the machine, the wall clock says how long it was off.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What is noted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimeLeft {
    /// Which start of the machine `at` counts from.
    boot: String,
    /// When it was noted.
    at: Duration,
    /// What each share had left then.
    left: BTreeMap<Uuid, Duration>,
}

impl TimeLeft {
    /// Noted `now` of shares that end at these moments; both since the start `boot` of the machine.
    pub fn new(boot: &str, now: Duration, ends: impl IntoIterator<Item = (Uuid, Duration)>) -> Self {
        let left = ends.into_iter().map(|(id, end)| (id, end.saturating_sub(now))).collect();
        Self { boot: boot.to_owned(), at: now, left }
    }

    /// When the share ends, since the start `boot` of the machine: at `now` if its time is over. `away`: how long ago
    /// this was noted by the wall clock. `None` of a share that was not noted.
    pub fn end(&self, id: Uuid, boot: &str, now: Duration, away: Duration) -> Option<Duration> {
        let left = self.left.get(&id)?;
        let gone = now.checked_sub(self.at).filter(|_| self.boot == boot).unwrap_or(away);
        now.checked_add(left.saturating_sub(gone))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_that_is_left_is_counted_since_the_same_start_and_by_the_wall_after_another() {
        let secs = Duration::from_secs;
        let (id, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let noted = TimeLeft::new("a", secs(1000), [(id, secs(1060)), (other, secs(900))]);
        let noted: TimeLeft = serde_json::from_str(&serde_json::to_string(&noted).unwrap()).unwrap();
        // Whatever the wall clock says.
        for away in [0, 20, 400 * 24 * 3600] {
            assert_eq!(noted.end(id, "a", secs(1020), secs(away)), Some(secs(1060)));
            assert_eq!(noted.end(id, "a", secs(1060), secs(away)), Some(secs(1060)));
            assert_eq!(noted.end(id, "a", secs(1061), secs(away)), Some(secs(1061)), "it is over");
            assert_eq!(noted.end(other, "a", secs(1001), secs(away)), Some(secs(1001)), "it was over");
        }
        // After a start of the machine, there is no other than that; nor where its clock went back.
        assert_eq!(noted.end(id, "b", secs(2000), secs(20)), Some(secs(2040)));
        assert_eq!(noted.end(id, "b", secs(2000), secs(61)), Some(secs(2000)));
        assert_eq!(
            noted.end(id, "b", secs(5), secs(0)),
            Some(secs(65)),
            "a clock that was set back meanwhile"
        );
        assert_eq!(noted.end(id, "a", secs(5), secs(20)), Some(secs(45)));
        assert_eq!(noted.end(Uuid::from_u128(3), "a", secs(1020), secs(20)), None);
    }
}
