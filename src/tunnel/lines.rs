//! PURE: from chunks of a client's output to plain lines.
//!
//! A line ends at `\n` or `\r` (progress displays end theirs with `\r` alone). What a terminal would obey is
//! removed, so that a stored line can be printed anywhere.

/// Bytes of one line that are looked at; the rest of a longer line is dropped, so that memory is bounded.
pub const LINE_CAP: usize = 64 * 1024;

/// Splits a stream into lines, wherever the chunks were cut.
#[derive(Debug, Default)]
pub struct Lines {
    partial: Vec<u8>,
}

impl Lines {
    /// Takes the next chunk and hands every line that it completes to `on_line`, cleaned. Empty lines are skipped.
    pub fn feed(&mut self, chunk: &[u8], mut on_line: impl FnMut(&str)) {
        let mut rest = chunk;
        while let Some(end) = memchr::memchr2(b'\n', b'\r', rest) {
            let (line, after) = rest.split_at(end);
            self.keep(line);
            self.emit(&mut on_line);
            rest = after.get(1..).unwrap_or_default();
        }
        self.keep(rest);
    }

    /// The stream has ended: what is left is the last line.
    pub fn finish(&mut self, mut on_line: impl FnMut(&str)) {
        self.emit(&mut on_line);
        self.partial = Vec::new();
    }

    fn keep(&mut self, bytes: &[u8]) {
        let room = LINE_CAP.saturating_sub(self.partial.len());
        self.partial.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
    }

    fn emit(&mut self, on_line: &mut impl FnMut(&str)) {
        if !self.partial.is_empty() {
            on_line(&plain(&self.partial));
            self.partial.clear();
        }
    }
}

/// Where the cleaner stands between two characters.
#[derive(Clone, Copy)]
enum At {
    Text,
    /// After ESC, and through intermediate bytes.
    Escape,
    /// Inside a control sequence (CSI): ends with `@`…`~`.
    Control,
    /// Inside a string (OSC, DCS, SOS, PM, APC): ends with BEL or ST.
    String,
    /// Inside a string, after an ESC that may begin ST.
    StringEscape,
}

/// The text of a line: invalid UTF-8 replaced, ANSI sequences, control and bidi characters removed, a tab is a space.
pub fn plain(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(line);
    let mut out = String::with_capacity(text.len());
    let mut at = At::Text;
    for c in text.chars() {
        at = match (at, c) {
            (At::Text | At::Control, '\u{1b}') => At::Escape,
            (At::Text, '\u{9b}') => At::Control,
            (At::Text, '\u{90}' | '\u{98}' | '\u{9d}'..='\u{9f}') => At::String,
            (At::Text, '\t' | '\u{2028}' | '\u{2029}') => {
                out.push(' ');
                At::Text
            }
            (At::Text, c) => {
                if !c.is_control() && !steers_layout(c) {
                    out.push(c);
                }
                At::Text
            }
            (At::Escape, '[') => At::Control,
            (At::Escape, ']' | 'P' | 'X' | '^' | '_') => At::String,
            (At::Escape, ' '..='/' | '\u{1b}') => At::Escape,
            (At::Escape, _) => At::Text,
            (At::Control, '@'..='~') => At::Text,
            (At::Control, _) => At::Control,
            (At::String | At::StringEscape, '\u{7}' | '\u{9c}') | (At::StringEscape, '\\') => At::Text,
            (At::String | At::StringEscape, '\u{1b}') => At::StringEscape,
            (At::String | At::StringEscape, _) => At::String,
        };
    }
    out
}

/// Marks, embeddings, overrides and isolates that make text read differently from how it is stored.
fn steers_layout(c: char) -> bool {
    matches!(
        c,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(chunks: &[&[u8]]) -> Vec<String> {
        let mut lines = Lines::default();
        let mut out = Vec::new();
        for chunk in chunks {
            lines.feed(chunk, |line| out.push(line.to_owned()));
        }
        lines.finish(|line| out.push(line.to_owned()));
        out
    }

    #[test]
    fn nothing_that_steers_a_terminal_survives() {
        let table: &[(&[u8], &str)] = &[
            (b"plain", "plain"),
            (b"\x1b[31;1mred\x1b[0m end", "red end"),
            (b"\x1b]8;;https://x\x07link\x1b]8;;\x1b\\ after", "link after"),
            (b"\x1b(Bset\x1b=x", "setx"),
            ("\u{9b}31mc1 \u{9d}title\u{9c}end".as_bytes(), "c1 end"),
            (b"a\tb\x00c\x7fd\x08e", "a bcde"),
            (b"bad \xff\xfe utf8 \xc3", "bad \u{fffd}\u{fffd} utf8 \u{fffd}"),
            ("\u{202e}evil\u{2066}x\u{feff}".as_bytes(), "evilx"),
            (b"\x1b]never ended, swallows the line", ""),
            (b"\x1b[\x1b[1mtwice", "twice"),
        ];
        for (input, expected) in table {
            assert_eq!(plain(input), *expected, "{input:?}");
        }
    }

    #[test]
    fn lines_end_at_lf_cr_and_the_end_of_the_stream() {
        assert_eq!(split(&[b"a\r\nb\rc\n\n", b"d", b"e"]), ["a", "b", "c", "de"]);
    }

    #[test]
    fn a_huge_line_is_cut_and_memory_stays_bounded() {
        let mut lines = Lines::default();
        let chunk = vec![b'x'; 1 << 20];
        let mut seen = Vec::new();
        for _ in 0..64 {
            lines.feed(&chunk, |line| seen.push(line.len()));
            assert!(lines.partial.capacity() <= 2 * LINE_CAP, "{}", lines.partial.capacity());
        }
        lines.feed(b"\nnext\n", |line| seen.push(line.len()));
        assert_eq!(seen, [LINE_CAP, 4]);
    }
}
