//! One run of a tunnel client, from its start to the end of its output.

use std::time::Duration;

use super::{Run, StartFailure};
use crate::tunnel::extract::TunnelEvent;
use crate::tunnel::keeper::protocol::{Cause, Event, Exit, TunnelState};
use crate::tunnel::spec::{StopRule, StopSignal, TunnelSpec};

/// How long the output of a client that is gone is waited for: a stray helper may hold the pipe open.
pub(super) const DRAIN: Duration = Duration::from_millis(500);

/// A client. Moments are those of [`super::Now::mono`].
#[derive(Debug)]
pub(super) struct Client {
    pub(super) run: Run,
    /// 0 until it is started, which is at once.
    pub(super) pid: u32,
    /// Both streams have ended.
    pub(super) output_ended: bool,
    since: Duration,
    ready_timeout: Duration,
    stop_rule: StopRule,
    url_seen: bool,
    connected: bool,
    was_up: bool,
    overdue: bool,
    rate_limited: bool,
    terminal: Option<Cause>,
    lost: String,
    kill: Kill,
    ended: Option<Ended>,
}

#[derive(Debug)]
struct Ended {
    code: Option<i32>,
    signal: Option<i32>,
    at: Duration,
}

/// Whether it was asked to end, and what comes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kill {
    NotAsked,
    DueAt(Duration),
    Done,
}

impl Client {
    /// A client that is about to be started.
    pub(super) fn new(run: Run, spec: &TunnelSpec, now: Duration) -> Self {
        Self {
            run,
            pid: 0,
            output_ended: false,
            since: now,
            ready_timeout: Duration::from_millis(spec.ready_timeout_ms),
            stop_rule: spec.stop,
            url_seen: false,
            connected: false,
            was_up: false,
            overdue: false,
            rate_limited: false,
            terminal: None,
            lost: String::new(),
            kill: Kill::NotAsked,
            ended: None,
        }
    }

    /// It runs.
    pub(super) fn started(&mut self, pid: u32, now: Duration) {
        self.pid = pid;
        self.since = now;
    }

    /// Its output said something.
    pub(super) fn said(&mut self, event: &TunnelEvent) {
        match event {
            TunnelEvent::Url(_) => self.url_seen = true,
            TunnelEvent::Ready => self.connected = true,
            TunnelEvent::ReadyAt(_) => {}
            TunnelEvent::Lost { reason } => {
                self.connected = false;
                self.lost.clone_from(reason);
            }
            TunnelEvent::RateLimited => self.rate_limited = true,
            TunnelEvent::Terminal { cause, remedy, class } => {
                self.terminal =
                    Some(Cause::Terminal { cause: cause.clone(), remedy: remedy.clone(), class: *class });
            }
        }
        self.was_up |= self.url_seen && self.connected;
    }

    /// Its process is gone.
    pub(super) fn ended(&mut self, code: Option<i32>, signal: Option<i32>, now: Duration) {
        self.ended = Some(Ended { code, signal, at: now });
    }

    /// Is its process gone?
    pub(super) fn has_ended(&self) -> bool {
        self.ended.is_some()
    }

    /// Is its process gone and its output read, or waited for long enough?
    pub(super) fn is_over(&self, now: Duration) -> bool {
        self.ended.as_ref().is_some_and(|ended| self.output_ended || now >= ended.at.saturating_add(DRAIN))
    }

    /// Asks it to end; the signal to send, the first time.
    pub(super) fn stop(&mut self, now: Duration) -> Option<StopSignal> {
        if self.kill != Kill::NotAsked || self.has_ended() {
            return None;
        }
        self.kill = match self.stop_rule.signal {
            StopSignal::Kill => Kill::Done,
            _ => Kill::DueAt(now.saturating_add(Duration::from_millis(self.stop_rule.timeout_ms))),
        };
        Some(self.stop_rule.signal)
    }

    /// Was it asked to end, and has not in time? Said once.
    pub(super) fn must_be_killed(&mut self, now: Duration) -> bool {
        let due = matches!(self.kill, Kill::DueAt(at) if now >= at) && !self.has_ended();
        if due {
            self.kill = Kill::Done;
        }
        due
    }

    /// Is it still not up after its time? Said once.
    pub(super) fn overdue(&mut self, now: Duration) -> Option<Event> {
        let due = self.overdue_at().is_some_and(|at| now >= at);
        self.overdue |= due;
        due.then(|| Event::Overdue { waited_ms: self.waited_ms(now), url_seen: self.url_seen })
    }

    fn overdue_at(&self) -> Option<Duration> {
        let waiting = !self.was_up && !self.overdue && self.kill == Kill::NotAsked && !self.has_ended();
        waiting.then(|| self.since.saturating_add(self.ready_timeout))
    }

    /// When time alone changes something.
    pub(super) fn deadline(&self) -> Option<Duration> {
        match (&self.ended, self.kill) {
            (Some(ended), _) => Some(ended.at.saturating_add(DRAIN)),
            (None, Kill::DueAt(at)) => Some(at),
            (None, Kill::Done) => None,
            (None, Kill::NotAsked) => self.overdue_at(),
        }
    }

    /// How it stands.
    pub(super) fn state(&self, now: Duration) -> TunnelState {
        let pid = self.pid;
        if self.kill != Kill::NotAsked || self.has_ended() {
            TunnelState::Stopping { pid }
        } else if self.url_seen && self.connected {
            TunnelState::Up { pid }
        } else if self.was_up {
            TunnelState::Lost { pid, reason: self.lost.clone() }
        } else {
            let Self { overdue, rate_limited, url_seen, .. } = *self;
            TunnelState::Starting { pid, waited_ms: self.waited_ms(now), overdue, rate_limited, url_seen }
        }
    }

    fn waited_ms(&self, now: Duration) -> u64 {
        u64::try_from(now.saturating_sub(self.since).as_millis()).unwrap_or(u64::MAX)
    }

    /// How it ended, without its last lines and its moment.
    pub(super) fn exit(self) -> Exit {
        let cause = match self.terminal {
            _ if self.kill != Kill::NotAsked => Cause::Stopped,
            Some(terminal) => terminal,
            None if self.rate_limited => Cause::RateLimited,
            None => Cause::Exited,
        };
        let (code, signal) = self.ended.map_or((None, None), |ended| (ended.code, ended.signal));
        Exit { code, signal, before_ready: !self.was_up, cause, tail: Vec::new(), at: None }
    }
}

impl StartFailure {
    /// The same as the end of a client.
    pub(super) fn exit(self) -> Exit {
        let Self { message, remedy, transient } = self;
        let cause = Cause::NotStarted { message, remedy, transient };
        Exit { code: None, signal: None, before_ready: true, cause, tail: Vec::new(), at: None }
    }
}
