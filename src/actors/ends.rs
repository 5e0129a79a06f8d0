//! How the end of a share is recorded: in the database, or, where that does not take it at once, in a file of its own
//! until it does. Whoever waits is told when either holds: from then on the share does not come back.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;
use uuid::Uuid;

use super::Env;
use super::db::{self, StateError};
use super::link::AskError;
use crate::db::{Outcome, ends};

/// How long the database may take before the end is noted in a file: an end must not wait for who holds it.
const AT_ONCE: Duration = Duration::from_millis(500);

/// What is said of so many shares that are over and come back.
pub fn lost(shares: usize) -> String {
    let shares = if shares == 1 { "1 share is".to_owned() } else { format!("{shares} shares are") };
    format!("{shares} down, but that could not be recorded: what is down so comes back with the next daemon")
}

/// What a person can do then.
pub const MEND: &str =
    "mend that (is the disk full, or read-only?), then `panko stop --all`, before a daemon starts again";

/// The ends that the database has not confirmed.
#[derive(Debug)]
pub struct Ends {
    folder: PathBuf,
    pending: Mutex<HashMap<Uuid, Pending>>,
}

#[derive(Debug)]
struct Pending {
    how: Outcome,
    /// It stands in a file, and holds.
    noted: bool,
}

impl Ends {
    /// None; notes are kept in `folder`.
    pub fn new(folder: PathBuf) -> Self {
        Self { folder, pending: Mutex::default() }
    }

    /// The share is over, whatever its row says.
    pub fn is_pending(&self, id: Uuid) -> bool {
        self.pending().contains_key(&id)
    }

    /// How many shares are over that come back with the next daemon all the same: neither the database nor a file
    /// took that.
    pub fn unrecorded(&self) -> usize {
        self.pending().values().filter(|pending| !pending.noted).count()
    }

    fn pending(&self) -> MutexGuard<'_, HashMap<Uuid, Pending>> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Records that the share is over. Begun at once, whether or not anybody waits for the result, which says that this
/// holds; what fails is tried again ([`record_again`]) as long as this process lives.
pub fn record(
    env: &Arc<Env>,
    id: Uuid,
    how: Outcome,
) -> impl Future<Output = Result<(), StateError>> + use<> {
    env.wanted.forget(id);
    env.ends.pending().insert(id, Pending { how: how.clone(), noted: false });
    let (tell, told) = oneshot::channel();
    // Sent here: queries keep the order of these calls.
    let recorded = db::end_share(id, how.clone()).run(&env.db);
    actix::spawn(settle(env.clone(), id, how, recorded, tell));
    async move { told.await.unwrap_or(Err(StateError::Unknown(AskError::Down))) }
}

/// Tries again what the database has not confirmed, all of it with one query: many that wait for who holds the database
/// would keep every other waiting.
pub fn record_again(env: &Arc<Env>) {
    let pending: Vec<_> = env.ends.pending().iter().map(|(id, pending)| (*id, pending.how.clone())).collect();
    if pending.is_empty() {
        return;
    }
    let recorded = db::end_shares(pending.clone()).run(&env.db);
    let env = env.clone();
    actix::spawn(async move {
        match recorded.await {
            Ok(()) => {
                for (id, _) in pending {
                    confirmed(&env, id).await;
                }
            }
            Err(error) => {
                tracing::warn!(shares = pending.len(), %error, "the database has not taken the ends of shares yet");
            }
        }
    });
}

/// The database knows that the share is over.
async fn confirmed(env: &Env, id: Uuid) {
    env.ends.pending().remove(&id);
    let folder = env.ends.folder.clone();
    let forgotten = tokio::task::spawn_blocking(move || ends::forget(&folder, id)).await;
    if let Err(error) = forgotten.map_err(std::io::Error::other).flatten() {
        tracing::warn!(share = %id, %error, "the note of an end is left behind");
    }
}

async fn settle(
    env: Arc<Env>,
    id: Uuid,
    how: Outcome,
    recorded: impl Future<Output = Result<bool, StateError>>,
    tell: oneshot::Sender<Result<(), StateError>>,
) {
    let mut tell = Some(tell);
    let mut answer = move |result| {
        // Who asked may have gone away.
        tell.take().map(|tell| tell.send(result).is_ok());
    };
    let mut recorded = std::pin::pin!(recorded);
    let first = tokio::time::timeout(AT_ONCE, &mut recorded).await;
    if !matches!(first, Ok(Ok(_))) {
        let folder = env.ends.folder.clone();
        let noted = tokio::task::spawn_blocking(move || ends::note(&folder, id, &how)).await;
        match noted.map_err(std::io::Error::other).flatten() {
            Ok(()) => {
                if let Some(pending) = env.ends.pending().get_mut(&id) {
                    pending.noted = true;
                }
                answer(Ok(()));
            }
            Err(error) => tracing::error!(share = %id, %error, "the end of a share cannot be noted"),
        }
    }
    let recorded = match first {
        Ok(recorded) => recorded,
        Err(_) => recorded.await,
    };
    match recorded {
        Ok(_) => {
            answer(Ok(()));
            confirmed(&env, id).await;
        }
        Err(error) => {
            tracing::error!(share = %id, %error, "the database has not taken the end of a share yet");
            answer(Err(error));
        }
    }
}
