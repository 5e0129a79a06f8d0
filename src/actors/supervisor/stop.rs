//! The ends: of one share, of all, of the daemon; and what follows an actor's panic.

use actix::{ActorFutureExt, AsyncContext, Context, Handler, Message, ResponseFuture, WrapFuture};
use futures_util::future::join_all;
use jiff::Timestamp;
use tokio::sync::oneshot;
use uuid::Uuid;

use super::entry::Entry;
use super::{Supervisor, no_such_share, share, state_error};
use crate::actors::link::AskError;
use crate::actors::{db, ends};
use crate::db::Outcome;
use crate::ipc::protocol::{ErrorCode, ErrorReply, Event};
use crate::share::{Status, StopReason};

/// End a share. Answered when server, keeper and tunnel are gone, and that is recorded.
#[derive(Message)]
#[rtype(result = "Result<(), ErrorReply>")]
pub struct Stop(pub Uuid);

impl Handler<Stop> for Supervisor {
    type Result = ResponseFuture<Result<(), ErrorReply>>;

    fn handle(&mut self, Stop(id): Stop, ctx: &mut Self::Context) -> Self::Result {
        if self.shares.contains_key(&id) {
            return self.end_share(id, StopReason::Asked, ctx);
        }
        // A share that went down when its end could not be recorded is still wanted.
        let env = self.env.clone();
        let record = move || ends::record(&env, id, outcome(StopReason::Asked));
        if self.env.ends.is_pending(id) {
            let recorded = record();
            return Box::pin(async move { recorded.await.map_err(|error| state_error(&error)) });
        }
        let row = db::get_share(id).run(&self.env.db);
        Box::pin(async move {
            match row.await.map_err(|error| state_error(&error))? {
                Some(row) if row.wanted => record().await.map_err(|error| state_error(&error)),
                _ => Err(no_such_share(id)),
            }
        })
    }
}

/// A share's time is over.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Expire(pub Uuid);

impl Handler<Expire> for Supervisor {
    type Result = ();

    fn handle(&mut self, Expire(id): Expire, ctx: &mut Self::Context) {
        if self.shares.get(&id).is_none_or(|entry| entry.ending.is_some()) {
            return;
        }
        let ended = self.end_share(id, StopReason::Expired, ctx);
        actix::spawn(async move {
            if let Err(error) = ended.await {
                tracing::error!(share = %id, error = error.message, "a share expired");
            }
        });
    }
}

/// A person ends the daemon: no share is to come back. Answered when that is recorded; [`ShutDown`] takes them down.
#[derive(Message)]
#[rtype(result = "()")]
pub struct EndAll;

impl Handler<EndAll> for Supervisor {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, _: EndAll, _: &mut Self::Context) -> Self::Result {
        self.closing = true;
        let all: Vec<Uuid> = self.shares.keys().copied().collect();
        let recorded = all.into_iter().map(|id| {
            let why = self.give_notice(id, StopReason::DaemonStopped);
            let recorded = ends::record(&self.env, id, outcome(why));
            async move {
                if let Err(error) = recorded.await {
                    tracing::error!(share = %id, %error, "the end of a share could not be recorded");
                }
            }
        });
        let recorded: Vec<_> = recorded.collect();
        Box::pin(async move {
            join_all(recorded).await;
        })
    }
}

/// The daemon ends. Answered when every share has ended, or was left to its keeper.
#[derive(Message)]
#[rtype(result = "()")]
pub struct ShutDown {
    /// Leave keepers and tunnels for the next daemon.
    pub keep_tunnels: bool,
}

impl Handler<ShutDown> for Supervisor {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, ShutDown { keep_tunnels }: ShutDown, ctx: &mut Self::Context) -> Self::Result {
        if keep_tunnels {
            // For the next daemon, before the first share is forgotten.
            self.note_alive();
        }
        self.closing = true;
        let all: Vec<Uuid> = self.shares.keys().copied().collect();
        let gone: Vec<_> = all.into_iter().map(|id| self.close_share(id, keep_tunnels, ctx)).collect();
        Box::pin(async move {
            join_all(gone).await;
        })
    }
}

