//! Running the effects that `step` asks for. Each ends in an event, and in no other way.

use std::sync::Arc;
use std::time::Duration;

use actix::{ActorContext, ActorStreamExt, AsyncContext, Context, SpawnHandle, WrapStream};
use actix_web::dev::ServerHandle;
use tokio_stream::wrappers::WatchStream;

use super::files::remove_if_ended;
use super::writes::Saved;
use super::{ShareActor, translate};
use crate::actors::{db, ends, supervisor};
use crate::db::Outcome;
use crate::ipc::protocol::{ErrorCode, ErrorReply};
use crate::share::{Cause, Effect, Event, Failure, Phase, Status, StopReason};
use crate::tunnel::LOCAL;
use crate::web;
use crate::web::session::SessionSite;

/// How long an answer waits for the private copy, …
const COPY_TIME: Duration = Duration::from_secs(2);
/// … of a session of so many bytes at most: what an answer costs does not depend on the session's length.
const LONGEST_WAITED_FOR: u64 = 16 << 20;

/// The session server of one attach.
pub(super) struct Server {
    handle: ServerHandle,
    nonce: web::Nonce,
    /// The future that is the server lives in this actor's context: a page never outlives its actor.
    task: SpawnHandle,
}

/// Why a first start failed.
pub(super) struct Verdict {
    error: ErrorReply,
    /// The database knows it, as far as it can be told.
    recorded: bool,
}

impl ShareActor {
    pub(super) fn run(&mut self, effect: Effect, ctx: &mut Context<Self>) {
        match effect {
            Effect::Attach => self.attach_keeper(ctx),
            Effect::Serve => self.serve(ctx),
            Effect::AwaitSlot => self.await_slot(ctx),
            Effect::StartTunnel => self.start_tunnel(ctx),
            Effect::EndTunnel => self.end_tunnel(),
            Effect::CheckPage => self.check_page(ctx),
            Effect::Look => self.look(ctx),
            Effect::Probe => self.probe(ctx),
            Effect::CloseServer => self.close_server(ctx),
            Effect::StopKeeper => self.stop_keeper(ctx),
            Effect::Answer(Ok(())) => self.answer_up(ctx),
            Effect::Answer(Err(failure)) => self.answer_failed(&failure, ctx),
            Effect::End => self.end(ctx),
        }
    }

    fn serve(&mut self, ctx: &mut Context<Self>) {
        let server_no = self.servers;
        let (record, snapshot) = (self.record.clone(), self.snapshot());
        let (env, wanted) = (self.env.clone(), Arc::downgrade(&self.alive));
        let pool = env.pool.clone();
        let open = async move {
            let opened = pool.run(move || {
                let opened = record.open(&snapshot);
                // That of a live share is made here.
                remove_if_ended(&env, record.id, &wanted, &snapshot);
                opened
            });
            opened.await
        };
        self.spawn_then(ctx, open, move |share, opened, ctx| {
            if share.servers != server_no {
                return;
            }
            let event = match opened {
                Ok(Ok(site)) => share.start_server(Arc::new(site), ctx),
                Ok(Err(failure)) => Event::ServerDown(failure),
                Err(error) => {
                    Event::ServerDown(Failure::new(Cause::Internal, error.to_string(), "try again"))
                }
            };
            share.on(event, ctx);
        });
    }

    fn start_server(&mut self, site: Arc<SessionSite>, ctx: &mut Context<Self>) -> Event {
        let Some(listener) = self.keeper.as_mut().and_then(|keeper| keeper.take_listener()) else {
            return Event::ServerDown(translate::page_down("its socket is gone"));
        };
        self.site = Arc::downgrade(&site);
        if !self.record.options.live {
            self.keep_snapshot(ctx);
        }
        site.read_on_behind(self.env.pool.clone());
        self.listen_to_site(&site, ctx);
        match web::start(listener, self.record.token.clone(), site, self.env.pool.clone()) {
            Ok(web::Running { server, nonce, handle }) => {
                let server_no = self.servers;
                let task = self.spawn_then(ctx, server, move |share, ended, ctx| {
                    if share.servers == server_no && share.server.take().is_some() {
                        let why = ended.err().map_or("it ended".to_owned(), |error| error.to_string());
                        share.on(Event::ServerDown(translate::page_down(&why)), ctx);
                    }
                });
                self.server = Some(Server { handle, nonce, task });
                Event::Serving
            }
            Err(web::StartError::Full(full)) => Event::ServerDown(Failure::from(&full)),
            Err(error) => Event::ServerDown(translate::page_down(&error.to_string())),
        }
    }

    pub(super) fn nonce(&self) -> Option<&web::Nonce> {
        self.server.as_ref().map(|server| &server.nonce)
    }

    /// A live session tells whether it goes on.
    fn listen_to_site(&self, site: &SessionSite, ctx: &mut Context<Self>) {
        let Some(news) = site.live_news() else { return };
        let server_no = self.servers;
        let heard = WatchStream::new(news).into_actor(self).map(move |news, share: &mut Self, ctx| {
            if share.servers == server_no {
                share.going = Some((news.state, news.trouble));
                share.tell(ctx);
            }
        });
        ctx.spawn(heard.finish());
    }

