//! What follows a ShareActor's panic: a fresh one from the share's row, or the end of what it left.

use std::time::Duration;

use actix::{ActorFutureExt, AsyncContext, Context, WrapFuture};
use uuid::Uuid;

use super::stop::{Expire, outcome};
use super::{Supervisor, share};
use crate::actors::share::{Begins, Record};
use crate::actors::{boot, db, ends};
use crate::ipc::protocol::{ErrorReply, Event};
use crate::share::{Cause, Failure, Status, StopReason, backoff};

/// Between two looks for the row of a share while the database cannot be read.
const DATABASE_PAUSE: Duration = Duration::from_secs(1);

impl Supervisor {
    /// The actor panicked: a fresh one is built from the row, after a pause that grows.
    pub(super) fn rebuild(&mut self, id: Uuid, ctx: &mut Context<Self>) {
        let Some(entry) = self.shares.get_mut(&id) else { return };
        entry.addr = None;
        entry.rebuilding = true;
        let now = self.env.now();
        let long_ago = now.saturating_sub(std::mem::replace(&mut entry.fell, now)) >= backoff::HEALTHY;
        entry.panics = if long_ago { 1 } else { entry.panics + 1 };
        // The first time at once: a viewer should not notice.
        let wait = match entry.panics {
            1 => Duration::ZERO,
            again => backoff::delay(again - 1, Cause::Internal, id.as_u64_pair().1, backoff::RATE_LIMITED),
        };
        let what = "a part of the daemon that runs this share failed";
        let failure = Failure::new(Cause::Internal, what, "nothing: it is being restarted");
        entry.view.status = Status::Error;
        entry.view.phase = "rebuilding";
        entry.view.failure = Some(failure.clone());
        entry.view.next_attempt = (!wait.is_zero()).then_some(now + wait);
        self.env.announce(Event::ShareChanged { share: Box::new(entry.info(&self.env)) });
        // A start that was not answered is not tried again: it ends with this answer.
        let remedy = "share it again; the daemon's log may tell more";
        let answer = Failure { remedy: remedy.to_owned(), ..failure };
        for waiter in std::mem::take(&mut entry.waiters) {
            let _ = waiter.send(Err(ErrorReply::from(&answer)));
        }
        let unanswered = std::mem::take(&mut entry.pending);
        let ending = entry.ending.is_some() || unanswered;
        let ends = entry.ends;
        if ending {
            return self.end_without_actor(id, unanswered, ctx);
        }
        // Nobody else looks at its time until it has an actor again.
        if let Some(left) = ends.map(|ends| ends.saturating_sub(boot::now())).filter(|left| *left <= wait) {
            ctx.notify_later(Expire(id), left);
        }
        ctx.run_later(wait, move |supervisor, ctx| supervisor.rebuild_now(id, ctx));
    }

    /// Builds it from its row, unless it has an actor, or is gone.
    pub(super) fn rebuild_now(&mut self, id: Uuid, ctx: &mut Context<Self>) {
        if self.shares.get(&id).is_none_or(|entry| !entry.rebuilding || entry.addr.is_some()) {
            return;
        }
        let row = db::get_share(id).run(&self.env.db);
        ctx.spawn(row.into_actor(self).map(move |row, supervisor, ctx| {
            supervisor.rebuild_from(id, row, ctx);
        }));
    }

    fn rebuild_from(
        &mut self,
        id: Uuid,
        row: Result<Option<crate::db::ShareRow>, db::StateError>,
        ctx: &mut Context<Self>,
    ) {
        if self.shares.get(&id).is_some_and(|entry| entry.addr.is_some()) {
            // It was asked for twice.
            return;
        }
        let wanted = self.shares.get(&id).is_some_and(|entry| entry.ending.is_none() && entry.addr.is_none());
        match row {
            Ok(Some(row)) if row.wanted && wanted => match Record::try_from(row) {
                Ok(record) => {
                    let ends = self.shares.get(&id).and_then(|entry| entry.ends);
                    self.spawn_share(Record { ends, ..record }, Begins::Replaced, ctx);
                }
                Err(error) => {
                    tracing::error!(share = %id, %error, "a share cannot be rebuilt from its row");
                    self.end_without_actor(id, false, ctx);
                }
            },
            Ok(_) => self.end_without_actor(id, false, ctx),
            // The database is being restarted, too: try again.
            Err(error) => {
                tracing::warn!(share = %id, %error, "a share waits for the database to be rebuilt");
                ctx.run_later(DATABASE_PAUSE, move |supervisor, ctx| supervisor.rebuild_now(id, ctx));
            }
        }
    }

    /// Ends keeper and tunnel of a share that has no actor.
    pub(super) fn end_without_actor(&mut self, id: Uuid, record: bool, ctx: &mut Context<Self>) {
        if record {
            let recorded = ends::record(&self.env, id, outcome(StopReason::NeverStarted));
            actix::spawn(async move {
                if let Err(error) = recorded.await {
                    tracing::error!(share = %id, %error, "the end of a share could not be recorded");
                }
            });
        }
        let paths = self.env.paths.clone();
        let ended = tokio::task::spawn_blocking(move || share::end_keeper(&paths, id));
        ctx.spawn(ended.into_actor(self).map(move |ended, supervisor, _| {
            if let Err(error) = ended {
                tracing::error!(share = %id, %error, "ending a keeper failed");
            }
            supervisor.forget(id);
        }));
    }
}
