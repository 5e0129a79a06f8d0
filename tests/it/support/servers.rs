//! The far ends of real tunnels, on addresses of this machine: an OpenSSH server of its own, and a `bore` server.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU8, Ordering};

use rustix::process::Signal;
use tempfile::TempDir;

use super::inject::skipped;
use super::process;
use super::wait::{SOON, until};

/// Where `cargo install --root` puts what tests need.
const TOOLS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/target/tools/bin");

/// A server process, ended when it is dropped.
pub struct Server {
    command: Command,
    /// Where it accepts.
    address: (String, u16),
    process: Option<Child>,
}

impl Server {
    fn new(command: Command, address: (String, u16)) -> Self {
        let mut server = Self { command, address, process: None };
        server.start();
        server
    }

    /// Starts it, at the address it had before, and waits until it accepts.
    #[track_caller]
    pub fn start(&mut self) {
        let streams = self.command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        self.process = Some(streams.spawn().unwrap());
        let (host, port) = &self.address;
        until(SOON, "the server accepts", || TcpStream::connect((host.as_str(), *port)).is_ok());
    }

    /// `kill -9` of it and of all it has started.
    pub fn kill(&mut self) {
        if let Some(mut server) = self.process.take() {
            for one in process::with_descendants(vec![server.id()]) {
                process::signal(one, Signal::KILL);
            }
            server.wait().unwrap();
        }
    }

    /// Sends it, and all it has started, a signal.
    pub fn signal(&self, signal: Signal) {
        for one in process::with_descendants(self.process.iter().map(Child::id).collect()) {
            process::signal(one, signal);
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A port that was free a moment ago.
pub fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}

/// An OpenSSH server with keys of its own, that lets the holder of [`Sshd::key`] in and forwards ports.
pub struct Sshd {
    folder: TempDir,
    pub server: Server,
    pub port: u16,
}

impl Sshd {
    /// A running one; `None`, said, where there is no OpenSSH.
    pub fn start() -> Option<Self> {
        let program = Path::new("/usr/sbin/sshd");
        if !program.exists() || !Path::new("/usr/bin/ssh").exists() {
            skipped("OpenSSH is missing (Debian: openssh-server openssh-client)");
            return None;
        }
        // Where it separates privileges, if it runs as root.
        if rustix::process::geteuid().is_root() {
            fs::create_dir_all("/run/sshd").unwrap();
        }
        let folder = tempfile::Builder::new().prefix("pk").tempdir().unwrap();
        for name in ["host", "key"] {
            let path = folder.path().join(name);
            let made =
                Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(path).status();
            assert!(made.unwrap().success());
        }
        let port = free_port();
        let config = format!(
            "Port {port}\nListenAddress 127.0.0.1\nHostKey {0}/host\nAuthorizedKeysFile {0}/key.pub\nPidFile none\n\
             StrictModes no\nUsePAM no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n\
             AllowTcpForwarding yes\n",
            folder.path().display()
        );
        let path = folder.path().join("config");
        fs::write(&path, config).unwrap();
        let mut command = Command::new(program);
        command.args(["-D", "-e", "-f"]).arg(path);
        let server = Server::new(command, ("127.0.0.1".to_owned(), port));
        Some(Self { folder, server, port })
    }

    /// The private key of who may come in.
    pub fn key(&self) -> PathBuf {
        self.folder.path().join("key")
    }
}

/// A `bore` server on an address of its own: the port it listens on is always 7835.
pub struct Bore {
    pub server: Server,
    /// A part of 127.0.0.0/8.
    pub host: String,
}

impl Bore {
    /// The port of its control connections.
    pub const PORT: u16 = 7835;

    /// A running one; `None`, said, where there is no bore.
    pub fn start() -> Option<Self> {
        static NEXT: AtomicU8 = AtomicU8::new(2);
        let Some(program) = Self::program() else {
            skipped(
                "bore is missing (`cargo install bore-cli --version 0.6.0 --locked --root target/tools`)",
            );
            return None;
        };
        let third = std::process::id() % 250;
        let host = format!("127.77.{third}.{}", NEXT.fetch_add(1, Ordering::Relaxed));
        let mut command = Command::new(program);
        command.args(["server", "--min-port", "20000", "--bind-addr", &host, "--bind-tunnels", &host]);
        Some(Self { server: Server::new(command, (host.clone(), Self::PORT)), host })
    }

    /// The client and server in one.
    pub fn program() -> Option<PathBuf> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let folders = std::env::split_paths(&path).chain([PathBuf::from(TOOLS)]);
        folders.map(|folder| folder.join("bore")).find(|program| program.is_file())
    }
}
