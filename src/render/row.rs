//! One line of a strip: verb, object, result, duration, and what opens below it.

use std::time::Duration;

use jiff::Timestamp;

use super::figures;
use super::html::Html;
use super::scene::Scene;

/// Characters of a muted line.
const NOTE: usize = 2_000;

/// A row of a strip, before it is written.
#[derive(Default)]
pub(super) struct Row {
    /// Classes besides `step`: literals of this program.
    pub classes: Vec<&'static str>,
    /// The id others link to; blank for rows without one.
    pub id: String,
    /// What was done: `Read`, `Bash`, `Thought`.
    pub verb: Html,
    /// To what.
    pub what: Html,
    /// What came of it, in a word or two.
    pub res: Html,
    /// How long it took.
    pub took: Option<Duration>,
    /// When.
    pub at: Option<Timestamp>,
    /// What opens; a row without it does not open.
    pub body: Option<Html>,
    /// Stands open.
    pub open: bool,
}

impl Row {
    /// A row of these classes with this verb.
    pub(super) fn new(verb: &'static str, classes: &[&'static str]) -> Self {
        Self { verb: Html::of(verb), classes: classes.to_vec(), ..Self::default() }
    }

    /// Appends the row to a strip.
    pub(super) fn write(&self, html: &mut Html, scene: &Scene) {
        html.raw("<li class=\"step");
        for class in &self.classes {
            html.raw(" ").raw(class);
        }
        html.raw("\"");
        if !self.id.is_empty() {
            html.raw(" id=\"").text(&self.id).raw("\"");
        }
        html.raw(">");
        let Some(body) = &self.body else {
            html.raw("<div class=\"line\">");
            self.line(html, scene);
            html.raw("</div>");
            self.link(html, scene);
            html.raw("</li>\n");
            return;
        };
        html.raw(if self.open || scene.whole { "<details open><summary>" } else { "<details><summary>" });
        self.line(html, scene);
        html.raw("</summary><div class=\"body\">").html(body).raw("</div></details>");
        self.link(html, scene);
        html.raw("</li>\n");
    }

    fn line(&self, html: &mut Html, scene: &Scene) {
        html.raw("<span class=\"verb\">").html(&self.verb).raw("</span> ");
        html.raw("<span class=\"what\">").html(&self.what).raw("</span>");
        if !self.res.is_empty() {
            html.raw(" <span class=\"res\">").html(&self.res).raw("</span>");
        }
        self.tail(html, scene);
    }

    fn shown_took(&self) -> Option<Duration> {
        self.took.filter(|took| took.as_millis() >= 500)
    }

    /// How long it took; the exact time in its title. Of what is running, the script tells how long it has.
    fn tail(&self, html: &mut Html, scene: &Scene) {
        if let Some(at) = self.at.filter(|_| self.classes.contains(&"running")) {
            html.raw(" <time class=\"dur\" datetime=\"").text(&figures::machine(at)).raw("\" data-running>");
            html.raw("</time>");
            return;
        }
        let Some(took) = self.shown_took() else { return };
        html.raw(" <span class=\"dur\"");
        if let Some(at) = self.at {
            html.raw(" title=\"").text(&scene.when(at)).raw("\"");
        }
        html.raw(">").text(&figures::lasted(took)).raw("</span>");
    }

    /// The permanent link to the row, with the time where no duration shows it. It stands beside the summary: what opens must not hold a link.
    fn link(&self, html: &mut Html, scene: &Scene) {
        if self.id.is_empty() {
            return;
        }
        html.raw("<a class=\"link\" href=\"").html(&scene.here(&self.id)).raw("\"");
        if let Some(at) = self.at.filter(|_| self.shown_took().is_none()) {
            html.raw(" title=\"").text(&scene.when(at)).raw("\"");
        }
        if self.classes.contains(&"mind") {
            html.raw(" aria-label=\"Link to this thought\">#</a>");
        } else {
            html.raw(" aria-label=\"Link to step ").text(self.id.trim_start_matches('s')).raw("\">#</a>");
        }
    }
}

/// A muted line.
pub(super) fn note(text: &str) -> Html {
    let mut html = Html::new();
    html.raw("<p class=\"note\">").clip(text, NOTE).raw("</p>");
    html
}

/// Text in sans.
pub(super) fn said(text: &Html) -> Html {
    let mut html = Html::new();
    html.raw("<span class=\"said\">").html(text).raw("</span>");
    html
}

/// Text in mono.
pub(super) fn cmd(text: &str) -> Html {
    let mut html = Html::new();
    html.raw("<span class=\"cmd\">").text(text).raw("</span>");
    html
}

/// Prose in the small size of what stands inside the work.
pub(super) fn small(prose: &Html) -> Html {
    let mut html = Html::new();
    html.raw("<div class=\"prose small\">").html(prose).raw("</div>");
    html
}
