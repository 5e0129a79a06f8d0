//! PURE: what a keeper and a daemon say to each other, version 1: newline-delimited JSON.
//!
//! The version is frozen and only grows, because a keeper outlives upgrades of the daemon (and a daemon may meet keepers
//! of a later panko after a downgrade): fields are only added, unknown fields are ignored, an unknown command is
//! answered with an error, an unknown event is [`Event::Unknown`]. A changed meaning needs a new name.
//!
//! Not here: how the listening socket travels beside the hello (see `keeper::link` and [`crate::tunnel::attach`]).

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::tunnel::spec::{Class, TunnelSpec};

mod frame;
#[cfg(test)]
mod tests;

pub use frame::frame;

/// The protocol's version.
pub const VERSION: u32 = 1;
/// Longest frame either side accepts, in bytes.
pub const FRAME_CAP: usize = 1024 * 1024;

/// What a keeper is started with, by its standard input.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeeperSpec {
    /// [`VERSION`].
    pub version: u32,
    /// The share.
    pub share_id: String,
    /// Folder of locks and sockets, absolute.
    pub dir: PathBuf,
    /// Address of the page.
    #[serde(default = "loopback")]
    pub bind: IpAddr,
    /// Port of the page; 0: any.
    #[serde(default)]
    pub port: u16,
    /// Connections that may wait while no daemon serves.
    #[serde(default = "backlog")]
    pub backlog: i32,
    /// Milliseconds without a daemon after which everything ends.
    pub orphan_grace_ms: u64,
    /// Bytes of the client's output that are kept.
    #[serde(default = "log_bytes")]
    pub log_bytes: usize,
    /// The tunnel to start at once; none: a local share, or one whose tunnel is started by a command.
    #[serde(default)]
    pub tunnel: Option<TunnelSpec>,
}

fn loopback() -> IpAddr {
    IpAddr::V4(Ipv4Addr::LOCALHOST)
}

fn backlog() -> i32 {
    1024
}

fn log_bytes() -> usize {
    256 * 1024
}

impl KeeperSpec {
    /// A keeper on `127.0.0.1`, any port, without a tunnel, with a minute of grace.
    pub fn new(share_id: &str, dir: PathBuf) -> Self {
        Self {
            version: VERSION,
            share_id: share_id.to_owned(),
            dir,
            bind: loopback(),
            port: 0,
            backlog: backlog(),
            orphan_grace_ms: 60_000,
            log_bytes: log_bytes(),
            tunnel: None,
        }
    }
}

/// The one line a keeper writes to its standard output.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StartReport {
    /// It listens.
    Ready {
        /// Its process.
        pid: u32,
        /// The page's port.
        port: u16,
    },
    /// It could not start.
    Error(StartError),
}

/// Why a keeper could not start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StartError {
    /// The kind.
    pub code: StartErrorCode,
    /// What happened.
    pub message: String,
    /// What a person can do.
    pub remedy: String,
}

/// The kinds of start errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StartErrorCode {
    /// The spec could not be understood.
    BadSpec,
    /// The port asked for is taken.
    PortTaken,
    /// The page's address cannot be bound for another reason.
    BindFailed,
    /// The folder's path is too long for a socket's address.
    PathTooLong,
    /// Another keeper holds the share.
    AlreadyRunning,
    /// The system refused something.
    Io,
    /// Of a later version.
    #[serde(other)]
    Unknown,
}

/// Keeper to daemon.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// First frame of every connection; the listening socket comes with it.
    Hello(Hello),
    /// The public URL is now this one.
    Url {
        /// The URL.
        url: String,
    },
    /// The tunnel says it is connected (again).
    Ready,
    /// Here the client says by HTTP whether it is connected.
    ReadyAt {
        /// On this machine.
        url: String,
    },
    /// The tunnel says its connection is gone; it tries again by itself.
    Lost {
        /// Its words.
        reason: String,
    },
    /// The provider asks for patience.
    RateLimited,
    /// A tunnel client was started.
    TunnelStarted {
        /// Its process.
        pid: u32,
    },
    /// The client is not up after its `ready_timeout`. It goes on: what follows is the daemon's decision.
    Overdue {
        /// Milliseconds since its start.
        waited_ms: u64,
        /// A URL was seen.
        url_seen: bool,
    },
    /// The client is gone, or could not be started, and nothing of it is left.
    TunnelExited(Exit),
    /// A line of the client's output, when subscribed.
    Log {
        /// The line.
        line: String,
        /// Lines before it that were dropped because the daemon read too slowly.
        #[serde(default)]
        missed: u64,
    },
    /// Answer to a [`Request`].
    Reply(Reply),
    /// Everything has ended; the process exits now.
    Stopped,
    /// Of a later version.
    #[serde(other)]
    Unknown,
}

