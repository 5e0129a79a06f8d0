//! Clocks that are set while shares are up.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::support::daemon::Home;
use crate::support::inject::skipped;
use crate::support::tunnel::Mode;
use crate::support::wait::{SOON, until};
use crate::support::{process, sessions};

const LIBRARY: &str = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1";

/// What a daemon takes for the time of day.
struct Clock(PathBuf);

impl Clock {
    fn set(&self, offset: &str) {
        fs::write(&self.0, offset).unwrap();
    }

    /// The monotonic clock goes on as it does on a machine whose clock is set.
    fn start(&self, home: &mut Home) {
        let file = format!("FAKETIME_TIMESTAMP_FILE={}", self.0.display());
        let library = format!("LD_PRELOAD={LIBRARY}");
        home.start_by(&["env", &library, &file, "FAKETIME_NO_CACHE=1", "DONT_FAKE_MONOTONIC=1"]);
    }
}

/// A daemon whose clock is set at will.
struct Faked {
    home: Home,
    clock: Clock,
}

impl Faked {
    /// `None` where that cannot be done.
    fn started() -> Option<Self> {
        if !Path::new(LIBRARY).exists() {
            skipped("there is no faketime");
            return None;
        }
        let mut home = Home::new();
        let clock = Clock(home.path("clock"));
        clock.set("+0");
        clock.start(&mut home);
        Some(Self { home, clock })
    }

    fn restart(&mut self) {
        self.clock.start(&mut self.home);
    }

    fn fault(&self, actor: &str, share: &Value) {
        let mut wire = self.home.connect();
        wire.send(&json!({"method": "Fault", "params": {"actor": actor, "share_id": share["id"]}}));
        wire.next();
        let fell = || self.home.log_text().contains("a fault was asked for");
        until(SOON, "the actor falls", fell);
        self.home.until_share(&share["id"], "it is back", |share| share["status"] == "active");
    }

    fn until_noticed(&self) {
        until(SOON, "the jump is noticed", || self.home.log_text().contains("the clocks have jumped"));
    }
}

fn is_up(home: &Home, share: &Value) -> bool {
    home.shares().iter().any(|listed| listed["id"] == share["id"])
}

#[test]
fn a_clock_that_is_set_back_or_far_ahead_costs_nothing_but_what_has_expired() {
    let Some(Faked { home, clock }) = Faked::started() else { return };
    let set = |offset: &str| clock.set(offset);
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
    let Some(Faked { mut home, clock }) = Faked::started() else { return };
    let set = |offset: &str| clock.set(offset);

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
    clock.start(&mut home);
    assert!(is_up(&home, &share), "it is not over yet\n{}", home.log_text());
    until(SOON, "its time is over", || !is_up(&home, &share));
    assert!(began.elapsed() < Duration::from_secs(14), "{:?}", began.elapsed());
    // And however often.
    home.kill_daemon();
    clock.start(&mut home);
    assert!(!is_up(&home, &share));
}

/// A share of ten seconds has them and no more, whatever happens meanwhile.
#[track_caller]
fn lasts_ten_seconds(meanwhile: impl FnOnce(&mut Faked, &Value)) {
    let Some(mut faked) = Faked::started() else { return };
    let began = Instant::now();
    let share = brief(&faked.home, 10);
    meanwhile(&mut faked, &share);
    assert!(is_up(&faked.home, &share), "it is not over yet\n{}", faked.home.log_text());
    until(SOON, "its time is over", || !is_up(&faked.home, &share));
    let took = began.elapsed();
    assert!(took > Duration::from_secs(10) && took < Duration::from_secs(13), "{took:?}");
}

#[test]
fn a_share_lasts_no_longer_when_the_clock_is_set_back_and_the_daemon_told_to_end() {
    lasts_ten_seconds(|faked, _| {
        faked.clock.set("-1d");
        assert_eq!(faked.home.signal_daemon(Signal::TERM), Some(0));
        faked.restart();
    });
}

#[test]
fn a_share_lasts_no_longer_when_the_clock_is_set_back_and_the_daemon_killed() {
    lasts_ten_seconds(|faked, _| {
        faked.clock.set("-1d");
        faked.until_noticed();
        // Twice: by then, a daemon has said by this clock that it is alive.
        for _ in 0..2 {
            faked.home.kill_daemon();
            faked.restart();
        }
    });
}

#[test]
fn a_share_lasts_no_longer_when_the_daemon_is_killed_and_the_clock_set_back() {
    lasts_ten_seconds(|faked, _| {
        faked.home.kill_daemon();
        faked.clock.set("-1d");
        // Time without a daemon is time, too.
        let away = Instant::now();
        until(SOON, "four seconds are over", || away.elapsed() > Duration::from_secs(4));
        faked.restart();
    });
}

#[test]
fn a_share_lasts_no_longer_when_the_clock_is_set_back_and_its_actor_falls() {
    lasts_ten_seconds(|faked, share| {
        faked.clock.set("-1d");
        faked.fault("share", share);
    });
}

#[test]
fn a_share_lasts_no_longer_when_the_clock_is_set_back_and_the_supervisor_falls() {
    lasts_ten_seconds(|faked, share| {
        let before = Instant::now();
        until(SOON, "four seconds are over", || before.elapsed() > Duration::from_secs(4));
        faked.clock.set("-1d");
        faked.fault("supervisor", share);
    });
}

#[test]
fn a_share_lasts_no_shorter_when_a_clock_that_was_ahead_is_set_right() {
    let Some(mut faked) = Faked::started() else { return };
    // Known to be alive tomorrow, and asked for a share today.
    faked.home.kill_daemon();
    faked.clock.set("+1d");
    faked.restart();
    faked.clock.set("+0");
    let share = brief(&faked.home, 3600);
    faked.home.kill_daemon();
    faked.restart();
    assert!(is_up(&faked.home, &share), "{}", faked.home.log_text());
    // The same in order, and with the clock ahead for a while.
    faked.clock.set("+1800");
    assert_eq!(faked.home.signal_daemon(Signal::TERM), Some(0));
    faked.restart();
    faked.clock.set("+0");
    assert_eq!(faked.home.signal_daemon(Signal::TERM), Some(0));
    faked.restart();
    assert!(is_up(&faked.home, &share), "{}", faked.home.log_text());
}
