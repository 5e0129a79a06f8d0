//! Secrets that cannot be mistaken: tokens with their vendor's prefix, JSON web tokens, `Authorization`
//! values, passwords in URLs.
//!
//! One automaton looks for the short anchors of all rules; only where one stands is more done. Every rule
//! looks at bounded text or at text that it then masks, so that the whole is linear.

use std::borrow::Cow;
use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, MatchKind};

use super::header;

/// What stands in a secret's place.
pub const MASK: &str = "▇▇▇▇▇▇▇▇";

/// What follows an anchor.
#[derive(Clone, Copy, Debug)]
enum Rule {
    /// At least this many characters of the set; the anchor stays.
    Token(Set, usize),
    /// As `Token`, but only where a word begins, and only if an unbroken run of 16 with a digit is in it.
    Key(Set, usize),
    /// The rest of a JSON web token.
    Jwt,
    /// The value of an `Authorization` header or of one like it, or of a setting that is named so.
    Header,
    /// A value after `Bearer `.
    Bearer,
    /// `user:password@` after `://`.
    Url,
}

/// Letters and digits without a break that a key has at least.
pub(super) const DENSE: usize = 16;
/// Characters of tokens.
#[derive(Clone, Copy, Debug)]
enum Set {
    /// Letters and digits.
    Alnum,
    /// Capitals and digits.
    Upper,
    /// Letters, digits, `_`, `-`.
    Url,
    /// Letters, digits, `_`, `-`, `.`.
    Dotted,
    /// Letters, digits, `_`, `-`, `/`.
    Path,
    /// Letters, digits, and what base64 has besides in any of its alphabets, `%` of an encoded one included.
    Base64,
}

impl Set {
    const COUNT: usize = 6;

    fn has(self, b: u8) -> bool {
        match self {
            Set::Alnum => b.is_ascii_alphanumeric(),
            Set::Upper => b.is_ascii_uppercase() || b.is_ascii_digit(),
            Set::Url => b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'),
            Set::Dotted => b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'),
            Set::Path => b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'/'),
            Set::Base64 => b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'+' | b'/' | b'=' | b'%'),
        }
    }
}

