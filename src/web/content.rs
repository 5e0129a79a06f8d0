//! One answer of a site: a body in one coding, with what a cache must know of it.

use std::io::Write;

use actix_web::http::StatusCode;
use bytes::Bytes;

/// How a body is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coding {
    /// Not at all.
    Plain,
    /// Brotli.
    Brotli,
    /// gzip.
    Gzip,
}

impl Coding {
    /// Its name in HTTP.
    pub fn name(self) -> Option<&'static str> {
        match self {
            Coding::Plain => None,
            Coding::Brotli => Some("br"),
            Coding::Gzip => Some("gzip"),
        }
    }
}

/// How long a browser may keep an answer. Never a shared cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// Not at all.
    Never,
    /// It must ask again each time (and gets a 304).
    AskAgain,
    /// For good: its name changes with its content.
    Forever,
}

/// An answer.
#[derive(Debug)]
pub struct Content {
    /// Its status; 200 but for a site's own troubles.
    pub status: StatusCode,
    /// Media type.
    pub media_type: &'static str,
    /// The body, as `coding` has it.
    pub body: Bytes,
    /// How it is compressed.
    pub coding: Coding,
    /// Strong validator of what the body says, without quotes.
    pub etag: String,
    /// How long a browser may keep it.
    pub freshness: Freshness,
}

/// Brotli's quality for pages made on demand: beyond 5 it gets slow before it gets much smaller.
const BROTLI_QUALITY: i32 = 5;

impl Content {
    /// A page, compressed as `coding` says.
    pub fn html(status: StatusCode, html: String, coding: Coding, freshness: Freshness) -> Self {
        let etag = etag(html.as_bytes());
        let packed = match coding {
            Coding::Plain => None,
            Coding::Brotli => brotli(html.as_bytes()),
            Coding::Gzip => gzip(html.as_bytes()),
        };
        let (body, coding) = match packed {
            Some(packed) => (packed.into(), coding),
            None => (html.into(), Coding::Plain),
        };
        Self { status, media_type: "text/html; charset=utf-8", body, coding, etag, freshness }
    }

    /// Bytes as they are.
    pub fn plain(status: StatusCode, media_type: &'static str, body: Bytes, freshness: Freshness) -> Self {
        let etag = etag(&body);
        Self { status, media_type, body, coding: Coding::Plain, etag, freshness }
    }
}

fn etag(bytes: &[u8]) -> String {
    let hash = blake3::hash(bytes).to_hex();
    hash.get(..32).unwrap_or(&hash).to_owned()
}

fn brotli(bytes: &[u8]) -> Option<Vec<u8>> {
    let params = brotli::enc::BrotliEncoderParams { quality: BROTLI_QUALITY, ..Default::default() };
    let mut packed = Vec::new();
    brotli::BrotliCompress(&mut &*bytes, &mut packed, &params).ok()?;
    Some(packed)
}

fn gzip(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).ok()?;
    encoder.finish().ok()
}
