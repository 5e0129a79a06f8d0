//! Sessions: what they are ([`model`]), and how files of agents are read into that.
//!
//! Pure but for reads at offsets of a file it is handed: no actix, no diesel, no tokio, no clock.

pub mod model;
