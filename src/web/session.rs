//! The site of one session: which path shows what, each page rendered and compressed once.

mod behind;
mod find;
mod live;
mod whole;

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use actix_web::http::StatusCode;
use bytes::Bytes;
use tokio::sync::watch;

use self::live::Live;
use super::cache::Cache;
use super::content::{Coding, Content, Freshness};
use super::follow::{Follower, Look};
use super::live::News;
use super::pieces::Download;
use super::server::Site;
use crate::redact::{CleanText, Cleaner};
use crate::render::export::{Format, json_lines};
use crate::render::{self, PageInput};
use crate::session::model::{AttachmentNo, Overview, Window, WindowNo};
use crate::session::{Include, OpenError, Progress, ReadError, Session, Source};
use crate::share::{Cause, Failure};

/// Bytes indexed between two looks at what is there.
const PIECE: usize = 1 << 20;
/// Steps looked at for files they changed, by one job of the pool; a short session's before its first view.
const SURVEYED: usize = 256;

/// How long code is coloured in one page; what is left is plain. Far more than what people write takes.
const COLOURING: Duration = Duration::from_millis(400);

/// How long an overview is shown before anybody looks whether there is a newer one.
const HELD: Duration = Duration::from_millis(500);

/// What a site is made from.
#[derive(Clone, Debug)]
pub struct SiteSource {
    /// The file.
    pub path: PathBuf,
    /// What is shown of it, in bytes from its beginning; `None`: all.
    pub len: Option<u64>,
    /// A title the sharer chose.
    pub name: Option<String>,
    /// What is shown beside what was said and done.
    pub include: Include,
    /// For a live page: the file that `path` is a private copy of, which grows with it.
    pub follows: Option<PathBuf>,
    /// Viewers may take the whole session with them.
    pub downloads: bool,
}

/// A session that can be looked at.
pub struct SessionSite {
    session: Session,
    title: Option<CleanText>,
    /// The overview that pages are made from, and when it was taken.
    overview: Mutex<(Arc<Overview>, Instant)>,
    cache: Mutex<Cache<(Page, Coding)>>,
    /// Its session goes on.
    live: Option<Live>,
    /// Viewers may take the whole session with them.
    downloads: bool,
    /// Who searches: one at a time, so that searching never takes all threads that render.
    finding: Mutex<()>,
}

/// What a path below the token asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked<'a> {
    Page(Page),
    Image(AttachmentNo),
    Asset(&'a str),
    Find,
    Whole(Format),
}

/// A page that is rendered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Page {
    /// A window, whole document.
    Window(WindowNo),
    /// A window, its turns alone: what the script appends.
    Part(WindowNo),
    /// A step with the whole of its output.
    Step(u32),
}

impl SessionSite {
    /// Opens the session and indexes it until its first window is whole: what that takes does not depend on
    /// how long the session is.
    ///
    /// # Errors
    /// A [`Failure`] of class [`Cause::Session`].
    pub fn open(source: &SiteSource) -> Result<Self, Failure> {
        let open = || {
            let cleaner = Cleaner::new();
            let live = source.follows.as_ref().map(|followed| follow(followed, &source.path)).transpose()?;
            let file = Source::open_to(&source.path, source.len)?;
            let session = Session::open(file, cleaner.clone())?;
            let session = session.including(source.include);
            while session.windows() < 2 && session.advance(PIECE)? == Progress::More {}
            if session.is_complete() {
                session.survey(SURVEYED)?;
            }
            let title = source.name.as_deref().map(|name| cleaner.text(name));
            let overview = Mutex::new((session.overview(), Instant::now()));
            let site = Self {
                session,
                title,
                overview,
                cache: Mutex::default(),
                live,
                downloads: source.downloads,
                finding: Mutex::default(),
            };
            // The first view is ready before anybody asks for it.
            for coding in [Coding::Brotli, Coding::Gzip] {
                site.page(Page::Window(0), coding)?;
            }
            Ok(site)
        };
        open().map_err(|error: OpenError| {
            let what = format!("{}: {error}", source.path.display());
            Failure::new(Cause::Session, what, "`panko check FILE` tells what is in the file")
        })
    }

    /// How a live page stands, now and later.
    pub fn live_news(&self) -> Option<watch::Receiver<News>> {
        self.live.as_ref().map(Live::news)
    }

