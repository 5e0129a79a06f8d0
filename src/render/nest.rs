//! A sub-agent: its brief, what it did, its report, inside one hairline.

use super::code;
use super::html::Html;
use super::items;
use super::markdown::markdown;
use super::phrase;
use super::row::{Row, said, small};
use super::scene::Spot;
use super::step::effort;
use crate::redact::CleanText;
use crate::session::model::{Item, Step, Tool};

/// How deep agents inside agents are shown.
const DEEPEST: usize = 6;

/// The row of an agent step; `running`: so are its steps without a result.
pub(super) fn agent(spot: &Spot<'_>, step: &Step, running: bool) -> Row {
    let Tool::Agent { description, kind, prompt, report, items, tokens } = &step.tool else {
        return Row::default();
    };
    let mut row = Row::new("Agent", &[]);
    let what = if description.is_blank() { kind.as_ref().unwrap_or(prompt) } else { description };
    row.what = said(&phrase::with_code(&phrase::one_line(what.as_str(), 200)));
    let steps = items.iter().filter(|item| matches!(item, Item::Step(_))).count() as u64;
    row.res = effort(steps, *tokens);
    if spot.depth >= DEEPEST {
        return row;
    }
    let spot = spot.inside();
    let mut body = Html::new();
    // Often the last words of an agent are its report: they are said once.
    let items = match items.split_last() {
        Some((Item::Reply { text, .. }, before)) if same(text, &report.text) => before,
        _ => items.as_slice(),
    };
    let ending = items::Ending { running, ..items::Ending::default() };
    items::write(&mut body, &spot, brief(prompt), items, ending);
    if !report.text.is_blank() {
        body.raw("<div class=\"prose small report\">").html(&markdown(&report.text)).raw("</div>");
    }
    if report.cut() {
        let kept = report.text.as_str().lines().count() as u64;
        code::whole(&mut body, &spot, report.lines.saturating_sub(kept));
    }
    if !body.is_empty() {
        let mut nest = Html::new();
        nest.raw("<div class=\"nest\">").html(&body).raw("</div>");
        row.body = Some(nest);
    }
    row
}

fn brief(prompt: &CleanText) -> Vec<Row> {
    if prompt.is_blank() {
        return Vec::new();
    }
    let mut row = Row::new("Brief", &["thought"]);
    row.what = said(&phrase::with_code(&phrase::one_line(prompt.as_str(), 200)));
    row.body = (!items::is_short(prompt.as_str())).then(|| small(&markdown(prompt)));
    vec![row]
}

fn same(a: &CleanText, b: &CleanText) -> bool {
    a.as_str().trim() == b.as_str().trim()
}
