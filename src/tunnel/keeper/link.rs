//! A daemon's connection: a thread that reads requests, a thread that writes frames, and the queue between.
//!
//! The event loop never waits for a daemon: a stopped daemon is not a dead one, but it does not read either.

use std::collections::VecDeque;
use std::io::{self, IoSlice, Read as _, Write as _};
use std::mem::MaybeUninit;
use std::net::Shutdown;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags};

use super::output::locked;
use super::protocol::{Event, FRAME_CAP, Request, frame};
use super::run::{Message, STACK};
use super::state::Conn;
use crate::tunnel::os;

/// Frames that wait for a daemon before its connection is closed; it attaches again and learns all from the hello.
const QUEUE: usize = 1024;
/// Bytes that wait before that.
const QUEUE_BYTES: usize = 4 * 1024 * 1024;
/// Frames that wait before log lines are dropped.
const LOG_QUEUE: usize = 256;
/// How often a writer that is stuck looks whether its connection was closed meanwhile.
const STUCK: Duration = Duration::from_millis(500);
/// Pause of the acceptor when the system is short of something.
const SHORTAGE: Duration = Duration::from_millis(50);

/// Something to write.
#[derive(Debug)]
enum Item {
    Frame(Vec<u8>),
    /// The first frame, with the listening socket beside it.
    Hello(Vec<u8>, OwnedFd),
}

impl Item {
    fn len(&self) -> usize {
        match self {
            Self::Frame(bytes) | Self::Hello(bytes, _) => bytes.len(),
        }
    }
}

#[derive(Debug, Default)]
struct Queue {
    items: VecDeque<Item>,
    bytes: usize,
    /// Nothing more comes; what is there is still written.
    closed: bool,
    /// All is written, or cannot be.
    ended: bool,
    missed: u64,
}

impl Queue {
    fn add(&mut self, item: Item) {
        self.bytes += item.len();
        self.items.push_back(item);
    }
}

/// The queue of frames to one daemon.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    queue: Mutex<Queue>,
    changed: Condvar,
}

impl Outbox {
    fn push(&self, item: Item) -> bool {
        let mut queue = locked(&self.queue);
        let fits = !queue.closed && queue.items.len() < QUEUE && queue.bytes < QUEUE_BYTES;
        if fits {
            queue.add(item);
            self.changed.notify_all();
        }
        fits
    }

    /// A log line: dropped, and counted, when the daemon reads too slowly.
    pub(super) fn push_log(&self, line: &str) {
        let mut queue = locked(&self.queue);
        if queue.closed {
            return;
        }
        if queue.items.len() >= LOG_QUEUE || queue.bytes >= QUEUE_BYTES / 2 {
            queue.missed += 1;
            return;
        }
        let event = Event::Log { line: line.to_owned(), missed: std::mem::take(&mut queue.missed) };
        if let Ok(bytes) = frame(&event) {
            queue.add(Item::Frame(bytes));
            self.changed.notify_all();
        }
    }

    fn close(&self) {
        locked(&self.queue).closed = true;
        self.changed.notify_all();
    }

    fn is_closed(&self) -> bool {
        locked(&self.queue).closed
    }

    fn next(&self) -> Option<Item> {
        let mut queue = locked(&self.queue);
        loop {
            if let Some(item) = queue.items.pop_front() {
                queue.bytes = queue.bytes.saturating_sub(item.len());
                return Some(item);
            }
            if queue.closed {
                return None;
            }
            queue = self.changed.wait(queue).unwrap_or_else(std::sync::PoisonError::into_inner);
        }
    }

    fn end(&self) {
        let mut queue = locked(&self.queue);
        queue.closed = true;
        queue.ended = true;
        queue.items.clear();
        queue.bytes = 0;
        self.changed.notify_all();
    }

    fn wait_until_ended(&self, at_most: Duration) {
        let queue = locked(&self.queue);
        drop(self.changed.wait_timeout_while(queue, at_most, |queue| !queue.ended));
    }
}

/// The event loop's end of a connection.
pub(super) struct Link {
    stream: UnixStream,
    pub(super) outbox: Arc<Outbox>,
}

