//! How soon every share is back: after kill -9 of the daemon, and after a panic of its Supervisor.
//!
//! `cargo bench --bench recovery` measures the first; `cargo bench --profile fault --bench recovery` both: that build
//! can be asked for a panic, and is optimised like a release.
//!
//! Ends with exit code 1 if a promise is broken: all pages of 50 shares answer within 1 s of the start of the next
//! daemon, and within 1 s of the panic, in each round, with the URLs and the tunnels they had.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

#[path = "support/daemon.rs"]
#[allow(dead_code)]
mod daemon;
#[path = "../tests/it/support/sessions.rs"]
#[allow(dead_code)]
mod sessions;
#[path = "../tests/it/support/tunnel.rs"]
#[allow(dead_code)]
mod tunnel;

use daemon::Daemon;
use tunnel::{Mode, StandIn};

const SHARES: usize = 50;
const ROUNDS: usize = 5;
const PROMISE: Duration = Duration::from_secs(1);
/// When it is hopeless.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a viewer of a share asks for.
struct Page {
    port: u16,
    path: String,
}

impl Page {
    fn of(share: &Value) -> Self {
        let (_, path) = share["public_url"].as_str().unwrap().split_once("/s/").unwrap();
        Self { port: share["local_port"].as_u64().unwrap() as u16, path: format!("/s/{path}") }
    }

    /// Asks until it is there: whoever comes while no server is up waits in the keeper's socket, and who comes as
    /// one goes is cut off.
    fn wait(&self) {
        let until = Instant::now() + PATIENCE;
        while !self.answers() {
            assert!(Instant::now() < until, "the page of port {} never answered", self.port);
            std::thread::park_timeout(Duration::from_millis(2));
        }
    }

    fn answers(&self) -> bool {
        let ask = || -> std::io::Result<Vec<u8>> {
            let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
            stream.set_read_timeout(Some(PATIENCE))?;
            write!(
                stream,
                "GET {} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nConnection: close\r\n\r\n",
                self.path, self.port
            )?;
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer)?;
            Ok(answer)
        };
        ask().is_ok_and(|answer| answer.starts_with(b"HTTP/1.1 200 "))
    }
}

/// Returns when every page has answered; all are asked at once.
fn wait_for_all(pages: &[Page]) {
    std::thread::scope(|scope| {
        for page in pages {
            scope.spawn(|| page.wait());
        }
    });
}

/// The shares that are listed, if that can be told and all are up.
fn all_up(daemon: &mut Daemon) -> Option<Vec<Value>> {
    let shares = daemon.ask(&json!({"method": "ListShares"}))["data"].as_array()?.clone();
    (shares.len() == SHARES && shares.iter().all(|share| share["status"] == "active")).then_some(shares)
}

fn urls(shares: &[Value]) -> BTreeSet<String> {
    shares.iter().map(|share| share["public_url"].as_str().unwrap().to_owned()).collect()
}

/// Waits until every share is listed as up, and holds its URL and its tunnel against what they were.
fn assert_unchanged(daemon: &mut Daemon, stand_in: &StandIn, before: &BTreeSet<String>) {
    let until = Instant::now() + PATIENCE;
    let shares = loop {
        if let Some(shares) = all_up(daemon) {
            break shares;
        }
        assert!(Instant::now() < until, "not every share came back");
        std::thread::park_timeout(Duration::from_millis(2));
    };
    assert_eq!(&urls(&shares), before, "a URL has changed");
    assert_eq!(stand_in.starts().len(), SHARES, "a tunnel was started again");
}

fn kill_and_start(home: &Path, daemon: &mut Option<Daemon>, stand_in: &StandIn, pages: &[Page]) -> Duration {
    daemon.take().unwrap().kill();
    let began = Instant::now();
    let next = std::thread::scope(|scope| {
        let next = scope.spawn(|| Daemon::start_with(home, stand_in.folder()));
        wait_for_all(pages);
        next.join().unwrap()
    });
    let took = began.elapsed();
    *daemon = Some(next);
    took
}

/// `None`: this build cannot be asked for a panic.
fn panic_of_the_supervisor(daemon: &mut Daemon, pages: &[Page]) -> Option<Duration> {
    let began = Instant::now();
    // The Supervisor does not answer this any more: it is told with an error that it is gone.
    let told = daemon.ask(&json!({"method": "Fault", "params": {"actor": "supervisor"}}));
    if told["data"]["code"] == "unknown_method" {
        return None;
    }
    assert_eq!(told["data"]["code"], "internal", "{told}");
    // Pages of the former one may answer for a moment: those that count are listed by the new one.
    let until = Instant::now() + PATIENCE;
    while all_up(daemon).is_none() {
        assert!(Instant::now() < until, "the shares did not come back");
        std::thread::park_timeout(Duration::from_millis(2));
    }
    wait_for_all(pages);
    Some(began.elapsed())
}

/// Prints what was measured; whether the promise is kept.
fn report(what: &str, mut times: Vec<Duration>) -> bool {
    times.sort();
    let (median, longest) = (times[times.len() / 2], times[times.len() - 1]);
    println!("{what:<34} median {median:>9.2?}   longest {longest:>9.2?}   (at most {PROMISE:?})");
    longest <= PROMISE
}

fn main() -> ExitCode {
    let home = tempfile::Builder::new().prefix("pk").tempdir().unwrap();
    let stand_in = StandIn::new(Mode::Ok);
    let mut daemon = Some(Daemon::start_with(home.path(), stand_in.folder()));
    let start = json!({"method": "StartShare",
        "params": {"session_path": sessions::example(), "provider": "cloudflare"}});
    let shares: Vec<Value> = (0..SHARES)
        .map(|_| {
            let started = daemon.as_mut().unwrap().ask(&start);
            assert_eq!(started["status"], "ShareStarted", "{started}");
            started["data"].clone()
        })
        .collect();
    let pages: Vec<Page> = shares.iter().map(Page::of).collect();
    let before = urls(&shares);
    wait_for_all(&pages);

    println!("{SHARES} shares, {ROUNDS} rounds; until every page has answered:");
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        times.push(kill_and_start(home.path(), &mut daemon, &stand_in, &pages));
        assert_unchanged(daemon.as_mut().unwrap(), &stand_in, &before);
    }
    let mut kept = report("after the start of the next daemon", times);

    let daemon = daemon.as_mut().unwrap();
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        let Some(took) = panic_of_the_supervisor(daemon, &pages) else { break };
        times.push(took);
        assert_unchanged(daemon, &stand_in, &before);
    }
    if times.is_empty() {
        println!("after a panic of the Supervisor: not measured, use --profile fault");
    } else {
        kept &= report("after a panic of the Supervisor", times);
    }
    if kept { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