/// Anchors, longest prefix first where one begins another; sources: the vendors' pages on token formats.
const RULES: &[(&str, Rule)] = &[
    ("sk-ant-", Rule::Token(Set::Url, 16)),
    ("sk-", Rule::Key(Set::Url, 20)),
    ("ghp_", Rule::Token(Set::Alnum, 30)),
    ("gho_", Rule::Token(Set::Alnum, 30)),
    ("ghu_", Rule::Token(Set::Alnum, 30)),
    ("ghs_", Rule::Token(Set::Url, 30)),
    ("ghr_", Rule::Token(Set::Alnum, 30)),
    ("github_pat_", Rule::Token(Set::Url, 22)),
    ("glpat-", Rule::Token(Set::Dotted, 20)),
    ("gldt-", Rule::Token(Set::Url, 20)),
    ("glrt-", Rule::Token(Set::Dotted, 20)),
    ("glptt-", Rule::Token(Set::Dotted, 20)),
    ("gloas-", Rule::Token(Set::Dotted, 20)),
    ("glft-", Rule::Token(Set::Dotted, 20)),
    ("glcbt-", Rule::Token(Set::Dotted, 20)),
    ("AKIA", Rule::Token(Set::Upper, 16)),
    ("ASIA", Rule::Token(Set::Upper, 16)),
    ("ABIA", Rule::Token(Set::Upper, 16)),
    ("AIza", Rule::Token(Set::Url, 35)),
    ("GOCSPX-", Rule::Token(Set::Url, 20)),
    ("ya29.", Rule::Token(Set::Dotted, 30)),
    ("xoxb-", Rule::Token(Set::Url, 20)),
    ("xoxp-", Rule::Token(Set::Url, 20)),
    ("xoxa-", Rule::Token(Set::Url, 20)),
    ("xoxr-", Rule::Token(Set::Url, 20)),
    ("xoxs-", Rule::Token(Set::Url, 20)),
    ("xoxe-", Rule::Token(Set::Url, 20)),
    ("xoxc-", Rule::Token(Set::Url, 20)),
    ("xoxd-", Rule::Token(Set::Base64, 20)),
    ("xoxe.xox", Rule::Token(Set::Dotted, 20)),
    ("xapp-", Rule::Token(Set::Url, 20)),
    ("hooks.slack.com/services/", Rule::Token(Set::Path, 20)),
    ("hooks.slack.com/workflows/", Rule::Token(Set::Path, 20)),
    ("discord.com/api/webhooks/", Rule::Token(Set::Path, 40)),
    ("discordapp.com/api/webhooks/", Rule::Token(Set::Path, 40)),
    ("npm_", Rule::Key(Set::Alnum, 36)),
    ("pypi-AgE", Rule::Token(Set::Url, 40)),
    ("hf_", Rule::Key(Set::Alnum, 30)),
    ("sk_live_", Rule::Token(Set::Alnum, 16)),
    ("rk_live_", Rule::Token(Set::Alnum, 16)),
    ("sk_test_", Rule::Token(Set::Alnum, 16)),
    ("rk_test_", Rule::Token(Set::Alnum, 16)),
    ("whsec_", Rule::Token(Set::Base64, 24)),
    ("SG.", Rule::Key(Set::Dotted, 60)),
    ("shpat_", Rule::Token(Set::Alnum, 32)),
    ("shpss_", Rule::Token(Set::Alnum, 32)),
    ("shpca_", Rule::Token(Set::Alnum, 32)),
    ("shppa_", Rule::Token(Set::Alnum, 32)),
    ("sq0csp-", Rule::Token(Set::Url, 22)),
    ("sq0atp-", Rule::Token(Set::Url, 22)),
    ("ATATT3x", Rule::Token(Set::Base64, 40)),
    ("sbp_", Rule::Key(Set::Alnum, 40)),
    ("HRKU-", Rule::Token(Set::Url, 30)),
    ("dp.pt.", Rule::Key(Set::Alnum, 40)),
    ("nfp_", Rule::Key(Set::Alnum, 36)),
    ("ops_eyJ", Rule::Token(Set::Base64, 40)),
    ("key-", Rule::Key(Set::Alnum, 32)),
    ("v1.0-", Rule::Key(Set::Url, 60)),
    (":AA", Rule::Token(Set::Url, 32)),
    ("dop_v1_", Rule::Token(Set::Alnum, 60)),
    ("doo_v1_", Rule::Token(Set::Alnum, 60)),
    ("glsa_", Rule::Token(Set::Url, 32)),
    ("glc_ey", Rule::Token(Set::Alnum, 32)),
    ("gsk_", Rule::Key(Set::Alnum, 40)),
    ("xai-", Rule::Key(Set::Alnum, 60)),
    ("r8_", Rule::Key(Set::Alnum, 36)),
    ("pplx-", Rule::Key(Set::Alnum, 40)),
    ("lin_api_", Rule::Token(Set::Alnum, 32)),
    ("lin_oauth_", Rule::Token(Set::Alnum, 32)),
    ("ntn_", Rule::Key(Set::Alnum, 40)),
    ("dapi", Rule::Key(Set::Alnum, 32)),
    ("tskey-", Rule::Token(Set::Url, 20)),
    ("hvs.", Rule::Token(Set::Url, 24)),
    ("hvb.", Rule::Token(Set::Url, 24)),
    ("figd_", Rule::Token(Set::Url, 36)),
    ("sntrys_", Rule::Token(Set::Url, 40)),
    ("sntryu_", Rule::Token(Set::Alnum, 40)),
    ("NRAK-", Rule::Token(Set::Upper, 24)),
    ("AGE-SECRET-KEY-1", Rule::Token(Set::Upper, 40)),
    ("PMAK-", Rule::Token(Set::Url, 40)),
    ("rubygems_", Rule::Token(Set::Alnum, 40)),
    ("pul-", Rule::Key(Set::Alnum, 40)),
    ("dckr_pat_", Rule::Token(Set::Url, 24)),
    ("AccountKey=", Rule::Token(Set::Base64, 60)),
    ("SharedAccessKey=", Rule::Token(Set::Base64, 40)),
    ("?sig=", Rule::Token(Set::Base64, 40)),
    ("&sig=", Rule::Token(Set::Base64, 40)),
    ("eyJ", Rule::Jwt),
    ("authorization", Rule::Header),
    ("x-api-key", Rule::Header),
    ("private-token", Rule::Header),
    ("x-auth-token", Rule::Header),
    ("aws_secret_access_key", Rule::Header),
    ("aws_session_token", Rule::Header),
    ("SecretAccessKey", Rule::Header),
    ("bearer ", Rule::Bearer),
    ("://", Rule::Url),
    // As JSON may write it.
    (r":\/\/", Rule::Url),
];

