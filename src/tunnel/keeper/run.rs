//! The event loop: turns messages of the other threads into inputs of the pure state, and its effects into deeds.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender, SyncSender};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rustix::process::Signal;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use super::link::{self, Link};
use super::output::{Log, SharedLog, locked};
use super::process::{self, Surroundings};
use super::protocol::{Event, Hello, Reply, Request, TunnelState};
use super::startup::Ready;
use super::state::{Conn, Effect, Input, Now, Run, State};
use crate::flock::Flock;
use crate::tunnel::extract::TunnelEvent;
use crate::tunnel::files::KeeperFiles;
use crate::tunnel::os;
use crate::tunnel::spec::StopSignal;
use crate::tunnel::sweep;

/// Stack of the threads that only wait.
pub(super) const STACK: usize = 256 * 1024;
/// Messages that may wait for the event loop; who sends more waits.
const INBOX: usize = 1024;
/// How long the last frames may take to be written before the keeper exits all the same.
const FAREWELL: Duration = Duration::from_secs(1);
/// How long everything below the keeper may take to die after KILL (a process in an unfinished disk access cannot).
const LAST_SWEEP: Duration = Duration::from_secs(2);
/// Longest wait when the state has no deadline.
const IDLE: Duration = Duration::from_secs(3600);

/// What the other threads say.
pub(super) enum Message {
    /// A connection of the own user.
    Accepted(UnixStream),
    /// A request, or what is wrong with what came.
    Frame(Conn, Result<Request, String>),
    /// A connection has ended.
    Gone(Conn),
    /// A client's output said something.
    Output(Run, TunnelEvent),
    /// A client's output has ended.
    OutputEnded(Run),
    /// Some child has ended.
    ChildEnded,
    /// TERM or INT.
    Terminate,
}

struct Keeper {
    files: KeeperFiles,
    /// Held for life.
    _lock: Flock,
    page: TcpListener,
    port: u16,
    control: Arc<UnixListener>,
    links: HashMap<Conn, Link>,
    last_conn: Conn,
    log: SharedLog,
    /// Last lines of the client that ended last.
    last_tail: Vec<String>,
    /// The client that runs or ends.
    client: Option<u32>,
    inbox: SyncSender<Message>,
    reaper: Sender<()>,
    began: Instant,
}

/// Runs until everything has ended.
pub(super) fn run(ready: Ready) {
    let (inbox, messages) = mpsc::sync_channel(INBOX);
    let (reaper, go_on) = mpsc::channel();
    let control = Arc::new(ready.control);
    let threads = watch_signals(inbox.clone())
        .and_then(|()| process::watch_children(go_on, inbox.clone()))
        .and_then(|()| link::accept(Arc::clone(&control), inbox.clone()));
    let keeper = Keeper {
        files: ready.files,
        _lock: ready.lock,
        page: ready.page,
        port: ready.port,
        control,
        links: HashMap::new(),
        last_conn: 0,
        log: Log::shared(ready.spec.log_bytes),
        last_tail: Vec::new(),
        client: None,
        inbox,
        reaper,
        began: Instant::now(),
    };
    if threads.is_err() {
        // No threads, no keeper: whoever waits for it sees it gone.
        keeper.finish(None);
        return;
    }
    let grace = Duration::from_millis(ready.spec.orphan_grace_ms);
    let (state, effects) = State::new(
        &ready.spec.share_id,
        keeper.port,
        std::process::id(),
        grace,
        ready.spec.tunnel,
        keeper.now(),
    );
    keeper.live(state, effects, &messages);
}

impl Keeper {
    fn live(mut self, mut state: State, effects: Vec<Effect>, messages: &Receiver<Message>) {
        let mut todo = VecDeque::from(effects);
        loop {
            while let Some(effect) = todo.pop_front() {
                match effect {
                    Effect::Finish(conn) => {
                        self.finish(conn);
                        return;
                    }
                    effect => {
                        for input in self.perform(effect) {
                            todo.extend(state.step(input, self.now()));
                        }
                    }
                }
            }
            let wait = state.deadline().map_or(IDLE, |at| at.saturating_sub(self.now().mono));
            let inputs = match messages.recv_timeout(wait) {
                Ok(message) => self.inputs(message),
                // The keeper holds a sender itself: it cannot be disconnected.
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => vec![Input::Tick],
            };
            for input in inputs {
                todo.extend(state.step(input, self.now()));
            }
        }
    }

    fn now(&self) -> Now {
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Now { mono: self.began.elapsed(), unix_ms: u64::try_from(since_1970.as_millis()).unwrap_or(u64::MAX) }
    }

    fn inputs(&mut self, message: Message) -> Vec<Input> {
        match message {
            Message::Accepted(stream) => self.accepted(stream).into_iter().collect(),
            Message::Frame(conn, Ok(request)) => vec![Input::Request(conn, request)],
            Message::Frame(conn, Err(problem)) => vec![Input::BadFrame(conn, problem)],
            Message::Gone(conn) => {
                if let Some(link) = self.links.remove(&conn) {
                    link.close();
                }
                vec![Input::Gone(conn)]
            }
            Message::Output(run, event) => vec![Input::Output(run, event)],
            Message::OutputEnded(run) => vec![Input::OutputEnded(run)],
            Message::ChildEnded => self.reap(),
            Message::Terminate => vec![Input::Terminate],
        }
    }

    fn accepted(&mut self, stream: UnixStream) -> Option<Input> {
        self.last_conn += 1;
        // Without threads for it the connection is dropped: the daemon sees it end and tries again.
        let link = Link::open(self.last_conn, stream, &self.inbox).ok()?;
        self.links.insert(self.last_conn, link);
        Some(Input::Connected(self.last_conn))
    }

