//! A turn: the prompt, what is known about the work on it, and the work.

use super::diff::plus_minus;
use super::figures::{counted, lasted};
use super::html::Html;
use super::items::{self, Ending};
use super::markdown::markdown;
use super::phrase;
use super::prompt;
use super::row::{Row, said, small};
use super::scene::{Scene, Spot};
use crate::session::model::{Item, Marker, Outcome, OutlineEntry, Overview, Prompt, Step, Tool, Turn};

/// What follows a turn.
#[derive(Clone, Copy, Default)]
pub(super) struct After {
    /// Nothing, as far as is known.
    pub nothing: bool,
    /// No more words: the session ended with this turn's.
    pub no_words: bool,
}

/// Of each turn of a window, what follows it. `end`: no window does.
pub(super) fn after(turns: &[Turn], end: bool) -> impl Iterator<Item = After> {
    let last = turns.len().saturating_sub(1);
    let ended = turns.iter().rposition(|turn| turn.items.iter().any(items::ends));
    (0..turns.len()).map(move |i| After { nothing: end && i == last, no_words: end && Some(i) == ended })
}

/// Appends `turn`.
pub(super) fn write(html: &mut Html, scene: &Scene, overview: &Overview, turn: &Turn, after: After) {
    let entry = overview.entry(turn.no);
    if turn.continued {
        html.raw("<section class=\"turn continued\">");
    } else {
        // Without a name: headings lead from prompt to prompt, hundreds of landmarks would lead nowhere.
        html.raw("<section class=\"turn\" id=\"p").num(turn.no).raw("\">");
    }
    head(html, scene, entry, turn);
    let lead = turn.prompt.as_ref().map(command).unwrap_or_default();
    let running = after.nothing && scene.live;
    let ending =
        Ending { closed: !turn.unfinished && !running, running, marked: after.no_words && !scene.live };
    items::write(html, &Spot::turn(scene, turn), lead, &turn.items, ending);
    if unanswered(turn) && !running {
        html.raw("<div class=\"prose\"><p class=\"note\">No answer recorded.</p></div>\n");
    }
    html.raw("</section>\n");
}

fn head(html: &mut Html, scene: &Scene, entry: Option<&OutlineEntry>, turn: &Turn) {
    html.raw("<header class=\"prompt\">");
    if turn.continued {
        html.raw("<p class=\"meta\"><a href=\"");
        let begin = entry.map_or(0, |entry| entry.window);
        html.html(&scene.target(begin, &format!("p{}", turn.no))).raw("\">");
        html.raw("Prompt ").num(turn.no).raw(", continued</a></p></header>\n");
        return;
    }
    if turn.no > 0 {
        html.raw("<a class=\"no\" href=\"").html(&scene.here(&format!("p{}", turn.no)));
        html.raw("\" aria-label=\"Link to prompt ").num(turn.no).raw("\">").num(turn.no).raw("</a>");
    }
    html.raw("<h2 id=\"h").num(turn.no).raw(if turn.no > 0 { "\">" } else { "\" class=\"quiet\">" });
    match &turn.prompt {
        Some(prompt) => prompt::heading(html, prompt),
        None if turn.no == 0 => {
            html.raw("Before the first prompt");
        }
        None => {
            html.raw("Prompt ").num(turn.no);
        }
    }
    html.raw("</h2>");
    meta(html, scene, entry, turn);
    if let Some(prompt) = &turn.prompt {
        prompt::rest(html, scene, prompt);
    }
    html.raw("</header>\n");
}

/// `0:00   worked 4 min 37 s   12 steps   +26 −1`.
fn meta(html: &mut Html, scene: &Scene, entry: Option<&OutlineEntry>, turn: &Turn) {
    let at = turn.prompt.as_ref().and_then(|prompt| prompt.at).or(entry.and_then(|entry| entry.at));
    let mut meta = scene.clock(at);
    if let Some(worked) = entry.and_then(|entry| entry.worked).filter(|worked| worked.as_secs() > 0) {
        meta.raw(" <span>worked ").text(&lasted(worked)).raw("</span>");
    }
    let here = || turn.items.iter().filter(|item| matches!(item, Item::Step(_))).count() as u64;
    let steps = entry.map_or_else(here, OutlineEntry::all_steps);
    if steps > 0 {
        meta.raw(" <span>").text(&counted(steps, "step", "steps")).raw("</span>");
    }
    let known = entry.filter(|entry| entry.added + entry.removed > 0);
    let (added, removed) = match known {
        Some(entry) => (entry.added, entry.removed),
        // Of a turn that goes on elsewhere only a part is here: no sum is better than a wrong one.
        None if turn.unfinished => (0, 0),
        None => changed(&turn.items, 0),
    };
    if added + removed > 0 {
        meta.raw(" <span>");
        plus_minus(&mut meta, added, removed);
        meta.raw("</span>");
    }
    if !meta.is_empty() {
        html.raw("<p class=\"meta\">").html(&meta).raw("</p>");
    }
}

/// Lines added and removed by what was done, sub-agents included; declined and failed edits do not count.
fn changed(items: &[Item], depth: usize) -> (u64, u64) {
    let steps = items.iter().filter_map(|item| match item {
        Item::Step(step) if step.outcome == Outcome::Done => Some(step),
        _ => None,
    });
    steps.fold((0, 0), |(added, removed), step| {
        let (more, less) = of_step(step, depth);
        (added.saturating_add(more), removed.saturating_add(less))
    })
}

fn of_step(step: &Step, depth: usize) -> (u64, u64) {
    match &step.tool {
        Tool::Write { diff, .. } | Tool::Edit { diff, .. } => (diff.added, diff.removed),
        Tool::Agent { items, .. } if depth < 8 => changed(items, depth + 1),
        _ => (0, 0),
    }
}

/// The row with what a slash command expanded to.
fn command(prompt: &Prompt) -> Vec<Row> {
    if prompt.command.is_none() || prompt.text.is_blank() {
        return Vec::new();
    }
    let mut row = Row::new("Command", &["thought"]);
    row.what = said(&phrase::with_code(&phrase::one_line(prompt.text.as_str(), 200)));
    row.body = (!items::is_short(prompt.text.as_str())).then(|| small(&markdown(&prompt.text)));
    vec![row]
}

/// A prompt that nothing came of. What broke off counts as an answer: it says why there is none.
fn unanswered(turn: &Turn) -> bool {
    let prompt = turn.prompt.as_ref();
    !turn.unfinished
        && prompt.is_some_and(|prompt| prompt.command.is_none() || prompt.text.is_blank())
        && turn.items.iter().all(|item| match item {
            Item::Thinking { text, .. } => text.is_blank(),
            Item::Aside { .. } | Item::Context { .. } | Item::Unknown { .. } => true,
            // What the program said of itself; of a command it is what came of it.
            Item::Marker(Marker::Local { .. }) => prompt.is_some_and(|prompt| prompt.command.is_none()),
            Item::Reply { .. } | Item::Image { .. } | Item::Step(_) | Item::Marker(_) => false,
        })
}
