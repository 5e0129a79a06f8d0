//! panko: share a coding-agent session as a web page, served from your own machine.
//!
//! ARCHITECTURE.md is the map of this house and its invariants.

pub mod redact;
pub mod session;
pub mod tunnel;
