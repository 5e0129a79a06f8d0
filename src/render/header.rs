//! The head of the page: where, title, facts. A fact that is not known is left out.

use jiff::Timestamp;

use super::figures::{about, between, count, day, exact, lasted, machine, money, tokens};
use super::html::Html;
use super::phrase;
use super::scene::Scene;
use super::{changed, ending, timeline};
use crate::redact::CleanText;
use crate::session::model::{Cost, Overview, Usage, Window};
use crate::session::price;

/// Characters of a first prompt that serve as title.
const FROM_PROMPT: usize = 60;
/// Characters of any title.
const TITLE: usize = 200;
/// Models named; of more, their number.
const MODELS: usize = 2;

/// The title: the one given with the share, else the session's own, else the first prompt.
pub(super) fn title(overview: &Overview, given: Option<&CleanText>) -> String {
    let own = [given, overview.title.as_ref()].into_iter().flatten().find(|title| !title.is_blank());
    if let Some(own) = own {
        return phrase::one_line(own.as_str(), TITLE);
    }
    match (overview.first_words(), &overview.project) {
        (Some(first), _) => from_prompt(first.text.as_str()),
        (None, Some(project)) => format!("Session in {}", phrase::one_line(project.as_str(), TITLE)),
        (None, None) => "Session".to_owned(),
    }
}

/// What a prompt is about, cut where as much is seen as may be: the marks of code are not.
fn from_prompt(text: &str) -> String {
    let marks = |line: &str| line.matches('`').count();
    let line = phrase::headline(text, FROM_PROMPT);
    let longer = phrase::headline(text, FROM_PROMPT + marks(&line));
    let seen = longer.trim_end_matches('…').chars().count() - marks(&longer);
    if seen <= FROM_PROMPT { longer } else { line }
}

/// `project on branch`.
pub(super) fn crumb(overview: &Overview) -> Html {
    let mut html = Html::new();
    if let Some(project) = &overview.project {
        html.text(&phrase::plain_line(project.as_str(), TITLE));
    }
    if let Some(branch) = overview.branch.as_ref().filter(|branch| !branch.is_blank()) {
        html.raw(if html.is_empty() { "<span>on</span> <code>" } else { " <span>on</span> <code>" });
        html.text(&phrase::plain_line(branch.as_str(), TITLE)).raw("</code>");
    }
    html
}

/// The facts, as the groups of a `dl`.
pub(super) fn facts(overview: &Overview, live: bool) -> Html {
    let mut facts = Facts { html: Html::new(), so_far: !overview.complete || live };
    agent(&mut facts, overview);
    when(&mut facts, overview, live);
    let asides: usize = overview.outline.iter().map(|entry| entry.asides.len()).sum();
    let prompts = overview.outline.iter().filter(|entry| entry.no > 0).count();
    if prompts > 0 {
        let mut html = Html::of(&count(prompts as u64));
        if asides > 0 {
            html.raw(" <span class=\"sub\">+ ").num(asides as u64);
            html.raw(if asides == 1 { " aside</span>" } else { " asides</span>" });
        }
        facts.add("<dt>Prompts</dt>", "", &html);
    }
    let all = u64::from(overview.steps) + u64::from(overview.sub_steps);
    if all > 0 {
        let title = match overview.sub_steps {
            0 => String::new(),
            sub => format!(
                "{} by the main agent, {} by sub-agents",
                count(overview.steps.into()),
                count(sub.into())
            ),
        };
        facts.add("<dt>Steps</dt>", &title, &Html::of(&count(all)));
    }
    used(&mut facts, overview.usage);
    cost(&mut facts, overview.cost);
    facts.html
}

/// The timeline, the files that were changed and how it ended, where they are known.
pub(super) fn picture(scene: &Scene, overview: &Overview, window: &Window) -> Html {
    let mut html = Html::new();
    timeline::figure(&mut html, scene, overview, window);
    if let Some(changes) = &overview.changes {
        changed::section(&mut html, scene, changes);
    }
    ending::section(&mut html, scene, overview);
    html
}

struct Facts {
    html: Html,
    so_far: bool,
}

impl Facts {
    fn add(&mut self, term: &'static str, title: &str, value: &Html) {
        self.html.raw("<div>").raw(term).raw("<dd");
        if !title.is_empty() {
            self.html.raw(" title=\"").text(title).raw("\"");
        }
        self.html.raw(">").html(value).raw("</dd></div>");
    }
}

