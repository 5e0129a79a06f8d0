//! What the head of a page tells of the whole session: from the index, and from the last records how it ended.

use std::sync::{Arc, PoisonError};

use super::Session;
use crate::session::error::ReadError;
use crate::session::index::Kind;
use crate::session::model::{Ending, Item, Marker, Outcome, Overview};

/// Records looked at from the end.
const LOOK: u32 = 100;
/// Characters of the last words.
const WORDS: usize = 600;

impl Session {
    /// The header and the outline of what is indexed. Cheap unless the index has changed.
    pub fn overview(&self) -> Arc<Overview> {
        let mut kept = self.overview.lock().unwrap_or_else(PoisonError::into_inner);
        let (revision, mut overview) = {
            let desk = self.desk();
            let index = desk.index();
            if let Some((revision, overview)) = &*kept
                && *revision == index.revision()
            {
                return overview.clone();
            }
            (index.revision(), index.overview(self.agent.name()))
        };
        if overview.complete {
            // A head that does not say how it ended is better than none.
            overview.ending = self.ending().unwrap_or_default();
        }
        let overview = Arc::new(overview);
        *kept = Some((revision, overview.clone()));
        overview
    }

    /// What stands last, as far back as is looked.
    fn ending(&self) -> Result<Option<Ending>, ReadError> {
        let desk = self.desk();
        let count = desk.index().entry_count();
        for no in (count.saturating_sub(LOOK)..count).rev() {
            let entry = desk.index().entry(no);
            let Some(entry) = entry.filter(|entry| entry.kind != Kind::Side) else { continue };
            let shown = self.show(&entry, no, &desk)?;
            if let Some(ending) = shown.items.iter().rev().find_map(|item| self.ended_by(item)) {
                return Ok(Some(ending));
            }
            if shown.prompt.is_some_and(|prompt| prompt.command.is_none()) {
                return Ok(Some(Ending::Unanswered));
            }
        }
        Ok(None)
    }

    /// How a session stands whose last item this is; `None` if it says nothing of that.
    fn ended_by(&self, item: &Item) -> Option<Ending> {
        Some(match item {
            Item::Reply { text, .. } if !text.is_blank() => {
                Ending::Reply(self.cleaner.headline(text.as_str(), WORDS))
            }
            Item::Marker(Marker::Interrupted { .. }) => Ending::Interrupted,
            Item::Marker(Marker::ApiError { text, .. }) => {
                Ending::ApiError(self.cleaner.headline(text.as_str(), WORDS))
            }
            Item::Step(step) if step.outcome == Outcome::Declined => Ending::Declined(step.no),
            Item::Step(step) => Ending::BrokeOff(Some(step.no)),
            Item::Thinking { .. } => Ending::BrokeOff(None),
            Item::Aside { .. } => Ending::Unanswered,
            _ => return None,
        })
    }
}
