//! What the beginning and the end of a session tell: enough for a list, at a price that does not depend on
//! its length.

use std::fs::File;
use std::path::Path;

use jiff::Timestamp;

use crate::redact::{CleanText, Cleaner};
use crate::session::model::TitleBy;
use crate::session::{OpenError, Progress, Session, Source};

/// Bytes read of the beginning and of the end.
const NEAR: (usize, usize) = (64 << 10, 64 << 10);
/// Bytes read where these tell no prompt: it may stand behind a picture, or behind what was injected.
const FAR: (usize, usize) = (1 << 20, 64 << 10);
/// Bytes read where these tell nothing at all: the first record alone may be longer; or no answer.
const FARTHEST: (usize, usize) = (8 << 20, 64 << 10);
/// Bytes read of one JSON document.
const DOCUMENT: (usize, usize) = (8 << 20, 0);

/// Bytes looked through for the message that a summary names: it is not read, only passed over.
const SOUGHT: u64 = 8 << 20;

/// Bytes indexed at a time.
const PIECE: usize = 1 << 20;

/// What a list says of a session.
#[derive(Clone, Debug, Default)]
pub struct Glance {
    /// The agent's product name.
    pub agent: &'static str,
    /// A title that the person or the agent gave, and which of them.
    pub title: Option<(TitleBy, CleanText)>,
    /// Start of the prompt that names it, see [`first_words`](crate::session::model::Overview::first_words).
    pub prompt: Option<CleanText>,
    /// Base name of the working folder.
    pub project: Option<CleanText>,
    /// First time seen.
    pub started: Option<Timestamp>,
    /// Last time seen.
    pub ended: Option<Timestamp>,
    /// False if the whole file was looked at and the agent never answered.
    pub answered: bool,
    /// The file is a sub-agent's, not a session that somebody began.
    pub sub_agent: bool,
}

/// Looks at the file at `path`; `document`: it may be one JSON document.
///
/// # Errors
/// When it is no session, or cannot be read.
pub fn glance(path: &Path, file: File, document: bool, cleaner: &Cleaner) -> Result<Glance, OpenError> {
    if document {
        let joined = Source::beginning(path, &file)?;
        let source = joined.map_or_else(|| Source::excerpt(file, DOCUMENT.0, DOCUMENT.1), Ok)?;
        return look(source, cleaner).map(|(glance, _)| glance);
    }
    let excerpt =
        |(head, tail): (usize, usize)| look(Source::excerpt(file.try_clone()?, head, tail)?, cleaner);
    let mut looked = excerpt(NEAR);
    for more in [FAR, FARTHEST] {
        if matches!(looked, Err(OpenError::NotASession { .. })) {
            looked = excerpt(more);
        }
    }
    let (mut glance, session) = looked?;
    if !session.source().is_whole() && !answers(&session) {
        // Seldom: somebody asked much, or nobody answered.
        glance.answered = excerpt(FARTHEST)?.0.answered;
    }
    if !session.source().is_whole() {
        // What stands at the end is said later than what was not looked at.
        let (prompt, sub_agent) = beginning(&file, cleaner)?;
        glance.prompt = prompt.or(glance.prompt);
        glance.sub_agent = sub_agent;
        let summary = summary(&session, &file, SOUGHT)?;
        glance.title = summary.map(|title| (TitleBy::Summary, title)).or(glance.title);
    }
    Ok(glance)
}

fn look(source: Source, cleaner: &Cleaner) -> Result<(Glance, Session), OpenError> {
    let whole = source.is_whole();
    let session = Session::open(source, cleaner.clone())?;
    while session.advance(PIECE)? == Progress::More {}
    let answered = !whole || answers(&session);
    Ok((told(&session, answered), session))
}

/// Whether the agent answers in what was read of a session.
fn answers(session: &Session) -> bool {
    let counts = session.report().counts;
    counts.replies + counts.calls + counts.thinking > 0
}

/// What the beginning of a session tells alone: the prompt that names it, and whether it is a sub-agent's.
fn beginning(file: &File, cleaner: &Cleaner) -> Result<(Option<CleanText>, bool), OpenError> {
    let (mut found, mut sub_agent) = (None, false);
    for bytes in [NEAR.0, FAR.0] {
        let session = match Session::open(Source::excerpt(file.try_clone()?, bytes, 0)?, cleaner.clone()) {
            Err(OpenError::NotASession { .. } | OpenError::Empty) => continue,
            other => other?,
        };
        while session.advance(PIECE)? == Progress::More {}
        sub_agent |= session.is_sub_agents();
        let overview = session.overview();
        let Some(first) = overview.first_words() else { continue };
        found = Some(first.text.clone());
        if !first.is_bare() {
            break;
        }
    }
    Ok((found, sub_agent))
}

/// The last summary in `session` that names a message in the first `most` bytes of its file, if nobody gave a better
/// title: others are of other sessions. `session` may be a part of the file.
///
/// # Errors
/// When the file cannot be read.
pub fn summary(session: &Session, file: &File, most: u64) -> Result<Option<CleanText>, OpenError> {
    let summaries = session.summaries();
    if summaries.is_empty() {
        return Ok(None);
    }
    let source = Source::from_file(file.try_clone()?, Some(most))?;
    let ids: Vec<String> = summaries.iter().map(|(id, _)| format!("\"uuid\":\"{id}\"")).collect();
    let longest = ids.iter().map(String::len).max().unwrap_or(0);
    let mut there = vec![false; ids.len()];
    let (mut chunk, mut kept, mut next) = (vec![0; PIECE], 0, 0);
    while let Some(room) = chunk.get_mut(kept..) {
        let read = source.read_at(room, next)?;
        if read == 0 {
            break;
        }
        let filled = chunk.get(..kept + read).unwrap_or_default();
        for (id, there) in ids.iter().zip(&mut there).filter(|(_, there)| !**there) {
            *there = memchr::memmem::find(filled, id.as_bytes()).is_some();
        }
        next += read as u64;
        let end = kept + read;
        kept = end.min(longest);
        chunk.copy_within(end - kept..end, 0);
    }
    Ok(summaries.into_iter().zip(there).find(|(_, there)| *there).map(|((_, title), _)| title))
}

fn told(session: &Session, answered: bool) -> Glance {
    let overview = session.overview();
    Glance {
        agent: overview.agent,
        title: session.title().filter(|(_, title)| !title.is_blank()),
        prompt: overview.first_words().map(|entry| entry.text.clone()),
        project: overview.project.clone(),
        started: overview.started,
        ended: overview.ended,
        answered,
        sub_agent: session.is_sub_agents(),
    }
}
