//! The composition root of the daemon: lock, sockets, signals, the order of start and stop, and the
//! supervision of `Supervisor`, `DbActor` and `IpcActor` themselves.
//!
//! Start: lock → attach every living keeper → database → actors → recovery → control socket. Stop: shares →
//! flush → socket and pid file → lock. [`offline`] is what commands do while no daemon runs.

pub mod detach;
mod lock;
pub mod logging;
mod notify;
pub mod offline;
pub mod replace;
pub mod running;
pub mod service;
mod supervise;

use std::collections::HashMap;
use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix::System;
use jiff::Timestamp;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::actors::link::AskError;
use crate::actors::{Env, db, ends as unrecorded, supervisor};
use crate::config::{self, ConfigError};
use crate::db::{DbError, SqliteConnection, ends};
use crate::descriptors;
use crate::ipc::client::Client;
use crate::ipc::protocol::Request;
use crate::own_file;
use crate::paths::{PathError, Paths};
use crate::tunnel;
use crate::tunnel::attach::{Attached, HELLO_DEADLINE};
use crate::web::pool::Pool;

pub use lock::{Lock, LockError};

/// How long the whole of an orderly end may take.
const END_TIME: Duration = Duration::from_secs(9);

/// How long a lock is waited for whose holder does not answer …
const LOCK_TIME: Duration = Duration::from_secs(5);
/// … how long such an answer may take …
const LOCK_ANSWER: Duration = Duration::from_millis(500);
/// … and the pause between two looks.
const LOCK_LOOK: Duration = Duration::from_millis(10);

