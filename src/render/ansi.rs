//! Terminal output: SGR colours become classes, every other escape sequence is dropped.

use super::html::{Html, shown};

/// The inks a terminal colour maps to: a palette of four, not the terminal's.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Style {
    ink: Option<Ink>,
    bold: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Ink {
    Red,
    Green,
    Yellow,
    Quiet,
}

impl Style {
    fn open(self) -> Option<&'static str> {
        Some(match (self.ink?, self.bold) {
            (Ink::Red, false) => "<span class=\"del\">",
            (Ink::Red, true) => "<span class=\"del b\">",
            (Ink::Green, false) => "<span class=\"add\">",
            (Ink::Green, true) => "<span class=\"add b\">",
            (Ink::Yellow, false) => "<span class=\"warn\">",
            (Ink::Yellow, true) => "<span class=\"warn b\">",
            (Ink::Quiet, false) => "<span class=\"c\">",
            (Ink::Quiet, true) => "<span class=\"c b\">",
        })
    }

    fn tag(self) -> Option<&'static str> {
        self.open().or(self.bold.then_some("<span class=\"b\">"))
    }

    /// Applies the parameters of one SGR sequence: `1;31`.
    fn apply(&mut self, params: &str) {
        let mut codes = params.split([';', ':']).map(|p| p.parse::<u16>().unwrap_or(0));
        while let Some(code) = codes.next() {
            match code {
                0 => *self = Self::default(),
                1 => self.bold = true,
                22 => *self = Self { bold: false, ink: self.ink.filter(|&ink| ink != Ink::Quiet) },
                2 | 90 => self.ink = Some(Ink::Quiet),
                30..=37 => self.ink = base(code - 30),
                91..=97 => self.ink = base(code - 90),
                39 => self.ink = None,
                38 | 48 | 58 => {
                    // Palette (5;n) or direct colour (2;r;g;b): only the palette's base has an ink here.
                    match codes.next() {
                        Some(5) => {
                            let n = codes.next().unwrap_or(0);
                            if code == 38 {
                                self.ink = if n < 16 { base(n % 8) } else { None };
                            }
                        }
                        Some(2) => {
                            codes.nth(2);
                        }
                        _ => {}
                    }
                }
                _ => {}
            }
        }
    }
}

/// The ink of one of the eight base colours.
fn base(colour: u16) -> Option<Ink> {
    match colour {
        1 => Some(Ink::Red),
        2 => Some(Ink::Green),
        3 => Some(Ink::Yellow),
        4..=6 => Some(Ink::Quiet),
        _ => None,
    }
}

/// The lines of `text`, each complete in itself. A carriage return inside a line starts it again, as on a
/// terminal, and so does a jump to its first column: of a progress bar the last state is left.
pub(super) fn lines(text: &str) -> Vec<Html> {
    let mut style = Style::default();
    let text = text.strip_suffix('\n').unwrap_or(text);
    text.split('\n').map(|line| self::line(line, &mut style)).collect()
}

fn line(line: &str, style: &mut Style) -> Html {
    let mut shown = Html::new();
    for part in line.split('\r') {
        let html = segment(part, style);
        if !html.is_empty() {
            shown = html;
        }
    }
    shown
}

/// What stands between two carriage returns.
fn segment(text: &str, style: &mut Style) -> Html {
    let (mut html, mut before) = (Html::new(), Html::new());
    let mut rest = text;
    while !rest.is_empty() {
        let at = rest.find(['\x1b', '\u{9b}', '\u{9d}']).unwrap_or(rest.len());
        let (plain, tail) = rest.split_at_checked(at).unwrap_or((rest, ""));
        if plain.chars().any(shown) {
            match style.tag() {
                Some(tag) => html.raw(tag).text(plain).raw("</span>"),
                None => html.text(plain),
            };
        }
        if is_first_column(tail) && !html.is_empty() {
            before = std::mem::take(&mut html);
        }
        rest = sequence(tail, style);
    }
    if html.is_empty() { before } else { html }
}

/// Whether `text` opens with a jump to the first column of its line (CHA).
fn is_first_column(text: &str) -> bool {
    let body = text.strip_prefix("\x1b[").or(text.strip_prefix('\u{9b}'));
    body.is_some_and(|body| ["G", "1G", "0G"].iter().any(|jump| body.starts_with(jump)))
}

