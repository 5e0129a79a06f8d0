//! Searching in the session: so many windows an answer, and where to go on.

use std::sync::{Arc, MutexGuard, TryLockError};
use std::time::{Duration, Instant};

use actix_web::http::StatusCode;
use actix_web::web::Query;
use serde::Deserialize;

use super::SessionSite;
use crate::render::{self, FoundInput, Search};
use crate::session::ReadError;
use crate::session::model::WindowNo;
use crate::web::content::{Content, Freshness};

/// How long one answer may look; at least one window is looked through.
const LOOKING: Duration = Duration::from_millis(700);
/// Hits of one answer, about.
const HITS: usize = 200;

/// `find?q=tide+tables&from=3&part=1`.
#[derive(Default, Deserialize)]
struct Wanted {
    #[serde(default)]
    q: String,
    #[serde(default)]
    from: WindowNo,
    part: Option<u8>,
}

impl SessionSite {
    /// The turn to do what takes a while; `None` if another has it.
    pub(super) fn turn(&self) -> Option<MutexGuard<'_, ()>> {
        match self.finding.try_lock() {
            Ok(turn) => Some(turn),
            Err(TryLockError::Poisoned(turn)) => Some(turn.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    pub(super) fn find(&self, query: &str) -> Result<Option<Arc<Content>>, ReadError> {
        let Ok(Query(wanted)) = Query::<Wanted>::from_query(query) else { return Ok(None) };
        let Some(_turn) = self.turn() else { return Ok(Some(busy())) };
        let began = Instant::now();
        let mut hits = Vec::new();
        let mut next = Some(wanted.from);
        let search = Search::new(&wanted.q);
        if let Some(search) = &search {
            let sifted = self.session.sift(search.words(), wanted.from)?;
            while let Some(no) = next.filter(|no| *no < self.session.windows()) {
                next = Some(no.saturating_add(1));
                if !sifted.has(no) {
                    continue;
                }
                let Some(window) = self.session.window(no)? else { break };
                hits.extend(search.hits(&window));
                if began.elapsed() > LOOKING || hits.len() >= HITS {
                    break;
                }
            }
            next = next.filter(|no| *no < self.session.windows());
        }
        let overview = self.overview();
        let input = FoundInput {
            overview: &overview,
            title: self.title.as_ref(),
            query: &wanted.q,
            hits: &hits,
            from: wanted.from,
            next: next.filter(|_| search.is_some()),
        };
        let html = match wanted.part {
            Some(1) => render::found_part(&input),
            _ => render::found_page(&input),
        };
        Ok(Some(Arc::new(Content::html(html, Freshness::Never))))
    }
}

/// Another search is going on; the script asks again.
pub(super) fn busy() -> Arc<Content> {
    let content = Content::html("<p>Somebody else is searching. Try again.</p>".to_owned(), Freshness::Never);
    Arc::new(Content { status: StatusCode::SERVICE_UNAVAILABLE, ..content })
}
