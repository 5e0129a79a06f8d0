//! A daemon in a home of its own, for benches.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// A daemon in the foreground, asked over its socket; it ends with this.
pub struct Daemon {
    child: Child,
    wire: BufReader<UnixStream>,
}

impl Daemon {
    /// Starts it.
    pub fn start(home: &Path) -> Self {
        Self::start_with(home, Path::new("/bin"))
    }

    /// Starts it, with the programs of this folder first.
    pub fn start_with(home: &Path, programs: &Path) -> Self {
        let child = Command::new(env!("CARGO_BIN_EXE_panko"))
            .args(["serve", "--foreground"])
            .env_clear()
            .env("HOME", home)
            .env("PATH", format!("{}:/usr/bin:/bin", programs.display()))
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let socket = home.join(".local/share/panko/daemon.sock");
        let until = Instant::now() + Duration::from_secs(20);
        let stream = loop {
            match UnixStream::connect(&socket) {
                Ok(stream) => break stream,
                Err(error) => assert!(Instant::now() < until, "no daemon: {error}"),
            }
            std::thread::park_timeout(Duration::from_millis(5));
        };
        Self { child, wire: BufReader::new(stream) }
    }

    /// `kill -9`.
    #[allow(dead_code)]
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks, and waits for the answer.
    pub fn ask(&mut self, request: &Value) -> Value {
        writeln!(self.wire.get_mut(), "{request}").unwrap();
        let mut line = String::new();
        self.wire.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            self.ask(&json!({"method": "Shutdown"}));
            let _ = self.child.wait();
        }
    }
}