/// Consumes the escape sequence `text` opens with, and returns what follows it.
fn sequence<'a>(text: &'a str, style: &mut Style) -> &'a str {
    let (csi, osc) = (text.strip_prefix("\x1b[").or(text.strip_prefix('\u{9b}')), osc(text));
    if let Some(body) = csi {
        let end = body.find(|c: char| !matches!(c, '\x20'..='\x3f'));
        let Some(end) = end else { return "" };
        let (params, tail) = body.split_at_checked(end).unwrap_or((body, ""));
        let Some(last) = tail.chars().next().filter(|c| matches!(c, '\x40'..='\x7e')) else { return tail };
        if last == 'm' {
            style.apply(params);
        }
        return tail.get(last.len_utf8()..).unwrap_or_default();
    }
    if let Some(body) = osc {
        // Ends with BEL or ST; an unfinished one ends with its line.
        let end = body.find(['\x07', '\x1b', '\u{9c}']);
        let Some(tail) = end.and_then(|end| body.get(end..)) else { return "" };
        return tail.strip_prefix("\x1b\\").or(tail.strip_prefix(['\x07', '\u{9c}'])).unwrap_or(tail);
    }
    // ESC with intermediates and a final character; a lone ESC is dropped.
    let tail = text.strip_prefix('\x1b').unwrap_or_default();
    let tail = tail.trim_start_matches(|c| matches!(c, '\x20'..='\x2f'));
    match tail.chars().next() {
        Some(last @ '\x30'..='\x7e') => tail.get(last.len_utf8()..).unwrap_or_default(),
        _ => tail,
    }
}

/// The body of an operating system command, a device control string or their like.
fn osc(text: &str) -> Option<&str> {
    text.strip_prefix('\u{9d}').or_else(|| text.strip_prefix('\x1b')?.strip_prefix([']', 'P', '^', '_', 'X']))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn show(text: &str) -> String {
        lines(text).iter().map(Html::as_str).collect::<Vec<_>>().join("|")
    }

    #[test]
    fn colours_become_classes_and_end_with_their_line() {
        for (text, want) in [
            ("\x1b[31mred\x1b[0m plain", "<span class=\"del\">red</span> plain"),
            ("\x1b[1;32mok\x1b[m", "<span class=\"add b\">ok</span>"),
            ("\x1b[33ma\nb\x1b[39mc", "<span class=\"warn\">a</span>|<span class=\"warn\">b</span>c"),
            ("\x1b[2mdim\x1b[22m x", "<span class=\"c\">dim</span> x"),
            ("\x1b[38;5;1mx\x1b[0m", "<span class=\"del\">x</span>"),
            ("\x1b[38;2;1;31;3mx\x1b[0m", "x"),
            ("\u{9b}31mx", "<span class=\"del\">x</span>"),
        ] {
            assert_eq!(show(text), want, "{text:?}");
        }
    }

    #[test]
    fn other_sequences_are_dropped() {
        for (text, want) in [
            ("\x1b[2J\x1b[1;1Hx", "x"),
            ("\x1b]0;title\x07x", "x"),
            ("\x1b]8;;http://a.example\x1b\\link\x1b]8;;\x1b\\", "link"),
            ("\x1b(Bx", "x"),
            ("x\x1b", "x"),
            ("x\x1b[31", "x"),
            ("\x1b]0;never ended", ""),
        ] {
            assert_eq!(show(text), want, "{text:?}");
        }
    }

    #[test]
    fn a_progress_bar_shows_its_last_state() {
        assert_eq!(show("10%\r50%\r100%\r\nnext"), "100%|next");
        assert_eq!(show("kept\r\x1b[K"), "kept");
        assert_eq!(show("10%\x1b[2K\x1b[1G\x1b[32mdone\x1b[0m"), "<span class=\"add\">done</span>");
        assert_eq!(show("kept\x1b[G"), "kept");
    }

    #[test]
    fn markup_in_output_is_text() {
        assert_eq!(show("\x1b[31m<b>\x1b[0m"), "<span class=\"del\">&lt;b&gt;</span>");
    }

    proptest! {
        #[test]
        fn no_sequence_leaves_a_control_character_or_an_open_span(text in "[\\x1b\\[\\]0-9;mKa<\r\n\u{9b}\u{9d}\x07\\\\]{0,80}") {
            for line in lines(&text) {
                let line = line.as_str();
                prop_assert!(!line.chars().any(char::is_control), "{line:?}");
                prop_assert_eq!(line.matches("<span").count(), line.matches("</span>").count());
            }
        }
    }
}
