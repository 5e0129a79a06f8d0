//! `DbActor`: one connection, one writer, one message after the other, on a thread of its own.
//!
//! An ordinary actor that blocks on its own arbiter. Not a `SyncArbiter`: there, a panic kills the thread
//! for good while the address still looks alive.

use std::time::Duration;

use actix::{Actor, ActorContext, Context, Handler, Message};
#[cfg(test)]
use diesel::Connection as _;
use diesel::connection::SimpleConnection;
use diesel::prelude::QueryResult;
use diesel::result::{DatabaseErrorKind, Error as Diesel};
use jiff::Timestamp;
use uuid::Uuid;

use super::link::{AskError, Link, Slot};
use crate::db::{self, Changes, NewShare, Outcome, ShareEvent, ShareRow, SqliteConnection, Up};
use crate::ipc::protocol::ErrorCode;

/// How long anybody waits for the database.
pub const PATIENCE: Duration = Duration::from_secs(7);

/// The actor.
pub struct DbActor {
    db: SqliteConnection,
    _link: Link,
}

impl DbActor {
    /// With an open connection.
    pub fn new(db: SqliteConnection, link: Link) -> Self {
        Self { db, _link: link }
    }
}

impl Actor for DbActor {
    type Context = Context<Self>;
}

/// Why the state could not be read or written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StateError {
    /// SQLite refused: nothing was changed.
    #[error("the state could not be read or written: {0}")]
    Refused(String),
    /// Another program holds the database: nothing was changed.
    #[error("the state is locked by another program")]
    Locked,
    /// The actor gave no answer: it is not known whether anything was changed.
    #[error(transparent)]
    Unknown(#[from] AskError),
}

impl StateError {
    /// The word on the wire.
    pub fn code(&self) -> ErrorCode {
        match self {
            StateError::Locked => ErrorCode::Busy,
            StateError::Refused(_) => ErrorCode::State,
            StateError::Unknown(_) => ErrorCode::Internal,
        }
    }

    /// What a person can do.
    pub fn remedy(&self) -> &'static str {
        match self {
            StateError::Locked => "try again, once the program that has state.db open has let go of it",
            _ => "see the daemon's log; `panko serve-status` names it",
        }
    }
}

impl From<Diesel> for StateError {
    fn from(error: Diesel) -> Self {
        match error {
            Diesel::DatabaseError(DatabaseErrorKind::Unknown, info) if info.message().contains("locked") => {
                StateError::Locked
            }
            other => StateError::Refused(other.to_string()),
        }
    }
}

type Work<T> = dyn FnOnce(&mut SqliteConnection) -> QueryResult<T> + Send;

/// A message: one unit of work on the connection. Made by the functions of this module alone.
pub struct Query<T>(Box<Work<T>>);

impl<T: Send + 'static> Message for Query<T> {
    type Result = QueryResult<T>;
}

impl<T: Send + 'static> Handler<Query<T>> for DbActor {
    type Result = QueryResult<T>;

    fn handle(&mut self, query: Query<T>, ctx: &mut Self::Context) -> QueryResult<T> {
        let result = (query.0)(&mut self.db);
        if let Err(error) = &result
            && db::tells_of_damage(&error.to_string())
        {
            // Whoever opens the file anew sets it aside.
            tracing::error!(%error, "the database is damaged");
            ctx.stop();
        }
        result
    }
}

impl<T: Send + 'static> Query<T> {
    fn new(run: impl FnOnce(&mut SqliteConnection) -> QueryResult<T> + Send + 'static) -> Self {
        Self(Box::new(run))
    }

    /// Sends this to the living `DbActor` at once (queries keep the order of these calls) and gives what
    /// waits at most [`PATIENCE`] for the result.
    pub fn run(self, slot: &Slot<DbActor>) -> impl Future<Output = Result<T, StateError>> + use<T> {
        let answer = slot.ask(self, PATIENCE);
        async move { Ok(answer.await??) }
    }
}

/// Inserts a share that is about to be started.
pub fn insert_share(new: NewShare) -> Query<()> {
    Query::new(move |db| db::insert(db, &new))
}

/// The share is up for the first time and wanted from now on. False if it was ended meanwhile.
pub fn mark_wanted(id: Uuid, up: Up) -> Query<bool> {
    Query::new(move |db| db::mark_wanted(db, &id.to_string(), &up))
}

/// What changed of a share, all or nothing. Refused at once while somebody else holds the database.
pub fn write_changes(id: Uuid, changes: Changes) -> Query<()> {
    Query::new(move |db| db::write(db, &id.to_string(), &changes))
}

/// The share is over.
pub fn end_share(id: Uuid, how: Outcome) -> Query<bool> {
    Query::new(move |db| db::end(db, &id.to_string(), &how))
}

