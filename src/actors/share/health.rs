//! Looking at a share that is up, and asking for it through its public URL. What is made of the answers decides
//! `share::health`.

use std::sync::Arc;
use std::time::Duration;

use actix::Context;
use tokio::task::spawn_blocking;
use tokio::time::timeout;
use uuid::Uuid;

use super::ShareActor;
use crate::actors::Env;
use crate::descriptors;
use crate::share::{Event, Findings, Probed, Pulse};
use crate::tunnel::probe::{self, Answer, Condition};
use crate::tunnel::provider::Provider;
use crate::web;

/// How long a keeper may take to answer.
const KEEPER_TIME: Duration = Duration::from_secs(5);
/// Files that a look opens on both sides, and a probe.
const FOR_A_LOOK: usize = 4;

impl ShareActor {
    /// Page, keeper and tunnel client, all on this machine.
    pub(super) fn look(&mut self, ctx: &mut Context<Self>) {
        // One that waits for its time limits is not overtaken by the next.
        let can_look = !self.looking && there_is_room();
        let Some(keeper) = self.keeper.as_mut().filter(|_| can_look) else { return };
        self.looking = true;
        let (port, pong) = (keeper.port(), keeper.ping());
        let (client, ready_at) = (keeper.client_pid(), keeper.ready_at());
        let (token, attach_no, server_no) = (self.record.token.clone(), self.attaches, self.servers);
        let (env, edge, since) = (self.env.clone(), self.edge(), self.state.degraded_since());
        let look = async move {
            let page = web::check::page_answers(port, &token);
            let pulse = spawn_blocking(move || pulse(client, ready_at.as_deref()));
            let (page, pong, pulse) = tokio::join!(page, timeout(KEEPER_TIME, pong), pulse);
            let tunnel = pulse.unwrap_or(Pulse::Unknown);
            let troubled = matches!(tunnel, Pulse::Ill(_)) || since > Duration::ZERO;
            let online = troubled && is_online(&env, edge, since).await;
            Findings { page, keeper: matches!(pong, Ok(Ok(()))), tunnel, online }
        };
        self.spawn_then(ctx, look, move |share, findings, ctx| {
            share.looking = false;
            if share.attaches == attach_no && share.servers == server_no && there_is_room() {
                share.on(Event::Looked(findings), ctx);
            }
        });
    }

    /// There and back through the public URL.
    pub(super) fn probe(&mut self, ctx: &mut Context<Self>) {
        let (Some(url), Some(nonce)) = (self.public_url(), self.nonce().filter(|_| !self.probing)) else {
            return;
        };
        let challenge = Uuid::new_v4().simple().to_string();
        let expected = nonce.answer(&challenge);
        let (env, edge, since) = (self.env.clone(), self.edge(), self.state.degraded_since());
        self.probing = true;
        let (asked, server_no) = (url.clone(), self.servers);
        let probe = async move {
            // After a sleep all shares ask at once.
            let _turn = env.probe_turn().await;
            let address = format!("{url}{}?{challenge}", web::PROBE);
            let answer = spawn_blocking(move || probe::ask_public(&address, &expected)).await;
            // A URL of this machine proves nothing about the network.
            let elsewhere = !probe::is_loopback(&url);
            match answer.unwrap_or_else(|error| Answer::None(error.to_string())) {
                Answer::Ours => {
                    env.note_online(elsewhere);
                    Probed::Verified
                }
                Answer::Other(why) => {
                    env.note_online(elsewhere);
                    Probed::Wrong(why)
                }
                Answer::None(why) => Probed::Unreached { why, online: is_online(&env, edge, since).await },
            }
        };
        self.spawn_then(ctx, probe, move |share, probed, ctx| {
            share.probing = false;
            if share.servers == server_no && share.public_url().as_ref() == Some(&asked) && there_is_room() {
                tracing::debug!(share = %share.record.id, ?probed, "probed");
                share.on(Event::Probed(probed), ctx);
            }
        });
    }

    /// What its provider's own client connects to.
    fn edge(&self) -> Option<String> {
        let config = self.env.config();
        let provider = Provider::find(&self.record.provider, &config.tunnels).ok()?;
        provider.edge().map(str::to_owned)
    }
}

/// Where no file can be opened nobody can be asked: who seems silent is not, and another of his kind would need more.
fn there_is_room() -> bool {
    descriptors::room_for(FOR_A_LOOK).is_ok()
}

/// What a client says of itself. One that was stopped answers nobody, and does not reconnect either.
fn pulse(client: Option<u32>, ready_at: Option<&str>) -> Pulse {
    match client.map(probe::condition) {
        Some(Condition::Stopped) => return Pulse::Ill("its process was stopped".to_owned()),
        Some(Condition::Ended) => return Pulse::Ill("its process has ended".to_owned()),
        Some(Condition::Fine) | None => {}
    }
    match ready_at.map(probe::ask_client) {
        None => Pulse::Unknown,
        Some(Ok(())) => Pulse::Well,
        Some(Err(why)) => Pulse::Ill(why),
    }
}

/// Whether this machine is provably online: another share was reached a moment ago (not before `since`, when the
/// trouble began), or the provider's edge is.
async fn is_online(env: &Arc<Env>, edge: Option<String>, since: Duration) -> bool {
    if env.was_online(since) {
        return true;
    }
    let Some(edge) = edge else { return false };
    let reached = spawn_blocking(move || probe::reaches(&edge)).await.unwrap_or(false);
    env.note_online(reached);
    reached
}
