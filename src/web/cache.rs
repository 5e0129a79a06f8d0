//! The pages of one site that were rendered last.

use std::collections::VecDeque;
use std::sync::Arc;

use super::content::Content;
use crate::session::model::Overview;

/// Bytes kept per site: a first view in each coding and some windows around it.
const ROOM: usize = 4 << 20;

/// Pages by key, all made from one state of the index: when that grows, they are forgotten.
pub(super) struct Cache<K> {
    made_from: Option<Arc<Overview>>,
    /// Least recently used first.
    pages: VecDeque<(K, Arc<Content>)>,
}

impl<K> Default for Cache<K> {
    fn default() -> Self {
        Self { made_from: None, pages: VecDeque::new() }
    }
}

impl<K: Copy + PartialEq> Cache<K> {
    /// The page, if it was made from this very overview.
    pub(super) fn get(&mut self, overview: &Arc<Overview>, key: K) -> Option<Arc<Content>> {
        if !self.is_made_from(overview) {
            return None;
        }
        let at = self.pages.iter().position(|(kept, _)| *kept == key)?;
        let page = self.pages.remove(at)?;
        let content = page.1.clone();
        self.pages.push_back(page);
        Some(content)
    }

    /// Keeps a page that was made from `overview`.
    pub(super) fn put(&mut self, overview: &Arc<Overview>, key: K, content: Arc<Content>) {
        if !self.is_made_from(overview) {
            self.pages.clear();
            self.made_from = Some(overview.clone());
        }
        self.pages.retain(|(kept, _)| *kept != key);
        self.pages.push_back((key, content));
        while self.pages.len() > 1 && self.bytes() > ROOM {
            self.pages.pop_front();
        }
    }

    fn is_made_from(&self, overview: &Arc<Overview>) -> bool {
        self.made_from.as_ref().is_some_and(|made_from| Arc::ptr_eq(made_from, overview))
    }

    fn bytes(&self) -> usize {
        self.pages.iter().map(|(_, content)| content.body.len()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::content::Freshness;

    fn page(bytes: usize) -> Arc<Content> {
        Arc::new(Content::html("x".repeat(bytes), Freshness::AskAgain))
    }

    #[test]
    fn pages_of_an_earlier_state_are_never_shown() {
        let (old, new) = (Arc::new(Overview::default()), Arc::new(Overview::default()));
        let mut cache = Cache::default();
        cache.put(&old, 1, page(10));
        assert!(cache.get(&old, 1).is_some());
        assert!(cache.get(&new, 1).is_none());
        cache.put(&new, 2, page(10));
        assert!(cache.get(&old, 1).is_none() && cache.get(&new, 1).is_none());
    }

    #[test]
    fn the_least_recently_used_goes_first_when_there_is_no_room() {
        let overview = Arc::new(Overview::default());
        let mut cache = Cache::default();
        for key in 0..4 {
            cache.put(&overview, key, page(ROOM / 4));
        }
        assert!(cache.get(&overview, 0).is_some(), "used again");
        cache.put(&overview, 4, page(ROOM / 4));
        let there: Vec<_> = (0..5).filter(|key| cache.get(&overview, *key).is_some()).collect();
        assert_eq!(there, [0, 2, 3, 4]);
        cache.put(&overview, 5, page(2 * ROOM));
        assert!(cache.get(&overview, 5).is_some(), "the one just made is kept, whatever its size");
    }
}
