//! The way of a StartShare: reserve, look, record, start; answered when the share is up.

use std::path::PathBuf;

use actix::{ActorFutureExt, AsyncContext, Context, Handler, Message, ResponseFuture, WrapFuture};

use jiff::Timestamp;
use tokio::sync::oneshot;
use uuid::Uuid;

use super::entry::{Entry, Waiter};
use super::{Supervisor, state_error, wait_for};
use crate::actors::share::{Begins, Record};
use crate::actors::{boot, db, launch};
use crate::db::NewShare;
use crate::descriptors;
use crate::ipc::protocol::{ErrorCode, ErrorReply, ShareInfo, StartShare};
use crate::session::Identity;
use crate::share::{Cause, Failure, ShareOptions, StopReason};
use crate::tunnel::provider::Provider;
use crate::web::Token;

/// Share a session. Answered when its page can be reached, or with why not; two with the same idempotency
/// key are one share.
#[derive(Message)]
#[rtype(result = "Result<ShareInfo, ErrorReply>")]
pub struct Start(pub StartShare);

impl Handler<Start> for Supervisor {
    type Result = ResponseFuture<Waiter>;

    fn handle(&mut self, Start(mut ask): Start, ctx: &mut Self::Context) -> Self::Result {
        ask.options.set_expiry(Timestamp::now());
        if let Some(name) = &mut ask.options.name {
            *name = name.chars().take(LONGEST_NAME).collect();
        }
        let (tell, answer) = oneshot::channel();
        if let Some(id) = self.asked_before(&ask.options)
            && let Some(entry) = self.shares.get_mut(&id)
        {
            if entry.pending {
                entry.waiters.push(tell);
                return wait_for(answer);
            }
            let info = entry.info(&self.env);
            return Box::pin(async move { Ok(info) });
        }
        if let Err(error) = self.room_for_one_more(&ask.provider) {
            return Box::pin(async move { Err(error) });
        }
        self.reserve(ask, tell, ctx);
        wait_for(answer)
    }
}

/// The client that sent a StartShare with this idempotency key does not want it any more.
#[derive(Message)]
#[rtype(result = "Result<Uuid, ErrorReply>")]
pub struct CancelStart {
    /// The key.
    pub key: String,
}

impl Handler<CancelStart> for Supervisor {
    type Result = ResponseFuture<Result<Uuid, ErrorReply>>;

    fn handle(&mut self, CancelStart { key }: CancelStart, ctx: &mut Self::Context) -> Self::Result {
        let Some(id) = self.keys.get(&key).copied() else {
            let what = "no share was asked for under this key";
            let error = ErrorReply::new(ErrorCode::NoSuchShare, what, "`panko ls` lists the shares");
            return Box::pin(async move { Err(error) });
        };
        let ended = self.end_share(id, StopReason::Abandoned, ctx);
        Box::pin(async move { ended.await.map(|()| id) })
    }
}

/// Characters of a name that are kept.
const LONGEST_NAME: usize = 200;

/// What [`prepare`] found.
struct Prepared {
    path: PathBuf,
    stem: String,
    len: u64,
    identity: Identity,
    token: Token,
}

impl Supervisor {
    fn asked_before(&self, options: &ShareOptions) -> Option<Uuid> {
        let id = self.keys.get(options.idempotency_key.as_ref()?)?;
        self.shares.get(id).filter(|entry| entry.ending.is_none())?;
        Some(*id)
    }

    fn room_for_one_more(&self, provider: &str) -> Result<(), ErrorReply> {
        if self.closing {
            let what = "the daemon is ending";
            return Err(ErrorReply::new(ErrorCode::ShuttingDown, what, "try again: it is started anew"));
        }
        let max = self.env.config().max_shares();
        if self.shares.len() >= max {
            let what = format!("there are {max} shares already, as many as the configuration allows");
            let remedy = "stop one, or raise it with `panko config set max_shares N`";
            return Err(ErrorReply::new(ErrorCode::TooManyShares, what, remedy));
        }
        self.room_at(provider)
    }

