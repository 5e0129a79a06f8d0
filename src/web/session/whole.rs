//! The whole session as one file: for who may take it along, and as Markdown for the page's own "Copy all".

use std::io::{self, Write};
use std::sync::Arc;

use actix_web::http::StatusCode;

use super::SessionSite;
use super::find::busy;
use crate::render::export::{ExportError, Format, export};
use crate::session::ReadError;
use crate::web::content::{Content, Freshness};

/// Bytes of a file to download; it is put together in memory.
const FILE: usize = 48 << 20;
/// Bytes of Markdown to copy. All of it stands on the pages anyway, so that needs nobody's leave.
const COPY: usize = 4 << 20;

impl SessionSite {
    pub(super) fn whole(&self, format: Format) -> Result<Option<Arc<Content>>, ReadError> {
        let (media_type, room) = match (format, self.downloads) {
            (Format::Markdown, allowed) => {
                ("text/markdown; charset=utf-8", if allowed { FILE } else { COPY })
            }
            (Format::Json, true) => ("application/json", FILE),
            // Its script would not run under our policy, and need not: it is to be kept.
            (Format::Html, true) => ("application/octet-stream", FILE),
            (Format::Html | Format::Json, false) => return Ok(None),
            // That goes out in pieces.
            (Format::JsonLines, _) => return Ok(None),
        };
        // One at a time, with the searches: this takes a thread for a while.
        let Some(_turn) = self.turn() else { return Ok(Some(busy())) };
        let mut file = Room { bytes: Vec::new(), left: room };
        match export(&self.session, format, &mut file) {
            Ok(()) => {}
            Err(ExportError::Read(error)) => return Err(error),
            Err(ExportError::Write(_)) => return Ok(Some(too_long())),
        }
        Ok(Some(Arc::new(Content::new(media_type, file.bytes.into(), Freshness::AskAgain))))
    }
}

fn too_long() -> Arc<Content> {
    let sentence = "This session is too long for one file.\n";
    let content = Content::new("text/plain; charset=utf-8", sentence.into(), Freshness::Never);
    Arc::new(Content { status: StatusCode::PAYLOAD_TOO_LARGE, ..content })
}

/// Memory up to a limit.
struct Room {
    bytes: Vec<u8>,
    left: usize,
}

impl Write for Room {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.left = self.left.checked_sub(bytes.len()).ok_or(io::ErrorKind::StorageFull)?;
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
