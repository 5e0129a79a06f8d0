//! Taking over from a running daemon: asked first, then told, then killed. Keepers, tunnels and URLs stay.

use std::io;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::running;
use crate::ipc::client::Client;
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
    // The pid file may name a stranger; the credentials of who listens on the socket do not.
    let Some(pid) = listener(paths) else {
        return Err(io::Error::other("the daemon does not end, and its process is not known"));
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

/// The process that listens on the control socket. Where a socket does not tell, the pid file is all there is.
fn listener(paths: &Paths) -> Option<Pid> {
    let peer = UnixStream::connect(paths.socket()).ok().and_then(|stream| tunnel::os::peer(&stream));
    tunnel::os::pid(peer.map(|peer| peer.pid).or_else(|| running::read_pid(paths))?)
}
