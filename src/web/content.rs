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
    /// Bytes as they are.
    pub fn new(media_type: &'static str, body: Bytes, freshness: Freshness) -> Self {
        let etag = etag(&body);
        Self { status: StatusCode::OK, media_type, body, coding: Coding::Plain, etag, freshness }
    }

    /// A page.
    pub fn html(html: String, freshness: Freshness) -> Self {
        Self::new("text/html; charset=utf-8", html.into(), freshness)
    }

    /// The same, compressed as `coding` says.
    pub fn coded(&self, coding: Coding) -> Self {
        let packed = match coding {
            Coding::Plain => None,
            Coding::Brotli => brotli(&self.body),
            Coding::Gzip => gzip(&self.body),
        };
        let (body, coding) = match packed {
            Some(packed) => (packed.into(), coding),
            None => (self.body.clone(), self.coding),
        };
        Self { body, coding, etag: self.etag.clone(), ..*self }
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
