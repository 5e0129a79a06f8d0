//! The integration tests: one binary, a file per subject, and a kit in `support`.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod architecture;
mod browser;
mod catalog;
mod commands;
mod context;
mod control;
mod documents;
mod download;
mod export;
mod faults;
mod keeper;
mod life;
mod live;
mod page;
mod recovery;
mod reload;
mod service;
mod soak;
mod supervision;
mod support;
mod tui;
mod tunnels;