fn agent(facts: &mut Facts, overview: &Overview) {
    let mut title = overview.agent.to_owned();
    if let Some(version) = &overview.version {
        title.push(' ');
        title.push_str(&phrase::plain_line(version.as_str(), 60));
    }
    let mut shown = vec![overview.agent.to_owned()];
    for model in overview.models.iter().take(20) {
        title.push_str(", ");
        title.push_str(&phrase::plain_line(model.as_str(), 80));
    }
    shown.extend(
        overview.models.iter().take(MODELS).map(|m| phrase::model_name(&phrase::plain_line(m.as_str(), 40))),
    );
    shown.retain(|part| !part.is_empty());
    if shown.is_empty() {
        return;
    }
    let mut html = Html::of(&shown.join(", "));
    if let Some(more) = overview.models.len().checked_sub(MODELS).filter(|more| *more > 0) {
        html.raw(" <span class=\"sub\">+ ").num(more as u64).raw(if more == 1 {
            " model</span>"
        } else {
            " models</span>"
        });
    }
    facts.add("<dt>Agent</dt>", &title, &html);
}

fn when(facts: &mut Facts, overview: &Overview, live: bool) {
    let Some(started) = overview.started else {
        if live {
            facts.add("<dt>When</dt>", "", &live_dot(None));
        }
        return;
    };
    if live {
        facts.add("<dt>When</dt>", &exact(started), &live_dot(Some(started)));
    } else {
        let mut html = Html::new();
        html.raw("<time datetime=\"")
            .text(&machine(started))
            .raw("\" data-rel>")
            .text(&day(started))
            .raw("</time>");
        facts.add("<dt>When</dt>", &exact(started), &html);
    }
    let Some((ended, took)) = overview.ended.and_then(|ended| Some((ended, between(started, ended)?))) else {
        return;
    };
    if took.as_secs() > 0 {
        let mut html = Html::of(&lasted(took));
        let mut besides = Vec::new();
        if facts.so_far {
            besides.push("so far".to_owned());
        }
        // Where it was left alone for a while.
        let active = overview.timeline.active();
        if overview.timeline.stretches.len() > 1 && !active.is_zero() {
            besides.push(format!("{} active", about(active)));
        }
        if !besides.is_empty() {
            // Two lengths without a comma would read as one.
            html.raw(if facts.so_far { " " } else { ", " });
            html.raw("<span class=\"sub\">").text(&besides.join(", ")).raw("</span>");
        }
        facts.add("<dt>Lasted</dt>", &format!("{} to {}", exact(started), exact(ended)), &html);
    }
}

fn live_dot(started: Option<Timestamp>) -> Html {
    let mut html = Html::new();
    html.raw("<span class=\"live\">Live</span>");
    if let Some(started) = started {
        html.raw(" <time class=\"sub\" datetime=\"").text(&machine(started)).raw("\" data-since>");
        html.text("since ").text(&day(started)).raw("</time>");
    }
    html
}

fn used(facts: &mut Facts, usage: Usage) {
    let total = usage.total();
    if total == 0 {
        return;
    }
    let parts: Vec<String> = [
        (usage.cache_read, "read from cache"),
        (usage.cache_write, "written to cache"),
        (usage.input, "fresh input"),
        (usage.output, "output"),
    ]
    .into_iter()
    .filter(|(n, _)| *n > 0)
    .map(|(n, what)| format!("{} {what}", count(n)))
    .collect();
    let mut html = Html::of(&tokens(total));
    let cached = (usage.cache_read as f64 / total as f64 * 100.0).round();
    if cached >= 1.0 {
        html.raw(" <span class=\"sub\">").num(cached as u64).raw(" % cached</span>");
    }
    facts.add("<dt>Tokens</dt>", &parts.join(", "), &html);
}

/// What the tokens cost, where the price of all of them is known.
fn cost(facts: &mut Facts, cost: Cost) {
    let Some(dollars) = cost.dollars() else { return };
    let as_of = price::AS_OF;
    let title =
        format!("All tokens at the providers' list prices as of {as_of}; a subscription costs otherwise");
    facts.add("<dt>List price</dt>", &title, &Html::of(&money(dollars)));
}
