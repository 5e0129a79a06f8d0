//! `IpcActor`: accepts on the control socket and translates frames into messages, answers into frames.
//!
//! The listener is the daemon's, so that a panic here does not close the socket. Connections are tasks of a
//! set this actor owns: they end with it. actix gives no real backpressure, so what is under way is counted
//! here, and what is too much is answered with `busy`.

mod answer;
mod connection;

use std::os::unix::net::UnixListener as StdListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use actix::{Actor, AsyncContext, Context, WrapFuture};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

pub use self::answer::Desk;
use super::env::Env;
use super::link::Link;
use crate::descriptors;

/// Connections at once, at most: a quarter of the descriptors that the process may have.
const CONNECTIONS: usize = 512;
/// Requests under way, over all connections.
const UNDER_WAY: usize = 256;
/// After a newcomer that could not be accepted.
const AGAIN: Duration = Duration::from_millis(100);

/// The actor.
pub struct IpcActor {
    listener: Option<StdListener>,
    desk: Arc<Desk>,
    _link: Link,
}

impl IpcActor {
    /// Serves `listener`. A Shutdown request cancels `shutdown` (with [`Desk::keeps_tunnels`] set before).
    pub fn new(listener: StdListener, env: Arc<Env>, shutdown: CancellationToken, link: Link) -> Self {
        let desk = Arc::new(Desk::new(env, shutdown, Semaphore::new(UNDER_WAY)));
        Self { listener: Some(listener), desk, _link: link }
    }

    /// Who answers: it remembers how the daemon was asked to end.
    pub fn desk(&self) -> Arc<Desk> {
        self.desk.clone()
    }
}

impl Actor for IpcActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        let Some(listener) = self.listener.take() else { return };
        let desk = self.desk.clone();
        ctx.spawn(accept(listener, desk).into_actor(self));
        ctx.set_mailbox_capacity(64);
    }
}

/// Makes the actor panic, for the tests of supervision.
#[cfg(debug_assertions)]
#[derive(actix::Message)]
#[rtype(result = "()")]
pub struct Fault;

#[cfg(debug_assertions)]
impl actix::Handler<Fault> for IpcActor {
    type Result = ();

    fn handle(&mut self, _: Fault, _: &mut Self::Context) {
        panic!("a fault was asked for");
    }
}

async fn accept(listener: StdListener, desk: Arc<Desk>) {
    let listener = match listener.set_nonblocking(true).and_then(|()| UnixListener::from_std(listener)) {
        Ok(listener) => listener,
        Err(error) => return tracing::error!(%error, "the control socket cannot be served"),
    };
    let mut connections = JoinSet::new();
    let room = Arc::new(Room::new(descriptors::quarter(CONNECTIONS)));
    loop {
        // Over the limit, newcomers wait in the backlog instead of costing descriptors.
        let Some(permit) = room.place().await else { return };
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    room.refused.store(false, Ordering::Relaxed);
                    if !is_ours(&stream) {
                        tracing::warn!("a connection of another user was refused");
                        continue;
                    }
                    let (desk, room) = (desk.clone(), room.clone());
                    connections.spawn_local(async move {
                        connection::serve(stream, desk, &room).await;
                        drop(permit);
                    });
                }
                Err(error) => {
                    // Out of descriptors, most likely: do not spin.
                    if !room.refused.swap(true, Ordering::Relaxed) {
                        tracing::warn!(%error, "connections cannot be accepted");
                    }
                    room.wanted.notify_one();
                    tokio::time::sleep(AGAIN).await;
                }
            },
            Some(ended) = connections.join_next(), if !connections.is_empty() => {
                if let Err(error) = ended {
                    tracing::error!(%error, "a connection failed");
                }
            }
        }
    }
}

/// Places for connections.
struct Room {
    places: Arc<Semaphore>,
    /// A newcomer waits for the place of somebody who has nothing to say.
    wanted: Notify,
    /// The last newcomer could not be accepted.
    refused: AtomicBool,
}

impl Room {
    fn new(places: usize) -> Self {
        Self {
            places: Arc::new(Semaphore::new(places)),
            wanted: Notify::new(),
            refused: AtomicBool::new(false),
        }
    }

    /// A place for a newcomer, once there is one: who has nothing to say is asked to go.
    async fn place(&self) -> Option<OwnedSemaphorePermit> {
        if let Ok(place) = self.places.clone().try_acquire_owned() {
            return Some(place);
        }
        self.wanted.notify_one();
        self.places.clone().acquire_owned().await.ok()
    }

    /// Waits until the caller's place is wanted: one caller for one newcomer.
    async fn is_wanted(&self) {
        loop {
            self.wanted.notified().await;
            // Another may have gone meanwhile.
            if self.places.available_permits() == 0 || self.refused.load(Ordering::Relaxed) {
                return;
            }
        }
    }
}

/// The mode of folder and socket keeps others out; this is the second lock on that door.
fn is_ours(stream: &UnixStream) -> bool {
    let ours = rustix::process::geteuid().as_raw();
    stream.peer_cred().is_ok_and(|peer| peer.uid() == ours)
}
