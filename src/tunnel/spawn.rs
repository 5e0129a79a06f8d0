//! Starts keepers, and replaces those that hang.
//!
//! Blocking, with deadlines: for a thread that may block.

use std::io::{self, Read as _, Write as _};
use std::os::fd::AsFd as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use thiserror::Error;

use super::attach::{AttachError, Attached, HELLO_DEADLINE, attach};
use super::files::KeeperFiles;
use super::keeper::protocol::{KeeperSpec, StartError, StartErrorCode, StartReport};
use super::{os, sweep};
use crate::descriptors::{self, Full};

/// How long a keeper may take to listen.
pub const START_DEADLINE: Duration = Duration::from_secs(5);
/// How long a killed keeper may take to let go of its lock.
const KILL_DEADLINE: Duration = Duration::from_secs(2);
/// Between two looks at a lock.
const LOOK: Duration = Duration::from_millis(10);
/// Bytes of a spec. It must fit in a pipe whole, so that writing it cannot wait for a keeper that does not read.
const SPEC_CAP: usize = 60 * 1024;
/// Bytes of a report.
const REPORT_CAP: usize = 64 * 1024;

/// A keeper started by this process.
#[derive(Debug)]
pub struct SpawnedKeeper {
    /// Its process. Someone must wait for it, or it stays as a zombie: see [`SpawnedKeeper::reap_in_background`].
    pub child: Child,
    /// The page's port.
    pub port: u16,
}

impl SpawnedKeeper {
    /// Waits for the keeper's end in a thread of its own, which costs some kilobytes and ends with the keeper.
    ///
    /// # Errors
    /// The thread cannot be started.
    pub fn reap_in_background(self) -> io::Result<()> {
        let mut child = self.child;
        thread::Builder::new()
            .name("keeper-reaper".into())
            .stack_size(64 * 1024)
            .spawn(move || drop(child.wait()))
            .map(drop)
    }
}

