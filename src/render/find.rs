//! Search in one session: which blocks of a window hold all words that are sought, and the page that lists them.
//!
//! It reads the same clean text that pages show, window by window, so that no count tells of what was masked; who
//! calls decides which windows, and how many of them one answer may cost.

mod texts;

use askama::Template;
use jiff::{SignedDuration, Timestamp};
use regex::{Regex, RegexBuilder};

use super::assets;
use super::figures::counted;
use super::header;
use super::html::Html;
use super::mask;
use super::page::{shown, written};
use super::phrase;
use super::scene::Scene;
use crate::redact::CleanText;
use crate::session::model::{Overview, Window, WindowNo};

/// Most characters of a query.
pub const QUERY: usize = 200;
/// Most words of a query; what follows is not looked for.
const WORDS: usize = 12;
/// Characters around the first word of a hit.
const AROUND: usize = 70;

/// What is sought: words, in any order, in any case.
#[derive(Debug)]
pub struct Search {
    words: Vec<Regex>,
    plain: Vec<String>,
}

/// A block that holds all words.
#[derive(Debug)]
pub struct Hit {
    window: WindowNo,
    id: String,
    /// What it is: `Prompt 3`, `Bash`.
    what: Html,
    snippet: Html,
}

impl Search {
    /// The words of `query`; `None` if there are none.
    pub fn new(query: &str) -> Option<Self> {
        let word = |word: &str| {
            let pattern = RegexBuilder::new(&regex::escape(word)).case_insensitive(true).build().ok()?;
            Some((pattern, word.to_owned()))
        };
        let words = phrase::clip(query, QUERY).split_whitespace().take(WORDS).filter_map(word);
        let (words, plain): (Vec<_>, Vec<_>) = words.unzip();
        (!words.is_empty()).then_some(Self { words, plain })
    }

    /// The words.
    pub fn words(&self) -> &[String] {
        &self.plain
    }

    /// The hits in `window`, in order.
    pub fn hits(&self, window: &Window) -> Vec<Hit> {
        let blocks = texts::blocks(window).into_iter();
        let hit = |block: texts::Block<'_>| {
            let all = self.words.iter().all(|word| block.texts.iter().any(|text| word.is_match(text)));
            let first =
                block.texts.iter().find(|text| self.words.first().is_some_and(|word| word.is_match(text)))?;
            all.then(|| Hit {
                window: window.no,
                id: block.id,
                what: block.what,
                snippet: self.snippet(first),
            })
        };
        blocks.filter_map(hit).collect()
    }

    /// What stands around the first word, on one line, with all words marked.
    fn snippet(&self, text: &str) -> Html {
        let at = self.words.first().and_then(|word| word.find(text)).map_or(0, |found| found.start());
        let (before, after) = text.split_at_checked(at).unwrap_or(("", text));
        let from = before.char_indices().rev().nth(AROUND).map_or(0, |(at, _)| at);
        let lead = before.get(from..).unwrap_or_default();
        let rest = phrase::clip(after, AROUND * 2);
        let line = format!("{lead}{rest}").split_whitespace().collect::<Vec<_>>().join(" ");
        let mut html = Html::new();
        html.raw(if from > 0 { "…" } else { "" }).html(&self.marked(&line));
        html.raw(if rest.len() < after.len() { "…" } else { "" });
        html
    }

    fn marked(&self, line: &str) -> Html {
        let mut found: Vec<_> =
            self.words.iter().flat_map(|word| word.find_iter(line)).map(|m| m.range()).collect();
        found.sort_by_key(|range| range.start);
        let mut html = Html::new();
        let mut done = 0;
        for range in found {
            // Words may overlap: `ab` and `bc` in `abc`.
            let from = range.start.max(done);
            let (Some(before), Some(word)) = (line.get(done..from), line.get(from..range.end)) else {
                continue;
            };
            html.text(before).raw("<mark>").text(word).raw("</mark>");
            done = range.end;
        }
        html.text(line.get(done..).unwrap_or_default());
        html
    }
}

