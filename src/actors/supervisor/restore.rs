//! Recovery: what a fresh Supervisor finds in the database and among the keepers, and what becomes of it.
//! The same at the start of a daemon and after a panic of its predecessor.

use std::collections::HashSet;
use std::time::{Duration, SystemTime};

use actix::{
    ActorFuture, ActorFutureExt, AsyncContext, Context, Handler, Message, ResponseActFuture, WrapFuture,
};
use jiff::Timestamp;
use uuid::Uuid;

use super::Supervisor;
use super::entry::Entry;
use crate::actors::share::{self, Begins, Record, RecordError};
use crate::actors::{boot, db, ends};
use crate::db::{Outcome, ShareRow};
use crate::describe;
use crate::share::left::TimeLeft;
use crate::share::plan::{Found, Plan, plan};
use crate::tunnel;

/// Key of the store under which the daemon notes that it is alive …
const LAST_ALIVE: &str = "last_alive";
/// … and how long its shares have left.
const TIME_LEFT: &str = "time_left";
/// How often it does.
const HEARTBEAT: Duration = Duration::from_secs(60);
/// How often keepers are looked for that belong to nobody.
const SWEEP: Duration = Duration::from_secs(60);
/// How often shares that ended long ago are forgotten.
const CLEANUP: Duration = Duration::from_secs(3600);

/// Find every share again. Answered when each is on its way.
#[derive(Message)]
#[rtype(result = "Result<(), db::StateError>")]
pub struct Restore;

/// What is read before anything is decided.
struct Readings {
    rows: Vec<ShareRow>,
    kept: HashSet<Uuid>,
    /// When a daemon was last known to be alive.
    last_alive: Option<Timestamp>,
    /// What it noted of its shares then.
    time_left: TimeLeft,
}

impl Readings {
    /// When a share ends that ends by itself, since the machine started. One of which nothing was noted goes by the
    /// wall clock, and has no more time for its being set back.
    fn end(&self, record: &Record, boot: &str) -> Option<Duration> {
        let (at, wall, now) = (record.options.expires_at?, Timestamp::now(), boot::now());
        let away = self.last_alive.map(since).unwrap_or_default();
        self.time_left.end(record.id, boot, now, away).or_else(|| {
            let wall = self.last_alive.map_or(wall, |alive| alive.max(wall));
            now.checked_add(Duration::try_from(at.duration_since(wall)).unwrap_or_default())
        })
    }
}

impl Handler<Restore> for Supervisor {
    type Result = ResponseActFuture<Self, Result<(), db::StateError>>;

    fn handle(&mut self, _: Restore, _: &mut Self::Context) -> Self::Result {
        let rows = db::list_shares().run(&self.env.db);
        let [last_alive, time_left] = [LAST_ALIVE, TIME_LEFT].map(|key| db::get_value(key).run(&self.env.db));
        let (folder, attached) = (self.env.paths.keepers(), self.env.attached_ids());
        let living = tokio::task::spawn_blocking(move || tunnel::attach::living(&folder));
        let read = async move {
            let living = match living.await {
                Ok(Ok(living)) => living,
                Ok(Err(error)) => {
                    tracing::error!(%error, "the keepers' folder cannot be read");
                    Vec::new()
                }
                Err(error) => {
                    tracing::error!(%error, "looking for keepers failed");
                    Vec::new()
                }
            };
            let kept = living.iter().filter_map(|id| Uuid::try_parse(id).ok()).chain(attached).collect();
            let last_alive = last_alive.await?.and_then(|then| then.parse().ok());
            let time_left = time_left.await?.and_then(|noted| serde_json::from_str(&noted).ok());
            Ok(Readings { rows: rows.await?, kept, last_alive, time_left: time_left.unwrap_or_default() })
        };
        Box::pin(read.into_actor(self).map(
            |readings: Result<_, db::StateError>, supervisor: &mut Self, ctx| {
                supervisor.reconcile(readings?, ctx);
                supervisor.beat(ctx);
                supervisor.watch_clocks(ctx);
                supervisor.clean_up(ctx);
                supervisor.sweep_strays(ctx);
                Ok(())
            },
        ))
    }
}

