//! One kind of report, at most every [`QUIET`].
//!
//! A client that flaps, or prints names without end, must not flood the daemon: what happened in between is reported as
//! it stands when the time is over.

use std::time::Duration;

use crate::tunnel::keeper::protocol::Event;

/// Least time between two reports of one kind.
pub(super) const QUIET: Duration = Duration::from_millis(100);

/// The latest report of a kind, when it had to wait.
#[derive(Debug, Default)]
pub(super) struct Slot {
    waiting: Option<Event>,
    not_before: Duration,
}

impl Slot {
    /// A new report: back at once, or kept in place of one that waits.
    pub(super) fn offer(&mut self, event: Event, now: Duration) -> Option<Event> {
        self.waiting = Some(event);
        self.due(now)
    }

    /// The waiting report, when it may go.
    pub(super) fn due(&mut self, now: Duration) -> Option<Event> {
        if now < self.not_before {
            return None;
        }
        let event = self.waiting.take()?;
        self.not_before = now.saturating_add(QUIET);
        Some(event)
    }

    /// When a report waits: until when.
    pub(super) fn deadline(&self) -> Option<Duration> {
        self.waiting.as_ref().map(|_| self.not_before)
    }

    /// The waiting report, whether or not it may go.
    pub(super) fn take(&mut self) -> Option<Event> {
        self.waiting.take()
    }
}
