//! The sub-agents of a session whose records lie in files of their own. Each is read as a session, and opened when
//! a step that sent it is shown first.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::{Progress, Session};
use crate::session::agent::Desk;
use crate::session::index::{Annex, Entry, Spent};
use crate::session::source::Source;

/// Bytes read of one each time it is shown; the survey reads on.
const PIECE: usize = 8 << 20;
/// How many are kept open; of further ones nothing is shown.
const OPEN: usize = 1_000;

/// The sub-agents opened so far, by their ids.
#[derive(Debug, Default)]
pub(crate) struct Subs {
    opened: Mutex<HashMap<String, Option<Arc<Session>>>>,
    /// By the step that sent them.
    sent: Mutex<HashMap<u32, Arc<Session>>>,
}

impl Subs {
    /// The records of the sub-agent that a step sent, if that step was shown.
    pub(super) fn sent_by(&self, step: u32) -> Option<Arc<Session>> {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner).get(&step).cloned()
    }

    /// The records of the sub-agent of this id, which `step` sent, as far as they are read.
    pub(crate) fn get(&self, id: &str, step: u32, desk: &Desk<'_>) -> Option<Arc<Session>> {
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        if !opened.contains_key(id) {
            if opened.len() >= OPEN {
                return None;
            }
            let sub = open(id, desk);
            // It may come to be while the session goes on.
            if sub.is_none() && !desk.source.is_limited() {
                return None;
            }
            opened.insert(id.to_owned(), sub);
        }
        let sub = opened.get(id)?.clone()?;
        drop(opened);
        // One that cannot be read any more shows what is known of it.
        let _ = sub.advance(PIECE);
        self.sent.lock().unwrap_or_else(PoisonError::into_inner).insert(step, sub.clone());
        Some(sub)
    }

    /// Reads all that are open to their ends, and says what they come to.
    pub(super) fn annex(&self) -> Annex {
        let opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        let subs: Vec<_> = opened.values().flatten().cloned().collect();
        drop(opened);
        let mut annex = Annex::default();
        for sub in subs {
            while matches!(sub.advance(PIECE), Ok(Progress::More)) {}
            let overview = sub.overview();
            annex.steps += overview.steps + overview.sub_steps;
            annex.spent = annex.spent + Spent { usage: overview.usage, cost: overview.cost };
            annex.events.extend(sub.desk().index().minor_events());
        }
        annex
    }
}

fn open(id: &str, desk: &Desk<'_>) -> Option<Arc<Session>> {
    let file = desk.source.beside()?.agent(id)?;
    // What a snapshot shows of it does not grow either.
    let limit = desk.source.is_limited().then(|| file.metadata().map(|found| found.len()));
    let source = Source::from_file(file, limit.transpose().ok()?).ok()?;
    let include = desk.index().include();
    Some(Arc::new(Session::open(source, desk.cleaner.clone()).ok()?.including(include)))
}

impl Session {
    /// The first records that are indexed, at most `max`.
    pub(crate) fn first_entries(&self, max: usize) -> Vec<(u32, Entry)> {
        let desk = self.desk();
        let index = desk.index();
        (0..).map_while(|no| Some((no, index.entry(no)?))).take(max).collect()
    }
}
