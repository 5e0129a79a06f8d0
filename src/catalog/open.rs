//! Opening `index.db`: private from creation; what is not of this version, or damaged, is replaced.
//!
//! Who replaces it holds a lock meanwhile, and looks again once it has it: another process may have been
//! first. Processes that have the old file open go on with it until they end; SQLite sees that a file was
//! moved from under it and leaves the log of the new one alone.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use super::CatalogError;
use crate::flock::Flock;
use crate::own_file;

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("src/catalog/migrations");

/// What a database is marked with: parsers and rules of masking change with the program's version, the
/// schema with its file.
fn mark() -> i32 {
    let schema = include_str!("migrations/2026-11-23-000000_catalog/up.sql");
    let hash = blake3::hash(format!("{}\n{schema}", env!("CARGO_PKG_VERSION")).as_bytes());
    let [a, b, c, d, ..] = *hash.as_bytes();
    // 0 is what a fresh file is marked with.
    i32::from_le_bytes([a, b, c, d]) | 1
}

/// Opens the database, or builds it.
pub(super) fn open(path: &Path) -> Result<SqliteConnection, CatalogError> {
    match attempt(path) {
        Ok(Some(db)) => Ok(db),
        Ok(None) => replace(path, |_| true),
        Err(error) if is_damage(&error) => rebuild(path),
        Err(error @ (CatalogError::Query { .. } | CatalogError::Connect { .. })) => {
            // Another process may be replacing it just now.
            let _lock = lock(path, "lock", true)?;
            attempt(path)?.ok_or(error)
        }
        Err(error) => Err(error),
    }
}

/// Replaces a database in which damage was met, unless another process has done so.
pub(super) fn rebuild(path: &Path) -> Result<SqliteConnection, CatalogError> {
    replace(path, is_sound)
}

/// Takes the lock that stands for `work` on the database at `path`; waits for it if `wait`. `None`: another
/// process has it.
pub(super) fn lock(path: &Path, work: &str, wait: bool) -> Result<Option<Flock>, CatalogError> {
    let path = with_suffix(path, &format!(".{work}"));
    let file = private(&path).map_err(|source| io_error(&path, source))?;
    let taken = if wait { Flock::wait(file).map(Some) } else { Flock::take(file) };
    taken.map_err(|source| io_error(&path, source))
}

fn replace(
    path: &Path,
    good: impl FnOnce(&mut SqliteConnection) -> bool,
) -> Result<SqliteConnection, CatalogError> {
    let _lock = lock(path, "lock", true)?;
    if let Ok(Some(mut db)) = attempt(path)
        && good(&mut db)
    {
        return Ok(db);
    }
    // Under another name, until it is whole: who opens it meanwhile meets none that is half made.
    let fresh = with_suffix(path, ".new");
    remove(&fresh)?;
    build(&fresh)?;
    remove(path)?;
    fs::rename(&fresh, path).map_err(|source| io_error(path, source))?;
    let mut db = connect(path)?;
    settle(&mut db).map_err(|source| CatalogError::Query { path: path.to_owned(), source })?;
    Ok(db)
}

/// Makes an empty database at `path`, where there is none.
fn build(path: &Path) -> Result<(), CatalogError> {
    // SQLite gives its log the mode of the database.
    private(path).map_err(|source| io_error(path, source))?;
    let mut db = connect(path)?;
    let query = |source| CatalogError::Query { path: path.to_owned(), source };
    db.batch_execute("PRAGMA journal_mode = WAL;").map_err(query)?;
    settle(&mut db).map_err(query)?;
    db.run_pending_migrations(MIGRATIONS)
        .map_err(|source| CatalogError::Schema { path: path.to_owned(), source })?;
    db.batch_execute(&format!("PRAGMA user_version = {};", mark())).map_err(query)
}

/// Removes a database with its log.
fn remove(path: &Path) -> Result<(), CatalogError> {
    for suffix in ["", "-wal", "-shm"] {
        let path = with_suffix(path, suffix);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(io_error(&path, error)),
            _ => {}
        }
    }
    Ok(())
}

/// The database, if it is there and of this version.
fn attempt(path: &Path) -> Result<Option<SqliteConnection>, CatalogError> {
    #[derive(QueryableByName)]
    struct Marked {
        #[diesel(sql_type = diesel::sql_types::Integer)]
        user_version: i32,
    }
    match fs::symlink_metadata(path) {
        Ok(meta) if meta.is_file() => {}
        Ok(_) => {
            let what = io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file: move it away");
            return Err(io_error(path, what));
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(io_error(path, error)),
    }
    let mut db = connect(path)?;
    let query = |source| CatalogError::Query { path: path.to_owned(), source };
    settle(&mut db).map_err(query)?;
    let marked = diesel::sql_query("PRAGMA user_version").load::<Marked>(&mut db).map_err(query)?;
    Ok(marked.first().is_some_and(|marked| marked.user_version == mark()).then_some(db))
}

/// What each connection needs.
fn settle(db: &mut SqliteConnection) -> QueryResult<()> {
    db.batch_execute("PRAGMA busy_timeout = 10000; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON;")
}

fn connect(path: &Path) -> Result<SqliteConnection, CatalogError> {
    let failed = |source| CatalogError::Connect { path: path.to_owned(), source };
    let text = path.to_str().ok_or_else(|| {
        failed(diesel::ConnectionError::BadConnection("the path is not valid UTF-8".to_owned()))
    })?;
    SqliteConnection::establish(text).map_err(failed)
}

fn is_sound(db: &mut SqliteConnection) -> bool {
    #[derive(QueryableByName)]
    struct Verdict {
        #[diesel(sql_type = diesel::sql_types::Text)]
        quick_check: String,
    }
    let text = "INSERT INTO passages_fts (passages_fts) VALUES ('integrity-check');";
    let tables = diesel::sql_query("PRAGMA quick_check(1)").load::<Verdict>(db);
    tables.is_ok_and(|verdicts| verdicts.iter().all(|verdict| verdict.quick_check == "ok"))
        && db.batch_execute(text).is_ok()
}

/// Diesel hands out SQLite's messages, not its codes: these are those of `SQLITE_CORRUPT`, `SQLITE_NOTADB`
/// and of a schema that is not the marked one.
pub(super) fn is_damage(error: &CatalogError) -> bool {
    let text = match error {
        CatalogError::Query { source, .. } => source.to_string(),
        CatalogError::Connect { source, .. } => source.to_string(),
        CatalogError::Io { .. } | CatalogError::Schema { .. } => return false,
    };
    ["malformed", "file is not a database", "no such table"].iter().any(|sign| text.contains(sign))
}

fn private(path: &Path) -> io::Result<File> {
    own_file::open_regular(path, OpenOptions::new().read(true).write(true).create(true).truncate(false))
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn io_error(path: &Path, source: io::Error) -> CatalogError {
    CatalogError::Io { path: path.to_owned(), source }
}
