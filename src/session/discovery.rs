//! Which sessions there are on this machine: where agents keep them ([`PLACES`]), the files found there
//! ([`find`]), and what a look at the beginning and the end of one tells ([`glance()`]).
//!
//! Folders are read and files stated, nothing is written. The environment is an argument. What was found is
//! cached elsewhere (`crate::catalog`).

mod id;
mod look;
mod names;
mod places;
#[cfg(test)]
mod tests;
mod walk;

pub use id::{id, is_like_id, length_to_tell_apart};
pub use look::{Glance, glance, summary};
pub use names::Names;
pub use places::{PLACES, Place, Root, Surroundings};
pub use walk::{Found, Identity, Walked, find};
