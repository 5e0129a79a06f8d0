//! Ends of shares that the database does not take: a file each, until it does.
//!
//! What a person ended must not come back because the database was locked at that moment. That there is a file named
//! by the share says that it is over; what is in it says how.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::Path;

use diesel::prelude::QueryResult;
use diesel::sqlite::SqliteConnection;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::share::{Outcome, end, find};
use crate::own_file;

/// Bytes of such a file that are read.
const LONGEST: u64 = 4096;

#[derive(Serialize, Deserialize)]
struct Stored {
    status: String,
    reason: Option<String>,
    remedy: Option<String>,
    at: Timestamp,
}

/// Notes in `folder` that the share is over. On return that outlasts a loss of power.
///
/// # Errors
/// Those of the file system.
pub fn note(folder: &Path, id: Uuid, how: &Outcome) -> io::Result<()> {
    let mut options = OpenOptions::new();
    let mut file =
        own_file::open_regular(&folder.join(name(id)), options.write(true).create(true).truncate(true))?;
    let Outcome { status, reason, remedy, at } = how.clone();
    let stored = Stored { status: status.to_owned(), reason, remedy, at };
    // On a full disk the name must do.
    let _ = serde_json::to_writer(&mut file, &stored).map_err(io::Error::from).and_then(|()| file.flush());
    file.sync_all()?;
    File::open(folder)?.sync_all()
}

/// The database knows it, or nobody asks any more.
///
/// # Errors
/// Those of the file system; one that is not there is none.
pub fn forget(folder: &Path, id: Uuid) -> io::Result<()> {
    match fs::remove_file(folder.join(name(id))) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// The shares that are over although the database may say something else; none if there is no such folder.
///
/// # Errors
/// Those of the file system.
pub fn noted(folder: &Path) -> io::Result<Vec<Uuid>> {
    match fs::read_dir(folder) {
        Ok(entries) => Ok(entries.flatten().filter_map(|entry| id(&entry.file_name())).collect()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

/// Brings what is noted in `folder` into the database. Before anything comes back from that.
///
/// # Errors
/// Those of SQLite: what is noted stays, and nothing must come back.
pub fn apply(folder: &Path, ids: &[Uuid], db: &mut SqliteConnection) -> QueryResult<()> {
    for id in ids {
        let row = find(db, &id.to_string())?;
        if row.is_some_and(|row| row.wanted || row.ended_at.is_none()) {
            end(db, &id.to_string(), &read(folder, *id))?;
            tracing::warn!(share = %id, "the end of a share is recorded now, that could not be when it ended");
        }
        if let Err(error) = forget(folder, *id) {
            tracing::warn!(share = %id, %error, "the note of an end is left behind");
        }
    }
    Ok(())
}

/// How it ended; what cannot be read was stopped.
fn read(folder: &Path, id: Uuid) -> Outcome {
    let file = own_file::open_regular(&folder.join(name(id)), OpenOptions::new().read(true));
    let stored = file.ok().and_then(|file| serde_json::from_reader::<_, Stored>(file.take(LONGEST)).ok());
    match stored {
        Some(Stored { status, reason, remedy, at }) => {
            Outcome { status: if status == "error" { "error" } else { "stopped" }, reason, remedy, at }
        }
        None => Outcome {
            status: "stopped",
            reason: Some("stopped".to_owned()),
            remedy: None,
            at: Timestamp::now(),
        },
    }
}

fn name(id: Uuid) -> String {
    id.simple().to_string()
}

/// Names that are no ids are not ours.
fn id(name: &std::ffi::OsStr) -> Option<Uuid> {
    let id = Uuid::try_parse(name.to_str()?).ok()?;
    (*name == *id.simple().to_string()).then_some(id)
}
