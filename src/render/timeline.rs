//! The timeline in the head: what went on when, in lanes. Drawn with attributes only, x in per cent, so that it
//! stretches with the page; a sentence says the same to who does not see it.
//!
//! Each stretch is a picture of its own, and so is each pause between two: then a pause keeps its width in pixels
//! (the style sheet says it) while the stretches share what is left in proportion to theirs, with no script.

mod labels;

use std::collections::HashMap;
use std::fmt::Write as _;

use super::figures::{between, counted, lasted, offset};
use super::html::Html;
use super::page::shown;
use super::scene::Scene;
use super::{phrase, subject};
use crate::session::model::{Ended, Overview, Window};
use crate::session::timeline::{Axis, Bar, Goal, Lane};

/// Height of a lane and of a bar in it, in pixels.
const LANE: u64 = 14;
const BAR: u64 = 9;
/// Least width of a bar, of the whole.
const LEAST: f64 = 0.0028;
/// Share of the width that all pauses take at most: up to then, each has the 24 px of the style sheet.
const PAUSES: f64 = 0.4;
/// The share of a pause on a phone.
const NARROW: f64 = 0.08;
/// A label that begins before this share stands behind its line: before it there is no room.
const FIRST: f64 = 0.02;
/// Characters of a prompt in a title.
const WORDS: usize = 80;

/// All lanes, from the top.
const LANES: [Lane; 6] = [Lane::You, Lane::Model, Lane::Read, Lane::Edit, Lane::Run, Lane::Agent];

/// What the bars are of, in words.
struct Told<'a> {
    scene: &'a Scene,
    overview: &'a Overview,
    /// What the steps of the window shown are about: of others nothing is decoded here.
    steps: HashMap<u32, String>,
}

/// Appends the timeline; nothing where no times are known, or nothing took any.
pub(super) fn figure(html: &mut Html, scene: &Scene, overview: &Overview, window: &Window) {
    let timeline = &overview.timeline;
    let axis = Axis::of(timeline);
    let lanes: Vec<Lane> =
        LANES.into_iter().filter(|lane| timeline.bars.iter().any(|bar| bar.lane == *lane)).collect();
    if timeline.active().as_secs() == 0 || lanes.len() < 2 {
        return;
    }
    let height = lanes.len() as u64 * LANE;
    html.raw("<figure class=\"timeline\"><figcaption class=\"unseen\">").text(&said(overview, &axis));
    html.raw("</figcaption><ul class=\"lanes\" aria-hidden=\"true\">");
    for lane in &lanes {
        html.raw("<li>").raw(name(*lane)).raw("</li>");
    }
    html.raw("</ul><div class=\"chart\" aria-hidden=\"true\">");
    let mut parts = Part::all(&axis, height);
    ground(&mut parts, scene, overview, &axis, height);
    let told = Told { scene, overview, steps: subject::of_steps(window) };
    for (bar, next) in timeline.bars.iter().zip(timeline.bars.iter().skip(1).map(Some).chain([None])) {
        let Some(row) = lanes.iter().position(|lane| *lane == bar.lane) else { continue };
        let limit = next.filter(|next| next.lane == bar.lane).map_or(1.0, |next| axis.x(next.from));
        one(&mut parts, &told, bar, (axis.x(bar.from), axis.x(bar.to).min(limit)), row as u64 * LANE);
    }
    let share = PAUSES / parts.iter().filter(|part| part.pause).count().max(1) as f64;
    let room: f64 = parts.iter().filter(|part| !part.pause).map(Part::long).sum();
    for part in &parts {
        html.raw(if part.pause { "<svg class=\"pause\" width=\"" } else { "<svg width=\"" });
        percent(html, if part.pause { share } else { part.long() / room });
        html.raw("\" height=\"").num(height + 18).raw("\">").html(&part.drawn).raw("</svg>");
    }
    html.raw("</div></figure>\n");
}

/// A stretch in which something went on, or a pause.
struct Part {
    /// Where it stands on the axis.
    from: f64,
    to: f64,
    pause: bool,
    drawn: Html,
}

impl Part {
    /// The parts of the axis in order, with the sign of a break in each pause.
    fn all(axis: &Axis, height: u64) -> Vec<Self> {
        let mut parts = Vec::new();
        let mut at = 0.0;
        for (from, to, seconds) in axis.pauses() {
            parts.push(Self { from: at, to: from, pause: false, drawn: Html::new() });
            at = to;
            let mut drawn = Html::new();
            drawn.raw("<rect width=\"100%\" height=\"").num(height).raw("\"/><svg x=\"50%\" y=\"");
            drawn.num(height / 2).raw("\"><path d=\"M-5 6-1-6M1 6 5-6\"/></svg><title>");
            drawn.text(&lasted(std::time::Duration::from_secs(seconds))).raw(" without anything</title>");
            parts.push(Self { from, to: at, pause: true, drawn });
        }
        parts.push(Self { from: at, to: 1.0, pause: false, drawn: Html::new() });
        parts
    }

    fn long(&self) -> f64 {
        (self.to - self.from).max(f64::EPSILON)
    }

