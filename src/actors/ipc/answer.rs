//! From a request to its reply: which actor is asked, and what its answer is on the wire.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::{Semaphore, broadcast};
use tokio_util::sync::CancellationToken;

use crate::actors::ends;
use crate::actors::env::Env;
use crate::actors::link::AskError;
use crate::actors::supervisor;
use crate::ipc::protocol::{self, ErrorCode, ErrorReply, Event, Hello, Reply, Request};

/// A StartShare takes as long as its tunnel; this is the longest any provider may ask for, and a margin.
const START_PATIENCE: Duration = Duration::from_secs(660);
/// Anything else: the longest is a stop, which waits 8 s for the keeper.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long a Shutdown may take until it is answered; that the database is locked costs half a second.
const SHUTDOWN_PATIENCE: Duration = Duration::from_secs(3);
/// Most bytes of a log in one reply: less than a frame, escapes included.
const MOST_LOG: u32 = 128 * 1024;

/// Answers requests.
pub struct Desk {
    env: Arc<Env>,
    shutdown: CancellationToken,
    keeps_tunnels: AtomicBool,
    room: Semaphore,
    #[cfg(debug_assertions)]
    ipc: std::sync::OnceLock<actix::Addr<super::IpcActor>>,
}

impl Desk {
    pub(super) fn new(env: Arc<Env>, shutdown: CancellationToken, room: Semaphore) -> Self {
        Self {
            env,
            shutdown,
            keeps_tunnels: AtomicBool::new(false),
            room,
            #[cfg(debug_assertions)]
            ipc: std::sync::OnceLock::new(),
        }
    }

    /// The last Shutdown asked for the tunnels to be kept.
    pub fn keeps_tunnels(&self) -> bool {
        self.keeps_tunnels.load(Ordering::Acquire)
    }

    /// What subscribers are told from now on.
    pub(super) fn events(&self) -> broadcast::Receiver<Event> {
        self.env.events.subscribe()
    }

    /// The reply to `request`. Always one, within a bounded time.
    pub(super) async fn answer(&self, request: Request) -> Reply {
        // These have no place to wait for, so they are answered however much is under way.
        match request {
            Request::Ping => return Reply::Pong,
            Request::Shutdown(how) => return self.shut_down(how.unwrap_or_default()).await,
            _ => {}
        }
        let Ok(_place) = self.room.try_acquire() else {
            let busy = ErrorReply::new(ErrorCode::Busy, "too many requests are under way", "try again");
            return Reply::Error(busy);
        };
        self.ask(request).await.unwrap_or_else(Reply::Error)
    }

    async fn ask(&self, request: Request) -> Result<Reply, ErrorReply> {
        match request {
            Request::StartShare(ask) => {
                let info = self.supervisor(supervisor::Start(ask), START_PATIENCE).await??;
                Ok(Reply::ShareStarted(Box::new(info)))
            }
            Request::StopShare { share_id } => {
                self.supervisor(supervisor::Stop(share_id), PATIENCE).await??;
                Ok(Reply::ShareStopped { share_id })
            }
            Request::CancelStart { idempotency_key: key } => {
                let share_id = self.supervisor(supervisor::CancelStart { key }, PATIENCE).await??;
                Ok(Reply::ShareStopped { share_id })
            }
            Request::ListShares(which) => {
                let all = which.unwrap_or_default().all;
                Ok(Reply::ShareList(self.supervisor(supervisor::List { all }, PATIENCE).await??))
            }
            Request::GetShare { share_id } => {
                let info = self.supervisor(supervisor::Get(share_id), PATIENCE).await??;
                Ok(Reply::Share(Box::new(info)))
            }
            Request::RestartShare { share_id } => {
                self.supervisor(supervisor::Restart(share_id), PATIENCE).await??;
                Ok(Reply::ShareRestarting { share_id })
            }
            Request::Logs { share_id: id, max_bytes } => {
                let max_bytes = max_bytes.unwrap_or(64 * 1024).min(MOST_LOG) as usize;
                let text = self.supervisor(supervisor::Logs { id, max_bytes }, PATIENCE).await??;
                Ok(Reply::Logs { text })
            }
            Request::History { share_id } => {
                Ok(Reply::History(self.supervisor(supervisor::History(share_id), PATIENCE).await??))
            }
            Request::Subscribe => {
                let shares = self.supervisor(supervisor::List { all: false }, PATIENCE).await??;
                Ok(Reply::Subscribed(shares))
            }
            Request::Hello => self.hello().await,
            Request::Ping => Ok(Reply::Pong),
            Request::Shutdown(how) => Ok(self.shut_down(how.unwrap_or_default()).await),
            #[cfg(debug_assertions)]
            Request::Fault { actor, share_id } => self.fault(&actor, share_id).await,
        }
    }

