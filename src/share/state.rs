//! The state of a share: its phase, and what is known of keeper, server, page and tunnel.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Cause, Failure, Health, Pace, backoff};

/// A share's status on the wire: the original's four words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// On its way.
    Starting,
    /// The tunnel says it is ready and the page answered on this machine.
    Active,
    /// Wanted, but not working at the moment (or given up: see the phase).
    Error,
    /// Ended.
    Stopped,
}

impl Status {
    /// The word on the wire and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Status::Starting => "starting",
            Status::Active => "active",
            Status::Error => "error",
            Status::Stopped => "stopped",
        }
    }
}

/// Why a share ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopReason {
    /// A person asked for it.
    Asked,
    /// A person stopped the daemon.
    DaemonStopped,
    /// Its first start failed and was answered with the error: it is not tried again.
    NeverStarted,
    /// The client that asked for it went away before it was answered.
    Abandoned,
    /// Its time is over.
    Expired,
}

/// Where a share stands. Instants are [`Duration`]s since the daemon started (monotonic).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Nothing was done yet.
    New,
    /// The keeper is being attached, or spawned if it is not there.
    Attaching {
        /// When to stop waiting.
        until: Duration,
    },
    /// Attached; waits for its turn to start a tunnel of its provider.
    Queued,
    /// The tunnel is starting: no URL yet, or not ready, or the page did not answer yet.
    Connecting {
        /// When to stop waiting.
        until: Duration,
    },
    /// It works.
    Active {
        /// Since when.
        since: Duration,
    },
    /// The tunnel runs, but says that it lost its connection.
    Degraded {
        /// Since when.
        since: Duration,
    },
    /// Down; will be tried again.
    Backoff {
        /// When.
        until: Duration,
    },
    /// Down, and trying again cannot mend it: a person has to act (and then `Restart`).
    GaveUp,
    /// A person wants it down and the page is: keeper and tunnel follow once that is recorded.
    Revoked {
        /// Why.
        why: StopReason,
        /// When to go on without the record.
        until: Duration,
    },
    /// Being ended.
    Stopping {
        /// Why.
        why: StopReason,
        /// When to stop waiting for the keeper.
        until: Duration,
    },
    /// Over.
    Ended {
        /// Why.
        why: StopReason,
    },
    /// The daemon leaves; keeper and tunnel stay for the next one.
    Left,
}

impl Phase {
    /// Name on the wire.
    pub fn name(&self) -> &'static str {
        match self {
            Phase::New => "new",
            Phase::Attaching { .. } => "attaching",
            Phase::Queued => "queued",
            Phase::Connecting { .. } => "connecting",
            Phase::Active { .. } => "active",
            Phase::Degraded { .. } => "degraded",
            Phase::Backoff { .. } => "backoff",
            Phase::GaveUp => "gave_up",
            Phase::Revoked { .. } => "revoked",
            Phase::Stopping { .. } => "stopping",
            Phase::Ended { .. } => "ended",
            Phase::Left => "left",
        }
    }
}

/// What the keeper says of its tunnel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TunnelSeen {
    /// No tunnel client runs.
    #[default]
    Absent,
    /// It runs and has not said that it is ready (or lost its connection since).
    Running,
    /// It runs, was ready, and lost its connection: what an attached keeper may say; from then on it is `Running`.
    Lost,
    /// It runs and says it is ready.
    Ready,
}

/// What is known of the way from the public URL to the page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    /// The keeper is attached.
    pub attached: bool,
    /// The session server runs on the keeper's socket.
    pub serving: bool,
    /// The page answered on this machine since the server started.
    pub page: bool,
    /// The tunnel client.
    pub tunnel: TunnelSeen,
    /// The tunnel's URL, scheme and host, of the client that runs now.
    pub url: Option<String>,
}

/// The state of one share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// Where it stands.
    pub phase: Phase,
    /// What is known.
    pub reach: Reach,
    /// The tunnel client that runs is of no use: it is replaced once the keeper is attached.
    pub stale_tunnel: bool,
    /// Since when it has worked, lost connections aside; `None` while it does not.
    pub healthy_since: Option<Duration>,
    /// Failures in a row, …
    pub failures: u32,
    /// … and of the page's server, which cost no tunnel.
    pub server_failures: u32,
    /// How often it came back after a failure, in this daemon's life.
    pub recoveries: u32,
    /// The first start has been answered (always true for a share that was restored).
    pub announced: bool,
    /// The latest failure, until the share works again.
    pub failure: Option<Failure>,
    /// No tunnel is started before: its provider asked for that.
    pub not_before: Option<Duration>,
    /// A person asked for the start that comes next: it waits for nothing.
    pub hurried: bool,
    /// What looks and probes have found.
    pub health: Health,
    /// How fast things go.
    pub pace: Pace,
    /// Tells shares apart in the jitter of their backoff.
    pub seed: u64,
}

