//! Is the daemon running, and which process is it?

use std::fs::OpenOptions;
use std::io::Read as _;

use super::lock::Lock;
use crate::own_file;
use crate::paths::Paths;

/// Whether a daemon runs: somebody holds its lock. A pid file alone says nothing.
pub fn is_running(paths: &Paths) -> bool {
    Lock::is_held(&paths.lock())
}

/// The pid that the daemon wrote down, for information: only [`is_running`] says whether it lives.
pub fn read_pid(paths: &Paths) -> Option<u32> {
    let file = own_file::open_regular(&paths.pid_file(), OpenOptions::new().read(true)).ok()?;
    let mut text = String::new();
    file.take(16).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use std::fs;

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

        fs::remove_file(paths.pid_file()).unwrap();
        let mode = rustix::fs::Mode::from_raw_mode(0o600);
        rustix::fs::mknodat(rustix::fs::CWD, paths.pid_file(), rustix::fs::FileType::Fifo, mode, 0).unwrap();
        assert_eq!(read_pid(&paths), None, "it does not wait for a writer");
    }
}