    fn render(&self, page: Page, overview: &Overview) -> Result<Option<String>, ReadError> {
        let no = match page {
            Page::Window(no) | Page::Part(no) => Some(no),
            Page::Step(step) => self.session.place_of_step(step),
        };
        let Some(window) = no.map(|no| self.window(no)).transpose()?.flatten() else { return Ok(None) };
        let live = self.live.as_ref().is_some_and(Live::goes_on);
        let input = PageInput {
            overview,
            window: &window,
            title: self.title.as_ref(),
            live,
            downloads: self.downloads,
        };
        let began = Instant::now();
        let is_time = move || began.elapsed() < COLOURING;
        Ok(match page {
            Page::Window(_) => Some(render::while_there_is_time(is_time, || render::page(&input))),
            Page::Part(_) => Some(render::while_there_is_time(is_time, || render::part(&input))),
            Page::Step(step) => {
                let step = self.session.step(step)?;
                step.map(|step| render::while_there_is_time(is_time, || render::step_page(&input, &step)))
            }
        })
    }

    /// The first window is always there, be it empty.
    fn window(&self, no: WindowNo) -> Result<Option<Window>, ReadError> {
        let window = self.session.window(no)?;
        Ok(window.or_else(|| (no == 0).then(Window::default)))
    }

    fn page(&self, page: Page, coding: Coding) -> Result<Option<Arc<Content>>, ReadError> {
        let overview = self.overview();
        if let Some(content) = self.cache().get(&overview, (page, coding)) {
            return Ok(Some(content));
        }
        // Rendered once, compressed as often as there are codings.
        let rendered = self.cache().get(&overview, (page, Coding::Plain));
        let plain = match rendered {
            Some(plain) => plain,
            None => {
                let Some(html) = self.render(page, &overview)? else { return Ok(None) };
                let plain = Arc::new(Content::html(html, Freshness::AskAgain));
                self.cache().put(&overview, (page, Coding::Plain), plain.clone());
                plain
            }
        };
        let content = Arc::new(plain.coded(coding));
        self.cache().put(&overview, (page, coding), content.clone());
        Ok(Some(content))
    }

    /// The overview that pages are made from. While the session is being read, it is brought up to date when
    /// twice as much is known, and not more than once in a while: to follow every step would make a first view
    /// cost more, the longer the session is. That of a live page is brought up to date by who follows it.
    fn overview(&self) -> Arc<Overview> {
        let mut kept = self.overview.lock().unwrap_or_else(PoisonError::into_inner);
        let (shown, taken) = &mut *kept;
        if self.live.is_none() && taken.elapsed() >= HELD {
            *taken = Instant::now();
            if shown.complete || self.knows_twice(shown) || self.session.is_complete() {
                *shown = self.session.overview();
            }
        }
        shown.clone()
    }

    fn knows_twice(&self, shown: &Overview) -> bool {
        self.session.windows() >= shown.windows.saturating_mul(2)
    }

    /// The file that is shown.
    pub fn source(&self) -> &Source {
        self.session.source()
    }

    fn image(&self, no: AttachmentNo) -> Result<Option<Arc<Content>>, ReadError> {
        let found = self.session.attachment(no)?;
        Ok(found
            .map(|(media_type, bytes)| Arc::new(Content::new(media_type, bytes.into(), Freshness::AskAgain))))
    }

    fn cache(&self) -> MutexGuard<'_, Cache<(Page, Coding)>> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Site for SessionSite {
    fn ready(&self, path: &str, query: &str, coding: Coding) -> Option<Arc<Content>> {
        match asked(path, query)? {
            Asked::Page(page) => {
                // Whoever holds these locks renders nothing meanwhile, but may look at the index.
                let kept = self.overview.try_lock().ok()?;
                let (shown, taken) = &*kept;
                let is_newest = self.live.is_some() || taken.elapsed() < HELD;
                is_newest.then(|| self.cache().get(shown, (page, coding)))?
            }
            Asked::Asset(name) => asset(name, coding),
            Asked::Image(_) | Asked::Find | Asked::Whole(_) => None,
        }
    }

    fn get(&self, path: &str, query: &str, coding: Coding) -> Option<Arc<Content>> {
        let found = match asked(path, query)? {
            Asked::Page(page) => self.page(page, coding),
            Asked::Image(no) => self.image(no),
            Asked::Find => self.find(query),
            Asked::Whole(format) => self.whole(format),
            Asked::Asset(name) => return asset(name, coding),
        };
        found.unwrap_or_else(|error| {
            tracing::warn!(%error, "a page could not be read");
            let html = Content::html(render::unreadable().to_owned(), Freshness::Never);
            Some(Arc::new(Content { status: StatusCode::INTERNAL_SERVER_ERROR, ..html }))
        })
    }

