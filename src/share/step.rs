//! The transitions.

use std::time::Duration;

use super::event::{Effect, Event, Limited, Now};
use super::state::{ATTACH_TIME, RECORD_TIME, STOP_TIME};
use super::{Cause, Failure, Phase, Reach, State, StopReason, TunnelSeen, backoff};

/// One transition: the state after `event` at `now`, and what is to be done, in order.
///
/// Total: an event that means nothing in a phase (a late result) changes nothing.
pub fn step(mut state: State, event: Event, now: Now) -> (State, Vec<Effect>) {
    let mut todo = Vec::new();
    if !state.is_over() {
        state.on(event, now, &mut todo);
        state.plan_looks(now);
    }
    (state, todo)
}

impl State {
    fn on(&mut self, event: Event, now: Now, todo: &mut Vec<Effect>) {
        if let Phase::Stopping { why, until } = self.phase {
            return self.on_stopping(event, why, now >= until, todo);
        }
        if let Phase::Revoked { why, until } = self.phase {
            return match event {
                Event::Stop(why) => self.stop(why, now, todo),
                Event::Tick if now >= until => self.stop(why, now, todo),
                Event::Leave => self.leave(todo),
                _ => {}
            };
        }
        match event {
            Event::Begin => {
                if self.phase == Phase::New {
                    self.attach(now, todo);
                }
            }
            Event::Attached { tunnel, url, limited } => {
                if !matches!(self.phase, Phase::Attaching { .. }) {
                    return;
                }
                let hurried = std::mem::take(&mut self.hurried);
                if let Some(limited) = limited.filter(|_| self.announced && !hurried) {
                    self.hold(limited, now);
                }
                self.on_attached(tunnel, url, now, todo);
            }
            Event::AttachFailed(failure) => {
                if matches!(self.phase, Phase::Attaching { .. }) {
                    self.fail(failure, now, todo);
                }
            }
            Event::Serving => {
                if self.reach.attached && !self.reach.serving {
                    self.reach.serving = true;
                    todo.push(Effect::CheckPage);
                }
            }
            Event::ServerDown(failure) => self.on_server_down(failure, now, todo),
            Event::SlotGranted => {
                if self.phase == Phase::Queued {
                    self.phase = Phase::Connecting { until: now + self.pace.patience };
                    todo.push(Effect::StartTunnel);
                }
            }
            // A client that is about to be replaced, or to end, may still speak.
            Event::TunnelUrl(_) | Event::TunnelReady
                if matches!(self.phase, Phase::Queued | Phase::GaveUp) => {}
            Event::TunnelUrl(url) => {
                self.tunnel_at_least(TunnelSeen::Running);
                let known = self.reach.url.replace(url);
                if known != self.reach.url {
                    self.forget_probes();
                }
                self.settle(now, todo);
            }
            Event::TunnelReady => {
                self.tunnel_at_least(TunnelSeen::Ready);
                self.settle(now, todo);
            }
            Event::TunnelLost(failure) => self.on_tunnel_lost(failure, now),
            Event::TunnelDown(failure) => self.on_tunnel_down(failure, now, todo),
            Event::PageAnswered => {
                if self.reach.serving {
                    self.reach.page = true;
                    self.settle(now, todo);
                }
            }
            Event::PageSilent(failure) => {
                if self.reach.serving {
                    self.on_server_down(failure, now, todo);
                }
            }
            Event::Looked(findings) => self.on_looked(findings, now, todo),
            Event::Probed(probed) => self.on_probed(probed, now, todo),
            Event::Woke => self.on_woke(now),
            Event::Paced(pace) => self.on_paced(pace, now),
            Event::KeeperGone => {
                if self.reach.attached {
                    self.lose_keeper(todo);
                    let failure = Failure::new(
                        Cause::Keeper,
                        "the share's keeper process ended unexpectedly",
                        "nothing: it is started again, with a new URL where the provider gives no fixed one",
                    );
                    self.fail(failure, now, todo);
                }
            }
            Event::KeeperStopped => {}
            Event::Restart => self.on_restart(now, todo),
            Event::Revoke(why) => {
                self.answer_stopped(why, todo);
                self.close_server(todo);
                self.phase = Phase::Revoked { why, until: now + RECORD_TIME };
            }
            Event::Stop(why) => self.stop(why, now, todo),
            Event::Leave => self.leave(todo),
            Event::Tick => self.on_tick(now, todo),
        }
    }

