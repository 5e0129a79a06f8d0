//! A real service manager: `systemd --user` in a home of its own, in a group of processes of its own.

use std::fs;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use super::daemon::Home;
use super::inject::skipped;
use super::process;
use super::wait::{SOON, until};

/// The program.
const SYSTEMD: &str = "/lib/systemd/systemd";
/// Where it may keep its processes: one hierarchy of groups (version 2), or one beside those of version 1.
const HIERARCHIES: [&str; 2] = ["/sys/fs/cgroup/systemd", "/sys/fs/cgroup/unified"];
/// It runs only where systemd is said to have started the machine: for its eyes alone, that is so here.
const START: &str = "mount -t tmpfs tmpfs /run && mkdir -p /run/systemd/system && exec \"$@\"";

/// The manager of a home's services; ends with all its services.
pub struct Systemd<'a> {
    home: &'a Home,
    groups: Vec<PathBuf>,
    runtime: tempfile::TempDir,
    process: Child,
}

impl<'a> Systemd<'a> {
    /// Started; `None`, and said so, where it cannot run.
    pub fn start(home: &'a Home) -> Option<Self> {
        if !Path::new(SYSTEMD).exists() {
            skipped("there is no systemd");
            return None;
        }
        let Some(groups) = groups() else {
            skipped("the kernel makes no group of processes for this user");
            return None;
        };
        let join: String =
            groups.iter().map(|group| format!("echo $$ > {}/cgroup.procs && ", group.display())).collect();
        // Short, for a socket stands in it; and not below `/run`, which it sees otherwise.
        let runtime = tempfile::Builder::new().prefix("sd").tempdir_in("/tmp").unwrap();
        let mut start = Command::new("unshare");
        start.args(["--mount", "sh", "-c", &(join + START), "sh", SYSTEMD, "--user"]);
        like(home, &mut start, runtime.path());
        let log = fs::File::create(home.path("systemd.log")).unwrap();
        let process = start.stdout(Stdio::null()).stderr(log).process_group(0).spawn().unwrap();
        let mut systemd = Self { home, groups, runtime, process };
        let mut ended = None;
        until(SOON, "the service manager answers, or has ended", || {
            ended = systemd.process.try_wait().unwrap();
            ended.is_some() || systemd.ctl(&["list-jobs"]).stdout.starts_with(b"No jobs")
        });
        if ended.is_some() {
            skipped("systemd does not run here");
            return None;
        }
        Some(systemd)
    }

    /// `systemctl --user`.
    pub fn ctl(&self, words: &[&str]) -> Output {
        let mut command = Command::new("systemctl");
        command.arg("--user").args(words);
        like(self.home, &mut command, self.runtime.path());
        command.output().unwrap()
    }

    /// The same, that must succeed.
    #[track_caller]
    pub fn ok(&self, words: &[&str]) {
        let out = self.ctl(words);
        let said = String::from_utf8_lossy(&out.stderr).into_owned();
        assert!(out.status.success(), "systemctl {words:?}: {said}\n{}", self.home.log_text());
    }

    /// A property of a unit.
    pub fn property(&self, unit: &str, name: &str) -> String {
        let out = self.ctl(&["show", "--value", "-p", name, unit]);
        String::from_utf8(out.stdout).unwrap().trim().to_owned()
    }

    /// `panko`, that must succeed, where this manager is found.
    #[track_caller]
    pub fn panko(&self, words: &[&str]) -> String {
        let out = self.home.command(words).env("XDG_RUNTIME_DIR", self.runtime.path()).output().unwrap();
        let said = String::from_utf8_lossy(&out.stderr).into_owned();
        assert!(out.status.success(), "panko {words:?}: {said}");
        String::from_utf8(out.stdout).unwrap() + &said
    }
}

impl Drop for Systemd<'_> {
    fn drop(&mut self) {
        for group in &self.groups {
            let members = group_members(group);
            for pid in members {
                process::signal(pid, rustix::process::Signal::KILL);
            }
        }
        let _ = self.process.kill();
        let _ = self.process.wait();
        let gone = || self.groups.iter().all(|group| group_members(group).is_empty());
        if !std::thread::panicking() {
            until(SOON, "its processes are gone", gone);
        }
        self.groups.iter().for_each(|group| remove(group));
    }
}

/// A fresh group of processes in each hierarchy there is.
fn groups() -> Option<Vec<PathBuf>> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let name = format!("panko-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    let mixed: Vec<&Path> = HIERARCHIES.map(Path::new).into_iter().filter(|root| root.exists()).collect();
    let roots = if mixed.is_empty() { vec![Path::new("/sys/fs/cgroup")] } else { mixed };
    roots.into_iter().map(|root| fs::create_dir(root.join(&name)).ok().map(|()| root.join(&name))).collect()
}

/// The processes of a group and of those below.
fn group_members(group: &Path) -> Vec<u32> {
    let own = fs::read_to_string(group.join("cgroup.procs")).unwrap_or_default();
    let below = below(group).into_iter().flat_map(|group| group_members(&group));
    own.lines().filter_map(|line| line.parse().ok()).chain(below).collect()
}

fn below(group: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(group).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).filter(|path| path.is_dir()).collect()
}

fn remove(group: &Path) {
    below(group).iter().for_each(|group| remove(group));
    let _ = fs::remove_dir(group);
}

/// With the environment of the home's commands, and the folder where the manager is found.
fn like(home: &Home, command: &mut Command, runtime: &Path) {
    let model = home.command(&[]);
    let variables = model.get_envs().filter_map(|(name, value)| Some((name, value?)));
    command.env_clear().envs(variables).env("XDG_RUNTIME_DIR", runtime).stdin(Stdio::null());
}
