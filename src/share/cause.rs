//! Why a share does not work: the class decides what happens next, the words are for a person.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The class of a failure: what the restart policy looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// The tunnel program is not installed, or not where it was said to be.
    MissingProgram,
    /// The program is there but cannot be run.
    BadProgram,
    /// The provider does not accept our credentials, or wants a login.
    Credentials,
    /// The provider's own limit on how often or how many.
    RateLimited,
    /// The connection to the provider was lost or could not be made.
    Network,
    /// The tunnel program ended by itself.
    Crashed,
    /// Nothing was heard in time.
    TimedOut,
    /// The port asked for is taken.
    PortTaken,
    /// The session file is gone, or is no session.
    Session,
    /// The page did not answer on this machine.
    Page,
    /// The keeper process could not be started or reached, or died.
    Keeper,
    /// As many files are open as may be.
    Descriptors,
    /// The system is short of processes or memory.
    Shortage,
    /// The request or the configuration makes no sense.
    Config,
    /// A fault of panko's own.
    Internal,
}

impl Cause {
    /// True if trying again cannot mend it: a person has to act first.
    pub fn is_terminal(self) -> bool {
        match self {
            Cause::MissingProgram
            | Cause::BadProgram
            | Cause::Credentials
            | Cause::Session
            | Cause::Config => true,
            Cause::RateLimited
            | Cause::Network
            | Cause::Crashed
            | Cause::TimedOut
            | Cause::PortTaken
            | Cause::Page
            | Cause::Keeper
            | Cause::Descriptors
            | Cause::Shortage
            | Cause::Internal => false,
        }
    }

    /// Stable word for the wire (`code` of an error reply).
    pub fn code(self) -> &'static str {
        match self {
            Cause::MissingProgram => "missing_program",
            Cause::BadProgram => "bad_program",
            Cause::Credentials => "credentials",
            Cause::RateLimited => "rate_limited",
            Cause::Network => "network",
            Cause::Crashed => "crashed",
            Cause::TimedOut => "timed_out",
            Cause::PortTaken => "port_taken",
            Cause::Session => "session",
            Cause::Page => "page",
            Cause::Keeper => "keeper",
            Cause::Descriptors => "descriptors",
            Cause::Shortage => "shortage",
            Cause::Config => "config",
            Cause::Internal => "internal",
        }
    }
}

/// A failure as a person reads it: what happened, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The class.
    pub cause: Cause,
    /// What happened, one sentence without a final stop.
    pub what: String,
    /// What to do about it, likewise; empty if there is nothing to do but wait.
    pub remedy: String,
}

impl Failure {
    /// A failure of class `cause`.
    pub fn new(cause: Cause, what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { cause, what: what.into(), remedy: remedy.into() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl std::error::Error for Failure {}
