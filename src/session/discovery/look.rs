//! What the beginning and the end of a session tell: enough for a list, at a price that does not depend on
//! its length.

use std::fs::File;
use std::path::Path;

use jiff::Timestamp;

use crate::redact::{CleanText, Cleaner};
use crate::session::model::Overview;
use crate::session::{OpenError, Progress, Session, Source};

/// Bytes read of the beginning and of the end.
const NEAR: (usize, usize) = (64 << 10, 64 << 10);
/// Bytes read where these tell no prompt: it may stand behind a picture, or behind what was injected.
const FAR: (usize, usize) = (1 << 20, 64 << 10);
/// Bytes read of one JSON document.
const DOCUMENT: (usize, usize) = (8 << 20, 0);

/// Bytes indexed at a time.
const PIECE: usize = 1 << 20;

/// What a list says of a session.
#[derive(Clone, Debug, Default)]
pub struct Glance {
    /// The agent's product name.
    pub agent: &'static str,
    /// A title that the person or the agent gave.
    pub title: Option<CleanText>,
    /// Start of the first prompt; commands only if there is nothing else.
    pub prompt: Option<CleanText>,
    /// Base name of the working folder.
    pub project: Option<CleanText>,
    /// First time seen.
    pub started: Option<Timestamp>,
    /// Last time seen.
    pub ended: Option<Timestamp>,
    /// False if the whole file was looked at and the agent never answered.
    pub answered: bool,
}

/// Looks at the file at `path`; `document`: it may be one JSON document.
///
/// # Errors
/// When it is no session, or cannot be read.
pub fn glance(path: &Path, file: File, document: bool, cleaner: &Cleaner) -> Result<Glance, OpenError> {
    let look = |source: Source| look(source, cleaner);
    if document {
        let joined = Source::beginning(path, &file)?;
        let source = joined.map_or_else(|| Source::excerpt(file, DOCUMENT.0, DOCUMENT.1), Ok)?;
        return look(source).map(|(glance, _)| glance);
    }
    match look(Source::excerpt(file.try_clone()?, NEAR.0, NEAR.1)?) {
        Ok((glance, whole)) if whole || glance.prompt.is_some() => Ok(glance),
        Ok(_) | Err(OpenError::NotASession { .. }) => {
            look(Source::excerpt(file, FAR.0, FAR.1)?).map(|(glance, _)| glance)
        }
        Err(error) => Err(error),
    }
}

fn look(source: Source, cleaner: &Cleaner) -> Result<(Glance, bool), OpenError> {
    let whole = source.is_whole();
    let session = Session::open(source, cleaner.clone())?;
    while session.advance(PIECE)? == Progress::More {}
    let counts = session.report().counts;
    let answered = !whole || counts.replies + counts.calls + counts.thinking > 0;
    Ok((told(&session.overview(), answered), whole))
}

fn told(overview: &Overview, answered: bool) -> Glance {
    let prompts = || overview.outline.iter().filter(|entry| entry.no > 0 && !entry.text.is_blank());
    let prompt = prompts().find(|entry| !entry.command).or_else(|| prompts().next());
    Glance {
        agent: overview.agent,
        title: overview.title.clone().filter(|title| !title.is_blank()),
        prompt: prompt.map(|entry| entry.text.clone()),
        project: overview.project.clone(),
        started: overview.started,
        ended: overview.ended,
        answered,
    }
}
