//! Starts a tunnel client, and learns of children that ended.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, SyncSender};
use std::thread;

use rustix::process::{WaitId, WaitIdOptions};

use super::output::{Reading, SharedLog, locked};
use super::run::{Message, STACK};
use super::state::{Run, StartFailure};
use crate::tunnel::extract::{Extractor, TunnelEvent};
use crate::tunnel::files::KeeperFiles;
use crate::tunnel::os;
use crate::tunnel::spec::{CONFIG, PORT, Stream, TunnelSpec};
use crate::tunnel::sweep::{DIR_MARK, MARK};

/// Everything a start needs beside the spec.
pub(super) struct Surroundings<'a> {
    pub(super) files: &'a KeeperFiles,
    pub(super) port: u16,
    pub(super) log: &'a SharedLog,
    pub(super) inbox: &'a SyncSender<Message>,
}

/// Starts a client and the readers of its output: its process, and what is known without a line of output.
///
/// To be called by the main thread alone: the parent-death signal fires when the *thread* that started the client ends.
pub(super) fn start(
    run: Run,
    spec: &TunnelSpec,
    around: &Surroundings<'_>,
) -> Result<(u32, Vec<TunnelEvent>), StartFailure> {
    let mut extractor = Extractor::new(&spec.watch, around.port).map_err(|error| StartFailure {
        message: error.to_string(),
        remedy: "correct the tunnel's table in the configuration file".to_owned(),
        transient: false,
    })?;
    if let Some(contents) = &spec.config_file {
        write_private(&around.files.config(), contents).map_err(|error| StartFailure {
            message: format!("cannot write {}: {error}", around.files.config().display()),
            remedy: "check the folder's free space and mode".to_owned(),
            transient: true,
        })?;
    }
    let known = extractor.started();
    locked(around.log).begin_run();
    let mut child = spawn(command(spec, around)).map_err(|error| start_failure(spec, &error))?;
    let reading = Reading::new(run, extractor, around.log.clone(), around.inbox.clone());
    if let Err(error) = read_output(&reading, &mut child) {
        // Without readers it would stand still at a full pipe: it goes, and is reaped like any child.
        os::kill_group(child.id());
        return Err(start_failure(spec, &error));
    }
    // Dropping the handle neither kills nor waits: the reaper does that.
    Ok((child.id(), known))
}

fn command(spec: &TunnelSpec, around: &Surroundings<'_>) -> Command {
    let port = around.port.to_string();
    let config = around.files.config();
    let config = config.to_string_lossy();
    let fill = |text: &str| match &spec.config_file {
        Some(_) => text.replace(PORT, &port).replace(CONFIG, &config),
        None => text.replace(PORT, &port),
    };
    let mut command = Command::new(&spec.program);
    command
        .args(spec.args.iter().map(|arg| fill(arg)))
        .env_clear()
        .envs(spec.env.0.iter().map(|(name, value)| (name, value.replace(PORT, &port))))
        .env(MARK, around.files.id())
        .env(DIR_MARK, around.files.dir())
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0);
    command
}

#[allow(unsafe_code)]
fn spawn(mut command: Command) -> io::Result<Child> {
    let keeper = rustix::process::getpid();
    // SAFETY: between fork and exec in a process with threads only async-signal-safe calls are allowed. The hook makes two
    // system calls (prctl, getppid), takes no lock and allocates nothing, on its error path neither.
    unsafe {
        command.pre_exec(move || os::die_with_parent(keeper));
    }
    command.spawn()
}

fn read_output(reading: &std::sync::Arc<Reading>, child: &mut Child) -> io::Result<()> {
    if let Some(stdout) = child.stdout.take() {
        reading.read(Stream::Stdout, stdout)?;
    }
    if let Some(stderr) = child.stderr.take() {
        reading.read(Stream::Stderr, stderr)?;
    }
    Ok(())
}

fn write_private(path: &Path, contents: &str) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?.write_all(contents.as_bytes())
}

fn start_failure(spec: &TunnelSpec, error: &io::Error) -> StartFailure {
    use io::ErrorKind;
    let (remedy, transient) = match error.kind() {
        ErrorKind::NotFound => {
            ("the program, or the interpreter its first line names, is missing: install it", false)
        }
        ErrorKind::PermissionDenied => {
            ("make it executable, and check that its folder allows execution", false)
        }
        ErrorKind::InvalidInput | ErrorKind::ArgumentListTooLong => {
            ("check its arguments and environment", false)
        }
        // ENOEXEC: not a program of this machine.
        _ if error.raw_os_error() == Some(rustix::io::Errno::NOEXEC.raw_os_error()) => {
            ("the file is not a program of this machine: install the right one", false)
        }
        _ => (
            "the system is short of processes, memory or descriptors: close something, or raise the limit",
            true,
        ),
    };
    StartFailure {
        message: format!("cannot start {}: {error}", spec.program.display()),
        remedy: remedy.to_owned(),
        transient,
    }
}

/// Starts the thread that tells the event loop when a child has ended, adopted ones included.
///
/// It only looks (`NOWAIT`): the event loop reaps, so that a process number stays reserved until its group was killed,
/// and so that nobody takes a child from under the standard library's feet (it waits for one whose exec failed). After each
/// message it waits for a word on `go_on`, which also wakes it when there were no children at all.
pub(super) fn watch_children(go_on: Receiver<()>, inbox: SyncSender<Message>) -> io::Result<()> {
    thread::Builder::new().name("reaper".into()).stack_size(STACK).spawn(move || {
        loop {
            match rustix::process::waitid(WaitId::All, WaitIdOptions::EXITED | WaitIdOptions::NOWAIT) {
                Ok(_) if inbox.send(Message::ChildEnded).is_err() => return,
                Ok(_) => {}
                Err(rustix::io::Errno::INTR) => continue,
                // No children: until there is one again.
                Err(_) => {}
            }
            if go_on.recv().is_err() {
                return;
            }
        }
    })?;
    Ok(())
}

/// Has this child ended (and is not reaped yet)?
pub(super) fn has_ended(pid: u32) -> bool {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
    os::pid(pid).is_some_and(|pid| matches!(rustix::process::waitid(WaitId::Pid(pid), options), Ok(Some(_))))
}
