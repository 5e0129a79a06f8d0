//! A blocking client of the control socket, for the command line and the TUI.

use std::io::{self, BufRead as _, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::frame::read_frame;
use super::protocol::{ErrorReply, Event, Reply, Request, ShareInfo};
use crate::unix_socket;

/// How long the daemon may take to take a connection, and each part of a request.
const CONNECTED: Duration = Duration::from_secs(5);

/// Why a request got no reply that fits it.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody listens on the socket.
    #[error("the daemon is not running")]
    NotRunning,
    /// The socket cannot be used.
    #[error("cannot talk to the daemon on {path}: {source}")]
    Io {
        /// The socket.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The daemon closed the connection, or answered something else.
    #[error("the daemon gave no proper answer: {0}")]
    Garbled(String),
    /// The daemon answered with an error.
    #[error("{}", .0.message)]
    Refused(ErrorReply),
}

/// A connection to the daemon.
pub struct Client {
    path: PathBuf,
    reader: BufReader<UnixStream>,
}

impl Client {
    /// Connects.
    ///
    /// # Errors
    /// [`ClientError::NotRunning`] if there is no socket or nobody listens; [`ClientError::Io`].
    pub fn connect(path: &Path) -> Result<Self, ClientError> {
        match unix_socket::connect(path, CONNECTED) {
            Ok(stream) => Ok(Self { path: path.to_owned(), reader: BufReader::new(stream) }),
            Err(error)
                if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) =>
            {
                Err(ClientError::NotRunning)
            }
            Err(error) if error.kind() == io::ErrorKind::TimedOut => {
                Err(ClientError::Garbled("it takes no connection".to_owned()))
            }
            Err(source) => Err(ClientError::Io { path: path.to_owned(), source }),
        }
    }

    /// The connection itself.
    pub fn stream(&self) -> &UnixStream {
        self.reader.get_ref()
    }

    /// Asks, and waits at most `patience` for each part of the reply. An error reply is an `Err`.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn ask(&mut self, request: &Request, patience: Duration) -> Result<Reply, ClientError> {
        let failed = |source| ClientError::Io { path: self.path.clone(), source };
        let mut line =
            serde_json::to_vec(request).map_err(|error| ClientError::Garbled(error.to_string()))?;
        line.push(b'\n');
        let stream = self.reader.get_mut();
        stream.set_read_timeout(Some(patience)).map_err(failed)?;
        stream.write_all(&line).map_err(failed)?;
        self.read(patience)
    }

    /// Asks to be told of every change: the shares as they are, and what follows. Waits at most `patience` for the
    /// list.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn subscribe(mut self, patience: Duration) -> Result<(Vec<ShareInfo>, Events), ClientError> {
        let shares = match self.ask(&Request::Subscribe, patience)? {
            Reply::Subscribed(shares) => shares,
            other => return Err(ClientError::Garbled(format!("{other:?}"))),
        };
        Ok((shares, Events(self)))
    }

    /// The next frame; `patience` is how long was waited for.
    fn read(&mut self, patience: Duration) -> Result<Reply, ClientError> {
        let mut frame = Vec::new();
        let whole = read_frame(&mut self.reader, &mut frame).map_err(|error| match error.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
                ClientError::Garbled(format!("nothing within {} s", patience.as_secs()))
            }
            _ => ClientError::Io { path: self.path.clone(), source: error },
        })?;
        if !whole {
            return Err(ClientError::Garbled("it closed the connection".to_owned()));
        }
        match serde_json::from_slice(&frame) {
            Ok(Reply::Error(error)) => Err(ClientError::Refused(error)),
            Ok(reply) => Ok(reply),
            Err(error) => Err(ClientError::Garbled(error.to_string())),
        }
    }
}

/// What a daemon tells a client that subscribed.
pub struct Events(Client);

impl Events {
    /// The next event; `None` if there was none for so long.
    ///
    /// # Errors
    /// [`ClientError`]: the daemon has gone, or said something else.
    pub fn wait(&mut self, time: Duration) -> Result<Option<Event>, ClientError> {
        let Client { path, reader } = &mut self.0;
        let failed = |source| ClientError::Io { path: path.clone(), source };
        reader.get_ref().set_read_timeout(Some(time)).map_err(failed)?;
        // Nothing of a frame is taken while it is waited for.
        match reader.fill_buf() {
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                return Ok(None);
            }
            _ => {}
        }
        match self.0.read(time)? {
            Reply::Event(event) => Ok(Some(event)),
            other => Err(ClientError::Garbled(format!("{other:?}"))),
        }
    }
}