/// How long the attach (or spawn) of a keeper may take.
pub const ATTACH_TIME: Duration = Duration::from_secs(10);
/// How long the record of a stop is waited for; the database's own limit is 7 s.
pub const RECORD_TIME: Duration = Duration::from_secs(8);
/// How long the end of a share may take: an attach that is under way comes first, and the keeper's own limit for
/// its tunnel is 5 s.
pub const STOP_TIME: Duration = Duration::from_secs(16);

impl State {
    /// A share that nobody has started yet. `announced` is true for one that is being restored.
    pub fn new(announced: bool, pace: Pace, seed: u64) -> Self {
        Self {
            phase: Phase::New,
            reach: Reach::default(),
            stale_tunnel: false,
            healthy_since: None,
            failures: 0,
            server_failures: 0,
            recoveries: 0,
            announced,
            failure: None,
            not_before: None,
            hurried: false,
            health: Health::default(),
            pace,
            seed,
        }
    }

    /// The same, of a share whose provider asked for patience before this daemon began: for `left` from `now`. A clock
    /// that was set back makes that no longer than such a wait ever is.
    pub fn held(mut self, failure: Failure, left: Duration, now: Duration) -> Self {
        self.failure = Some(failure);
        self.not_before = Some(now + left.min(backoff::longest_wait(self.pace.rate_limit_wait)));
        self
    }

    /// When a tunnel is started again, while that is waited for.
    pub fn next_attempt(&self) -> Option<Duration> {
        match self.phase {
            Phase::Backoff { until } => Some(until),
            Phase::New | Phase::Attaching { .. } => self.not_before,
            _ => None,
        }
    }

    /// The word on the wire.
    pub fn status(&self) -> Status {
        match &self.phase {
            Phase::New | Phase::Attaching { .. } | Phase::Queued | Phase::Connecting { .. } => {
                if self.failure.is_some() { Status::Error } else { Status::Starting }
            }
            Phase::Active { .. } => Status::Active,
            Phase::Degraded { .. } | Phase::Backoff { .. } | Phase::GaveUp => Status::Error,
            Phase::Ended { why: StopReason::NeverStarted }
            | Phase::Stopping { why: StopReason::NeverStarted, .. } => Status::Error,
            Phase::Revoked { .. } | Phase::Stopping { .. } | Phase::Ended { .. } => Status::Stopped,
            Phase::Left => Status::Starting,
        }
    }

    /// When [`super::Event::Tick`] is due at the latest, if no other event comes first.
    pub fn deadline(&self) -> Option<Duration> {
        match self.phase {
            Phase::Attaching { until }
            | Phase::Connecting { until }
            | Phase::Backoff { until }
            | Phase::Revoked { until, .. }
            | Phase::Stopping { until, .. } => Some(until),
            Phase::Active { .. } | Phase::Degraded { .. } => self.health.deadline(),
            Phase::New | Phase::Queued | Phase::GaveUp | Phase::Ended { .. } | Phase::Left => None,
        }
    }

    /// Whether a place among the starting tunnels of its provider is needed.
    pub fn holds_slot(&self) -> bool {
        matches!(self.phase, Phase::Queued | Phase::Connecting { .. })
    }

    /// Whether nothing more will happen.
    pub fn is_over(&self) -> bool {
        matches!(self.phase, Phase::Ended { .. } | Phase::Left)
    }

    /// Everything between the public URL and the page is there.
    pub(super) fn complete(&self) -> bool {
        let Reach { attached, serving, page, tunnel, url } = &self.reach;
        *attached && *serving && *page && *tunnel == TunnelSeen::Ready && url.is_some()
    }

    /// What is missing, as a failure by time.
    pub(super) fn missing(&self) -> Failure {
        let secs = self.pace.patience.as_secs();
        let (cause, what, remedy) = if !self.reach.attached {
            (
                Cause::Keeper,
                "the share's keeper process did not answer".to_owned(),
                "see `panko logs` and try again",
            )
        } else if !self.reach.serving || !self.reach.page {
            (
                Cause::Page,
                "the page did not answer on this machine".to_owned(),
                "see `panko logs` and try again",
            )
        } else if self.reach.url.is_none() {
            (
                Cause::TimedOut,
                format!("the tunnel gave no URL within {secs} s"),
                "check the network, see `panko logs`, or try `--tunnel local`",
            )
        } else {
            (
                Cause::TimedOut,
                format!("the tunnel did not connect within {secs} s"),
                "check the network (some block the tunnel's port), or try another `--tunnel`",
            )
        };
        Failure::new(cause, what, remedy)
    }
}
