//! A real daemon in a home of its own, and commands run against it. When it goes, so does everything it
//! started; a test that leaves a process behind fails.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use jiff::Timestamp;
use panko::tunnel::files;
use panko::tunnel::sweep::{DIR_MARK, kill_marked};
use rustix::process::Signal;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::keeper::exe;
use super::process;
use super::tunnel::{Mode, StandIn};
use super::wait::{SOON, until};

/// A home with a daemon in it, running or not.
pub struct Home {
    folder: TempDir,
    pub tunnel: StandIn,
    daemon: Option<Child>,
}

impl Home {
    /// A home without a daemon, and a stand-in `cloudflared` on its PATH.
    pub fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("pk").tempdir().unwrap();
        Self { folder, tunnel: StandIn::new(Mode::Ok), daemon: None }
    }

    /// A home with a running daemon.
    pub fn started() -> Self {
        let mut home = Self::new();
        home.start();
        home
    }

    /// Writes the configuration file.
    pub fn configure(&self, text: &str) {
        let path = self.path("config/panko/config.toml");
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Starts a daemon and waits until it answers.
    #[track_caller]
    pub fn start(&mut self) {
        self.start_by(&[]);
    }

    /// The same, by way of a program that puts itself in its place (`env`, `sh -c 'exec …'`).
    #[track_caller]
    pub fn start_by(&mut self, wrapper: &[&str]) {
        let mut command = self.command(&["serve", "--foreground"]);
        if let Some((program, args)) = wrapper.split_first() {
            let mut wrapped = Command::new(program);
            wrapped.args(args).arg(exe()).args(["serve", "--foreground"]).env_clear();
            wrapped.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
            wrapped.current_dir(self.folder.path()).stdin(Stdio::null());
            command = wrapped;
        }
        let child = command.stderr(self.log()).spawn().unwrap();
        self.daemon = Some(child);
        until(SOON, "the daemon answers", || {
            let gone = self.daemon.as_mut().unwrap().try_wait().unwrap();
            assert!(gone.is_none(), "the daemon ended: {gone:?}\n{}", self.log_text());
            self.try_ask(&json!({"method": "Ping"})).is_some()
        });
    }

    /// Starts a daemon that may refuse to run: then its exit code, once it has ended.
    #[track_caller]
    pub fn try_start(&mut self) -> Result<(), Option<i32>> {
        let mut child = self.command(&["serve", "--foreground"]).stderr(self.log()).spawn().unwrap();
        let mut ended = None;
        until(SOON, "the daemon answers, or has ended", || {
            ended = child.try_wait().unwrap();
            ended.is_some() || self.try_ask(&json!({"method": "Ping"})).is_some()
        });
        match ended {
            Some(status) => Err(status.code()),
            None => {
                self.daemon = Some(child);
                Ok(())
            }
        }
    }

    /// The daemon's process.
    pub fn daemon_pid(&self) -> u32 {
        self.daemon.as_ref().unwrap().id()
    }

    /// The signal that ended the daemon by itself, if it has ended.
    pub fn ended_by(&mut self) -> Option<i32> {
        use std::os::unix::process::ExitStatusExt as _;
        self.daemon.as_mut().unwrap().try_wait().unwrap()?.signal()
    }

    /// `kill -9` of the daemon.
    pub fn kill_daemon(&mut self) {
        let mut daemon = self.daemon.take().unwrap();
        daemon.kill().unwrap();
        daemon.wait().unwrap();
    }

    /// Sends the daemon a signal and waits for its end; its exit code.
    #[track_caller]
    pub fn signal_daemon(&mut self, signal: Signal) -> Option<i32> {
        process::signal(self.daemon_pid(), signal);
        self.daemon_exit()
    }

    /// Waits for the daemon's end; its exit code.
    #[track_caller]
    pub fn daemon_exit(&mut self) -> Option<i32> {
        let mut daemon = self.daemon.take().unwrap();
        let mut status = None;
        until(SOON, "the daemon exits", || {
            status = daemon.try_wait().unwrap();
            status.is_some()
        });
        status.unwrap().code()
    }

    /// A `panko` command in this home, with nothing of the test's own environment.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(exe());
        command
            .args(args)
            .env_clear()
            .env("HOME", self.folder.path())
            .env("XDG_DATA_HOME", self.path("data"))
            .env("XDG_CONFIG_HOME", self.path("config"))
            .env("PATH", format!("{}:/usr/bin:/bin", self.tunnel.folder().display()))
            .current_dir(self.folder.path())
            .stdin(Stdio::null());
        command
    }

    /// Runs a command to its end.
    pub fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    /// Runs a command that must succeed; its standard output.
    #[track_caller]
    pub fn ok(&self, args: &[&str]) -> String {
        let output = self.run(args);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "panko {args:?} failed: {stderr}\n{}", self.log_text());
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs a command that must end with `code`; its standard output.
    #[track_caller]
    pub fn ok_code(&self, args: &[&str], code: i32) -> String {
        let output = self.run(args);
        assert_eq!(
            output.status.code(),
            Some(code),
            "panko {args:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    }

    /// A file or folder in this home.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A file or folder in the data folder.
    pub fn data(&self, name: &str) -> PathBuf {
        self.path("data/panko").join(name)
    }

    /// Connects to the control socket.
    #[track_caller]
    pub fn connect(&self) -> Wire {
        Wire::connect(&self.data("daemon.sock")).unwrap()
    }

    /// The same, unless the daemon's queue of newcomers is full.
    pub fn try_connect(&self) -> Option<Wire> {
        Wire::connect(&self.data("daemon.sock")).ok()
    }

    /// One request on a connection of its own.
    #[track_caller]
    pub fn ask(&self, request: &Value) -> Value {
        self.connect().ask(request)
    }

    fn try_ask(&self, request: &Value) -> Option<Value> {
        Wire::connect(&self.data("daemon.sock")).ok()?.try_ask(request)
    }

    /// StartShare; the whole reply.
    #[track_caller]
    pub fn try_share(&self, session: &Path, provider: &str) -> Value {
        self.ask(&json!({"method": "StartShare", "params": {"session_path": session, "provider": provider}}))
    }

    /// StartShare that must succeed; what it says of the share.
    #[track_caller]
    pub fn share(&self, session: &Path, provider: &str) -> Value {
        let reply = self.try_share(session, provider);
        assert_eq!(reply["status"], "ShareStarted", "{reply}\n{}", self.log_text());
        reply["data"].clone()
    }

    /// The shares that are listed.
    #[track_caller]
    pub fn shares(&self) -> Vec<Value> {
        let reply = self.ask(&json!({"method": "ListShares"}));
        assert_eq!(reply["status"], "ShareList", "{reply}");
        reply["data"].as_array().unwrap().clone()
    }

    /// What happened to a share, oldest first, as the database knows it.
    #[track_caller]
    pub fn history(&self, id: &Value) -> Vec<Value> {
        let reply = self.ask(&json!({"method": "History", "params": {"share_id": id}}));
        assert_eq!(reply["status"], "History", "{reply}");
        reply["data"].as_array().unwrap().clone()
    }

    /// Waits until the share's history has an event after `since` that `is` knows; how long after `since` the daemon
    /// dated it. So a test that is held up measures no longer than it took.
    #[track_caller]
    pub fn dated(&self, id: &Value, since: Timestamp, what: &str, is: impl Fn(&Value) -> bool) -> Duration {
        let at = |event: &Value| event["at"].as_str().unwrap().parse::<Timestamp>().unwrap();
        let mut found = None;
        until(SOON, what, || {
            found = self.history(id).into_iter().find(|event| at(event) >= since && is(event));
            found.is_some()
        });
        Duration::try_from(at(&found.unwrap()).duration_since(since)).unwrap()
    }

    /// Waits until a share, chosen by id, is as `condition` says.
    #[track_caller]
    pub fn until_share(&self, id: &Value, what: &str, condition: impl Fn(&Value) -> bool) {
        until(SOON, what, || {
            let reply = self.try_ask(&json!({"method": "GetShare", "params": {"share_id": id}}));
            reply.is_some_and(|reply| condition(&reply["data"]))
        });
    }

    /// The processes of living keepers.
    pub fn keepers(&self) -> Vec<u32> {
        let known = files::known(&self.data("keepers")).unwrap_or_default();
        known.iter().filter(|keeper| keeper.is_held().unwrap_or(false)).filter_map(|k| k.holder()).collect()
    }

    /// The living tunnel processes.
    pub fn tunnels(&self) -> Vec<u32> {
        process::marked(DIR_MARK, &self.data("keepers").display().to_string())
    }

    /// Waits until neither keepers nor tunnels are left.
    #[track_caller]
    pub fn assert_nothing_runs(&self) {
        until(SOON, "no keeper is left", || self.keepers().is_empty());
        until(SOON, "no tunnel is left", || self.tunnels().is_empty());
    }

    /// What the daemon logged.
    pub fn log_text(&self) -> String {
        let own = fs::read_to_string(self.path("daemon.stderr")).unwrap_or_default();
        own + &fs::read_to_string(self.data("daemon.log")).unwrap_or_default()
    }

    fn log(&self) -> fs::File {
        fs::OpenOptions::new().append(true).create(true).open(self.path("daemon.stderr")).unwrap()
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        if let Some(mut daemon) = self.daemon.take() {
            let _ = daemon.kill();
            let _ = daemon.wait();
        }
        // One that a command has started: it was given this home by its environment.
        for daemon in process::marked("XDG_DATA_HOME", &self.path("data").display().to_string()) {
            process::signal(daemon, Signal::KILL);
        }
        for keeper in self.keepers() {
            process::signal(keeper, Signal::KILL);
        }
        for tunnel in self.tunnels() {
            process::signal(tunnel, Signal::KILL);
        }
        for keeper in files::known(&self.data("keepers")).unwrap_or_default() {
            kill_marked(keeper.id());
        }
    }
}

/// A connection to the control socket.
pub struct Wire {
    pub reader: BufReader<UnixStream>,
}

impl Wire {
    fn connect(path: &Path) -> std::io::Result<Self> {
        let stream = UnixStream::connect(path)?;
        stream.set_read_timeout(Some(Duration::from_secs(60)))?;
        Ok(Self { reader: BufReader::new(stream) })
    }

    /// Sends a request without waiting for the reply.
    pub fn send(&mut self, request: &Value) {
        self.send_raw(format!("{request}\n").as_bytes());
    }

    /// Sends bytes as they are.
    pub fn send_raw(&mut self, bytes: &[u8]) {
        self.reader.get_mut().write_all(bytes).unwrap();
    }

    /// The next reply; `None` at the end of the connection.
    pub fn next(&mut self) -> Option<Value> {
        let mut line = String::new();
        match self.reader.read_line(&mut line) {
            Ok(0) | Err(_) => None,
            Ok(_) => Some(serde_json::from_str(&line).unwrap()),
        }
    }

    /// A request and its reply.
    #[track_caller]
    pub fn ask(&mut self, request: &Value) -> Value {
        self.try_ask(request).unwrap_or_else(|| panic!("no answer to {request}"))
    }

    fn try_ask(&mut self, request: &Value) -> Option<Value> {
        self.reader.get_mut().write_all(format!("{request}\n").as_bytes()).ok()?;
        self.next()
    }
}
