//! A download of any length: made piece by piece, the next when the one before was taken. What one costs does not
//! depend on the length, and a reader who is slow holds no thread.

use std::io;
use std::sync::Arc;

use actix_web::HttpResponse;
use actix_web::http::header;
use bytes::Bytes;
use futures_util::Stream;
use futures_util::stream::try_unfold;

use super::pool::Pool;
use super::server::Site;

/// What is handed out in pieces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Download {
    /// The name it is to be kept under: letters, digits and dots.
    pub name: &'static str,
    /// Media type.
    pub media_type: &'static str,
}

/// The answer that hands out all pieces of `site`'s download.
pub(super) fn answer(download: Download, site: Arc<dyn Site>, pool: Pool) -> HttpResponse {
    let disposition = format!("attachment; filename=\"{}\"", download.name);
    HttpResponse::Ok()
        .content_type(download.media_type)
        .insert_header((header::CONTENT_DISPOSITION, disposition))
        .streaming(pieces(site, pool))
}

/// An error ends the answer before its end, which a client sees.
fn pieces(site: Arc<dyn Site>, pool: Pool) -> impl Stream<Item = io::Result<Bytes>> {
    try_unfold(0, move |no: u32| {
        let (site, pool) = (site.clone(), pool.clone());
        async move {
            let made = pool.run(move || site.piece(no)).await.map_err(io::Error::other)?;
            let piece = made.inspect_err(|error| tracing::warn!(%error, "a download is not whole"))?;
            Ok(piece.map(|piece| (piece, no.saturating_add(1))))
        }
    })
}
