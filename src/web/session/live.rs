//! The session of a live page: its copy grows, what is known of it with it, and viewers are told.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tokio::sync::watch;

use super::behind::STRETCH;
use super::{SURVEYED, SessionSite};
use crate::session::model::Overview;
use crate::session::{Progress, ReadError};
use crate::web::follow::{Follower, Look};
use crate::web::live::{Going, News};

/// Between two looks at the source: what a viewer waits for a change.
pub(super) const LOOK: Duration = Duration::from_millis(500);
/// A session that has not grown for so long is idle. Agents wait for people, and for long commands.
const IDLE: Duration = Duration::from_secs(300);

/// What makes a site a live one.
pub(super) struct Live {
    following: Mutex<Following>,
    news: watch::Sender<News>,
}

struct Following {
    follower: Follower,
    /// All that was copied is indexed and surveyed.
    settled: bool,
    /// The session's overview that viewers were last told of.
    told: Option<Arc<Overview>>,
}

impl Live {
    pub(super) fn new(follower: Follower) -> Self {
        let news = News { revision: later_than(0), windows: 0, state: Going::Live, trouble: None };
        let following = Following { follower, settled: false, told: None };
        Self { following: Mutex::new(following), news: watch::Sender::new(news) }
    }

    pub(super) fn news(&self) -> watch::Receiver<News> {
        self.news.subscribe()
    }

    /// Whether the page is to say that the session goes on.
    pub(super) fn goes_on(&self) -> bool {
        self.news.borrow().state != Going::Gone
    }

    fn following(&self) -> MutexGuard<'_, Following> {
        self.following.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A revision after `last`. The clock makes it one that no earlier daemon has told.
fn later_than(last: u64) -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    u64::try_from(now).unwrap_or_default().max(last + 1)
}

/// What a look means, and why the session does not go on.
fn going(look: &std::io::Result<Look>, quiet: Duration) -> (Going, Option<String>) {
    match look {
        Ok(Look::Lost(lost)) => (Going::Gone, Some(format!("{lost}; what was there last is shown"))),
        Ok(_) if quiet < IDLE => (Going::Live, None),
        Ok(_) => (Going::Idle, None),
        Err(error) => (Going::Idle, Some(format!("the private copy of the session cannot grow: {error}"))),
    }
}

impl SessionSite {
    /// Takes in a piece of what the source has grown by. `Complete`: there is nothing more at the moment.
    pub(super) fn follow(&self, live: &Live) -> Result<Progress, ReadError> {
        let mut following = live.following();
        let look = following.follower.look();
        if matches!(look, Ok(Look::Grown | Look::More)) {
            following.settled = false;
        }
        let more = matches!(look, Ok(Look::More));
        if !following.settled {
            let mut progress = self.session.advance(STRETCH)?;
            if progress == Progress::Complete {
                progress = self.session.survey(SURVEYED)?;
            }
            following.settled = progress == Progress::Complete && !more;
        }
        let (state, trouble) = going(&look, following.follower.quiet());
        self.tell(live, &mut following, state, trouble);
        Ok(if following.settled || look.is_err() { Progress::Complete } else { Progress::More })
    }

    /// The session cannot be read on: it is shown as it is.
    pub(super) fn cannot_go_on(&self, live: &Live, error: &dyn std::fmt::Display) {
        let trouble = format!("the session cannot be read on: {error}; what was there last is shown");
        self.tell(live, &mut live.following(), Going::Gone, Some(trouble));
    }

