//! A real keeper under test, and the daemon's end of its connection.

use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use panko::tunnel::attach::{Attached, attach};
use panko::tunnel::environment::own_environment;
use panko::tunnel::files::KeeperFiles;
use panko::tunnel::keeper::protocol::{Command, Event, Hello, KeeperSpec, Reply, Request, frame};
use panko::tunnel::provider::{Context, Provider, tunnel_spec};
use panko::tunnel::spawn::{SpawnedKeeper, spawn};
use panko::tunnel::spec::TunnelSpec;
use panko::tunnel::sweep::{MARK, kill_marked};
use rustix::process::Signal;
use tempfile::TempDir;

use super::tunnel::StandIn;
use super::wait::{SOON, until};
use super::{process, wait};

/// The `panko` under test.
pub fn exe() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_panko"))
}

/// A quick tunnel's spec whose program is the stand-in. It stops, and is overdue, sooner than a real one.
pub fn cloudflare(stand_in: &StandIn) -> TunnelSpec {
    let custom = std::collections::BTreeMap::new();
    let provider = Provider::find("cloudflare", &custom).unwrap();
    let (program, environment) = (stand_in.program(), own_environment());
    let context = Context { program: &program, help: None, environment: &environment };
    let mut spec = tunnel_spec(&provider, context).unwrap().unwrap();
    spec.stop.timeout_ms = 300;
    spec
}

/// A share's keeper. When it goes, so does everything it started.
pub struct Keeper {
    pub dir: TempDir,
    pub spec: KeeperSpec,
    spawned: Option<SpawnedKeeper>,
}

impl Keeper {
    /// A spec in a folder of its own; nothing is started. Without a daemon it would go on for ten minutes.
    pub fn prepare(tunnel: Option<TunnelSpec>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut spec = KeeperSpec::new(&uuid::Uuid::new_v4().to_string(), dir.path().join("k"));
        spec.orphan_grace_ms = 600_000;
        spec.tunnel = tunnel;
        Self { dir, spec, spawned: None }
    }

    /// A running keeper.
    pub fn start(tunnel: Option<TunnelSpec>) -> Self {
        Self::prepare(tunnel).started()
    }

    /// Starts it.
    pub fn started(mut self) -> Self {
        self.adopt(spawn(&self.spec, exe()).unwrap());
        self
    }

    /// A keeper of this share that was started elsewhere.
    pub fn adopt(&mut self, spawned: SpawnedKeeper) {
        if let Some(mut former) = self.spawned.replace(spawned) {
            let _ = former.child.kill();
            former.child.wait().unwrap();
        }
    }

    pub fn pid(&self) -> u32 {
        self.spawned.as_ref().unwrap().child.id()
    }

    pub fn port(&self) -> u16 {
        self.spawned.as_ref().unwrap().port
    }

    pub fn files(&self) -> KeeperFiles {
        KeeperFiles::new(&self.spec.dir, &self.spec.share_id).unwrap()
    }

    pub fn folder(&self) -> PathBuf {
        self.spec.dir.clone()
    }

    /// A new connection.
    pub fn attach(&self) -> Daemon {
        Daemon::new(attach(&self.spec.dir, &self.spec.share_id, SOON).unwrap())
    }

    /// Waits for the keeper's end; its exit code.
    pub fn exit_code(&mut self) -> Option<i32> {
        let child = &mut self.spawned.as_mut().unwrap().child;
        let mut status = None;
        until(SOON, "the keeper exits", || {
            status = child.try_wait().unwrap();
            status.is_some()
        });
        status.unwrap().code()
    }

    /// The tunnel processes that live.
    pub fn tunnel_processes(&self) -> Vec<u32> {
        process::marked(MARK, &self.spec.share_id)
    }

