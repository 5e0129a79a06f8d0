//! Reading the rest of a session, beside its first views or before them.

use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use super::{SURVEYED, SessionSite, live};
use crate::session::{Progress, ReadError};
use crate::web::pool::Pool;

/// Bytes indexed at a time.
pub(super) const STRETCH: usize = 4 << 20;

impl SessionSite {
    /// Indexes the rest and looks for changed files, piece by piece behind the pool, beside the first views; that
    /// of a live page ever on. Ends when the site is dropped.
    pub fn read_on_behind(self: &Arc<Self>, pool: Pool) {
        let weak = Arc::downgrade(self);
        actix_web::rt::spawn(async move {
            while let Some(site) = weak.upgrade() {
                let advanced = pool.run_behind(move || site.read_on()).await;
                let error = match advanced {
                    Ok(Ok(Progress::More)) => continue,
                    Ok(Ok(Progress::Complete)) => None,
                    Ok(Err(error)) => Some(error.to_string()),
                    Err(error) => Some(error.to_string()),
                };
                let Some(site) = weak.upgrade() else { return };
                if let Some(error) = &error {
                    tracing::warn!(error, "the rest of a session is not shown");
                }
                match (&site.live, &error) {
                    (Some(_), None) => {}
                    (Some(live), Some(error)) => return site.cannot_go_on(live, error),
                    (None, _) => return,
                }
                drop(site);
                tokio::time::sleep(live::LOOK).await;
            }
        });
    }

    fn read_on(&self) -> Result<Progress, ReadError> {
        if let Some(live) = &self.live {
            return self.follow(live);
        }
        match self.session.advance(STRETCH)? {
            Progress::More => Ok(Progress::More),
            Progress::Complete => self.session.survey(SURVEYED),
        }
    }

    /// As [`SessionSite::read_on_behind`], here and for as long as `patience`: if that is enough, the first view tells of
    /// the whole session.
    pub fn read_on_for(&self, patience: Duration) {
        let mut kept = self.overview.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.0.complete && kept.0.changes.is_some() {
            return;
        }
        let began = Instant::now();
        // What cannot be read is told by who reads on behind.
        while began.elapsed() < patience && matches!(self.read_on(), Ok(Progress::More)) {}
        *kept = (self.session.overview(), Instant::now());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::Include;
    use crate::web::content::Coding;
    use crate::web::server::Site as _;
    use crate::web::session::SiteSource;

    /// A session of some MB, more than is read for a first view.
    fn long(path: &std::path::Path) {
        let fixture = include_str!("../../../tests/fixtures/claude/everything.jsonl");
        let records = |no: usize| fixture.replace("\"uuid\":\"u", &format!("\"uuid\":\"u{no}-"));
        let all: String = (0..300).map(records).collect();
        std::fs::write(path, all).unwrap();
    }

    #[test]
    fn a_first_view_that_was_waited_for_tells_of_the_whole_session() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("session.jsonl");
        long(&path);
        let source = SiteSource {
            path,
            len: None,
            name: None,
            include: Include::default(),
            follows: None,
            downloads: false,
        };
        let site = SessionSite::open(&source).unwrap();
        let first = || {
            let page = site.get("", "", Coding::Plain).unwrap();
            String::from_utf8(page.body.to_vec()).unwrap()
        };
        assert!(!first().contains("How it ended"), "there is more of it");
        site.read_on_for(Duration::from_secs(60));
        assert!(first().contains("How it ended") && first().contains("files changed"));
    }
}
