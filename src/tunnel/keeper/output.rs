//! A client's output on its way: into the log, to a subscriber, and through the extractor.
//!
//! Both streams are read for the whole life of the process, whatever is in them: a client whose pipe is full stands still.

use std::io::{self, Read};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use super::link::Outbox;
use super::log::LogRing;
use super::run::Message;
use super::state::Run;
use crate::tunnel::extract::Extractor;
use crate::tunnel::lines::Lines;
use crate::tunnel::spec::Stream;

/// Bytes read at once: a pipe's default size.
const CHUNK: usize = 64 * 1024;
/// Last lines of a client that are told with its exit, and their bytes.
const TAIL: (usize, usize) = (20, 4096);

/// The log and who listens to it.
#[derive(Debug)]
pub(super) struct Log {
    ring: LogRing,
    /// Lines of the present run.
    of_run: usize,
    subscriber: Option<Arc<Outbox>>,
}

/// A log that several threads write.
pub(super) type SharedLog = Arc<Mutex<Log>>;

impl Log {
    /// An empty one of at most `cap` bytes.
    pub(super) fn shared(cap: usize) -> SharedLog {
        Arc::new(Mutex::new(Self { ring: LogRing::new(cap), of_run: 0, subscriber: None }))
    }

    /// A new run begins: what came before is not part of its last lines.
    pub(super) fn begin_run(&mut self) {
        self.of_run = 0;
    }

    /// The last lines of the present run.
    pub(super) fn tail(&self) -> Vec<String> {
        let (lines, bytes) = TAIL;
        self.ring.tail(bytes, lines.min(self.of_run))
    }

    /// The last lines of all, at most `max_bytes`.
    pub(super) fn last(&self, max_bytes: usize) -> Vec<String> {
        self.ring.tail(max_bytes, usize::MAX)
    }

    /// Bytes held.
    pub(super) fn bytes(&self) -> usize {
        self.ring.bytes()
    }

    /// Lines go there too from now on, or nowhere else.
    pub(super) fn subscribe(&mut self, subscriber: Option<Arc<Outbox>>) {
        self.subscriber = subscriber;
    }

    fn push(&mut self, line: &str) {
        self.ring.push(line);
        self.of_run = self.of_run.saturating_add(1);
        if let Some(subscriber) = &self.subscriber {
            subscriber.push_log(line);
        }
    }
}

/// A lock whose holder cannot have left it half changed.
pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What the two readers of a run share.
pub(super) struct Reading {
    run: Run,
    extractor: Mutex<Extractor>,
    log: SharedLog,
    inbox: SyncSender<Message>,
    open: AtomicUsize,
}

impl Reading {
    /// For a run whose two streams are about to be read.
    pub(super) fn new(
        run: Run,
        extractor: Extractor,
        log: SharedLog,
        inbox: SyncSender<Message>,
    ) -> Arc<Self> {
        Arc::new(Self { run, extractor: Mutex::new(extractor), log, inbox, open: AtomicUsize::new(2) })
    }

    /// Starts a thread that reads one stream to its end.
    pub(super) fn read(
        self: &Arc<Self>,
        stream: Stream,
        mut from: impl Read + Send + 'static,
    ) -> io::Result<()> {
        let reading = Arc::clone(self);
        let name = match stream {
            Stream::Stdout => "stdout",
            Stream::Stderr => "stderr",
        };
        thread::Builder::new().name(name.to_owned()).stack_size(super::run::STACK).spawn(move || {
            reading.drain(stream, &mut from);
            if reading.open.fetch_sub(1, Ordering::AcqRel) == 1 {
                // Nobody listens any more only when the keeper is exiting.
                let _ = reading.inbox.send(Message::OutputEnded(reading.run));
            }
        })?;
        Ok(())
    }

    fn drain(&self, stream: Stream, from: &mut impl Read) {
        let mut lines = Lines::default();
        let mut chunk = vec![0; CHUNK];
        loop {
            match from.read(&mut chunk) {
                Ok(0) => break,
                Ok(length) => {
                    lines.feed(chunk.get(..length).unwrap_or_default(), |line| self.line(stream, line));
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => break,
            }
        }
        lines.finish(|line| self.line(stream, line));
    }

    fn line(&self, stream: Stream, line: &str) {
        locked(&self.log).push(line);
        let events = locked(&self.extractor).line(stream, line);
        for event in events {
            let _ = self.inbox.send(Message::Output(self.run, event));
        }
    }
}
