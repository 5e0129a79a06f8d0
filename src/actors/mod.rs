//! The actors: thin shells around the pure parts.
//!
//! [`Supervisor`] owns one [`ShareActor`] per share; [`DbActor`] serialises what is written to SQLite;
//! [`IpcActor`] translates frames of the control socket into messages. Handlers are short: message to event,
//! `step`, run the effects. [`link`] is how a panic is noticed and where the living actors are found.
//!
//! Only this folder and `daemon.rs` import the actor crate: it can be replaced at the price of one folder.

pub mod announce;
mod boot;
pub mod db;
pub(crate) mod ends;
mod env;
pub mod ipc;
pub mod launch;
pub mod link;
pub mod share;
pub mod supervisor;
mod wanted;

pub use db::DbActor;
pub use env::Env;
pub use ipc::IpcActor;
pub use share::ShareActor;
pub use supervisor::Supervisor;