impl Link {
    /// Starts the two threads of a connection.
    pub(super) fn open(conn: Conn, stream: UnixStream, inbox: &SyncSender<Message>) -> io::Result<Self> {
        // Accepted sockets may inherit the mode of the listening one on some systems.
        stream.set_nonblocking(false)?;
        stream.set_write_timeout(Some(STUCK))?;
        let outbox = Arc::new(Outbox::default());
        let (writes, reads) = (stream.try_clone()?, stream.try_clone()?);
        let queue = Arc::clone(&outbox);
        thread::Builder::new().name("writer".into()).stack_size(STACK).spawn(move || {
            // A daemon that is gone shows to the reader as well.
            let _ = write_all_items(&writes, &queue);
            queue.end();
            let _ = writes.shutdown(Shutdown::Both);
        })?;
        let inbox = inbox.clone();
        let spawned = thread::Builder::new().name("reader".into()).stack_size(STACK).spawn(move || {
            read_requests(conn, &reads, &inbox);
            let _ = inbox.send(Message::Gone(conn));
        });
        if let Err(error) = spawned {
            outbox.close();
            return Err(error);
        }
        Ok(Self { stream, outbox })
    }

    /// Sends a frame; a connection that cannot take it is cut.
    pub(super) fn send(&self, event: &Event) {
        if let Ok(bytes) = frame(event)
            && !self.outbox.push(Item::Frame(bytes))
        {
            let _ = self.stream.shutdown(Shutdown::Both);
        }
    }

    /// Sends the hello with the listening socket.
    pub(super) fn hello(&self, event: &Event, page: OwnedFd) {
        if let Ok(bytes) = frame(event) {
            self.outbox.push(Item::Hello(bytes, page));
        }
    }

    /// Closes the connection once what waits is written, or cannot be.
    pub(super) fn close(&self) {
        self.outbox.close();
    }

    /// As [`Link::close`], and waits for it.
    pub(super) fn flush(&self, at_most: Duration) {
        self.outbox.close();
        self.outbox.wait_until_ended(at_most);
    }
}

fn write_all_items(stream: &UnixStream, queue: &Outbox) -> io::Result<()> {
    while let Some(item) = queue.next() {
        match item {
            Item::Frame(bytes) => write_frame(stream, &bytes, queue)?,
            Item::Hello(bytes, page) => {
                let sent = send_with(stream, &bytes, &page)?;
                write_frame(stream, bytes.get(sent..).unwrap_or_default(), queue)?;
            }
        }
    }
    Ok(())
}

/// Writes a whole frame, however long the daemon takes, unless the connection is closed meanwhile.
fn write_frame(mut stream: &UnixStream, mut bytes: &[u8], queue: &Outbox) -> io::Result<()> {
    while !bytes.is_empty() {
        match stream.write(bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => bytes = bytes.get(written..).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock && !queue.is_closed() => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Sends the beginning of a frame (mostly all of it) with a descriptor beside its first byte.
fn send_with(stream: &UnixStream, bytes: &[u8], page: &OwnedFd) -> io::Result<usize> {
    let fds = [page.as_fd()];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    control.push(SendAncillaryMessage::ScmRights(&fds));
    // SIGPIPE is ignored, as in every Rust program: a closed connection is an error here.
    Ok(rustix::net::sendmsg(stream, &[IoSlice::new(bytes)], &mut control, SendFlags::empty())?)
}

/// Reads frames until the connection ends. A frame that is too long ends it.
fn read_requests(conn: Conn, mut stream: &UnixStream, inbox: &SyncSender<Message>) {
    let mut pending: Vec<u8> = Vec::new();
    let mut chunk = [0; 8192];
    loop {
        let read = match stream.read(&mut chunk) {
            Ok(0) => return,
            Ok(length) => chunk.get(..length).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(_) => return,
        };
        pending.extend_from_slice(read);
        while let Some(end) = memchr::memchr(b'\n', &pending) {
            let line: Vec<u8> = pending.drain(..=end).collect();
            let parsed = serde_json::from_slice::<Request>(&line).map_err(|error| error.to_string());
            if inbox.send(Message::Frame(conn, parsed)).is_err() {
                return;
            }
        }
        if pending.len() > FRAME_CAP {
            let _ = inbox.send(Message::Frame(conn, Err("the frame is too long".to_owned())));
            return;
        }
    }
}

/// Starts the thread that accepts connections of the own user.
pub(super) fn accept(control: Arc<UnixListener>, inbox: SyncSender<Message>) -> io::Result<()> {
    thread::Builder::new().name("acceptor".into()).stack_size(STACK).spawn(move || {
        loop {
            match control.accept() {
                Ok((stream, _)) if os::peer_is_own(&stream) => {
                    if inbox.send(Message::Accepted(stream)).is_err() {
                        return;
                    }
                }
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::InvalidInput => return,
                // Out of descriptors or memory, or a connection that was taken back.
                Err(_) => os::pause(SHORTAGE),
            }
        }
    })?;
    Ok(())
}

/// Nobody is accepted any more: wakes the acceptor and refuses who waits.
pub(super) fn stop_accepting(control: &UnixListener) {
    let _ = rustix::net::shutdown(control, rustix::net::Shutdown::Both);
}
