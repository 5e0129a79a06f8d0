//! The style sheet, the script and the icon, embedded, named by their content and compressed once.

use std::io::Write;
use std::sync::OnceLock;

/// A file that pages refer to. Its name changes with its content: it may be cached for ever.
#[derive(Debug)]
pub struct Asset {
    /// The name it is served under, below `a/`: `<hash>.css`.
    pub name: String,
    /// Value of the `Content-Type` header.
    pub content_type: &'static str,
    /// The bytes.
    pub raw: &'static [u8],
    /// The bytes, compressed with brotli.
    pub brotli: Vec<u8>,
    /// The bytes, compressed with gzip.
    pub gzip: Vec<u8>,
}

/// Hexadecimal digits of the hash in a name: 64 bits, against accidents.
const DIGITS: usize = 16;

/// The asset served as `a/<name>`.
pub fn asset(name: &str) -> Option<&'static Asset> {
    [css(), js(), icon()].into_iter().find(|asset| asset.name == name)
}

/// The style sheet.
pub fn css() -> &'static Asset {
    static CSS: OnceLock<Asset> = OnceLock::new();
    CSS.get_or_init(|| Asset::new("css", "text/css; charset=utf-8", include_bytes!("assets/page.css")))
}

/// The script: its parts, in order, inside one function. What it does not find on a page (the outline, a session
/// that goes on) it leaves alone.
const SCRIPT: &str = concat!(
    "(() => {\n'use strict';\n",
    include_str!("assets/theme.js"),
    "document.addEventListener('DOMContentLoaded', () => {\n",
    include_str!("assets/base.js"),
    include_str!("assets/copy.js"),
    "if (!rail) return;\n",
    include_str!("assets/show.js"),
    include_str!("assets/place.js"),
    include_str!("assets/windows.js"),
    include_str!("assets/find.js"),
    include_str!("assets/live.js"),
    include_str!("assets/keys.js"),
    "arrive();\n});\n})();\n",
);

/// The script.
pub fn js() -> &'static Asset {
    static JS: OnceLock<Asset> = OnceLock::new();
    JS.get_or_init(|| Asset::new("js", "text/javascript; charset=utf-8", SCRIPT.as_bytes()))
}

/// The icon of the tab. Named in each page, or browsers ask for one at the root, where nothing is.
pub fn icon() -> &'static Asset {
    static ICON: OnceLock<Asset> = OnceLock::new();
    ICON.get_or_init(|| Asset::new("svg", "image/svg+xml", include_bytes!("assets/icon.svg")))
}

impl Asset {
    fn new(extension: &str, content_type: &'static str, raw: &'static [u8]) -> Self {
        let hash = blake3::hash(raw).to_hex();
        let name = format!("{}.{extension}", hash.get(..DIGITS).unwrap_or(&hash));
        Self { name, content_type, raw, brotli: brotli(raw), gzip: gzip(raw) }
    }
}

// Neither can fail on memory; if one did, the blank result would show in the tests below.

fn brotli(raw: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let params = brotli::enc::BrotliEncoderParams { quality: 9, ..Default::default() };
    match brotli::BrotliCompress(&mut &raw[..], &mut out, &params) {
        Ok(_) => out,
        Err(_) => Vec::new(),
    }
}

fn gzip(raw: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    let written = encoder.write_all(raw);
    written.and_then(|()| encoder.finish()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn assets_are_found_by_their_name_only() {
        assert_eq!(asset(&css().name).map(|a| a.content_type), Some("text/css; charset=utf-8"));
        assert_eq!(asset(&js().name).map(|a| a.raw), Some(js().raw));
        assert!(asset("page.css").is_none());
        assert!(asset("").is_none());
    }

    #[test]
    fn compressed_assets_unpack_to_the_same_bytes() {
        for asset in [css(), js(), icon()] {
            let mut gunzipped = Vec::new();
            flate2::read::GzDecoder::new(asset.gzip.as_slice()).read_to_end(&mut gunzipped).unwrap();
            assert_eq!(gunzipped, asset.raw);
            let mut unbrotlied = Vec::new();
            brotli::BrotliDecompress(&mut asset.brotli.as_slice(), &mut unbrotlied).unwrap();
            assert_eq!(unbrotlied, asset.raw);
        }
    }

    #[test]
    fn the_style_sheet_and_the_script_load_nothing_from_elsewhere() {
        for asset in [css(), js()] {
            let text = std::str::from_utf8(asset.raw).unwrap();
            for foreign in ["http:", "https:", "//fonts", "@import", "url(", "eval(", "innerHTML"] {
                assert!(!text.contains(foreign), "{} contains {foreign}", asset.name);
            }
        }
    }
}
