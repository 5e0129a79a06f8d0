//! Text that is fit for a terminal: nothing that a file name, a title or a tunnel's output could use to control it.

use std::borrow::Cow;

use anstream::adapter::strip_str;

/// `text` on one line, without sequences that colour it or steer a terminal otherwise, without control characters (C0,
/// C1, DEL) and without those that change the direction or are not seen.
pub fn plain(text: &str) -> Cow<'_, str> {
    if text.chars().all(is_plain) {
        return Cow::Borrowed(text);
    }
    let stripped = strip_str(text).to_string();
    stripped.chars().map(|c| if is_plain(c) { c } else { ' ' }).collect::<String>().into()
}

/// Like [`plain`], line breaks kept.
pub fn plain_lines(text: &str) -> String {
    text.lines().map(plain).collect::<Vec<_>>().join("\n")
}

fn is_plain(c: char) -> bool {
    // Bidi marks, embeddings, overrides and isolates; zero-width characters; the byte order mark.
    let steers = matches!(c, '\u{061c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}');
    !c.is_control() && !steers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_steers_a_terminal_passes() {
        for (raw, shown) in [
            ("plain, Ünïcode 日本 ✓", "plain, Ünïcode 日本 ✓"),
            ("red \u{1b}[31mtext", "red text"),
            ("c1 \u{9b}31m", "c1  31m"),
            ("title\u{1b}]0;x\u{7}", "title"),
            ("a\u{202e}b\u{2066}c\u{200b}d", "a b c d"),
            ("line\nbreak\r", "line break "),
            ("a\u{7f}\0", "a"),
        ] {
            assert_eq!(plain(raw), shown);
        }
        assert_eq!(plain_lines("a\u{1b}[2J\nb\r\n"), "a\nb");
    }
}
