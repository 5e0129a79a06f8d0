//! Private keys in PEM blocks: every line between the markers is masked, the markers stay.
//!
//! A block whose end is missing (a cut output) is masked as far as its lines look like key material, also
//! behind what tools put before a line: numbers, `+`, `-`, `>`, quotes, comment marks. So are the lines before an end
//! whose beginning is missing. PuTTY writes how many lines its key has instead.

use std::borrow::Cow;

use memchr::memmem;

use super::clean::then;
use super::rules::MASK;

const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";
const KEY: &str = "PRIVATE KEY";
/// What stands before the number of a key's lines, see PuTTY's manual, appendix C.
const PUTTY: &str = "Private-Lines: ";
/// Longest block, in bytes.
const BLOCK: usize = 64 << 10;
/// Longest line of a block, in bytes.
const LINE: usize = 1024;
/// Longest name between `BEGIN` and the dashes.
const NAME: usize = 64;
/// Characters that a line of a key has at least, the last one excepted.
const LEAST: usize = 16;
/// Bytes of what may stand behind a marker on its line.
const DRESSING: usize = 16;
/// So many in a row are of a key beside its marker, whatever stands before and behind them.
const SURE: usize = 40;

/// `raw` without private keys. Linear in its length.
pub(super) fn masked(raw: &str) -> Cow<'_, str> {
    then(then(without_blocks(raw), without_tails), without_putty)
}

/// Without the private lines of PuTTY's keys.
fn without_putty(raw: &str) -> Cow<'_, str> {
    let mut out = String::new();
    let mut done = 0;
    for begin in memmem::find_iter(raw.as_bytes(), PUTTY).map(|at| at + PUTTY.len()) {
        let count = raw[begin..].find(|c: char| !c.is_ascii_digit()).unwrap_or(raw.len() - begin);
        if begin < done || count == 0 {
            continue;
        }
        let body = begin + count;
        let stop = body + material(&raw[body..]);
        out.push_str(&raw[done..body]);
        mask_lines(&raw[body..stop], &mut out);
        done = stop;
    }
    whole(raw, out, done)
}

/// Without what stands before an end whose beginning is missing: what begins has been masked.
fn without_tails(raw: &str) -> Cow<'_, str> {
    let mut out = String::new();
    let mut done = 0;
    for end in memmem::find_iter(raw.as_bytes(), END) {
        if end < done || after_name(raw, end + END.len()).is_none() {
            continue;
        }
        let (from, to) = tail(&raw[done..end]);
        if from < to {
            out.push_str(&raw[done..done + from]);
            mask_lines(&raw[done + from..done + to], &mut out);
            done += to;
        }
    }
    whole(raw, out, done)
}

/// Where key material stands at the end of what stands before an end marker: on the marker's own line without a break,
/// or on the lines before.
fn tail(before: &str) -> (usize, usize) {
    let own = before.trim_end_matches(|c| is_key(c) || c == '\\').len();
    if before.len() - own >= LEAST {
        return (own, before.len());
    }
    let near = before.len().saturating_sub(LINE);
    let line = memchr::memrchr(b'\n', before.as_bytes().get(near..).unwrap_or_default());
    let Some(lines) = line.map(|at| near + at + 1) else { return (0, 0) };
    let mut from = lines;
    for line in before[..lines].split_inclusive('\n').rev() {
        let is_long = line.trim().len() >= LEAST || from == lines;
        let is_bounded = lines - from < BLOCK && line.len() <= LINE;
        if !is_long || !is_bounded || line.trim().is_empty() || !is_material(line) {
            break;
        }
        from -= line.len();
    }
    (from, lines)
}

/// Without what stands between the markers, or behind a beginning whose end is missing.
fn without_blocks(raw: &str) -> Cow<'_, str> {
    let mut begins = memmem::find_iter(raw.as_bytes(), BEGIN).peekable();
    if begins.peek().is_none() {
        return Cow::Borrowed(raw);
    }
    let mut out = String::new();
    let mut done = 0;
    // The next end marker at or after a place; searched for only when passed.
    let mut end = Some(0);
    for begin in begins {
        if begin < done {
            continue;
        }
        let Some(body) = after_name(raw, begin + BEGIN.len()) else { continue };
        while let Some(at) = end.filter(|at| *at < body) {
            let from = at.max(body);
            end = memmem::find(raw.as_bytes().get(from..).unwrap_or_default(), END.as_bytes())
                .map(|found| from + found);
        }
        let stop = match end {
            Some(end) if end - body <= BLOCK => end,
            _ => body + material(&raw[body..]),
        };
        out.push_str(&raw[done..body]);
        mask_lines(&raw[body..stop], &mut out);
        done = stop;
    }
    whole(raw, out, done)
}

/// Where the block's body begins, if a marker of a private key goes on at `at`.
fn after_name(raw: &str, at: usize) -> Option<usize> {
    let name = &raw[at..raw.floor_char_boundary(at.saturating_add(NAME))];
    let dashes = name.find("-----")?;
    name[..dashes].contains(KEY).then_some(at + dashes + 5)
}

/// Bytes from the start of `rest` that look like key material. What is looked at beyond them is bounded by a
/// line, so that many markers in a row cost no more than their length.
fn material(rest: &str) -> usize {
    // On the marker's own line only what follows without a break can be the key (`\n` spelled out in it), or folded, at
    // blanks.
    let in_row = |text: &str| text.find(|c: char| !(is_key(c) || c == '\\')).unwrap_or(text.len());
    let mut own = in_row(rest);
    while let Some(folded) = rest[own..].strip_prefix(' ').map(in_row).filter(|len| *len >= SURE) {
        own += 1 + folded;
    }
    // What tools put behind a line is short.
    let near = &rest.as_bytes()[own..rest.len().min(own + DRESSING)];
    let Some(end) = memchr::memchr(b'\n', near) else { return own };
    let lines = own + end + 1;
    let mut len = lines;
    for line in rest[len..].split_inclusive('\n') {
        if len >= BLOCK || line.len() > LINE || !is_material(line) {
            break;
        }
        len += line.len();
    }
    if len > lines { len } else { own }
}

fn is_key(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=')
}

fn is_material(line: &str) -> bool {
    let line =
        line.trim_end_matches(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | ',' | '\\' | '+'));
    let line = line.strip_suffix("\\n").unwrap_or(line);
    let word = line.rsplit(|c: char| !(is_key(c) || matches!(c, '\\'))).next().unwrap_or_default();
    let before = &line[..line.len() - word.len()];
    let plain = before.chars().all(|c| c.is_ascii_digit() || c.is_whitespace() || "→+->|#*\"'/:".contains(c));
    let header = ["Proc-Type:", "DEK-Info:"].iter().any(|name| line.contains(name));
    header
        || line.trim().is_empty()
        || line.split(|c| !is_key(c)).any(|run| run.len() >= SURE)
        || (plain && !word.is_empty() && word.chars().all(|c| is_key(c) || c == '\\'))
}

/// `out`, which says what `raw` says up to `done`, and the rest.
fn whole(raw: &str, mut out: String, done: usize) -> Cow<'_, str> {
    if done == 0 {
        return Cow::Borrowed(raw);
    }
    out.push_str(&raw[done..]);
    Cow::Owned(out)
}

/// Replaces every line that is not blank by the mask; line breaks stay.
fn mask_lines(body: &str, out: &mut String) {
    for part in body.split_inclusive('\n') {
        let line = part.trim_end_matches(['\n', '\r']);
        if !line.trim().is_empty() {
            out.push_str(MASK);
        }
        out.push_str(&part[line.len()..]);
    }
}
