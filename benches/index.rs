//! What it costs to index a session: bytes a second, memory, the way to a window, and following a file that
//! grows. `cargo bench --bench index`; with `PANKO_BENCH_MB` for a session of another size than 1,000 MB.
//!
//! Ends with exit code 1 if a promise is broken:
//! - the index is made at 4 times the speed at least of `serde_json::from_slice::<Value>` over the same lines,
//!   in the same run; beside both stands the newline scan of `memchr`. The index is read by more than one core where
//!   there are some, and reads its file, the other two pass over bytes in memory;
//! - words are sought in a session at 1 GB/s at least, as long as no window holds them; beside it stands `memmem`;
//! - at most 64 bytes of anonymous memory a line, and 8 MB;
//! - the first window after at most 1 s, from a file that is not in the page cache; any window after at most
//!   20 ms once the session is indexed;
//! - to follow a large session that grows costs at most twice of what a small one costs;
//! - a single line of 60, 66 or 100 MB costs at most twice a byte of what one of 15 MB costs, whatever is in it, but
//!   for what it costs to copy it a few times: measured in the same run, and more a byte for the large ones, whose
//!   memory comes from the system each time, a page at a time, where that of small ones is used again.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::fs::{self, File};
use std::hint::black_box;
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use panko::redact::Cleaner;
use panko::session::{Progress, Session, Source};
use serde_json::Value;

#[path = "support/transcript.rs"]
mod transcript;

const RATIO: f64 = 4.0;
const BYTES_A_LINE: f64 = 64.0;
const BASE_BYTES: f64 = 8e6;
const FIRST_WINDOW: Duration = Duration::from_secs(1);
const WINDOW: Duration = Duration::from_millis(20);
const GROWTH_RATIO: f64 = 2.0;
/// In GB/s.
const SEARCH: f64 = 1.0;
/// Megabytes of single lines: two that are read, and two that are too long for that.
const GIANTS: [usize; 4] = [15, 60, 66, 100];
const GIANT_RATIO: f64 = 2.0;
/// How often a giant may be copied into fresh memory: as it is collected from pieces, as it is read again for a
/// window, and as its escapes are read in both places.
const GIANT_COPIES: f64 = 4.0;
const ROUNDS: usize = 5;
/// Of what uses all cores, beside what uses one. Whoever else takes a core meanwhile makes one of them slower only: the
/// fastest round of each is what both can do.
const SPEED_ROUNDS: usize = 11;
/// Bytes indexed at a time, as the daemon does behind a page.
const PIECE: usize = 4 << 20;

fn open(path: &Path) -> Session {
    Session::open(Source::open(path).unwrap(), Cleaner::new()).unwrap()
}

