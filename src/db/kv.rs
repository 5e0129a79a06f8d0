//! The `daemon_state` table: small things that must outlive the daemon, by key.

use diesel::prelude::*;

use super::schema::daemon_state::dsl;

/// The value of `key`. One that is no text any more is none: it is written again, and no reason to lose the shares.
///
/// # Errors
/// Those of SQLite.
pub fn get(db: &mut SqliteConnection, key: &str) -> QueryResult<Option<String>> {
    match dsl::daemon_state.find(key).select(dsl::value).first(db) {
        Err(diesel::result::Error::DeserializationError(_)) => Ok(None),
        value => value.optional(),
    }
}

/// Sets `key`, whether it was there or not.
///
/// # Errors
/// Those of SQLite.
pub fn set(db: &mut SqliteConnection, key: &str, value: &str) -> QueryResult<()> {
    let row = (dsl::key.eq(key), dsl::value.eq(value));
    diesel::replace_into(dsl::daemon_state).values(row).execute(db).map(drop)
}

/// Sets all of these, or none.
///
/// # Errors
/// Those of SQLite.
pub fn set_all(db: &mut SqliteConnection, values: &[(&str, String)]) -> QueryResult<()> {
    db.transaction(|db| values.iter().try_for_each(|(key, value)| set(db, key, value)))
}

/// Deletes `key`; true if it was there.
///
/// # Errors
/// Those of SQLite.
pub fn delete(db: &mut SqliteConnection, key: &str) -> QueryResult<bool> {
    diesel::delete(dsl::daemon_state.find(key)).execute(db).map(|n| n > 0)
}
