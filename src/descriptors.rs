//! Descriptors: how many this process may have open, and whether there is room for more.
//!
//! Looked at before anything that cannot say so itself: actix-server panics where it finds no descriptor for a worker,
//! and a program that cannot be started is told from one that is not there by an error number alone.

use std::fs::File;
use std::io;

use rustix::io::Errno;
use rustix::process::{Resource, getrlimit, setrlimit};

use crate::share::{Cause, Failure};

/// As many as the daemon wants: an idle session server takes 6, a share with its keeper 9.
const WANTED: u64 = 65_536;
/// What a share takes until it is up: pipes to a keeper that is started, its connection and its socket, the session
/// server, one viewer, the copy; and what others open meanwhile.
pub const FOR_A_SHARE: usize = 24;
/// What a session server takes, and what others open meanwhile.
pub const FOR_A_SERVER: usize = 12;

/// There is no room for what was to be opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Full {
    /// This process has as many files open as it may.
    #[error("too many files are open: panko may have {0} at once, and there is no room for another share")]
    Process(u64),
    /// The whole machine has.
    #[error("too many files are open on this machine: there is no room for another share")]
    Machine,
    /// They cannot be opened for another reason.
    #[error("no file can be opened: {0}")]
    Other(String),
}

impl Full {
    /// What a person can do.
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::Process(_) => {
                "stop a share, or allow more open files (`ulimit -Hn`, or `LimitNOFILE=` in the daemon's systemd unit) \
                 and start the daemon anew with `panko serve --replace`"
            }
            Self::Machine => "close other programs, or raise the limit of the system (`sysctl fs.file-max`)",
            Self::Other(_) => "try again; the daemon's log may tell more",
        }
    }
}

impl From<&Full> for Failure {
    fn from(full: &Full) -> Self {
        Failure::new(Cause::Descriptors, full.to_string(), full.remedy())
    }
}

/// Raises the limit as far as it goes: the default is 1024 nearly everywhere.
///
/// # Errors
/// Those of the system: the limit is then as it was.
pub fn raise_limit() -> io::Result<()> {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum.map(|maximum| maximum.min(WANTED)).or(Some(WANTED));
    Ok(setrlimit(Resource::Nofile, limit)?)
}

/// A quarter of what this process may have open, at least 4 and at most `most`: for one kind of connections.
pub fn quarter(most: usize) -> usize {
    let limit = getrlimit(Resource::Nofile).current;
    limit.map_or(most, |limit| usize::try_from(limit / 4).unwrap_or(most)).clamp(4, most)
}

/// Whether so many more can be open at this moment. They are opened and closed again: only that tells on every system,
/// and of the limit of the machine, too.
///
/// # Errors
/// [`Full`].
pub fn room_for(count: usize) -> Result<(), Full> {
    let opened: io::Result<Vec<File>> = (0..count).map(|_| File::open("/dev/null")).collect();
    opened.map(drop).map_err(|error| match Errno::from_io_error(&error) {
        Some(Errno::MFILE) => Full::Process(getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)),
        Some(Errno::NFILE) => Full::Machine,
        _ => Full::Other(error.to_string()),
    })
}