fn indexed(path: &Path) -> Session {
    let session = open(path);
    while session.advance(PIECE).unwrap() == Progress::More {}
    session
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

fn fastest(times: Vec<Duration>) -> Duration {
    times.into_iter().min().unwrap_or_default()
}

fn timed<T>(run: impl FnOnce() -> T) -> Duration {
    let began = Instant::now();
    black_box(run());
    began.elapsed()
}

/// Prints a figure; true if it holds.
fn say(what: &str, figure: String, holds: bool, bound: &str) -> bool {
    println!("{what:<44} {figure:>22}   {bound}{}", if holds { "" } else { "   BROKEN" });
    holds
}

/// The index beside the two plain passes, in turn.
fn speed(name: &str, path: &Path) -> bool {
    let bytes = fs::read(path).unwrap();
    let (mut index, mut values, mut newlines) = (vec![], vec![], vec![]);
    for _ in 0..SPEED_ROUNDS {
        index.push(timed(|| indexed(path)));
        values.push(timed(|| {
            bytes.split(|b| *b == b'\n').filter(|line| serde_json::from_slice::<Value>(line).is_ok()).count()
        }));
        newlines.push(timed(|| memchr::memchr_iter(b'\n', &bytes).count()));
    }
    let rate = |times: Vec<Duration>| bytes.len() as f64 / 1e9 / fastest(times).as_secs_f64();
    let (index, values, newlines) = (rate(index), rate(values), rate(newlines));
    println!("{name}: {} MB, the fastest of {SPEED_ROUNDS} rounds in turn", bytes.len() / 1_000_000);
    println!("{:<44} {newlines:>17.2} GB/s", "newlines (memchr)");
    println!("{:<44} {values:>17.2} GB/s", "serde_json Value");
    let ratio = index / values;
    say(
        "index",
        format!("{index:.2} GB/s"),
        ratio >= RATIO,
        &format!("{ratio:.1} × Value (at least {RATIO})"),
    )
}

/// The way to the windows that may hold a word, beside a plain search for it.
fn search(name: &str, path: &Path) -> bool {
    let session = indexed(path);
    let bytes = fs::read(path).unwrap();
    let words = ["quincunx".to_owned()];
    let (mut sifted, mut plain) = (vec![], vec![]);
    for _ in 0..ROUNDS {
        sifted.push(timed(|| session.sift(&words, 0).unwrap()));
        plain.push(timed(|| memchr::memmem::find(&bytes, words[0].as_bytes())));
    }
    let windows = session.windows() - 1;
    let found = session.sift(&words, 0).unwrap();
    let left = (0..windows).filter(|no| found.has(*no)).count();
    let rate = |times: Vec<Duration>| bytes.len() as f64 / 1e9 / median(times).as_secs_f64();
    let (sifted, plain) = (rate(sifted), rate(plain));
    println!("{:<44} {plain:>17.2} GB/s", "memmem");
    say(
        "search",
        format!("{sifted:.2} GB/s"),
        sifted >= SEARCH,
        &format!("at least {SEARCH} GB/s; {left} of {windows} windows left in ({name})"),
    )
}

/// What runs in a process of its own: the way to the first window, and memory.
fn alone(path: &Path) -> bool {
    let file = File::open(path).unwrap();
    rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed).unwrap();
    let began = Instant::now();
    let session = open(path);
    while session.windows() < 2 && session.advance(PIECE).unwrap() == Progress::More {}
    assert!(session.window(0).unwrap().is_some_and(|window| !window.turns.is_empty()));
    let first = began.elapsed();
    let mut peak = 0;
    while session.advance(PIECE).unwrap() == Progress::More {
        peak = peak.max(anonymous());
    }
    peak = peak.max(anonymous());
    let lines = session.report().lines;
    let bound = BYTES_A_LINE * lines as f64 + BASE_BYTES;
    let count = session.windows();
    let times = (0..200).map(|n| {
        let no = n * 7919 % count;
        timed(|| session.window(no).unwrap().unwrap())
    });
    let mut times: Vec<Duration> = times.collect();
    times.sort();
    let worst = times[times.len() - 1];
    let mut holds =
        say("first window, nothing cached", format!("{first:.2?}"), first <= FIRST_WINDOW, "at most 1 s");
    let medium = times[times.len() / 2];
    holds &= say(
        "any window, indexed (median, slowest)",
        format!("{medium:.2?}, {worst:.2?}"),
        worst <= WINDOW,
        "at most 20 ms",
    );
    let a_line = (peak as f64 - BASE_BYTES) / lines as f64;
    holds
        & say(
            "anonymous memory",
            format!("{:.1} MB, {lines} lines", peak as f64 / 1e6),
            peak as f64 <= bound,
            &format!("8 MB and {a_line:.0} bytes a line (at most {BYTES_A_LINE})"),
        )
}

/// Bytes of anonymous memory that this process holds.
fn anonymous() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

/// Median time to index what an indexed session grows by, some 100 KB a time.
fn growth(path: &Path) -> Duration {
    let session = indexed(path);
    let mut file = BufWriter::new(File::options().append(true).open(path).unwrap());
    let mut writer = transcript::Writer::new("growth");
    let times = (0..51).map(|_| {
        writer.write(&mut file, 100_000);
        file.flush().unwrap();
        timed(|| while session.advance(PIECE).unwrap() == Progress::More {})
    });
    median(times.collect())
}

/// Makes a line of about so many bytes.
type Shape = fn(usize) -> String;

