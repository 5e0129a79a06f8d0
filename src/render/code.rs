//! What a tool printed or read: lines on a wash, the first few open, the rest behind "n more lines".

use super::ansi;
use super::figures::{count, counted};
use super::highlight::{self, Language};
use super::html::Html;
use super::markdown::markdown;
use super::matches;
use super::phrase;
use super::scene::Spot;
use crate::session::model::Output;

/// Lines shown before "n more lines".
const SHOWN: usize = 24;
/// Lines more than that are not worth a fold.
const SLACK: usize = 3;

/// How many of so many lines stand before "n more lines", be they output, code, the rows of a diff or a value.
pub(super) fn open_lines(lines: usize, whole: bool) -> usize {
    if whole || lines <= SHOWN + SLACK { lines } else { SHOWN }
}

/// Characters of an error.
const ERROR: usize = 16 * 1024;

/// How lines are set.
#[derive(Clone, Copy)]
pub(super) enum Form<'a> {
    /// As a terminal printed them.
    Terminal,
    /// As a file's, numbered from this line, coloured where its language is known.
    Numbered(u64, Option<&'a Language>),
    /// As paths, one a line.
    Paths,
    /// As lines found in files, below the paths of these.
    Matches,
}

/// Appends `output`, folded as [`open_lines`] says, with a link to the whole where it was cut.
pub(super) fn output(html: &mut Html, spot: &Spot<'_>, output: &Output, form: Form<'_>) {
    let text = output.text.as_str();
    if output.text.is_blank() && !output.cut() {
        html.raw("<p class=\"note\">No output</p>");
        return;
    }
    let lines = split(text, form);
    let kept = if matches!(form, Form::Matches) { text.lines().count() } else { lines.len() };
    let left_out = output.lines.saturating_sub(kept as u64);
    folded(html, spot, &lines, form, |html| {
        if output.cut() {
            whole(html, spot, left_out);
        }
    });
}

/// Appends what a tool said when it failed, folded as output is.
pub(super) fn error(html: &mut Html, spot: &Spot<'_>, text: &str) {
    folded(html, spot, &ansi::lines(phrase::clip(text, ERROR)), Form::Terminal, |_| {});
}

/// Appends lines as [`open_lines`] says; behind the fold, or at once if there is none, what `then` appends.
fn folded(html: &mut Html, spot: &Spot<'_>, lines: &[Html], form: Form<'_>, then: impl FnOnce(&mut Html)) {
    let shown = open_lines(lines.len(), spot.whole());
    let (first, rest) = lines.split_at_checked(shown).unwrap_or((lines, &[]));
    block(html, first, form, 0);
    if rest.is_empty() {
        return then(html);
    }
    let more = counted(rest.len() as u64, "more line", "more lines");
    html.raw("<details class=\"more\"><summary>").text(&more).raw("</summary>");
    block(html, rest, form, shown as u64);
    then(html);
    html.raw("</details>");
}

/// Appends `output` as prose, with a link to the whole where it was cut.
pub(super) fn prose(html: &mut Html, spot: &Spot<'_>, output: &Output) {
    if !output.text.is_blank() {
        html.raw("<div class=\"prose small\">").html(&markdown(&output.text)).raw("</div>");
    }
    if output.cut() {
        let kept = output.text.as_str().lines().count() as u64;
        whole(html, spot, output.lines.saturating_sub(kept));
    }
}

/// Appends the link to the step's own page.
pub(super) fn whole(html: &mut Html, spot: &Spot<'_>, left_out: u64) {
    if spot.whole() {
        return;
    }
    let more = match left_out {
        0 => "The rest, on its own page".to_owned(),
        1 => "1 more line, on its own page".to_owned(),
        n => format!("{} more lines, on their own page", count(n)),
    };
    html.raw("<p class=\"rest\"><a href=\"").html(&spot.page()).raw("\">").text(&more).raw("</a></p>");
}

fn split(text: &str, form: Form<'_>) -> Vec<Html> {
    match form {
        Form::Terminal => ansi::lines(text),
        Form::Matches => matches::lines(text).unwrap_or_else(|| ansi::lines(text)),
        Form::Numbered(_, language) => highlight::lines(language, text.strip_suffix('\n').unwrap_or(text)),
        Form::Paths => text.lines().filter(|line| !line.trim().is_empty()).map(path).collect(),
    }
}

fn path(line: &str) -> Html {
    let mut html = Html::new();
    phrase::path(&mut html, line);
    html
}

fn block(html: &mut Html, lines: &[Html], form: Form<'_>, before: u64) {
    let (open, item, close) = match form {
        Form::Terminal | Form::Matches => {
            html.raw("<pre class=\"out\">");
            for (i, line) in lines.iter().enumerate() {
                if i > 0 {
                    html.raw("\n");
                } else if line.is_empty() {
                    // The parser of a browser drops a line break right after <pre>.
                    html.raw("\n");
                }
                html.html(line);
            }
            html.raw("</pre>");
            return;
        }
        Form::Numbered(from, _) => {
            html.raw("<ol class=\"code\" start=\"").num(from.saturating_add(before)).raw("\">");
            ("<li>", "</li>", "</ol>")
        }
        Form::Paths => ("<li>", "</li>", "</ul>"),
    };
    if matches!(form, Form::Paths) {
        html.raw("<ul class=\"files\">");
    }
    for line in lines {
        html.raw(open).html(line).raw(item);
    }
    html.raw(close);
}