    /// Where something of the axis stands in this part.
    fn share(&self, x: f64) -> f64 {
        ((x - self.from) / self.long()).clamp(0.0, 1.0)
    }
}

/// Where something of the axis stands on a phone, whose pauses take more of the width.
fn on_phone(parts: &[Part], x: f64) -> f64 {
    let pauses = parts.iter().filter(|part| part.pause).count() as f64;
    let pause = NARROW.min(PAUSES / pauses.max(1.0));
    let stretches: f64 = parts.iter().filter(|part| !part.pause).map(Part::long).sum();
    let scale = (1.0 - pause * pauses) / stretches;
    let before =
        parts.iter().take(stretch(parts, x)).map(|part| if part.pause { pause } else { part.long() * scale });
    let inside = parts.get(stretch(parts, x)).map_or(0.0, |part| (x - part.from) * scale);
    before.sum::<f64>() + inside
}

/// The position of the stretch in which `x` is: moments are never in a pause ([`Axis::x`]).
fn stretch(parts: &[Part], x: f64) -> usize {
    parts.iter().rposition(|part| !part.pause && part.from <= x).unwrap_or_default()
}

fn name(lane: Lane) -> &'static str {
    match lane {
        Lane::You => "you",
        Lane::Model => "model",
        Lane::Read => "read",
        Lane::Edit => "edit",
        Lane::Run => "run",
        Lane::Agent => "agent",
    }
}

/// `3 prompts over 8 min 44 s, active for 6 min; 5 steps read, 4 edit, 12 run`.
fn said(overview: &Overview, axis: &Axis) -> String {
    let prompts = overview.outline.iter().filter(|entry| entry.no > 0).count() as u64;
    let mut text = format!("Timeline: {}", counted(prompts, "prompt", "prompts"));
    let all = overview.started.zip(overview.ended).and_then(|(from, to)| between(from, to));
    if let Some(all) = all {
        let _ = write!(text, " over {}", lasted(all));
        if axis.pauses().next().is_some() {
            let _ = write!(text, ", active for {}", lasted(overview.timeline.active()));
        }
    }
    for (lane, one, many) in [
        (Lane::Read, "step that looks", "steps that look"),
        (Lane::Edit, "that changes a file", "that change files"),
        (Lane::Run, "that runs a command", "that run commands"),
        (Lane::Agent, "by a sub-agent", "that send sub-agents"),
    ] {
        let of = overview.timeline.bars.iter().filter(|bar| bar.lane == lane);
        let n: u64 = of.map(|bar| u64::from(bar.count)).sum();
        if n > 0 {
            let _ = write!(text, ", {}", counted(n, one, many));
        }
    }
    text
}

/// A share of the width as `12.34%`.
fn percent(html: &mut Html, share: f64) {
    let hundredths = (share * 10_000.0).round().max(0.0) as u64;
    html.num(hundredths / 100);
    match hundredths % 100 {
        0 => {}
        rest if rest % 10 == 0 => {
            html.raw(".").num(rest / 10);
        }
        rest => {
            html.raw(if rest < 10 { ".0" } else { "." }).num(rest);
        }
    }
    html.raw("%");
}

/// Grid lines and labels.
fn ground(parts: &mut [Part], scene: &Scene, overview: &Overview, axis: &Axis, height: u64) {
    let prompts = overview.timeline.bars.iter().filter(|bar| bar.lane == Lane::You && !bar.minor);
    for prompt in prompts {
        line(parts, "<line class=\"turnline\" x1=\"", axis.x(prompt.from), height);
    }
    let ticks = labels::ticks(scene, overview, axis);
    let on_phones: Vec<_> =
        ticks.iter().map(|(x, label)| labels::place(on_phone(parts, *x), label, *x < FIRST)).collect();
    let stride = labels::stride(&on_phones);
    for (n, (x, label)) in ticks.into_iter().enumerate() {
        line(parts, "<line class=\"grid\" x1=\"", x, height);
        let at = stretch(parts, x);
        let Some(part) = parts.get_mut(at) else { continue };
        let share = part.share(x);
        let html = &mut part.drawn;
        html.raw(match (x < FIRST, n % stride > 0) {
            (true, _) => "<text class=\"first\" x=\"",
            (false, true) => "<text class=\"close\" x=\"",
            (false, false) => "<text x=\"",
        });
        percent(html, share);
        html.raw("\" y=\"").num(height + 14).raw("\">").text(&label).raw("</text>");
    }
}

fn line(parts: &mut [Part], open: &'static str, x: f64, height: u64) {
    let at = stretch(parts, x);
    let Some(part) = parts.get_mut(at) else { return };
    let share = part.share(x);
    let html = &mut part.drawn;
    html.raw(open);
    percent(html, share);
    html.raw("\" x2=\"");
    percent(html, share);
    html.raw("\" y1=\"0\" y2=\"").num(height).raw("\"/>");
}

