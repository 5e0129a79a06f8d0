//! Finds and kills what a tunnel left behind.
//!
//! A group kill misses what called `setsid`, a parent-death signal reaches only the direct child. So every process of a
//! tunnel carries [`MARK`] in its environment, which descendants inherit, and a sweep looks for it in `/proc`.
//! Elsewhere than on Linux other processes' environments cannot be read: there a sweep does nothing, and the kill of the
//! process group is all there is.
//!
//! Blocking (a look at every process of the user, some 10 ms): for a thread that may block.

use std::io;
use std::path::Path;

use super::files::{self, KeeperFiles};

/// The variable that names a tunnel process's share.
pub const MARK: &str = "PANKO_KEEPER";
/// The variable that names its keepers' folder: another panko's processes are not ours to judge.
pub const DIR_MARK: &str = "PANKO_KEEPER_DIR";

/// Kills every process of the own user that is marked as `share_id`'s; how many there were.
pub fn kill_marked(share_id: &str) -> usize {
    let mark = entry(MARK, share_id.as_bytes());
    scan::kill_all(|found| found.iter().filter(|process| process.has(&mark)).map(|p| p.pid).collect())
}

/// Kills every process marked as `share_id`'s and every descendant of this process, marked or not.
pub(super) fn kill_marked_and_descendants(share_id: &str) -> usize {
    let mark = entry(MARK, share_id.as_bytes());
    scan::kill_all(|found| {
        let mut victims = scan::descendants(found, std::process::id());
        victims.extend(found.iter().filter(|process| process.has(&mark)).map(|process| process.pid));
        victims.sort_unstable();
        victims.dedup();
        victims
    })
}

/// Kills the tunnel processes of `dir` whose keeper does not live, and removes dead keepers' files; returns the shares
/// whose keepers were dead. For the start of a daemon.
///
/// # Errors
/// The folder cannot be read.
pub fn sweep_orphans(dir: &Path) -> io::Result<Vec<String>> {
    let mut dead = Vec::new();
    for keeper in files::known(dir)? {
        if !keeper.is_held().unwrap_or(true) {
            kill_marked(keeper.id());
            // A lock file that cannot be cleared is met again by the next keeper of the share, which says so.
            let _ = keeper.clear_dead();
            dead.push(keeper.id().to_owned());
        }
    }
    // Some may have outlived even the lock file.
    scan::kill_all(|found| found.iter().filter(|process| is_orphan(process, dir)).map(|p| p.pid).collect());
    Ok(dead)
}

fn is_orphan(process: &scan::Process, dir: &Path) -> bool {
    use std::os::unix::ffi::OsStrExt as _;
    process.has(&entry(DIR_MARK, dir.as_os_str().as_bytes()))
        && process
            .value(MARK)
            .and_then(|id| KeeperFiles::new(dir, id))
            .is_some_and(|keeper| matches!(keeper.is_held(), Ok(false)))
}

fn entry(name: &str, value: &[u8]) -> Vec<u8> {
    [name.as_bytes(), b"=", value].concat()
}

#[cfg(target_os = "linux")]
mod scan {
    use std::fs::{self, File};
    use std::io::Read as _;
    use std::os::unix::fs::MetadataExt as _;
    use std::time::Duration;

    use crate::tunnel::os::{self, Pinned};

    /// Looks at most: a process that forks faster than it is killed must not keep us for ever.
    const PASSES: usize = 100;
    /// Between two looks: a killed process needs a moment to go.
    const BETWEEN: Duration = Duration::from_millis(5);
    /// Bytes of an environment that are read.
    const ENVIRONMENT_CAP: u64 = 4 * 1024 * 1024;

    /// A living process of the own user.
    #[derive(Debug)]
    pub(super) struct Process {
        pub(super) pid: u32,
        parent: u32,
        /// In clock ticks since boot: with the number, this is the process's identity.
        started: u64,
        environment: Vec<u8>,
    }

    impl Process {
        /// Does its environment hold this entry?
        pub(super) fn has(&self, entry: &[u8]) -> bool {
            self.environment.split(|b| *b == 0).any(|found| found == entry)
        }