/// How long ago `then` was by the wall clock; a clock that was set back counts as no time at all.
fn since(then: Timestamp) -> Duration {
    Duration::try_from(Timestamp::now().duration_since(then)).unwrap_or_default()
}

impl Supervisor {
    fn reconcile(&mut self, mut readings: Readings, ctx: &mut Context<Self>) {
        let (rows, mut kept) = (std::mem::take(&mut readings.rows), std::mem::take(&mut readings.kept));
        let begins = if self.env.first_restore() { Begins::Daemon } else { Begins::Replaced };
        // This very daemon was not away, whatever its database has lost.
        let away = match begins {
            Begins::Replaced => Some(Duration::ZERO),
            _ => readings.last_alive.map(since),
        };
        let within = self.env.config().restore_within();
        let known: HashSet<Uuid> = rows.iter().filter_map(|row| Uuid::try_parse(&row.id).ok()).collect();
        for row in rows {
            let id = Uuid::try_parse(&row.id).ok();
            let kept = id.is_some_and(|id| kept.remove(&id));
            if id.is_some_and(|id| self.env.ends.is_pending(id)) {
                // It is over, whatever the database says by now.
                self.end_stray(id.filter(|_| kept));
                continue;
            }
            let record = Record::try_from(row.clone())
                .map(|record| Record { ends: readings.end(&record, &self.env.boot), ..record });
            let expired = |record: &Record| {
                let by_wall = record.options.has_expired(Timestamp::now());
                by_wall || record.ends.is_some_and(|ends| ends <= boot::now())
            };
            if row.wanted && record.as_ref().is_ok_and(expired) {
                self.record_end(&row, "stopped", "its time is over");
                self.end_stray(id.filter(|_| kept));
                continue;
            }
            match plan(Found { wanted: row.wanted, kept, away }, within) {
                Plan::Restore => self.restore(&row, record, begins, ctx),
                Plan::Leave => self.settle_row(&row),
                Plan::Expire => self.expire(&row),
                Plan::EndKeeper => {
                    self.settle_row(&row);
                    self.end_stray(id);
                }
            }
        }
        self.sweep_copies(known);
        // Keepers of shares that nobody has a row of.
        for id in kept {
            self.end_stray(Some(id));
        }
    }

    fn restore(
        &mut self,
        row: &ShareRow,
        record: Result<Record, RecordError>,
        begins: Begins,
        ctx: &mut Context<Self>,
    ) {
        match record {
            Ok(record) => {
                let id = record.id;
                if self.shares.contains_key(&id) {
                    return;
                }
                let entry = Entry::restored(&record, row);
                if let Some(key) = &entry.key {
                    self.keys.insert(key.clone(), id);
                }
                self.shares.insert(id, entry);
                self.spawn_share(record, begins, ctx);
            }
            Err(error) => {
                tracing::error!(share = row.id, %error, "a share cannot be restored");
                self.record_end(row, "error", &error.to_string());
                self.end_stray(Uuid::try_parse(&row.id).ok());
            }
        }
    }

