//! The connection to the share's keeper: attach, words in, words out.

use std::collections::HashMap;
use std::net::TcpListener;
use std::sync::{Arc, PoisonError};

use actix::{
    ActorFutureExt, ActorStreamExt, AsyncContext, Context, Handler, Message, ResponseFuture, WrapFuture,
    WrapStream,
};
use futures_util::StreamExt;
use jiff::Timestamp;
use tokio::io::AsyncWriteExt;
use tokio::net::UnixStream;
use tokio::sync::{mpsc, oneshot};
use tokio_util::codec::{FramedRead, LinesCodec};

use super::client::{Client, Gone};
use super::{ShareActor, files, translate};
use crate::actors::launch;
use crate::share::{Cause, Event, Failure};
use crate::tunnel::attach::Attached;
use crate::tunnel::files::KeeperFiles;
use crate::tunnel::keeper::protocol::{self, Command, FRAME_CAP, Reply, Request};
use crate::tunnel::spawn::bury_dying;
use crate::tunnel::spec::TunnelSpec;

/// An attached keeper.
pub(super) struct KeeperLink {
    port: u16,
    /// The share's listening socket, until the session server takes it.
    listener: Option<TcpListener>,
    outbox: mpsc::UnboundedSender<Vec<u8>>,
    /// A tunnel client runs, or is ending.
    client: Client,
    /// Its process, while it runs.
    client_pid: Option<u32>,
    /// Where it says by HTTP whether it is connected.
    ready_at: Option<String>,
    next_request: u64,
    logs: HashMap<u64, oneshot::Sender<String>>,
}

impl KeeperLink {
    pub(super) fn port(&self) -> u16 {
        self.port
    }

    pub(super) fn take_listener(&mut self) -> Option<TcpListener> {
        self.listener.take()
    }

    pub(super) fn client_pid(&self) -> Option<u32> {
        self.client_pid
    }

    pub(super) fn ready_at(&self) -> Option<String> {
        self.ready_at.clone()
    }

    /// Ends when the keeper has answered: with an error, if it never will. No log at all is what every version
    /// of a keeper can be asked for.
    pub(super) fn ping(&mut self) -> impl Future<Output = Result<(), oneshot::error::RecvError>> + use<> {
        let (tell, told) = oneshot::channel();
        let id = self.send(Command::Logs { max_bytes: Some(0) });
        // Those that were given up.
        self.logs.retain(|_, asker| !asker.is_closed());
        self.logs.insert(id, tell);
        async move { told.await.map(drop) }
    }

    fn send(&mut self, command: Command) -> u64 {
        self.next_request += 1;
        let request = Request { id: self.next_request, command };
        match protocol::frame(&request) {
            // A keeper that is gone is noticed where its words end.
            Ok(frame) => drop(self.outbox.send(frame)),
            Err(error) => tracing::error!(%error, "a request to a keeper could not be written"),
        }
        self.next_request
    }
}

impl ShareActor {
    /// Attaches the share's keeper; spawns one if there is none.
    pub(super) fn attach_keeper(&mut self, ctx: &mut Context<Self>) {
        self.keeper = None;
        self.attaches += 1;
        let attach_no = self.attaches;
        let (env, record, wanted) = (self.env.clone(), self.record.clone(), Arc::downgrade(&self.alive));
        let work = self.keeper_work.clone();
        let attach = tokio::task::spawn_blocking(move || {
            let _one_at_a_time = work.lock().unwrap_or_else(PoisonError::into_inner);
            if wanted.strong_count() == 0 {
                return Err(translate::no_keeper("the share ends"));
            }
            match env.take_attached(record.id) {
                Some(attached) => Ok(attached),
                None => files::attach(&env, &record),
            }
        });
        self.spawn_then(ctx, attach, move |share, attached, ctx| {
            if share.attaches != attach_no {
                return;
            }
            let event = match attached {
                Ok(Ok(attached)) => share.take_keeper(attached, ctx),
                Ok(Err(failure)) => Event::AttachFailed(failure),
                Err(error) => {
                    Event::AttachFailed(Failure::new(Cause::Internal, error.to_string(), "try again"))
                }
            };
            share.on(event, ctx);
        });
    }

