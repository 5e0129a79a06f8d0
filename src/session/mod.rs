//! Sessions: what they are ([`model`]), and how files of agents are read into that.
//!
//! Pure but for reads at offsets of a file it is handed: no actix, no diesel, no tokio, no clock.
//!
//! A [`Session`] is indexed piece by piece ([`Session::advance`]) and read window by window
//! ([`Session::window`]), so that what a view costs does not depend on the session's length. What an agent
//! writes is known to one module each; a new one is a file and a line in the table of `agent`.

mod agent;
mod ahead;
mod aider;
mod beside;
mod claude;
mod codex;
mod copilot;
mod cursor;
mod dialect;
mod diff;
pub mod discovery;
mod document;
mod droid;
mod error;
mod feeding;
mod fields;
mod found;
mod gemini;
mod given;
mod grok;
mod hits;
mod identity;
mod iflow;
mod index;
mod json;
mod kimi;
mod lines;
mod media;
pub mod model;
mod numbers;
mod opencode;
mod paths;
mod pi;
pub mod price;
mod private;
mod qwen;
mod recognise;
mod report;
mod runs;
#[expect(clippy::module_inception, reason = "the type the module is named for")]
mod session;
mod source;
#[cfg(test)]
mod tests;
pub mod timeline;
mod words;

pub use beside::{Beside, Companion};
pub use error::{OpenError, ReadError};
pub use identity::Identity;
pub use private::Include;
pub use report::{Counts, Oddity, Report, Warning};
pub use session::{Progress, Resume, Session, Sifted};
pub use source::Source;

use crate::redact::Cleaner;

/// Bytes indexed between two looks at the progress.
const PIECE: usize = 16 << 20;

/// Reads a whole session and says what was found in it.
///
/// # Errors
/// When it is no session, or cannot be read.
pub fn check(source: Source, cleaner: Cleaner) -> Result<Report, OpenError> {
    let session = Session::open(source, cleaner)?;
    while session.advance(PIECE)? == Progress::More {}
    Ok(session.report())
}
