//! `ShareActor`: one share, its session server and its keeper. The shell around [`crate::share::step`].
//!
//! An event goes through `step`; the effects are run (`effects`); what follows from the new state alone
//! (the timer, the place among the starting tunnels, what the Supervisor and the database are told) is
//! brought in line by `ShareActor::settle`. `keeper` is the connection to the keeper process,
//! `translate` turns its words into events.

mod client;
mod effects;
mod files;
mod health;
mod keeper;
mod orders;
mod record;
mod translate;
mod writes;

use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use actix::{Actor, Addr, AsyncContext, Context, SpawnHandle};
use jiff::Timestamp;
use tokio::sync::OwnedSemaphorePermit;
use tokio_util::sync::CancellationToken;

pub use files::{end_keeper, remove_files, sweep_copies};
pub use keeper::Logs;
#[cfg(debug_assertions)]
pub use orders::Fault;
pub use orders::{Leave, Reconfigured, Restart, Revoke, Stop, Woke};
pub use record::{Record, RecordError};
pub use writes::RecordAnew;

use self::effects::{Server, Verdict};
use self::keeper::KeeperLink;
use self::writes::{Saved, Writes};
use super::boot;
use super::env::Env;
use super::link::Link;
use super::supervisor::{self, Supervisor};
use crate::db::Up;
use crate::share::{Event, Failure, Pace, Public, State, Status, step};
use crate::web::live::Going;
use crate::web::session::SessionSite;

/// The actor.
pub struct ShareActor {
    record: Record,
    env: Arc<Env>,
    state: State,
    keeper: Option<KeeperLink>,
    server: Option<Server>,
    /// Why the first start failed, until that is answered.
    verdict: Option<Verdict>,
    permit: Option<OwnedSemaphorePermit>,
    timer: Option<SpawnHandle>,
    /// Counts attaches, so that late words of an earlier keeper connection are told apart.
    attaches: u64,
    /// Counts session servers, likewise.
    servers: u64,
    /// A look is under way.
    looking: bool,
    /// A probe is.
    probing: bool,
    /// Whether a live session goes on, and what keeps it from that.
    going: Option<(Going, Option<String>)>,
    /// What the Supervisor knows.
    told: Option<Told>,
    /// The row says that this share is wanted: from then on, it follows every change.
    recorded: bool,
    /// What was made of the row last.
    saved: Option<Saved>,
    writes: Writes,
    /// Why what comes next comes, until the history has it.
    cause: Option<&'static str>,
    owner: Owner,
    /// Alive as long as the share: what works for it elsewhere holds it weakly.
    alive: Arc<()>,
    /// What is shown, as long as the server lives.
    site: Weak<SessionSite>,
    /// The private copy is being made.
    copying: bool,
    /// Cancelled when the first attempt to make it has ended.
    copied: CancellationToken,
    /// That there is no copy was said.
    copy_failed: bool,
    /// Held by whatever attaches, spawns or ends this share's keeper: one at a time.
    keeper_work: Arc<Mutex<()>>,
    _link: Link,
}

/// The Supervisor that owns a share: this very one, not its successor, which builds actors of its own.
pub struct Owner {
    /// Where news go.
    pub supervisor: Addr<Supervisor>,
    /// Cancelled when it is gone.
    pub gone: CancellationToken,
}

/// Why there is an actor of a share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begins {
    /// A person asks for the share; its StartShare waits for an answer.
    Asked,
    /// A daemon has started.
    Daemon,
    /// The one before fell, or the Supervisor did.
    Replaced,
}

impl Begins {
    fn cause(self) -> &'static str {
        match self {
            Begins::Asked => "it was asked for",
            Begins::Daemon => "a daemon has started and takes it over",
            Begins::Replaced => "a part of the daemon failed and was replaced",
        }
    }
}

#[derive(Clone, PartialEq)]
struct Told {
    status: Status,
    phase: &'static str,
    url: Option<String>,
    failure: Option<Failure>,
    /// In a row.
    failures: u32,
    not_before: Option<Duration>,
    going: Option<(Going, Option<String>)>,
    public: Option<(Public, Option<String>)>,
}

impl Told {
    /// A change that belongs into the history; a new phase alone does not, unless nobody serves the share any more.
    fn differs_for_people(&self, other: &Self) -> bool {
        (self.status, &self.url, &self.failure, self.failures, self.trouble(), self.is_left())
            != (other.status, &other.url, &other.failure, other.failures, other.trouble(), other.is_left())
    }

    fn is_left(&self) -> bool {
        self.phase == "left"
    }

    /// Why a live session does not go on.
    fn trouble(&self) -> Option<&str> {
        self.going.as_ref()?.1.as_deref()
    }

    /// Its URL is what is new, and no more than that.
    fn has_moved(&self, before: Option<&Self>) -> bool {
        let same = |before: &Self| (before.status, before.failures) == (self.status, self.failures);
        self.url.is_some() && before.is_some_and(|before| same(before) && before.url != self.url)
    }

    /// What is wrong, as the history keeps it.
    fn reason(&self) -> Option<&str> {
        self.failure.as_ref().map(|failure| failure.what.as_str()).or(self.trouble())
    }
}

