//! The `share_events` table: what happened to each share, and when.

use diesel::prelude::*;

use super::schema::share_events::{self, dsl};
use super::text::{AsItStands, MaybeAsItStands};

/// Events kept of one share; a share that flaps for weeks must not fill the disk.
const KEPT: i64 = 500;

/// One change of status or URL.
#[derive(Clone, Debug, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = share_events)]
#[diesel(check_for_backend(diesel::sqlite::Sqlite))]
pub struct ShareEvent {
    /// Which share.
    #[diesel(deserialize_as = AsItStands)]
    pub share_id: String,
    /// When, RFC 3339 UTC.
    #[diesel(deserialize_as = AsItStands)]
    pub at: String,
    /// One of the original's four words.
    #[diesel(deserialize_as = AsItStands)]
    pub status: String,
    /// Where exactly it stood.
    #[diesel(deserialize_as = AsItStands)]
    pub phase: String,
    /// Its public URL from then on.
    #[diesel(deserialize_as = MaybeAsItStands)]
    pub public_url: Option<String>,
    /// The cause.
    #[diesel(deserialize_as = MaybeAsItStands)]
    pub reason: Option<String>,
}

/// Adds an event, and forgets the share's oldest beyond the latest 500.
///
/// # Errors
/// Those of SQLite.
pub fn note(db: &mut SqliteConnection, event: &ShareEvent) -> QueryResult<()> {
    db.transaction(|db| {
        diesel::insert_into(dsl::share_events).values(event).execute(db)?;
        let of_share = dsl::share_events.filter(dsl::share_id.eq(&event.share_id));
        let oldest_kept: Option<i64> =
            of_share.order(dsl::id.desc()).offset(KEPT).select(dsl::id).first(db).optional()?;
        if let Some(limit) = oldest_kept {
            diesel::delete(of_share.filter(dsl::id.le(limit))).execute(db)?;
        }
        Ok(())
    })
}

/// Adds an event, unless it is there: one that was sent twice happened once.
///
/// # Errors
/// Those of SQLite.
pub fn note_once(db: &mut SqliteConnection, event: &ShareEvent) -> QueryResult<()> {
    let known = dsl::share_events
        .filter(dsl::share_id.eq(&event.share_id))
        .filter(dsl::at.eq(&event.at))
        .filter(dsl::status.eq(&event.status))
        .filter(dsl::phase.eq(&event.phase));
    match diesel::select(diesel::dsl::exists(known)).get_result(db)? {
        true => Ok(()),
        false => note(db, event),
    }
}

/// The events of a share, oldest first; its end last, even if something that came before was written later.
///
/// # Errors
/// Those of SQLite.
pub fn history(db: &mut SqliteConnection, share_id: &str) -> QueryResult<Vec<ShareEvent>> {
    dsl::share_events
        .filter(dsl::share_id.eq(share_id))
        .order((dsl::phase.eq("ended"), dsl::id))
        .select(ShareEvent::as_select())
        .load(db)
}

/// Forgets the events of a share.
///
/// # Errors
/// Those of SQLite.
pub fn forget(db: &mut SqliteConnection, share_id: &str) -> QueryResult<()> {
    diesel::delete(dsl::share_events.filter(dsl::share_id.eq(share_id))).execute(db).map(drop)
}
