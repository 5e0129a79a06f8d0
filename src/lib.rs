//! panko: share a coding-agent session as a web page, served from your own machine.
//!
//! ARCHITECTURE.md is the map of this house and its invariants.

pub mod actors;
pub mod catalog;
pub mod cli;
pub mod config;
pub mod daemon;
pub mod db;
pub mod describe;
pub mod descriptors;
pub mod flock;
pub mod ipc;
pub mod own_file;
pub mod paths;
pub mod plain;
pub mod redact;
pub mod render;
pub mod session;
pub mod share;
pub mod tui;
pub mod tunnel;
pub mod unix_socket;
pub mod view;
pub mod web;