impl Supervisor {
    /// Ends a share for good. The wish is recorded before anything is taken down: were it the other way
    /// round, a crash in between would bring the share back, under another URL.
    pub(super) fn end_share(
        &mut self,
        id: Uuid,
        why: StopReason,
        ctx: &mut Context<Self>,
    ) -> ResponseFuture<Result<(), ErrorReply>> {
        let why = self.give_notice(id, why);
        let (tell, told) = oneshot::channel();
        let recorded = ends::record(&self.env, id, outcome(why));
        ctx.spawn(recorded.into_actor(self).map(move |recorded, supervisor, ctx| {
            // Recorded or not: a person wants it down.
            let gone = supervisor.take_down(id, why, ctx);
            actix::spawn(async move {
                gone.await;
                // Who asked may have gone away.
                let _ = tell.send(recorded);
            });
        }));
        Box::pin(async move {
            let recorded = told.await.unwrap_or(Err(db::StateError::Unknown(AskError::Down)));
            recorded.map_err(|error| {
                let what = format!("the share is down, but that could not be recorded: {error}");
                let remedy =
                    "mend that (is the disk full?) and stop it again, or it comes back with the next daemon";
                ErrorReply::new(error.code(), what, remedy)
            })
        })
    }

    /// From here on the share is ending: its page is gone, who waits for its start is told, and nobody restarts
    /// it. Why it ends: for the reason that was given first.
    fn give_notice(&mut self, id: Uuid, why: StopReason) -> StopReason {
        let Some(entry) = self.shares.get_mut(&id) else { return why };
        let why = *entry.ending.get_or_insert(why);
        if let Some(addr) = &entry.addr {
            addr.do_send(share::Revoke(why));
        }
        let what = "the share was stopped before it was up";
        let error = ErrorReply::new(ErrorCode::NoSuchShare, what, "share it again");
        for waiter in std::mem::take(&mut entry.waiters) {
            let _ = waiter.send(Err(error.clone()));
        }
        why
    }

    fn close_share(&mut self, id: Uuid, keep: bool, ctx: &mut Context<Self>) -> ResponseFuture<()> {
        // What is being ended is not left to the next daemon.
        let goes_on = self.shares.get(&id).is_some_and(|entry| !entry.pending && entry.ending.is_none());
        if !keep || !goes_on {
            if let Some(entry) = self.shares.get(&id) {
                tracing::info!(share = %id, url = entry.last_url, "the share ends with the daemon");
            }
            let ended = self.end_share(id, StopReason::DaemonStopped, ctx);
            return Box::pin(async move {
                if let Err(error) = ended.await {
                    tracing::error!(share = %id, error = error.message, "ending with the daemon");
                }
            });
        }
        let gone = self.when_gone(id);
        match self.shares.get(&id).and_then(|entry| entry.addr.as_ref()) {
            Some(addr) => addr.do_send(share::Leave),
            None => self.forget(id),
        }
        gone
    }

    fn take_down(&mut self, id: Uuid, why: StopReason, ctx: &mut Context<Self>) -> ResponseFuture<()> {
        let gone = self.when_gone(id);
        match self.shares.get(&id) {
            Some(Entry { addr: Some(addr), .. }) => addr.do_send(share::Stop(why)),
            // Its actor fell, and the next is not built yet: now it never will be.
            Some(Entry { rebuilding: true, .. }) => self.end_without_actor(id, false, ctx),
            // It is being prepared: whoever does that looks at `ending`.
            _ => {}
        }
        gone
    }

    fn when_gone(&mut self, id: Uuid) -> ResponseFuture<()> {
        let (tell, told) = oneshot::channel();
        if let Some(entry) = self.shares.get_mut(&id) {
            entry.ended.push(tell);
        }
        Box::pin(async move {
            // A sender that was dropped says the same: it is gone.
            let _ = told.await;
        })
    }

    /// The share is over, or left to its keeper: nothing of it lives in this process.
    pub(super) fn forget(&mut self, id: Uuid) {
        let Some(entry) = self.shares.remove(&id) else { return };
        self.env.announce(Event::ShareGone { share_id: id });
        if let Some(key) = &entry.key
            && self.keys.get(key) == Some(&id)
        {
            self.keys.remove(key);
        }
        for ended in entry.ended {
            let _ = ended.send(());
        }
    }
}

pub(super) fn outcome(why: StopReason) -> Outcome {
    let reason = match why {
        StopReason::Asked => "stopped",
        StopReason::DaemonStopped => "the daemon was stopped",
        StopReason::NeverStarted => "it never came up",
        StopReason::Abandoned => "cancelled before it was up",
        StopReason::Expired => "its time is over",
    };
    let status = if why == StopReason::NeverStarted { Status::Error } else { Status::Stopped };
    Outcome {
        status: status.as_str(),
        reason: Some(reason.to_owned()),
        remedy: Some("share the file again to bring it back".to_owned()),
        at: Timestamp::now(),
    }
}
