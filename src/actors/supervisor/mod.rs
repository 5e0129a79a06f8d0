//! `Supervisor`: owns one `ShareActor` per share, starts, watches, restarts and stops them.
//!
//! What is known of each share is kept here as the actors tell it ([`Changed`]), so that a list never waits
//! for a share. `start` is the way of a StartShare, `restore` what happens at the start of a daemon and
//! after a panic of a Supervisor, `stop` the ends.

mod entry;
mod rebuild;
mod restore;
mod start;
mod stop;
mod wake;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use actix::{Actor, ActorContext, Addr, AsyncContext, Context, Handler, Message, ResponseFuture};
use tokio::sync::oneshot;
use tokio_util::sync::{CancellationToken, DropGuard};
use uuid::Uuid;

pub use entry::View;
pub use restore::Restore;
pub use start::{CancelStart, Start};
pub use stop::{EndAll, Expire, ShutDown, Stop};

use self::entry::{Entry, Waiter};
use super::announce::{self, UrlChange};
use super::env::Env;
use super::link::{Down, Link};
use super::share::{self, Begins, Record, ShareActor};
use super::{db, launch};
use crate::ipc::protocol::{ErrorCode, ErrorReply, Event, ShareEvent, ShareInfo};

/// The actor.
pub struct Supervisor {
    env: Arc<Env>,
    shares: BTreeMap<Uuid, Entry>,
    /// StartShares under way or up, by their idempotency key.
    keys: HashMap<String, Uuid>,
    /// Nothing new is started any more.
    closing: bool,
    /// Every ShareActor watches it: they leave when this Supervisor is gone, however that came.
    _alive: DropGuard,
    orphaned: CancellationToken,
    _link: Link,
}

impl Supervisor {
    /// A Supervisor that knows of no share yet: send it [`Restore`].
    pub fn new(env: Arc<Env>, link: Link) -> Self {
        let orphaned = CancellationToken::new();
        Self {
            env,
            shares: BTreeMap::new(),
            keys: HashMap::new(),
            closing: false,
            _alive: orphaned.clone().drop_guard(),
            orphaned,
            _link: link,
        }
    }

    fn spawn_share(&mut self, record: Record, begins: Begins, ctx: &mut Context<Self>) {
        let id = record.id;
        let supervisor = ctx.address().recipient::<ShareDown>();
        let link = Link::new(move |down| supervisor.do_send(ShareDown { id, down }));
        let owner = share::Owner { supervisor: ctx.address(), gone: self.orphaned.clone() };
        let pace = launch::pace(&record.provider, &self.env.config());
        if begins != Begins::Asked {
            self.env.wanted.note(id, (&record).into());
            self.env.wanted.confirm(id);
        }
        let actor = ShareActor::new(record, pace, begins, self.env.clone(), owner, link);
        let addr = actor.start();
        if let Some(entry) = self.shares.get_mut(&id) {
            entry.addr = Some(addr);
            entry.rebuilding = false;
        }
    }

    /// The actors of the shares that have one.
    fn actors(&self) -> impl Iterator<Item = &Addr<ShareActor>> {
        self.shares.values().filter_map(|entry| entry.addr.as_ref())
    }

    fn infos(&self) -> Vec<ShareInfo> {
        self.shares.values().map(|entry| entry.info(&self.env)).collect()
    }
}

impl Actor for Supervisor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        // A Supervisor whose mailbox is full of news of 1,000 shares must still hear them.
        ctx.set_mailbox_capacity(1024);
    }
}

/// Be no more: this Supervisor could not restore its shares, and another takes its place.
#[derive(Message)]
#[rtype(result = "()")]
pub struct GiveUp;

impl Handler<GiveUp> for Supervisor {
    type Result = ();

    fn handle(&mut self, _: GiveUp, ctx: &mut Self::Context) {
        ctx.stop();
    }
}

/// What a share tells of itself, whenever it changes.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Changed {
    /// Which.
    pub id: Uuid,
    /// How it stands.
    pub view: View,
}

impl Handler<Changed> for Supervisor {
    type Result = ();

    fn handle(&mut self, Changed { id, view }: Changed, _: &mut Self::Context) {
        if let Some(entry) = self.shares.get_mut(&id) {
            if let (Some(url), Some(port)) = (&view.url, view.port) {
                // While there is no newer one, the latest is shown.
                entry.last_url.clone_from(url);
                entry.last_port = port;
            }
            entry.view = view;
            let (moved, info) = (entry.moved(), entry.info(&self.env));
            if let Some(old_url) = moved {
                announce::url_change(&self.env, UrlChange::new(&info, &old_url));
            }
            self.env.announce(Event::ShareChanged { share: Box::new(info) });
        }
    }
}

