//! The session server: one actix-web server per share, on 127.0.0.1 alone.
//!
//! It knows nothing of shares, keepers or tunnels: it is handed a listening socket, a token and a [`Site`]
//! to serve under it. [`headers`] holds what every answer carries, [`pool`] the threads that render,
//! [`session`] the site that shows a session, [`live`] what viewers of one that goes on are told.

mod cache;
pub mod check;
pub mod content;
mod follow;
mod guard;
pub mod headers;
pub mod live;
mod nonce;
mod pieces;
pub mod pool;
mod server;
pub mod session;
mod token;

pub use content::{Coding, Content, Freshness};
pub use nonce::Nonce;
pub use pieces::Download;
pub use server::{PROBE, Running, Site, StartError, start};
pub use token::Token;