    /// Cuts open connections: what was revoked must be gone at once.
    fn close_server(&mut self, ctx: &mut Context<Self>) {
        self.servers += 1;
        if let Some(Server { handle, task, .. }) = self.server.take() {
            drop(handle.stop(false));
            ctx.cancel_future(task);
        }
    }

    fn await_slot(&mut self, ctx: &mut Context<Self>) {
        // A share without a client has no provider to be gentle with.
        let slots = (self.record.provider != LOCAL).then(|| self.env.start_slots(&self.record.provider));
        let turn = async move {
            match slots {
                Some(slots) => slots.acquire_owned().await.ok(),
                None => None,
            }
        };
        self.spawn_then(ctx, turn, |share, permit, ctx| {
            if share.state.holds_slot() {
                share.permit = permit;
            }
            share.on(Event::SlotGranted, ctx);
        });
    }

    fn check_page(&mut self, ctx: &mut Context<Self>) {
        let Some(port) = self.keeper.as_ref().map(|keeper| keeper.port()) else { return };
        let (token, server_no) = (self.record.token.clone(), self.servers);
        let check = async move { web::check::page_answers(port, &token).await };
        self.spawn_then(ctx, check, move |share, answered, ctx| {
            if share.servers != server_no {
                return;
            }
            let event = match answered {
                Ok(()) => Event::PageAnswered,
                Err(why) => Event::PageSilent(translate::page_down(&why)),
            };
            share.on(event, ctx);
        });
    }

    /// The answer is sent when the private copy is there (a long one is not waited for) and the database says that the
    /// share is wanted, and not before.
    fn answer_up(&mut self, ctx: &mut Context<Self>) {
        let Some(up) = self.up() else { return };
        self.saved = Some(Saved::Up(up.clone()));
        self.env.wanted.note(self.record.id, (&self.record).into());
        self.env.wanted.moved(self.record.id, &up);
        let (id, db, copied) = (self.record.id, self.env.db.clone(), self.copied.clone());
        let waits = self.copying && self.record.source_len <= LONGEST_WAITED_FOR;
        let is_copied = waits.then_some(async move { copied.cancelled().await });
        let recorded = async move {
            if let Some(copied) = is_copied {
                // One that takes longer, on a slow disk, goes on behind the answer.
                let _ = tokio::time::timeout(COPY_TIME, copied).await;
            }
            db::mark_wanted(id, up).run(&db).await
        };
        self.spawn_then(ctx, recorded, move |share, recorded, ctx| {
            if let Phase::Revoked { .. } | Phase::Stopping { .. } | Phase::Ended { .. } = share.state.phase {
                // Whoever ended it meanwhile has recorded that, and answers.
                return;
            }
            let (code, trouble) = match recorded {
                Ok(true) => {
                    share.recorded = true;
                    share.env.wanted.confirm(id);
                    // What has changed meanwhile.
                    if let Some(told) = share.told.clone() {
                        share.save(&told, ctx);
                    }
                    return share.answer(Ok(()));
                }
                Ok(false) => (ErrorCode::State, "it was ended meanwhile".to_owned()),
                Err(error) => (error.code(), error.to_string()),
            };
            let remedy = "the share was taken down again; mend that (is the disk full?) and share it again";
            share.condemn(ErrorReply::new(code, trouble, remedy), ctx);
            share.on(Event::Stop(StopReason::NeverStarted), ctx);
        });
    }

    fn answer_failed(&mut self, failure: &Failure, ctx: &mut Context<Self>) {
        let never_started = matches!(self.state.phase, Phase::Stopping { why: StopReason::NeverStarted, .. });
        // Otherwise somebody ended it meanwhile: who did records that, and has answered.
        if never_started {
            self.condemn(ErrorReply::from(failure), ctx);
        }
    }

    /// A first start that failed: recorded now, answered when nothing of it runs any more ([`Self::end`]). The
    /// record comes behind a `mark_wanted` that may have been too late to be answered, so that holds.
    fn condemn(&mut self, error: ErrorReply, ctx: &mut Context<Self>) {
        let how = Outcome {
            status: Status::Error.as_str(),
            reason: Some(error.message.clone()),
            remedy: Some(error.remedy.clone()),
            at: jiff::Timestamp::now(),
        };
        self.verdict = Some(Verdict { error, recorded: false });
        let recorded = ends::record(&self.env, self.record.id, how);
        self.spawn_then(ctx, recorded, |share, recorded, ctx| {
            if let Err(error) = recorded {
                tracing::error!(share = %share.record.id, %error, "a failed start could not be recorded");
            }
            if let Some(verdict) = &mut share.verdict {
                verdict.recorded = true;
            }
            if share.state.is_over() {
                share.end(ctx);
            }
        });
    }

    /// Stops the actor; a verdict that waits is recorded first and then told.
    fn end(&mut self, ctx: &mut Context<Self>) {
        match &self.verdict {
            Some(verdict) if !verdict.recorded => return,
            Some(verdict) => self.answer(Err(verdict.error.clone())),
            None => {}
        }
        self.write_the_rest();
        ctx.stop();
    }

    fn answer(&self, result: Result<(), ErrorReply>) {
        let started = supervisor::Started { id: self.record.id, view: self.view(), result };
        self.owner.supervisor.do_send(started);
    }
}