/// A first start has come to its end.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Started {
    /// Which.
    pub id: Uuid,
    /// How it stands.
    pub view: View,
    /// Up, or why not.
    pub result: Result<(), ErrorReply>,
}

impl Handler<Started> for Supervisor {
    type Result = ();

    fn handle(&mut self, Started { id, view, result }: Started, _: &mut Self::Context) {
        let Some(entry) = self.shares.get_mut(&id) else { return };
        entry.view = view;
        entry.pending = false;
        let answer = result.map(|()| entry.info(&self.env));
        for waiter in std::mem::take(&mut entry.waiters) {
            // Who asked may have gone away; the share does not depend on it.
            let _ = waiter.send(answer.clone());
        }
    }
}

/// A ShareActor is gone.
#[derive(Message)]
#[rtype(result = "()")]
struct ShareDown {
    id: Uuid,
    down: Down,
}

impl Handler<ShareDown> for Supervisor {
    type Result = ();

    fn handle(&mut self, ShareDown { id, down }: ShareDown, ctx: &mut Self::Context) {
        if down.panicked {
            self.rebuild(id, ctx);
        } else {
            self.forget(id);
        }
    }
}

/// Shares in one list: some 600 bytes each, in a frame of 1 MiB.
const MOST_LISTED: usize = 1000;

/// All shares that are up or wanted up; with `all`, those that ended too.
#[derive(Message)]
#[rtype(result = "Result<Vec<ShareInfo>, ErrorReply>")]
pub struct List {
    /// Those that ended, too.
    pub all: bool,
}

impl Handler<List> for Supervisor {
    type Result = ResponseFuture<Result<Vec<ShareInfo>, ErrorReply>>;

    fn handle(&mut self, List { all }: List, _: &mut Self::Context) -> Self::Result {
        let mut infos = self.infos();
        if !all {
            infos.sort_by(|a, b| a.started_at.cmp(&b.started_at));
            return Box::pin(async move { Ok(infos) });
        }
        let rows = db::list_shares().run(&self.env.db);
        Box::pin(async move {
            let known: Vec<Uuid> = infos.iter().map(|info| info.id).collect();
            let ended = rows.await.map_err(|error| state_error(&error))?;
            infos.extend(
                ended.into_iter().filter_map(entry::ended_info).filter(|info| !known.contains(&info.id)),
            );
            infos.sort_by(|a, b| a.started_at.cmp(&b.started_at));
            // The oldest go first: a reply must fit into a frame.
            infos.drain(..infos.len().saturating_sub(MOST_LISTED));
            Ok(infos)
        })
    }
}

/// One share, ended or not.
#[derive(Message)]
#[rtype(result = "Result<ShareInfo, ErrorReply>")]
pub struct Get(pub Uuid);

impl Handler<Get> for Supervisor {
    type Result = ResponseFuture<Result<ShareInfo, ErrorReply>>;

    fn handle(&mut self, Get(id): Get, _: &mut Self::Context) -> Self::Result {
        if let Some(entry) = self.shares.get(&id) {
            let info = entry.info(&self.env);
            return Box::pin(async move { Ok(info) });
        }
        let row = db::get_share(id).run(&self.env.db);
        Box::pin(async move {
            let row = row.await.map_err(|error| state_error(&error))?;
            row.and_then(entry::ended_info).ok_or_else(|| no_such_share(id))
        })
    }
}

/// The configuration was read again.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Reconfigured;

impl Handler<Reconfigured> for Supervisor {
    type Result = ();

    fn handle(&mut self, _: Reconfigured, _: &mut Self::Context) {
        self.actors().for_each(|addr| addr.do_send(share::Reconfigured));
    }
}

/// There is another DbActor: how the shares stand is written to its database.
#[derive(Message)]
#[rtype(result = "()")]
pub struct DbReplaced;

impl Handler<DbReplaced> for Supervisor {
    type Result = ();

    fn handle(&mut self, _: DbReplaced, _: &mut Self::Context) {
        let up = self.shares.values().filter(|entry| entry.ending.is_none());
        up.filter_map(|entry| entry.addr.as_ref()).for_each(|addr| addr.do_send(share::RecordAnew));
        self.note_alive();
    }
}

/// Start a share afresh now.
#[derive(Message)]
#[rtype(result = "Result<(), ErrorReply>")]
pub struct Restart(pub Uuid);

impl Handler<Restart> for Supervisor {
    type Result = ResponseFuture<Result<(), ErrorReply>>;

