//! Where things stand: links between the pages of a share, the clock of a session, ids of steps.
//!
//! A share is served at `/s/<token>/`; every link is relative, so a page knows neither the token nor the
//! host. Window 0 stands at `./`, window n at `w/<n>`, a step at `s12`, an image at `i1` (of the sub-agent of step 12 `i12.1`), assets at `a/`.

use jiff::Timestamp;

use super::anchor::Anchors;
use super::figures;
use super::html::Html;
use crate::session::model::{AttachmentNo, Overview, Turn, WindowNo};

/// What all parts of one page share.
pub(super) struct Scene {
    /// The way from the page up to the root of its share: blank or `../`.
    pub up: &'static str,
    /// The window the content stands in.
    pub window: WindowNo,
    /// Times are told from here: the first prompt, else the first time seen.
    pub origin: Option<Timestamp>,
    /// The session is still going on.
    pub live: bool,
    /// Nothing is folded away or cut: the page of one step.
    pub whole: bool,
}

impl Scene {
    /// The scene of a window's own page (`whole` false) or of a step's page.
    pub(super) fn new(overview: &Overview, window: WindowNo, live: bool, whole: bool) -> Self {
        let first = overview.outline.iter().find(|entry| entry.no > 0).and_then(|entry| entry.at);
        let up = if window == 0 || whole { "" } else { "../" };
        Self { up, window, origin: first.or(overview.started), live, whole }
    }

    /// The address of a window.
    pub(super) fn window(&self, no: WindowNo) -> Html {
        let mut html = Html::new();
        match (no, self.up) {
            (0, "") => html.raw("./"),
            (0, up) => html.raw(up),
            (no, up) => html.raw(up).raw("w/").num(no),
        };
        html
    }

    /// The permanent address of something in a window.
    pub(super) fn target(&self, window: WindowNo, id: &str) -> Html {
        let mut html = self.window(window);
        html.raw("#").text(id);
        html
    }

    /// The permanent address of something in the window shown.
    pub(super) fn here(&self, id: &str) -> Html {
        self.target(self.window, id)
    }

    /// The address of an attachment's bytes.
    pub(super) fn attachment(&self, no: AttachmentNo) -> Html {
        let mut html = Html::new();
        html.raw(self.up).raw("i").text(&no.to_string());
        html
    }

    /// The way up to the root of the share, to be followed by a name.
    pub(super) fn up(&self) -> Html {
        let mut html = Html::new();
        html.raw(self.up);
        html
    }

    /// The address of the search.
    pub(super) fn find(&self) -> Html {
        let mut html = Html::new();
        html.raw(self.up).raw("find");
        html
    }

    /// The address of an asset.
    pub(super) fn asset(&self, name: &str) -> Html {
        let mut html = Html::new();
        html.raw(self.up).raw("a/").text(name);
        html
    }

    /// `0:06 into the session · 2026-01-29 22:19:59 UTC`.
    pub(super) fn when(&self, at: Timestamp) -> String {
        match self.origin {
            Some(origin) => {
                format!("{} into the session · {}", figures::offset(origin, at), figures::exact(at))
            }
            None => figures::exact(at),
        }
    }

    /// The offset of `at` with the exact time in its title; nothing without a time.
    pub(super) fn clock(&self, at: Option<Timestamp>) -> Html {
        let mut html = Html::new();
        if let (Some(origin), Some(at)) = (self.origin, at) {
            html.raw("<time datetime=\"").text(&figures::machine(at)).raw("\" title=\"");
            html.text(&figures::exact(at)).raw("\">").text(&figures::offset(origin, at)).raw("</time>");
        }
        html
    }
}

/// A place in a page where steps stand: the main agent's turns, or inside a sub-agent.
#[derive(Clone)]
pub(super) struct Spot<'a> {
    pub scene: &'a Scene,
    /// Id of the step stood at, or of the agent stood in: `s12`, `s12.3`; blank at the top.
    pub id: String,
    /// How many agents deep.
    pub depth: usize,
    /// The ids of what is said before the first step here.
    pub anchors: Anchors,
}

impl<'a> Spot<'a> {
    /// The top: the main agent's steps.
    pub(super) fn top(scene: &'a Scene) -> Self {
        Self { scene, id: String::new(), depth: 0, anchors: Anchors::default() }
    }

    /// The top of a turn.
    pub(super) fn turn(scene: &'a Scene, turn: &Turn) -> Self {
        Self { anchors: Anchors::of(turn, scene.window), ..Self::top(scene) }
    }

    /// The spot of step `no` here.
    pub(super) fn step(&self, no: u32) -> Self {
        let id = if self.id.is_empty() { format!("s{no}") } else { format!("{}.{no}", self.id) };
        Self { scene: self.scene, id, depth: self.depth, anchors: Anchors::default() }
    }

    /// Inside the sub-agent of this step.
    pub(super) fn inside(&self) -> Self {
        let anchors = Anchors::inside(&self.id);
        Self { scene: self.scene, id: self.id.clone(), depth: self.depth + 1, anchors }
    }

    /// Whether nothing may be folded away.
    pub(super) fn whole(&self) -> bool {
        self.scene.whole
    }

    /// The page where this step stands whole: that of the main agent's step it belongs to.
    pub(super) fn page(&self) -> Html {
        let mut html = Html::new();
        let top = self.id.split('.').next().unwrap_or(&self.id);
        html.raw(self.scene.up).text(top);
        if top.len() < self.id.len() {
            html.raw("#").text(&self.id);
        }
        html
    }
}
