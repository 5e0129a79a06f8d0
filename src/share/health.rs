//! Does a share that says it works do so? When that is looked at, and what is made of what was found.
//!
//! A *look* stays on this machine: does the page answer, does the keeper, what does the tunnel client say of
//! itself. A *probe* goes out and comes back through the public URL. Neither does harm: a name is not asked for
//! before it can exist, free plans count requests (both say the provider's row), and a tunnel is replaced only
//! while this machine is provably online, for a train's tunnel must not cost the URL.

use std::time::Duration;

#[cfg(test)]
mod tests;

use super::event::{Effect, Now};
use super::{Cause, Failure, Phase, State, TunnelSeen};

/// Looks in a row at a page that does not answer, before its server is replaced.
const PAGE: u32 = 2;
/// Looks in a row at a keeper that does not answer, before it is replaced.
const KEEPER: u32 = 3;
/// Looks in a row at a tunnel client that is not well, before that is said.
const TUNNEL: u32 = 2;
/// Probes in a row that do not reach the page any more, before that is said.
const PUBLIC: u32 = 3;
/// So many looks later, a tunnel that is not well yet is replaced: 2 min, at the usual pace.
const LONG: u32 = 8;
/// The longest pause before a look that follows a bad one, …
const LOOK_AGAIN: Duration = Duration::from_secs(3);
/// … and before a probe that follows a bad one of a URL that worked.
const PROBE_AGAIN: Duration = Duration::from_secs(15);

/// How fast things go with a share's provider, and as a person wants it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// How long a tunnel may take from its start until it is ready.
    pub patience: Duration,
    /// The least wait after the provider asked for patience.
    pub rate_limit_wait: Duration,
    /// Between two looks.
    pub look_every: Duration,
    /// From a URL's appearance to the first probe.
    pub first_probe_after: Duration,
    /// Between two probes.
    pub probe_every: Duration,
}

/// What a tunnel client says of itself, by other means than its lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pulse {
    /// It is not stopped, and there is no other way to ask it.
    Unknown,
    /// It is connected.
    Well,
    /// It is not, or cannot answer: why.
    Ill(String),
}

/// What a look found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Findings {
    /// Whether the page answered on this machine, or why not.
    pub page: Result<(), String>,
    /// Whether the keeper answered.
    pub keeper: bool,
    /// The tunnel client.
    pub tunnel: Pulse,
    /// This machine is provably online.
    pub online: bool,
}

/// What a probe brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Probed {
    /// Our own page, through the public URL.
    Verified,
    /// Somebody's answer, but not our page: so this machine is online.
    Wrong(String),
    /// Nothing.
    Unreached {
        /// Why.
        why: String,
        /// This machine is provably online.
        online: bool,
    },
}

/// What is known of the public URL.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Public {
    /// It has not been asked for yet.
    #[default]
    Pending,
    /// It leads to the page.
    Verified,
    /// From here, it does not. That may be this machine's view alone.
    Unverified,
}

impl Public {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Public::Pending => "pending",
            Public::Verified => "verified",
            Public::Unverified => "unverified",
        }
    }
}

/// What looks and probes have found since the share came up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Health {
    /// The public URL.
    pub public: Public,
    /// Why it is not verified.
    pub unverified: Option<String>,
    /// It was verified before: from then on it is missed.
    worked: bool,
    /// The tunnel is ill by what looks found, and not by its own words or by probes.
    pub(super) ill_by_look: bool,
    pub(super) missed: Missed,
    next_look: Option<Duration>,
    next_probe: Option<Duration>,
}

/// Bad answers in a row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Missed {
    pub(super) page: u32,
    pub(super) keeper: u32,
    pub(super) tunnel: u32,
    pub(super) public: u32,
}

impl Health {
    /// When something is to be looked at.
    pub(super) fn deadline(&self) -> Option<Duration> {
        self.next_look.into_iter().chain(self.next_probe).min()
    }
}

impl State {
    fn is_watched(&self) -> bool {
        matches!(self.phase, Phase::Active { .. } | Phase::Degraded { .. })
    }

    /// Looks are due while the share is up, and only then.
    pub(super) fn plan_looks(&mut self, now: Now) {
        if !self.is_watched() {
            self.health = Health::default();
            return;
        }
        self.health.next_look.get_or_insert(now + self.pace.look_every);
        self.health.next_probe.get_or_insert(now + self.pace.first_probe_after);
    }

    /// Another URL is another question.
    pub(super) fn forget_probes(&mut self) {
        self.health.public = Public::Pending;
        self.health.unverified = None;
        self.health.worked = false;
        self.health.missed.public = 0;
        self.health.next_probe = None;
    }

    pub(super) fn look_if_due(&mut self, now: Now, todo: &mut Vec<Effect>) {
        if self.health.next_look.is_some_and(|at| now >= at) {
            self.health.next_look = Some(now + self.pace.look_every);
            todo.push(Effect::Look);
        }
        if self.health.next_probe.is_some_and(|at| now >= at) {
            self.health.next_probe = Some(now + self.pace.probe_every);
            todo.push(Effect::Probe);
        }
    }

    /// The machine slept, or this process did: what was missed meanwhile is nobody's fault, and all may have
    /// changed.
    pub(super) fn on_woke(&mut self, now: Now) {
        if self.is_watched() {
            self.health.missed = Missed::default();
            self.health.next_look = Some(now);
            // A name that is asked for before it can exist is remembered as missing.
            if self.health.public != Public::Pending {
                self.health.next_probe = Some(now);
            }
        }
        if let Phase::Backoff { .. } = self.phase {
            self.phase = Phase::Backoff { until: self.not_before.unwrap_or(now).max(now) };
        }
    }

