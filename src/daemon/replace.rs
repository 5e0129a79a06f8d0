//! Taking over from a running daemon: asked first, then told, then killed. Keepers, tunnels and URLs stay.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::running;
use crate::ipc::client::{Client, ClientError};
use crate::ipc::protocol::{Request, Shutdown};
use crate::paths::Paths;
use crate::tunnel;

/// How long a daemon that was asked may take to answer; one that hangs does not.
const ASKED: Duration = Duration::from_secs(2);
/// How long it may take to end when it has answered; its own limit is 10 s.
const ENDING: Duration = Duration::from_secs(11);
/// How long one that did not answer may take, after TERM and again after KILL.
const KILLED: Duration = Duration::from_secs(3);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(10);

/// Ends the daemon, if one runs, and leaves its keepers.
///
/// # Errors
/// If it does not end even when killed.
pub fn make_way(paths: &Paths) -> io::Result<()> {
    if !running::is_running(paths) {
        return Ok(());
    }
    let asked = Client::connect(&paths.socket())
        .and_then(|mut client| client.ask(&Request::Shutdown(Some(Shutdown { keep_tunnels: true })), ASKED));
    if asked.is_ok() && ends(paths, ENDING) {
        return Ok(());
    }
    // One that is just starting or ending has no socket: it is waited for.
    let Some(pid) = listener(paths) else {
        return match ends(paths, ENDING) {
            true => Ok(()),
            false => Err(io::Error::other("the daemon does not end, and its process is not known")),
        };
    };
    for signal in [Signal::TERM, Signal::KILL] {
        match kill_process(pid, signal) {
            Ok(()) | Err(rustix::io::Errno::SRCH) => {}
            Err(error) => return Err(error.into()),
        }
        if ends(paths, KILLED) {
            return Ok(());
        }
    }
    Err(io::Error::other("the daemon does not end"))
}

fn ends(paths: &Paths, patience: Duration) -> bool {
    let until = Instant::now() + patience;
    while running::is_running(paths) {
        if Instant::now() >= until {
            return false;
        }
        std::thread::park_timeout(LOOK);
    }
    true
}

/// The daemon's process: who listens on the control socket, by its credentials; where that takes no connection, who is
/// named in the pid file and has the daemon's lock open. The pid file alone may name a stranger.
fn listener(paths: &Paths) -> Option<Pid> {
    let peer = match Client::connect(&paths.socket()) {
        Ok(client) => tunnel::os::peer(client.stream()).map(|peer| peer.pid),
        Err(ClientError::NotRunning) => None,
        Err(_) => running::read_pid(paths).filter(|pid| has_open(*pid, &paths.lock())),
    };
    tunnel::os::pid(peer?)
}

/// Whether a process of this user has the file open; where the system does not say, it has not.
fn has_open(pid: u32, path: &Path) -> bool {
    let Ok(open) = fs::read_dir(format!("/proc/{pid}/fd")) else { return false };
    let wanted = fs::metadata(path).map(|meta| (meta.dev(), meta.ino())).ok();
    open.flatten()
        .any(|fd| fs::metadata(fd.path()).is_ok_and(|meta| Some((meta.dev(), meta.ino())) == wanted))
}
