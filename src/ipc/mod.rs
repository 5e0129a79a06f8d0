//! The control socket: what is said on it ([`protocol`]), how it is framed ([`frame`]), and the side of the
//! command line and the TUI ([`client`]). The daemon's side is the `IpcActor`.

pub mod client;
pub mod frame;
pub mod protocol;

pub use protocol::{ErrorCode, Reply, Request, ShareInfo};
