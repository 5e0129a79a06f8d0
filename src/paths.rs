//! Where things live: the data folder and its files, and the configuration file.
//!
//! The same places as the original's: `$XDG_DATA_HOME/panko` (by default `~/.local/share/panko`) and
//! `$XDG_CONFIG_HOME/panko/config.toml` (by default `~/.config/panko/config.toml`).

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;
use uuid::Uuid;

/// Longest path a Unix socket can have, in bytes: `sun_path` less its final NUL on the smallest of the
/// systems we run on (macOS: 104, Linux: 108).
pub const SOCKET_PATH_MAX: usize = 103;

/// Why the folders cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PathError {
    /// There is no home folder.
    #[error("no home folder is known: set HOME, or XDG_DATA_HOME and XDG_CONFIG_HOME")]
    NoHome,
    /// The data folder could not be made or entered.
    #[error("cannot use the data folder {path}: {source}")]
    Data {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The data folder is somebody else's, or no folder.
    #[error("cannot use the data folder {path}: it is {what}")]
    NotOurs {
        /// The folder.
        path: PathBuf,
        /// What it is instead.
        what: &'static str,
    },
    /// The path of the control socket would be too long.
    #[error(
        "the data folder {path} is too deep: a socket path may have {SOCKET_PATH_MAX} bytes; set XDG_DATA_HOME to a shorter path"
    )]
    TooDeep {
        /// The folder.
        path: PathBuf,
    },
}

/// All the places.
#[derive(Clone, Debug)]
pub struct Paths {
    data: PathBuf,
    config: PathBuf,
}

impl Paths {
    /// From `HOME`, `XDG_DATA_HOME` and `XDG_CONFIG_HOME`.
    ///
    /// # Errors
    /// [`PathError::NoHome`]; [`PathError::TooDeep`] if a socket would not fit.
    pub fn from_env() -> Result<Self, PathError> {
        let base = etcetera::choose_base_strategy().map_err(|_| PathError::NoHome)?;
        Self::new(base.data_dir().join("panko"), base.config_dir().join("panko").join("config.toml"))
    }

    /// With the data folder and the configuration file given.
    ///
    /// # Errors
    /// [`PathError::TooDeep`].
    pub fn new(data: PathBuf, config: PathBuf) -> Result<Self, PathError> {
        let paths = Self { data, config };
        // `keepers/<32 hex>.sock` is the longest name, and it is bound under a name of the same length.
        if paths.keepers().as_os_str().len() + 1 + 32 + 6 > SOCKET_PATH_MAX {
            return Err(PathError::TooDeep { path: paths.data });
        }
        Ok(paths)
    }

    /// The data folder.
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// The configuration file; it need not exist.
    pub fn config(&self) -> &Path {
        &self.config
    }

    /// The database of shares.
    pub fn db(&self) -> PathBuf {
        self.data.join("state.db")
    }

    /// The catalog of sessions and their full text; disposable.
    pub fn catalog(&self) -> PathBuf {
        self.data.join("index.db")
    }

    /// The daemon's control socket.
    pub fn socket(&self) -> PathBuf {
        self.data.join("daemon.sock")
    }

    /// The daemon's pid, for information only.
    pub fn pid_file(&self) -> PathBuf {
        self.data.join("daemon.pid")
    }

    /// Who holds the flock on it is the daemon.
    pub fn lock(&self) -> PathBuf {
        self.data.join("daemon.lock")
    }

    /// The daemon's log, unless the configuration names another.
    pub fn log(&self) -> PathBuf {
        self.data.join("daemon.log")
    }

    /// Sockets, locks and logs of the keepers.
    pub fn keepers(&self) -> PathBuf {
        self.data.join("keepers")
    }

    /// Ends of shares that the database has not taken yet.
    pub fn ends(&self) -> PathBuf {
        self.data.join("ends")
    }

    /// Private copies of what is shared.
    pub fn snapshots(&self) -> PathBuf {
        self.data.join("snapshots")
    }

    /// The private copy of what share `id` shows.
    pub fn snapshot(&self, id: Uuid) -> PathBuf {
        self.snapshots().join(format!("{}.jsonl", id.simple()))
    }

    /// The end of the tunnel log of share `id`, kept when its keeper ended.
    pub fn share_log(&self, id: Uuid) -> PathBuf {
        self.snapshots().join(format!("{}.log", id.simple()))
    }

    /// Makes the data folder and those below it, 0700, and checks that they are ours.
    ///
    /// # Errors
    /// [`PathError::Data`], [`PathError::NotOurs`].
    pub fn prepare(&self) -> Result<(), PathError> {
        // Where the data lies is a person's choice; within it nothing leads elsewhere: what is there is deleted.
        for path in [self.keepers(), self.snapshots(), self.ends()] {
            if fs::symlink_metadata(&path).is_ok_and(|meta| meta.is_symlink()) {
                return Err(PathError::NotOurs { path, what: "a symbolic link" });
            }
        }
        for folder in [self.data.clone(), self.keepers(), self.snapshots(), self.ends()] {
            prepare_folder(&folder)?;
        }
        Ok(())
    }
}

fn prepare_folder(path: &Path) -> Result<(), PathError> {
    let failed = |source| PathError::Data { path: path.to_owned(), source };
    let not_ours = |what| PathError::NotOurs { path: path.to_owned(), what };
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(failed)?;
    let meta = fs::metadata(path).map_err(failed)?;
    if !meta.is_dir() {
        return Err(not_ours("no folder"));
    }
    if meta.uid() != rustix::process::geteuid().as_raw() {
        return Err(not_ours("another user's"));
    }
    if meta.permissions().mode() & 0o077 != 0 {
        fs::set_permissions(path, fs::Permissions::from_mode(0o700)).map_err(failed)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_data_folder_too_deep_for_a_socket_is_refused_with_the_remedy() {
        let deep = PathBuf::from("/").join("x".repeat(90));
        let error = Paths::new(deep, "/c".into()).unwrap_err().to_string();
        assert!(error.contains("XDG_DATA_HOME"), "{error}");
    }

    #[test]
    fn folders_are_private_even_if_they_were_not() {
        let home = tempfile::tempdir().unwrap();
        let data = home.path().join("panko");
        fs::create_dir(&data).unwrap();
        fs::set_permissions(&data, fs::Permissions::from_mode(0o777)).unwrap();
        let paths = Paths::new(data.clone(), home.path().join("config.toml")).unwrap();
        paths.prepare().unwrap();
        for folder in [data, paths.keepers(), paths.snapshots(), paths.ends()] {
            assert_eq!(fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700, "{folder:?}");
        }
    }
}
