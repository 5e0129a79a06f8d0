//! Ending a keeper and everything of its share, however hard that takes. Blocking.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use super::attach::{AttachError, Attached, HELLO_DEADLINE, attach};
use super::files::KeeperFiles;
use super::keeper::protocol::{Command, Event, Request, frame};
use super::spawn::kill_hung;
use super::{os, sweep};

/// Between two looks whether it has ended.
const LOOK: Duration = Duration::from_millis(5);

/// Ends the keeper of `share_id` with its tunnel: asked first, killed after `patience`, its processes swept.
/// The last `log_bytes` of the tunnel's log; none if the keeper could not be asked for it.
pub fn end_keeper(dir: &Path, share_id: &str, log_bytes: usize, patience: Duration) -> Vec<String> {
    let Some(files) = KeeperFiles::new(dir, share_id) else { return Vec::new() };
    let until = Instant::now() + patience;
    let log = match attach(dir, share_id, HELLO_DEADLINE) {
        Ok(attached) => ask_to_end(attached, log_bytes, until),
        Err(AttachError::Gone) => Vec::new(),
        Err(error) => {
            tracing::warn!(share = share_id, %error, "a keeper cannot be asked to end");
            Vec::new()
        }
    };
    while files.is_held().unwrap_or(false) && Instant::now() < until {
        os::pause(LOOK);
    }
    if files.is_held().unwrap_or(true)
        && let Err(error) = kill_hung(&files, files.holder())
    {
        tracing::error!(share = share_id, %error, "a keeper could not be killed");
    }
    sweep::kill_marked(share_id);
    // What is left is met by the next keeper of the share, which says so.
    let _ = files.clear_dead();
    log
}

/// Asks for the log and the end; returns when the keeper has closed the connection, or the time is over.
fn ask_to_end(attached: Attached, log_bytes: usize, until: Instant) -> Vec<String> {
    let Attached { stream, leftover, listener, .. } = attached;
    drop(listener);
    let mut log = Vec::new();
    if let Err(error) = write(&stream, log_bytes) {
        tracing::warn!(%error, "a keeper went away while it was told to end");
        return log;
    }
    let mut reader = BufReader::new(std::io::Read::chain(&leftover[..], &stream));
    let mut line = String::new();
    loop {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() || stream.set_read_timeout(Some(left)).is_err() {
            return log;
        }
        line.clear();
        match reader.read_line(&mut line) {
            Ok(0) | Err(_) => return log,
            Ok(_) => {}
        }
        if let Ok(Event::Reply(reply)) = serde_json::from_str(&line)
            && let Some(lines) = reply.log
        {
            log = lines;
        }
    }
}

fn write(mut stream: &UnixStream, log_bytes: usize) -> std::io::Result<()> {
    for (id, command) in [(1, Command::Logs { max_bytes: Some(log_bytes) }), (2, Command::Stop)] {
        stream.write_all(&frame(&Request { id, command })?)?;
    }
    Ok(())
}
