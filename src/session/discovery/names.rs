//! What people called their sessions, where an agent keeps that in one file for all: read once for a list.

use std::collections::HashMap;
use std::path::PathBuf;

use super::Found;
use crate::redact::{CleanText, Cleaner};
use crate::session::agent::AGENTS;
use crate::session::session::HEADLINE;

/// The names of the files read so far.
#[derive(Debug)]
pub struct Names<'a> {
    cleaner: &'a Cleaner,
    files: HashMap<PathBuf, HashMap<String, String>>,
}

impl<'a> Names<'a> {
    /// None yet; names will come through `cleaner`.
    pub fn new(cleaner: &'a Cleaner) -> Self {
        Self { cleaner, files: HashMap::new() }
    }

    /// What the person called the session that was found. Reads the file of names where it was not read.
    pub fn of(&mut self, found: &Found) -> Option<CleanText> {
        let agent = AGENTS.iter().find(|agent| agent.name() == found.place.agent)?;
        let (file, id) = agent.name_place(&found.path)?;
        let names = self.files.entry(file).or_insert_with_key(|file| agent.names(file));
        let name = self.cleaner.headline(names.get(&id)?, HEADLINE);
        (!name.is_blank()).then_some(name)
    }
}
