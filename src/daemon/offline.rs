//! What commands do with the state while no daemon runs. Each holds the daemon's lock meanwhile, or only looks.

use std::path::PathBuf;

use jiff::Timestamp;
use uuid::Uuid;

use super::DaemonError;
use super::lock::{Lock, LockError};
use crate::actors::share::end_keeper;
use crate::db::{self, DbError, Opened, Outcome, ShareRow, ends};
use crate::describe;
use crate::ipc::protocol::ShareInfo;
use crate::paths::Paths;
use crate::tunnel;

/// A share as it is recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// Its id.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// The session file.
    pub session_path: String,
    /// The latest public URL.
    pub public_url: String,
    /// The tunnel provider.
    pub provider: String,
    /// RFC 3339 UTC.
    pub started_at: String,
    /// A daemon that starts would bring it back.
    pub wanted: bool,
    /// Why it is down.
    pub reason: Option<String>,
}

impl Recorded {
    /// It as a daemon would tell of it: nothing of it is up.
    pub fn info(self) -> ShareInfo {
        let waits = "waits for the daemon; `panko serve` brings it back".to_owned();
        ShareInfo {
            session_path: self.session_path.into(),
            session_name: self.name,
            public_url: self.public_url,
            provider_name: self.provider,
            started_at: self.started_at,
            phase: "no_daemon".to_owned(),
            reason: if self.wanted { Some(waits) } else { self.reason },
            ..ShareInfo::down(self.id)
        }
    }
}

/// The shares as they are recorded, oldest first; none if there is no database, or one of an earlier schema.
///
/// # Errors
/// Those of the database.
pub fn list(paths: &Paths) -> Result<Vec<Recorded>, DbError> {
    let path = paths.db();
    let Some(mut db) = db::open_read_only(&path)? else { return Ok(Vec::new()) };
    let rows = db::list(&mut db).map_err(|source| DbError::Query { path, source })?;
    // What cannot be read is met by whoever ends or restores a share.
    let over = ends::noted(&paths.ends()).unwrap_or_default();
    let recorded = rows.into_iter().filter_map(recorded);
    Ok(recorded
        .map(|share| Recorded { wanted: share.wanted && !over.contains(&share.id), ..share })
        .collect())
}

/// What [`stop`] has ended.
pub struct Stopped {
    /// The shares.
    pub shares: Vec<Recorded>,
    /// Where a damaged database was put: what was left of the shares it held is ended, too.
    pub set_aside: Option<PathBuf>,
}

/// Records that the shares are stopped that `choose` picks of those a daemon would bring back, and ends what is left of
/// them; no daemon will bring them back.
///
/// # Errors
/// Those of `choose`; [`DaemonError::AlreadyRunning`] if a daemon has come up meanwhile: ask that one.
pub fn stop<E: From<DaemonError>>(
    paths: &Paths,
    choose: impl FnOnce(&[Recorded]) -> Result<Vec<Uuid>, E>,
) -> Result<Stopped, E> {
    let (_lock, Opened { db: mut database, set_aside }) = open(paths)?;
    if set_aside.is_some() {
        // Nobody knows any more what they belong to.
        let living = tunnel::attach::living(&paths.keepers()).unwrap_or_default();
        living.iter().filter_map(|id| Uuid::try_parse(id).ok()).for_each(|id| end_keeper(paths, id));
    }
    let path = paths.db();
    let failed = |source| DaemonError::Db(DbError::Query { path: path.clone(), source });
    let rows = db::list_active(&mut database).map_err(failed)?;
    // By the database as this version has it: before that, one of an earlier version holds what cannot be listed.
    let mut wanted: Vec<_> = rows.into_iter().filter_map(recorded).collect();
    let chosen = choose(&wanted)?;
    wanted.retain(|share| chosen.contains(&share.id));
    for share in &wanted {
        let how = Outcome {
            status: "stopped",
            reason: Some("stopped".to_owned()),
            remedy: Some(describe::again(&share.session_path, &share.provider)),
            at: Timestamp::now(),
        };
        db::end(&mut database, &share.id.to_string(), &how).map_err(failed)?;
        end_keeper(paths, share.id);
    }
    Ok(Stopped { shares: wanted, set_aside })
}

/// The database, while no daemon can start.
fn open(paths: &Paths) -> Result<(Lock, Opened), DaemonError> {
    paths.prepare()?;
    let lock = Lock::take(&paths.lock()).map_err(|error| match error {
        LockError::Held => DaemonError::AlreadyRunning { pid: super::running::read_pid(paths) },
        other => DaemonError::Lock(other),
    })?;
    let mut opened = db::open(&paths.db(), Timestamp::now())?;
    super::record_ends(paths, &mut opened.db)?;
    Ok((lock, opened))
}

fn recorded(row: ShareRow) -> Option<Recorded> {
    Some(Recorded {
        id: Uuid::try_parse(&row.id).ok()?,
        name: row.session_name,
        session_path: row.session_path,
        public_url: row.public_url,
        provider: row.provider_name,
        started_at: row.started_at,
        wanted: row.wanted,
        reason: row.reason,
    })
}