/// `None` if it could not be built: then nothing is shown.
static ANCHORS: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    AhoCorasick::builder()
        .match_kind(MatchKind::LeftmostLongest)
        .ascii_case_insensitive(true)
        .build(RULES.iter().map(|(anchor, _)| anchor))
        .ok()
});

/// Whether a field of this name holds a credential.
pub(super) fn is_header(name: &str) -> bool {
    let is_it =
        |(anchor, rule): &(&str, Rule)| matches!(rule, Rule::Header) && anchor.eq_ignore_ascii_case(name);
    RULES.iter().any(is_it)
}

/// `raw` without secrets.
pub(super) fn masked(raw: &str) -> Cow<'_, str> {
    let Some(anchors) = ANCHORS.as_ref() else { return Cow::Borrowed(MASK) };
    let bytes = raw.as_bytes();
    let mut out = String::new();
    let mut done = 0;
    let mut from = 0;
    let mut barren = Barren::default();
    while let Some(found) = anchors.find(aho_corasick::Input::new(bytes).range(from..)) {
        let rule = RULES.get(found.pattern().as_usize());
        let secret = rule.and_then(|(anchor, rule)| secret(bytes, found.start(), anchor, *rule, &mut barren));
        match secret {
            Some((start, end)) if start >= done => {
                out.push_str(&raw[done..start]);
                out.push_str(MASK);
                done = end;
                from = end;
            }
            _ => from = found.start() + 1,
        }
    }
    if done == 0 {
        return Cow::Borrowed(raw);
    }
    out.push_str(&raw[done..]);
    Cow::Owned(out)
}

/// How far text was looked through that holds no secret for a rule: what begins later in it and ends where it ends
/// holds none either. Without that, an anchor in a very long word would be looked at as often as it stands there.
#[derive(Debug, Default)]
struct Barren {
    /// The end of the last word that was no key, by the set of its characters.
    keys: [usize; Set::COUNT],
    /// The end of the last word that was no value of a header.
    values: usize,
}

/// The span to be masked, if the rule holds for the anchor at `at`.
fn secret(bytes: &[u8], at: usize, anchor: &str, rule: Rule, barren: &mut Barren) -> Option<(usize, usize)> {
    let body = at + anchor.len();
    let exact = || bytes.get(at..body) == Some(anchor.as_bytes());
    match rule {
        Rule::Token(set, least) => {
            if !exact() {
                return None;
            }
            let end = run(bytes, body, |b| set.has(b));
            (end - body >= least).then_some((body, end))
        }
        Rule::Key(set, least) => {
            let known = barren.keys.get_mut(set as usize)?;
            if body < *known || !exact() || !begins_word(bytes, at) {
                return None;
            }
            let end = run(bytes, body, |b| set.has(b));
            let token = bytes.get(body..end)?;
            let dense = token
                .split(|b| !b.is_ascii_alphanumeric())
                .any(|part| part.len() >= DENSE && part.iter().any(u8::is_ascii_digit));
            if !dense {
                *known = end;
            }
            (token.len() >= least && dense).then_some((body, end))
        }
        Rule::Jwt => {
            if !exact() || !begins_word(bytes, at) {
                return None;
            }
            let segment = |from| run(bytes, from, |b| Set::Url.has(b));
            let head = segment(body);
            let claims = dot(bytes, head).map(segment)?;
            let signature = dot(bytes, claims).map(segment)?;
            // An encrypted one has two parts more.
            let more = |end| dot(bytes, end).map(segment).filter(|more| more - end >= 9);
            let end = more(signature).and_then(more).unwrap_or(signature);
            (head - body >= 8 && claims - head >= 9 && signature - claims >= 9).then_some((body, end))
        }
        Rule::Header => header::value(bytes, at, body, &mut barren.values),
        Rule::Bearer => {
            let end = run(bytes, body, |b| header::is_value(b) || b == b'|');
            let value = bytes.get(body..end)?;
            (value.len() >= 20 && value.iter().any(u8::is_ascii_digit)).then_some((body, end))
        }
        Rule::Url => url_password(bytes, body),
    }
}