    /// What is due sooner at the new pace comes sooner; what is under way keeps its time.
    pub(super) fn on_paced(&mut self, pace: Pace, now: Now) {
        self.pace = pace;
        let sooner = |due: Option<Duration>, every: Duration| due.map(|due| due.min(now + every));
        self.health.next_look = sooner(self.health.next_look, pace.look_every);
        self.health.next_probe = sooner(self.health.next_probe, pace.probe_every);
    }

    /// Since when the tunnel is ill, by the clock of [`step`](super::step::step); zero if it is not.
    pub fn degraded_since(&self) -> Duration {
        match self.phase {
            Phase::Degraded { since } => since,
            _ => Duration::ZERO,
        }
    }

    pub(super) fn on_looked(&mut self, findings: Findings, now: Now, todo: &mut Vec<Effect>) {
        if !self.is_watched() {
            return;
        }
        let Findings { page, keeper, tunnel, online } = findings;
        let missed = &mut self.health.missed;
        count(&mut missed.page, page.is_err());
        // Where not even the page answers in time, the machine is at its limits: who is replaced costs the URL.
        count(&mut missed.keeper, !keeper && page.is_ok());
        count(&mut missed.tunnel, matches!(tunnel, Pulse::Ill(_)));
        if *missed != (Missed { public: missed.public, ..Missed::default() }) {
            self.health.next_look = Some(now + self.pace.look_every.min(LOOK_AGAIN));
        }
        let missed = self.health.missed;
        if let Err(why) = page
            && missed.page >= PAGE
        {
            let what = format!("the page does not answer on this machine any more: {why}");
            let failure = Failure::new(Cause::Page, what, "nothing: its server is replaced");
            return self.on_server_down(failure, now, todo);
        }
        if missed.keeper >= KEEPER {
            self.lose_keeper(todo);
            let what = "the share's keeper process does not answer any more";
            let remedy = "nothing: it is replaced, with a new URL where the provider gives no fixed one";
            return self.fail(Failure::new(Cause::Keeper, what, remedy), now, todo);
        }
        match tunnel {
            Pulse::Well => self.tunnel_is_well(now, todo),
            // All that looks had against it is over.
            Pulse::Unknown if self.health.ill_by_look => self.tunnel_is_well(now, todo),
            Pulse::Ill(why) if missed.tunnel >= TUNNEL => {
                self.health.ill_by_look |= matches!(self.phase, Phase::Active { .. });
                self.blame_tunnel(&why, online, now, todo);
            }
            // It said so itself, has not said otherwise, and its page was never reached: nothing else can tell.
            Pulse::Unknown if self.degraded_since() > Duration::ZERO && !self.health.worked => {
                self.blame_tunnel("it lost its connection, and says of no other", online, now, todo);
            }
            Pulse::Ill(_) | Pulse::Unknown => {}
        }
    }

    pub(super) fn on_probed(&mut self, probed: Probed, now: Now, todo: &mut Vec<Effect>) {
        if !self.is_watched() {
            return;
        }
        let (why, online) = match probed {
            Probed::Verified => {
                self.health.public = Public::Verified;
                self.health.unverified = None;
                self.health.worked = true;
                self.health.missed.public = 0;
                self.health.missed.tunnel = 0;
                return self.tunnel_is_well(now, todo);
            }
            Probed::Wrong(why) => (why, true),
            Probed::Unreached { why, online } => (why, online),
        };
        self.health.public = Public::Unverified;
        self.health.unverified = Some(why.clone());
        if !self.health.worked {
            return;
        }
        self.health.next_probe = Some(now + self.pace.probe_every.min(PROBE_AGAIN));
        // While this machine is offline, or the page itself is at fault, the tunnel is not blamed.
        if online && self.health.missed.page == 0 {
            self.health.missed.public += 1;
            if self.health.missed.public >= PUBLIC {
                let why = format!("the public URL does not lead to the page: {why}");
                self.blame_tunnel(&why, online, now, todo);
            }
        }
    }

    /// Proof beats what it said of itself: one of its connections may be lost, and the others carry on.
    fn tunnel_is_well(&mut self, now: Now, todo: &mut Vec<Effect>) {
        self.reach.tunnel = TunnelSeen::Ready;
        self.settle(now, todo);
    }

    fn blame_tunnel(&mut self, why: &str, online: bool, now: Now, todo: &mut Vec<Effect>) {
        let what = format!("the tunnel does not work: {why}");
        match self.phase {
            Phase::Degraded { since } => {
                let long = now.saturating_sub(since) >= self.pace.look_every * LONG;
                if online && long && self.health.missed.page == 0 {
                    let remedy = "nothing: the tunnel is replaced, with a new URL where the provider gives no \
                                  fixed one";
                    self.fail(Failure::new(Cause::Network, what, remedy), now, todo);
                }
            }
            _ => {
                self.reach.tunnel = TunnelSeen::Running;
                let remedy = "nothing: if it stays so while this machine is online, the tunnel is replaced";
                self.failure = Some(Failure::new(Cause::Network, what, remedy));
                self.phase = Phase::Degraded { since: now };
            }
        }
    }
}

#[cfg(test)]
impl Health {
    /// One more bad answer of any kind, and something follows.
    pub(super) fn at_the_brink(mut self) -> Self {
        self.missed = Missed { page: PAGE - 1, keeper: KEEPER - 1, tunnel: TUNNEL - 1, public: PUBLIC - 1 };
        self.worked = true;
        self
    }
}

fn count(missed: &mut u32, bad: bool) {
    *missed = if bad { missed.saturating_add(1) } else { 0 };
}
