//! Is the daemon running, and which process is it?

use std::fs;

use super::lock::Lock;
use crate::paths::Paths;

/// Whether a daemon runs: somebody holds its lock. A pid file alone says nothing.
pub fn is_running(paths: &Paths) -> bool {
    Lock::is_held(&paths.lock())
}

/// The pid that the daemon wrote down, for information: only [`is_running`] says whether it lives.
pub fn read_pid(paths: &Paths) -> Option<u32> {
    fs::read_to_string(paths.pid_file()).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pid_file_of_a_living_stranger_is_no_daemon() {
        let home = tempfile::tempdir().unwrap();
        let paths = Paths::new(home.path().join("panko"), home.path().join("config.toml")).unwrap();
        paths.prepare().unwrap();
        assert_eq!(read_pid(&paths), None);
        fs::write(paths.pid_file(), format!("{}\n", std::process::id())).unwrap();
        assert_eq!(read_pid(&paths), Some(std::process::id()));
        assert!(!is_running(&paths));
    }
}
