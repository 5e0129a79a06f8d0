//! What can go wrong when a session is opened or read.

use std::io;

/// Why a file was not opened as a session.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It is a directory, a device, a pipe or a socket.
    #[error("this is {what}, not a regular file: name the session file itself")]
    NotAFile {
        /// What it is: `a directory`.
        what: &'static str,
    },
    /// It has no bytes, or nothing but blank lines.
    #[error("the file is empty: the agent has not written anything to this session yet")]
    Empty,
    /// It is an SQLite database, as some agents keep their sessions in.
    #[error(
        "this is an SQLite database, which panko does not read: `opencode export ID >session.json` writes a \
         session of opencode as a file that it does"
    )]
    Database,
    /// A session in many files is larger than any real one.
    #[error("the files of this session are too many, or too large together, to be joined")]
    TooMuch,
    /// No agent's records were found in it.
    #[error(
        "no session was found in this file: its first {} not what these agents write, whose sessions lie in the \
         folders beside them: {agents}",
        lines(*records)
    )]
    NotASession {
        /// How many lines were looked at.
        records: usize,
        /// The agents whose records were looked for, and where each keeps its sessions.
        agents: String,
    },
    /// The system refused to open or read it.
    #[error("the file could not be read: {0}")]
    Io(#[from] io::Error),
    /// Reading on failed after opening.
    #[error(transparent)]
    Read(#[from] ReadError),
}

/// Why a part of an open session could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The system refused to read.
    #[error("the session file could not be read: {0}")]
    Io(#[from] io::Error),
    /// The file is shorter than it was: it was cut or replaced in place.
    #[error("the session file has shrunk since it was read (to {now} bytes, {known} were known)")]
    Shrunk {
        /// Its length now, in bytes.
        now: u64,
        /// Bytes known before.
        known: u64,
    },
}

fn lines(records: usize) -> String {
    if records == 1 { "line is".to_owned() } else { format!("{records} lines are") }
}
