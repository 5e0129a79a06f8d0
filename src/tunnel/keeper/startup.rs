//! From `panko keeper` to a keeper that listens: spec, session, lock, sockets, and the one line of report.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::fs::Mode;

use super::protocol::{FRAME_CAP, KeeperSpec, StartError, StartErrorCode, StartReport, VERSION, frame};
use crate::flock::Flock;
use crate::tunnel::files::{KeeperFiles, LockError, create_dir};
use crate::tunnel::os;

/// Bytes of a path in a socket's address, without the closing NUL.
const SOCKET_PATH_CAP: usize = if cfg!(target_os = "linux") { 107 } else { 103 };
/// How long a lock that is held is tried again: someone may just be asking whether it is, and one's predecessor may be
/// exiting.
const LOCK_PATIENCE: Duration = Duration::from_millis(500);
/// Between two tries.
const LOCK_PAUSE: Duration = Duration::from_millis(10);

/// A keeper that listens.
pub(super) struct Ready {
    pub(super) spec: KeeperSpec,
    pub(super) files: KeeperFiles,
    /// Held for life.
    pub(super) lock: Flock,
    pub(super) page: TcpListener,
    pub(super) port: u16,
    pub(super) control: UnixListener,
}

/// Starts and reports.
pub(super) fn start() -> Result<Ready, StartError> {
    os::close_inherited();
    let spec = read_spec()?;
    // Fails only for a process that leads its group already (started by hand from a shell): it goes on in its session.
    let _ = rustix::process::setsid();
    os::become_subreaper();
    rustix::process::umask(Mode::from_raw_mode(0o077));
    let files = KeeperFiles::new(&spec.dir, &spec.share_id)
        .ok_or_else(|| bad_spec("the share's id is not 1 to 64 letters, digits, - and _"))?;
    check_path(&files)?;
    create_dir(files.dir()).map_err(|error| io_error("create the keepers' folder", &error))?;
    let lock = lock(&files)?;
    let listening = listen(&spec, &files);
    if listening.is_err() {
        files.remove_but_lock();
        files.remove_lock();
    }
    let (page, port, control) = listening?;
    report(&StartReport::Ready { pid: std::process::id(), port });
    os::silence(&[0, 1, 2]).map_err(|error| io_error("open /dev/null", &error))?;
    Ok(Ready { spec, files, lock, page, port, control })
}

/// Writes the one line of report. A reader that is gone is no error: the grace time will tell.
pub(super) fn report(report: &StartReport) {
    if let Ok(line) = frame(report) {
        let _ = io::stdout().write_all(&line).and_then(|()| io::stdout().flush());
    }
}

fn read_spec() -> Result<KeeperSpec, StartError> {
    let mut bytes = Vec::new();
    let limit = FRAME_CAP as u64 + 1;
    io::stdin().take(limit).read_to_end(&mut bytes).map_err(|error| io_error("read the spec", &error))?;
    if bytes.len() > FRAME_CAP {
        return Err(bad_spec("it is too long"));
    }
    let spec: KeeperSpec = serde_json::from_slice(&bytes).map_err(|error| bad_spec(&error.to_string()))?;
    if spec.version != VERSION {
        return Err(bad_spec(&format!("version {} is not {VERSION}", spec.version)));
    }
    if !spec.dir.is_absolute() {
        return Err(bad_spec("the keepers' folder is not an absolute path"));
    }
    Ok(spec)
}

fn check_path(files: &KeeperFiles) -> Result<(), StartError> {
    let length = files.socket().as_os_str().len();
    if length <= SOCKET_PATH_CAP {
        return Ok(());
    }
    Err(StartError {
        code: StartErrorCode::PathTooLong,
        message: format!(
            "the path of the control socket is {length} bytes long, a socket's address holds {SOCKET_PATH_CAP}: {}",
            files.socket().display()
        ),
        remedy: "set XDG_DATA_HOME to a shorter path".to_owned(),
    })
}

fn lock(files: &KeeperFiles) -> Result<Flock, StartError> {
    let give_up = Instant::now() + LOCK_PATIENCE;
    loop {
        match files.acquire() {
            Ok(lock) => return Ok(lock),
            Err(LockError::Held { .. }) if Instant::now() < give_up => os::pause(LOCK_PAUSE),
            Err(error @ LockError::Held { .. }) => {
                return Err(StartError {
                    code: StartErrorCode::AlreadyRunning,
                    message: error.to_string(),
                    remedy: "attach to it".to_owned(),
                });
            }
            Err(error @ LockError::Io { .. }) => {
                return Err(StartError {
                    code: StartErrorCode::Io,
                    message: error.to_string(),
                    remedy: "check the folder's owner, mode and free space".to_owned(),
                });
            }
        }
    }
}

fn listen(spec: &KeeperSpec, files: &KeeperFiles) -> Result<(TcpListener, u16, UnixListener), StartError> {
    let page = TcpListener::bind((spec.bind, spec.port)).map_err(|error| bind_error(spec, &error))?;
    // The standard library listens with a backlog of its own; asking again changes it.
    rustix::net::listen(&page, spec.backlog).map_err(|error| io_error("listen", &error.into()))?;
    let port = page.local_addr().map_err(|error| io_error("learn the page's port", &error))?.port();
    let control = control_socket(files).map_err(|error| io_error("create the control socket", &error))?;
    Ok((page, port, control))
}

/// Binds under another name, listens, then renames: whoever finds the name can connect.
fn control_socket(files: &KeeperFiles) -> io::Result<UnixListener> {
    remove(&files.unready_socket())?;
    let usual = rustix::process::umask(Mode::from_raw_mode(0o177));
    let bound = UnixListener::bind(files.unready_socket());
    rustix::process::umask(usual);
    let control = bound?;
    fs::rename(files.unready_socket(), files.socket())?;
    Ok(control)
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn bind_error(spec: &KeeperSpec, error: &io::Error) -> StartError {
    let (code, remedy) = match error.kind() {
        io::ErrorKind::AddrInUse => {
            (StartErrorCode::PortTaken, "choose another port, or leave it out for a free one")
        }
        io::ErrorKind::PermissionDenied => (StartErrorCode::BindFailed, "choose a port above 1023"),
        _ => (StartErrorCode::BindFailed, "check the address"),
    };
    StartError {
        code,
        message: format!("cannot listen on {}:{}: {error}", spec.bind, spec.port),
        remedy: remedy.to_owned(),
    }
}

fn bad_spec(message: &str) -> StartError {
    StartError {
        code: StartErrorCode::BadSpec,
        message: format!("the keeper's spec is wrong: {message}"),
        remedy: "panko starts its keepers itself: this verb is not for people".to_owned(),
    }
}

fn io_error(what: &str, error: &io::Error) -> StartError {
    StartError {
        code: StartErrorCode::Io,
        message: format!("cannot {what}: {error}"),
        remedy: "check the folder's owner and mode, free space, and the limits of the system".to_owned(),
    }
}
