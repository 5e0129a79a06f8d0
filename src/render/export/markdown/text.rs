//! Text of a session inside Markdown of ours: inline, fenced, or as it is but for what would not stay in its
//! place.

use std::ops::Range;

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag};

use crate::render::html::shown;
use crate::render::phrase;

/// Longest text that is parsed, in bytes; a longer one is fenced.
const MAX: usize = 256 << 10;
/// Most marks of lists and quotes at the start of a line: each costs the parser time on every later line.
const MARKS: usize = 32;
/// How often a text is made harmless and looked at again.
const ROUNDS: usize = 4;
/// A paragraph that must stand outside of everything when it follows a text.
const AFTER: &str = "afterwards";

/// `text` on one line, at most `max` characters: its code is code, nothing else in it means anything.
pub(super) fn inline(text: &str, max: usize) -> String {
    let line = phrase::one_line(&plain(text), max);
    let mut out = String::new();
    let mut rest = line.as_str();
    while let Some((before, after)) = rest.split_once('`') {
        let Some((span, tail)) = after.split_once('`').filter(|(span, _)| !span.trim().is_empty()) else {
            break;
        };
        literal(before, &mut out);
        out += &code(span, max);
        rest = tail;
    }
    literal(rest, &mut out);
    out
}

fn literal(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '&' => out.push_str("&amp;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '>' | '|' | '~' | '#' => out.extend(['\\', c]),
            _ => out.push(c),
        }
    }
}

/// `text` on one line inside a block of HTML, where Markdown means nothing. No character of it goes: it may be a
/// pattern or a path.
pub(super) fn escaped(text: &str, max: usize) -> String {
    phrase::plain_line(&plain(text), max).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// A code span, whole but for its line breaks.
pub(super) fn code(text: &str, max: usize) -> String {
    let line = phrase::plain_line(&plain(text), max);
    let ticks = "`".repeat(longest_run(&line, '`') + 1);
    let space = if line.starts_with('`') || line.ends_with('`') { " " } else { "" };
    format!("{ticks}{space}{line}{space}{ticks}")
}

/// A fenced block: its fence is longer than any inside.
pub(super) fn fenced(text: &str, language: &str) -> String {
    let text = plain(text);
    let fence = "`".repeat(longest_run(&text, '`').max(2) + 1);
    format!("{fence}{language}\n{}\n{fence}\n", text.trim_end_matches('\n'))
}

/// Markdown of the session as it is, but: HTML in it is shown, not obeyed (it could hide what follows);
/// images become links (nothing is fetched when the file is looked at); what is open at its end is closed.
pub(super) fn prose(text: &str) -> String {
    let mut text = plain(text).trim_end().to_owned();
    if text.len() > MAX || text.lines().any(|line| marks(line) > MARKS) {
        return fenced(&text, "");
    }
    for _ in 0..ROUNDS {
        match ill(&text) {
            Ill::Nothing => return text + "\n",
            Ill::Places(places) => text = mended(&text, &places),
            Ill::Open(fence) => text = format!("{text}\n{fence}"),
        }
    }
    fenced(&text, "")
}

/// Each line after `start`; blank lines stay blank where `start` is.
pub(super) fn prefixed(text: &str, start: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    for line in text.lines() {
        let whole = if line.is_empty() { start.trim_end() } else { start };
        out.push_str(whole);
        out.push_str(line);
        out.push('\n');
    }
    out
}

/// Without escape sequences of terminals, control characters and those that change the direction.
pub(super) fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '\u{1b}' {
            if shown(c) {
                out.push(c);
            }
            continue;
        }
        match chars.next_if(|c| matches!(c, '[' | ']')) {
            // A control sequence ends with a letter or the like.
            Some('[') => while chars.next_if(|c| !matches!(c, '@'..='~' | '\n')).is_some() {},
            // A command ends with BEL or ESC \.
            Some(_) => while chars.next_if(|c| !matches!(c, '\u{7}' | '\u{1b}' | '\n')).is_some() {},
            None => {}
        }
        chars.next_if(|c| *c != '\n' && *c != '\u{1b}');
    }
    out
}

fn longest_run(text: &str, mark: char) -> usize {
    text.split(|c| c != mark).map(str::len).max().unwrap_or(0)
}

fn marks(line: &str) -> usize {
    line.chars()
        .take_while(|c| c.is_whitespace() || c.is_ascii_digit() || ">-+*.)".contains(*c))
        .filter(|c| !c.is_whitespace() && !c.is_ascii_digit())
        .count()
}

/// What is wrong with a text.
enum Ill {
    Nothing,
    /// HTML (true) and images (false).
    Places(Vec<(Range<usize>, bool)>),
    /// A fence is open at the end: this closes it.
    Open(String),
}

