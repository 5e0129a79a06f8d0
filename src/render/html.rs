//! [`Html`], the type of what is already HTML, and the one function that escapes.
//!
//! Raw markup enters an [`Html`] only as a `&'static str` of this program, everything else is escaped on
//! its way in: text of a session cannot become markup by mistake, it would not compile.

use std::fmt;

/// A piece of HTML, safe to put between tags of a page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Html(String);

impl Html {
    /// Nothing yet.
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// Escaped text.
    pub(super) fn of(text: &str) -> Self {
        let mut html = Self::new();
        html.text(text);
        html
    }

    /// Appends markup written in this program.
    pub(super) fn raw(&mut self, markup: &'static str) -> &mut Self {
        self.0.push_str(markup);
        self
    }

    /// Appends text: escaped, for an element or a quoted attribute, without control characters.
    pub(super) fn text(&mut self, text: &str) -> &mut Self {
        escape_into(text, &mut self.0);
        self
    }

    /// Appends at most `max` characters of text, with an ellipsis if that cuts it. For what is short by
    /// nature: nothing keeps a stranger from a path of a hundred megabytes.
    pub(super) fn clip(&mut self, text: &str, max: usize) -> &mut Self {
        let cut = super::phrase::clip(text, max);
        self.text(cut);
        if cut.len() < text.len() { self.raw("…") } else { self }
    }

    /// Appends text as a value in the query of an address: percent-encoded, so that it needs no escaping.
    pub(super) fn query(&mut self, text: &str) -> &mut Self {
        use fmt::Write;
        for byte in text.bytes() {
            if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
                self.0.push(char::from(byte));
            } else {
                // Writing to a String cannot fail.
                let _ = write!(self.0, "%{byte:02X}");
            }
        }
        self
    }

    /// Appends what is HTML already.
    pub(super) fn html(&mut self, html: &Html) -> &mut Self {
        self.0.push_str(&html.0);
        self
    }

    /// Takes back everything from byte `len` on, which must be where a piece of markup or text began.
    pub(super) fn cut(&mut self, len: usize) {
        self.0.truncate(len);
    }

    /// Appends a whole number.
    pub(super) fn num(&mut self, number: impl Into<u64>) -> &mut Self {
        use fmt::Write;
        // Writing to a String cannot fail.
        let _ = write!(self.0, "{}", number.into());
        self
    }

    /// The HTML.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// True if there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Length in bytes.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The HTML, owned.
    pub fn into_string(self) -> String {
        self.0
    }
}

impl fmt::Display for Html {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

// Templates put an `Html` on the page as it is, and escape all else.
impl askama::filters::HtmlSafe for Html {}

/// Whether a character may be shown. Dropped are C0 (but line feed and tab), DEL, C1, and the bidi
/// embeddings, overrides and isolates, which make a line read other than it is ("Trojan Source").
pub(super) fn shown(c: char) -> bool {
    !matches!(c,
        '\0'..='\u{8}' | '\u{b}'..='\u{1f}' | '\u{7f}'..='\u{9f}'
        | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Escapes for element content and quoted attribute values alike.
fn escape_into(text: &str, out: &mut String) {
    out.reserve(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c if shown(c) => out.push(c),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_and_quotes_are_escaped() {
        assert_eq!(Html::of(r#"<a b='c' d="e">&"#).as_str(), "&lt;a b=&#39;c&#39; d=&quot;e&quot;&gt;&amp;");
    }

    #[test]
    fn control_and_bidi_characters_are_dropped_but_line_breaks_and_tabs_stay() {
        assert_eq!(Html::of("a\0\x1b[31m\u{7f}\u{9b}\u{202e}\u{2066}\r\n\tb").as_str(), "a[31m\n\tb");
    }
}