/// Why the daemon could not run.
#[derive(Debug, thiserror::Error)]
pub enum DaemonError {
    /// Another one is the daemon.
    #[error("the daemon is running already (process {})", pid.map_or("unknown".to_owned(), |pid| pid.to_string()))]
    AlreadyRunning {
        /// Its pid, if its pid file tells.
        pid: Option<u32>,
    },
    /// The original's daemon answers on the socket.
    #[error("a daemon of the earlier panko answers on {path}: stop it with its own `panko serve-stop` first")]
    Foreign {
        /// The socket.
        path: PathBuf,
    },
    /// Folders.
    #[error(transparent)]
    Path(#[from] PathError),
    /// Lock file.
    #[error(transparent)]
    Lock(LockError),
    /// Configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Database.
    #[error(transparent)]
    Db(#[from] DbError),
    /// Recovery.
    #[error("the shares could not be restored: {0}")]
    Restore(db::StateError),
    /// The control socket, the pid file, threads, signals.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: String,
        /// Why it failed.
        source: io::Error,
    },
    /// Shares have ended, and come back with the next daemon.
    #[error("{}; {}", unrecorded::lost(*.0), unrecorded::MEND)]
    Unrecorded(usize),
    /// A part of the daemon failed again and again.
    #[error("{0} failed too often; the shares' tunnels are kept for the next daemon")]
    Unstable(&'static str),
}

fn failed(what: impl Into<String>) -> impl FnOnce(io::Error) -> DaemonError {
    let what = what.into();
    move |source| DaemonError::Io { what, source }
}

/// Runs the daemon until it is told to end. `ready` is called once requests are answered.
///
/// # Errors
/// [`DaemonError`].
pub fn run(paths: &Paths, ready: impl FnOnce() + 'static) -> Result<(), DaemonError> {
    paths.prepare()?;
    let lock = take_lock(paths)?;
    refuse_foreign(&paths.socket())?;
    if let Err(error) = descriptors::raise_limit() {
        tracing::warn!(%error, "the limit of open files stays as it is");
    }
    // Before anything slow: a keeper that is attached does not count down its grace.
    let attached = attach_living(paths);
    let loaded = config::load(paths.config())?;
    for key in &loaded.unknown {
        tracing::warn!(key, "the configuration has a key that this version does not know");
    }
    let mut opened = crate::db::open(&paths.db(), Timestamp::now())?;
    record_ends(paths, &mut opened.db)?;
    let notices = opened.set_aside.iter().map(|path| {
        format!(
            "the database was damaged and is kept as {}; the shares it held are not known any more",
            path.display()
        )
    });
    let pool =
        Pool::new(render_threads()).map_err(|error| failed("starting threads")(io::Error::other(error)))?;
    let env = Arc::new(Env::new(paths.clone(), loaded.config, pool, notices.collect(), attached));
    let listener = listen(&paths.socket())?;
    write_pid(paths)?;

    let system = System::new();
    let ended = system.block_on(serve(env, opened.db, listener, ready));
    // All that must be done is done. What still waits on a thread of its own (a name that is looked up for a probe)
    // is not waited for: it ends with the process.
    std::mem::forget(system);
    for path in [paths.socket(), paths.pid_file()] {
        if let Err(error) = fs::remove_file(&path) {
            tracing::warn!(path = %path.display(), %error, "left behind");
        }
    }
    drop(lock);
    ended
}

async fn serve(
    env: Arc<Env>,
    database: SqliteConnection,
    listener: UnixListener,
    ready: impl FnOnce(),
) -> Result<(), DaemonError> {
    let signals = |kind| signal(kind).map_err(failed("listening for signals"));
    let (mut term, mut int) = (signals(SignalKind::terminate())?, signals(SignalKind::interrupt())?);
    let mut hup = signals(SignalKind::hangup())?;
    let shutdown = CancellationToken::new();
    let mut house = supervise::House::build(env.clone(), database, listener, shutdown.clone()).await?;
    tracing::info!(version = env!("CARGO_PKG_VERSION"), pid = std::process::id(), "the daemon is ready");
    ready();
    notify::ready();
    let watched = env.clone();
    actix::spawn(async move { notify::feed_watchdog(&watched).await });

    let keep_tunnels = loop {
        let fall = tokio::select! {
            fall = house.fall() => fall,
            () = shutdown.cancelled() => break house.keeps_tunnels(),
            _ = int.recv() => break false,
            // The system's wish, not a person's: the shares stay wanted, their keepers wait for the next daemon.
            _ = term.recv() => break true,
            _ = hup.recv() => {
                reload(&env);
                continue;
            }
        };
        // Outside the choice above: what is being mended is not dropped half-way.
        house.mend(fall).await?;
    };
    notify::stopping();
    tracing::info!(keep_tunnels, "the daemon is ending");
    if tokio::time::timeout(END_TIME, close(&mut house, &env, keep_tunnels)).await.is_err() {
        tracing::error!("the end took too long: what is left is swept by the next daemon");
    }
    match env.ends.unrecorded() {
        0 => Ok(()),
        lost => Err(DaemonError::Unrecorded(lost)),
    }
}

async fn close(house: &mut supervise::House, env: &Env, keep_tunnels: bool) {
    let closed = loop {
        match env.supervisor.ask(supervisor::ShutDown { keep_tunnels }, END_TIME).await {
            // The shares are there all the same: its successor ends them.
            Err(AskError::Down) => match house.mend_next().await {
                Ok(()) => {}
                Err(error) => {
                    tracing::error!(%error, "ending the shares");
                    break Ok(());
                }
            },
            closed => break closed,
        }
    };
    let flushed = db::flush().run(&env.db).await;
    if let Err(error) = closed {
        tracing::error!(%error, "ending the shares");
    }
    if let Err(error) = flushed {
        tracing::error!(%error, "flushing the state");
    }
}

fn reload(env: &Env) {
    match config::load(env.paths.config()) {
        Ok(loaded) => {
            env.set_config(loaded.config);
            env.note_config_trouble(None);
            if let Some(supervisor) = env.supervisor.addr() {
                supervisor.do_send(supervisor::Reconfigured);
            }
            tracing::info!("the configuration was read again");
        }
        Err(error) => {
            env.note_config_trouble(Some(format!("{error}; the configuration stays as it was")));
            tracing::error!(%error, "the configuration stays as it was");
        }
    }
}

/// A daemon that was killed while it forked leaves a child that holds the lock until it executes, and the control
/// socket too, which takes connections and answers none: a lock that is held by nobody who answers is waited for.
fn take_lock(paths: &Paths) -> Result<Lock, DaemonError> {
    let until = Instant::now() + LOCK_TIME;
    loop {
        match Lock::take(&paths.lock()) {
            Err(LockError::Held) if Instant::now() < until && !answers(&paths.socket()) => {
                std::thread::park_timeout(LOCK_LOOK);
            }
            Err(LockError::Held) => {
                return Err(DaemonError::AlreadyRunning { pid: running::read_pid(paths) });
            }
            taken => return taken.map_err(DaemonError::Lock),
        }
    }
}

fn answers(socket: &Path) -> bool {
    Client::connect(socket).is_ok_and(|mut client| client.ask(&Request::Ping, LOCK_ANSWER).is_ok())
}

/// Rendering is the only work that computes; one thread is left to the reactor.
fn render_threads() -> usize {
    std::thread::available_parallelism().map_or(2, |cores| cores.get().clamp(2, 8))
}

/// Brings into the database what it did not take when shares ended: before anything comes back from it.
fn record_ends(paths: &Paths, database: &mut SqliteConnection) -> Result<(), DaemonError> {
    let folder = paths.ends();
    let noted = ends::noted(&folder).map_err(failed(format!("reading {}", folder.display())))?;
    ends::apply(&folder, &noted, database)
        .map_err(|source| DbError::Query { path: paths.db(), source })
        .map_err(DaemonError::Db)
}

/// Connects to every living keeper, all at once; one that hangs is left to its share's own attach.
fn attach_living(paths: &Paths) -> HashMap<Uuid, Attached> {
    let folder = paths.keepers();
    if let Err(error) = tunnel::sweep::sweep_orphans(&folder) {
        tracing::warn!(%error, "the keepers' folder could not be swept");
    }
    let living = tunnel::attach::living(&folder).unwrap_or_default();
    let attach = |id: &String| {
        let attached = tunnel::attach::attach(&folder, id, HELLO_DEADLINE)
            .inspect_err(|error| tracing::warn!(share = id, %error, "a keeper does not answer"))
            .ok()?;
        Some((Uuid::try_parse(id).ok()?, attached))
    };
    std::thread::scope(|scope| {
        let waiting: Vec<_> = living.iter().map(|id| scope.spawn(move || attach(id))).collect();
        waiting.into_iter().filter_map(|thread| thread.join().ok().flatten()).collect()
    })
}

/// A daemon that answers without holding our lock is the original's.
fn refuse_foreign(socket: &Path) -> Result<(), DaemonError> {
    let Ok(mut client) = Client::connect(socket) else { return Ok(()) };
    match client.ask(&Request::Ping, Duration::from_secs(2)) {
        Ok(_) => Err(DaemonError::Foreign { path: socket.to_owned() }),
        Err(_) => Ok(()),
    }
}

/// Binds the control socket: under another name first, so that nobody sees it before its mode is right and
/// it listens.
fn listen(path: &Path) -> Result<UnixListener, DaemonError> {
    match fs::symlink_metadata(path) {
        Ok(meta) if meta.file_type().is_socket() => {}
        Ok(_) => {
            let source = io::Error::other("something that is no socket stands there: move it away");
            return Err(failed(format!("making the control socket {}", path.display()))(source));
        }
        Err(_) => {}
    }
    let bind = || {
        let unready = path.with_extension("new");
        match fs::remove_file(&unready) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let listener = UnixListener::bind(&unready)?;
        fs::set_permissions(&unready, fs::Permissions::from_mode(0o600))?;
        fs::rename(&unready, path)?;
        Ok(listener)
    };
    bind().map_err(failed(format!("making the control socket {}", path.display())))
}

fn write_pid(paths: &Paths) -> Result<(), DaemonError> {
    use std::io::Write;
    let path = paths.pid_file();
    let write = || {
        let mut options = fs::OpenOptions::new();
        let mut file = own_file::open_regular(&path, options.write(true).create(true).truncate(true))?;
        writeln!(file, "{}", std::process::id())
    };
    write().map_err(failed(format!("writing {}", path.display())))
}
