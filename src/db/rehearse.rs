//! All that is asked of the database, tried once and taken back.
//!
//! SQLite looks at the names of a schema, and at what stands in its columns, only when a statement needs them: a
//! database that opens may still refuse to store the end of a share.

use diesel::prelude::*;
use diesel::result::Error;
use jiff::Timestamp;

use super::share::{self, Down, NewShare, Outcome, Up};
use super::{history, kv};
use crate::share::Status;

/// No share has this id, and no value this key.
const NOBODY: &str = "rehearsal";

/// Leaves everything as it was.
///
/// # Errors
/// Those of SQLite.
pub(super) fn rehearse(db: &mut SqliteConnection) -> QueryResult<()> {
    let taken_back = db.transaction(|db| {
        every_statement(db)?;
        Err::<(), _>(Error::RollbackTransaction)
    });
    match taken_back {
        Err(Error::RollbackTransaction) => Ok(()),
        other => other,
    }
}

fn every_statement(db: &mut SqliteConnection) -> QueryResult<()> {
    let now = Timestamp::UNIX_EPOCH;
    let text = || NOBODY.to_owned();
    share::list(db)?;
    share::list_active(db)?;
    share::ended_before(db, now)?;
    share::find_by_key(db, NOBODY)?;
    kv::get(db, NOBODY)?;
    kv::set(db, NOBODY, NOBODY)?;
    kv::delete(db, NOBODY)?;
    let new = NewShare {
        id: text(),
        session_path: text(),
        session_name: text(),
        public_url: text(),
        provider_name: text(),
        local_port: 0,
        started_at: text(),
        status: text(),
        token: Some(text()),
        options: "{}".to_owned(),
        source_len: Some(0),
        source_identity: Some(text()),
    };
    share::insert(db, &new)?;
    let up = Up { public_url: text(), local_port: 0 };
    share::mark_wanted(db, NOBODY, &up)?;
    share::mark_up(db, NOBODY, &up)?;
    share::mark_down(db, NOBODY, &Down { status: Status::Error, failure: None, not_before: Some(now) })?;
    share::find(db, NOBODY)?;
    share::end_within(db, NOBODY, &Outcome { status: "stopped", reason: None, remedy: None, at: now })?;
    history::history(db, NOBODY)?;
    share::delete(db, NOBODY)?;
    Ok(())
}
