//! How many first views a second one share serves, beside nginx serving the same bytes as a file, in turn, in one
//! run, for a session of 1 MB and one of 100 MB. `cargo bench --bench page`; needs wrk and nginx.
//!
//! Both have one worker. Ends with exit code 1 if a promise is broken: at least half of what nginx reaches, for
//! both; a repeat visit is a 304.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::fs;
use std::io::{BufWriter, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

#[path = "support/daemon.rs"]
mod daemon;
#[path = "support/transcript.rs"]
#[allow(dead_code)]
mod transcript;

use daemon::Daemon;

const ROUNDS: usize = 5;
const LEAST: f64 = 0.5;
/// One round of wrk: one thread, eight connections, as a browser with brotli asks.
const WRK: [&str; 6] = ["-t1", "-c8", "-d3s", "-H", "Accept-Encoding: br", "--latency"];

/// An nginx with one worker that serves one file.
struct Nginx {
    child: Child,
    url: String,
}

impl Nginx {
    fn start(folder: &Path, bytes: &[u8]) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let root = folder.join(format!("www-{port}"));
        fs::create_dir_all(&root).unwrap();
        fs::write(root.join("page"), bytes).unwrap();
        let config = folder.join(format!("nginx-{port}.conf"));
        let (root, shown) = (root.display(), folder.display());
        fs::write(&config, format!(
            "daemon off; worker_processes 1; pid {shown}/nginx-{port}.pid; error_log {shown}/nginx-{port}.log; \
             events {{ worker_connections 256; }} http {{ access_log off; sendfile on; tcp_nopush on; \
             keepalive_requests 1000000; default_type text/html; client_body_temp_path {shown}; proxy_temp_path {shown}; \
             fastcgi_temp_path {shown}; uwsgi_temp_path {shown}; scgi_temp_path {shown}; \
             server {{ listen 127.0.0.1:{port}; root {root}; add_header Content-Encoding br; }} }}"
        )).unwrap();
        let child =
            Command::new("nginx").arg("-c").arg(&config).stderr(Stdio::null()).spawn().expect("nginx starts");
        let until = Instant::now() + Duration::from_secs(10);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < until, "nginx does not answer");
            std::thread::park_timeout(Duration::from_millis(5));
        }
        Self { child, url: format!("http://127.0.0.1:{port}/page") }
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let _ = self.child.wait();
    }
}

/// Requests a second, by wrk; every answer must be a page.
fn rate(url: &str) -> f64 {
    let out = Command::new("wrk").args(WRK).arg(url).output().expect("wrk starts");
    let text = String::from_utf8_lossy(&out.stdout);
    assert!(!text.contains("Non-2xx"), "{text}");
    let line =
        text.lines().find_map(|line| line.strip_prefix("Requests/sec:")).unwrap_or_else(|| panic!("{text}"));
    line.trim().parse().unwrap()
}

/// Status, entity tag and body of one GET.
fn get(url: &str, header: &str) -> (u16, Option<String>, Vec<u8>) {
    let (host, path) = url.trim_start_matches("http://").split_once('/').unwrap();
    let mut stream = TcpStream::connect(host).unwrap();
    write!(
        stream,
        "GET /{path} HTTP/1.1\r\nHost: {host}\r\nAccept-Encoding: br\r\nConnection: close\r\n{header}\r\n"
    )
    .unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
    let head = String::from_utf8_lossy(&answer[..end]).to_lowercase();
    let etag = head.lines().find_map(|line| line.strip_prefix("etag: ")).map(str::to_owned);
    (head[9..12].parse().unwrap(), etag, answer[end + 4..].to_vec())
}

fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers[numbers.len() / 2]
}

fn main() -> ExitCode {
    let home = tempfile::Builder::new().prefix("pk").tempdir().unwrap();
    let mut daemon = Daemon::start(home.path());
    let mut kept = true;
    for (name, bytes) in [("small", 1 << 20), ("large", 100 << 20)] {
        let session = home.path().join(format!("{name}.jsonl"));
        let mut file = BufWriter::new(fs::File::create(&session).unwrap());
        transcript::Writer::new(name).write(&mut file, bytes);
        file.flush().unwrap();
        let started: Value = daemon
            .ask(&json!({"method": "StartShare", "params": {"session_path": session, "provider": "local"}}));
        let url = started["data"]["public_url"].as_str().unwrap().to_owned();
        // The file is read to its end first: that is not what is measured.
        let until = Instant::now() + Duration::from_secs(60);
        let (status, etag, body) = loop {
            let first = get(&url, "");
            std::thread::park_timeout(Duration::from_secs(2));
            let second = get(&url, "");
            if first.1 == second.1 {
                break second;
            }
            assert!(Instant::now() < until, "the page does not come to rest");
        };
        assert_eq!(status, 200);
        let again = get(&url, &format!("If-None-Match: {}\r\n", etag.unwrap())).0;
        let nginx = Nginx::start(home.path(), &body);
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            ours.push(rate(&url));
            theirs.push(rate(&nginx.url));
        }
        let (ours, theirs) = (median(ours), median(theirs));
        let megabytes = fs::metadata(&session).unwrap().len() as f64 / 1e6;
        println!(
            "{name} {megabytes:7.1} MB  {:>6} bytes a view  panko {ours:>8.0}/s  nginx {theirs:>8.0}/s  ratio {:.2} (at least {LEAST})  repeat visit {again}",
            body.len(),
            ours / theirs,
        );
        kept &= ours / theirs >= LEAST && again == 304;
    }
    if kept { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
