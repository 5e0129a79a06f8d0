//! What came of a prompt, in order: replies as prose, the work as strips between them, and what breaks the
//! flow.

use super::anchor::Anchors;
use super::code::{self, Form};
use super::gather::{self, Nature};
use super::html::Html;
use super::markdown::{markdown, part};
use super::phrase;
use super::prompt;
use super::row::{Row, cmd, said, small};
use super::scene::{Scene, Spot};
use super::{ending, figure, figures, pairs, signs, step};
use crate::redact::CleanText;
use crate::session::model::{AsideHow, Item, Marker, Outcome, Output, Step, Tool};

/// A thought, a brief or a command up to so many characters, of one paragraph, is a line that does not open.
const SHORT: usize = 110;
/// Characters of a thought shown in its row; a wide screen shows some 120.
const LINE: usize = 200;

/// How a run of items ends.
#[derive(Clone, Copy, Default)]
pub(super) struct Ending {
    /// Nothing follows in this turn: thinking at its end stays open, since no reply says more.
    pub closed: bool,
    /// The session goes on here: steps without a result at its end are running.
    pub running: bool,
    /// Nothing follows in the session: what it ended with gets an id to be found by.
    pub marked: bool,
}

/// Appends `items`, after the rows of `lead`.
pub(super) fn write(html: &mut Html, spot: &Spot<'_>, lead: Vec<Row>, items: &[Item], ending: Ending) {
    let mut strip: Vec<(Row, Nature)> = lead.into_iter().map(|row| (row, Nature::Alone)).collect();
    let last_todo = items.iter().rposition(|item| matches!(item, Item::Step(step) if is_todo(step)));
    let mut anchors = spot.anchors.clone();
    let mut declined: Option<&Tool> = None;
    let mut step_before: Option<&Step> = None;
    let end = items.iter().rposition(ends).filter(|_| ending.marked);
    // Calls go out side by side: the last of them may be the first to answer.
    let tail = items.iter().rposition(|item| !matches!(item, Item::Step(_))).map_or(0, |at| at + 1);
    for (i, item) in items.iter().enumerate() {
        let last = i + 1 == items.len();
        match item {
            Item::Thinking { text, at } => {
                let blank_again = text.is_blank()
                    && matches!(i.checked_sub(1).and_then(|i| items.get(i)), Some(Item::Thinking { text, .. }) if text.is_blank());
                if !blank_again {
                    let id = if text.is_blank() { String::new() } else { anchors.thought() };
                    strip.push(thought(text, id, *at, last && ending.closed));
                }
            }
            Item::Step(step) => {
                step_before = Some(step);
                anchors = Anchors::after(spot.step(step.no).id);
                if step.outcome == Outcome::Declined {
                    declined = Some(&step.tool);
                }
                let running = i >= tail && ending.running && step.outcome == Outcome::Open;
                let mut row = step::row(spot, step, running);
                let mut nature = gather::nature(step, running);
                if last_todo == Some(i) {
                    row.open = true;
                    row.classes.push("last");
                    nature = Nature::Alone;
                }
                strip.push((row, nature));
            }
            Item::Context { what, text } => strip.push((context(spot, what, text), Nature::Alone)),
            Item::Unknown { what, fields } => strip.push((unknown(spot, what, fields), Nature::Alone)),
            Item::Marker(Marker::Local { command, output }) => {
                strip.push((local(spot, command, output), Nature::Alone));
            }
            Item::Reply { text, .. } => {
                flush(html, spot.scene, &mut strip);
                reply(html, spot, &anchors.reply(), text, end == Some(i));
            }
            Item::Image { file, .. } => {
                flush(html, spot.scene, &mut strip);
                figure::attachment(html, spot.scene, file, "Image");
            }
            Item::Aside { no, how, prompt } => {
                flush(html, spot.scene, &mut strip);
                anchors = Anchors::after(format!("a{no}"));
                prompt::aside(html, spot.scene, *no, said_how(*how, declined), prompt);
            }
            Item::Marker(marker) => {
                flush(html, spot.scene, &mut strip);
                let during = step_before.take().filter(|step| step.outcome == Outcome::Open);
                let another = |item: &&Item| matches!(item, Item::Marker(Marker::Model { .. }));
                let after = items.iter().skip(i + 1).find(|item| !another(item)).is_some_and(is_work);
                let around = Around { during, after, is_end: end == Some(i) };
                strip.extend(self::marker(html, spot.scene, marker, &around).map(|row| (row, Nature::Alone)));
            }
        }
    }
    flush(html, spot.scene, &mut strip);
}

