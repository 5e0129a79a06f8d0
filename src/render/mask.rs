//! What was masked says so: to who points at it, and to who is read the page.

use crate::redact::MASK;

/// `html` with every mask in its words in an element that says what it is.
///
/// Neither words nor attributes have a bare `<` or `>` in them ([`Html`](super::Html)): what is a tag is plain.
pub(super) fn named(html: String) -> String {
    if !html.contains(MASK) {
        return html;
    }
    let mut out = String::with_capacity(html.len() * 2);
    let mut rest = html.as_str();
    let mut bare = false;
    while let Some((before, after)) = rest.split_once(MASK) {
        bare = takes_no_element(before).unwrap_or(bare);
        out.push_str(before);
        if bare {
            out.push_str(MASK);
        } else {
            out.push_str("<span role=\"img\" aria-label=\"hidden\" title=\"hidden\">");
            out.push_str(MASK);
            out.push_str("</span>");
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

/// Whether what follows stands in a tag, or in a title; `None` where no tag begins or ends.
fn takes_no_element(before: &str) -> Option<bool> {
    let (open, close) = (before.rfind('<'), before.rfind('>'));
    if open > close {
        return Some(true);
    }
    close?;
    let last = open.and_then(|at| before.get(at..)).unwrap_or_default();
    Some(last.starts_with("<title"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_in_words_are_named_and_those_in_titles_and_attributes_stay() {
        let span = format!("<span role=\"img\" aria-label=\"hidden\" title=\"hidden\">{MASK}</span>");
        for (html, want) in [
            ("<p>a</p>", "<p>a</p>"),
            ("*", "#"),
            ("<p>a * b * <b>*</b></p>", "<p>a # b # <b>#</b></p>"),
            ("<title>* and *</title><p>*</p>", "<title>* and *</title><p>#</p>"),
            ("<i title=\"* *\">*</i>", "<i title=\"* *\">#</i>"),
        ] {
            let want = want.replace('*', MASK).replace('#', &span);
            assert_eq!(named(html.replace('*', MASK)), want, "{html}");
        }
    }
}