    fn download(&self, path: &str) -> Option<Download> {
        let download = Download { name: "session.jsonl", media_type: "application/jsonl" };
        (self.downloads && path == download.name).then_some(download)
    }

    fn piece(&self, no: u32) -> io::Result<Option<Bytes>> {
        let piece = json_lines(&self.session, no).map_err(io::Error::other)?;
        Ok(piece.map(Bytes::from))
    }

    fn news(&self) -> Option<watch::Receiver<News>> {
        self.live_news()
    }

    fn not_found(&self) -> &'static str {
        render::not_found()
    }
}

/// Begins to follow a file that grows; the first piece of it is in the copy then.
fn follow(source: &std::path::Path, copy: &std::path::Path) -> std::io::Result<Live> {
    let mut follower = Follower::open(source, copy)?;
    match follower.look()? {
        Look::Lost(lost) if std::fs::metadata(copy)?.len() == 0 => {
            Err(std::io::Error::other(lost.to_string()))
        }
        _ => Ok(Live::new(follower)),
    }
}

fn asked<'a>(path: &'a str, query: &str) -> Option<Asked<'a>> {
    // Numbers are written one way, so that each page has one address.
    let number = |text: &str| text.parse::<u32>().ok().filter(|no| no.to_string() == text);
    if path.is_empty() {
        return Some(Asked::Page(if query == "part=1" { Page::Part(0) } else { Page::Window(0) }));
    }
    if let Some(name) = path.strip_prefix("a/") {
        return Some(Asked::Asset(name));
    }
    match path {
        "find" => return Some(Asked::Find),
        "session.md" => return Some(Asked::Whole(Format::Markdown)),
        "session.json" => return Some(Asked::Whole(Format::Json)),
        "session.html" => return Some(Asked::Whole(Format::Html)),
        _ => {}
    }
    // The first stands at the root alone: the links of its page lead from there.
    if let Some(no) = path.strip_prefix("w/").and_then(number).filter(|no| *no > 0) {
        return Some(Asked::Page(if query == "part=1" { Page::Part(no) } else { Page::Window(no) }));
    }
    match path.split_at_checked(1)? {
        ("s", no) => number(no).map(|no| Asked::Page(Page::Step(no))),
        ("i", no) => AttachmentNo::parse(no).map(Asked::Image),
        _ => None,
    }
}

fn asset(name: &str, coding: Coding) -> Option<Arc<Content>> {
    let asset = render::asset(name)?;
    let body: &'static [u8] = match coding {
        Coding::Plain => asset.raw,
        Coding::Brotli => &asset.brotli,
        Coding::Gzip => &asset.gzip,
    };
    Some(Arc::new(Content {
        status: StatusCode::OK,
        media_type: asset.content_type,
        body: Bytes::from_static(body),
        coding,
        etag: asset.name.clone(),
        freshness: Freshness::Forever,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_has_one_address_and_nothing_else_has_any() {
        for (path, query, expected) in [
            ("", "", Some(Asked::Page(Page::Window(0)))),
            ("", "utm=x", Some(Asked::Page(Page::Window(0)))),
            ("", "part=1", Some(Asked::Page(Page::Part(0)))),
            ("w/12", "", Some(Asked::Page(Page::Window(12)))),
            ("w/12", "part=1", Some(Asked::Page(Page::Part(12)))),
            ("s7", "", Some(Asked::Page(Page::Step(7)))),
            ("i3", "", Some(Asked::Image(3.into()))),
            ("i12.3", "", Some(Asked::Image(AttachmentNo::parse("12.3").unwrap()))),
            ("i12.4.3", "", AttachmentNo::parse("12.4.3").map(Asked::Image)),
            ("find", "q=x", Some(Asked::Find)),
            ("a/x.css", "", Some(Asked::Asset("x.css"))),
        ] {
            assert_eq!(asked(path, query), expected, "{path}");
        }
        for path in [
            "w",
            "w/",
            "w/0",
            "w/01",
            "w/+1",
            "w/-1",
            "w/4294967296",
            "w/1/",
            "s",
            "s1x",
            "i",
            "i 1",
            "i1.",
            "i.1",
            "i01.1",
            "i1.0.3",
            "i1.2.3.4.5.6.7.8",
            "x",
            "é",
            "/",
            "..",
        ] {
            assert_eq!(asked(path, ""), None, "{path}");
        }
    }
}
