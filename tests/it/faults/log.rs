//! The daemon's own log, when there is too much of it or nobody takes it.

use std::fs;
use std::os::unix::fs::OpenOptionsExt as _;
use std::time::{Duration, Instant};

use rustix::fs::OFlags;
use rustix::process::Signal;
use serde_json::json;

use crate::support::daemon::Home;
use crate::support::process;
use crate::support::wait::{SOON, until};

#[test]
fn a_log_that_becomes_large_while_the_daemon_runs_is_put_aside() {
    let home = Home::new();
    fs::create_dir_all(home.data("")).unwrap();
    let (log, aside) = (home.data("daemon.log"), home.data("daemon.log.1"));
    // A line or two less than it may have: not put aside at the start.
    let old = "x".repeat((8 << 20) - 300);
    fs::write(&log, &old).unwrap();
    home.ok(&["serve"]);
    let pid = home.ask(&json!({"method": "Hello"}))["data"]["pid"].as_u64().unwrap() as u32;
    until(SOON, "it is put aside", || {
        process::signal(pid, Signal::HUP);
        aside.exists()
    });
    assert!(fs::read_to_string(&aside).unwrap().starts_with(&old), "what was there is kept");
    process::signal(pid, Signal::HUP);
    until(SOON, "what follows stands in a new one", || {
        fs::read_to_string(&log).unwrap().contains("the configuration was read again")
    });
    assert!(fs::metadata(&log).unwrap().len() < 1 << 20);
    home.ok(&["serve-stop"]);
}

#[test]
fn a_log_that_is_a_pipe_which_nobody_reads_delays_nobody() {
    let home = Home::new();
    let pipe = home.path("pipe");
    let mode = rustix::fs::Mode::from_raw_mode(0o600);
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, mode, 0).unwrap();
    home.configure(&format!("log_file = {pipe:?}\n"));
    let flags = OFlags::NONBLOCK.bits().cast_signed();
    let reader = fs::OpenOptions::new().read(true).custom_flags(flags).open(&pipe).unwrap();
    let started = home.command(&["serve"]).env("PANKO_LOG", "trace").output().unwrap();
    assert!(started.status.success(), "{}", String::from_utf8_lossy(&started.stderr));
    let full = || rustix::io::ioctl_fionread(&reader).unwrap() >= 60 << 10;
    until(SOON, "the pipe is full", || {
        home.ask(&json!({"method": "ListShares"}));
        full()
    });
    let asked = Instant::now();
    for _ in 0..100 {
        assert_eq!(home.ask(&json!({"method": "Ping"}))["status"], "Pong");
    }
    assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
    home.ok(&["serve-stop"]);
}
