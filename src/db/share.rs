//! The `shares` table: a row is what a person asked for, and what was last seen of it.

use diesel::prelude::*;
use jiff::Timestamp;

use super::history::{self, ShareEvent};
use super::schema::shares::{self, dsl};
use crate::share::{Failure, Status};

/// A row as it is read.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Identifiable)]
#[diesel(table_name = shares)]
#[diesel(check_for_backend(diesel::sqlite::Sqlite))]
pub struct ShareRow {
    /// UUID, in its hyphenated form.
    pub id: String,
    /// Absolute path of the session file.
    pub session_path: String,
    /// The name asked for, else the file's stem.
    pub session_name: String,
    /// The latest public URL; empty before the first.
    pub public_url: String,
    /// The tunnel provider.
    pub provider_name: String,
    /// The latest port on 127.0.0.1; 0 before the first.
    pub local_port: i32,
    /// RFC 3339, UTC.
    pub started_at: String,
    /// One of the original's four words.
    pub status: String,
    /// 128 random bits in base32; none in rows of the original.
    pub token: Option<String>,
    /// A person wants it up. Written before a StartShare is answered, cleared before a stop is.
    pub wanted: bool,
    /// [`crate::share::ShareOptions`] as JSON.
    pub options: String,
    /// Bytes of the session file when it was shared: the snapshot ends there.
    pub source_len: Option<i64>,
    /// Why it is in this status.
    pub reason: Option<String>,
    /// What a person can do about it.
    pub remedy: Option<String>,
    /// When it ended, RFC 3339 UTC.
    pub ended_at: Option<String>,
    /// [`crate::session::Identity`] as JSON; none in rows of earlier versions.
    pub source_identity: Option<String>,
    /// No tunnel is started before, RFC 3339 UTC: its provider asked for that.
    pub not_before: Option<String>,
}

/// A share that is about to be started: not wanted yet, so that a crash before the answer publishes nothing.
#[derive(Clone, Debug, Insertable)]
#[diesel(table_name = shares)]
pub struct NewShare {
    /// See [`ShareRow`].
    pub id: String,
    /// See [`ShareRow`].
    pub session_path: String,
    /// See [`ShareRow`].
    pub session_name: String,
    /// Empty.
    pub public_url: String,
    /// See [`ShareRow`].
    pub provider_name: String,
    /// 0.
    pub local_port: i32,
    /// See [`ShareRow`].
    pub started_at: String,
    /// `starting`.
    pub status: String,
    /// See [`ShareRow`].
    pub token: Option<String>,
    /// See [`ShareRow`].
    pub options: String,
    /// See [`ShareRow`].
    pub source_len: Option<i64>,
    /// See [`ShareRow`].
    pub source_identity: Option<String>,
}

/// What makes a share reachable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Up {
    /// The whole public URL, token included.
    pub public_url: String,
    /// The port on 127.0.0.1.
    pub local_port: u16,
}

/// What keeps a share from working.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Down {
    /// `starting` or `error`.
    pub status: Status,
    /// Why, and what a person can do.
    pub failure: Option<Failure>,
    /// See [`ShareRow`].
    pub not_before: Option<Timestamp>,
}

/// How a share ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// `stopped`, or `error` for one that never started.
    pub status: &'static str,
    /// Why.
    pub reason: Option<String>,
    /// What a person can do.
    pub remedy: Option<String>,
    /// When.
    pub at: Timestamp,
}

/// Inserts a share that is about to be started.
///
/// # Errors
/// Those of SQLite; a second row with the same id is one.
pub fn insert(db: &mut SqliteConnection, new: &NewShare) -> QueryResult<()> {
    diesel::insert_into(dsl::shares).values(new).execute(db).map(drop)
}

/// Whether there is no row of any of these.
///
/// # Errors
/// Those of SQLite.
pub fn are_lost(db: &mut SqliteConnection, rows: &[NewShare]) -> QueryResult<bool> {
    let known: Vec<String> = dsl::shares.select(dsl::id).load(db)?;
    Ok(rows.iter().any(|row| !known.contains(&row.id)))
}

/// Inserts a share that is up, if its row is lost. False if it is not: then it stays as it is.
///
/// # Errors
/// Those of SQLite.
pub fn insert_lost(db: &mut SqliteConnection, new: &NewShare) -> QueryResult<bool> {
    let row = (new, dsl::wanted.eq(true));
    diesel::insert_or_ignore_into(dsl::shares).values(row).execute(db).map(|n| n > 0)
}

/// A share is up for the first time: wanted from now on. False if there is no such row, or if it was ended
/// meanwhile: then it stays ended.
///
/// # Errors
/// Those of SQLite.
pub fn mark_wanted(db: &mut SqliteConnection, id: &str, up: &Up) -> QueryResult<bool> {
    let row = dsl::shares.find(id).filter(dsl::ended_at.is_null());
    let wanted = diesel::update(row).set(dsl::wanted.eq(true));
    db.transaction(|db| Ok(wanted.execute(db)? > 0 && mark_up(db, id, up)?))
}

