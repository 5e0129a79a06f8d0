//! The words of [`step`](super::step()): what can happen to a share, and what is to be done about it.

use std::time::Duration;

use super::{Failure, Findings, Pace, Probed, StopReason, TunnelSeen};

/// Monotonic time since the daemon started.
pub type Now = Duration;

/// What can happen to a share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// It was asked for, or is being restored.
    Begin,
    /// The keeper is there; this is what it says of its tunnel.
    Attached {
        /// The tunnel client.
        tunnel: TunnelSeen,
        /// Its URL.
        url: Option<String>,
        /// The client that was there last ended because its provider asked for patience.
        limited: Option<Limited>,
    },
    /// The keeper could neither be attached nor spawned.
    AttachFailed(Failure),
    /// The session server runs.
    Serving,
    /// The session server could not be started, or ended.
    ServerDown(Failure),
    /// Its turn to start a tunnel.
    SlotGranted,
    /// The tunnel has this URL from now on.
    TunnelUrl(String),
    /// The tunnel says it is ready.
    TunnelReady,
    /// The tunnel says it lost its connection.
    TunnelLost(Failure),
    /// The tunnel client is gone, or could not be started, or said what makes waiting pointless.
    TunnelDown(Failure),
    /// The page answered on this machine.
    PageAnswered,
    /// The page did not answer on this machine.
    PageSilent(Failure),
    /// A share that is up was looked at.
    Looked(Findings),
    /// Its public URL was asked for.
    Probed(Probed),
    /// The machine slept, or its clock was set, or this process stood still.
    Woke,
    /// The configuration was read again: things go this fast from now on.
    Paced(Pace),
    /// The keeper closed the connection.
    KeeperGone,
    /// The keeper is gone because we asked it to end.
    KeeperStopped,
    /// A person asked for a fresh start now.
    Restart,
    /// A person wants it down: the page goes at once.
    Revoke(StopReason),
    /// The share is to end, and that is recorded.
    Stop(StopReason),
    /// The daemon leaves, the share stays wanted.
    Leave,
    /// Time passed: [`super::State::deadline`] is due.
    Tick,
}

/// A provider asked for patience.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limited {
    /// In words.
    pub failure: Failure,
    /// How long ago.
    pub ago: Duration,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Attach the keeper, spawning it if it is absent.
    Attach,
    /// End the tunnel client that runs; nothing takes its place.
    EndTunnel,
    /// Run the session server on the keeper's socket.
    Serve,
    /// Wait for a turn to start a tunnel.
    AwaitSlot,
    /// Start the tunnel client (again).
    StartTunnel,
    /// Ask the page on this machine.
    CheckPage,
    /// Look at page, keeper and tunnel client.
    Look,
    /// Ask for the page through its public URL.
    Probe,
    /// Stop the session server, cutting open connections.
    CloseServer,
    /// End keeper and tunnel, however hard that takes; [`Event::KeeperStopped`] follows.
    StopKeeper,
    /// Answer the StartShare that waits.
    Answer(Result<(), Failure>),
    /// The actor may stop.
    End,
}
