//! `panko serve` and `serve-stop`.

use std::time::{Duration, Instant};

use super::connect::{PATIENCE, running, running_or_started, shares};
use super::terminal::tell;
use super::{CliError, Exit, ServeArgs, ServeStopArgs};
use crate::config;
use crate::daemon::{self, DaemonError, detach, logging, running as daemon_running};
use crate::ipc::client::ClientError;
use crate::ipc::protocol::{Request, Shutdown};
use crate::paths::Paths;
use crate::plain::plain;
use crate::share::Status;

/// How long the daemon may take to end: its own limit is 10 s.
const END_TIME: Duration = Duration::from_secs(15);
/// Between two looks whether it has.
const LOOK: Duration = Duration::from_millis(20);

pub(super) fn run(paths: &Paths, args: &ServeArgs) -> Result<Exit, CliError> {
    if args.replace {
        daemon::replace::make_way(paths).map_err(failed)?;
    }
    match (args.foreground, args.detached) {
        (false, _) => start(paths),
        (true, false) => foreground(paths),
        (true, true) => detached(paths),
    }
}

fn start(paths: &Paths) -> Result<Exit, CliError> {
    if daemon_running::is_running(paths) {
        return Err(failed(DaemonError::AlreadyRunning { pid: daemon_running::read_pid(paths) }));
    }
    running_or_started(paths)?;
    tell(format!("the daemon runs; its log is {}", paths.log().display()));
    Ok(Exit::Done)
}

fn foreground(paths: &Paths) -> Result<Exit, CliError> {
    logging::to_stderr();
    daemon::run(paths, || {}).map(|()| Exit::Done).map_err(failed)
}

/// Says how it went on standard output, for the command that waits for it.
fn detached(paths: &Paths) -> Result<Exit, CliError> {
    let run = || {
        detach::leave_terminal().map_err(|error| failed(format!("leaving the terminal: {error}")))?;
        paths.prepare().map_err(failed)?;
        let log = config::load(paths.config()).ok().and_then(|loaded| loaded.config.log_file);
        let log = log.unwrap_or_else(|| paths.log());
        logging::to_file(&log)
            .map_err(|error| failed(format!("cannot log to {}: {error}", log.display())))?;
        match daemon::run(paths, || detach::Report::Ready.print()) {
            Err(DaemonError::AlreadyRunning { .. }) => {
                detach::Report::AlreadyRunning.print();
                Ok(Exit::Done)
            }
            Err(error) => {
                tracing::error!(%error, "the daemon has ended");
                Err(failed(error))
            }
            Ok(()) => Ok(Exit::Done),
        }
    };
    run().inspect_err(|error| detach::Report::Failed { message: error.what.clone() }.print())
}

fn failed(error: impl std::fmt::Display) -> CliError {
    CliError::failed(error, "`panko serve-status` tells whether one runs")
}

pub(super) fn stop(paths: &Paths, args: &ServeStopArgs) -> Result<Exit, CliError> {
    let mut client = running(paths)?;
    let keep_tunnels = args.keep_tunnels;
    let up = shares(&mut client, false).unwrap_or_default();
    // It ends all the same where it says what could not be recorded.
    let refused = match client.ask(&Request::Shutdown(Some(Shutdown { keep_tunnels })), PATIENCE) {
        Ok(_) => None,
        Err(refused @ ClientError::Refused(_)) => Some(refused),
        Err(error) => return Err(error.into()),
    };
    let until = Instant::now() + END_TIME;
    while daemon_running::is_running(paths) {
        if Instant::now() >= until {
            let pid = daemon_running::read_pid(paths).map(|pid| format!(" {pid}")).unwrap_or_default();
            return Err(CliError::failed(
                "the daemon does not end",
                format!("`kill -9{pid}`; its tunnels end by themselves within a minute"),
            ));
        }
        std::thread::park_timeout(LOOK);
    }
    for share in &up {
        // One that is not up yet cannot be left to anybody.
        let kept = keep_tunnels && share.status != Status::Starting;
        let verb = if kept { "kept" } else { "stopped" };
        tell(format!("{verb} {} ({})", plain(&share.session_name), &share.id.to_string()[..8]));
    }
    tell("the daemon has ended");
    refused.map_or(Ok(Exit::Done), |error| Err(error.into()))
}
