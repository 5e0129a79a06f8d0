//! Looking at processes.

use std::fs;
use std::path::PathBuf;

use rustix::process::{Pid, Signal, kill_process};

/// Does the process live? A zombie does not.
pub fn lives(pid: u32) -> bool {
    let Ok(stat) = fs::read_to_string(format!("/proc/{pid}/stat")) else { return false };
    stat.rsplit_once(')').is_some_and(|(_, rest)| !rest.trim_start().starts_with(['Z', 'X']))
}

/// Sends a signal; a process that is gone is no error.
pub fn signal(pid: u32, signal: Signal) {
    if let Some(pid) = Pid::from_raw(pid as i32) {
        let _ = kill_process(pid, signal);
    }
}

/// The living processes whose environment has `name=value`.
pub fn marked(name: &str, value: &str) -> Vec<u32> {
    let entry = format!("{name}={value}").into_bytes();
    let numbers = fs::read_dir("/proc").unwrap().filter_map(|e| e.ok()?.file_name().to_str()?.parse().ok());
    numbers
        .filter(|pid| lives(*pid) && environment(*pid).split(|b| *b == 0).any(|found| found == entry))
        .collect()
}

/// Processes, and all that they started and that did not outlive its parent.
pub fn with_descendants(mut found: Vec<u32>) -> Vec<u32> {
    let numbers = fs::read_dir("/proc").unwrap().filter_map(|e| e.ok()?.file_name().to_str()?.parse().ok());
    let parents: Vec<(u32, u32)> = numbers.filter_map(|pid| Some((pid, parent(pid)?))).collect();
    let mut at = 0;
    while let Some(&pid) = found.get(at) {
        let children = parents.iter().filter(|(_, parent)| *parent == pid).map(|(child, _)| *child);
        let fresh: Vec<u32> = children.filter(|child| !found.contains(child) && lives(*child)).collect();
        found.extend(fresh);
        at += 1;
    }
    found
}

/// Who started a process that lives.
fn parent(pid: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_ascii_whitespace().nth(1)?.parse().ok()
}

/// A process's environment, as it was started.
pub fn environment(pid: u32) -> Vec<u8> {
    fs::read(format!("/proc/{pid}/environ")).unwrap_or_default()
}

/// A process's open descriptors and what they name.
pub fn descriptors(pid: u32) -> Vec<(u32, PathBuf)> {
    let Ok(entries) = fs::read_dir(format!("/proc/{pid}/fd")) else { return Vec::new() };
    let mut found: Vec<(u32, PathBuf)> = entries
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let target = fs::read_link(entry.path()).ok()?;
            Some((entry.file_name().to_str()?.parse().ok()?, target))
        })
        .collect();
    found.sort();
    found
}

/// A process's resident memory in bytes.
pub fn resident(pid: u32) -> u64 {
    memory(pid, "VmRSS:")
}

/// The most that a process's resident memory has been, in bytes, since it was started or [`forget_peak`].
pub fn peak(pid: u32) -> u64 {
    memory(pid, "VmHWM:")
}

/// From here on [`peak`] counts anew (proc_pid_clear_refs(5)); the resident memory at this moment.
pub fn forget_peak(pid: u32) -> u64 {
    fs::write(format!("/proc/{pid}/clear_refs"), "5").unwrap();
    resident(pid)
}

fn memory(pid: u32, field: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with(field)).unwrap();
    line.split_ascii_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}

/// Bytes that a process has read so far, wherever from (proc_pid_io(5)).
pub fn read_so_far(pid: u32) -> u64 {
    let io = fs::read_to_string(format!("/proc/{pid}/io")).unwrap();
    io.lines().find_map(|line| line.strip_prefix("rchar: ")).unwrap().parse().unwrap()
}

/// The children of a process that have ended and were not waited for.
pub fn zombies(of: u32) -> Vec<u32> {
    let numbers = fs::read_dir("/proc").unwrap().filter_map(|e| e.ok()?.file_name().to_str()?.parse().ok());
    numbers.filter(|pid| parent(*pid) == Some(of) && !lives(*pid)).collect()
}

/// The name a process runs under.
pub fn name(pid: u32) -> String {
    fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default().trim().to_owned()
}
