//! How long it takes to list and to search 10,000 sessions: `panko sessions --json` and `panko search`, cold
//! and warm, beside a plain walk that stats every file of the same tree; and to search when a long session has
//! grown by a line. `cargo bench --bench catalog`.
//!
//! Ends with exit code 1 if a promise is broken: a warm list takes at most 150 ms, and at most six times the walk; a
//! search after one line more does not read a long session again.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

#[path = "../tests/it/support/sessions.rs"]
#[allow(dead_code)]
mod sessions;

const SESSIONS: usize = 10_000;
const FOLDERS: usize = 200;
const ROUNDS: usize = 21;
const WARM: Duration = Duration::from_millis(150);
/// A warm list, as a multiple of the walk.
const RATIO: f64 = 6.0;
/// Prompts of the long session, and bytes of the output of each call in it.
const LONG: (usize, usize) = (20_000, 4096);
/// The search after it has grown, as a part of the first.
const GROWN: f64 = 0.1;

/// Stats every file below `root`, as any lister must; returns how many there are.
fn walk(root: &Path) -> (Duration, usize) {
    let began = Instant::now();
    let files = walkdir::WalkDir::new(root).into_iter().flatten();
    let seen = files.filter_map(|entry| entry.metadata().ok()).filter(fs::Metadata::is_file).count();
    (began.elapsed(), seen)
}

/// Runs a command in `home`; returns how long it took, and how many sessions it printed.
fn run(home: &Path, args: &[&str]) -> (Duration, usize) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_panko"));
    command.args(args).env_clear().env("HOME", home);
    let began = Instant::now();
    let output = command.output().unwrap();
    let took = began.elapsed();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let printed: Vec<serde_json::Value> = serde_json::from_slice(&output.stdout).unwrap();
    (took, printed.len())
}

/// How long a search takes when a long session is new, and when it has grown by a line; with its bytes.
fn grown() -> (Duration, Duration, u64) {
    let home = tempfile::Builder::new().prefix("pk").tempdir().unwrap();
    let path = home.path().join(".claude/projects/p/long.jsonl");
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    sessions::write(&path, LONG.0, LONG.1);
    let whole = run(home.path(), &["search", "--json", "prompt-7"]).0;
    let more = serde_json::json!({
        "type": "user", "uuid": "last", "parentUuid": null, "sessionId": "s", "cwd": "/home/dev/tool",
        "timestamp": "2026-10-01T00:00:00Z", "message": {"role": "user", "content": "and one word more: xylophone"},
    });
    let mut file = fs::OpenOptions::new().append(true).open(&path).unwrap();
    writeln!(file, "{more}").unwrap();
    let (again, found) = run(home.path(), &["search", "--json", "xylophone"]);
    assert_eq!(found, 1);
    (whole, again, fs::metadata(path).unwrap().len())
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

fn main() -> ExitCode {
    let home = tempfile::Builder::new().prefix("pk").tempdir().unwrap();
    let home = home.path();
    let projects = home.join(".claude/projects");
    for n in 0..SESSIONS {
        let folder = projects.join(format!("-home-dev-project-{}", n % FOLDERS));
        fs::create_dir_all(&folder).unwrap();
        // From 3 KB to 60 KB.
        sessions::write(&folder.join(format!("{n}.jsonl")), 4 + n % 40, 400);
    }
    let (_, files) = walk(&projects);
    assert_eq!(files, SESSIONS);
    let (first, listed) = run(home, &["sessions", "--json"]);
    assert_eq!(listed, SESSIONS);
    let (first_search, _) = run(home, &["search", "--json", "prompt-3"]);

    let (mut walks, mut lists, mut searches) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        walks.push(walk(&projects).0);
        lists.push(run(home, &["sessions", "--json"]).0);
        searches.push(run(home, &["search", "--json", "\"do prompt-39 of\""]).0);
    }
    let (walk, list, search) = (median(walks), median(lists), median(searches));
    let size = fs::metadata(home.join(".local/share/panko/index.db")).unwrap().len() as f64 / 1e6;
    println!(
        "{SESSIONS} sessions, medians of {ROUNDS} rounds in turn; commands with their start and their printing"
    );
    println!("walk and stat           {walk:>10.2?}");
    let ratio = list.as_secs_f64() / walk.as_secs_f64();
    println!(
        "sessions, first time    {first:>10.2?}   {:.0} µs each",
        first.as_secs_f64() * 1e6 / SESSIONS as f64
    );
    println!(
        "sessions, warm          {list:>10.2?}   {ratio:.1} × the walk (at most {WARM:?}, and {RATIO} ×)"
    );
    println!("search, first time      {first_search:>10.2?}");
    println!("search, warm            {search:>10.2?}");
    println!("index.db                {size:>7.1} MB");
    let (whole, again, bytes) = grown();
    let part = again.as_secs_f64() / whole.as_secs_f64();
    println!("search, a session of {} MB is new {whole:>10.2?}", bytes / 1_000_000);
    println!("search, it has a line more        {again:>10.2?}   {part:.3} of that (at most {GROWN})");
    let kept = list <= WARM && ratio <= RATIO && part <= GROWN;
    if kept { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
