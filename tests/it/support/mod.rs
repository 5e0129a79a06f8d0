//! The kit: stand-in tunnels, keepers under test, conditions with deadlines.

pub mod keeper;
pub mod process;
pub mod tunnel;
pub mod wait;
