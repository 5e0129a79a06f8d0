//! What differs between operating systems, and the few calls the standard library lacks.
//!
//! Elsewhere than on Linux there is no parent-death signal, no subreaper and no process descriptor: the folder's mode
//! (0700) stands for the peer check, and a group kill for the sweep.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Signal, WaitOptions};

/// The other end of a Unix socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Peer {
    /// Its user.
    pub uid: u32,
    /// Its process, for a listening end the one that listened.
    pub pid: u32,
}

/// Who is at the other end; `None` where the system does not say.
#[cfg(target_os = "linux")]
pub(crate) fn peer(stream: &UnixStream) -> Option<Peer> {
    let credentials = rustix::net::sockopt::socket_peercred(stream).ok()?;
    Some(Peer { uid: credentials.uid.as_raw(), pid: u32::try_from(credentials.pid.as_raw_pid()).ok()? })
}

/// Who is at the other end; `None` where the system does not say.
#[cfg(not(target_os = "linux"))]
pub(crate) fn peer(_stream: &UnixStream) -> Option<Peer> {
    None
}

/// May this peer talk to us? Only the own user; where the system does not say, the folder's mode decided.
pub(crate) fn peer_is_own(stream: &UnixStream) -> bool {
    match peer(stream) {
        Some(peer) => peer.uid == own_uid(),
        None => !cfg!(target_os = "linux"),
    }
}

/// The effective user.
pub(crate) fn own_uid() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// A process number as the kernel takes it; 0 and impossible ones are none.
pub(crate) fn pid(raw: u32) -> Option<Pid> {
    i32::try_from(raw).ok().and_then(Pid::from_raw)
}

/// Kills a process group that is known to be ours (its leader not reaped yet).
pub(crate) fn kill_group(leader: u32) {
    signal_group(leader, Signal::KILL);
}

/// Sends a signal to a process group that is known to be ours (its leader not reaped yet). One that is already
/// gone is no error.
pub(crate) fn signal_group(leader: u32, signal: Signal) {
    if let Some(leader) = pid(leader) {
        let _ = rustix::process::kill_process_group(leader, signal);
    }
}

/// Orphaned descendants become this process's children, so that it can reap and find them.
pub(crate) fn become_subreaper() {
    #[cfg(target_os = "linux")]
    {
        // Refused only by kernels without it (before 3.4); the sweep by marker remains.
        let _ = rustix::process::set_child_subreaper(Some(rustix::process::getpid()));
    }
}

/// For a child between fork and exec: die with the parent. Only system calls, no allocation.
pub(crate) fn die_with_parent(parent: Pid) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    {
        rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
        // The parent may have died before the signal was asked for.
        if rustix::process::getppid() != Some(parent) {
            return Err(io::Error::from(rustix::io::Errno::SRCH));
        }
    }
    #[cfg(not(target_os = "linux"))]
    let _ = parent;
    Ok(())
}

/// A process that cannot be confused with a later one of the same number (where the system allows that).
#[derive(Debug)]
pub(crate) struct Pinned {
    pid: Pid,
    #[cfg(target_os = "linux")]
    fd: Option<OwnedFd>,
}

impl Pinned {
    /// Pins a process; `None` when there is no such process.
    ///
    /// What was known of the number must be checked *after* this.
    pub(crate) fn new(raw: u32) -> Option<Self> {
        let pid = pid(raw)?;
        #[cfg(target_os = "linux")]
        {
            use rustix::process::{PidfdFlags, pidfd_open};
            match pidfd_open(pid, PidfdFlags::empty()) {
                Ok(fd) => Some(Self { pid, fd: Some(fd) }),
                Err(rustix::io::Errno::SRCH) => None,
                // Kernels before 5.3, or a filter.
                Err(_) => Some(Self { pid, fd: None }),
            }
        }
        #[cfg(not(target_os = "linux"))]
        Some(Self { pid })
    }

    /// Sends KILL. One that is already gone is no error.
    pub(crate) fn kill(&self) {
        #[cfg(target_os = "linux")]
        if let Some(fd) = &self.fd {
            let _ = rustix::process::pidfd_send_signal(fd, Signal::KILL);
            return;
        }
        let _ = rustix::process::kill_process(self.pid, Signal::KILL);
    }
}

/// Waits until `fd` can be read (or has ended), at most until `deadline`. True: it can.
pub(crate) fn readable(fd: BorrowedFd<'_>, deadline: Instant) -> io::Result<bool> {
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let mut fds = [PollFd::from_borrowed_fd(fd, PollFlags::IN)];
        match poll(&mut fds, Some(&timespec(left))) {
            Ok(ready) => return Ok(ready > 0),
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Lets `time` pass in a thread that may block, between two looks at something that cannot be waited for.
pub(crate) fn pause(time: Duration) {
    let _ = poll(&mut [], Some(&timespec(time)));
}

fn timespec(time: Duration) -> Timespec {
    Timespec::try_from(time).unwrap_or(Timespec { tv_sec: 3600, tv_nsec: 0 })
}

/// Points standard input, output or error (`0`, `1`, `2`) at `/dev/null`.
pub(crate) fn silence(stdio: &[u8]) -> io::Result<()> {
    let null = File::options().read(true).write(true).open("/dev/null")?;
    for number in stdio {
        match number {
            0 => rustix::stdio::dup2_stdin(null.as_fd())?,
            1 => rustix::stdio::dup2_stdout(null.as_fd())?,
            _ => rustix::stdio::dup2_stderr(null.as_fd())?,
        }
    }
    Ok(())
}

/// How a child ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ended {
    /// Which.
    pub pid: u32,
    /// Exit code, when it exited.
    pub code: Option<i32>,
    /// Signal number, when one ended it.
    pub signal: Option<i32>,
}

/// Reaps one child that has ended, if there is one. `Err` with `ECHILD`: there are no children at all.
pub(crate) fn reap_one() -> rustix::io::Result<Option<Ended>> {
    let ended = rustix::process::wait(WaitOptions::NOHANG)?;
    Ok(ended.map(|(pid, status)| Ended {
        pid: u32::try_from(pid.as_raw_pid()).unwrap_or_default(),
        code: status.exit_status(),
        signal: status.terminating_signal(),
    }))
}

/// Closes every descriptor above standard error, whatever this process was started with.
///
/// A shell or service may leave descriptors open across `exec` (`exec 7>file`, the write end of a pipe to `tee`): a
/// keeper that outlives its starter would hold them for its whole life, and so would the tunnel.
///
/// To be called first thing in `main`, before anything was opened.
#[allow(unsafe_code)]
pub(crate) fn close_inherited() {
    use std::os::fd::FromRawFd as _;
    let folder = if cfg!(target_os = "linux") { "/proc/self/fd" } else { "/dev/fd" };
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    let numbers: Vec<i32> = entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter(|fd| *fd > 2)
        .collect();
    for number in numbers {
        // SAFETY: no thread was started and nothing was opened yet, so this descriptor has no other owner that could close
        // it meanwhile. The one that listed the folder is closed already: asked for its flags it answers with an error.
        let open = rustix::io::fcntl_getfd(unsafe { BorrowedFd::borrow_raw(number) }).is_ok();
        if open {
            // SAFETY: as above, and it is open: from here on we are its owner.
            drop(unsafe { OwnedFd::from_raw_fd(number) });
        }
    }
}
