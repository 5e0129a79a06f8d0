//! A session as one file: a page that stands alone, Markdown, or the model as JSON. Written window by window:
//! memory is that of the index and of one window, whatever the length.
//!
//! Nothing here opens files; the session is handed in, and so is what is written to.

mod html;
mod json;
mod markdown;
#[cfg(test)]
mod tests;

use std::io::{self, Write};
use std::sync::Arc;

use crate::session::model::{Overview, Window};
use crate::session::{Progress, ReadError, Session};

/// Bytes indexed at a time.
const STRETCH: usize = 16 << 20;

/// What a session can be written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// One page, with everything in it.
    Html,
    /// Markdown, as GitHub reads it.
    Markdown,
    /// The model, described in `src/render/export/json/FORMAT.md`.
    Json,
    /// The same, a prompt or an item a line.
    JsonLines,
}

/// Why a session was not written, or not to its end.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// It could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// What is written to refused it.
    #[error("cannot write: {0}")]
    Write(#[from] io::Error),
}

/// Writes the whole session, as it is now, to `out`.
///
/// # Errors
/// [`ExportError`]: what was written until then is no whole export.
pub fn export(session: &Session, format: Format, out: &mut dyn Write) -> Result<(), ExportError> {
    to_the_end(session)?;
    let source = Whole { session, overview: session.overview() };
    match format {
        Format::Html => html::write(&source, out),
        Format::Markdown => markdown::write(&source, out),
        Format::Json => json::write(&source, out),
        Format::JsonLines => json::write_lines(&source, out),
    }
}

/// The JSON lines of a session in pieces, for who takes them one after the other: the first is about the session, each
/// other has the lines of a window. `None` after the last. Costs what a window costs, but for the first: that needs
/// the session to be indexed to its end.
///
/// # Errors
/// [`ExportError::Read`].
pub fn json_lines(session: &Session, piece: u32) -> Result<Option<String>, ExportError> {
    if piece == 0 {
        to_the_end(session)?;
    }
    json::piece(session, piece)
}

fn to_the_end(session: &Session) -> Result<(), ReadError> {
    while session.advance(STRETCH)? == Progress::More {}
    Ok(())
}

/// A session that is read to its end.
struct Whole<'a> {
    session: &'a Session,
    overview: Arc<Overview>,
}

impl Whole<'_> {
    /// Hands the windows on, in order.
    fn windows(&self, mut each: impl FnMut(Window) -> Result<(), ExportError>) -> Result<(), ExportError> {
        let mut no = 0;
        while let Some(window) = self.session.unabridged(no)? {
            each(window)?;
            no += 1;
        }
        Ok(())
    }
}