/// Appends the agent's words, with the permanent link to them.
fn reply(html: &mut Html, spot: &Spot<'_>, id: &str, text: &CleanText, is_end: bool) {
    html.raw(if spot.depth > 0 { "<div class=\"prose small" } else { "<div class=\"prose" });
    if id.is_empty() {
        html.raw("\">").html(&markdown(text)).raw("</div>\n");
        return;
    }
    html.raw(" reply\" id=\"").text(id).raw("\">").html(&markdown(text));
    html.raw("<p class=\"acts\"><a class=\"link\"");
    end_id(html, is_end);
    html.raw(" href=\"").html(&spot.scene.here(id));
    html.raw("\" aria-label=\"Link to this reply\">#</a></p></div>\n");
}

/// Whether a session may end with this item.
pub(super) fn ends(item: &Item) -> bool {
    match item {
        Item::Reply { text, .. } => !text.is_blank(),
        Item::Marker(Marker::Interrupted { .. } | Marker::ApiError { .. }) => true,
        _ => false,
    }
}

/// Whether the model was at work here.
fn is_work(item: &Item) -> bool {
    matches!(item, Item::Reply { .. } | Item::Image { .. } | Item::Thinking { .. } | Item::Step(_))
}

fn end_id(html: &mut Html, is_end: bool) {
    if is_end {
        html.raw(" id=\"").raw(ending::ID).raw("\"");
    }
}

fn flush(html: &mut Html, scene: &Scene, strip: &mut Vec<(Row, Nature)>) {
    gather::strip(html, scene, std::mem::take(strip));
}

fn is_todo(step: &Step) -> bool {
    matches!(step.tool, Tool::Todo { .. })
}

fn said_how(how: AsideHow, declined: Option<&Tool>) -> &'static str {
    match (how, declined) {
        (AsideHow::Queued, _) => "added while it worked",
        (AsideHow::Declining, Some(Tool::Edit { .. } | Tool::Write { .. })) => "declined the edit",
        (AsideHow::Declining, Some(Tool::Shell { .. })) => "declined the command",
        (AsideHow::Declining, Some(Tool::Plan { .. })) => "declined the plan",
        (AsideHow::Declining, _) => "declined the step",
    }
}

fn thought(text: &CleanText, id: String, at: Option<jiff::Timestamp>, stays_open: bool) -> (Row, Nature) {
    let mut row = Row::new("Thought", &["thought", "mind"]);
    row.at = at;
    row.id = id;
    if text.is_blank() {
        row.what = Html::of("not recorded");
        return (row, Nature::ShortThought);
    }
    let raw = text.as_str().trim();
    if let Some((heading, rest)) = headed(raw) {
        return headed_thought(row, heading, rest, stays_open);
    }
    row.what = said(&phrase::with_code(&phrase::one_line(raw, LINE)));
    if is_short(raw) {
        return (row, Nature::ShortThought);
    }
    row.body = Some(small(&markdown(text)));
    if stays_open {
        row.open = true;
        row.classes.push("last");
    }
    (row, Nature::Alone)
}

/// Whether a row says all of a text, so that there is nothing to open.
pub(super) fn is_short(text: &str) -> bool {
    let text = text.trim();
    !text.contains('\n') && text.chars().nth(SHORT).is_none()
}

/// A thought that begins with a line in bold has that for its row: some agents name each thought so.
fn headed_thought(mut row: Row, heading: &str, rest: &str, stays_open: bool) -> (Row, Nature) {
    row.what = said(&phrase::with_code(&phrase::one_line(heading, LINE)));
    if rest.is_empty() {
        return (row, Nature::ShortThought);
    }
    row.classes.push("headed");
    row.body = Some(small(&part(rest)));
    if !stays_open {
        return (row, Nature::ShortThought);
    }
    row.open = true;
    row.classes.push("last");
    (row, Nature::Alone)
}

/// The words of a first line that is bold from end to end, and what follows it.
fn headed(text: &str) -> Option<(&str, &str)> {
    let (first, rest) = text.split_once('\n').unwrap_or((text, ""));
    let heading = first.trim().strip_prefix("**")?.strip_suffix("**")?;
    let one = !heading.trim().is_empty() && !heading.contains("**");
    one.then(|| (heading.trim(), rest.trim()))
}

fn unknown(spot: &Spot<'_>, what: &CleanText, fields: &[(CleanText, CleanText)]) -> Row {
    let unread = what.as_str().starts_with("line ");
    let mut row = Row::new(if unread { "Unread" } else { "Unknown" }, &["thought"]);
    row.what = said(&Html::of(&phrase::one_line(what.as_str(), LINE)));
    row.body = Some(pairs::list(spot, fields)).filter(|body| !body.is_empty());
    row
}