fn ill(text: &str) -> Ill {
    let whole = format!("{text}\n\n{AFTER}\n");
    let options = Options::ENABLE_TABLES
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_FOOTNOTES;
    let (mut places, mut depth, mut outside, mut fence) = (Vec::new(), 0_usize, false, None);
    for (event, range) in Parser::new_ext(&whole, options).into_offset_iter() {
        match event {
            Event::Html(_) | Event::InlineHtml(_) => places.push((range, true)),
            Event::Start(tag) => {
                match tag {
                    Tag::Image { .. } => places.push((range, false)),
                    Tag::CodeBlock(CodeBlockKind::Fenced(_)) if depth == 0 => fence = Some(range.start),
                    _ => {}
                }
                depth += 1;
            }
            Event::End(_) => depth = depth.saturating_sub(1),
            Event::Text(text) => outside = depth == 1 && &*text == AFTER,
            _ => {}
        }
    }
    match (places.is_empty(), outside) {
        (true, true) => Ill::Nothing,
        (false, _) => Ill::Places(places),
        (true, false) => {
            let open = fence.and_then(|at| text.get(at..)).unwrap_or("```").trim_start();
            let mark = open.chars().next().unwrap_or('`');
            Ill::Open(open.chars().take_while(|c| *c == mark).collect())
        }
    }
}

fn mended(text: &str, places: &[(Range<usize>, bool)]) -> String {
    let mut out = String::with_capacity(text.len() + 4 * places.len());
    let mut at = 0;
    for (range, html) in places {
        if range.start < at {
            continue;
        }
        out.push_str(text.get(at..range.start).unwrap_or_default());
        let end = range.end.min(text.len());
        if *html {
            out.push_str(&text.get(range.start..end).unwrap_or_default().replace('<', "&lt;"));
            at = end;
        } else {
            // The `!` before the bracket; what is inside may need mending too.
            at = range.start + 1;
        }
    }
    out.push_str(text.get(at..).unwrap_or_default());
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn prose_stays_as_it_is() {
        for text in [
            "## Plan\n\n1. *read*\n2. `write`\n\n```rust\nfn x() {}\n```",
            "a < b && c > d",
            "see <https://example.org> and [this](https://example.org)",
            "| a | b |\n|---|---|\n| 1 | `<b>` |",
            "    <b>indented</b>",
        ] {
            assert_eq!(prose(text), format!("{text}\n"));
        }
    }

    #[test]
    fn what_would_reach_beyond_its_place_is_mended() {
        for (text, mended) in [
            ("<script>alert(1)</script>", "&lt;script>alert(1)&lt;/script>\n"),
            ("a <b>c</b>", "a &lt;b>c&lt;/b>\n"),
            ("</details>", "&lt;/details>\n"),
            ("<!-- open", "&lt;!-- open\n"),
            ("```sh\nopen", "```sh\nopen\n```\n"),
            ("~~~~\nopen\n```", "~~~~\nopen\n```\n~~~~\n"),
            ("![x](https://evil.example/a.png)", "[x](https://evil.example/a.png)\n"),
            ("[![x](y)](z)", "[[x](y)](z)\n"),
            ("<pre>\n```\nx", "&lt;pre>\n```\nx\n```\n"),
        ] {
            assert_eq!(prose(text), mended, "{text}");
        }
    }

    #[test]
    fn fences_and_spans_are_longer_than_what_they_hold() {
        assert_eq!(fenced("x", ""), "```\nx\n```\n");
        assert_eq!(fenced("```\nx\n````", "md"), "`````md\n```\nx\n````\n`````\n");
        assert_eq!(code("a `b` c", 99), "``a `b` c``");
        assert_eq!(code("`b`", 99), "`` `b` ``");
        assert_eq!(code("ls **/*.rs # all **b**", 99), "`ls **/*.rs # all **b**`");
    }

    #[test]
    fn a_line_of_ours_has_no_markup_of_theirs() {
        assert_eq!(
            inline("*a* <b> [c] (d) `e` & \u{202e}f\n# g", 99),
            "\\*a\\* &lt;b\\> \\[c\\] (d) `e` &amp; f g"
        );
        assert_eq!(inline("one ` two `` x", 99), "one `two`\\` x");
        assert_eq!(escaped("rm -rf **/x # y", 99), "rm -rf **/x # y");
        assert_eq!(escaped("<b> `x` \"y\" &lt;", 99), "&lt;b&gt; `x` \"y\" &amp;lt;");
        assert_eq!(plain("\u{1b}[1;31mred\u{1b}[0m \u{1b}]0;title\u{7}x\u{1b}]8;;y\u{1b}\\z"), "red xz");
    }

    proptest! {
        #[test]
        fn nothing_of_a_text_reaches_what_follows(text in "[a`~<>!\\-\\[\\]()*_ \\n/#|&]{0,80}") {
            prop_assert!(matches!(ill(&prose(&text)), Ill::Nothing), "{}", prose(&text));
            prop_assert!(matches!(ill(&fenced(&text, "")), Ill::Nothing));
        }
    }
}
