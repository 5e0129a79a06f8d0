//! The values of `Authorization` headers and of such like them, as headers, objects, lists of pairs and code have them.

use super::rules::{DENSE, run};

/// Schemes of an `Authorization` value that a single word follows.
const SCHEMES: [&[u8]; 10] =
    [b"bearer", b"basic", b"token", b"apikey", b"api-key", b"key", b"bot", b"ssws", b"negotiate", b"ntlm"];
/// Such that parameters follow.
const PARAMETERS: [&[u8]; 6] =
    [b"digest", b"oauth", b"aws4-hmac-sha256", b"googlelogin", b"hawk", b"signature"];
/// Characters of the longest scheme.
const SCHEME: usize = 16;

/// After the name of a header, at `at`, which ends at `from`: a sign, a scheme, then the value. Up to `barren` no value is
/// a token.
pub(super) fn value(bytes: &[u8], at: usize, from: usize, barren: &mut usize) -> Option<(usize, usize)> {
    let start = value_start(bytes, from)?;
    // What is left of a word may still be a scheme.
    if barren.saturating_sub(start) > SCHEME {
        return None;
    }
    let end = run(bytes, start, is_value);
    let scheme = bytes.get(start..end)?;
    let value = skip(bytes, end, 4, |b| b == b' ');
    let stop = if value > end { run(bytes, value, in_value) } else { value };
    let word = bytes.get(value..stop).unwrap_or_default();
    let is_one_of = |names: &[&[u8]]| names.iter().any(|name| scheme.eq_ignore_ascii_case(name));
    let named = [b"token=", b"auth=".as_slice()].iter().any(|name| word.starts_with(name));
    if is_one_of(&PARAMETERS) || (is_one_of(&SCHEMES) && named) {
        let stop = line_end(bytes, at, start, value);
        return (!word.is_empty() && stop - value >= 6).then_some((value, stop));
    }
    if is_one_of(&SCHEMES) {
        return (word.len() >= 6).then_some((value, stop));
    }
    // Without a scheme it may be code (`authorization: getHeader()`): a token has digits and is long.
    let is_token = |from: usize, to: usize| {
        let word = bytes.get(from..to).unwrap_or_default();
        let digits = word.iter().filter(|b| b.is_ascii_digit()).count();
        word.len() >= DENSE && digits >= 2 && bytes.get(to) != Some(&b'(')
    };
    if is_token(start, end) {
        return Some((start, end));
    }
    if !scheme.is_empty() && is_token(value, stop) {
        return Some((value, stop));
    }
    *barren = end;
    None
}

/// Where the value begins that belongs to the name which ends at `from`: behind a colon or an equals sign, as code and
/// lists of pairs have it, too: `headers["…"] = "`, `"name": "…", "value": "`, `set("…", "`, `["…", "`.
fn value_start(bytes: &[u8], from: usize) -> Option<usize> {
    let blank = |b: u8| matches!(b, b' ' | b'\t' | b'"' | b'\'' | b'\\' | b'`');
    let closed = skip(bytes, from, 8, |b| blank(b) || b == b']');
    let behind = skip(bytes, closed + 1, 12, |b| blank(b) || matches!(b, b'[' | b'\n'));
    match bytes.get(closed)? {
        b':' | b'=' => Some(behind),
        // Prose has no quotes on both sides of its comma.
        b',' if closed > from && is_quoted(bytes, behind) => {
            let word = bytes.get(behind..behind + 5).unwrap_or_default();
            if !word.eq_ignore_ascii_case(b"value") {
                return Some(behind);
            }
            let sign = skip(bytes, behind + 5, 8, blank);
            (bytes.get(sign) == Some(&b':')).then(|| skip(bytes, sign + 1, 8, blank))
        }
        _ => None,
    }
}

fn is_quoted(bytes: &[u8], at: usize) -> bool {
    at.checked_sub(1).and_then(|before| bytes.get(before)).is_some_and(|b| matches!(b, b'"' | b'\'' | b'`'))
}

/// Where a value of many words ends that begins at `start`, of the header at `at`: where the quote is closed that stands
/// before the value, or before the header, else with the line.
fn line_end(bytes: &[u8], at: usize, start: usize, value: usize) -> usize {
    /// Bytes of the longest value.
    const LONGEST: usize = 8 << 10;
    let before = |at: usize, n: usize| at.checked_sub(n).and_then(|at| bytes.get(at)).copied();
    let opens = |at: usize, quotes: &[u8]| before(at, 1).filter(|b| quotes.contains(b));
    let quote = match before(start, 2) {
        Some(b'\\') => None,
        _ => opens(start, b"\"'`"),
    };
    let quote = quote.or_else(|| opens(at, b"'`"));
    let rest = bytes.get(value..).unwrap_or_default();
    let mut escaped = false;
    let ends = |b: &u8| {
        let is_end = *b == b'\n' || (Some(*b) == quote && !escaped);
        escaped = *b == b'\\' && !escaped;
        is_end
    };
    let end = rest.iter().take(LONGEST).position(ends).unwrap_or(rest.len().min(LONGEST));
    value + end
}

fn in_value(b: u8) -> bool {
    is_value(b) || matches!(b, b'|' | b':' | b'%' | b'$' | b'!' | b'*')
}

pub(super) fn is_value(b: u8) -> bool {
    b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~' | b'+' | b'/' | b'=')
}

fn skip(bytes: &[u8], from: usize, most: usize, what: impl Fn(u8) -> bool) -> usize {
    from + bytes.get(from..).unwrap_or_default().iter().take(most).take_while(|b| what(**b)).count()
}