/// What a single line is made of: what is hard on who reads it.
const SHAPES: [(&str, Shape); 4] = [
    ("one string", |bytes| user(&format!("\"{}\"", "word ".repeat(bytes / 5)))),
    ("escapes", |bytes| user(&format!("\"{}\"", r#"\""#.repeat(bytes / 2)))),
    ("a million blocks", |bytes| {
        let block = r#"{"type":"text","text":"one of very many"},"#;
        user(&format!("[{}{{}}]", block.repeat(bytes / block.len())))
    }),
    ("brackets that nobody closes", |bytes| user(&"[".repeat(bytes))),
];

fn user(content: &str) -> String {
    format!(
        r#"{{"type":"user","uuid":"g","sessionId":"s","timestamp":"2026-10-14T09:00:00.000Z","message":{{"role":"user","content":{content}}}}}"#
    )
}

/// A session with one giant of a line: indexed, and every window of it shown.
fn giants(folder: &Path) -> bool {
    let path = folder.join("giant");
    let mut holds = true;
    for (name, shape) in SHAPES {
        let costs = GIANTS.map(|megabytes| {
            let line = shape(megabytes * 1_000_000);
            fs::write(&path, format!("{}\n{line}\n{}\n", user("\"before\""), user("\"after\""))).unwrap();
            let times = (0..ROUNDS).map(|_| {
                timed(|| {
                    let session = indexed(&path);
                    (0..session.windows()).for_each(|no| drop(black_box(session.window(no).unwrap())));
                })
            });
            let copies = (0..ROUNDS).map(|_| timed(|| line.as_bytes().to_vec()));
            [median(times.collect()), median(copies.collect())]
                .map(|time| time.as_secs_f64() * 1e9 / line.len() as f64)
        });
        let [small, ..] = costs.map(|[cost, _]| cost);
        let within = |[cost, copy]: [f64; 2]| cost <= GIANT_RATIO * small + GIANT_COPIES * copy;
        let told = |which: usize| costs.map(|cost| format!("{:.2}", cost[which])).join(", ");
        holds &= say(
            &format!("one line: {name}"),
            format!("{} ns/B", told(0)),
            costs.iter().all(|cost| within(*cost)),
            &format!(
                "of {GIANTS:?} MB (at most {GIANT_RATIO} × the first and {GIANT_COPIES} copies: {})",
                told(1)
            ),
        );
    }
    holds
}

fn main() -> ExitCode {
    if let Some(path) = std::env::var_os("PANKO_BENCH_ALONE") {
        return if alone(Path::new(&path)) { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    let megabytes: u64 = std::env::var("PANKO_BENCH_MB").map_or(1_000, |mb| mb.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let [small, medium, large] = ["small", "medium", "large"].map(|name| folder.path().join(name));
    for (path, bytes) in [(&small, 1_000_000), (&medium, 100_000_000), (&large, megabytes * 1_000_000)] {
        let mut file = BufWriter::new(File::create(path).unwrap());
        transcript::Writer::new("session").write(&mut file, bytes);
        file.flush().unwrap();
    }
    let mut holds = speed("a transcript made here", &medium);
    holds &= search("a transcript made here", &medium);
    let corpus = folder.path().join("corpus");
    if transcript::corpus(&corpus, 100_000_000) {
        holds &= speed("the corpus, again and again", &corpus);
        holds &= search("the corpus", &corpus);
    }
    println!("a transcript of {megabytes} MB, in a process of its own");
    let status = Command::new(std::env::current_exe().unwrap()).env("PANKO_BENCH_ALONE", &large).status();
    holds &= status.unwrap().success();
    let (little, much) = (growth(&small), growth(&large));
    let ratio = much.as_secs_f64() / little.as_secs_f64();
    holds &= say(
        "100 KB more of a session of 1 MB, and of this",
        format!("{little:.2?}, {much:.2?}"),
        ratio <= GROWTH_RATIO,
        &format!("{ratio:.2} × (at most {GROWTH_RATIO})"),
    );
    holds &= giants(folder.path());
    if holds { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
