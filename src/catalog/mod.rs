//! `index.db`: the sessions of this machine and what was said in them, cached. Disposable: what is in it can
//! be read again, so a file that is damaged or of another version is thrown away and built anew.
//!
//! Opened by several processes at a time (commands, later the terminal interface and the daemon). It holds
//! clean text only: titles and passages come out of a [`crate::session::Session`]. Which files there are is
//! told by [`crate::session::discovery`]; nothing here looks for any.

mod list;
mod open;
mod resume;
mod rows;
mod schema;
mod search;
#[cfg(test)]
mod tests;
mod text;
mod words;

use std::io;
use std::path::{Path, PathBuf};

use diesel::prelude::*;

pub use list::Listed;
pub use search::{Hit, Span};
pub use text::{Role, Update};

/// Why the catalog cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    /// The file could not be made, locked or replaced.
    #[error("cannot use {path}: {source}")]
    Io {
        /// The path.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// SQLite would not open it.
    #[error("cannot open {path}: {source}")]
    Connect {
        /// The path.
        path: PathBuf,
        /// Why.
        source: diesel::ConnectionError,
    },
    /// A statement failed.
    #[error("{path}: {source}")]
    Query {
        /// The path.
        path: PathBuf,
        /// Why.
        source: diesel::result::Error,
    },
    /// Its schema could not be made.
    #[error("cannot build {path}: {source}")]
    Schema {
        /// The path.
        path: PathBuf,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// The open catalog.
pub struct Catalog {
    path: PathBuf,
    db: SqliteConnection,
}

impl Catalog {
    /// Opens the catalog at `path`, building it if it is not there, damaged, or another version's. Its folder
    /// must be there.
    ///
    /// # Errors
    /// [`CatalogError`].
    pub fn open(path: &Path) -> Result<Self, CatalogError> {
        Ok(Self { path: path.to_owned(), db: open::open(path)? })
    }

    /// Does `work`; if it meets a damaged database, once more with a fresh one.
    fn with<T>(
        &mut self,
        mut work: impl FnMut(&mut SqliteConnection) -> QueryResult<T>,
    ) -> Result<T, CatalogError> {
        let error = match work(&mut self.db) {
            Ok(done) => return Ok(done),
            Err(error) => self.query_error(error),
        };
        if !open::is_damage(&error) {
            return Err(error);
        }
        tracing::warn!(%error, "the catalog of sessions is damaged: it is built anew");
        self.db = open::rebuild(&self.path)?;
        work(&mut self.db).map_err(|error| self.query_error(error))
    }

    fn query_error(&self, source: diesel::result::Error) -> CatalogError {
        CatalogError::Query { path: self.path.clone(), source }
    }
}
