//! PURE: what a keeper does next: `step(input, now) -> effects`.
//!
//! No restart is decided here: backoff and timeouts are the daemon's, the keeper reports. What it does decide is how
//! things end: by command, by a signal, or because no daemon came for the grace time.

use std::time::Duration;

use super::protocol::{
    Command, Event, Exit, Hello, Reply, ReplyErrorCode, Request, SeenUrl, TunnelState, VERSION,
};
use crate::tunnel::extract::TunnelEvent;
use crate::tunnel::spec::{StopSignal, TunnelSpec};

mod client;
mod quiet;
#[cfg(test)]
mod tests;
mod words;

use client::Client;
use quiet::Slot;
pub use words::{Conn, Effect, Input, Now, Run, StartFailure};

/// URLs remembered: the first and the latest ones.
const URLS: usize = 32;
/// A keeper's whole state.
#[derive(Debug)]
pub struct State {
    share_id: String,
    port: u16,
    pid: u32,
    grace: Duration,
    conn: Option<Conn>,
    alone_since: Option<Duration>,
    urls: Vec<SeenUrl>,
    spec: Option<Box<TunnelSpec>>,
    client: Option<Client>,
    last_exit: Option<Exit>,
    /// Where the client says by HTTP whether it is connected.
    ready_at: Option<String>,
    url_report: Slot,
    link_report: Slot,
    next_run: Run,
    ending: bool,
    finished: bool,
}

impl State {
    /// A keeper that has just begun to listen, and what it does first.
    pub fn new(
        share_id: &str,
        port: u16,
        pid: u32,
        grace: Duration,
        spec: Option<TunnelSpec>,
        now: Now,
    ) -> (Self, Vec<Effect>) {
        let mut state = Self {
            share_id: share_id.to_owned(),
            port,
            pid,
            grace,
            conn: None,
            alone_since: Some(now.mono),
            urls: Vec::new(),
            spec: spec.map(Box::new),
            client: None,
            last_exit: None,
            ready_at: None,
            url_report: Slot::default(),
            link_report: Slot::default(),
            next_run: 1,
            ending: false,
            finished: false,
        };
        let mut effects = Vec::new();
        if state.spec.is_some() {
            state.start(now, &mut effects);
        }
        (state, effects)
    }

    /// Takes an input.
    pub fn step(&mut self, input: Input, now: Now) -> Vec<Effect> {
        let mut effects = Vec::new();
        match input {
            Input::Connected(conn) => self.connected(conn, now, &mut effects),
            Input::Gone(conn) => self.gone(conn, now),
            Input::Request(conn, request) if self.conn == Some(conn) => {
                self.request(conn, request, now, &mut effects);
            }
            Input::BadFrame(conn, message) if self.conn == Some(conn) => {
                let reply = Reply::refused(0, ReplyErrorCode::BadFrame, &message);
                effects.push(Effect::Send(conn, Event::Reply(reply)));
            }
            // From a connection that was closed meanwhile.
            Input::Request(..) | Input::BadFrame(..) => {}
            Input::Output(run, event) => self.output(run, event, now, &mut effects),
            Input::OutputEnded(run) => self.output_ended(run, now, &mut effects),
            Input::Started(run, result) => self.started(run, result, now, &mut effects),
            Input::Ended { pid, code, signal } => self.ended(pid, code, signal, now, &mut effects),
            Input::Terminate => self.end(now, &mut effects),
            Input::Tick => {}
        }
        self.tick(now, &mut effects);
        effects
    }

    /// When [`Input::Tick`] is due at the latest.
    pub fn deadline(&self) -> Option<Duration> {
        let grace = self.alone_since.filter(|_| !self.ending).map(|since| since.saturating_add(self.grace));
        let client = self.client.as_ref().and_then(Client::deadline);
        [grace, client, self.url_report.deadline(), self.link_report.deadline()].into_iter().flatten().min()
    }

    /// The hello of a new connection.
    fn hello(&self, now: Now) -> Hello {
        Hello {
            version: VERSION,
            share_id: self.share_id.clone(),
            port: self.port,
            pid: self.pid,
            urls: self.urls.clone(),
            tunnel: self.tunnel_state(now),
            log_bytes: 0,
            ready_at: self.ready_at.clone(),
        }
    }