/// These shares are over. Ends with the first that fails: a database that somebody holds is waited for once.
pub fn end_shares(ends: Vec<(Uuid, Outcome)>) -> Query<()> {
    Query::new(move |db| ends.iter().try_for_each(|(id, how)| db::end(db, &id.to_string(), how).map(drop)))
}

/// What happened to a share, oldest first.
pub fn history(id: Uuid) -> Query<Vec<ShareEvent>> {
    Query::new(move |db| db::history(db, &id.to_string()))
}

/// Forgets the share.
pub fn delete_share(id: Uuid) -> Query<bool> {
    Query::new(move |db| db::delete(db, &id.to_string()))
}

/// The share's row.
pub fn get_share(id: Uuid) -> Query<Option<ShareRow>> {
    Query::new(move |db| db::find(db, &id.to_string()))
}

/// The row that was asked for under this idempotency key.
pub fn get_share_by_key(key: String) -> Query<Option<ShareRow>> {
    Query::new(move |db| db::find_by_key(db, &key))
}

/// All rows, oldest first.
pub fn list_shares() -> Query<Vec<ShareRow>> {
    Query::new(db::list)
}

/// The rows that are wanted, oldest first.
pub fn list_active_shares() -> Query<Vec<ShareRow>> {
    Query::new(db::list_active)
}

/// Ids of the shares that ended before `limit`.
pub fn ended_before(limit: Timestamp) -> Query<Vec<String>> {
    Query::new(move |db| db::ended_before(db, limit))
}

/// The value of `key` in the `daemon_state` store.
pub fn get_value(key: &'static str) -> Query<Option<String>> {
    Query::new(move |db| db::kv_get(db, key))
}

/// Sets `key` in the `daemon_state` store.
pub fn set_value(key: &'static str, value: String) -> Query<()> {
    Query::new(move |db| db::kv_set(db, key, &value))
}

/// Sets all of these in the `daemon_state` store, or none.
pub fn set_values<const N: usize>(values: [(&'static str, String); N]) -> Query<()> {
    Query::new(move |db| db::kv_set_all(db, &values))
}

/// Deletes `key` from the `daemon_state` store; true if it was there.
pub fn delete_value(key: &'static str) -> Query<bool> {
    Query::new(move |db| db::kv_delete(db, key))
}

/// Answered when all that was sent before is in the file.
pub fn flush() -> Query<()> {
    Query::new(|db| db.batch_execute("PRAGMA wal_checkpoint(TRUNCATE)"))
}

/// Makes the actor panic, for the tests of supervision.
#[cfg(debug_assertions)]
pub fn fault() -> Query<()> {
    Query::new(|_| panic!("a fault was asked for"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix::{Arbiter, System};

    #[test]
    fn queries_are_answered_in_order_and_a_panic_is_an_error_never_a_hang() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.db");
        System::new().block_on(async move {
            let slot = Slot::default();
            let arbiter = Arbiter::new();
            let begin = || {
                let path = path.clone();
                DbActor::start_in_arbiter(&arbiter.handle(), move |_| {
                    DbActor::new(db::open(&path, Timestamp::UNIX_EPOCH).unwrap().db, Link::new(|_| {}))
                })
            };
            slot.put(Some(begin()));
            let writes: Vec<_> = (0..50).map(|n| set_value("n", n.to_string()).run(&slot)).collect();
            let read = get_value("n").run(&slot);
            assert_eq!(read.await, Ok(Some("49".to_owned())));
            for write in writes {
                assert_eq!(write.await, Ok(()));
            }
            let (fault, behind) = (fault().run(&slot), get_value("n").run(&slot));
            let unknown = fault.await.unwrap_err();
            assert_eq!(
                (&unknown, unknown.code()),
                (&StateError::Unknown(AskError::Down), ErrorCode::Internal)
            );
            assert_eq!(behind.await, Err(StateError::Unknown(AskError::Down)));
            slot.put(Some(begin()));
            assert_eq!(
                get_value("n").run(&slot).await,
                Ok(Some("49".to_owned())),
                "what was written is there"
            );
            assert_eq!(flush().run(&slot).await, Ok(()));
        });
    }

    #[test]
    fn a_locked_database_is_said_to_be_locked() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.db");
        let mut ours = db::open(&path, Timestamp::UNIX_EPOCH).unwrap().db;
        ours.batch_execute("PRAGMA busy_timeout = 0").unwrap();
        let mut theirs = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
        theirs.batch_execute("BEGIN EXCLUSIVE").unwrap();
        assert_eq!(StateError::from(db::kv_set(&mut ours, "a", "1").unwrap_err()), StateError::Locked);
    }
}