    fn handle(&mut self, Restart(id): Restart, ctx: &mut Self::Context) -> Self::Result {
        self.rebuild_now(id, ctx);
        let addr = self.shares.get(&id).map(|entry| entry.addr.clone());
        Box::pin(async move {
            // One without an actor is being prepared or rebuilt: it is starting afresh at this moment.
            let Some(addr) = addr.ok_or_else(|| no_such_share(id))? else { return Ok(()) };
            match addr.send(share::Restart).await {
                Ok(restarting) => restarting.map_err(|failure| ErrorReply::from(&failure)),
                Err(_) => {
                    let what = "a part of the daemon failed before the share was restarted";
                    Err(ErrorReply::new(ErrorCode::Internal, what, "`panko ls` shows what became of it"))
                }
            }
        })
    }
}

/// The end of a share's tunnel log.
#[derive(Message)]
#[rtype(result = "Result<String, ErrorReply>")]
pub struct Logs {
    /// Which.
    pub id: Uuid,
    /// At most so many bytes.
    pub max_bytes: usize,
}

impl Handler<Logs> for Supervisor {
    type Result = ResponseFuture<Result<String, ErrorReply>>;

    fn handle(&mut self, Logs { id, max_bytes }: Logs, _: &mut Self::Context) -> Self::Result {
        let addr = self.shares.get(&id).and_then(|entry| entry.addr.clone());
        let (kept, row) = (self.env.paths.share_log(id), db::get_share(id).run(&self.env.db));
        Box::pin(async move {
            if let Some(addr) = addr
                && let Ok(Some(text)) = addr.send(share::Logs { max_bytes }).await
            {
                return Ok(text);
            }
            if row.await.map_err(|error| state_error(&error))?.is_none() {
                return Err(no_such_share(id));
            }
            let kept = tokio::fs::read(kept).await.unwrap_or_default();
            let from = kept.len().saturating_sub(max_bytes);
            Ok(String::from_utf8_lossy(&kept[from..]).into_owned())
        })
    }
}

/// What happened to a share.
#[derive(Message)]
#[rtype(result = "Result<Vec<ShareEvent>, ErrorReply>")]
pub struct History(pub Uuid);

impl Handler<History> for Supervisor {
    type Result = ResponseFuture<Result<Vec<ShareEvent>, ErrorReply>>;

    fn handle(&mut self, History(id): History, _: &mut Self::Context) -> Self::Result {
        let (row, events) = (db::get_share(id).run(&self.env.db), db::history(id).run(&self.env.db));
        Box::pin(async move {
            row.await.map_err(|error| state_error(&error))?.ok_or_else(|| no_such_share(id))?;
            let events = events.await.map_err(|error| state_error(&error))?;
            Ok(events.into_iter().map(entry::event_info).collect())
        })
    }
}

/// Makes the Supervisor or a ShareActor panic, for the tests of supervision.
#[cfg(debug_assertions)]
#[derive(Message)]
#[rtype(result = "()")]
pub struct Fault(pub Option<Uuid>);

#[cfg(debug_assertions)]
impl Handler<Fault> for Supervisor {
    type Result = ();

    fn handle(&mut self, Fault(share): Fault, _: &mut Self::Context) {
        match share.and_then(|id| self.shares.get(&id)).and_then(|entry| entry.addr.as_ref()) {
            Some(addr) => addr.do_send(share::Fault),
            None => panic!("a fault was asked for"),
        }
    }
}

/// What is else done every minute, now: keepers that belong to nobody are ended, ends that could not be recorded are
/// tried again. Answered when the keepers were looked for.
#[cfg(debug_assertions)]
#[derive(Message)]
#[rtype(result = "()")]
pub struct Sweep;

#[cfg(debug_assertions)]
impl Handler<Sweep> for Supervisor {
    type Result = actix::ResponseActFuture<Self, ()>;

    fn handle(&mut self, Sweep: Sweep, _: &mut Self::Context) -> Self::Result {
        super::ends::record_again(&self.env);
        Box::pin(self.sweep())
    }
}

fn no_such_share(id: Uuid) -> ErrorReply {
    ErrorReply::new(ErrorCode::NoSuchShare, format!("there is no share {id}"), "`panko ls --all` lists them")
}

fn state_error(error: &db::StateError) -> ErrorReply {
    ErrorReply::new(error.code(), error.to_string(), error.remedy())
}

fn wait_for(waiter: oneshot::Receiver<Waiter>) -> ResponseFuture<Waiter> {
    Box::pin(async move {
        waiter.await.unwrap_or_else(|_| {
            let what = "a part of the daemon failed before it could answer";
            Err(ErrorReply::new(ErrorCode::Internal, what, "`panko ls` shows what became of it"))
        })
    })
}