    fn take_keeper(&mut self, attached: Attached, ctx: &mut Context<Self>) -> Event {
        let Attached { hello, listener, stream, leftover, .. } = attached;
        let stream = match stream.set_nonblocking(true).and_then(|()| UnixStream::from_std(stream)) {
            Ok(stream) => stream,
            Err(error) => return Event::AttachFailed(translate::no_keeper(&error.to_string())),
        };
        let (reader, mut writer) = stream.into_split();
        let (outbox, mut frames) = mpsc::unbounded_channel::<Vec<u8>>();
        ctx.spawn(
            async move {
                while let Some(frame) = frames.recv().await {
                    if writer.write_all(&frame).await.is_err() {
                        break;
                    }
                }
            }
            .into_actor(self),
        );
        self.listen_to_keeper(reader, &leftover, ctx);
        let (tunnel, url) = translate::tunnel_seen(&hello);
        let now = u64::try_from(Timestamp::now().as_millisecond()).unwrap_or_default();
        let limited = translate::limited(&hello, now);
        let client = if translate::client_runs(&hello.tunnel) { Client::Running } else { Client::Absent };
        self.keeper = Some(KeeperLink {
            port: hello.port,
            listener: Some(listener),
            outbox,
            client,
            client_pid: translate::client_pid(&hello.tunnel),
            ready_at: hello.ready_at,
            next_request: 0,
            logs: HashMap::new(),
        });
        self.give_grace();
        Event::Attached { tunnel, url, limited }
    }

    /// The keeper may have been started under another configuration.
    pub(super) fn give_grace(&mut self) {
        let grace = self.env.config().orphan_grace();
        if let Some(keeper) = self.keeper.as_mut() {
            keeper.send(Command::Grace { ms: u64::try_from(grace.as_millis()).unwrap_or(u64::MAX) });
        }
    }

    fn listen_to_keeper(
        &self,
        reader: tokio::net::unix::OwnedReadHalf,
        leftover: &[u8],
        ctx: &mut Context<Self>,
    ) {
        let attach_no = self.attaches;
        let mut lines = FramedRead::new(reader, LinesCodec::new_with_max_length(FRAME_CAP));
        lines.read_buffer_mut().extend_from_slice(leftover);
        // A line that is too long or no text ends the connection like its end does.
        let events = lines.take_while(|line| std::future::ready(line.is_ok())).filter_map(|line| {
            std::future::ready(line.ok().and_then(|line| serde_json::from_str(&line).ok()))
        });
        let heard = events.into_actor(self).map(move |event, share: &mut Self, ctx: &mut Context<Self>| {
            if share.attaches == attach_no {
                share.hear(event, ctx);
            }
        });
        ctx.spawn(heard.finish().map(move |(), share, ctx| {
            if share.attaches == attach_no && share.keeper.take().is_some() {
                share.bury_keeper();
                share.on(Event::KeeperGone, ctx);
            }
        }));
    }

    /// A keeper that was killed leaves processes that no signal of its end reaches.
    fn bury_keeper(&self) {
        let files = KeeperFiles::new(&self.env.paths.keepers(), &self.record.keeper_id());
        let work = self.keeper_work.clone();
        if let Some(files) = files {
            tokio::task::spawn_blocking(move || {
                // What is attached or spawned next comes behind it, and is not taken for what the dead one left.
                let _one_at_a_time = work.lock().unwrap_or_else(PoisonError::into_inner);
                bury_dying(&files);
            });
        }
    }

    fn hear(&mut self, event: protocol::Event, ctx: &mut Context<Self>) {
        if let protocol::Event::Reply(reply) = event {
            return self.hear_reply(reply);
        }
        let Some(keeper) = self.keeper.as_mut() else { return };
        match &event {
            protocol::Event::TunnelStarted { pid } => {
                keeper.client_pid = Some(*pid);
                keeper.ready_at = None;
            }
            protocol::Event::ReadyAt { url } => keeper.ready_at = Some(url.clone()),
            protocol::Event::TunnelExited(_) => keeper.client_pid = None,
            _ => {}
        }
        match &event {
            protocol::Event::TunnelExited(_) => match keeper.client.exited() {
                Gone::Follow(next) => {
                    keeper.send(next);
                    return;
                }
                Gone::Expected => return,
                Gone::Down => {}
            },
            _ if keeper.client.is_stale() => return,
            _ => {}
        }
        if let Some(event) = translate::event(event) {
            self.on(event, ctx);
        }
    }

