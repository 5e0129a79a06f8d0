//! Faults of the system, put into a running daemon from outside: by strace into its system calls, by mounts
//! under its folder. What the kernel refuses is said, and the test that wanted it is skipped.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

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
    let began = std::time::Instant::now();
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
