//! Telling the service manager how the daemon is (`sd_notify`). Without one, nothing happens.

use std::time::Duration;

use sd_notify::NotifyState;

use crate::actors::{Env, supervisor};

/// Requests are answered from now on.
pub(super) fn ready() {
    tell(&[NotifyState::Ready]);
}

/// The end has begun.
pub(super) fn stopping() {
    tell(&[NotifyState::Stopping]);
}

/// Tells the watchdog, if there is one, that the Supervisor answers: a process that merely exists is not well.
/// Never returns.
pub(super) async fn feed_watchdog(env: &Env) {
    let Some(limit) = sd_notify::watchdog_enabled() else { return std::future::pending().await };
    let beat = limit / 3;
    loop {
        tokio::time::sleep(beat).await;
        match env.supervisor.ask(supervisor::List { all: false }, beat.max(Duration::from_secs(1))).await {
            Ok(_) => tell(&[NotifyState::Watchdog]),
            Err(error) => tracing::warn!(%error, "the watchdog is not told that all is well"),
        }
    }
}

fn tell(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::warn!(%error, "the service manager could not be told");
    }
}
