//! `panko daemon install|uninstall|status`: the daemon as a service of the user's session.

use std::path::Path;
use std::process::{Command, Stdio};

use etcetera::BaseStrategy;

use super::terminal::{print, tell};
use super::{CliError, DaemonCommand, Exit};
use crate::daemon::running;
use crate::daemon::service::{self, NATIVE};
use crate::paths::Paths;

pub(super) fn run(paths: &Paths, what: &DaemonCommand) -> Result<Exit, CliError> {
    let base = etcetera::choose_base_strategy()
        .map_err(|_| CliError::failed("no home folder is known", "set HOME"))?;
    let file = NATIVE.file(&base.config_dir(), base.home_dir());
    match what {
        DaemonCommand::Install => install(&file),
        DaemonCommand::Uninstall => uninstall(&file),
        DaemonCommand::Status => {
            let installed =
                if file.exists() { file.display().to_string() } else { "not installed".to_owned() };
            print(format!("service: {installed}"))?;
            let runs = running::is_running(paths);
            print(format!("daemon: {}", if runs { "running" } else { "not running" }))?;
            Ok(if runs { Exit::Done } else { Exit::NotRunning })
        }
    }
}

fn install(file: &Path) -> Result<Exit, CliError> {
    let exe =
        std::env::current_exe().map_err(|error| CliError::failed(format!("where is panko? {error}"), ""))?;
    service::write(file, &NATIVE.text(&exe, &service::variables())).map_err(|error| {
        CliError::failed(format!("cannot write {}: {error}", file.display()), "check the folder")
    })?;
    tell(format!("wrote {}", file.display()));
    follow(&NATIVE.commands(file).enable, "to start it now and at every login");
    Ok(Exit::Done)
}

fn uninstall(file: &Path) -> Result<Exit, CliError> {
    if !file.exists() {
        tell("it is not installed");
        return Ok(Exit::Done);
    }
    follow(&NATIVE.commands(file).disable, "to end it");
    std::fs::remove_file(file)
        .map_err(|error| CliError::failed(format!("cannot remove {}: {error}", file.display()), ""))?;
    tell(format!("removed {}", file.display()));
    Ok(Exit::Done)
}

/// Runs the service manager's commands; what cannot be run is shown, for a person to run.
fn follow(commands: &[Vec<String>], what_for: &str) {
    for (done, command) in commands.iter().enumerate() {
        let Some((program, args)) = command.split_first() else { continue };
        let ran = Command::new(program).args(args).stdin(Stdio::null()).output();
        if !ran.is_ok_and(|output| output.status.success()) {
            let left: Vec<_> = commands.iter().skip(done).map(|command| command.join(" ")).collect();
            tell(format!("run this yourself {what_for}: {}", left.join(" && ")));
            return;
        }
    }
}
