//! Who is the daemon: who holds the flock on the lock file. The kernel releases it however a process ends.

use std::fs::OpenOptions;
use std::io;
use std::path::{Path, PathBuf};

use crate::flock::Flock;
use crate::own_file;

/// The lock; released when dropped.
#[derive(Debug)]
pub struct Lock {
    _lock: Flock,
}

/// Why the lock was not taken.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Somebody else holds it.
    #[error("the daemon is running")]
    Held,
    /// The file cannot be used.
    #[error("cannot use the lock file {path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl Lock {
    /// Takes the lock, without waiting.
    ///
    /// # Errors
    /// [`LockError`].
    pub fn take(path: &Path) -> Result<Self, LockError> {
        let failed = |source| LockError::Io { path: path.to_owned(), source };
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let file = own_file::open_regular(path, &mut options).map_err(failed)?;
        Flock::take(file).map_err(failed)?.map(|lock| Self { _lock: lock }).ok_or(LockError::Held)
    }

    /// Whether somebody holds it. A file that is not there is held by nobody.
    pub fn is_held(path: &Path) -> bool {
        let file = own_file::open_regular(path, OpenOptions::new().read(true));
        file.and_then(Flock::is_taken).unwrap_or(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_holds_it_until_it_is_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("daemon.lock");
        assert!(!Lock::is_held(&path));
        let lock = Lock::take(&path).unwrap();
        assert!(Lock::is_held(&path));
        assert!(matches!(Lock::take(&path), Err(LockError::Held)));
        drop(lock);
        assert!(!Lock::is_held(&path));
        Lock::take(&path).unwrap();
    }
}
