//! Where the daemon's log goes, and that a panic goes there too.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use tracing_subscriber::EnvFilter;

use crate::own_file;

/// A log that would become larger than this is put aside, in bytes; one predecessor is kept.
const LARGE: u64 = 8 << 20;

/// Logs to the file at `path` (0600, appended, and put aside when it is large).
///
/// # Errors
/// If the file cannot be opened; symbolic links are not followed, and a pipe that nobody reads is not waited for.
pub fn to_file(path: &Path) -> io::Result<()> {
    let log = Log::open(path, LARGE)?;
    let log =
        tracing_subscriber::fmt().with_env_filter(filter()).with_ansi(false).with_writer(Mutex::new(log));
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

/// A log file of bounded size. A pipe is as it is: what nobody reads of it is lost, and not waited for.
struct Log {
    path: PathBuf,
    file: File,
    /// Bytes in it; none of what is no regular file.
    size: Option<u64>,
    most: u64,
}

impl Log {
    fn open(path: &Path, most: u64) -> io::Result<Self> {
        let file = open(path)?;
        let meta = file.metadata()?;
        Ok(Self { path: path.to_owned(), file, size: meta.is_file().then_some(meta.len()), most })
    }

    /// Puts the file aside and begins another. Where that cannot be, what stands in it goes.
    fn begin_anew(&mut self) {
        let begun = fs::rename(&self.path, self.path.with_extension("log.1")).and_then(|()| open(&self.path));
        match begun {
            Ok(file) => self.file = file,
            Err(_) => drop(self.file.set_len(0)),
        }
        self.size = Some(0);
    }
}

impl Write for Log {
    /// A line at a time, for that is what it is handed.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.size.is_some_and(|size| size > 0 && size + line.len() as u64 > self.most) {
            self.begin_anew();
        }
        let written = self.file.write(line)?;
        self.size = self.size.map(|size| size + written as u64);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

fn open(path: &Path) -> io::Result<File> {
    own_file::open(path, OpenOptions::new().append(true).create(true))
}

fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        let what = panic.payload_as_str().unwrap_or("no message");
        let thread = std::thread::current();
        tracing::error!(place, thread = thread.name().unwrap_or("unnamed"), "panic: {what}");
    }));
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_log_is_bounded_private_and_ends_with_the_newest_lines() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("daemon.log");
        let mut log = Log::open(&path, 100).unwrap();
        for n in 0..1000 {
            writeln!(log, "line {n:03}").unwrap();
            let sizes =
                fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().metadata().unwrap().len());
            assert!(sizes.sum::<u64>() <= 200, "after line {n}");
        }
        let older = fs::read_to_string(folder.path().join("daemon.log.1")).unwrap();
        let lines = older + &fs::read_to_string(&path).unwrap();
        let lines: Vec<&str> = lines.lines().collect();
        let first = 1000 - lines.len();
        assert!(lines.len() > 11, "{lines:?}");
        let expected: Vec<String> = (first..1000).map(|n| format!("line {n:03}")).collect();
        assert_eq!(lines, expected, "none is missing, none is cut");
        for file in fs::read_dir(folder.path()).unwrap() {
            assert_eq!(file.unwrap().metadata().unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn a_log_that_cannot_be_put_aside_is_bounded_all_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("daemon.log");
        fs::create_dir(folder.path().join("daemon.log.1")).unwrap();
        let mut log = Log::open(&path, 100).unwrap();
        for n in 0..1000 {
            writeln!(log, "line {n:03}").unwrap();
        }
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.len() <= 100 && text.ends_with("line 999\n"), "{text}");
    }
}