/// What an answer is made of.
#[derive(Clone, Copy, Debug)]
pub struct FoundInput<'a> {
    /// The session, as far as it is read.
    pub overview: &'a Overview,
    /// The title given with the share; `None`: the session's own.
    pub title: Option<&'a CleanText>,
    /// What was sought.
    pub query: &'a str,
    /// The hits in the windows looked through.
    pub hits: &'a [Hit],
    /// The first window looked through.
    pub from: WindowNo,
    /// The window to go on with; `None`: all were looked through.
    pub next: Option<WindowNo>,
}

#[derive(Template)]
#[template(path = "find.html")]
struct FoundPage {
    title: Html,
    icon: Html,
    css: Html,
    js: Html,
    query: String,
    found: Html,
}

/// The page of an answer, which works without a script. It stands beside the first window.
pub fn found_page(input: &FoundInput<'_>) -> String {
    let scene = Scene::new(input.overview, 0, false, false);
    written(&FoundPage {
        title: Html::of(&shown(&header::title(input.overview, input.title))),
        icon: scene.asset(&assets::icon().name),
        css: scene.asset(&assets::css().name),
        js: scene.asset(&assets::js().name),
        query: phrase::clip(input.query, QUERY).chars().filter(|&c| super::html::shown(c)).collect(),
        found: found(input),
    })
}

/// The same as a part, for the script.
pub fn found_part(input: &FoundInput<'_>) -> String {
    mask::named(found(input).into_string())
}

fn found(input: &FoundInput<'_>) -> Html {
    let scene = Scene::new(input.overview, 0, false, false);
    let mut html = Html::new();
    let moment = moment(&scene, input.overview, input.query).filter(|_| input.from == 0);
    html.raw("<p class=\"count\" data-hits=\"").num(input.hits.len() as u64).raw("\">");
    match input.hits.len() as u64 {
        0 if moment.is_some() => {}
        0 if input.next.is_some() => {
            html.raw("No hits so far");
        }
        0 => {
            html.raw("No hits");
        }
        n => {
            html.text(&counted(n, "hit", "hits")).raw(if input.next.is_some() { " so far" } else { "" });
        }
    }
    html.raw("</p>\n<ol class=\"hits\">");
    html.html(&moment.unwrap_or_default());
    for hit in input.hits {
        html.raw("<li><a href=\"").html(&scene.target(hit.window, &hit.id)).raw("\"><small>").html(&hit.what);
        html.raw("</small> ").html(&hit.snippet).raw("</a></li>\n");
    }
    html.raw("</ol>\n");
    if let Some(next) = input.next {
        html.raw("<p class=\"rest\"><a rel=\"next\" href=\"find?q=");
        html.query(phrase::clip(input.query, QUERY))
            .raw("&amp;from=")
            .num(next)
            .raw("\">Search on</a></p>\n");
    }
    html
}

/// A query like `12:30` or `1:02:03` is a time in the session: what went on then.
fn moment(scene: &Scene, overview: &Overview, query: &str) -> Option<Html> {
    let parts: Option<Vec<i64>> = query
        .trim()
        .split(':')
        .map(|part| part.parse().ok().filter(|n| (0..100_000).contains(n) && part.len() <= 5))
        .collect();
    let seconds = match parts?.as_slice() {
        [minutes, seconds] => minutes * 60 + seconds,
        [hours, minutes, seconds] => (hours * 60 + minutes) * 60 + seconds,
        _ => return None,
    };
    let at: Timestamp = scene.origin?.checked_add(SignedDuration::from_secs(seconds)).ok()?;
    let known = overview.timeline.bars.iter().filter_map(|bar| Some((bar, bar.goal.id()?)));
    let (bar, id) = known.min_by_key(|(bar, _)| bar.from.duration_since(at).abs())?;
    let mut html = Html::new();
    html.raw("<li><a href=\"")
        .html(&scene.target(bar.window, &id))
        .raw("\"><small>")
        .text(&scene.when(bar.from));
    html.raw("</small> Go to ").text(query.trim()).raw("</a></li>\n");
    Some(html)
}

#[cfg(test)]
mod tests;
