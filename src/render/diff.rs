//! A diff as a table: two columns of line numbers, a sign, the line; changed words marked.
//!
//! Numbers and signs are data attributes that the style sheet shows, so they are not copied with the code.

use similar::{ChangeTag, TextDiff};

use super::code::{open_lines, whole};
use super::figures::{count, counted};
use super::highlight::{self, Language};
use super::html::Html;
use super::scene::Spot;
use crate::session::model::{DiffLine, FileDiff, Hunk};

/// Unchanged lines kept before and after a change.
const CONTEXT: usize = 3;
/// How alike a removed and an added line must be for their words to be marked.
const ALIKE: f32 = 0.6;
/// Longest line, in bytes, and largest run of lines whose words are compared: both bound the time.
const COMPARED_BYTES: usize = 500;
const COMPARED_LINES: usize = 40;
/// Added lines looked at for the partner of a removed one.
const PARTNERS: usize = 4;
/// Characters of one line: minified code has lines of megabytes.
const LINE: usize = 4_000;

/// Appends the diff of the file at `path`; `fresh` if it is new: then it is code to be read, and coloured so.
pub(super) fn table(html: &mut Html, spot: &Spot<'_>, path: &str, diff: &FileDiff, fresh: bool) {
    let language = Language::of_path(path);
    let rows = rows(&diff.hunks, language.as_ref(), fresh);
    if rows.is_empty() && diff.omitted == 0 {
        html.raw("<p class=\"note\">No change recorded</p>");
        return;
    }
    let (first, rest) = rows.split_at_checked(open_lines(rows.len(), spot.whole())).unwrap_or((&rows, &[]));
    part(html, first, fresh);
    if !rest.is_empty() {
        let more = counted(rest.len() as u64, "more line", "more lines");
        html.raw("<details class=\"more\"><summary>").text(&more).raw("</summary>");
        part(html, rest, fresh);
        html.raw("</details>");
    }
    if diff.omitted > 0 {
        whole(html, spot, diff.omitted);
    }
}

/// `+5 −1` in their colours; nothing where nothing changed.
pub(super) fn plus_minus(html: &mut Html, added: u64, removed: u64) {
    if added > 0 {
        html.raw("<span class=\"add\">+").text(&count(added)).raw("</span>");
    }
    if added > 0 && removed > 0 {
        html.raw(" ");
    }
    if removed > 0 {
        html.raw("<span class=\"del\">−").text(&count(removed)).raw("</span>");
    }
}

fn part(html: &mut Html, rows: &[Html], fresh: bool) {
    html.raw(if fresh { "<table class=\"diff fresh\"><tbody>" } else { "<table class=\"diff\"><tbody>" });
    for row in rows {
        html.html(row);
    }
    html.raw("</tbody></table>");
}

fn rows(hunks: &[Hunk], language: Option<&Language>, fresh: bool) -> Vec<Html> {
    let mut rows = Vec::new();
    let mut before: Option<u64> = None;
    for (i, hunk) in hunks.iter().enumerate() {
        let mut at = Numbers::of(hunk);
        let kept = kept(&hunk.lines);
        let shown = shown(&hunk.lines, language, fresh);
        let lead = kept.first().map_or(0, |&(from, _)| from);
        if i > 0 {
            // Where the previous hunk ended and this begins, the lead of this one that is left out included.
            let gap = match (before, at.0) {
                (Some(end), Some((old, _))) => old.checked_sub(end).map(|gap| gap + lead as u64),
                _ => None,
            };
            if gap != Some(0) {
                rows.push(skip(gap));
            }
        }
        let mut done = 0;
        for (n, &(from, to)) in kept.iter().enumerate() {
            let skipped = hunk.lines.get(done..from).unwrap_or_default();
            at.pass(skipped);
            if n > 0 {
                rows.push(skip(Some(skipped.len() as u64)));
            }
            lines(shown.get(from..to).unwrap_or_default(), &mut at, &mut rows);
            done = to;
        }
        before = at.0.map(|(old, _)| old);
    }
    rows
}