        /// The value of a variable.
        pub(super) fn value(&self, name: &str) -> Option<&str> {
            let value = |entry: &'_ [u8]| -> Option<usize> {
                (entry.strip_prefix(name.as_bytes())?.first() == Some(&b'=')).then_some(name.len() + 1)
            };
            let found = self.environment.split(|b| *b == 0).find_map(|e| Some(e.get(value(e)?..)))??;
            std::str::from_utf8(found).ok()
        }
    }

    /// Kills what `choose` picks, again and again until it picks nothing; how many there were.
    pub(super) fn kill_all(choose: impl Fn(&[Process]) -> Vec<u32>) -> usize {
        let mut killed = 0;
        for _ in 0..PASSES {
            let found = processes();
            let victims = choose(&found);
            if victims.is_empty() {
                break;
            }
            for process in found.iter().filter(|process| victims.contains(&process.pid)) {
                killed += usize::from(kill(process));
            }
            os::pause(BETWEEN);
        }
        killed
    }

    /// Every process below `root`.
    pub(super) fn descendants(found: &[Process], root: u32) -> Vec<u32> {
        let mut below = vec![root];
        let mut next = 0;
        while let Some(&parent) = below.get(next) {
            below.extend(found.iter().filter(|process| process.parent == parent).map(|process| process.pid));
            next += 1;
        }
        below.split_off(1)
    }

    fn kill(process: &Process) -> bool {
        let Some(pinned) = Pinned::new(process.pid) else { return false };
        // The number may have gone to another process since the look.
        let same = stat(process.pid).is_some_and(|now| now.started == process.started);
        if same {
            pinned.kill();
        }
        same
    }

    fn processes() -> Vec<Process> {
        let (own, uid) = (std::process::id(), os::own_uid());
        let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
        entries
            .filter_map(|entry| {
                let entry = entry.ok()?;
                let pid = entry.file_name().to_str()?.parse::<u32>().ok()?;
                let is_ours = pid != own && entry.metadata().ok()?.uid() == uid;
                let stat = is_ours.then(|| stat(pid)).flatten().filter(|stat| stat.alive)?;
                // Unreadable for a moment while it executes another program: seen at the next look by its parent.
                let environment = environment(pid).unwrap_or_default();
                Some(Process { pid, parent: stat.parent, started: stat.started, environment })
            })
            .collect()
    }

    fn environment(pid: u32) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        File::open(format!("/proc/{pid}/environ"))
            .ok()?
            .take(ENVIRONMENT_CAP)
            .read_to_end(&mut bytes)
            .ok()?;
        Some(bytes)
    }

    struct Stat {
        parent: u32,
        started: u64,
        alive: bool,
    }

    /// `/proc/PID/stat` (proc_pid_stat(5)): the name in parentheses may hold anything, so fields count from the last one.
    fn stat(pid: u32) -> Option<Stat> {
        let bytes = fs::read(format!("/proc/{pid}/stat")).ok()?;
        let text = String::from_utf8_lossy(&bytes);
        let mut fields = text.rsplit_once(')')?.1.split_ascii_whitespace();
        let state = fields.next()?;
        let parent = fields.next()?.parse().ok()?;
        // The 22nd field of all, the 18th after the parent's.
        let started = fields.nth(17)?.parse().ok()?;
        Some(Stat { parent, started, alive: !matches!(state, "Z" | "X") })
    }
}

#[cfg(not(target_os = "linux"))]
mod scan {
    /// Never made here.
    #[derive(Debug)]
    pub(super) struct Process {
        pub(super) pid: u32,
    }

    impl Process {
        pub(super) fn has(&self, _entry: &[u8]) -> bool {
            false
        }

        pub(super) fn value(&self, _name: &str) -> Option<&str> {
            None
        }
    }

    pub(super) fn kill_all(_choose: impl Fn(&[Process]) -> Vec<u32>) -> usize {
        0
    }

    pub(super) fn descendants(_found: &[Process], _root: u32) -> Vec<u32> {
        Vec::new()
    }
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use std::os::unix::process::ExitStatusExt as _;
    use std::process::{Child, Command, Stdio};

    use super::*;

    /// A process that lives until it is killed: its input never ends.
    fn waiting(envs: &[(&str, &str)]) -> Child {
        Command::new("/bin/cat")
            .envs(envs.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap()
    }

    #[test]
    fn only_what_bears_the_mark_is_killed() {
        let mut marked = waiting(&[(MARK, "sweep-unit-one")]);
        let mut other = waiting(&[(MARK, "sweep-unit-one-and-more")]);
        assert_eq!(kill_marked("sweep-unit-one"), 1);
        assert_eq!(marked.wait().unwrap().signal(), Some(9));
        assert_eq!(other.try_wait().unwrap(), None, "a longer id is another share");
        other.kill().unwrap();
        other.wait().unwrap();
    }

    #[test]
    fn orphans_are_those_of_this_folder_whose_keeper_is_dead() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().to_str().unwrap();
        let living = KeeperFiles::new(dir.path(), "living").unwrap();
        let lock = living.acquire().unwrap();
        drop(KeeperFiles::new(dir.path(), "dead").unwrap().acquire().unwrap());
        let mut of_living = waiting(&[(MARK, "living"), (DIR_MARK, path)]);
        let mut of_dead = waiting(&[(MARK, "dead"), (DIR_MARK, path)]);
        let mut without_lock = waiting(&[(MARK, "gone"), (DIR_MARK, path)]);
        let mut elsewhere = waiting(&[(MARK, "gone"), (DIR_MARK, "/another/folder")]);

        assert_eq!(sweep_orphans(dir.path()).unwrap(), ["dead"]);
        assert_eq!(of_dead.wait().unwrap().signal(), Some(9));
        assert_eq!(without_lock.wait().unwrap().signal(), Some(9));
        assert_eq!(of_living.try_wait().unwrap(), None);
        assert_eq!(elsewhere.try_wait().unwrap(), None);
        for child in [&mut of_living, &mut elsewhere] {
            child.kill().unwrap();
            child.wait().unwrap();
        }
        drop(lock);
    }
}
