//! Tunnels: the provider table, what a client's output means, and the keeper process that outlives the daemon.
//!
//! PURE (no I/O, no clock): [`provider`], [`custom`], [`spec`], [`environment`], [`lines`], [`extract`], [`diagnosis`],
//! [`keeper::protocol`] and `keeper::state`. Blocking `std` (for a thread that may block, never an event loop):
//! [`resolve`], [`help`], [`attach`], [`spawn`], [`sweep`], [`probe`]. [`keeper::main`] is a process of its own.
//!
//! Not here: when a tunnel is started again and when it counts as failed (that is the share's state machine:
//! the keeper only reports), and what is made of a probe (likewise).

pub mod attach;
pub mod custom;
pub mod diagnosis;
pub mod end;
pub mod environment;
pub mod extract;
pub mod files;
pub mod help;
pub mod keeper;
pub mod lines;
pub(crate) mod os;
pub mod probe;
pub mod provider;
pub mod resolve;
pub mod spawn;
pub mod spec;
pub mod sweep;

/// The provider that has no tunnel: its pages are reached on this machine alone.
pub const LOCAL: &str = "local";
