//! `key: value` lines: the input of tools this program has no form for, and records it does not know.

use super::code::{open_lines, whole};
use super::figures::{counted, left_out};
use super::html::Html;
use super::phrase::clip_bytes;
use super::scene::Spot;
use crate::redact::CleanText;
use crate::session::model::NOT_SHOWN;

/// Most pairs shown.
const PAIRS: usize = 64;
/// Characters of a key.
const KEY: usize = 80;
/// Bytes of a value; in a window, who reads the session shows fewer.
const VALUE: usize = 1024 * 1024;

/// The pairs as a list; blank if there are none.
pub(super) fn list(spot: &Spot<'_>, pairs: &[(CleanText, CleanText)]) -> Html {
    let mut html = Html::new();
    if pairs.is_empty() {
        return html;
    }
    html.raw("<dl class=\"pairs\">");
    for (key, value) in pairs.iter().take(PAIRS) {
        html.raw("<div><dt>").clip(key.as_str(), KEY).raw("</dt><dd>");
        let shown = clip_bytes(value.as_str(), VALUE);
        folded(&mut html, shown, spot.whole());
        let hidden = value.as_str().len() - shown.len();
        if hidden > 0 {
            html.raw("… (").text(&left_out(hidden)).raw(")");
        }
        html.raw("</dd></div>");
    }
    html.raw("</dl>");
    if pairs.len() > PAIRS {
        let more = counted((pairs.len() - PAIRS) as u64, "more field", "more fields");
        html.raw("<p class=\"note\">").text(&more).raw("</p>");
    }
    if !spot.id.is_empty() && pairs.iter().any(|(_, value)| value.as_str().ends_with(NOT_SHOWN)) {
        whole(&mut html, spot, 0);
    }
    html
}

fn folded(html: &mut Html, value: &str, whole: bool) {
    let lines = value.lines().count();
    let shown = open_lines(lines, whole);
    let ends = || value.match_indices('\n').nth(shown.checked_sub(1)?);
    let cut = ends().filter(|_| shown < lines).map(|(at, _)| at);
    let (first, rest) = cut.and_then(|at| value.split_at_checked(at)).unwrap_or((value, ""));
    let rest = rest.strip_prefix('\n').unwrap_or(rest);
    html.text(first);
    if !rest.is_empty() {
        let more = counted(rest.lines().count() as u64, "more line", "more lines");
        html.raw("<details class=\"more\"><summary>")
            .text(&more)
            .raw("</summary>")
            .text(rest)
            .raw("</details>");
    }
}
