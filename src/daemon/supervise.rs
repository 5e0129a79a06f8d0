//! The three actors there is one of: built, watched, and built anew when they panic.
//!
//! A fresh DbActor opens the file again; a fresh IpcActor serves the same listening socket; a fresh
//! Supervisor finds every share in the database and among the keepers.

use std::collections::{HashMap, VecDeque};
use std::os::unix::net::UnixListener;
use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, Arbiter};
use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{DaemonError, failed};
use crate::actors::db::StateError;
use crate::actors::ipc::Desk;
use crate::actors::link::{self, Down, Link};
use crate::actors::{DbActor, Env, IpcActor, Supervisor, supervisor};
use crate::db::{self, SqliteConnection};
use crate::ipc::protocol::Event;

/// More panics of one actor than this …
const MOST_FALLS: usize = 20;
/// … within this time, and the daemon gives up: it would only burn.
const FALL_WINDOW: Duration = Duration::from_secs(60);
/// Between attempts to bring an actor back that cannot be built at the moment: longer than the window divided by
/// the falls allowed would be too eager for a database that is locked for a while.
const PAUSE: Duration = Duration::from_secs(1);
/// How long a recovery may take.
const RESTORE_PATIENCE: Duration = Duration::from_secs(20);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
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

/// An actor has ended: which, and which of its lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fall {
    who: Who,
    life: u64,
    down: Down,
}

/// The three, and how their ends are heard.
pub(super) struct House {
    env: Arc<Env>,
    listener: UnixListener,
    shutdown: CancellationToken,
    arbiter: Arbiter,
    desk: Option<Arc<Desk>>,
    tell: mpsc::UnboundedSender<Fall>,
    told: mpsc::UnboundedReceiver<Fall>,
    /// The present life of each: the end of an earlier one is no news.
    lives: HashMap<Who, u64>,
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
        let (lives, falls) = (HashMap::new(), VecDeque::new());
        let mut house = Self { env, listener, shutdown, arbiter, desk: None, tell, told, lives, falls };
        house.start_db(database);
        house.start_supervisor().await.map_err(DaemonError::Restore)?;
        house.start_ipc()?;
        Ok(house)
    }

    /// Waits for the next fall and mends it, for one who asked an actor that has fallen.
    ///
    /// # Errors
    /// As [`House::mend`].
    pub(super) async fn mend_next(&mut self) -> Result<(), DaemonError> {
        let fall = self.fall().await;
        self.mend(fall).await
    }

    /// How the last Shutdown request wanted it.
    pub(super) fn keeps_tunnels(&self) -> bool {
        self.desk.as_ref().is_some_and(|desk| desk.keeps_tunnels())
    }

    /// Waits until an actor has fallen. Cancel-safe: what was not returned is heard next time.
    pub(super) async fn fall(&mut self) -> Fall {
        loop {
            match self.told.recv().await {
                Some(fall) if self.lives.get(&fall.who) == Some(&fall.life) => return fall,
                Some(_) => {}
                // `self.tell` is alive, so the channel does not end.
                None => std::future::pending().await,
            }
        }
    }

    /// Puts a fresh actor in the place of one that fell. One that cannot be built at the moment (a Supervisor
    /// while the DbActor is down, too) is announced again after a pause, behind the falls of others.
    ///
    /// # Errors
    /// [`DaemonError::Unstable`] if that happens again and again.
    pub(super) async fn mend(&mut self, fall: Fall) -> Result<(), DaemonError> {
        let Fall { who, down, .. } = fall;
        tracing::error!(actor = who.name(), panicked = down.panicked, "an actor has ended and is replaced");
        self.count(who)?;
        if let Err(error) = self.replace(who).await {
            tracing::error!(actor = who.name(), error, "it could not be replaced yet");
            // A life that nobody lives: only this announcement is about it.
            let (tell, life) = (self.tell.clone(), self.next_life(who));
            actix::spawn(async move {
                tokio::time::sleep(PAUSE).await;
                let _ = tell.send(Fall { who, life, down });
            });
        }
        Ok(())
    }

    async fn replace(&mut self, who: Who) -> Result<(), String> {
        match who {
            Who::Db => {
                let env = self.env.clone();
                let open = tokio::task::spawn_blocking(move || reopen(&env));
                self.start_db(open.await.map_err(|error| error.to_string()).flatten()?);
                if let Some(supervisor) = self.env.supervisor.addr() {
                    supervisor.do_send(supervisor::DbReplaced);
                }
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

    fn next_life(&mut self, who: Who) -> u64 {
        let life = self.lives.entry(who).or_default();
        *life += 1;
        *life
    }

    fn link(&mut self, who: Who) -> Link {
        let (tell, life) = (self.tell.clone(), self.next_life(who));
        Link::new(move |down| {
            // At the end of the process nobody listens any more.
            let _ = tell.send(Fall { who, life, down });
        })
    }

    fn start_db(&mut self, database: SqliteConnection) {
        let link = self.link(Who::Db);
        let addr = DbActor::start_in_arbiter(&self.arbiter.handle(), move |_| DbActor::new(database, link));
        self.env.db.put(Some(addr));
    }

    /// Nobody finds a Supervisor before it knows its shares: it would take what it does not know for what is not there.
    /// One that could not restore them is ended at once: there must never be two.
    async fn start_supervisor(&mut self) -> Result<(), StateError> {
        self.env.supervisor.put(None);
        let fresh = Supervisor::new(self.env.clone(), self.link(Who::Supervisor)).start();
        let restored = link::ask(&fresh, supervisor::Restore, RESTORE_PATIENCE).await;
        let restored = restored.map_err(StateError::from).flatten();
        match restored {
            Ok(()) => {
                self.env.supervisor.put(Some(fresh));
                // What ended with the one before was told to nobody: who listens asks for the list.
                self.env.announce(Event::Missed { events: 0 });
            }
            Err(_) => fresh.do_send(supervisor::GiveUp),
        }
        restored
    }

    fn start_ipc(&mut self) -> Result<(), DaemonError> {
        let listener = self.listener.try_clone().map_err(failed("sharing the control socket"))?;
        let link = self.link(Who::Ipc);
        let ipc = IpcActor::new(listener, self.env.clone(), self.shutdown.clone(), link);
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

/// Opens the database again. What it lacks of the shares that are wanted is there before anybody can ask: who finds no
/// row takes the share for one that nobody wants.
fn reopen(env: &Env) -> Result<SqliteConnection, String> {
    let mut opened = db::open(&env.paths.db(), Timestamp::now()).map_err(|error| error.to_string())?;
    if let Some(path) = opened.set_aside {
        env.add_notice(format!(
            "the database was damaged and is kept as {}; the shares that are up are recorded anew, those that had ended \
             are not known any more",
            path.display()
        ));
    }
    db::write_anew(&mut opened.db, &env.wanted.rows(), Timestamp::now())
        .map_err(|error| error.to_string())?;
    Ok(opened.db)
}
