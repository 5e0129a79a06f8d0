//! Asks a program for its help text, to learn which optional flags it knows.
//!
//! Blocking for up to [`DEADLINE`]: for a thread that may block.

use std::io::Read as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use super::os;
use super::spec::Environment;
use super::sweep::MARK;

/// How long a program may take to print its help.
pub const DEADLINE: Duration = Duration::from_secs(2);
/// Bytes of help that are read.
const HELP_CAP: u64 = 256 * 1024;

/// What `program args…` prints, both streams; `None` when it does not end in time, fails to start or is not text.
///
/// It runs in a process group of its own that is killed afterwards, marked as `share_id`'s, so that a sweep finds what
/// a daemon killed meanwhile left behind.
pub fn help_text(program: &Path, args: &[&str], env: &Environment, share_id: &str) -> Option<String> {
    let (mut output, input) = std::io::pipe().ok()?;
    let mut command = Command::new(program);
    command
        .args(args)
        .env_clear()
        .envs(&env.0)
        .env(MARK, share_id)
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(input.try_clone().ok()?)
        .stderr(input)
        .process_group(0);
    let mut child = command.spawn().ok()?;
    // The command holds the pipe's other end: with it open, the reader below would never see the end.
    drop(command);
    let (done, text) = mpsc::sync_channel(1);
    let reader = thread::Builder::new().name("help".into()).spawn(move || {
        let mut text = Vec::new();
        let read = output.by_ref().take(HELP_CAP).read_to_end(&mut text);
        // Nobody waits any more when the deadline has passed.
        let _ = done.send(read.map(|_| text));
    });
    let text = reader.ok().and_then(|_| text.recv_timeout(DEADLINE).ok()).and_then(Result::ok);
    // Its process is not reaped yet, so the group is still its own.
    os::kill_group(child.id());
    let _ = child.wait();
    String::from_utf8(text?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sh(script: &str) -> Option<String> {
        help_text(Path::new("/bin/sh"), &["-c", script], &Environment::default(), "help-test")
    }

    #[test]
    fn both_streams_are_read_and_nothing_is_inherited() {
        let text = sh("echo one; echo two >&2; env").unwrap();
        assert!(text.contains("one\n") && text.contains("two\n"), "{text}");
        assert!(!text.contains("CARGO"), "{text}");
    }

    #[test]
    fn a_program_that_does_not_exist_or_floods_gives_no_trouble() {
        assert_eq!(help_text(Path::new("/nonexistent"), &[], &Environment::default(), "help-test"), None);
        let flood = sh("while :; do echo yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy; done");
        assert!(flood.is_some_and(|text| text.len() as u64 == HELP_CAP));
    }
}