/// Why a keeper could not be started.
#[derive(Debug, Error)]
pub enum SpawnError {
    /// It said why itself.
    #[error("{}", .0.message)]
    Refused(StartError),
    /// There is no room for what it takes.
    #[error(transparent)]
    Full(#[from] Full),
    /// Our program could not be started.
    #[error("cannot start {}: {source}", exe.display())]
    NotStarted {
        /// Which.
        exe: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It did not report in time, and was killed.
    #[error("the keeper did not start within {} s", START_DEADLINE.as_secs())]
    Timeout,
    /// It ended without a report, or with one that cannot be understood.
    #[error("the keeper ended without a report: {0}")]
    NoReport(String),
    /// The spec is not one.
    #[error("the keeper's spec cannot be sent: {0}")]
    Spec(String),
}

impl SpawnError {
    /// What a person can do.
    pub fn remedy(&self) -> &str {
        match self {
            Self::Refused(error) => &error.remedy,
            Self::Full(full) => full.remedy(),
            Self::NotStarted { .. } => {
                "check that the panko program is still there, and the limits of the system"
            }
            Self::Timeout | Self::NoReport(_) => "try again",
            Self::Spec(_) => "shorten the tunnel's table in the configuration file",
        }
    }
}

/// Why there is no connection to a keeper, old or new.
#[derive(Debug, Error)]
pub enum ReachError {
    /// None could be started.
    #[error(transparent)]
    Spawn(#[from] SpawnError),
    /// It could not be connected to.
    #[error(transparent)]
    Attach(#[from] AttachError),
    /// The one before neither answers nor ends.
    #[error("the keeper before it (process {pid:?}) does not end")]
    Stuck {
        /// Its process.
        pid: Option<u32>,
    },
}

/// The running program: `/proc/self/exe` where it exists, because after an upgrade `current_exe()` names a deleted file.
///
/// # Errors
/// The system does not say.
pub fn own_executable() -> io::Result<PathBuf> {
    let running = Path::new("/proc/self/exe");
    if running.exists() { Ok(running.to_owned()) } else { std::env::current_exe() }
}

/// Starts a keeper and waits until it listens.
///
/// # Errors
/// See [`SpawnError`]; nothing is left running then.
pub fn spawn(spec: &KeeperSpec, exe: &Path) -> Result<SpawnedKeeper, SpawnError> {
    let json = serde_json::to_vec(spec).map_err(|error| SpawnError::Spec(error.to_string()))?;
    if json.len() > SPEC_CAP {
        return Err(SpawnError::Spec(format!("{} bytes are more than {SPEC_CAP}", json.len())));
    }
    descriptors::room_for(descriptors::FOR_A_SHARE)?;
    let mut child = Command::new(exe)
        .arg0("panko")
        // The id is for people who read a process list; the keeper takes it from the spec.
        .args(["keeper", &spec.share_id])
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|source| SpawnError::NotStarted { exe: exe.to_owned(), source })?;
    let report = exchange(&mut child, &json);
    match report {
        Ok(StartReport::Ready { port, .. }) => Ok(SpawnedKeeper { child, port }),
        Ok(StartReport::Error(error)) => {
            let _ = child.wait();
            Err(SpawnError::Refused(error))
        }
        Err(error) => {
            let _ = child.kill();
            let _ = child.wait();
            Err(error)
        }
    }
}

fn exchange(child: &mut Child, json: &[u8]) -> Result<StartReport, SpawnError> {
    if let Some(mut stdin) = child.stdin.take() {
        // One that ends before it has read its spec may still have said why.
        let _ = stdin.write_all(json);
    }
    let stdout = child.stdout.take().ok_or_else(|| SpawnError::NoReport("no output".to_owned()))?;
    let line = read_line(stdout, Instant::now() + START_DEADLINE)?;
    serde_json::from_slice(&line).map_err(|error| SpawnError::NoReport(error.to_string()))
}

fn read_line(mut from: ChildStdout, deadline: Instant) -> Result<Vec<u8>, SpawnError> {
    let failed = |error: io::Error| SpawnError::NoReport(error.to_string());
    let mut line = Vec::new();
    let mut chunk = [0; 4096];
    while !line.ends_with(b"\n") && line.len() < REPORT_CAP {
        if !os::readable(from.as_fd(), deadline).map_err(failed)? {
            return Err(SpawnError::Timeout);
        }
        match from.read(&mut chunk) {
            Ok(0) => break,
            Ok(length) => line.extend_from_slice(chunk.get(..length).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(failed(error)),
        }
    }
    Ok(line)
}

/// Attaches to the share's keeper, starting one where none lives and replacing one that hangs.
///
/// A keeper that is just ending is waited for: its clients have their stop timeout. The second value is the keeper, when
/// this call started it: someone must reap it.
///
/// # Errors
/// See [`ReachError`].
pub fn spawn_or_attach(
    spec: &KeeperSpec,
    exe: &Path,
    deadline: Duration,
) -> Result<(Attached, Option<SpawnedKeeper>), ReachError> {
    let until = Instant::now() + deadline;
    let files =
        KeeperFiles::new(&spec.dir, &spec.share_id).ok_or_else(|| AttachError::Id(spec.share_id.clone()))?;
    let mut spawned = None;
    loop {
        match attach(&spec.dir, &spec.share_id, HELLO_DEADLINE) {
            Ok(attached) => return Ok((attached, spawned)),
            Err(AttachError::Hung { pid }) => kill_hung(&files, pid)?,
            Err(AttachError::Gone) if files.is_held().map_err(AttachError::Io)? => {
                if Instant::now() >= until {
                    kill_hung(&files, files.holder())?;
                } else {
                    os::pause(LOOK);
                }
            }
            Err(AttachError::Gone) => {
                if Instant::now() >= until {
                    return Err(AttachError::Gone.into());
                }
                reap_former(spawned.take());
                bury(&files);
                spawned = match spawn(spec, exe) {
                    // Another was faster: attach to that one.
                    Err(SpawnError::Refused(StartError { code: StartErrorCode::AlreadyRunning, .. })) => None,
                    other => Some(other?),
                };
            }
            Err(error) => return Err(error.into()),
        }
    }
}

/// A keeper that was started by this very call and is gone already.
fn reap_former(former: Option<SpawnedKeeper>) {
    if let Some(mut former) = former {
        let _ = former.child.kill();
        let _ = former.child.wait();
    }
}

/// Kills and removes what a keeper leaves whose connection has ended without a farewell. The system closes a dying
/// process's connections before it lets go of its locks, so the lock is waited for, at most two seconds. Nothing
/// happens if it is held even then: the keeper lives, and the connection was closed for a newer one.
pub fn bury_dying(files: &KeeperFiles) {
    let until = Instant::now() + KILL_DEADLINE;
    while matches!(files.is_held(), Ok(true)) && Instant::now() < until {
        os::pause(LOOK);
    }
    bury(files);
}

/// Kills and removes what a dead keeper left: processes, files. Nothing happens while a keeper of the share lives.
fn bury(files: &KeeperFiles) {
    if files.lock().exists() && matches!(files.is_held(), Ok(false)) {
        sweep::kill_marked(files.id());
        // What cannot be cleared is met by the next keeper, which says so.
        let _ = files.clear_dead();
    }
}

/// Kills a keeper that does not answer, by the credentials of its socket, and what it left.
pub(super) fn kill_hung(files: &KeeperFiles, pid: Option<u32>) -> Result<(), ReachError> {
    let until = Instant::now() + KILL_DEADLINE;
    let held = || files.is_held().map_err(AttachError::Io);
    if let Some(pinned) = pid.filter(|pid| *pid != std::process::id()).and_then(os::Pinned::new) {
        // Held still, after the number was pinned: the number is still the keeper's.
        if held()? {
            pinned.kill();
        }
    }
    while held()? {
        if Instant::now() >= until {
            return Err(ReachError::Stuck { pid });
        }
        os::pause(LOOK);
    }
    bury(files);
    Ok(())
}
