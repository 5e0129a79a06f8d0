//! The daemon's side of a keeper: connecting, the hello, and the listening socket that comes with it.
//!
//! Blocking, with deadlines: for a thread that may block. The hello is received here with `recvmsg`, because an event
//! loop's plain read would lose the descriptor beside it; the stream is handed on afterwards, with what was read of the
//! frames behind the hello.

use std::io::{self, IoSliceMut, Read as _};
use std::mem::MaybeUninit;
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags};
use thiserror::Error;

use super::files::{self, KeeperFiles};
use super::keeper::protocol::{Event, FRAME_CAP, Hello};
use super::os;
use crate::unix_socket;

/// How long a keeper may take to say hello before it counts as hung.
pub const HELLO_DEADLINE: Duration = Duration::from_secs(2);

/// A connection to a living keeper.
#[derive(Debug)]
pub struct Attached {
    /// Who it is and how things stand.
    pub hello: Hello,
    /// The page's socket, to be served for as long as [`Attached::stream`] lives and no longer. It is in blocking mode
    /// until someone changes that, for all who share it.
    pub listener: TcpListener,
    /// Frames both ways; blocking, without timeouts.
    pub stream: UnixStream,
    /// Bytes of frames that came right behind the hello.
    pub leftover: Vec<u8>,
}

/// Why there is no connection.
#[derive(Debug, Error)]
pub enum AttachError {
    /// No keeper answers: none lives, or it is just starting or ending.
    #[error("no keeper answers for the share")]
    Gone,
    /// It lives but does not say hello.
    #[error("the keeper (process {pid:?}) does not answer")]
    Hung {
        /// Its process, from the socket's credentials or its lock file.
        pid: Option<u32>,
    },
    /// The socket belongs to another user.
    #[error("the keeper's socket belongs to user {uid}")]
    Stranger {
        /// The other user.
        uid: u32,
    },
    /// What it said is not a hello with a socket.
    #[error("the keeper's hello cannot be understood: {0}")]
    Protocol(String),
    /// Not the id of a share.
    #[error("{0:?} is not the id of a share")]
    Id(String),
    /// The system refused something.
    #[error("cannot reach the keeper: {0}")]
    Io(#[from] io::Error),
}

/// Connects to the keeper of share `id` in `dir`, waiting for its hello at most until `deadline` from now.
///
/// # Errors
/// See [`AttachError`].
pub fn attach(dir: &Path, id: &str, deadline: Duration) -> Result<Attached, AttachError> {
    let files = KeeperFiles::new(dir, id).ok_or_else(|| AttachError::Id(id.to_owned()))?;
    let until = Instant::now() + deadline;
    let stream = connect(&files, deadline)?;
    let peer = os::peer(&stream);
    if let Some(peer) = peer.filter(|peer| peer.uid != os::own_uid()) {
        return Err(AttachError::Stranger { uid: peer.uid });
    }
    let hung = || AttachError::Hung { pid: peer.map(|peer| peer.pid).or_else(|| files.holder()) };
    let (bytes, listener) = receive_hello(&stream, until)?.ok_or_else(hung)?;
    let (hello, leftover) = parse_hello(&bytes)?;
    let listener = listener.ok_or_else(|| AttachError::Protocol("no socket came with it".to_owned()))?;
    if hello.share_id != id {
        return Err(AttachError::Protocol(format!("it keeps another share, {:?}", hello.share_id)));
    }
    stream.set_read_timeout(None)?;
    stream.set_write_timeout(None)?;
    Ok(Attached { hello, listener: TcpListener::from(listener), stream, leftover })
}

/// The shares in `dir` whose keepers live, in order.
///
/// # Errors
/// The folder cannot be read; a missing one holds none.
pub fn living(dir: &Path) -> io::Result<Vec<String>> {
    let known = files::known(dir)?;
    Ok(known.iter().filter(|keeper| keeper.is_held().unwrap_or(false)).map(|k| k.id().to_owned()).collect())
}

fn connect(files: &KeeperFiles, timeout: Duration) -> Result<UnixStream, AttachError> {
    unix_socket::connect(&files.socket(), timeout).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => AttachError::Gone,
        io::ErrorKind::TimedOut => AttachError::Hung { pid: files.holder() },
        _ => AttachError::Io(error),
    })
}

/// What came until the first newline, and the descriptor beside it.
type Received = (Vec<u8>, Option<OwnedFd>);

/// Receives the hello; `None` when time is over before its end.
fn receive_hello(stream: &UnixStream, until: Instant) -> Result<Option<Received>, AttachError> {
    let mut listener = None;
    let mut bytes = Vec::new();
    let mut chunk = vec![0; 16 * 1024];
    while memchr::memchr(b'\n', &bytes).is_none() {
        if bytes.len() > FRAME_CAP {
            return Err(AttachError::Protocol("it is too long".to_owned()));
        }
        if !os::readable(std::os::fd::AsFd::as_fd(stream), until)? {
            return Ok(None);
        }
        let received = match listener {
            None => receive_with_fd(stream, &mut chunk, &mut listener),
            Some(_) => (&*stream).read(&mut chunk),
        };
        match received {
            // An ending keeper closes without a hello.
            Ok(0) => return Err(AttachError::Gone),
            Ok(length) => bytes.extend_from_slice(chunk.get(..length).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => return Err(AttachError::Gone),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(Some((bytes, listener)))
}

fn receive_with_fd(
    stream: &UnixStream,
    chunk: &mut [u8],
    listener: &mut Option<OwnedFd>,
) -> io::Result<usize> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    #[cfg(target_os = "linux")]
    let flags = RecvFlags::CMSG_CLOEXEC;
    #[cfg(not(target_os = "linux"))]
    let flags = RecvFlags::empty();
    let received = rustix::net::recvmsg(stream, &mut [IoSliceMut::new(chunk)], &mut control, flags)?;
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(mut fds) = message {
            *listener = fds.next();
        }
    }
    Ok(received.bytes)
}

fn parse_hello(bytes: &[u8]) -> Result<(Hello, Vec<u8>), AttachError> {
    let end = memchr::memchr(b'\n', bytes).unwrap_or(bytes.len());
    let (line, rest) = bytes.split_at(end);
    match serde_json::from_slice::<Event>(line) {
        Ok(Event::Hello(hello)) => Ok((hello, rest.get(1..).unwrap_or_default().to_vec())),
        Ok(other) => Err(AttachError::Protocol(format!("it begins with {other:?}"))),
        Err(error) => Err(AttachError::Protocol(error.to_string())),
    }
}
