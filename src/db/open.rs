//! Opening `state.db`: private from creation, checked, migrated, or set aside.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use diesel::connection::SimpleConnection;
use diesel::migration::MigrationVersion;
use diesel::prelude::*;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use jiff::Timestamp;

use super::rehearse::rehearse;
use crate::own_file;

/// As every statement does that somebody waits for.
pub(super) const WAIT_FOR_OTHERS: &str = "PRAGMA busy_timeout = 5000;";
pub(super) const WAIT_FOR_NOBODY: &str = "PRAGMA busy_timeout = 0;";

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations");

/// Why the database cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// It is something else than a regular file.
    #[error("{path} is {what}: move it away, panko will not follow or replace it")]
    NotAFile {
        /// The path.
        path: PathBuf,
        /// What it is.
        what: &'static str,
    },
    /// The file could not be made or read.
    #[error("cannot use {path}: {source}")]
    Io {
        /// The path.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It was written by a newer panko.
    #[error("{path} was written by a newer panko (migration {version}): update panko; the file is untouched")]
    Newer {
        /// The path.
        path: PathBuf,
        /// The migration this version does not know.
        version: String,
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
    /// A migration failed.
    #[error("cannot bring {path} up to date: {source}")]
    Migration {
        /// The path.
        path: PathBuf,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// An open database.
pub struct Opened {
    /// The connection.
    pub db: SqliteConnection,
    /// Where a damaged predecessor was put, if there was one.
    pub set_aside: Option<PathBuf>,
}

/// Opens `path` for the daemon: makes it if absent (0600), checks it, brings its schema up to date.
/// A file that is damaged beyond use is renamed to `<name>.damaged-<time>` and a fresh one takes its place.
///
/// # Errors
/// [`DbError`]: the file is then as it was.
pub fn open(path: &Path, now: Timestamp) -> Result<Opened, DbError> {
    create_private(path)?;
    refuse_newer_unread(path)?;
    match try_open(path) {
        Err(error) if is_damage(&error) => {
            let aside = set_aside(path, now)?;
            tracing::error!(%error, set_aside = %aside.display(), "the database is damaged: set aside, starting afresh");
            match create_private(path).and_then(|()| try_open(path)) {
                Ok(db) => Ok(Opened { db, set_aside: Some(aside) }),
                Err(error) => {
                    // Who comes next finds it, and says so.
                    rename_all(&aside, path)?;
                    Err(error)
                }
            }
        }
        opened => opened.map(|db| Opened { db, set_aside: None }),
    }
}

/// Opens `path` for looking only, as a command does while no daemon runs. `None` if there is no such file,
/// or if it was never brought to a schema of ours.
///
/// # Errors
/// [`DbError`].
pub fn open_read_only(path: &Path) -> Result<Option<SqliteConnection>, DbError> {
    if !path.exists() {
        return Ok(None);
    }
    check_kind(path)?;
    let mut db = connect(path)?;
    db.batch_execute("PRAGMA query_only = ON; PRAGMA busy_timeout = 2000;")
        .map_err(|source| query(path, source))?;
    refuse_newer(&mut db, path)?;
    let pending = db.has_pending_migration(MIGRATIONS).map_err(|source| migration(path, source))?;
    Ok((!pending).then_some(db))
}

fn try_open(path: &Path) -> Result<SqliteConnection, DbError> {
    check_header(path)?;
    let mut db = connect(path)?;
    // The version check comes before anything that writes: a newer file stays byte-identical.
    refuse_newer(&mut db, path)?;
    db.batch_execute(WAIT_FOR_OTHERS).map_err(|source| query(path, source))?;
    let settings = "PRAGMA journal_mode = WAL;
        PRAGMA synchronous = FULL;
        PRAGMA foreign_keys = ON;";
    db.batch_execute(settings).map_err(|source| query(path, source))?;
    check_integrity(&mut db, path)?;
    db.run_pending_migrations(MIGRATIONS).map_err(|source| migration(path, source))?;
    try_all(&mut db, path)?;
    Ok(db)
}

/// Whether it can be used as it is. What only this moment forbids (another program writes, the disk is full) is met
/// again, and told, by who needs it.
fn try_all(db: &mut SqliteConnection, path: &Path) -> Result<(), DbError> {
    let settled = |set: QueryResult<()>| set.map_err(|source| query(path, source));
    settled(db.batch_execute(WAIT_FOR_NOBODY))?;
    let tried = rehearse(db).map_err(|source| query(path, source));
    settled(db.batch_execute(WAIT_FOR_OTHERS))?;
    match tried {
        Err(error) if is_damage(&error) => Err(error),
        Err(error) => {
            tracing::warn!(%error, "the database could not be tried");
            Ok(())
        }
        Ok(()) => Ok(()),
    }
}

/// Whoever reads that the file may not be written, by the version of its format, takes that for the truth: where it says
/// something else than one of the two there are, it is damaged. (<https://www.sqlite.org/fileformat2.html>, 1.3.3)
fn check_header(path: &Path) -> Result<(), DbError> {
    let mut header = [0; 20];
    let read = own_file::open_regular(path, fs::OpenOptions::new().read(true))
        .and_then(|mut file| io::Read::read_exact(&mut file, &mut header));
    match read {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(()),
        Err(source) => Err(io_error(path, source)),
        Ok(()) if !header.starts_with(b"SQLite format 3") || matches!(header[18..], [1 | 2, 1 | 2]) => Ok(()),
        Ok(()) => Err(damaged(path, "the version of its format")),
    }
}

fn connect(path: &Path) -> Result<SqliteConnection, DbError> {
    let connect = |source| DbError::Connect { path: path.to_owned(), source };
    let text = path.to_str().ok_or_else(|| {
        connect(diesel::ConnectionError::BadConnection("the path is not valid UTF-8".to_owned()))
    })?;
    SqliteConnection::establish(text).map_err(connect)
}

/// Looks at the version by a connection that cannot write. Any other would move what stands in the log of a daemon that
/// was killed into the database, when it is closed.
fn refuse_newer_unread(path: &Path) -> Result<(), DbError> {
    let Some(text) = path.to_str() else { return Ok(()) };
    let escaped = text.replace('%', "%25").replace('?', "%3f").replace('#', "%23");
    // What cannot be opened or read so is met again, and told, by who opens it for writing.
    let Ok(mut db) = SqliteConnection::establish(&format!("file:{escaped}?mode=ro")) else { return Ok(()) };
    match refuse_newer(&mut db, path) {
        Err(newer @ DbError::Newer { .. }) => Err(newer),
        _ => Ok(()),
    }
}

fn refuse_newer(db: &mut SqliteConnection, path: &Path) -> Result<(), DbError> {
    #[derive(QueryableByName)]
    struct Found {
        #[diesel(sql_type = diesel::sql_types::Text)]
        version: String,
    }
    let known = "SELECT name AS version FROM sqlite_master WHERE name = '__diesel_schema_migrations'";
    let table = diesel::sql_query(known).load::<Found>(db).map_err(|source| query(path, source))?;
    if table.is_empty() {
        return Ok(());
    }
    let newest = "SELECT version FROM __diesel_schema_migrations ORDER BY version DESC LIMIT 1";
    let applied = diesel::sql_query(newest).load::<Found>(db).map_err(|source| query(path, source))?;
    let Some(Found { version }) = applied.into_iter().next() else { return Ok(()) };
    if MigrationVersion::from(version.clone()) > newest_known(path)? {
        return Err(DbError::Newer { path: path.to_owned(), version });
    }
    Ok(())
}

fn newest_known(path: &Path) -> Result<MigrationVersion<'static>, DbError> {
    use diesel::migration::{Migration, MigrationSource};
    let all: Vec<Box<dyn Migration<diesel::sqlite::Sqlite>>> =
        MIGRATIONS.migrations().map_err(|source| migration(path, source))?;
    Ok(all
        .iter()
        .map(|one| one.name().version().as_owned())
        .max()
        .unwrap_or_else(|| MigrationVersion::from(String::new())))
}

/// An index that does not fit its table is built anew: the rows are what counts.
fn check_integrity(db: &mut SqliteConnection, path: &Path) -> Result<(), DbError> {
    let check = |db: &mut SqliteConnection| integrity(db).map_err(|source| query(path, source));
    let Some(fault) = check(db)? else { return Ok(()) };
    db.batch_execute("REINDEX").map_err(|source| query(path, source))?;
    match check(db)? {
        None => {
            tracing::warn!(fault, "an index of the database was damaged, and was built anew");
            Ok(())
        }
        Some(fault) => Err(damaged(path, &fault)),
    }
}

/// The first fault of the database, tables and indexes alike. It is small: this takes milliseconds.
fn integrity(db: &mut SqliteConnection) -> QueryResult<Option<String>> {
    #[derive(QueryableByName)]
    struct Verdict {
        #[diesel(sql_type = diesel::sql_types::Text)]
        integrity_check: String,
    }
    let verdicts = diesel::sql_query("PRAGMA integrity_check(1)").load::<Verdict>(db)?;
    Ok(verdicts.into_iter().map(|verdict| verdict.integrity_check).find(|verdict| verdict != "ok"))
}

/// What SQLite says of a file that is not as it was written. Diesel does not hand out its result codes, only its
/// messages: those of `SQLITE_CORRUPT` and `SQLITE_NOTADB` (`sqlite3ErrStr`), and of a header that says a number there is
/// none of (`sqlite3InitOne`), …
const DAMAGE: [&str; 3] = ["malformed", "file is not a database", "unsupported file format"];
/// … and those of a schema that is none of ours any more (`sqlite3ErrorMsg` in its sources): a bit in a name or in the
/// list of migrations is another.
const OTHER_SCHEMA: [&str; 9] = [
    "no such table",
    "no such column",
    "no such index",
    "no such collation sequence",
    "no such function",
    "has no column named",
    "duplicate column name",
    "already exists",
    "constraint failed",
];

fn is_damage(error: &DbError) -> bool {
    let text = match error {
        DbError::Query { source: diesel::result::Error::DeserializationError(_), .. } => return true,
        DbError::Query { source, .. } => source.to_string(),
        DbError::Connect { source, .. } => source.to_string(),
        DbError::Migration { source, .. } => {
            // The list of those that were applied is of our own writing, too.
            match source.downcast_ref() {
                Some(diesel::result::Error::DeserializationError(_)) => return true,
                _ => source.to_string(),
            }
        }
        _ => return false,
    };
    DAMAGE.iter().chain(&OTHER_SCHEMA).any(|said| text.contains(said))
}

/// Whether SQLite says by `message` that the file is not as it was written; text of somebody else's in it that is no JSON
/// is none of that.
pub fn tells_of_damage(message: &str) -> bool {
    DAMAGE.iter().any(|said| message.contains(said)) && !message.contains("JSON")
}

fn set_aside(path: &Path, now: Timestamp) -> Result<PathBuf, DbError> {
    let aside = with_suffix(path, &format!(".damaged-{}", now.as_second()));
    rename_all(path, &aside)?;
    Ok(aside)
}

/// Renames a database with what belongs to it; what is at `to` goes.
fn rename_all(from: &Path, to: &Path) -> Result<(), DbError> {
    fs::rename(from, to).map_err(|source| io_error(from, source))?;
    for part in ["-wal", "-shm"] {
        let (from, to) = (with_suffix(from, part), with_suffix(to, part));
        let moved = match fs::rename(&from, &to) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => fs::remove_file(&to),
            moved => moved,
        };
        if let Err(error) = moved
            && error.kind() != io::ErrorKind::NotFound
        {
            return Err(io_error(&from, error));
        }
    }
    Ok(())
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// SQLite gives `-wal` and `-shm` the mode of the file, so its mode at creation is the mode of all three.
fn create_private(path: &Path) -> Result<(), DbError> {
    check_kind(path)?;
    let mut options = fs::OpenOptions::new();
    own_file::open_regular(path, options.read(true).write(true).create(true).truncate(false))
        .and_then(|file| {
            use std::os::unix::fs::PermissionsExt;
            file.set_permissions(fs::Permissions::from_mode(0o600))
        })
        .map_err(|source| io_error(path, source))
}

fn check_kind(path: &Path) -> Result<(), DbError> {
    use std::os::unix::fs::FileTypeExt;
    let kind = match fs::symlink_metadata(path) {
        Ok(meta) => meta.file_type(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(source) => return Err(io_error(path, source)),
    };
    let what = if kind.is_file() {
        return Ok(());
    } else if kind.is_symlink() {
        "a symbolic link"
    } else if kind.is_dir() {
        "a folder"
    } else if kind.is_fifo() {
        "a pipe"
    } else {
        "no regular file"
    };
    Err(DbError::NotAFile { path: path.to_owned(), what })
}

fn io_error(path: &Path, source: io::Error) -> DbError {
    DbError::Io { path: path.to_owned(), source }
}

fn damaged(path: &Path, fault: &str) -> DbError {
    let text = format!("database disk image is malformed: {fault}");
    let kind = diesel::result::DatabaseErrorKind::Unknown;
    query(path, diesel::result::Error::DatabaseError(kind, Box::new(text)))
}

fn query(path: &Path, source: diesel::result::Error) -> DbError {
    DbError::Query { path: path.to_owned(), source }
}

fn migration(path: &Path, source: Box<dyn std::error::Error + Send + Sync>) -> DbError {
    DbError::Migration { path: path.to_owned(), source }
}
