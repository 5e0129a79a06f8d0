//! The outline in the rail: every prompt of the session, as far as that stays small.

use super::diff::plus_minus;
use super::figures::{count, counted, lasted};
use super::html::Html;
use super::phrase;
use super::scene::Scene;
use super::spark;
use crate::session::model::{OutlineEntry, Overview, WindowNo};

/// Up to so many prompts, each shows its spark, times and asides.
const RICH: usize = 200;
/// Up to so many prompts, all are listed; beyond, those around the window shown and links to the others.
const LISTED: usize = 1_000;
/// Prompts behind one of those links.
const LEAP: usize = 500;
/// Characters of a prompt in the outline: two lines, and a little for the code in it.
const TEXT: usize = 110;
/// Asides shown under one prompt.
const ASIDES: usize = 8;

/// The list of prompts.
pub(super) fn list(scene: &Scene, overview: &Overview) -> Html {
    let entries = overview.outline.as_slice();
    let rich = entries.len() <= RICH;
    let (from, to) = listed(entries, scene.window);
    let (before, rest) = entries.split_at_checked(from).unwrap_or((&[], entries));
    let (shown, after) = rest.split_at_checked(to - from).unwrap_or((rest, &[]));
    let mut html = Html::new();
    html.raw("<ol class=\"outline\">\n");
    leaps(&mut html, scene, before);
    let mut step = 1 + before.iter().map(|entry| u64::from(entry.steps)).sum::<u64>();
    for entry in shown {
        one(&mut html, scene, entry, rich, step);
        step += u64::from(entry.steps);
    }
    leaps(&mut html, scene, after);
    html.raw("</ol>");
    if !overview.complete {
        html.raw("<p class=\"more-comes\">The session is still being read: <a href=\"\">reload</a> for the rest of the outline.</p>");
    }
    html
}

/// The range of entries listed: all, or those around the first that begins in `window`.
fn listed(entries: &[OutlineEntry], window: WindowNo) -> (usize, usize) {
    if entries.len() <= LISTED {
        return (0, entries.len());
    }
    let here = entries.partition_point(|entry| entry.window < window);
    let from = here.saturating_sub(LISTED / 2).min(entries.len() - LISTED);
    (from, from + LISTED)
}

/// Links to the prompts that are not listed, many at a time.
fn leaps(html: &mut Html, scene: &Scene, entries: &[OutlineEntry]) {
    for these in entries.chunks(LEAP) {
        let (Some(first), Some(last)) = (these.first(), these.last()) else { continue };
        html.raw("<li class=\"leap\"><a href=\"").html(&target(scene, first.window, first.no)).raw("\">");
        html.text(&range(first.no, last.no)).raw("</a></li>\n");
    }
}

fn target(scene: &Scene, window: WindowNo, no: u32) -> Html {
    scene.target(window, &format!("p{no}"))
}

/// `prompt 12`, `prompts 12–24`, with a capital.
fn range(first: u32, last: u32) -> String {
    if first == last {
        format!("Prompt {}", count(first.into()))
    } else {
        format!("Prompts {}–{}", count(first.into()), count(last.into()))
    }
}

/// The prompts that begin in `window`: `prompts 12–24`; `None` if none does, as far as is known.
pub(super) fn begun_in(overview: &Overview, window: WindowNo) -> Option<String> {
    let from = overview.outline.partition_point(|entry| entry.window < window);
    let rest = overview.outline.get(from..)?;
    let to = rest.partition_point(|entry| entry.window == window);
    let these = rest.get(..to)?;
    let (first, last) = (these.first()?.no, these.last()?.no);
    Some(range(first.max(1), last.max(1)).to_lowercase())
}

fn one(html: &mut Html, scene: &Scene, entry: &OutlineEntry, rich: bool, first_step: u64) {
    html.raw("<li><a href=\"").html(&target(scene, entry.window, entry.no)).raw("\"><span class=\"no\">");
    if entry.no > 0 {
        html.num(entry.no);
    }
    html.raw("</span><span class=\"t\">");
    let text = phrase::headline(entry.text.as_str(), TEXT);
    if entry.command {
        html.raw("<code>").text(&text).raw("</code>");
    } else if entry.no == 0 {
        html.raw("Before the first prompt");
    } else {
        html.html(&phrase::with_code(&text));
    }
    html.raw("</span></a>");
    if rich {
        let meanwhile: Vec<u32> = entry.asides.iter().take(ASIDES).map(|aside| aside.after).collect();
        spark::svg(html, entry, &meanwhile, first_step);
        meta(html, entry);
        asides(html, scene, entry);
    }
    html.raw("</li>\n");
}

fn meta(html: &mut Html, entry: &OutlineEntry) {
    let worked = entry.worked.filter(|worked| worked.as_secs() > 0);
    if worked.is_none() && entry.steps == 0 {
        return;
    }
    html.raw("<p class=\"meta\">");
    if let Some(worked) = worked {
        html.raw("<span>").text(&lasted(worked)).raw("</span> ");
    }
    if entry.steps > 0 {
        html.raw("<span>").text(&counted(entry.all_steps(), "step", "steps")).raw("</span>");
    }
    if entry.added + entry.removed > 0 {
        html.raw(" <span>");
        plus_minus(html, entry.added, entry.removed);
        html.raw("</span>");
    }
    html.raw("</p>");
}

fn asides(html: &mut Html, scene: &Scene, entry: &OutlineEntry) {
    if entry.asides.is_empty() {
        return;
    }
    html.raw("<ul class=\"subs\">");
    for aside in entry.asides.iter().take(ASIDES) {
        html.raw("<li><a href=\"").html(&scene.target(aside.window, &format!("a{}", aside.no))).raw("\">");
        html.html(&phrase::with_code(&phrase::headline(aside.text.as_str(), TEXT / 2))).raw("</a></li>");
    }
    if let Some(more) = entry.asides.len().checked_sub(ASIDES).filter(|more| *more > 0) {
        html.raw("<li class=\"more-asides\">").num(more as u64).raw(" more</li>");
    }
    html.raw("</ul>");
}