    /// Waits until neither processes nor files are left.
    #[track_caller]
    pub fn assert_nothing_left(&self) {
        until(SOON, "no process of the tunnel is left", || self.tunnel_processes().is_empty());
        let left: Vec<_> =
            std::fs::read_dir(self.folder()).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert!(left.is_empty(), "files are left: {left:?}");
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        if let Some(spawned) = &mut self.spawned {
            // In order first, so that it takes what no mark names with it.
            process::signal(spawned.child.id(), Signal::TERM);
            process::signal(spawned.child.id(), Signal::CONT);
            let began = Instant::now();
            while began.elapsed() < wait::SOON && matches!(spawned.child.try_wait(), Ok(None)) {
                wait::pause();
            }
            let _ = spawned.child.kill();
            let _ = spawned.child.wait();
        }
        kill_marked(&self.spec.share_id);
    }
}

/// The daemon's end of a connection.
pub struct Daemon {
    pub hello: Hello,
    pub attached: Attached,
    pending: Vec<u8>,
    next_id: u64,
}

impl Daemon {
    /// From an attach.
    pub fn new(attached: Attached) -> Self {
        Self { hello: attached.hello.clone(), pending: attached.leftover.clone(), attached, next_id: 1 }
    }

    /// The next frame; `None` when the connection has ended.
    #[track_caller]
    pub fn next(&mut self) -> Option<Event> {
        let began = Instant::now();
        loop {
            if let Some(end) = self.pending.iter().position(|b| *b == b'\n') {
                let line: Vec<u8> = self.pending.drain(..=end).collect();
                return Some(serde_json::from_slice(&line).unwrap());
            }
            assert!(began.elapsed() < SOON, "no frame came");
            let mut chunk = [0; 4096];
            self.attached.stream.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
            match (&self.attached.stream).read(&mut chunk) {
                Ok(0) => return None,
                Ok(length) => self.pending.extend_from_slice(&chunk[..length]),
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => return None,
                Err(error) => panic!("{error}"),
            }
        }
    }

    /// Skips frames until `pick` takes one.
    #[track_caller]
    pub fn find<T>(&mut self, what: &str, mut pick: impl FnMut(&Event) -> Option<T>) -> T {
        let mut seen = Vec::new();
        while let Some(event) = self.next() {
            if let Some(found) = pick(&event) {
                return found;
            }
            seen.push(event);
        }
        panic!("the connection ended before {what}; seen: {seen:#?}");
    }

    /// Waits for a URL.
    #[track_caller]
    pub fn url(&mut self) -> String {
        self.find("a URL", |event| match event {
            Event::Url { url } => Some(url.clone()),
            _ => None,
        })
    }

    /// Waits for "connected".
    #[track_caller]
    pub fn ready(&mut self) {
        self.find("ready", |event| matches!(event, Event::Ready).then_some(()));
    }

    /// Waits for the client's end.
    #[track_caller]
    pub fn exit(&mut self) -> panko::tunnel::keeper::protocol::Exit {
        self.find("the tunnel's exit", |event| match event {
            Event::TunnelExited(exit) => Some(exit.clone()),
            _ => None,
        })
    }

    /// Sends bytes as they are.
    pub fn send_raw(&self, bytes: &[u8]) {
        (&self.attached.stream).write_all(bytes).unwrap();
    }

    /// Sends a command; its number.
    pub fn send(&mut self, command: Command) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        self.send_raw(&frame(&Request { id, command }).unwrap());
        id
    }

    /// Sends a command and waits for its answer.
    #[track_caller]
    pub fn ask(&mut self, command: Command) -> Reply {
        let id = self.send(command);
        self.find("the reply", |event| match event {
            Event::Reply(reply) if reply.id == id => Some(reply.clone()),
            _ => None,
        })
    }

    /// Asks for the end of everything and waits until it is there.
    #[track_caller]
    pub fn stop(&mut self) {
        self.send(Command::Stop);
        self.find("stopped", |event| matches!(event, Event::Stopped).then_some(()));
        assert_eq!(self.next(), None, "nothing comes after the farewell");
    }
}
