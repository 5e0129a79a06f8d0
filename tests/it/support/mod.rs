//! The kit: daemons in private homes, stand-in tunnels, keepers under test, sessions, conditions with
//! deadlines.

pub mod browser;
pub mod daemon;
pub mod http;
pub mod inject;
pub mod keeper;
pub mod process;
pub mod screen;
pub mod servers;
pub mod sessions;
pub mod systemd;
pub mod tunnel;
pub mod wait;
pub mod ws;