/// The ranges of lines within [`CONTEXT`] of a change; one range of all if nothing changed.
fn kept(lines: &[DiffLine]) -> Vec<(usize, usize)> {
    let mut ranges: Vec<(usize, usize)> = Vec::new();
    for (i, line) in lines.iter().enumerate() {
        if matches!(line, DiffLine::Same(_)) {
            continue;
        }
        let (from, to) = (i.saturating_sub(CONTEXT), (i + 1 + CONTEXT).min(lines.len()));
        match ranges.last_mut() {
            // Leaving out one line would cost the line that says so.
            Some(last) if from <= last.1 + 1 => last.1 = to,
            _ => ranges.push((from, to)),
        }
    }
    if ranges.is_empty() && !lines.is_empty() {
        ranges.push((0, lines.len()));
    }
    ranges
}

/// Next old and new line number, where the record tells.
struct Numbers(Option<(u64, u64)>);

impl Numbers {
    fn of(hunk: &Hunk) -> Self {
        Self(hunk.start)
    }

    fn pass(&mut self, lines: &[DiffLine]) {
        for line in lines {
            self.step(!matches!(line, DiffLine::Added(_)), !matches!(line, DiffLine::Removed(_)));
        }
    }

    fn step(&mut self, old: bool, new: bool) {
        if let Some((o, n)) = &mut self.0 {
            *o = o.saturating_add(u64::from(old));
            *n = n.saturating_add(u64::from(new));
        }
    }

    /// Appends the number cells of the next line.
    fn cells(&mut self, html: &mut Html, old: bool, new: bool) {
        for (side, number) in [(old, self.0.map(|n| n.0)), (new, self.0.map(|n| n.1))] {
            match number.filter(|_| side) {
                Some(number) => html.raw("<td data-n=\"").num(number).raw("\"></td>"),
                None => html.raw("<td></td>"),
            };
        }
        self.step(old, new);
    }
}

fn skip(lines: Option<u64>) -> Html {
    let mut html = Html::new();
    html.raw("<tr class=\"skip\"><td></td><td></td><td></td><td>");
    match lines {
        Some(n) => html.text(&counted(n, "line unchanged", "lines unchanged")),
        None => html.raw("another place in the file"),
    };
    html.raw("</td></tr>");
    html
}

/// A line and how it is shown.
struct Line<'a> {
    is: &'a DiffLine,
    html: Html,
}

/// The lines of a hunk: coloured in a new file, elsewhere with the comments of unchanged lines muted.
fn shown<'a>(lines: &'a [DiffLine], language: Option<&Language>, fresh: bool) -> Vec<Line<'a>> {
    let is_new = |line: &&DiffLine| !matches!(line, DiffLine::Removed(_));
    let coloured = language.map(|language| {
        let file: Vec<&str> = lines.iter().filter(is_new).map(text).collect();
        let file = file.join("\n");
        if fresh { highlight::lines(Some(language), &file) } else { highlight::muted(language, &file) }
    });
    let mut coloured = coloured.into_iter().flatten();
    let one = |line: &'a DiffLine| {
        let inked = if is_new(&line) { coloured.next() } else { None };
        let wanted = fresh || matches!(line, DiffLine::Same(_));
        let html =
            inked.filter(|_| wanted && text(line).len() <= LINE).unwrap_or_else(|| clipped(text(line)));
        Line { is: line, html }
    };
    lines.iter().map(one).collect()
}

