//! The files of a keeper in the keepers' folder, and the lock that says it lives.
//!
//! `<id>.lock` is held (flock) for a keeper's whole life and holds its process number; `<id>.sock` is its control
//! socket; `<id>.new` is that socket before it listens; `<id>.cfg` is the tunnel client's private configuration.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::flock::Flock;
use crate::own_file;

/// Longest share id, in bytes: names must fit in a socket's address.
const ID_CAP: usize = 64;

/// Is this fit to be part of a file name: 1 to 64 letters, digits, `-` and `_`?
pub fn is_share_id(id: &str) -> bool {
    (1..=ID_CAP).contains(&id.len())
        && id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

/// Why a keeper's lock could not be had.
#[derive(Debug, Error)]
pub enum LockError {
    /// Another process holds it.
    #[error("another keeper holds {}", path.display())]
    Held {
        /// The lock file.
        path: PathBuf,
    },
    /// It could not be opened or written.
    #[error("cannot lock {}: {source}", path.display())]
    Io {
        /// The lock file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// The names of one keeper's files.
#[derive(Clone, Debug)]
pub struct KeeperFiles {
    dir: PathBuf,
    id: String,
}

impl KeeperFiles {
    /// For a share; `None` when the id is not fit to be part of a file name.
    pub fn new(dir: &Path, id: &str) -> Option<Self> {
        is_share_id(id).then(|| Self { dir: dir.to_owned(), id: id.to_owned() })
    }

    fn file(&self, ending: &str) -> PathBuf {
        self.dir.join(format!("{}.{ending}", self.id))
    }

    /// The folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The share.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The lock.
    pub fn lock(&self) -> PathBuf {
        self.file("lock")
    }

    /// The control socket.
    pub fn socket(&self) -> PathBuf {
        self.file("sock")
    }

    /// The control socket before it listens.
    pub fn unready_socket(&self) -> PathBuf {
        self.file("new")
    }

    /// The tunnel client's private configuration.
    pub fn config(&self) -> PathBuf {
        self.file("cfg")
    }

    /// Takes the lock and writes this process's number into it.
    ///
    /// The file may be unlinked by its last holder between our opening and locking it; a lock on an unlinked file
    /// says nothing, so it is taken again.
    ///
    /// # Errors
    /// [`LockError::Held`] when another process has it.
    pub fn acquire(&self) -> Result<Flock, LockError> {
        let path = self.lock();
        let io = |source| LockError::Io { path: self.lock(), source };
        loop {
            let mut options = OpenOptions::new();
            options.read(true).write(true).create(true).truncate(false);
            let file = own_file::open_regular(&path, &mut options).map_err(io)?;
            let Some(mut lock) = Flock::take(file).map_err(io)? else { return Err(LockError::Held { path }) };
            let file = lock.file();
            if is_still(file, &path) {
                file.set_len(0).and_then(|()| file.rewind()).map_err(io)?;
                write!(file, "{}", std::process::id()).map_err(io)?;
                return Ok(lock);
            }
        }
    }

    /// Does a living keeper hold the lock?
    ///
    /// # Errors
    /// Only what is neither "no such file" nor an answer.
    pub fn is_held(&self) -> io::Result<bool> {
        match own_file::open_regular(&self.lock(), OpenOptions::new().read(true)) {
            Ok(file) => Flock::is_taken(file),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The process number in the lock file. It is the keeper's only while [`KeeperFiles::is_held`].
    pub fn holder(&self) -> Option<u32> {
        let file = own_file::open_regular(&self.lock(), OpenOptions::new().read(true)).ok()?;
        let mut text = String::new();
        file.take(16).read_to_string(&mut text).ok()?;
        text.trim().parse().ok()
    }

    /// Removes all files but the lock. What is not there is no error.
    pub fn remove_but_lock(&self) {
        for path in [self.socket(), self.unready_socket(), self.config()] {
            let _ = fs::remove_file(path);
        }
    }

    /// Removes the lock file; to be called by its holder, last.
    pub fn remove_lock(&self) {
        let _ = fs::remove_file(self.lock());
    }

    /// Removes what a dead keeper left. A living one's files stay.
    ///
    /// # Errors
    /// The lock could not be taken for another reason than a living holder.
    pub fn clear_dead(&self) -> Result<(), LockError> {
        match self.acquire() {
            Ok(held) => {
                self.remove_but_lock();
                self.remove_lock();
                drop(held);
                Ok(())
            }
            Err(LockError::Held { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

/// Is `file` what `path` names now?
fn is_still(file: &File, path: &Path) -> bool {
    match (file.metadata(), fs::symlink_metadata(path)) {
        (Ok(ours), Ok(named)) => ours.dev() == named.dev() && ours.ino() == named.ino(),
        _ => false,
    }
}

/// Creates the keepers' folder (0700) where it is missing.
///
/// # Errors
/// What the system says.
pub fn create_dir(dir: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(dir)
}

/// The shares that have a lock file in `dir`, living or dead, in order.
///
/// # Errors
/// The folder cannot be read; a missing one holds none.
pub fn known(dir: &Path) -> io::Result<Vec<KeeperFiles>> {
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut found: Vec<KeeperFiles> = entries
        .filter_map(|entry| {
            let name = entry.ok()?.file_name();
            KeeperFiles::new(dir, name.to_str()?.strip_suffix(".lock")?)
        })
        .collect();
    found.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_fit_to_be_file_names() {
        for good in ["a", "0198f2c1-7b1e-7c9a-9a5e-2f1f6f0c9d11", "A_b-9"] {
            assert!(is_share_id(good), "{good}");
        }
        for bad in ["", ".", "..", "a/b", "a.b", "a b", "é", &"x".repeat(65)] {
            assert!(!is_share_id(bad), "{bad}");
        }
    }

    #[test]
    fn one_holder_at_a_time_and_a_dead_ones_files_are_cleared() {
        let dir = tempfile::tempdir().unwrap();
        let files = KeeperFiles::new(dir.path(), "share").unwrap();
        assert!(!files.is_held().unwrap());
        let held = files.acquire().unwrap();
        assert!(files.is_held().unwrap());
        assert_eq!(files.holder(), Some(std::process::id()));
        assert!(matches!(files.acquire(), Err(LockError::Held { .. })));
        fs::write(files.config(), "{}").unwrap();
        files.clear_dead().unwrap();
        assert!(files.config().exists(), "a living keeper's files stay");

        drop(held);
        assert!(!files.is_held().unwrap());
        assert_eq!(known(dir.path()).unwrap().len(), 1);
        files.clear_dead().unwrap();
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_lock_that_is_a_symlink_is_not_followed() {
        let dir = tempfile::tempdir().unwrap();
        let files = KeeperFiles::new(dir.path(), "share").unwrap();
        let target = dir.path().join("precious");
        fs::write(&target, "kept").unwrap();
        std::os::unix::fs::symlink(&target, files.lock()).unwrap();
        assert!(matches!(files.acquire(), Err(LockError::Io { .. })));
        assert_eq!(fs::read_to_string(target).unwrap(), "kept");
    }
}
