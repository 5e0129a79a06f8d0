//! The list of sessions: what was found, with what is known of it. Only files that changed are looked at.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs::File;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rayon::prelude::*;

use super::rows::{self, NewRow, Row};
use super::{Catalog, CatalogError};
use crate::redact::Cleaner;
use crate::session::discovery::{Found, Identity, Names, Walked, glance};
use crate::session::model::subject;
use crate::session::{OpenError, ReadError};

/// Files looked at before what was seen is written: so much is done again if the process dies.
const BATCH: usize = 256;

/// A session of the list. Its texts are clean.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Number of the row, as long as the catalog lives.
    pub id: i64,
    /// Where it is.
    pub path: PathBuf,
    /// Bytes of the file.
    pub bytes: u64,
    /// The agent's product name.
    pub agent: String,
    /// A title that the person or the agent gave.
    pub title: Option<String>,
    /// Start of the first prompt.
    pub prompt: Option<String>,
    /// Base name of the working folder.
    pub project: Option<String>,
    /// First time seen in it.
    pub started: Option<Timestamp>,
    /// Last time seen in it, else the time of the file's last change.
    pub active: Timestamp,
    /// False if the agent never answered, as far as is known: of a long session nobody knows until it was read through.
    pub answered: bool,
}

impl Listed {
    /// What it is called: its title, else what its first prompt is about.
    pub fn name(&self) -> Option<&str> {
        self.title.as_deref().or(self.prompt.as_deref().map(subject))
    }
}

impl Catalog {
    /// Brings the catalog to what was found, and lists the sessions, the last active first. What is gone is
    /// forgotten, its text included; files below folders that could not be read are not gone.
    ///
    /// # Errors
    /// [`CatalogError`].
    pub fn list(&mut self, walked: &Walked, cleaner: &Cleaner) -> Result<Vec<Listed>, CatalogError> {
        let mut known = self.known()?;
        let current = |known: &HashMap<Vec<u8>, Row>, found: &Found| {
            known.get(found.path.as_os_str().as_bytes()).is_some_and(|row| row.identity() == found.identity)
        };
        let changed: Vec<&Found> = walked.files.iter().filter(|found| !current(&known, found)).collect();
        for batch in changed.chunks(BATCH) {
            let rows: Vec<NewRow> = batch.par_iter().filter_map(|found| look(found, cleaner)).collect();
            self.with(|db| rows::put(db, &rows))?;
        }
        if !changed.is_empty() {
            known = self.known()?;
        }
        let mut names = Names::new(cleaner);
        let mut listed = Vec::with_capacity(walked.files.len());
        for found in &walked.files {
            // What is left in `known` was not found.
            if let Some(row) = known.remove(found.path.as_os_str().as_bytes()) {
                listed.extend(told(found, row, &mut names));
            }
        }
        let gone: Vec<i64> =
            known.iter().filter(|(path, _)| is_gone(path, walked)).map(|(_, row)| row.id).collect();
        if !gone.is_empty() {
            self.with(|db| rows::delete(db, &gone))?;
        }
        listed.sort_by(|a, b| b.active.cmp(&a.active).then_with(|| a.path.cmp(&b.path)));
        Ok(listed)
    }

    fn known(&mut self) -> Result<HashMap<Vec<u8>, Row>, CatalogError> {
        let rows = self.with(rows::load)?;
        Ok(rows.into_iter().map(|mut row| (std::mem::take(&mut row.path), row)).collect())
    }
}

/// `None` if the file could not be read: it is looked at again next time.
fn look(found: &Found, cleaner: &Cleaner) -> Option<NewRow> {
    let path = found.path.as_os_str().as_bytes().to_vec();
    // The identity is that of the open file, taken before it is read: what changes meanwhile is seen later.
    let file = File::open(&found.path).ok()?;
    let identity = Identity::of(&file.metadata().ok()?);
    match glance(&found.path, file, found.place.document, cleaner) {
        // The session that sent it tells of it.
        Ok(glance) => Some(NewRow::new(path, identity, Some(glance).filter(|glance| !glance.sub_agent))),
        Err(OpenError::Io(_) | OpenError::Read(ReadError::Io(_) | ReadError::Shrunk { .. })) => None,
        Err(_) => Some(NewRow::new(path, identity, None)),
    }
}

fn told(found: &Found, mut row: Row, names: &mut Names<'_>) -> Option<Listed> {
    let (started, active, bytes) = (row.started(), row.active(), row.identity().size);
    // Not kept in the row: it changes without the session's file.
    let title = row.title().or_else(|| names.of(found).map(|name| name.as_str().to_owned()));
    let answered = row.answered();
    let agent = row.agent?;
    Some(Listed {
        id: row.id,
        path: found.path.clone(),
        bytes,
        agent,
        title,
        prompt: row.prompt,
        project: row.project,
        started,
        active,
        answered,
    })
}

fn is_gone(path: &[u8], walked: &Walked) -> bool {
    let path = Path::new(OsStr::from_bytes(path));
    !walked.unread.iter().any(|folder| path.starts_with(folder))
}
