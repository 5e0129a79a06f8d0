//! What every actor is given: places, configuration, clock, pool, and where the others are found.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::sync::{Semaphore, SemaphorePermit, broadcast};
use uuid::Uuid;

use super::ends::Ends;
use super::link::Slot;
use super::wanted::Wanted;
use super::{DbActor, Supervisor, boot};
use crate::config::Config;
use crate::ipc::protocol::Event;
use crate::paths::Paths;
use crate::tunnel::attach::Attached;
use crate::web::pool::Pool;

/// Tunnels of one provider that may be starting at the same time.
const STARTING_AT_ONCE: usize = 2;

/// Probes of public URLs that may be under way at the same time.
const PROBES_AT_ONCE: usize = 8;
/// How long an answer from elsewhere proves that this machine is online.
const ONLINE_FOR: Duration = Duration::from_secs(60);

/// Events that wait for the slowest subscriber before it misses some.
const EVENTS: usize = 256;

/// The surroundings of the actors, shared by all and outliving each.
pub struct Env {
    /// The places.
    pub paths: Paths,
    /// When the process started, for what is told to people.
    pub since: Timestamp,
    /// The render pool.
    pub pool: Pool,
    /// The living `DbActor`.
    pub db: Slot<DbActor>,
    /// The living `Supervisor`.
    pub supervisor: Slot<Supervisor>,
    notices: Mutex<Vec<String>>,
    /// What subscribers are told.
    pub events: broadcast::Sender<Event>,
    /// The ends of shares that the database has not confirmed.
    pub ends: Ends,
    /// The shares that are wanted.
    pub wanted: Wanted,
    /// Which start of the machine this is.
    pub boot: String,
    started: Instant,
    config: RwLock<Arc<Config>>,
    config_trouble: Mutex<Option<String>>,
    /// Keepers that were attached at the start, before anything slow.
    attached: Mutex<HashMap<Uuid, Attached>>,
    starts: Mutex<HashMap<String, Arc<Semaphore>>>,
    probes: Semaphore,
    /// A Supervisor has found the shares of the daemon before.
    restored: AtomicBool,
    /// When this machine was last seen to be online.
    online: Mutex<Option<Duration>>,
}

impl Env {
    /// Surroundings with empty slots.
    pub fn new(
        paths: Paths,
        config: Config,
        pool: Pool,
        notices: Vec<String>,
        attached: HashMap<Uuid, Attached>,
    ) -> Self {
        Self {
            ends: Ends::new(paths.ends()),
            wanted: Wanted::default(),
            paths,
            since: Timestamp::now(),
            pool,
            db: Slot::default(),
            supervisor: Slot::default(),
            notices: Mutex::new(notices),
            restored: AtomicBool::new(false),
            events: broadcast::Sender::new(EVENTS),
            boot: boot::id(),
            started: Instant::now(),
            config: RwLock::new(Arc::new(config)),
            config_trouble: Mutex::default(),
            attached: Mutex::new(attached),
            starts: Mutex::default(),
            probes: Semaphore::new(PROBES_AT_ONCE),
            online: Mutex::default(),
        }
    }

    /// Monotonic time since the daemon started: the `now` of [`crate::share::step`].
    pub fn now(&self) -> Duration {
        self.started.elapsed()
    }

    /// The configuration as it is now.
    pub fn config(&self) -> Arc<Config> {
        self.config.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes a new configuration; who goes by it already is told by [`super::supervisor::Reconfigured`].
    pub fn set_config(&self, config: Config) {
        *self.config.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(config);
    }

    /// Why the configuration could not be read again, until it can.
    pub fn note_config_trouble(&self, trouble: Option<String>) {
        *self.config_trouble.lock().unwrap_or_else(PoisonError::into_inner) = trouble;
    }

    /// What a person should know about state and configuration.
    pub fn notices(&self) -> Vec<String> {
        let trouble = self.config_trouble.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let notices = self.notices.lock().unwrap_or_else(PoisonError::into_inner);
        notices.iter().cloned().chain(trouble).collect()
    }

    /// One more thing that a person should know.
    pub fn add_notice(&self, notice: String) {
        self.notices.lock().unwrap_or_else(PoisonError::into_inner).push(notice);
    }

    /// Whether this daemon has just started: true once, for the Supervisor that finds the shares of the one before.
    pub fn first_restore(&self) -> bool {
        !self.restored.swap(true, Ordering::AcqRel)
    }

    /// The keeper of `id`, if it was attached at the start and nobody took it yet.
    pub fn take_attached(&self, id: Uuid) -> Option<Attached> {
        self.attached.lock().unwrap_or_else(PoisonError::into_inner).remove(&id)
    }

    /// Tells subscribers, if there are any.
    pub fn announce(&self, event: Event) {
        // An error says that nobody has subscribed.
        let _ = self.events.send(event);
    }

    /// Ids of the keepers that were attached at the start and not taken yet.
    pub fn attached_ids(&self) -> Vec<Uuid> {
        self.attached.lock().unwrap_or_else(PoisonError::into_inner).keys().copied().collect()
    }

    /// A turn to ask for a public URL; `None` if there are no turns any more.
    pub async fn probe_turn(&self) -> Option<SemaphorePermit<'_>> {
        self.probes.acquire().await.ok()
    }

    /// An answer came from elsewhere (if so it was).
    pub fn note_online(&self, seen: bool) {
        if seen {
            *self.online.lock().unwrap_or_else(PoisonError::into_inner) = Some(self.now());
        }
    }

    /// Whether an answer came from elsewhere a moment ago, and not before `since`.
    pub fn was_online(&self, since: Duration) -> bool {
        let seen = *self.online.lock().unwrap_or_else(PoisonError::into_inner);
        proves(seen, since, self.now())
    }

    /// The places for starting tunnels of `provider`.
    pub fn start_slots(&self, provider: &str) -> Arc<Semaphore> {
        let mut starts = self.starts.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = || Arc::new(Semaphore::new(STARTING_AT_ONCE));
        starts.entry(provider.to_owned()).or_insert_with(fresh).clone()
    }
}

/// An answer at `seen` proves that this machine is online at `now`, for one who asks since when `since` is. What came
/// before a tunnel failed proves nothing of it: that may be why it failed.
fn proves(seen: Option<Duration>, since: Duration, now: Duration) -> bool {
    seen.is_some_and(|at| at >= since && now.saturating_sub(at) < ONLINE_FOR)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_answer_since_the_trouble_began_proves_that_this_machine_is_online() {
        let at = Duration::from_secs;
        assert!(proves(Some(at(100)), at(0), at(130)));
        assert!(proves(Some(at(100)), at(100), at(130)));
        assert!(!proves(Some(at(100)), at(101), at(130)), "it came before");
        assert!(!proves(Some(at(100)), at(0), at(160)), "it is too long ago");
        assert!(!proves(None, at(0), at(1)));
    }
}