    fn on_attached(&mut self, tunnel: TunnelSeen, url: Option<String>, now: Now, todo: &mut Vec<Effect>) {
        let lost = tunnel == TunnelSeen::Lost;
        let tunnel = if lost { TunnelSeen::Running } else { tunnel };
        self.reach = Reach { attached: true, serving: false, page: false, tunnel, url };
        todo.push(Effect::Serve);
        let held = self.not_before.filter(|until| *until > now && tunnel == TunnelSeen::Absent);
        if let Some(until) = held {
            self.phase = Phase::Backoff { until };
        } else if tunnel == TunnelSeen::Absent || std::mem::take(&mut self.stale_tunnel) {
            self.start_tunnel(todo);
        } else if lost && self.reach.url.is_some() {
            // It was up and reconnects by itself, for as long as that takes: a fresh one would cost the URL.
            self.phase = Phase::Degraded { since: now };
            let what = "the tunnel has lost its connection";
            self.failure = Some(Failure::new(Cause::Network, what, "nothing: it reconnects by itself"));
        } else {
            self.phase = Phase::Connecting { until: now + self.pace.patience };
        }
    }

    /// The tunnel may be well: the way back is a fresh attach, not a fresh tunnel.
    pub(super) fn on_server_down(&mut self, failure: Failure, now: Now, todo: &mut Vec<Effect>) {
        if !self.reach.attached {
            return;
        }
        self.close_server(todo);
        self.reach.attached = false;
        match self.phase {
            Phase::Backoff { .. } | Phase::GaveUp => {}
            _ => {
                self.forget_if_healthy(now);
                // How often tunnels failed does not delay the way back to one that lives.
                let of_tunnels = std::mem::replace(&mut self.failures, self.server_failures);
                self.fail(failure, now, todo);
                self.server_failures = std::mem::replace(&mut self.failures, of_tunnels);
            }
        }
    }

    fn on_tunnel_lost(&mut self, failure: Failure, now: Now) {
        self.health.ill_by_look = false;
        if self.reach.tunnel == TunnelSeen::Ready {
            self.reach.tunnel = TunnelSeen::Running;
        }
        if let Phase::Active { .. } = self.phase {
            self.failure = Some(failure);
            self.phase = Phase::Degraded { since: now };
        }
    }

    fn on_tunnel_down(&mut self, failure: Failure, now: Now, todo: &mut Vec<Effect>) {
        self.reach.tunnel = TunnelSeen::Absent;
        self.reach.url = None;
        match self.phase {
            Phase::Connecting { .. } | Phase::Active { .. } | Phase::Degraded { .. } => {
                self.fail(failure, now, todo);
            }
            // A client that was given up says so late.
            _ if failure.cause == Cause::RateLimited && !self.hurried => {
                self.hold(Limited { failure, ago: Duration::ZERO }, now);
                if let (Phase::Backoff { until }, Some(held)) = (&mut self.phase, self.not_before) {
                    *until = held.max(*until);
                }
            }
            _ => {}
        }
    }

    fn on_restart(&mut self, now: Now, todo: &mut Vec<Effect>) {
        match self.phase {
            Phase::Active { .. } | Phase::Degraded { .. } | Phase::Backoff { .. } | Phase::GaveUp => {
                self.no_wait_holds();
                self.start_again(now, todo);
            }
            // On its way: what it might wait for is forgotten, and what failed before does not count.
            Phase::New | Phase::Attaching { .. } | Phase::Queued | Phase::Connecting { .. }
                if self.announced =>
            {
                self.no_wait_holds();
            }
            _ => {}
        }
    }

    fn no_wait_holds(&mut self) {
        self.failures = 0;
        self.server_failures = 0;
        self.failure = None;
        self.not_before = None;
        self.hurried = true;
    }

    /// What the provider asked for, however it is learned of, holds from the moment it was said.
    fn hold(&mut self, Limited { failure, ago }: Limited, now: Now) {
        self.failures = self.failures.max(1);
        let wait = backoff::delay(self.failures, failure.cause, self.seed, self.pace.rate_limit_wait);
        let until = (now + wait).saturating_sub(ago);
        if until > now && self.not_before.is_none_or(|known| known < until) {
            self.not_before = Some(until);
            self.failure = Some(failure);
        }
    }

    fn on_tick(&mut self, now: Now, todo: &mut Vec<Effect>) {
        match self.phase {
            Phase::Attaching { until } if now >= until => {
                let failure = self.missing();
                self.fail(failure, now, todo);
            }
            Phase::Connecting { until } if now >= until => self.on_out_of_patience(now, todo),
            Phase::Backoff { until } if now >= until => self.start_again(now, todo),
            _ => self.look_if_due(now, todo),
        }
    }

    /// The way goes by a fresh attach, for the keeper itself may hang. A tunnel is replaced only if it is what
    /// is missing.
    fn on_out_of_patience(&mut self, now: Now, todo: &mut Vec<Effect>) {
        let failure = self.missing();
        self.stale_tunnel = self.reach.tunnel != TunnelSeen::Ready;
        self.close_server(todo);
        self.reach.attached = false;
        self.fail(failure, now, todo);
    }

