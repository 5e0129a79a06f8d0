//! The life of one share, without any of its machinery.
//!
//! [`step()`] takes a [`State`], an [`Event`] and the time and answers with the next state and the
//! [`Effect`]s to run. It does no I/O and reads no clock: the `ShareActor` is the shell around it.
//! [`health`] says when a share that is up is looked at, and what is made of that; [`clock`] whether the machine
//! slept meanwhile. [`plan`] decides what becomes of each recorded share when a daemon starts; [`backoff`] how long a
//! failed tunnel waits; [`left`] how long a share has left; [`options`] what a person may ask for.
//!
//! The table of transitions stands in ARCHITECTURE.md and is checked against this code by a test.

pub mod backoff;
pub mod cause;
pub mod clock;
mod event;
pub mod health;
pub mod left;
pub mod options;
pub mod plan;
mod state;
mod step;
#[cfg(test)]
mod tests;

pub use cause::{Cause, Failure};
pub use event::{Effect, Event, Limited, Now};
pub use health::{Findings, Health, Pace, Probed, Public, Pulse};
pub use options::ShareOptions;
pub use state::{Phase, Reach, State, Status, StopReason, TunnelSeen};
pub use step::step;