    fn tunnel_state(&self, now: Now) -> TunnelState {
        match (&self.client, &self.last_exit) {
            (Some(client), _) => client.state(now.mono),
            (None, Some(exit)) => TunnelState::Exited(exit.clone()),
            (None, None) => TunnelState::None,
        }
    }

    fn connected(&mut self, conn: Conn, now: Now, effects: &mut Vec<Effect>) {
        if self.ending {
            effects.push(Effect::Close(conn));
            return;
        }
        if let Some(older) = self.conn.replace(conn) {
            effects.push(Effect::Close(older));
        }
        self.alone_since = None;
        // The hello says it all.
        self.url_report.take();
        self.link_report.take();
        effects.push(Effect::Hello(conn, self.hello(now)));
    }

    fn gone(&mut self, conn: Conn, now: Now) {
        if self.conn == Some(conn) {
            self.conn = None;
            self.alone_since = Some(now.mono);
        }
    }

    fn request(&mut self, conn: Conn, request: Request, now: Now, effects: &mut Vec<Effect>) {
        let id = request.id;
        let answer = match request.command {
            Command::Unknown => {
                Err((ReplyErrorCode::UnknownCommand, "this keeper does not know the command".to_owned()))
            }
            Command::Logs { max_bytes } => {
                effects.push(Effect::SendLog(conn, id, max_bytes));
                return;
            }
            Command::Detach => {
                effects.push(Effect::Send(conn, Event::Reply(Reply::done(id))));
                effects.push(Effect::Close(conn));
                self.gone(conn, now);
                return;
            }
            Command::Stop => {
                effects.push(Effect::Send(conn, Event::Reply(Reply::done(id))));
                self.end(now, effects);
                return;
            }
            Command::Subscribe { logs } => {
                effects.push(Effect::Subscribe(conn, logs));
                Ok(())
            }
            Command::Grace { ms } => {
                self.grace = Duration::from_millis(ms);
                Ok(())
            }
            Command::StopTunnel => match self.client {
                Some(_) => {
                    // The reply first: the exit follows it.
                    effects.push(Effect::Send(conn, Event::Reply(Reply::done(id))));
                    self.stop_client(now, effects);
                    return;
                }
                None => Err((ReplyErrorCode::NoTunnel, "no tunnel is running".to_owned())),
            },
            Command::StartTunnel { spec } => match self.may_start(spec) {
                Ok(()) => {
                    effects.push(Effect::Send(conn, Event::Reply(Reply::done(id))));
                    self.start(now, effects);
                    return;
                }
                Err(refusal) => Err(refusal),
            },
        };
        let reply = match answer {
            Ok(()) => Reply::done(id),
            Err((code, message)) => Reply::refused(id, code, &message),
        };
        effects.push(Effect::Send(conn, Event::Reply(reply)));
    }

    fn may_start(&mut self, spec: Option<Box<TunnelSpec>>) -> Result<(), (ReplyErrorCode, String)> {
        if self.ending {
            return Err((ReplyErrorCode::Stopping, "everything is ending".to_owned()));
        }
        if self.client.is_some() {
            return Err((ReplyErrorCode::AlreadyRunning, "a tunnel is running or ending".to_owned()));
        }
        self.spec = spec.or(self.spec.take());
        match self.spec {
            Some(_) => Ok(()),
            None => Err((ReplyErrorCode::NoTunnel, "there is no tunnel to start".to_owned())),
        }
    }

    fn start(&mut self, now: Now, effects: &mut Vec<Effect>) {
        let Some(spec) = self.spec.clone() else { return };
        let run = self.next_run;
        self.next_run += 1;
        self.last_exit = None;
        self.ready_at = None;
        self.client = Some(Client::new(run, &spec, now.mono));
        effects.push(Effect::Start(run, spec));
    }

    fn started(&mut self, run: Run, result: Result<u32, StartFailure>, now: Now, effects: &mut Vec<Effect>) {
        let Some(client) = self.client.as_mut().filter(|client| client.run == run) else { return };
        match result {
            Ok(pid) => {
                client.started(pid, now.mono);
                self.send(Event::TunnelStarted { pid }, effects);
            }
            Err(failure) => {
                self.client = None;
                self.exited(failure.exit(), now, effects);
            }
        }
    }