    /// Shows what is known, and tells of it if that is anything new. What a viewer asks for after the news is
    /// made from what they tell of.
    fn tell(&self, live: &Live, following: &mut Following, state: Going, trouble: Option<String>) {
        let mut kept = self.overview.lock().unwrap_or_else(PoisonError::into_inner);
        let known = live.news.borrow().clone();
        let grown = (following.settled || self.knows_twice(&kept.0)).then(|| self.session.overview());
        let grown = grown.filter(|new| following.told.as_ref().is_none_or(|told| !Arc::ptr_eq(told, new)));
        if grown.is_none() && (known.state, &known.trouble) == (state, &trouble) {
            return;
        }
        let mut revision = known.revision;
        if let Some(grown) = &grown {
            following.told = Some(grown.clone());
            *kept = (grown.clone(), Instant::now());
        } else if known.state != state {
            // Pages are kept by the overview that they were made from, and say whether the session goes on.
            kept.0 = Arc::new(Overview::clone(&kept.0));
        }
        if grown.is_some() || known.state != state {
            revision = later_than(revision);
        }
        let windows = kept.0.windows;
        // While the overview is held: a page made from the new one and the old state would be kept as the new one's.
        live.news.send_replace(News { revision, windows, state, trouble });
        drop(kept);
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::pin;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::task::{Context, Poll, Wake, Waker};

    use super::*;
    use crate::session::Include;
    use crate::web::follow::Lost;
    use crate::web::session::SiteSource;

    #[test]
    fn a_session_is_live_idle_or_gone() {
        let full = || Err(std::io::Error::from(std::io::ErrorKind::StorageFull));
        for (look, quiet, expected) in [
            (Ok(Look::Grown), Duration::ZERO, Going::Live),
            (Ok(Look::Same), IDLE - Duration::from_secs(1), Going::Live),
            (Ok(Look::Same), IDLE, Going::Idle),
            (Ok(Look::Lost(Lost::Cut)), Duration::ZERO, Going::Gone),
            (full(), Duration::ZERO, Going::Idle),
        ] {
            let (state, trouble) = going(&look, quiet);
            assert_eq!(state, expected, "{look:?}");
            assert_eq!(trouble.is_some(), !matches!(look, Ok(Look::Grown | Look::Same)), "{look:?}");
        }
    }

    /// A viewer who looks, the moment there is news, whether a page could be made already.
    struct Looks {
        site: Arc<SessionSite>,
        told: AtomicBool,
        could_make_a_page: AtomicBool,
    }

    impl Wake for Looks {
        fn wake(self: Arc<Self>) {
            self.told.store(true, Ordering::SeqCst);
            self.could_make_a_page.store(self.site.overview.try_lock().is_ok(), Ordering::SeqCst);
        }
    }

    #[test]
    fn no_page_can_be_made_between_a_new_overview_and_the_news_of_it() {
        let folder = tempfile::tempdir().unwrap();
        let followed = folder.path().join("session.jsonl");
        let fixture = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/grok/chat_history.jsonl");
        std::fs::copy(fixture, &followed).unwrap();
        let source = SiteSource {
            path: folder.path().join("copy.jsonl"),
            len: None,
            name: None,
            include: Include::default(),
            follows: Some(followed.clone()),
            downloads: false,
        };
        let site = Arc::new(SessionSite::open(&source).unwrap());
        let live = site.live.as_ref().unwrap();
        while site.follow(live).unwrap() == Progress::More {}
        std::fs::remove_file(&followed).unwrap();

        let viewer = Arc::new(Looks {
            site: site.clone(),
            told: AtomicBool::default(),
            could_make_a_page: AtomicBool::default(),
        });
        let mut news = live.news();
        {
            let mut changed = pin!(news.changed());
            let waker = Waker::from(viewer.clone());
            assert!(matches!(changed.as_mut().poll(&mut Context::from_waker(&waker)), Poll::Pending));
            while site.follow(live).unwrap() == Progress::More {}
        }
        assert_eq!(news.borrow().state, Going::Gone);
        assert!(viewer.told.load(Ordering::SeqCst), "viewers are told");
        assert!(!viewer.could_make_a_page.load(Ordering::SeqCst), "of what pages are made from");
    }

    #[test]
    fn revisions_only_grow() {
        let first = later_than(0);
        assert!(first > 1_700_000_000_000 && later_than(first) > first);
        assert_eq!(later_than(u64::MAX - 1), u64::MAX);
    }
}
