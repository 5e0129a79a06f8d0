//! Where the daemon's log goes, and that a panic goes there too.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Mutex;

use rustix::fs::OFlags;
use tracing_subscriber::EnvFilter;

/// A log larger than this is put aside at the next start, in bytes; one predecessor is kept.
const LARGE: u64 = 8 << 20;

/// Logs to the file at `path` (0600, appended).
///
/// # Errors
/// If the file cannot be opened; symbolic links are not followed, and a pipe that nobody reads is not waited for.
pub fn to_file(path: &Path) -> io::Result<()> {
    let file = open(path)?;
    let log =
        tracing_subscriber::fmt().with_env_filter(filter()).with_ansi(false).with_writer(Mutex::new(file));
    // Only a second call could fail, and there is none.
    let _ = log.try_init();
    log_panics();
    Ok(())
}

/// Logs to standard error.
pub fn to_stderr() {
    let _ = tracing_subscriber::fmt().with_env_filter(filter()).with_writer(io::stderr).try_init();
    log_panics();
}

fn filter() -> EnvFilter {
    EnvFilter::try_from_env("PANKO_LOG").unwrap_or_else(|_| EnvFilter::new("info,actix_server=warn"))
}

fn open(path: &Path) -> io::Result<File> {
    if fs::symlink_metadata(path).is_ok_and(|meta| meta.is_file() && meta.len() > LARGE) {
        fs::rename(path, path.with_extension("log.1"))?;
    }
    OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed())
        .open(path)
}

fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        let what = panic.payload_as_str().unwrap_or("no message");
        let thread = std::thread::current();
        tracing::error!(place, thread = thread.name().unwrap_or("unnamed"), "panic: {what}");
    }));
}