fn context(spot: &Spot<'_>, what: &CleanText, text: &Output) -> Row {
    let mut row = Row::new("Context", &["thought"]);
    let start = phrase::one_line(text.text.as_str(), LINE);
    row.what = said(&Html::of(&format!("{what}: {start}")));
    let mut body = Html::new();
    code::output(&mut body, spot, text, Form::Terminal);
    row.body = Some(body);
    row
}

fn local(spot: &Spot<'_>, command: &CleanText, output: &Output) -> Row {
    let typed = command.as_str().trim_start().starts_with(['/', '!', '#']);
    let typed = typed || command.is_blank();
    let mut row = Row::new(if typed { "Local" } else { "Notice" }, &["run"]);
    let line = phrase::plain_line(command.as_str(), LINE);
    row.what = if typed { cmd(&line) } else { said(&Html::of(&line)) };
    if !output.text.is_blank() {
        let mut body = Html::new();
        code::output(&mut body, spot, output, Form::Terminal);
        row.body = Some(body);
    }
    row
}

/// What stands around a marker.
struct Around<'a> {
    /// The step that was cut off by it.
    during: Option<&'a Step>,
    /// The agent went on after it.
    after: bool,
    /// The session ends with it.
    is_end: bool,
}

/// Appends a marker; returns the row that follows it, if any.
fn marker(html: &mut Html, scene: &Scene, marker: &Marker, around: &Around<'_>) -> Option<Row> {
    let Around { during, is_end, .. } = *around;
    match marker {
        Marker::Compacted { at, before, after, summary } => {
            html.raw("<div class=\"seam\"><span>Context compacted");
            at_offset(html, scene, *at);
            if let Some(shrunk) = figures::shrunk(*before, *after) {
                html.raw(", ").text(&shrunk);
            }
            html.raw("</span></div>\n");
            let summary = summary.as_ref().filter(|summary| !summary.is_blank())?;
            let mut row = Row::new("Summary", &["thought"]);
            row.what = said(&phrase::with_code(&phrase::one_line(summary.as_str(), LINE)));
            let words = summary.as_str().split_whitespace().count() as u64;
            row.res = Html::of(&figures::counted(words, "word", "words"));
            row.body = Some(small(&markdown(summary)));
            return Some(row);
        }
        Marker::Interrupted { at } => {
            html.raw("<p class=\"halt stop\"");
            end_id(html, is_end);
            html.raw(">").raw(signs::STOP).raw("<span>You interrupted");
            let timed = at.is_some() && scene.origin.is_some();
            if timed || during.is_some() {
                html.raw(" <small>");
                at_offset(html, scene, *at);
                if let Some(step) = during {
                    html.raw(if timed { ", " } else { " " });
                    while_doing(html, step);
                }
                html.raw("</small>");
            }
            html.raw("</span></p>\n");
        }
        Marker::ApiError { at, text, times, until } => {
            let text = phrase::one_line(text.as_str(), 400);
            html.raw("<p class=\"halt error\"");
            end_id(html, is_end);
            html.raw(">").raw(signs::ERROR).raw("<span>The model did not answer: ");
            html.text(&text);
            let timed = at.is_some() && scene.origin.is_some();
            let mut more: Vec<String> = figures::tried(*times, *at, *until).into_iter().collect();
            if around.after {
                more.push("then continued".to_owned());
            }
            if timed || !more.is_empty() {
                html.raw(" <small>");
                at_offset(html, scene, *at);
                html.raw(if timed && !more.is_empty() { ", " } else { "" });
                html.text(&more.join(", ")).raw("</small>");
            }
            html.raw("</span></p>\n");
        }
        Marker::Model { to } => {
            let name = phrase::model_name(&phrase::plain_line(to.as_str(), 60));
            html.raw("<p class=\"seam model\"><span title=\"").clip(to.as_str(), LINE).raw("\">");
            html.text(&name).raw(" from here on</span></p>\n");
        }
        // A row of its own.
        Marker::Local { .. } => {}
    }
    None
}

/// `while running go test ./...`.
fn while_doing(html: &mut Html, step: &Step) {
    let (doing, what) = match &step.tool {
        Tool::Shell { command, .. } => ("while running ", command.as_str()),
        Tool::Read { path, .. } => ("while reading ", path.as_str()),
        Tool::Write { path, .. } | Tool::Edit { path, .. } => ("while changing ", path.as_str()),
        Tool::Agent { description, .. } => ("while an agent was at work: ", description.as_str()),
        _ => ("during ", step.name.as_str()),
    };
    html.raw(doing);
    phrase::code_span(html, &phrase::plain_line(what, 60));
}

fn at_offset(html: &mut Html, scene: &Scene, at: Option<jiff::Timestamp>) {
    let clock = scene.clock(at);
    if !clock.is_empty() {
        html.raw(" at ").html(&clock);
    }
}
