//! What a person types to search, as an expression of FTS5; how a text is stored for it; and its snippets, cut at the
//! marks.
//!
//! Chinese, Japanese and Korean are written without blanks between words, or with more than a word between two: each
//! character of theirs is a word of its own, and what is typed of them a phrase, so that it is found wherever it stands.

use std::borrow::Cow;

use super::search::Span;

/// Marks put around a hit by FTS5. Texts are stored without them.
pub(super) const MARKS: [char; 2] = ['\u{1}', '\u{2}'];

/// Characters of a word in a snippet.
const WORD: usize = 64;
/// What parts characters that are words of their own: nothing that is seen, and no letter to FTS5.
const PARTING: char = '\u{200b}';

/// Words (their beginnings count) and "phrases in quotes", all of which must be there. `None` if there is no
/// word in it.
pub(super) fn expression(query: &str) -> Option<String> {
    let mut terms = Vec::new();
    for (i, part) in query.split('"').enumerate() {
        if i % 2 == 1 {
            terms.extend(term(part));
        } else {
            terms.extend(part.split_whitespace().filter_map(term).map(|term| format!("{term}*")));
        }
    }
    (!terms.is_empty()).then(|| terms.join(" AND "))
}

/// A string of FTS5: nothing in it is an operator. One without a letter or digit would match nothing.
fn term(text: &str) -> Option<String> {
    text.chars().any(char::is_alphanumeric).then(|| {
        let plain: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        format!("\"{}\"", parted(plain.trim()))
    })
}

/// A text as it is stored: without the marks, and parted.
pub(super) fn stored(text: &str) -> String {
    let text = text.replace(MARKS, " ");
    match parted(&text) {
        Cow::Owned(parted) => parted,
        Cow::Borrowed(_) => text,
    }
}

/// `text` with characters that are words of their own parted from each other, and from letters beside them.
fn parted(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_word) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() * 2);
    let mut before = ' ';
    for c in text.chars() {
        let meet = before.is_alphanumeric() && c.is_alphanumeric();
        if meet && (is_word(before) || is_word(c)) {
            out.push(PARTING);
        }
        out.push(c);
        before = c;
    }
    Cow::Owned(out)
}

/// Ideographs, kana, bopomofo and Korean syllables (blocks of Unicode).
fn is_word(c: char) -> bool {
    matches!(c,
        '\u{3005}'..='\u{3007}' | '\u{3041}'..='\u{318f}' | '\u{31a0}'..='\u{31bf}' | '\u{31f0}'..='\u{31ff}'
        | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{ac00}'..='\u{d7a3}' | '\u{f900}'..='\u{faff}'
        | '\u{ff66}'..='\u{ff9f}' | '\u{20000}'..='\u{3ffff}')
}

/// A snippet with marks as runs of text.
pub(super) fn spans(marked: &str) -> Vec<Span> {
    let mut spans = Vec::new();
    let mut hit = false;
    for text in marked.split(MARKS) {
        if !text.is_empty() {
            spans.push(Span { text: shortened(&text.replace(PARTING, "")), hit });
        }
        hit = !hit;
    }
    spans
}

/// `text` with the middle of each word left out that is longer than [`WORD`]: encoded bytes, a minified file.
fn shortened(text: &str) -> String {
    let short = |word: &str| -> String {
        let chars: Vec<char> = word.chars().collect();
        let end = chars.len().saturating_sub(WORD / 2);
        match chars.get(..WORD / 2).zip(chars.get(end..)) {
            Some((start, end)) if chars.len() > WORD => start.iter().chain(&['…']).chain(end).collect(),
            _ => word.to_owned(),
        }
    };
    text.split_inclusive(char::is_whitespace).map(short).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_a_snippet_are_not_longer_than_a_line() {
        let (fits, half) = ("x".repeat(WORD - 1), "y".repeat(WORD / 2));
        let shown = shortened(&format!("a {fits} {half}-in-the-middle-{half}"));
        assert_eq!(shown, format!("a {fits} {half}…{half}"));
        assert_eq!(shortened("short  words\n"), "short  words\n");
    }

    #[test]
    fn what_is_typed_has_no_operators() {
        for (typed, wanted) in [
            ("fix tests", Some(r#""fix"* AND "tests"*"#)),
            ("\"exact phrase\" word", Some(r#""exact phrase" AND "word"*"#)),
            ("a OR b", Some(r#""a"* AND "OR"* AND "b"*"#)),
            ("text:x NEAR(y) ^z *", Some(r#""text:x"* AND "NEAR(y)"* AND "^z"*"#)),
            ("unclosed \"phrase", Some(r#""unclosed"* AND "phrase""#)),
            ("tab\0bed", Some(r#""tab bed"*"#)),
            ("日本", Some("\"日\u{200b}本\"*")),
            ("\"v2の\"", Some("\"v2\u{200b}の\"")),
            ("-- \"\" *", None),
            ("", None),
        ] {
            assert_eq!(expression(typed).as_deref(), wanted, "{typed}");
        }
    }

    #[test]
    fn characters_that_are_words_are_parted_and_nothing_else_is() {
        for (text, wanted) in [
            ("über words, naïve", "über words, naïve"),
            ("日本語のtest、良い", "日|本|語|の|test、良|い"),
            ("빌드 실패", "빌|드 실|패"),
            ("a\u{1}b", "a b"),
        ] {
            assert_eq!(stored(text), wanted.replace('|', "\u{200b}"), "{text}");
            let shown: String = spans(&stored(text)).into_iter().map(|span| span.text).collect();
            assert_eq!(shown, text.replace('\u{1}', " "), "what is shown is what was said");
        }
    }

    #[test]
    fn snippets_are_cut_at_their_marks() {
        let told: Vec<(String, bool)> =
            spans("…a \u{1}hit\u{2} and \u{1}more\u{2}").into_iter().map(|s| (s.text, s.hit)).collect();
        let wanted = [("…a ", false), ("hit", true), (" and ", false), ("more", true)];
        assert_eq!(told, wanted.map(|(text, hit)| (text.to_owned(), hit)));
        assert!(spans("").is_empty());
    }
}
