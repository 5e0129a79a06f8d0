//! How a command ends: an exit code, or one line what and one line what to do.

use std::fmt;
use std::process::{ExitCode, Termination};

use crate::daemon::DaemonError;
use crate::ipc::client::ClientError;
use crate::ipc::protocol::{ErrorCode, ErrorReply};
use crate::plain::plain;

/// Exit codes; `--help` lists them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Done.
    Done = 0,
    /// It failed.
    Failed = 1,
    /// The command line makes no sense (clap's own code, too).
    Usage = 2,
    /// The daemon is not running.
    NotRunning = 3,
    /// There is no such share.
    NoSuchShare = 4,
    /// Ctrl+C.
    Interrupted = 130,
}

impl Termination for Exit {
    fn report(self) -> ExitCode {
        ExitCode::from(self as u8)
    }
}

/// Why a command failed.
#[derive(Debug)]
pub struct CliError {
    /// What happened.
    pub what: String,
    /// What to do; may be empty.
    pub remedy: String,
    /// The exit code.
    pub exit: Exit,
}

impl CliError {
    /// It failed.
    pub fn failed(what: impl fmt::Display, remedy: impl Into<String>) -> Self {
        Self { what: what.to_string(), remedy: remedy.into(), exit: Exit::Failed }
    }

    /// The command line makes no sense.
    pub fn usage(what: impl fmt::Display, remedy: impl Into<String>) -> Self {
        Self { exit: Exit::Usage, ..Self::failed(what, remedy) }
    }

    /// The daemon is not running.
    pub fn not_running() -> Self {
        let remedy = "`panko share FILE` starts it, or `panko serve`";
        Self { exit: Exit::NotRunning, ..Self::failed("the daemon is not running", remedy) }
    }

    /// There is no such share.
    pub fn no_such_share(asked: &str) -> Self {
        let what = format!("there is no share {asked:?}");
        Self { exit: Exit::NoSuchShare, ..Self::failed(what, "`panko ls --all` lists them") }
    }
}

impl From<DaemonError> for CliError {
    fn from(error: DaemonError) -> Self {
        Self::failed(error, "try again")
    }
}

impl From<ClientError> for CliError {
    fn from(error: ClientError) -> Self {
        match error {
            ClientError::NotRunning => Self::not_running(),
            ClientError::Refused(ErrorReply { message, code, remedy }) => {
                let missing = code == ErrorCode::NoSuchShare.as_str();
                Self { what: message, remedy, exit: if missing { Exit::NoSuchShare } else { Exit::Failed } }
            }
            other => Self::failed(other, "`panko serve-status` tells more; its log may, too"),
        }
    }
}

impl fmt::Display for CliError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", plain(&self.what))?;
        if !self.remedy.is_empty() {
            write!(f, "\n  try: {}", plain(&self.remedy))?;
        }
        Ok(())
    }
}