/// Who a keeper is and how things stand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// [`VERSION`] of the keeper.
    pub version: u32,
    /// The share.
    pub share_id: String,
    /// The page's port.
    pub port: u16,
    /// The keeper's process.
    pub pid: u32,
    /// URLs seen, oldest first; the last is the present one of a tunnel that runs and has shown one.
    pub urls: Vec<SeenUrl>,
    /// The tunnel.
    pub tunnel: TunnelState,
    /// Bytes of log held.
    pub log_bytes: usize,
    /// Where the client says by HTTP whether it is connected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ready_at: Option<String>,
}

/// A URL and when it appeared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenUrl {
    /// The URL.
    pub url: String,
    /// Milliseconds since 1970.
    pub at: u64,
}

/// How a tunnel stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum TunnelState {
    /// None was started.
    None,
    /// Running, not up yet.
    Starting {
        /// Its process.
        pid: u32,
        /// Milliseconds since its start.
        waited_ms: u64,
        /// It is past its `ready_timeout`.
        overdue: bool,
        /// The provider asked for patience.
        rate_limited: bool,
        /// It has shown its URL; a keeper of an earlier version does not say.
        #[serde(default)]
        url_seen: bool,
    },
    /// Running, with a URL, connected.
    Up {
        /// Its process.
        pid: u32,
    },
    /// Running, was up, its connection is gone.
    Lost {
        /// Its process.
        pid: u32,
        /// Its words.
        reason: String,
    },
    /// Asked to end.
    Stopping {
        /// Its process.
        pid: u32,
    },
    /// Gone.
    Exited(Exit),
    /// Of a later version.
    #[serde(other)]
    Unknown,
}

/// How a client ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exit {
    /// Exit code; none when a signal ended it, or when it never started.
    pub code: Option<i32>,
    /// Signal number.
    pub signal: Option<i32>,
    /// It had not been up. Exit codes mislead: an exit before means failed, an exit after means lost.
    pub before_ready: bool,
    /// Why, as far as it is known.
    pub cause: Cause,
    /// Its last lines.
    pub tail: Vec<String>,
    /// When, in milliseconds since 1970; keepers of earlier versions do not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<u64>,
}

/// Why a client ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Cause {
    /// It gave no reason that is known.
    Exited,
    /// We asked it to.
    Stopped,
    /// The provider asks for patience.
    RateLimited,
    /// Starting again cannot mend it.
    Terminal {
        /// What happened.
        cause: String,
        /// What a person can do.
        remedy: String,
        /// What is at fault; not said by earlier versions.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        class: Option<Class>,
    },
    /// It could not be started.
    NotStarted {
        /// What happened.
        message: String,
        /// What a person can do.
        remedy: String,
        /// Starting again may help (the system was short of something).
        transient: bool,
    },
    /// Of a later version.
    #[serde(other)]
    Unknown,
}

/// Daemon to keeper.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// Comes back in the reply.
    #[serde(default)]
    pub id: u64,
    /// What to do.
    #[serde(flatten)]
    pub command: Command,
}

/// The commands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "cmd", rename_all = "snake_case")]
pub enum Command {
    /// Start the client (again), with a new spec if there is one.
    StartTunnel {
        /// Replaces the present spec.
        #[serde(default)]
        spec: Option<Box<TunnelSpec>>,
    },
    /// End the client and keep the page's socket; [`Event::TunnelExited`] follows.
    StopTunnel,
    /// End everything; [`Event::Stopped`] follows, then the end of the connection.
    Stop,
    /// The last lines of the log.
    Logs {
        /// At most this many bytes.
        #[serde(default)]
        max_bytes: Option<usize>,
    },
    /// Send [`Event::Log`] from now on, or no more.
    Subscribe {
        /// Which.
        logs: bool,
    },
    /// Close this connection and go on without a daemon, for the grace time.
    Detach,
    /// Change the time without a daemon after which everything ends.
    Grace {
        /// Milliseconds.
        ms: u64,
    },
    /// Of a later version: answered with an error.
    #[serde(other)]
    Unknown,
}

/// Answer to one request. `ok` with `error` absent, or the other way round.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reply {
    /// The request's; 0 when the frame could not be read.
    pub id: u64,
    /// It was done, or has begun.
    pub ok: bool,
    /// Why not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ReplyError>,
    /// Answer to [`Command::Logs`], oldest first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log: Option<Vec<String>>,
}

/// Why a request was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplyError {
    /// The kind.
    pub code: ReplyErrorCode,
    /// In words.
    pub message: String,
}

/// The kinds of refusals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReplyErrorCode {
    /// Not a request.
    BadFrame,
    /// This keeper does not know the command.
    UnknownCommand,
    /// A client is running (or ending): stop it, or wait for its exit.
    AlreadyRunning,
    /// There is no client to stop, or no spec to start.
    NoTunnel,
    /// Everything is ending.
    Stopping,
    /// Of a later version.
    #[serde(other)]
    Unknown,
}

impl Reply {
    /// Done.
    pub fn done(id: u64) -> Self {
        Self { id, ok: true, ..Self::default() }
    }

    /// Refused.
    pub fn refused(id: u64, code: ReplyErrorCode, message: &str) -> Self {
        Self { id, ok: false, error: Some(ReplyError { code, message: message.to_owned() }), log: None }
    }
}
