//! "Files changed" in the head: path, edits, lines, a bar for their weight; each leads to its first edit.

use super::diff::plus_minus;
use super::figures::{count, counted};
use super::html::Html;
use super::phrase;
use super::scene::Scene;
use crate::session::model::{ChangedFile, Changes};

/// Files shown before the rest is folded.
const SHOWN: usize = 8;
/// Files listed at all.
const LISTED: usize = 300;
/// Width of the heaviest file's bar, in tenths of a pixel.
const WIDTH: u64 = 560;
/// Least width of a part of a bar, likewise.
const LEAST: u64 = 15;

/// Appends the section; nothing where no file was changed.
pub(super) fn section(html: &mut Html, scene: &Scene, changes: &Changes) {
    if changes.files.is_empty() {
        return;
    }
    html.raw("<section class=\"changed\" aria-labelledby=\"fc\"><h2 id=\"fc\">");
    html.text(&counted(changes.count, "file changed", "files changed")).raw(" <span class=\"pm\">");
    plus_minus(html, changes.added, changes.removed);
    html.raw("</span></h2>");
    let heaviest = changes.files.iter().map(weight).max().unwrap_or(1).max(1);
    let files = changes.files.get(..LISTED).unwrap_or(&changes.files);
    // One more is not worth a fold.
    let shown = if files.len() <= SHOWN + 1 { files.len() } else { SHOWN };
    let (first, rest) = files.split_at_checked(shown).unwrap_or((files, &[]));
    list(html, scene, first, heaviest);
    if !rest.is_empty() {
        html.raw("<details class=\"more\"><summary>");
        html.text(&counted(rest.len() as u64, "more file", "more files")).raw("</summary>");
        list(html, scene, rest, heaviest);
        if let Some(unlisted) = changes.count.checked_sub(files.len() as u64).filter(|n| *n > 0) {
            html.raw("<p class=\"note\">").text(&count(unlisted)).raw(" more are not listed here</p>");
        }
        html.raw("</details>");
    }
    html.raw("</section>\n");
}

fn weight(file: &ChangedFile) -> u64 {
    file.added.saturating_add(file.removed)
}

fn list(html: &mut Html, scene: &Scene, files: &[ChangedFile], heaviest: u64) {
    html.raw("<ul>");
    for file in files {
        html.raw("<li><a href=\"").html(&scene.target(file.window, &format!("s{}", file.first))).raw("\">");
        path(html, file.path.as_str());
        html.raw("</a> <span class=\"how\">").text(&how(file)).raw("</span> <span class=\"pm\">");
        plus_minus(html, file.added, file.removed);
        html.raw("</span>");
        bar(html, file, heaviest);
        html.raw("</li>");
    }
    html.raw("</ul>");
}

/// The path in one line: of a long one the end of its folder is seen, and all of it where one points.
fn path(html: &mut Html, path: &str) {
    let (dir, base) = phrase::dir_and_base(path);
    html.raw("<span class=\"at\" title=\"").clip(path.trim(), phrase::PATH).raw("\">");
    if !dir.is_empty() {
        html.raw("<span class=\"dir\"><bdi dir=\"ltr\">").clip(dir, phrase::PATH).raw("</bdi></span>");
    }
    html.raw("<span class=\"base\">").clip(base, phrase::PATH).raw("</span></span>");
}

/// `2 edits`, `new file`, `new file, 2 edits, by the reviewer agent`.
fn how(file: &ChangedFile) -> String {
    let edits = |n: u32| counted(n.into(), "edit", "edits");
    let mut text = match (file.created, file.edits) {
        (true, 0 | 1) => "new file".to_owned(),
        (true, n) => format!("new file, {}", edits(n - 1)),
        (false, n) => edits(n),
    };
    if let Some(by) = file.by.as_ref().filter(|by| !by.is_blank()) {
        text.push_str(", by the ");
        text.push_str(&phrase::one_line(by.as_str(), 40));
        text.push_str(" agent");
    }
    text
}

fn bar(html: &mut Html, file: &ChangedFile, heaviest: u64) {
    let wide = |n: u64| match n {
        0 => 0,
        n => ((u128::from(n) * u128::from(WIDTH) / u128::from(heaviest)) as u64).max(LEAST),
    };
    let (added, removed) = (wide(file.added), wide(file.removed));
    html.raw("<svg class=\"weight\" width=\"56\" height=\"6\" aria-hidden=\"true\">");
    if added > 0 {
        html.raw("<rect class=\"add\" width=\"");
        tenths(html, added);
        html.raw("\" height=\"6\"/>");
    }
    if removed > 0 {
        html.raw("<rect class=\"del\" x=\"");
        tenths(html, added.min(WIDTH - LEAST));
        html.raw("\" width=\"");
        tenths(html, removed);
        html.raw("\" height=\"6\"/>");
    }
    html.raw("</svg>");
}

fn tenths(html: &mut Html, n: u64) {
    html.num(n / 10);
    if !n.is_multiple_of(10) {
        html.raw(".").num(n % 10);
    }
}