    /// Reaps what has ended. The client's group and helpers go with it, before its number is free again.
    fn reap(&mut self) -> Vec<Input> {
        if let Some(client) = self.client.filter(|client| process::has_ended(*client)) {
            os::kill_group(client);
            sweep::kill_marked_and_descendants(self.files.id());
            self.client = None;
        }
        let mut ended = Vec::new();
        while let Ok(Some(child)) = os::reap_one() {
            ended.push(Input::Ended { pid: child.pid, code: child.code, signal: child.signal });
        }
        self.wake_reaper();
        ended
    }

    fn wake_reaper(&self) {
        // It ends only with the keeper.
        let _ = self.reaper.send(());
    }

    /// Does one thing; what comes of it at once.
    fn perform(&mut self, effect: Effect) -> Vec<Input> {
        match effect {
            Effect::Hello(conn, hello) => self.hello(conn, hello),
            Effect::Send(conn, event) => self.send(conn, &event),
            Effect::SendLog(conn, id, max_bytes) => {
                let log = locked(&self.log).last(max_bytes.unwrap_or(usize::MAX));
                let reply = Reply { log: Some(log), ..Reply::done(id) };
                self.send(conn, &Event::Reply(reply));
            }
            Effect::Subscribe(conn, logs) => {
                let outbox = self.links.get(&conn).filter(|_| logs).map(|link| Arc::clone(&link.outbox));
                locked(&self.log).subscribe(outbox);
            }
            Effect::Close(conn) => {
                if let Some(link) = self.links.get(&conn) {
                    link.close();
                }
            }
            Effect::Start(run, spec) => return self.start(run, &spec),
            Effect::Signal(client, signal) => os::signal_group(client, number(signal)),
            Effect::CloseSocket => self.close_socket(),
            Effect::Exited(conn, mut exit) => {
                exit.tail = locked(&self.log).tail();
                self.last_tail.clone_from(&exit.tail);
                // The client has read it long ago, and another start writes another.
                let _ = std::fs::remove_file(self.files.config());
                if let Some(conn) = conn {
                    self.send(conn, &Event::TunnelExited(exit));
                }
            }
            Effect::Finish(_) => {}
        }
        Vec::new()
    }

    fn send(&self, conn: Conn, event: &Event) {
        if let Some(link) = self.links.get(&conn) {
            link.send(event);
        }
    }

    fn hello(&self, conn: Conn, mut hello: Hello) {
        let Some(link) = self.links.get(&conn) else { return };
        let Ok(page) = self.page.try_clone() else {
            // Out of descriptors: the daemon sees the connection end and tries again.
            link.close();
            return;
        };
        hello.log_bytes = locked(&self.log).bytes();
        if let TunnelState::Exited(exit) = &mut hello.tunnel {
            exit.tail.clone_from(&self.last_tail);
        }
        link.hello(&Event::Hello(hello), OwnedFd::from(page));
    }

    fn start(&mut self, run: Run, spec: &crate::tunnel::spec::TunnelSpec) -> Vec<Input> {
        let around = Surroundings { files: &self.files, port: self.port, log: &self.log, inbox: &self.inbox };
        let started = process::start(run, spec, &around);
        // Even a failed start may have left a child to reap.
        self.wake_reaper();
        match started {
            Ok((pid, known)) => {
                self.client = Some(pid);
                let outputs = known.into_iter().map(|event| Input::Output(run, event));
                std::iter::once(Input::Started(run, Ok(pid))).chain(outputs).collect()
            }
            Err(failure) => vec![Input::Started(run, Err(failure))],
        }
    }

    fn close_socket(&self) {
        let _ = std::fs::remove_file(self.files.socket());
        link::stop_accepting(&self.control);
    }

    /// Leaves nothing behind, says so, and lets go of the lock.
    fn finish(self, conn: Option<Conn>) {
        self.close_socket();
        let give_up = Instant::now() + LAST_SWEEP;
        loop {
            sweep::kill_marked_and_descendants(self.files.id());
            match os::reap_one() {
                Err(rustix::io::Errno::CHILD) => break,
                Ok(Some(_)) => {}
                _ if Instant::now() >= give_up => break,
                _ => os::pause(Duration::from_millis(5)),
            }
        }
        self.files.remove_but_lock();
        self.files.remove_lock();
        drop(self.page);
        if let Some(link) = conn.and_then(|conn| self.links.get(&conn)) {
            // What its readers still have in hand of a client's output is not told behind the farewell.
            locked(&self.log).subscribe(None);
            link.send(&Event::Stopped);
            link.flush(FAREWELL);
        }
    }
}

fn number(signal: StopSignal) -> Signal {
    match signal {
        StopSignal::Term => Signal::TERM,
        StopSignal::Int => Signal::INT,
        StopSignal::Hup => Signal::HUP,
        StopSignal::Quit => Signal::QUIT,
        StopSignal::Kill => Signal::KILL,
    }
}

/// TERM and INT end the keeper in order; HUP is taken and ignored (a handler, not `SIG_IGN`, which the client would
/// inherit). PIPE is ignored by the standard library, and reset for the client.
fn watch_signals(inbox: SyncSender<Message>) -> io::Result<()> {
    let mut signals = Signals::new([SIGTERM, SIGINT, SIGHUP])?;
    thread::Builder::new().name("signals".into()).stack_size(STACK).spawn(move || {
        for signal in signals.forever() {
            if signal != SIGHUP && inbox.send(Message::Terminate).is_err() {
                return;
            }
        }
    })?;
    Ok(())
}
