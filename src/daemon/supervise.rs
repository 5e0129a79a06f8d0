//! The three actors there is one of: built, watched, and built anew when they panic.
//!
//! A fresh DbActor opens the file again; a fresh IpcActor serves the same listening socket; a fresh
//! Supervisor finds every share in the database and among the keepers.

use std::collections::VecDeque;
use std::os::unix::net::UnixListener;
use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, Arbiter};
use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{DaemonError, failed};
use crate::actors::ipc::Desk;
use crate::actors::link::{Down, Link};
use crate::actors::{DbActor, Env, IpcActor, Supervisor, supervisor};
use crate::db::{self, SqliteConnection};

/// More panics of one actor than this …
const MOST_FALLS: usize = 10;
/// … within this time, and the daemon gives up: it would only burn.
const FALL_WINDOW: Duration = Duration::from_secs(60);
/// Between attempts to bring an actor back that cannot be built at the moment.
const PAUSE: Duration = Duration::from_millis(200);
/// How long a recovery may take.
const RESTORE_PATIENCE: Duration = Duration::from_secs(20);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Who {
    Db,
    Supervisor,
    Ipc,
}

impl Who {
    fn name(self) -> &'static str {
        match self {
            Who::Db => "DbActor",
            Who::Supervisor => "Supervisor",
            Who::Ipc => "IpcActor",
        }
    }
}

/// The three, and how their ends are heard.
pub(super) struct House {
    env: Arc<Env>,
    listener: UnixListener,
    shutdown: CancellationToken,
    arbiter: Arbiter,
    desk: Option<Arc<Desk>>,
    tell: mpsc::UnboundedSender<(Who, Down)>,
    told: mpsc::UnboundedReceiver<(Who, Down)>,
    falls: VecDeque<(Who, Duration)>,
}

impl House {
    pub(super) async fn build(
        env: Arc<Env>,
        database: SqliteConnection,
        listener: UnixListener,
        shutdown: CancellationToken,
    ) -> Result<Self, DaemonError> {
        let (tell, told) = mpsc::unbounded_channel();
        let arbiter = Arbiter::new();
        let falls = VecDeque::new();
        let mut house = Self { env, listener, shutdown, arbiter, desk: None, tell, told, falls };
        house.start_db(database);
        house.start_supervisor().await.map_err(DaemonError::Restore)?;
        house.start_ipc()?;
        Ok(house)
    }

    /// How the last Shutdown request wanted it.
    pub(super) fn keeps_tunnels(&self) -> bool {
        self.desk.as_ref().is_some_and(|desk| desk.keeps_tunnels())
    }

    /// Waits until an actor has fallen and puts a fresh one in its place.
    ///
    /// # Errors
    /// [`DaemonError::Unstable`] if that happens again and again.
    pub(super) async fn watch(&mut self) -> Result<(), DaemonError> {
        // `self.tell` is alive, so the channel does not end.
        let Some((who, down)) = self.told.recv().await else { return Ok(()) };
        tracing::error!(actor = who.name(), panicked = down.panicked, "an actor has ended and is replaced");
        self.count(who)?;
        while let Err(error) = self.replace(who).await {
            tracing::error!(actor = who.name(), error, "it could not be replaced yet");
            self.count(who)?;
            tokio::time::sleep(PAUSE).await;
        }
        Ok(())
    }

    async fn replace(&mut self, who: Who) -> Result<(), String> {
        match who {
            Who::Db => {
                let path = self.env.paths.db();
                let open = tokio::task::spawn_blocking(move || db::open(&path, Timestamp::now()));
                let opened =
                    open.await.map_err(|error| error.to_string())?.map_err(|error| error.to_string())?;
                self.start_db(opened.db);
                Ok(())
            }
            Who::Supervisor => self.start_supervisor().await.map_err(|error| error.to_string()),
            Who::Ipc => self.start_ipc().map_err(|error| error.to_string()),
        }
    }

    fn count(&mut self, who: Who) -> Result<(), DaemonError> {
        let now = self.env.now();
        self.falls.push_back((who, now));
        self.falls.retain(|(_, at)| now.saturating_sub(*at) <= FALL_WINDOW);
        match self.falls.iter().filter(|(fallen, _)| *fallen == who).count() > MOST_FALLS {
            true => Err(DaemonError::Unstable(who.name())),
            false => Ok(()),
        }
    }

    fn link(&self, who: Who) -> Link {
        let tell = self.tell.clone();
        Link::new(move |down| {
            // At the end of the process nobody listens any more.
            let _ = tell.send((who, down));
        })
    }

    fn start_db(&self, database: SqliteConnection) {
        let link = self.link(Who::Db);
        let addr = DbActor::start_in_arbiter(&self.arbiter.handle(), move |_| DbActor::new(database, link));
        self.env.db.put(Some(addr));
    }

    async fn start_supervisor(&self) -> Result<(), crate::actors::db::StateError> {
        let fresh = Supervisor::new(self.env.clone(), self.link(Who::Supervisor)).start();
        self.env.supervisor.put(Some(fresh));
        self.env.supervisor.ask(supervisor::Restore, RESTORE_PATIENCE).await?
    }

    fn start_ipc(&mut self) -> Result<(), DaemonError> {
        let listener = self.listener.try_clone().map_err(failed("sharing the control socket"))?;
        let ipc = IpcActor::new(listener, self.env.clone(), self.shutdown.clone(), self.link(Who::Ipc));
        let desk = ipc.desk();
        let addr = ipc.start();
        #[cfg(debug_assertions)]
        desk.set_ipc(addr.clone());
        self.desk = Some(desk);
        // An actor with a stream of its own lives as long as that: nobody needs its address.
        drop(addr);
        Ok(())
    }
}
