//! Links out of the page: where they may lead, and bare addresses in words.

use super::html::Html;

/// Longest address that becomes a link, in bytes; browsers stop at about as much.
const LONGEST: usize = 2_000;
/// What a bare address begins with.
const SCHEMES: [&str; 2] = ["https://", "http://"];

/// Whether a link may lead there: http, https and mailto, spelled plainly.
pub(super) fn may_link(url: &str) -> bool {
    let scheme = url.split_once(':').map(|(scheme, _)| scheme.to_ascii_lowercase());
    matches!(scheme.as_deref(), Some("http" | "https" | "mailto"))
        && !url.chars().any(|c| c.is_control() || c == ' ')
}

/// Appends the start tag of a link out of the page; the caller has asked [`may_link`].
pub(super) fn open(html: &mut Html, url: &str) {
    html.raw("<a href=\"").text(url).raw("\" rel=\"nofollow noopener noreferrer\">");
}

/// Appends words; bare addresses in them become links.
pub(super) fn words(html: &mut Html, text: &str) {
    let mut rest = text;
    while let Some((at, url)) = next(rest) {
        html.text(rest.get(..at).unwrap_or_default());
        open(html, url);
        html.text(url).raw("</a>");
        rest = rest.get(at + url.len()..).unwrap_or_default();
    }
    html.text(rest);
}

/// The first bare address in `text`, and where it begins.
fn next(text: &str) -> Option<(usize, &str)> {
    let starts = text.match_indices("http").map(|(at, _)| at);
    starts.filter_map(|at| Some((at, address(text, at)?))).next()
}

/// The address that begins at `at`, without the punctuation of the sentence around it.
fn address(text: &str, at: usize) -> Option<&str> {
    let (before, rest) = text.split_at_checked(at)?;
    let scheme = SCHEMES.into_iter().find(|scheme| rest.starts_with(scheme))?;
    if before.ends_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '/' | '.')) {
        return None;
    }
    let end = rest.find(ends).unwrap_or(rest.len());
    let mut url = rest.get(..end)?;
    while let Some(last) = url.chars().next_back() {
        let unbalanced = |open: char| url.matches(last).count() > url.matches(open).count();
        let outside = match last {
            '.' | ',' | ':' | ';' | '!' | '?' | '\'' | '*' | '_' | '~' => true,
            ')' => unbalanced('('),
            ']' => unbalanced('['),
            '}' => unbalanced('{'),
            _ => false,
        };
        if !outside {
            break;
        }
        url = url.get(..url.len() - last.len_utf8())?;
    }
    let host = url.get(scheme.len()..)?.chars().next()?;
    let plain = host.is_alphanumeric() || host == '[';
    (plain && url.len() <= LONGEST && may_link(url)).then_some(url)
}

/// Whether an address ends before this character: at blanks, quotes, brackets around it, and the punctuation of
/// scripts that write no blanks.
fn ends(c: char) -> bool {
    c.is_whitespace()
        || c.is_control()
        || matches!(c, '<' | '>' | '"' | '`' | '|' | '\\' | '“' | '”' | '’' | '»' | '…')
        || matches!(c, '\u{3000}'..='\u{303f}' | '\u{ff00}'..='\u{ff0f}' | '\u{ff1a}'..='\u{ff20}')
        || !super::html::shown(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn linked(text: &str) -> Vec<String> {
        let mut html = Html::new();
        words(&mut html, text);
        let links = html.as_str().split("<a href=\"").skip(1);
        links.filter_map(|link| Some(link.split_once('"')?.0.to_owned())).collect()
    }

    #[test]
    fn bare_addresses_become_links_without_the_sentence_around_them() {
        for (text, url) in [
            ("see https://example.org/a_b, then", "https://example.org/a_b"),
            ("(http://localhost:3000/).", "http://localhost:3000/"),
            ("https://en.example.org/wiki/Tide_(sea)!", "https://en.example.org/wiki/Tide_(sea)"),
            ("»https://example.org/?a=1&b=2#c«".trim_end_matches('«'), "https://example.org/?a=1&amp;b=2#c"),
            ("看https://example.org/x。好", ""),
            ("在 https://example.org/x。好", "https://example.org/x"),
            ("at http://[::1]:80/x", "http://[::1]:80/x"),
        ] {
            let wanted: Vec<&str> = Some(url).filter(|url| !url.is_empty()).into_iter().collect();
            assert_eq!(linked(text), wanted, "{text}");
        }
        assert_eq!(linked("https://a.example and https://b.example").len(), 2);
    }

    #[test]
    fn nothing_else_becomes_a_link() {
        let long = format!("https://example.org/{}", "x".repeat(LONGEST));
        for text in [
            "http",
            "https://",
            "http:// x",
            "javascript:alert(1)",
            "xhttps://a.example",
            "ftp://a.example",
            "https://)",
            &long,
        ] {
            assert!(linked(text).is_empty(), "{text}");
        }
        let mut html = Html::new();
        words(&mut html, "https://a.example/\u{202e}gpj.exe <b>");
        assert!(html.as_str().starts_with("<a href=\"https://a.example/\" "), "{html}");
        assert!(html.as_str().ends_with("gpj.exe &lt;b&gt;"), "{html}");
    }
}
