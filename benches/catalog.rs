//! How long it takes to list and to search 10,000 sessions: `panko sessions --json` and `panko search`, cold
//! and warm, beside a plain walk that stats every file of the same tree. `cargo bench --bench catalog`.
//!
//! Ends with exit code 1 if the promise is broken: a warm list takes at most 150 ms.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::fs;
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
    println!("sessions, first time    {first:>10.2?}");
    println!(
        "sessions, warm          {list:>10.2?}   {:.1} × the walk (at most {WARM:?})",
        list.as_secs_f64() / walk.as_secs_f64()
    );
    println!("search, first time      {first_search:>10.2?}");
    println!("search, warm            {search:>10.2?}");
    println!("index.db                {size:>7.1} MB");
    if list <= WARM { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
