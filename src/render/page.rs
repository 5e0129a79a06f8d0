//! The documents: a window of a session, a part of one, a step's own page.

use askama::Template;

use super::assets;
use super::gather::{self, Nature};
use super::header;
use super::html::Html;
use super::mask;
use super::outline;
use super::phrase;
use super::scene::{Scene, Spot};
use super::{step, turn};
use crate::redact::CleanText;
use crate::session::model::{Overview, Step, Window};

/// What a page is made of.
///
/// The page knows neither token nor host: its links are relative. Window 0 is served at `…/`, window n at
/// `…/w/<n>` (its part at `…/w/<n>?part=1`), step n at `…/s<n>`, attachment n at `…/i<n>`, assets at `…/a/`.
#[derive(Clone, Copy, Debug)]
pub struct PageInput<'a> {
    /// The session, as far as it is read.
    pub overview: &'a Overview,
    /// The window shown.
    pub window: &'a Window,
    /// The title given with the share; `None`: the session's own.
    pub title: Option<&'a CleanText>,
    /// The share follows a session that goes on.
    pub live: bool,
    /// The sharer lets viewers take the session with them: `…/session.md`, `…/session.json`,
    /// `…/session.jsonl`, `…/session.html`.
    pub downloads: bool,
}

#[derive(Template)]
#[template(path = "page.html")]
struct Page {
    title: String,
    heading: Html,
    project: Html,
    /// What stands above the outline: the project, else the agent. The title stands beside it already.
    place: Html,
    root: Html,
    find: Html,
    windows: u32,
    live: bool,
    up: Html,
    downloads: bool,
    /// What other programs show of a link to this page: nothing of the session but the title its sharer gave.
    preview: String,
    icon: Html,
    css: Html,
    js: Html,
    crumb: Html,
    facts: Html,
    /// Timeline, changed files, and how it ended.
    picture: Html,
    outline: Html,
    content: Html,
}

#[derive(Template)]
#[template(path = "step.html")]
struct StepPage {
    title: Html,
    name: Html,
    back: Html,
    icon: Html,
    css: Html,
    js: Html,
    content: Html,
}

/// A whole document: head, outline, and the turns of the window. Without a script, links lead to the next
/// and the previous window.
pub fn page(input: &PageInput<'_>) -> String {
    let PageInput { overview, window, .. } = *input;
    let scene = Scene::new(overview, window.no, input.live, false);
    let title = header::title(overview, input.title);
    let mut content = Html::new();
    previous(&mut content, &scene, overview);
    turns(&mut content, &scene, input);
    next(&mut content, &scene, input);
    let project = overview.project.as_ref().map(|project| phrase::plain_line(project.as_str(), 60));
    let page = Page {
        heading: phrase::with_code(&title),
        title: shown(&title),
        place: Html::of(project.as_deref().unwrap_or(overview.agent)),
        project: Html::of(project.as_deref().unwrap_or_default()),
        root: scene.window(0),
        find: scene.find(),
        windows: overview.windows,
        live: input.live,
        up: scene.up(),
        downloads: input.downloads,
        preview: input.title.map_or_else(
            || "A shared session".to_owned(),
            |title| shown(&phrase::one_line(title.as_str(), 200)),
        ),
        icon: scene.asset(&assets::icon().name),
        css: scene.asset(&assets::css().name),
        js: scene.asset(&assets::js().name),
        crumb: header::crumb(overview),
        facts: header::facts(overview, input.live),
        picture: header::picture(&scene, overview, window),
        outline: outline::list(&scene, overview),
        content,
    };
    written(&page)
}

/// The turns of the window and the link to the next, for the script to append to another window's page.
/// Its relative links are those of `…/w/<n>`: the script resolves them against where it fetched the part.
pub fn part(input: &PageInput<'_>) -> String {
    let scene = Scene::new(input.overview, input.window.no, input.live, false);
    let mut content = Html::new();
    turns(&mut content, &scene, input);
    next(&mut content, &scene, input);
    mask::named(content.into_string())
}

