//! Clocks that are set while shares are up.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::support::daemon::Home;
use crate::support::inject::skipped;
use crate::support::tunnel::Mode;
use crate::support::wait::{SOON, until};
use crate::support::{process, sessions};

const LIBRARY: &str = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1";

#[test]
fn a_clock_that_is_set_back_or_far_ahead_costs_nothing_but_what_has_expired() {
    if !Path::new(LIBRARY).exists() {
        return skipped("there is no faketime");
    }
    let mut home = Home::new();
    let clock = home.path("clock");
    let set = |offset: &str| fs::write(&clock, offset).unwrap();
    set("+0");
    let file = format!("FAKETIME_TIMESTAMP_FILE={}", clock.display());
    let library = format!("LD_PRELOAD={LIBRARY}");
    // The monotonic clock goes on as it does on a machine whose clock is set.
    home.start_by(&["env", &library, &file, "FAKETIME_NO_CACHE=1", "DONT_FAKE_MONOTONIC=1"]);
    let share = home.share(&sessions::example(), "cloudflare");
    // One that waits as long as its provider asked for, one that is tried again and again.
    let [limited, looping] = [Mode::RateLimited, Mode::CrashLoop].map(|mode| {
        home.tunnel.behave(Mode::Ok);
        let share = home.share(&sessions::example(), "cloudflare");
        home.tunnel.behave(mode);
        process::signal(*home.tunnel.starts().last().unwrap(), Signal::KILL);
        let reason = if mode == Mode::RateLimited { "too many requests" } else { "exit code 1" };
        home.until_share(&share["id"], "it waits", |share| {
            share["phase"] == "backoff" && share["reason"].as_str().is_some_and(|why| why.contains(reason))
        });
        share
    });
    let brief = home.ask(&json!({"method": "StartShare", "params": {"session_path": sessions::example(),
        "provider": "local", "options": {"expires_in": 100_000}}}))["data"]
        .clone();
    let (keepers, began) = (home.keepers().len(), Instant::now());
    let info = |share: &Value| {
        home.ask(&json!({"method": "GetShare", "params": {"share_id": share["id"]}}))["data"].clone()
    };
    for (n, offset) in ["-1d", "+0", "+400d"].into_iter().enumerate() {
        set(offset);
        let starts = home.tunnel.starts().len();
        until(SOON, "the jump is noticed", || home.log_text().matches("the clocks have jumped").count() > n);
        let told = info(&share);
        assert_eq!(told["public_url"], share["public_url"], "{offset}");
        assert_eq!(told["recoveries"], 0, "{offset}: {told}");
        // The five minutes of this provider go by as they do, whatever day it is.
        let told = info(&limited);
        let left = told["next_attempt_in"].as_u64().unwrap();
        assert!(left <= 360 && left + began.elapsed().as_secs() >= 298, "{offset}: {told}");
        // The other is started again, and fails again: no day is waited for, nor are its failures forgotten.
        until(SOON, "it is tried again", || home.tunnel.starts().len() > starts);
        home.until_share(&looping["id"], "it waits", |share| share["phase"] == "backoff");
        assert!(info(&looping)["next_attempt_in"].as_u64().unwrap() <= 360, "{offset}");
    }
    // 400 days later, what was to end within a day and some hours has.
    until(SOON, "it has expired", || home.shares().iter().all(|left| left["id"] != brief["id"]));
    assert_eq!((home.shares().len(), home.keepers().len()), (3, keepers - 1));
    assert!(process::lives(home.tunnel.starts()[0]), "the tunnel of the one that is up");
    assert!(!home.log_text().contains("panicked"), "{}", home.log_text());
}

/// A share that ends after so many seconds.
#[track_caller]
fn brief(home: &Home, seconds: u64) -> Value {
    let reply = home.ask(&json!({"method": "StartShare", "params": {"session_path": sessions::example(),
        "provider": "local", "options": {"expires_in": seconds}}}));
    assert_eq!(reply["status"], "ShareStarted", "{reply}");
    reply["data"].clone()
}

/// Its page is there until its moment, and gone within a second of it.
#[track_caller]
fn assert_ends_in_time(home: &Home, share: &Value) {
    let at: jiff::Timestamp = share["expires_at"].as_str().unwrap().parse().unwrap();
    let is_up =
        || home.shares().iter().any(|listed| listed["id"] == share["id"] && listed["status"] == "active");
    until(SOON, "it is up", is_up);
    let mut last_seen = jiff::Timestamp::now();
    until(SOON, "its time is over", || {
        let asked = jiff::Timestamp::now();
        let up = is_up();
        if up {
            last_seen = asked;
        }
        !up
    });
    let gone = jiff::Timestamp::now();
    let off = |moment: jiff::Timestamp| moment.duration_since(at).as_secs_f64();
    assert!(off(gone) > 0.0, "it was gone {} s too early", -off(gone));
    assert!(off(last_seen) < 1.0, "it was there {} s after its time", off(last_seen));
    home.until_share(&share["id"], "that is recorded", |share| share["reason"] == "its time is over");
}

#[test]
fn a_share_ends_at_its_second() {
    let home = Home::started();
    assert_ends_in_time(&home, &brief(&home, 3));
}

#[test]
fn a_share_ends_at_its_second_after_a_restart_and_not_again() {
    let mut home = Home::started();
    let share = brief(&home, 6);
    home.kill_daemon();
    home.start();
    assert_ends_in_time(&home, &share);
    home.kill_daemon();
    home.start();
    assert_eq!(home.shares(), Vec::<Value>::new());
    home.assert_nothing_runs();
}

#[test]
fn a_clock_that_is_set_gives_no_share_more_time() {
    if !Path::new(LIBRARY).exists() {
        return skipped("there is no faketime");
    }
    let mut home = Home::new();
    let clock = home.path("clock");
    let set = |offset: &str| fs::write(&clock, offset).unwrap();
    set("+0");
    let file = format!("FAKETIME_TIMESTAMP_FILE={}", clock.display());
    let library = format!("LD_PRELOAD={LIBRARY}");
    let by = ["env", &library, &file, "FAKETIME_NO_CACHE=1", "DONT_FAKE_MONOTONIC=1"];
    home.start_by(&by);
    let is_up = |home: &Home, share: &Value| home.shares().iter().any(|listed| listed["id"] == share["id"]);

    // Set back while it runs: the time since the start counts.
    let (share, began) = (brief(&home, 4), Instant::now());
    set("-1d");
    until(SOON, "its time is over", || !is_up(&home, &share));
    assert!(began.elapsed() < Duration::from_secs(6), "{:?}", began.elapsed());

    // Set forward: it is over at once.
    set("+0");
    let (share, began) = (brief(&home, 3600), Instant::now());
    set("+3601");
    until(SOON, "its time is over", || !is_up(&home, &share));
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());

    // Set back while no daemon runs: what the daemon before has seen counts.
    set("+0");
    let (share, began) = (brief(&home, 8), Instant::now());
    assert_eq!(home.signal_daemon(Signal::TERM), Some(0));
    set("-1d");
    home.start_by(&by);
    assert!(is_up(&home, &share), "it is not over yet\n{}", home.log_text());
    until(SOON, "its time is over", || !is_up(&home, &share));
    assert!(began.elapsed() < Duration::from_secs(14), "{:?}", began.elapsed());
    // And however often.
    home.kill_daemon();
    home.start_by(&by);
    assert!(!is_up(&home, &share));
}