fn lines(lines: &[Line<'_>], at: &mut Numbers, rows: &mut Vec<Html>) {
    let mut rest = lines;
    while let Some(line) = rest.first() {
        let removed = rest.iter().take_while(|l| matches!(l.is, DiffLine::Removed(_))).count();
        if removed > 0 {
            let (old, tail) = rest.split_at_checked(removed).unwrap_or((rest, &[]));
            let added = tail.iter().take_while(|l| matches!(l.is, DiffLine::Added(_))).count();
            let (new, tail) = tail.split_at_checked(added).unwrap_or((tail, &[]));
            changed(old, new, at, rows);
            rest = tail;
            continue;
        }
        let (class, sign, old) = match line.is {
            DiffLine::Same(_) => ("<tr>", "<td></td>", true),
            DiffLine::Added(_) => (ADDED, PLUS, false),
            DiffLine::Removed(_) => (REMOVED, MINUS, true),
        };
        rows.push(row(class, sign, at, (old, true), &line.html));
        rest = rest.get(1..).unwrap_or_default();
    }
}

const ADDED: &str = "<tr class=\"add\">";
const REMOVED: &str = "<tr class=\"del\">";
const PLUS: &str = "<td data-s=\"+\"></td>";
const MINUS: &str = "<td data-s=\"−\"></td>";

fn row(class: &'static str, sign: &'static str, at: &mut Numbers, sides: (bool, bool), text: &Html) -> Html {
    let mut html = Html::new();
    html.raw(class);
    at.cells(&mut html, sides.0, sides.1);
    html.raw(sign).raw("<td>").html(text).raw("</td></tr>");
    html
}

/// A run of removed lines and the added lines that follow it.
fn changed(old: &[Line<'_>], new: &[Line<'_>], at: &mut Numbers, rows: &mut Vec<Html>) {
    let html = |lines: &[Line<'_>]| lines.iter().map(|line| line.html.clone()).collect();
    let (mut removed, mut added): (Vec<Html>, Vec<Html>) = (html(old), html(new));
    if old.len() <= COMPARED_LINES && new.len() <= COMPARED_LINES {
        let mut from = 0;
        for (i, line) in old.iter().enumerate() {
            let pair = new
                .iter()
                .enumerate()
                .skip(from)
                .take(PARTNERS)
                .find_map(|(j, other)| Some((j, words(text(line.is), text(other.is))?)));
            let Some((j, (was, is))) = pair else { continue };
            if let (Some(a), Some(b)) = (removed.get_mut(i), added.get_mut(j)) {
                (*a, *b) = (was, is);
            }
            from = j + 1;
        }
    }
    rows.extend(removed.iter().map(|line| row(REMOVED, MINUS, at, (true, false), line)));
    rows.extend(added.iter().map(|line| row(ADDED, PLUS, at, (false, true), line)));
}

fn clipped(line: &str) -> Html {
    let mut html = Html::new();
    html.clip(line, LINE);
    html
}

fn text(line: &DiffLine) -> &str {
    match line {
        DiffLine::Same(text) | DiffLine::Added(text) | DiffLine::Removed(text) => text.as_str(),
    }
}

/// Both lines with their differing words marked, if they are alike enough.
fn words(old: &str, new: &str) -> Option<(Html, Html)> {
    if old.len() > COMPARED_BYTES
        || new.len() > COMPARED_BYTES
        || old.trim().is_empty()
        || new.trim().is_empty()
    {
        return None;
    }
    // A line cannot be more alike than its length allows: that spares most of the comparing.
    let (short, long) = (old.len().min(new.len()), old.len().max(new.len()));
    if (2 * short) as f32 / ((short + long) as f32) <= ALIKE {
        return None;
    }
    let diff = TextDiff::from_unicode_words(old, new);
    let (mut was, mut is) = (Marked::default(), Marked::default());
    let mut same = 0;
    for change in diff.iter_all_changes() {
        let word: &str = change.value();
        match change.tag() {
            ChangeTag::Equal => {
                same += word.len();
                was.same(word);
                is.same(word);
            }
            ChangeTag::Delete => was.word(word),
            ChangeTag::Insert => is.word(word),
        }
    }
    // By bytes rather than by words: spaces between words would make all lines alike.
    let alike = (2 * same) as f32 / (old.len() + new.len()) as f32;
    (alike > ALIKE).then(|| (was.close("<del>", "</del>"), is.close("<ins>", "</ins>")))
}

/// Text in runs of marked and unmarked; marks with only white space between them are joined.
#[derive(Default)]
struct Marked(Vec<(bool, String)>);

impl Marked {
    fn same(&mut self, word: &str) {
        self.push(false, word);
    }

    fn word(&mut self, word: &str) {
        if let [.., (true, _), (false, blank)] = self.0.as_slice()
            && blank.chars().all(char::is_whitespace)
            && let Some((_, blank)) = self.0.pop()
        {
            self.push(true, &blank);
        }
        self.push(true, word);
    }

    fn push(&mut self, marked: bool, word: &str) {
        match self.0.last_mut() {
            Some((last, text)) if *last == marked => text.push_str(word),
            _ => self.0.push((marked, word.to_owned())),
        }
    }

    fn close(self, open: &'static str, close: &'static str) -> Html {
        let mut html = Html::new();
        for (marked, text) in &self.0 {
            if *marked {
                html.raw(open).text(text).raw(close);
            } else {
                html.text(text);
            }
        }
        html
    }
}