    fn supervisor<M>(
        &self,
        message: M,
        patience: Duration,
    ) -> impl Future<Output = Result<M::Result, ErrorReply>> + use<M>
    where
        supervisor::Supervisor: actix::Handler<M>,
        M: actix::Message + Send + Unpin + 'static,
        M::Result: Send,
    {
        let answer = self.env.supervisor.ask(message, patience);
        async move {
            answer.await.map_err(|error: AskError| {
                let remedy = "try again; `panko ls` shows what became of it";
                ErrorReply::new(ErrorCode::Internal, error.to_string(), remedy)
            })
        }
    }

    async fn hello(&self) -> Result<Reply, ErrorReply> {
        let shares = self.supervisor(supervisor::List { all: false }, PATIENCE).await??.len();
        Ok(Reply::Hello(Box::new(Hello {
            protocol: protocol::VERSION,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pid: std::process::id(),
            since: self.env.since.to_string(),
            shares,
            features: protocol::METHODS.iter().map(|method| (*method).to_owned()).collect(),
            notices: self.env.notices(),
        })))
    }

    /// What was acknowledged holds, however the daemon ends: that its shares are over is recorded before the answer, or
    /// the answer says that it is not.
    async fn shut_down(&self, how: protocol::Shutdown) -> Reply {
        self.keeps_tunnels.store(how.keep_tunnels, Ordering::Release);
        if !how.keep_tunnels
            && let Err(error) = self.env.supervisor.ask(supervisor::EndAll, SHUTDOWN_PATIENCE).await
        {
            tracing::error!(%error, "the ends of the shares are recorded as they end");
        }
        self.shutdown.cancel();
        match self.env.ends.unrecorded() {
            0 => Reply::ShuttingDown,
            // It ends all the same: that was asked for, too.
            lost => Reply::Error(ErrorReply::new(ErrorCode::State, ends::lost(lost), ends::MEND)),
        }
    }
}

#[cfg(debug_assertions)]
impl Desk {
    /// Which actor the fault `ipc` is for.
    pub fn set_ipc(&self, addr: actix::Addr<super::IpcActor>) {
        // Set once, by whoever started the actor.
        let _ = self.ipc.set(addr);
    }

    async fn fault(&self, actor: &str, share: Option<uuid::Uuid>) -> Result<Reply, ErrorReply> {
        match actor {
            // Nothing of this thread goes on.
            "hang" => loop {
                std::thread::park();
            },
            "supervisor" => self.supervisor(supervisor::Fault(None), PATIENCE).await?,
            "sweep" => self.supervisor(supervisor::Sweep, PATIENCE).await?,
            "share" => self.supervisor(supervisor::Fault(share), PATIENCE).await?,
            "ipc" => {
                if let Some(ipc) = self.ipc.get() {
                    ipc.do_send(super::Fault);
                }
            }
            _ => {
                use crate::actors::db;
                if let Err(error) = db::fault().run(&self.env.db).await {
                    return Err(ErrorReply::new(ErrorCode::Internal, error.to_string(), ""));
                }
            }
        }
        Ok(Reply::Pong)
    }
}