    /// Copies of shares that did not come back, and what a crash left half-way.
    fn sweep_copies(&self, known: HashSet<Uuid>) {
        let (paths, copies) = (self.env.paths.clone(), self.shares.keys().copied().collect());
        let now = SystemTime::now();
        let swept = tokio::task::spawn_blocking(move || share::sweep_copies(&paths, &copies, &known, now));
        actix::spawn(async move {
            match swept.await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::error!(%error, "the folder of private copies cannot be swept"),
                Err(error) => tracing::error!(%error, "sweeping the folder of private copies"),
            }
        });
    }

    /// A share that was starting when its daemon died was never answered: it did not start.
    fn settle_row(&self, row: &ShareRow) {
        if row.ended_at.is_none() {
            self.record_end(row, "error", "the daemon ended before it was up");
        }
    }

    fn expire(&self, row: &ShareRow) {
        self.record_end(row, "stopped", "no daemon ran for too long: nothing publishes itself days later");
    }

    fn record_end(&self, row: &ShareRow, status: &'static str, reason: &str) {
        let Ok(id) = Uuid::try_parse(&row.id) else { return };
        let how = Outcome {
            status,
            reason: Some(reason.to_owned()),
            remedy: Some(describe::again(&row.session_path, &row.provider_name)),
            at: Timestamp::now(),
        };
        let recorded = ends::record(&self.env, id, how);
        actix::spawn(async move {
            if let Err(error) = recorded.await {
                tracing::error!(share = %id, %error, "the end of a share could not be recorded");
            }
        });
    }

    fn end_stray(&self, id: Option<Uuid>) {
        let Some(id) = id else { return };
        if self.closing {
            // What is left to the next daemon is known to this one no more.
            return;
        }
        tracing::warn!(share = %id, "a keeper of a share that nobody wants is ended");
        drop(self.env.take_attached(id));
        let paths = self.env.paths.clone();
        actix::spawn(async move {
            if let Err(error) = tokio::task::spawn_blocking(move || share::end_keeper(&paths, id)).await {
                tracing::error!(share = %id, %error, "ending a keeper failed");
            }
        });
    }

    /// Ends keepers of shares that this Supervisor does not know, ever after the start: none should be left, and
    /// if one is, it is public. A share that comes up has its entry before it has a keeper.
    fn sweep_strays(&mut self, ctx: &mut Context<Self>) {
        ctx.run_interval(SWEEP, |supervisor, ctx| {
            let swept = supervisor.sweep();
            ctx.spawn(swept);
        });
    }

    pub(super) fn sweep(&self) -> impl ActorFuture<Self, Output = ()> + 'static {
        let folder = self.env.paths.keepers();
        let look = tokio::task::spawn_blocking(move || {
            tunnel::sweep::sweep_orphans(&folder)?;
            tunnel::attach::living(&folder)
        });
        look.into_actor(self).map(|living, supervisor, _| match living {
            Ok(Ok(living)) => {
                let ids = living.iter().filter_map(|id| Uuid::try_parse(id).ok());
                ids.filter(|id| !supervisor.shares.contains_key(id))
                    .for_each(|id| supervisor.end_stray(Some(id)));
            }
            Ok(Err(error)) => tracing::error!(%error, "the keepers' folder cannot be read"),
            Err(error) => tracing::error!(%error, "looking for keepers failed"),
        })
    }

    /// Notes that a daemon is alive, and how long its shares have left: how long none was decides what comes back by
    /// itself.
    pub(super) fn note_alive(&self) {
        if self.closing {
            // Shares that are left to the next daemon are known here no more: that is noted already.
            return;
        }
        let ends = self.shares.values().filter_map(|entry| Some((entry.id, entry.ends?)));
        let left = serde_json::to_string(&TimeLeft::new(&self.env.boot, boot::now(), ends));
        let left = left.unwrap_or_default();
        let values = [(LAST_ALIVE, Timestamp::now().to_string()), (TIME_LEFT, left)];
        let noted = db::set_values(values).run(&self.env.db);
        actix::spawn(async move {
            if let Err(error) = noted.await {
                tracing::error!(%error, "the daemon could not note that it is alive");
            }
        });
    }

    fn beat(&self, ctx: &mut Context<Self>) {
        self.note_alive();
        ctx.run_interval(HEARTBEAT, |supervisor, _| {
            supervisor.note_alive();
            ends::record_again(&supervisor.env);
        });
    }

    /// Forgets shares that ended longer ago than the retention, now and every hour.
    fn clean_up(&mut self, ctx: &mut Context<Self>) {
        self.forget_old();
        ctx.run_interval(CLEANUP, |supervisor, _| supervisor.forget_old());
    }

    fn forget_old(&self) {
        let Ok(limit) = Timestamp::now().checked_sub(self.env.config().retention()) else { return };
        let (env, old) = (self.env.clone(), db::ended_before(limit).run(&self.env.db));
        actix::spawn(async move {
            let forget = async {
                for id in old.await? {
                    let Ok(id) = Uuid::try_parse(&id) else { continue };
                    db::delete_share(id).run(&env.db).await?;
                    share::remove_files(&env.paths, id);
                }
                Ok::<_, db::StateError>(())
            };
            if let Err(error) = forget.await {
                tracing::error!(%error, "old shares could not be forgotten");
            }
        });
    }
}