    fn on_stopping(&mut self, event: Event, why: StopReason, late: bool, todo: &mut Vec<Effect>) {
        match event {
            Event::KeeperStopped => {}
            Event::Tick if late => {}
            _ => return,
        }
        self.phase = Phase::Ended { why };
        todo.push(Effect::End);
    }

    /// Active, if nothing is missing any more.
    pub(super) fn settle(&mut self, now: Now, todo: &mut Vec<Effect>) {
        if !self.complete() {
            return;
        }
        if let Phase::Connecting { .. } | Phase::Degraded { .. } = self.phase {
            self.phase = Phase::Active { since: now };
            self.healthy_since.get_or_insert(now);
            self.not_before = None;
            self.health.ill_by_look = false;
            if self.failure.take().is_some() {
                self.recoveries += 1;
            }
            if !self.announced {
                self.announced = true;
                todo.push(Effect::Answer(Ok(())));
            }
        }
    }

    /// What follows a failure: an answer and the end, or a pause, or a person's turn.
    pub(super) fn fail(&mut self, failure: Failure, now: Now, todo: &mut Vec<Effect>) {
        if !self.announced {
            todo.push(Effect::Answer(Err(failure.clone())));
            self.failure = Some(failure);
            return self.stop(StopReason::NeverStarted, now, todo);
        }
        self.forget_if_healthy(now);
        self.failures = self.failures.saturating_add(1);
        self.phase = if failure.cause.is_terminal() {
            // A client that runs, or is just starting, would not be ended by anybody: a URL that leads nowhere.
            self.reach.tunnel = TunnelSeen::Absent;
            self.reach.url = None;
            todo.push(Effect::EndTunnel);
            Phase::GaveUp
        } else {
            let wait = backoff::delay(self.failures, failure.cause, self.seed, self.pace.rate_limit_wait);
            let until = now + wait;
            // What the provider asked for holds, whatever else fails meanwhile.
            if let Some(until) = self.not_before.filter(|asked_for| *asked_for > until) {
                self.phase = Phase::Backoff { until };
                return;
            }
            if failure.cause == Cause::RateLimited {
                self.not_before = Some(until);
            }
            Phase::Backoff { until }
        };
        self.failure = Some(failure);
    }

    /// What failed before ten healthy minutes does not count.
    fn forget_if_healthy(&mut self, now: Now) {
        if self.healthy_since.take().is_some_and(|since| now.saturating_sub(since) >= backoff::HEALTHY) {
            self.failures = 0;
            self.server_failures = 0;
        }
    }

    fn start_again(&mut self, now: Now, todo: &mut Vec<Effect>) {
        if self.reach.attached {
            self.start_tunnel(todo);
        } else {
            self.attach(now, todo);
        }
    }

    fn attach(&mut self, now: Now, todo: &mut Vec<Effect>) {
        self.phase = Phase::Attaching { until: now + ATTACH_TIME };
        todo.push(Effect::Attach);
    }

    /// A fresh client, in its turn; what is known of the one before does not count any more.
    fn start_tunnel(&mut self, todo: &mut Vec<Effect>) {
        self.reach.tunnel = TunnelSeen::Absent;
        self.reach.url = None;
        self.hurried = false;
        self.phase = Phase::Queued;
        todo.push(Effect::AwaitSlot);
    }

    fn stop(&mut self, why: StopReason, now: Now, todo: &mut Vec<Effect>) {
        self.answer_stopped(why, todo);
        self.close_server(todo);
        self.phase = Phase::Stopping { why, until: now + STOP_TIME };
        todo.push(Effect::StopKeeper);
    }

    fn leave(&mut self, todo: &mut Vec<Effect>) {
        todo.extend([Effect::CloseServer, Effect::End]);
        self.phase = Phase::Left;
    }

    /// Whoever waits for the start is told that there is none; a first start that failed has been answered.
    fn answer_stopped(&mut self, why: StopReason, todo: &mut Vec<Effect>) {
        if !self.announced && why != StopReason::NeverStarted {
            let what = "the share was stopped before it was up";
            todo.push(Effect::Answer(Err(Failure::new(Cause::Internal, what, "share it again"))));
        }
        self.announced = true;
    }

    pub(super) fn lose_keeper(&mut self, todo: &mut Vec<Effect>) {
        self.close_server(todo);
        self.reach = Reach::default();
    }

    fn close_server(&mut self, todo: &mut Vec<Effect>) {
        self.reach.serving = false;
        self.reach.page = false;
        todo.push(Effect::CloseServer);
    }

    fn tunnel_at_least(&mut self, seen: TunnelSeen) {
        if self.reach.tunnel != TunnelSeen::Ready {
            self.reach.tunnel = seen;
        }
    }
}
