//! How long it takes until a session is shared and its page is there, and that neither depends on the
//! session's length: a session of 100 MB beside one of 1 MB, in turn, in one run. `cargo bench --bench share`.
//!
//! Ends with exit code 1 if a promise is broken: StartShare at most 1.5 times that of the small session, the
//! first page at most 2 times and at most 200 KB on the wire.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use serde_json::json;

#[path = "support/daemon.rs"]
mod daemon;
#[path = "../tests/it/support/sessions.rs"]
#[allow(dead_code)]
mod sessions;

use daemon::Daemon;

const ROUNDS: usize = 21;
const START_RATIO: f64 = 1.5;
const PAGE_RATIO: f64 = 2.0;
const PAGE_BYTES: usize = 200_000;

/// One share: time until it is answered, time and bytes of the first page a browser asks for.
fn round(daemon: &mut Daemon, session: &Path) -> (Duration, Duration, usize) {
    let began = Instant::now();
    let started = daemon
        .ask(&json!({"method": "StartShare", "params": {"session_path": session, "provider": "local"}}));
    let start = began.elapsed();
    assert_eq!(started["status"], "ShareStarted", "{started}");
    let url = started["data"]["public_url"].as_str().unwrap();
    let (host, path) = url.trim_start_matches("http://").split_once('/').unwrap();

    let began = Instant::now();
    let mut stream = TcpStream::connect(host).unwrap();
    write!(
        stream,
        "GET /{path} HTTP/1.1\r\nHost: {host}\r\nAccept-Encoding: gzip\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let page = began.elapsed();
    assert!(answer.starts_with(b"HTTP/1.1 200 "), "{}", String::from_utf8_lossy(&answer[..60]));
    daemon.ask(&json!({"method": "StopShare", "params": {"share_id": started["data"]["id"]}}));
    (start, page, answer.len())
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

fn main() -> ExitCode {
    let home = tempfile::Builder::new().prefix("pk").tempdir().unwrap();
    let (small, large) = (home.path().join("small.jsonl"), home.path().join("large.jsonl"));
    sessions::write(&small, 200, 4_800);
    sessions::write(&large, 20_000, 4_800);
    let mut daemon = Daemon::start(home.path());
    round(&mut daemon, &small);

    let mut seen = [Vec::new(), Vec::new()];
    for _ in 0..ROUNDS {
        for (session, seen) in [&small, &large].into_iter().zip(&mut seen) {
            seen.push(round(&mut daemon, session));
        }
    }
    let row = |name: &str, seen: &[(Duration, Duration, usize)], path: &Path| {
        let start = median(seen.iter().map(|round| round.0).collect());
        let page = median(seen.iter().map(|round| round.1).collect());
        let bytes = seen.iter().map(|round| round.2).max().unwrap_or_default();
        let megabytes = fs::metadata(path).unwrap().len() as f64 / 1e6;
        println!(
            "{name}  {megabytes:7.1} MB   StartShare {start:>10.2?}   first page {page:>10.2?}   {bytes:>7} bytes"
        );
        (start, page, bytes)
    };
    println!("medians of {ROUNDS} rounds in turn; the page is the first that is asked for with gzip");
    let (start, page, _) = row("small", &seen[0], &small);
    let (large_start, large_page, bytes) = row("large", &seen[1], &large);
    let start_ratio = large_start.as_secs_f64() / start.as_secs_f64();
    let page_ratio = large_page.as_secs_f64() / page.as_secs_f64();
    println!(
        "large / small: StartShare {start_ratio:.2} (at most {START_RATIO}), first page {page_ratio:.2} (at most {PAGE_RATIO})"
    );
    let kept = start_ratio <= START_RATIO && page_ratio <= PAGE_RATIO && bytes <= PAGE_BYTES;
    if kept { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