    fn hear_reply(&mut self, reply: Reply) {
        let Some(keeper) = self.keeper.as_mut() else { return };
        if let Some(asker) = keeper.logs.remove(&reply.id) {
            // Who asked may have gone away.
            let _ = asker.send(reply.log.unwrap_or_default().join("\n"));
        } else if let Some(error) = reply.error {
            tracing::warn!(share = %self.record.id, error = error.message, "the keeper refused a request");
        }
    }

    /// Starts the tunnel client as configuration and machine have it now; one that runs is ended first.
    pub(super) fn start_tunnel(&mut self, ctx: &mut Context<Self>) {
        if let Some(keeper) = self.keeper.as_mut() {
            keeper.client.outdate();
        }
        let (record, config, attach_no) = (self.record.clone(), self.env.config(), self.attaches);
        let find = tokio::task::spawn_blocking(move || {
            launch::find_tunnel(&record.provider, &record.options, &config, &record.keeper_id())
        });
        self.spawn_then(ctx, find, move |share, found, ctx| {
            if share.attaches != attach_no || !share.state.holds_slot() {
                return;
            }
            let failure = match found {
                Ok(Ok(Some(spec))) => return share.order_client(Box::new(spec)),
                Ok(Ok(None)) => return share.without_client(ctx),
                Ok(Err(failure)) => failure,
                Err(error) => Failure::new(Cause::Internal, error.to_string(), "try again"),
            };
            share.end_stale_client();
            share.on(Event::TunnelDown(failure), ctx);
        });
    }

    /// The client that runs, or is to run, if there is one.
    pub(super) fn end_tunnel(&mut self) {
        if let Some(keeper) = self.keeper.as_mut() {
            keeper.client.outdate();
        }
        self.end_stale_client();
    }

    /// The client that nothing takes the place of was given up.
    fn end_stale_client(&mut self) {
        if let Some(keeper) = self.keeper.as_mut()
            && let Some(stop) = keeper.client.give_up()
        {
            keeper.send(stop);
        }
    }

    fn order_client(&mut self, spec: Box<TunnelSpec>) {
        if let Some(keeper) = self.keeper.as_mut()
            && let Some(command) = keeper.client.order(spec)
        {
            keeper.send(command);
        }
    }

    /// The provider `local`: the page's own address is the public one, at once.
    fn without_client(&mut self, ctx: &mut Context<Self>) {
        let Some(port) = self.keeper.as_ref().map(KeeperLink::port) else { return };
        self.on(Event::TunnelUrl(format!("http://127.0.0.1:{port}")), ctx);
        self.on(Event::TunnelReady, ctx);
    }

    /// Ends keeper and tunnel, however hard that takes.
    pub(super) fn stop_keeper(&mut self, ctx: &mut Context<Self>) {
        self.keeper = None;
        // A copy that is still being made is given up, before it is looked for.
        self.alive = Arc::new(());
        self.attaches += 1;
        let (paths, id, work) = (self.env.paths.clone(), self.record.id, self.keeper_work.clone());
        let end = tokio::task::spawn_blocking(move || {
            // Behind an attach that is under way, which may yet spawn what is to be ended here.
            let _one_at_a_time = work.lock().unwrap_or_else(PoisonError::into_inner);
            files::end_keeper(&paths, id);
        });
        self.spawn_then(ctx, end, |share, ended, ctx| {
            if let Err(error) = ended {
                tracing::error!(share = %share.record.id, %error, "ending a keeper failed");
            }
            share.on(Event::KeeperStopped, ctx);
        });
    }
}

/// The end of the tunnel's log; `None` while no keeper is attached.
#[derive(Message)]
#[rtype(result = "Option<String>")]
pub struct Logs {
    /// At most so many bytes.
    pub max_bytes: usize,
}

impl Handler<Logs> for ShareActor {
    type Result = ResponseFuture<Option<String>>;

    fn handle(&mut self, Logs { max_bytes }: Logs, _: &mut Self::Context) -> Self::Result {
        let Some(keeper) = self.keeper.as_mut() else { return Box::pin(async { None }) };
        let (tell, told) = oneshot::channel();
        let id = keeper.send(Command::Logs { max_bytes: Some(max_bytes) });
        keeper.logs.insert(id, tell);
        Box::pin(async move { told.await.ok() })
    }
}