/// Draws a bar: what waited for somebody goes on behind a pause.
fn one(parts: &mut [Part], told: &Told<'_>, bar: &Bar, (from, to): (f64, f64), y: u64) {
    let (first, last) = (stretch(parts, from), stretch(parts, to.max(from)));
    let room = 1.0 - parts.iter().filter(|part| part.pause).map(Part::long).sum::<f64>();
    for part in parts.get_mut(first..=last).unwrap_or_default() {
        let (left, right) = (part.share(from), part.share(to));
        if first < last && right <= left {
            continue;
        }
        let least = if part.pause { 0.0 } else { LEAST * room / part.long() };
        // A bar at the very end is not pushed out.
        let place = (left.min((1.0 - least).max(0.0)), (right - left).max(least));
        piece(&mut part.drawn, told, bar, place, y);
    }
}

/// Appends a bar, or as much of it as is in one part.
fn piece(html: &mut Html, told: &Told<'_>, bar: &Bar, (x, width): (f64, f64), y: u64) {
    let id = bar.goal.id();
    if let Some(id) = &id {
        html.raw("<a tabindex=\"-1\" href=\"").html(&told.scene.target(bar.window, id)).raw("\">");
    }
    html.raw("<rect class=\"").raw(name(bar.lane));
    if bar.minor {
        html.raw(if bar.lane == Lane::You { " minor" } else { " sub" });
    }
    match bar.ended {
        Ended::Failed => html.raw(" failed"),
        Ended::Declined => html.raw(" declined"),
        // Green says that a file changed.
        Ended::Open if bar.lane == Lane::Edit => html.raw(" open"),
        Ended::Done | Ended::Open => html,
    };
    html.raw("\" x=\"");
    percent(html, x);
    html.raw("\" y=\"").num(y + 3).raw("\" width=\"");
    percent(html, width);
    html.raw("\" height=\"")
        .num(BAR)
        .raw("\" rx=\"1\"><title>")
        .text(&told.title(bar))
        .raw("</title></rect>");
    if id.is_some() {
        html.raw("</a>");
    }
}

impl Told<'_> {
    /// `1:14 · step 12, Edit src/main.rs, 47 s, declined`.
    fn title(&self, bar: &Bar) -> String {
        let origin = self.scene.origin;
        let mut title = origin.map(|origin| format!("{} · ", offset(origin, bar.from))).unwrap_or_default();
        let many = u64::from(bar.count);
        let _ = match (bar.goal, bar.lane) {
            (Goal::Prompt(no), _) if many == 1 => match self.prompt(no) {
                Some(words) => write!(title, "prompt {no}, {words}"),
                None => write!(title, "prompt {no}"),
            },
            (Goal::Prompt(no), _) => write!(title, "{many} prompts from {no} on"),
            (Goal::Aside(_), _) => write!(title, "said while it worked"),
            (_, Lane::Model) => write!(title, "thinking or writing"),
            (_, lane) if bar.minor => {
                write!(title, "{} of a sub-agent, {}", counted(many, "step", "steps"), name(lane))
            }
            (Goal::Step(no), lane) if many == 1 => {
                let what = self.steps.get(&no).map_or(name(lane), String::as_str);
                write!(title, "step {no}, {what}")
            }
            (Goal::Step(no), lane) => write!(title, "{many} steps from {no} on, {}", name(lane)),
            (Goal::None | Goal::Inner(..), lane) => {
                write!(title, "{}, {}", counted(many, "step", "steps"), name(lane))
            }
        };
        if let Some(took) = between(bar.from, bar.to).filter(|took| took.as_millis() >= 500) {
            let _ = write!(title, ", {}", lasted(took));
        }
        match bar.ended {
            Ended::Failed if many == 1 => title.push_str(", failed"),
            Ended::Failed => title.push_str(", not all worked"),
            Ended::Declined => title.push_str(", declined"),
            Ended::Done | Ended::Open => {}
        }
        title
    }

    /// How a prompt begins.
    fn prompt(&self, no: u32) -> Option<String> {
        let words = self.overview.entry(no)?.text.as_str();
        Some(shown(&phrase::one_line(words, WORDS))).filter(|words| !words.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_written_short() {
        let show = |share| {
            let mut html = Html::new();
            percent(&mut html, share);
            html.into_string()
        };
        assert_eq!(
            [0.0, 0.5, 0.123, 0.1234, 0.0003, 1.2].map(show),
            ["0%", "50%", "12.3%", "12.34%", "0.03%", "120%"]
        );
    }

    #[test]
    fn on_a_phone_pauses_take_more_and_stretches_less() {
        let part = |from, to, pause| Part { from, to, pause, drawn: Html::new() };
        let parts = [part(0.0, 0.47, false), part(0.47, 0.5, true), part(0.5, 1.0, false)];
        let shown: Vec<_> = [0.0, 0.47, 0.5, 1.0].map(|x| (on_phone(&parts, x) * 1000.0).round()).to_vec();
        assert_eq!(shown, [0.0, 446.0, 526.0, 1000.0]);
        let alone = [part(0.0, 1.0, false)];
        assert_eq!(on_phone(&alone, 0.3), 0.3);
    }
}