/// The share works, with this URL. False if nobody wants it any more: then its row stays as it is.
///
/// # Errors
/// Those of SQLite.
pub fn mark_up(db: &mut SqliteConnection, id: &str, up: &Up) -> QueryResult<bool> {
    let change = (
        dsl::status.eq("active"),
        dsl::public_url.eq(&up.public_url),
        dsl::local_port.eq(i32::from(up.local_port)),
        dsl::reason.eq(None::<String>),
        dsl::remedy.eq(None::<String>),
        dsl::not_before.eq(None::<String>),
    );
    let row = dsl::shares.find(id).filter(dsl::wanted.eq(true));
    diesel::update(row).set(change).execute(db).map(|n| n > 0)
}

/// The share does not work at the moment. False if nobody wants it any more: then its row stays as it is.
///
/// # Errors
/// Those of SQLite.
pub fn mark_down(db: &mut SqliteConnection, id: &str, down: &Down) -> QueryResult<bool> {
    let failure = down.failure.as_ref();
    let change = (
        dsl::status.eq(down.status.as_str()),
        dsl::reason.eq(failure.map(|failure| failure.what.as_str())),
        dsl::remedy.eq(failure.map(|failure| failure.remedy.as_str())),
        dsl::not_before.eq(down.not_before.map(|at| at.to_string())),
    );
    let row = dsl::shares.find(id).filter(dsl::wanted.eq(true));
    diesel::update(row).set(change).execute(db).map(|n| n > 0)
}

/// The share is over: nobody wants it any more.
///
/// # Errors
/// Those of SQLite.
pub fn end(db: &mut SqliteConnection, id: &str, how: &Outcome) -> QueryResult<bool> {
    // For writing from its first word: one that read first would not wait for another writer.
    db.immediate_transaction(|db| end_within(db, id, how))
}

/// As [`end`], within a transaction of the caller.
pub(super) fn end_within(db: &mut SqliteConnection, id: &str, how: &Outcome) -> QueryResult<bool> {
    let before: Option<Option<String>> = dsl::shares.find(id).select(dsl::ended_at).first(db).optional()?;
    // The cause stands in the history, whoever ended it; once.
    if before == Some(None) {
        let event = ShareEvent {
            share_id: id.to_owned(),
            at: how.at.to_string(),
            status: how.status.to_owned(),
            phase: "ended".to_owned(),
            public_url: None,
            reason: how.reason.clone(),
        };
        history::note(db, &event)?;
    }
    let change = (
        dsl::status.eq(how.status),
        dsl::wanted.eq(false),
        dsl::reason.eq(how.reason.as_deref()),
        dsl::remedy.eq(how.remedy.as_deref()),
        dsl::ended_at.eq(how.at.to_string()),
        dsl::not_before.eq(None::<String>),
    );
    diesel::update(dsl::shares.find(id)).set(change).execute(db).map(|n| n > 0)
}

/// Deletes the row and its history; true if it was there.
///
/// # Errors
/// Those of SQLite.
pub fn delete(db: &mut SqliteConnection, id: &str) -> QueryResult<bool> {
    db.transaction(|db| {
        history::forget(db, id)?;
        diesel::delete(dsl::shares.find(id)).execute(db).map(|n| n > 0)
    })
}

/// The share with this id.
///
/// # Errors
/// Those of SQLite.
pub fn find(db: &mut SqliteConnection, id: &str) -> QueryResult<Option<ShareRow>> {
    dsl::shares.find(id).select(ShareRow::as_select()).first(db).optional()
}

/// The share that was asked for with this idempotency key.
///
/// # Errors
/// Those of SQLite.
pub fn find_by_key(db: &mut SqliteConnection, key: &str) -> QueryResult<Option<ShareRow>> {
    use diesel::dsl::sql;
    use diesel::sql_types::{Nullable, Text};
    // Options that are no JSON any more have no key, and do not stand in the way of those that have.
    let stored = "CASE WHEN json_valid(options) THEN json_extract(options, '$.idempotency_key') END";
    let stored = sql::<Nullable<Text>>(stored);
    dsl::shares.filter(stored.eq(key)).select(ShareRow::as_select()).first(db).optional()
}

/// All shares, oldest first.
///
/// # Errors
/// Those of SQLite.
pub fn list(db: &mut SqliteConnection) -> QueryResult<Vec<ShareRow>> {
    dsl::shares.order((dsl::started_at, dsl::id)).select(ShareRow::as_select()).load(db)
}

/// The shares that a person wants up, oldest first.
///
/// # Errors
/// Those of SQLite.
pub fn list_active(db: &mut SqliteConnection) -> QueryResult<Vec<ShareRow>> {
    dsl::shares
        .filter(dsl::wanted.eq(true))
        .order((dsl::started_at, dsl::id))
        .select(ShareRow::as_select())
        .load(db)
}

/// Ids of the shares that ended before `limit`.
///
/// # Errors
/// Those of SQLite.
pub fn ended_before(db: &mut SqliteConnection, limit: Timestamp) -> QueryResult<Vec<String>> {
    // RFC 3339 in UTC with the same precision sorts as text; jiff prints fractions only where there are any,
    // and a second more or less does not matter to a retention of days.
    dsl::shares
        .filter(dsl::wanted.eq(false))
        .filter(dsl::ended_at.lt(limit.to_string()))
        .select(dsl::id)
        .load(db)
}