pub(super) fn run(bytes: &[u8], from: usize, has: impl Fn(u8) -> bool) -> usize {
    from + bytes.get(from..).unwrap_or_default().iter().take_while(|b| has(**b)).count()
}

fn dot(bytes: &[u8], at: usize) -> Option<usize> {
    (bytes.get(at) == Some(&b'.')).then_some(at + 1)
}

/// A word begins at `at`; the letter of an escape (`\n`, `\x1b[32m`, `%3D`) before it is no part of it.
fn begins_word(bytes: &[u8], at: usize) -> bool {
    let before = |n: usize| at.checked_sub(n).and_then(|at| bytes.get(at)).copied();
    match before(1) {
        None => true,
        Some(b) if !b.is_ascii_alphanumeric() && !matches!(b, b'_' | b'-') => true,
        Some(b'n' | b'r' | b't' | b'"') if before(2) == Some(b'\\') => true,
        Some(b'm') => {
            let digits = (2..12).find(|n| !matches!(before(*n), Some(b'0'..=b'9' | b';')));
            digits.is_some_and(|n| before(n) == Some(b'['))
        }
        Some(b) if b.is_ascii_hexdigit() => {
            before(3) == Some(b'%') && before(2).is_some_and(|b| b.is_ascii_hexdigit())
        }
        _ => false,
    }
}

/// The password between the first `:` and the last `@` before the host. One that nobody encoded may have a `/` in it: then
/// what follows the `:` is neither a port nor a placeholder.
fn url_password(bytes: &[u8], from: usize) -> Option<(usize, usize)> {
    let ends = |b: &u8| b.is_ascii_whitespace() || matches!(b, b'"' | b'\'' | b'<' | b'>' | b'`' | b'\\');
    let rest = bytes.get(from..)?;
    let rest = rest.get(..rest.len().min(512))?;
    let word = rest.get(..rest.iter().position(ends).unwrap_or(rest.len()))?;
    let slash = word.iter().position(|b| *b == b'/').unwrap_or(word.len());
    let authority = word.get(..slash)?;
    let colon = authority.iter().position(|b| *b == b':')?;
    let first = authority.get(colon + 1..)?;
    let at = match authority.iter().rposition(|b| *b == b'@') {
        Some(at) => at,
        None if first.iter().all(u8::is_ascii_digit) || is_placeholder(first) => return None,
        // The host is an address of IPv6.
        None if authority.starts_with(b"[") => return None,
        None => slash + word.get(slash..)?.iter().position(|b| *b == b'@')?,
    };
    let password = word.get(colon + 1..at)?;
    (!password.is_empty() && !is_placeholder(password)).then_some((from + colon + 1, from + at))
}

/// `${NAME}`, `$NAME`, `{name}`, `***`: where a secret is to be put, or was.
fn is_placeholder(word: &[u8]) -> bool {
    let name = |word: &[u8]| word.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'_');
    let upper = |word: &[u8]| name(word) && !word.iter().any(u8::is_ascii_lowercase);
    match word {
        [b'$', b'{', inner @ .., b'}'] | [b'{', inner @ .., b'}'] => name(inner),
        [b'$', inner @ ..] => upper(inner),
        _ => word.iter().all(|b| *b == b'*'),
    }
}
