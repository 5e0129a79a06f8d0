//! What a person types to search, as an expression of FTS5; and its snippets, cut at the marks.

use super::search::Span;

/// Marks put around a hit by FTS5. Texts are stored without them.
pub(super) const MARKS: [char; 2] = ['\u{1}', '\u{2}'];

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
        format!("\"{}\"", plain.trim())
    })
}

/// A text as it is stored: without the marks.
pub(super) fn unmarked(text: &str) -> String {
    text.replace(MARKS, " ")
}

/// A snippet with marks as runs of text.
pub(super) fn spans(marked: &str) -> Vec<Span> {
    let mut spans = Vec::new();
    let mut hit = false;
    for text in marked.split(MARKS) {
        if !text.is_empty() {
            spans.push(Span { text: text.to_owned(), hit });
        }
        hit = !hit;
    }
    spans
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_has_no_operators() {
        for (typed, wanted) in [
            ("fix tests", Some(r#""fix"* AND "tests"*"#)),
            ("\"exact phrase\" word", Some(r#""exact phrase" AND "word"*"#)),
            ("a OR b", Some(r#""a"* AND "OR"* AND "b"*"#)),
            ("text:x NEAR(y) ^z *", Some(r#""text:x"* AND "NEAR(y)"* AND "^z"*"#)),
            ("unclosed \"phrase", Some(r#""unclosed"* AND "phrase""#)),
            ("tab\0bed", Some(r#""tab bed"*"#)),
            ("日本", Some(r#""日本"*"#)),
            ("-- \"\" *", None),
            ("", None),
        ] {
            assert_eq!(expression(typed).as_deref(), wanted, "{typed}");
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
