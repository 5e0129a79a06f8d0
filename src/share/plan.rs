//! What becomes of each recorded share when a daemon starts.

use std::time::Duration;

/// What is known of a share at the start of a daemon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// It was asked for and not ended by a person.
    pub wanted: bool,
    /// A keeper of it is alive.
    pub kept: bool,
    /// How long no daemon ran; `None` if that is not known (first start, lost state).
    pub away: Option<Duration>,
}

/// What to do with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plan {
    /// Start or attach it: one path.
    Restore,
    /// It stays as it is recorded: ended.
    Leave,
    /// It was wanted, but too long ago: it is recorded as stopped, and the person is told how to start it.
    Expire,
    /// Nobody wants it, but its keeper lives: end that.
    EndKeeper,
}

/// The plan for one share. `restore_within`: how long a daemon may have been away for its shares to come
/// back by themselves. Nothing that nobody wants any more publishes itself.
pub fn plan(found: Found, restore_within: Duration) -> Plan {
    match found {
        Found { wanted: false, kept: true, .. } => Plan::EndKeeper,
        Found { wanted: false, kept: false, .. } => Plan::Leave,
        // The page is reachable this very moment: to go on is to change nothing.
        Found { wanted: true, kept: true, .. } => Plan::Restore,
        Found { wanted: true, kept: false, away: Some(away) } if away <= restore_within => Plan::Restore,
        Found { wanted: true, kept: false, .. } => Plan::Expire,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_wanted_and_recent_comes_back() {
        let day = Duration::from_secs(24 * 3600);
        let hour = Some(Duration::from_secs(3600));
        let week = Some(7 * day);
        for (wanted, kept, away, expected) in [
            (true, true, hour, Plan::Restore),
            (true, true, week, Plan::Restore),
            (true, true, None, Plan::Restore),
            (true, false, hour, Plan::Restore),
            (true, false, Some(day), Plan::Restore),
            (true, false, week, Plan::Expire),
            (true, false, None, Plan::Expire),
            (false, true, hour, Plan::EndKeeper),
            (false, false, hour, Plan::Leave),
            (false, false, None, Plan::Leave),
        ] {
            let found = Found { wanted, kept, away };
            assert_eq!(plan(found, day), expected, "{found:?}");
        }
    }
}