    /// What a provider would refuse is not tried: it may cost the shares that are up.
    fn room_at(&self, provider: &str) -> Result<(), ErrorReply> {
        let config = self.env.config();
        // One that is not known is refused where it is looked up.
        let most = Provider::find(provider, &config.tunnels).ok().and_then(|known| known.traits().max_shares);
        let Some(most) = most else { return Ok(()) };
        let up =
            self.shares.values().filter(|entry| entry.provider == provider && entry.ending.is_none()).count();
        if up >= most as usize {
            let what = format!("{provider} carries {most} shares at once, and there are as many");
            let remedy = "stop one of them, or share with another `--tunnel`";
            return Err(ErrorReply::new(ErrorCode::TooManyShares, what, remedy));
        }
        Ok(())
    }

    /// The entry is made at once, so that whoever asks the same meanwhile finds it.
    fn reserve(&mut self, ask: StartShare, tell: oneshot::Sender<Waiter>, ctx: &mut Context<Self>) {
        let id = Uuid::new_v4();
        let name = ask.options.name.clone().unwrap_or_default();
        let mut entry = Entry::new(id, ask.session_path.clone(), name, ask.provider.clone());
        entry.pending = true;
        entry.waiters.push(tell);
        entry.key = ask.options.idempotency_key.clone();
        entry.expires_at = ask.options.expires_at;
        entry.ends = ask.options.lasts().and_then(|time| boot::now().checked_add(time));
        if let Some(key) = &entry.key {
            self.keys.insert(key.clone(), id);
        }
        self.shares.insert(id, entry);

        let (asked, config) = (ask.clone(), self.env.config());
        let look = tokio::task::spawn_blocking(move || {
            // Before anything is opened: what there is no room for looks as if it were not there.
            descriptors::room_for(descriptors::FOR_A_SHARE).map_err(|full| Failure::from(&full))?;
            launch::look_at_tunnel(&asked.provider, &asked.options, &config)?;
            prepare(&asked)
        });
        let looked = async move { look.await.unwrap_or_else(|error| Err(internal(&error.to_string()))) };
        ctx.spawn(looked.into_actor(self).map(move |prepared, supervisor, ctx| match prepared {
            Ok(prepared) => supervisor.record(id, ask, prepared, ctx),
            Err(failure) => supervisor.refuse(id, ErrorReply::from(&failure)),
        }));
    }

    fn record(&mut self, id: Uuid, ask: StartShare, prepared: Prepared, ctx: &mut Context<Self>) {
        let Some(entry) = self.shares.get_mut(&id) else { return };
        if entry.ending.is_some() {
            return self.forget(id);
        }
        entry.session_path = prepared.path.clone();
        if entry.session_name.is_empty() {
            entry.session_name = prepared.stem;
        }
        let record = Record {
            held: None,
            id,
            session_path: prepared.path,
            session_name: entry.session_name.clone(),
            token: prepared.token,
            provider: ask.provider,
            started_at: entry.started_at.clone(),
            source_len: prepared.len,
            identity: Some(prepared.identity),
            ends: entry.ends,
            options: ask.options,
        };
        let recorded = db::insert_share(NewShare::from(&record)).run(&self.env.db);
        if record.ends.is_some() {
            self.note_alive();
        }
        ctx.spawn(recorded.into_actor(self).map(move |recorded, supervisor, ctx| match recorded {
            Ok(()) if supervisor.shares.get(&id).is_some_and(|entry| entry.ending.is_some()) => {
                supervisor.forget(id)
            }
            Ok(()) => supervisor.spawn_share(record, Begins::Asked, ctx),
            Err(error) => supervisor.refuse(id, state_error(&error)),
        }));
    }

    /// A start that came to nothing before there was anything to end.
    fn refuse(&mut self, id: Uuid, error: ErrorReply) {
        if let Some(entry) = self.shares.get_mut(&id) {
            for waiter in std::mem::take(&mut entry.waiters) {
                let _ = waiter.send(Err(error.clone()));
            }
        }
        self.forget(id);
    }
}

fn prepare(ask: &StartShare) -> Result<Prepared, Failure> {
    let file = launch::look_at_session(&ask.session_path)?;
    if ask.options.live && !file.grows {
        let what = "a session whose files are written anew with every turn cannot be followed as it grows";
        return Err(Failure::new(Cause::Session, what, "share what it is now, without `live`"));
    }
    let token = Token::random().map_err(|error| internal(&format!("no random numbers: {error}")))?;
    let launch::SessionFile { path, stem, len, identity, .. } = file;
    Ok(Prepared { path, stem, len, identity, token })
}

fn internal(what: &str) -> Failure {
    Failure::new(Cause::Internal, what, "try again; the daemon's log may tell more")
}