/// The page of one step of the window, with its whole output and nothing folded away.
pub fn step_page(input: &PageInput<'_>, step: &Step) -> String {
    let scene = Scene::new(input.overview, input.window.no, input.live, true);
    let mut content = Html::new();
    let row = step::row(&Spot::top(&scene), step, false);
    gather::strip(&mut content, &scene, vec![(row, Nature::Alone)]);
    let mut name = Html::new();
    name.text(&phrase::plain_line(step.name.as_str(), 60)).raw(", step ").num(step.no);
    let page = StepPage {
        title: Html::of(&shown(&header::title(input.overview, input.title))),
        name,
        back: scene.here(&format!("s{}", step.no)),
        icon: scene.asset(&assets::icon().name),
        css: scene.asset(&assets::css().name),
        js: scene.asset(&assets::js().name),
        content,
    };
    written(&page)
}

/// A template cannot fail to be written into memory: the only errors askama has are its writer's.
pub(super) fn written(template: &impl Template) -> String {
    mask::named(template.render().unwrap_or_default())
}

/// A title for the window's frame: no ticks around code, no control characters.
pub(super) fn shown(title: &str) -> String {
    title.chars().filter(|&c| c != '`' && super::html::shown(c)).collect()
}

/// The turns, in the element of their window: the script takes far windows out of the tab and brings them back.
fn turns(html: &mut Html, scene: &Scene, input: &PageInput<'_>) {
    let window = input.window;
    html.raw("<div class=\"window\" data-no=\"").num(window.no).raw("\">\n");
    let end = !window.next && input.overview.complete;
    for (turn, after) in window.turns.iter().zip(turn::after(&window.turns, end)) {
        turn::write(html, scene, input.overview, turn, after);
    }
    if window.turns.is_empty() && window.no == 0 && !window.next {
        html.raw("<p class=\"note nothing\">Nothing was said in this session.</p>\n");
    }
    html.raw("</div>\n");
}

fn previous(html: &mut Html, scene: &Scene, overview: &Overview) {
    let Some(before) = scene.window.checked_sub(1) else { return };
    html.raw("<nav class=\"pager\" aria-label=\"Earlier\"><a rel=\"prev\" href=\"");
    html.html(&scene.window(before)).raw("\">Previous");
    if let Some(range) = outline::begun_in(overview, before) {
        html.raw(": ").text(&range);
    }
    html.raw("</a></nav>\n");
}

/// The link to the next window, or what stands at the end.
fn next(html: &mut Html, scene: &Scene, input: &PageInput<'_>) {
    if input.window.next {
        let after = scene.window.saturating_add(1);
        html.raw("<nav class=\"pager\" aria-label=\"Later\"><a rel=\"next\" href=\"");
        html.html(&scene.window(after)).raw("\">Next");
        match outline::begun_in(input.overview, after) {
            Some(range) => html.raw(": ").text(&range),
            None if input.window.turns.last().is_some_and(|turn| turn.unfinished) => {
                html.raw(": more of this prompt")
            }
            None => html,
        };
        html.raw("</a></nav>\n");
        return;
    }
    if input.live {
        html.raw(
            "<p class=\"foot\">This session goes on.<span class=\"reload\"> <a href=\"\">Reload</a> for what came since.</span></p>\n",
        );
        return;
    }
    if !input.overview.complete {
        html.raw(
            "<p class=\"foot\">The session is still being read. <a href=\"\">Reload</a> for the rest.</p>\n",
        );
        return;
    }
    if input.window.turns.is_empty() {
        return;
    }
    html.raw("<footer class=\"foot\"><p>End of session");
    let clock = scene.clock(input.overview.ended);
    if !clock.is_empty() {
        html.raw(", ").html(&clock);
    }
    html.raw(".</p></footer>\n");
}
