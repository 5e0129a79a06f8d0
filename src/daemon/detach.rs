//! Starting the daemon from a command: in a session of its own, so that it outlives the terminal.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::tunnel::spawn::own_executable;

/// How long a daemon may take until it answers.
const PATIENCE: Duration = Duration::from_secs(20);

/// The one line a detached daemon prints, for the command that started it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Report {
    /// It answers requests.
    Ready,
    /// Another daemon was faster.
    AlreadyRunning,
    /// It could not start.
    Failed {
        /// Why.
        message: String,
    },
}

impl Report {
    /// Prints it to standard output. Whoever waited may be gone: that is its own business.
    pub fn print(&self) {
        if let Ok(line) = serde_json::to_string(self) {
            let _ = writeln!(io::stdout(), "{line}").and_then(|()| io::stdout().flush());
        }
    }
}

/// Starts `panko serve --foreground --detached` and waits until it has said how it went.
///
/// # Errors
/// If the program cannot be started, or says nothing in time.
pub fn start() -> io::Result<Report> {
    let mut child = Command::new(own_executable()?)
        .arg0("panko")
        .args(["serve", "--foreground", "--detached"])
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let Some(output) = child.stdout.take() else { return Err(io::Error::other("it has no output")) };
    let (tell, told) = mpsc::sync_channel(1);
    std::thread::Builder::new().name("daemon-report".into()).spawn(move || {
        let mut line = String::new();
        let read = BufReader::new(output.take(64 * 1024)).read_line(&mut line);
        // Nobody waits any more if the time is over.
        let _ = tell.send(read.map(|_| line));
    })?;
    let line = told
        .recv_timeout(PATIENCE)
        .map_err(|_| io::Error::new(io::ErrorKind::TimedOut, "the daemon did not say that it is ready"))??;
    serde_json::from_str(&line)
        .map_err(|_| io::Error::other("the daemon ended before it was ready; see its log"))
}

/// What a detached daemon does first: leave the session of the terminal it was started from.
///
/// # Errors
/// Those of `setsid`.
pub fn leave_terminal() -> io::Result<()> {
    match rustix::process::setsid() {
        Ok(_) => Ok(()),
        // Only a leader of a process group is refused, and whoever starts us makes us none.
        Err(error) => Err(error.into()),
    }
}
