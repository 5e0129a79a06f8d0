//! Images inside sessions: their bytes, their type by the bytes alone, and their size.

use data_encoding::{BASE64, BASE64_NOPAD, BASE64URL_NOPAD};

/// Encoded characters decoded to learn type and size: 48 KiB, a multiple of 4.
const HEAD: usize = 64 << 10;

/// The bytes behind base64 in any of its dialects; `None` if it is none.
pub(super) fn decoded(encoded: &str) -> Option<Vec<u8>> {
    let packed: Vec<u8> = encoded.bytes().filter(|b| !b.is_ascii_whitespace()).collect();
    let bare = packed.strip_suffix(b"==").or(packed.strip_suffix(b"=")).unwrap_or(&packed);
    BASE64
        .decode(&packed)
        .or_else(|_| BASE64_NOPAD.decode(bare))
        .or_else(|_| BASE64URL_NOPAD.decode(bare))
        .ok()
}

/// How many bytes base64 text stands for.
pub(super) fn decoded_len(encoded: &str) -> u64 {
    let len = encoded.trim_end_matches(['=', '\n']).len() as u64;
    len / 4 * 3 + (len % 4).saturating_sub(1)
}

/// The start of an image's bytes, enough for [`kind`] and mostly for [`size`].
pub(super) fn head(encoded: &str) -> Vec<u8> {
    let end = encoded.floor_char_boundary(HEAD);
    decoded(encoded.get(..end).unwrap_or_default()).unwrap_or_default()
}

/// The media type the bytes show.
pub(super) fn kind(bytes: &[u8]) -> &'static str {
    match bytes {
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1A, b'\n', ..] => "image/png",
        [0xFF, 0xD8, 0xFF, ..] => "image/jpeg",
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => "image/gif",
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => "image/webp",
        _ => "application/octet-stream",
    }
}

/// Width and height in pixels, as the header of the image says.
pub(super) fn size(bytes: &[u8]) -> Option<(u32, u32)> {
    let size = match kind(bytes) {
        "image/png" => (big(bytes, 16, 4)?, big(bytes, 20, 4)?),
        "image/gif" => (little(bytes, 6, 2)?, little(bytes, 8, 2)?),
        "image/jpeg" => jpeg(bytes)?,
        "image/webp" => webp(bytes)?,
        _ => return None,
    };
    (size.0 > 0 && size.1 > 0).then_some(size)
}

fn big(bytes: &[u8], at: usize, n: usize) -> Option<u32> {
    Some(bytes.get(at..at + n)?.iter().fold(0, |sum, b| sum << 8 | u32::from(*b)))
}

fn little(bytes: &[u8], at: usize, n: usize) -> Option<u32> {
    Some(bytes.get(at..at + n)?.iter().rev().fold(0, |sum, b| sum << 8 | u32::from(*b)))
}

/// Walks the segments to the frame header (ITU T.81, B.2.2).
fn jpeg(bytes: &[u8]) -> Option<(u32, u32)> {
    let mut at = 2;
    loop {
        let marker = big(bytes, at, 2)?;
        match marker {
            0xFFFF => at += 1,
            0xFFC0..=0xFFC3 | 0xFFC5..=0xFFC7 | 0xFFC9..=0xFFCB | 0xFFCD..=0xFFCF => {
                return Some((big(bytes, at + 7, 2)?, big(bytes, at + 5, 2)?));
            }
            0xFF00..=0xFFFF => at += 2 + big(bytes, at + 2, 2)?.max(2) as usize,
            _ => return None,
        }
    }
}

/// The three kinds of first chunk (RFC 9649).
fn webp(bytes: &[u8]) -> Option<(u32, u32)> {
    match bytes.get(12..16)? {
        b"VP8X" => Some((little(bytes, 24, 3)? + 1, little(bytes, 27, 3)? + 1)),
        b"VP8 " => Some((little(bytes, 26, 2)? & 0x3FFF, little(bytes, 28, 2)? & 0x3FFF)),
        b"VP8L" => {
            let bits = little(bytes, 21, 4)?;
            Some(((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_and_sizes_come_from_the_bytes() {
        let png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x02\x80\0\0\x01\xe0";
        let gif = b"GIF89a\x40\x01\xc8\x00";
        let jpeg = b"\xff\xd8\xff\xe0\0\x04ab\xff\xc0\0\x11\x08\0\x10\0\x20";
        let webp = b"RIFF\0\0\0\0WEBPVP8X\0\0\0\0\0\0\0\0\x0f\0\0\x07\0\0";
        type Case<'a> = (&'a [u8], &'a str, Option<(u32, u32)>);
        let cases: [Case<'_>; 5] = [
            (png, "image/png", Some((640, 480))),
            (gif, "image/gif", Some((320, 200))),
            (jpeg, "image/jpeg", Some((32, 16))),
            (webp, "image/webp", Some((16, 8))),
            (b"<svg onload=alert(1)>", "application/octet-stream", None),
        ];
        for (bytes, media, wanted) in cases {
            assert_eq!((kind(bytes), size(bytes)), (media, wanted));
        }
    }

    #[test]
    fn base64_is_read_in_every_dialect_and_its_length_known() {
        for encoded in ["aGVsbG8=", "aGVsbG8", "aGVs\nbG8="] {
            assert_eq!(decoded(encoded).as_deref(), Some(&b"hello"[..]), "{encoded}");
        }
        assert_eq!(decoded_len("aGVsbG8="), 5);
        assert_eq!(decoded("no base64!"), None);
    }
}
