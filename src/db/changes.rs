//! What changes of a share while it lives: written in one piece, and never twice.

use std::collections::VecDeque;

use diesel::prelude::*;
use jiff::Timestamp;

use super::history::{self, ShareEvent};
use super::open::{WAIT_FOR_NOBODY, WAIT_FOR_OTHERS};
use super::share::{self, Down, NewShare, Up};

/// What the row of a share is to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RowChange {
    /// It works.
    Up(Up),
    /// It does not work at the moment.
    Down(Down),
}

/// Changes of one share, in the order in which they are written.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// How it stands.
    pub row: Option<RowChange>,
    /// What happened to it, oldest first.
    pub events: VecDeque<ShareEvent>,
}

impl Changes {
    /// There is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.row.is_none() && self.events.is_empty()
    }
}

/// Writes them, all or none; an event that is there already is left. Does not wait for who holds the database.
///
/// # Errors
/// Those of SQLite: then nothing was changed.
pub fn write(db: &mut SqliteConnection, id: &str, changes: &Changes) -> QueryResult<()> {
    use diesel::connection::SimpleConnection as _;
    db.batch_execute(WAIT_FOR_NOBODY)?;
    let written = db.immediate_transaction(|db| {
        match &changes.row {
            Some(RowChange::Up(up)) => share::mark_up(db, id, up).map(drop)?,
            Some(RowChange::Down(down)) => share::mark_down(db, id, down).map(drop)?,
            None => {}
        }
        changes.events.iter().try_for_each(|event| history::note_once(db, event))
    });
    db.batch_execute(WAIT_FOR_OTHERS)?;
    written
}

/// Writes the rows of shares that are wanted where there are none any more: all or none. What is there stays as it is.
///
/// # Errors
/// Those of SQLite: then nothing was changed.
pub fn write_anew(db: &mut SqliteConnection, rows: &[NewShare], now: Timestamp) -> QueryResult<()> {
    if !share::are_lost(db, rows)? {
        // So nobody is waited for who writes at this moment.
        return Ok(());
    }
    db.immediate_transaction(|db| {
        for row in rows {
            if share::insert_lost(db, row)? {
                let event = ShareEvent {
                    share_id: row.id.clone(),
                    at: now.to_string(),
                    status: row.status.clone(),
                    phase: "new".to_owned(),
                    public_url: Some(row.public_url.clone()).filter(|url| !url.is_empty()),
                    reason: Some("the database was lost: the share is recorded anew".to_owned()),
                };
                history::note(db, &event)?;
            }
        }
        Ok(())
    })
}
