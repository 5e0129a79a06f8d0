//! The sub-agents of a session whose records lie in files of their own, or would, those that sub-agents sent among
//! them. Each is read as a session, and opened when a step that sent it is shown first: one of an id, whoever sent it.

use std::collections::HashMap;
use std::fs::File;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use super::{Progress, Session};
use crate::session::agent::Desk;
use crate::session::error::ReadError;
use crate::session::index::Entry;
use crate::session::media;
use crate::session::model::AttachmentNo;
use crate::session::source::Source;

/// Bytes read of one each time it is shown; the survey reads on.
const PIECE: usize = 8 << 20;
/// How many are kept open; of further ones nothing is shown.
const OPEN: usize = 1_000;

/// The sub-agents opened so far, by their ids.
type Opened = Mutex<HashMap<String, Option<Arc<Session>>>>;

/// The sub-agents of one session.
#[derive(Debug, Default)]
pub(crate) struct Subs {
    family: Family,
    /// By the step that sent them.
    sent: Mutex<HashMap<u32, Arc<Session>>>,
}

/// What a session and all sub-agents below it share.
#[derive(Debug)]
enum Family {
    /// It is the session's.
    Own(Arc<Opened>),
    /// This is a sub-agent, which lives no longer than the session.
    Of(Weak<Opened>),
}

impl Default for Family {
    fn default() -> Self {
        Family::Own(Arc::default())
    }
}

impl Family {
    fn opened(&self) -> Option<Arc<Opened>> {
        match self {
            Family::Own(opened) => Some(opened.clone()),
            Family::Of(opened) => opened.upgrade(),
        }
    }
}

impl Subs {
    /// Those of a sub-agent among these.
    fn below(&self) -> Self {
        let family = match &self.family {
            Family::Own(opened) => Arc::downgrade(opened),
            Family::Of(opened) => opened.clone(),
        };
        Self { family: Family::Of(family), sent: Mutex::default() }
    }

    /// The records of the sub-agent that a step sent, if that step was shown.
    pub(super) fn sent_by(&self, step: u32) -> Option<Arc<Session>> {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner).get(&step).cloned()
    }

    /// The records of the sub-agent of this id, which `step` sent, as far as they are read: its own file, else what was
    /// `relayed` of it.
    pub(crate) fn get(
        &self,
        id: &str,
        step: u32,
        desk: &Desk<'_>,
        relayed: impl FnOnce() -> Option<File>,
    ) -> Option<Arc<Session>> {
        let family = self.family.opened()?;
        let mut opened = family.lock().unwrap_or_else(PoisonError::into_inner);
        if !opened.contains_key(id) {
            if opened.len() >= OPEN {
                return None;
            }
            // All lie in the folder of the session, those as well that a sub-agent sent.
            let own = desk.source.beside().and_then(|beside| beside.agent(id));
            let is_own = own.is_some();
            let sub = own.or_else(relayed).and_then(|file| self.open(file, desk));
            // Its own file may come to be while the session goes on, and more of it be relayed.
            if is_own && sub.is_some() || desk.source.is_limited() {
                opened.insert(id.to_owned(), sub);
            } else {
                drop(opened);
                return Some(self.shown(step, sub?));
            }
        }
        let sub = opened.get(id)?.clone()?;
        drop(opened);
        Some(self.shown(step, sub))
    }

    /// Reads on in the records of the sub-agent that `step` sent.
    fn shown(&self, step: u32, sub: Arc<Session>) -> Arc<Session> {
        // One that cannot be read any more shows what is known of it.
        let _ = sub.advance(PIECE);
        self.sent.lock().unwrap_or_else(PoisonError::into_inner).insert(step, sub.clone());
        sub
    }

    fn open(&self, file: File, desk: &Desk<'_>) -> Option<Arc<Session>> {
        // What a snapshot shows of it does not grow either.
        let limit = desk.source.is_limited().then(|| file.metadata().map(|found| found.len()));
        let source = Source::from_file(file, limit.transpose().ok()?).ok()?;
        let source = match desk.source.beside() {
            Some(beside) => source.with(beside.clone()),
            None => source,
        };
        let include = desk.index().include();
        let session = Session::open(source, desk.cleaner.clone()).ok()?.including(include);
        Some(Arc::new(Session { subs: self.below(), ..session }))
    }
}

/// The type of an attachment and its bytes.
type Bytes = (&'static str, Vec<u8>);

fn decoded(encoded: &str) -> Option<Bytes> {
    let bytes = media::decoded(encoded)?;
    Some((media::kind(&bytes), bytes))
}

impl Session {
    /// Reads what there is, however much.
    pub(super) fn read_on(&self) {
        while matches!(self.advance(PIECE), Ok(Progress::More)) {}
    }

    /// The bytes of an image with their type, which is told by the bytes alone: PNG, JPEG, GIF and WebP are
    /// named, everything else is `application/octet-stream`. `None` if there is none of this number.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn attachment(&self, no: AttachmentNo) -> Result<Option<(&'static str, Vec<u8>)>, ReadError> {
        let desk = self.desk();
        if let Some((step, inner)) = no.inside() {
            // Showing the step opens the file of the sub-agent that it sent.
            let shown = self.step_at(step, &Desk { beside: 0, ..self.desk() })?;
            return match shown.and_then(|_| self.subs.sent_by(step)) {
                Some(sub) => sub.attachment(inner),
                None => Ok(None),
            };
        }
        let no = no.no;
        let found = desk.index().image_entry(no);
        let Some(entry) = found else { return Ok(None) };
        let record = desk.record(&entry)?;
        let encoded = self.agent.image(&record, (no - 1 - entry.images) as usize);
        Ok(encoded.and_then(|encoded| decoded(&encoded)))
    }

    /// All attachments of the record of this file with the one of this number, as [`Session::attachment`] tells each,
    /// and the number of the first: for who wants all of them, and should not read the record for each.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(crate) fn attachments_with(&self, no: u32) -> Result<(u32, Vec<Option<Bytes>>), ReadError> {
        let desk = self.desk();
        let found = desk.index().image_entry(no);
        let Some(entry) = found else { return Ok((no, Vec::new())) };
        let record = desk.record(&entry)?;
        let all = self.agent.images(&record);
        Ok((entry.images + 1, all.iter().map(|encoded| decoded(encoded)).collect()))
    }

    /// The first records that are indexed, at most `max`.
    pub(crate) fn first_entries(&self, max: usize) -> Vec<(u32, Entry)> {
        let desk = self.desk();
        let index = desk.index();
        (0..).map_while(|no| Some((no, index.entry(no)?))).take(max).collect()
    }
}
