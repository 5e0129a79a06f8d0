//! Faults of the system, put into a running daemon from outside: by strace into its system calls, by mounts
//! under its folder. What the kernel refuses is said, and the test that wanted it is skipped.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

use rustix::process::Signal;

use super::process;
use super::wait::{SOON, pause};

/// strace, attached to every thread of a process. What it does ends when this goes.
pub struct Injection(Child);

/// Attaches strace with these `-e inject=` rules; `children`: to what the process starts, too. `None`, and said
/// so, where there is no strace or the kernel refuses.
pub fn attach(pid: u32, rules: &[&str], children: bool) -> Option<Injection> {
    let tasks = tasks(pid);
    let mut command = Command::new("strace");
    command.args(["-qq", "-o", "/dev/null"]).args(children.then_some("-f"));
    for rule in rules {
        command.arg("-e").arg(format!("inject={rule}"));
    }
    for task in &tasks {
        command.arg("-p").arg(task.to_string());
    }
    let spawned = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let Ok(child) = spawned else {
        skipped("there is no strace");
        return None;
    };
    let mut injection = Injection(child);
    let began = Instant::now();
    while !tasks.iter().all(|task| is_traced(pid, *task)) {
        if injection.0.try_wait().unwrap().is_some() || began.elapsed() > SOON {
            skipped("the kernel lets nobody trace this process");
            return None;
        }
        pause();
    }
    Some(injection)
}

impl Drop for Injection {
    fn drop(&mut self) {
        process::signal(self.0.id(), Signal::TERM);
        // strace may wait for ever for a thread that ended as it let go of it: the kernel lets go of all when it is killed.
        let began = Instant::now();
        while matches!(self.0.try_wait(), Ok(None)) && began.elapsed() < SOON {
            pause();
        }
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn tasks(pid: u32) -> Vec<u32> {
    let entries = fs::read_dir(format!("/proc/{pid}/task")).unwrap();
    entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()).collect()
}

/// A thread that is gone is not waited for.
fn is_traced(pid: u32, task: u32) -> bool {
    let Ok(status) = fs::read_to_string(format!("/proc/{pid}/task/{task}/status")) else { return true };
    status.lines().any(|line| line.starts_with("TracerPid:") && !line.ends_with("\t0"))
}

/// A group of processes that may have so much memory together, page cache included; until this goes.
pub struct MemoryGroup {
    folder: PathBuf,
    parent: PathBuf,
}

/// Makes a group with a limit, below this process's own; `None`, and said so, where the kernel refuses.
pub fn memory_group(bytes: u64) -> Option<MemoryGroup> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let own = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    // cgroups(7): one line a hierarchy; that of version 2 names no controllers.
    let of = |controller: &str| {
        own.lines().find_map(|line| {
            let (names, path) = line.split_once(':')?.1.split_once(':')?;
            names.split(',').any(|name| name == controller).then(|| path.trim_start_matches('/').to_owned())
        })
    };
    let (root, path, limit) = match (of("memory"), of("")) {
        (Some(path), _) => ("/sys/fs/cgroup/memory", path, "memory.limit_in_bytes"),
        (None, path) => ("/sys/fs/cgroup", path.unwrap_or_default(), "memory.max"),
    };
    let parent = Path::new(root).join(path);
    let name = format!("panko-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    let folder = parent.join(name);
    if fs::create_dir(&folder).is_err() {
        skipped("the kernel makes no group of processes for this user");
        return None;
    }
    let group = MemoryGroup { folder, parent };
    if !group.folder.join(limit).exists() || fs::write(group.folder.join(limit), bytes.to_string()).is_err() {
        skipped("the kernel limits no memory of a group of this user's");
        return None;
    }
    Some(group)
}

impl MemoryGroup {
    /// Where a process that joins writes its number.
    pub fn members(&self) -> PathBuf {
        self.folder.join("cgroup.procs")
    }

    /// How many of its processes the kernel has killed for want of memory.
    pub fn killed(&self) -> u64 {
        let files = ["memory.events", "memory.oom_control"].map(|name| self.folder.join(name));
        let text: String = files.iter().filter_map(|file| fs::read_to_string(file).ok()).collect();
        let count = text.lines().find_map(|line| line.strip_prefix("oom_kill "));
        count.and_then(|count| count.parse().ok()).unwrap_or_default()
    }
}

impl Drop for MemoryGroup {
    fn drop(&mut self) {
        // Who still is in it goes on in its parent.
        let began = Instant::now();
        while fs::remove_dir(&self.folder).is_err() && began.elapsed() < SOON {
            for member in fs::read_to_string(self.members()).unwrap_or_default().lines() {
                let _ = fs::write(self.parent.join("cgroup.procs"), member);
            }
            pause();
        }
    }
}

/// A small file system of its own on a folder, until this goes.
pub struct Mount(PathBuf);

/// Mounts a tmpfs of so many KiB; `None`, and said so, where the kernel refuses.
pub fn tmpfs(folder: &Path, kib: u32, options: &str) -> Option<Mount> {
    fs::create_dir_all(folder).unwrap();
    let mounted = Command::new("mount")
        .args(["-t", "tmpfs", "-o"])
        .arg(format!("size={kib}k,mode=0700{options}"))
        .arg("tmpfs")
        .arg(folder)
        .stderr(Stdio::null())
        .status();
    if !mounted.is_ok_and(|status| status.success()) {
        skipped("the kernel mounts nothing for this user");
        return None;
    }
    Some(Mount(folder.to_owned()))
}

impl Drop for Mount {
    fn drop(&mut self) {
        // Lazily: what is still open there goes with its last user.
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

/// Says that a test is skipped, and why: in the file that `PANKO_SKIPPED` names, for the runner keeps to itself what a
/// test that passes prints.
pub fn skipped(why: &str) {
    let test = std::thread::current().name().unwrap_or_default().to_owned();
    eprintln!("SKIPPED: {test}: {why}");
    if let Some(path) = std::env::var_os("PANKO_SKIPPED") {
        let mut file = std::fs::OpenOptions::new().append(true).create(true).open(path).unwrap();
        std::io::Write::write_all(&mut file, format!("{test}: {why}\n").as_bytes()).unwrap();
    }
}