impl ShareActor {
    /// A share that is to be started or restored. `pace`: how fast things go with its provider.
    pub fn new(record: Record, pace: Pace, begins: Begins, env: Arc<Env>, owner: Owner, link: Link) -> Self {
        let announced = begins != Begins::Asked;
        let mut state = State::new(announced, pace, record.seed());
        if let Some(record::Held { until, failure }) = &record.held
            && let Ok(left) = Duration::try_from(until.duration_since(Timestamp::now()))
        {
            state = state.held(failure.clone(), left, env.now());
        }
        Self {
            record,
            env,
            state,
            keeper: None,
            server: None,
            verdict: None,
            permit: None,
            timer: None,
            attaches: 0,
            servers: 0,
            looking: false,
            probing: false,
            going: None,
            told: None,
            recorded: announced,
            saved: None,
            writes: Writes::default(),
            cause: Some(begins.cause()),
            owner,
            alive: Arc::new(()),
            site: Weak::new(),
            copying: false,
            copied: CancellationToken::new(),
            copy_failed: false,
            keeper_work: Arc::default(),
            _link: link,
        }
    }

    /// The one way anything happens to this share.
    fn on(&mut self, event: Event, ctx: &mut Context<Self>) {
        tracing::debug!(share = %self.record.id, phase = self.state.phase.name(), ?event, "event");
        let now = self.env.now();
        let (state, effects) = step(self.state.clone(), event, now);
        self.state = state;
        // Before the effects: what waits for an answer is told of a state that is known already.
        self.settle(ctx);
        for effect in effects {
            self.run(effect, ctx);
        }
    }

    /// Brings in line what follows from the state alone.
    fn settle(&mut self, ctx: &mut Context<Self>) {
        if !self.state.holds_slot() {
            self.permit = None;
        }
        if let Some(timer) = self.timer.take() {
            ctx.cancel_future(timer);
        }
        if let Some(deadline) = self.state.deadline() {
            let wait = deadline.saturating_sub(self.env.now());
            self.timer = Some(ctx.run_later(wait, |share, ctx| {
                share.timer = None;
                share.on(Event::Tick, ctx);
            }));
        }
        self.tell(ctx);
    }

    /// Tells the Supervisor and the database, if something they know has changed.
    fn tell(&mut self, ctx: &mut Context<Self>) {
        let told = Told {
            status: self.state.status(),
            phase: self.state.phase.name(),
            url: self.public_url(),
            failure: self.state.failure.clone(),
            failures: self.state.failures + self.state.server_failures,
            not_before: self.state.not_before,
            going: self.going.clone(),
            public: self.public(),
        };
        if self.told.as_ref() == Some(&told) {
            return;
        }
        self.save(&told, ctx);
        // An end stands in the history with its row, written by whoever ends it.
        let is_told = told.status != Status::Stopped;
        if is_told && self.told.as_ref().is_none_or(|known| known.differs_for_people(&told)) {
            self.note(&told, ctx);
        }
        let changed = supervisor::Changed { id: self.record.id, view: self.view() };
        self.told = Some(told);
        self.owner.supervisor.do_send(changed);
    }

    /// How the share is reached, once it can be.
    fn up(&self) -> Option<Up> {
        let public_url = self.public_url()?;
        Some(Up { public_url, local_port: self.keeper.as_ref()?.port() })
    }

    fn public_url(&self) -> Option<String> {
        let base = self.state.reach.url.as_deref()?.trim_end_matches('/');
        Some(format!("{base}/s/{}/", self.record.token.as_str()))
    }

    /// Whether the public URL leads to the page, and why not, while there is one.
    fn public(&self) -> Option<(Public, Option<String>)> {
        let health = &self.state.health;
        let phases = ["active", "degraded"];
        phases.contains(&self.state.phase.name()).then(|| (health.public, health.unverified.clone()))
    }

    fn view(&self) -> supervisor::View {
        supervisor::View {
            status: self.state.status(),
            phase: self.state.phase.name(),
            url: self.public_url(),
            port: self.keeper.as_ref().map(KeeperLink::port),
            failure: self.state.failure.clone(),
            next_attempt: self.state.next_attempt(),
            recoveries: self.state.recoveries,
            going: self.going.clone(),
            public: self.public(),
        }
    }
}

/// How often a share that ends by itself looks at the clock.
const EXPIRY_LOOK: Duration = Duration::from_secs(1);

impl ShareActor {
    /// Its moment by the wall clock or its time by a clock that is never set: what comes first ends the share.
    fn watch_expiry(&self, ctx: &mut Context<Self>) {
        let (Some(at), Some(ends)) = (self.record.options.expires_at, self.record.ends) else { return };
        let by_wall = Duration::try_from(at.duration_since(Timestamp::now())).unwrap_or_default();
        let left = ends.saturating_sub(boot::now()).min(by_wall);
        let look = move |share: &mut Self| {
            if boot::now() >= ends || share.record.options.has_expired(Timestamp::now()) {
                share.owner.supervisor.do_send(supervisor::Expire(share.record.id));
            }
        };
        // At its very moment, and now and then in case the clock is set.
        ctx.run_later(left, move |share, _| look(share));
        ctx.run_interval(EXPIRY_LOOK, move |share, _| look(share));
    }
}

impl Actor for ShareActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        let gone = self.owner.gone.clone();
        self.spawn_then(ctx, async move { gone.cancelled().await }, |share, (), ctx| {
            share.cause = Some("a part of the daemon failed");
            share.on(Event::Leave, ctx);
        });
        self.watch_expiry(ctx);
        self.on(Event::Begin, ctx);
    }
}

impl ShareActor {
    /// Runs `work` beside the messages and hands its result to `then`, unless the actor ends before.
    fn spawn_then<T: 'static>(
        &self,
        ctx: &mut Context<Self>,
        work: impl Future<Output = T> + 'static,
        then: impl FnOnce(&mut Self, T, &mut Context<Self>) + 'static,
    ) -> SpawnHandle {
        use actix::{ActorFutureExt, WrapFuture};
        ctx.spawn(work.into_actor(self).map(|done, share: &mut Self, ctx| then(share, done, ctx)))
    }
}