    fn output(&mut self, run: Run, event: TunnelEvent, now: Now, effects: &mut Vec<Effect>) {
        let Some(client) = self.client.as_mut().filter(|client| client.run == run) else { return };
        client.said(&event);
        let report = match event {
            TunnelEvent::Url(url) => {
                self.remember(&url, now);
                self.url_report.offer(Event::Url { url }, now.mono)
            }
            TunnelEvent::Ready => self.link_report.offer(Event::Ready, now.mono),
            TunnelEvent::ReadyAt(url) => {
                self.ready_at = Some(url.clone());
                Some(Event::ReadyAt { url })
            }
            TunnelEvent::Lost { reason } => self.link_report.offer(Event::Lost { reason }, now.mono),
            TunnelEvent::RateLimited => Some(Event::RateLimited),
            // Told with the exit: until then the client may still think otherwise.
            TunnelEvent::Terminal { .. } => None,
        };
        if let Some(report) = report {
            self.send(report, effects);
        }
    }

    fn remember(&mut self, url: &str, now: Now) {
        if self.urls.last().is_some_and(|last| last.url == url) {
            return;
        }
        if self.urls.len() >= URLS {
            self.urls.remove(1);
        }
        self.urls.push(SeenUrl { url: url.to_owned(), at: now.unix_ms });
    }

    fn ended(
        &mut self,
        pid: u32,
        code: Option<i32>,
        signal: Option<i32>,
        now: Now,
        effects: &mut Vec<Effect>,
    ) {
        let Some(client) = self.client.as_mut().filter(|client| client.pid == pid && pid != 0) else {
            return;
        };
        client.ended(code, signal, now.mono);
        if self.ending || client.is_over(now.mono) {
            self.close_client(now, effects);
        }
    }

    fn output_ended(&mut self, run: Run, now: Now, effects: &mut Vec<Effect>) {
        let Some(client) = self.client.as_mut().filter(|client| client.run == run) else { return };
        client.output_ended = true;
        if client.is_over(now.mono) {
            self.close_client(now, effects);
        }
    }

    /// The client is gone and its output read.
    fn close_client(&mut self, now: Now, effects: &mut Vec<Effect>) {
        let Some(client) = self.client.take() else { return };
        // A name that was held back belongs before the exit; whether it was connected says the exit itself.
        if let Some(url) = self.url_report.take() {
            self.send(url, effects);
        }
        self.link_report.take();
        self.exited(client.exit(), now, effects);
    }

    fn exited(&mut self, exit: Exit, now: Now, effects: &mut Vec<Effect>) {
        let exit = Exit { at: Some(now.unix_ms), ..exit };
        effects.push(Effect::Exited(self.conn, exit.clone()));
        self.last_exit = Some(exit);
        if self.ending {
            self.finish(effects);
        }
    }

    /// Everything ends.
    fn end(&mut self, now: Now, effects: &mut Vec<Effect>) {
        if self.ending {
            return;
        }
        self.ending = true;
        effects.push(Effect::CloseSocket);
        match &self.client {
            Some(client) if client.has_ended() => self.close_client(now, effects),
            Some(_) => self.stop_client(now, effects),
            None => self.finish(effects),
        }
    }

    fn stop_client(&mut self, now: Now, effects: &mut Vec<Effect>) {
        if let Some(client) = self.client.as_mut()
            && let Some(signal) = client.stop(now.mono)
        {
            effects.push(Effect::Signal(client.pid, signal));
        }
    }

    fn finish(&mut self, effects: &mut Vec<Effect>) {
        if !self.finished {
            self.finished = true;
            effects.push(Effect::Finish(self.conn));
        }
    }

    /// What time alone brings about.
    fn tick(&mut self, now: Now, effects: &mut Vec<Effect>) {
        if self.alone_since.is_some_and(|since| now.mono >= since.saturating_add(self.grace)) {
            self.end(now, effects);
        }
        for report in [self.url_report.due(now.mono), self.link_report.due(now.mono)].into_iter().flatten() {
            self.send(report, effects);
        }
        let Some(client) = self.client.as_mut() else { return };
        if client.is_over(now.mono) {
            self.close_client(now, effects);
        } else if client.must_be_killed(now.mono) {
            effects.push(Effect::Signal(client.pid, StopSignal::Kill));
        } else if let Some(report) = client.overdue(now.mono) {
            self.send(report, effects);
        }
    }

    fn send(&self, event: Event, effects: &mut Vec<Effect>) {
        if let Some(conn) = self.conn {
            effects.push(Effect::Send(conn, event));
        }
    }
}
