//! Another program has locked the database.

use std::fs;
use std::io::{Read as _, Write as _};
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::support::daemon::Home;
use crate::support::tunnel::Mode;
use crate::support::wait::{SOON, until};
use crate::support::{http, process, sessions};

/// Held until it is dropped, or the process is.
fn lock(home: &Home) -> SqliteConnection {
    let mut theirs = SqliteConnection::establish(home.data("state.db").to_str().unwrap()).unwrap();
    theirs.batch_execute("PRAGMA busy_timeout = 20000; BEGIN EXCLUSIVE").unwrap();
    theirs
}

/// The row of a share, as the next daemon would read it.
fn row(home: &Home, id: &Value) -> panko::db::ShareRow {
    let mut db = SqliteConnection::establish(home.data("state.db").to_str().unwrap()).unwrap();
    panko::db::find(&mut db, id.as_str().unwrap()).unwrap().unwrap()
}

fn stop(share: &Value) -> Value {
    json!({"method": "StopShare", "params": {"share_id": share["id"]}})
}

/// Nothing has come back, and the share is remembered as stopped.
#[track_caller]
fn assert_stays_stopped(home: &Home, share: &Value) {
    assert_eq!(home.shares(), Vec::<Value>::new());
    home.assert_nothing_runs();
    home.until_share(&share["id"], "its end is recorded", |share| {
        share["status"] == "stopped" && share["ended_at"].is_string()
    });
    let noted = || fs::read_dir(home.data("ends")).unwrap().count();
    until(SOON, "no note of it is left", || noted() == 0);
}

#[test]
fn a_database_that_is_locked_for_ten_seconds_is_busy_and_blocks_nobody() {
    let home = Home::started();
    let share = home.share(&sessions::example(), "local");
    let url = share["public_url"].as_str().unwrap();
    let (theirs, began) = (lock(&home), Instant::now());
    let mut asking = home.connect();
    asking.send(&json!({"method": "StartShare",
        "params": {"session_path": sessions::example(), "provider": "local"}}));
    let mut refusal = std::thread::spawn(move || asking.next().unwrap());
    let mut refusals = 0;
    while began.elapsed() < Duration::from_secs(10) {
        let asked = Instant::now();
        assert!(home.shares().iter().any(|listed| listed["id"] == share["id"]));
        assert_eq!(http::get(url).status, 200);
        assert!(asked.elapsed() < Duration::from_secs(2), "{:?}", asked.elapsed());
        if refusal.is_finished() {
            let reply = refusal.join().unwrap();
            assert_eq!(
                (&reply["status"], &reply["data"]["code"]),
                (&json!("Error"), &json!("busy")),
                "{reply}"
            );
            assert!(reply["data"]["message"].as_str().unwrap().contains("locked"), "{reply}");
            assert!(reply["data"]["remedy"].as_str().unwrap().contains("try again"), "{reply}");
            refusals += 1;
            let mut asking = home.connect();
            asking.send(&json!({"method": "StartShare",
                "params": {"session_path": sessions::example(), "provider": "local"}}));
            refusal = std::thread::spawn(move || asking.next().unwrap());
        }
    }
    assert!(refusals > 0);
    drop(theirs);
    refusal.join().unwrap();
    home.share(&sessions::example(), "local");
}

#[test]
fn a_share_that_is_stopped_meanwhile_is_gone_and_stays_gone_whoever_falls() {
    for falls in ["nobody", "supervisor", "daemon"] {
        let mut home = Home::started();
        let share = home.share(&sessions::example(), "cloudflare");
        let theirs = lock(&home);
        let asked = Instant::now();
        assert_eq!(home.ask(&stop(&share))["status"], "ShareStopped");
        // Less than the database has until it says that it is locked.
        assert!(asked.elapsed() < Duration::from_secs(4), "{:?}", asked.elapsed());
        home.assert_nothing_runs();
        // Twice is no error.
        assert_eq!(home.ask(&stop(&share))["status"], "ShareStopped");
        match falls {
            "supervisor" => {
                // Both stops have been waited for in vain: what is read from now on is answered at once.
                let given_up = || home.log_text().matches("has not taken the end").count();
                until(SOON, "the database has given up", || given_up() == 2);
                home.connect().send(&json!({"method": "Fault", "params": {"actor": "supervisor"}}));
                until(SOON, "it has fallen", || home.log_text().contains("a fault was asked for"));
                let all = json!({"method": "ListShares", "params": {"all": true}});
                let knows = || home.ask(&all)["data"].as_array().is_some_and(|shares| shares.len() == 1);
                until(SOON, "there is another, which has read the row", knows);
                home.assert_nothing_runs();
                assert_eq!(home.shares(), Vec::<Value>::new());
            }
            "daemon" => home.kill_daemon(),
            _ => {}
        }
        drop(theirs);
        if falls != "daemon" {
            assert_eq!(home.ask(&stop(&share))["status"], "ShareStopped");
            home.kill_daemon();
        }
        home.start();
        assert_stays_stopped(&home, &share);
        assert_eq!(home.tunnel.starts().len(), 1, "{falls}");
    }
}

#[test]
fn the_page_of_a_share_that_is_stopped_meanwhile_is_gone_at_once() {
    let home = Home::started();
    // Its client takes its five seconds.
    home.tunnel.behave(Mode::IgnoreTerm);
    let share = home.share(&sessions::example(), "cloudflare");
    let _theirs = lock(&home);
    let mut wire = home.connect();
    wire.send(&stop(&share));
    until(SOON, "no server of the share is left", || {
        home.shares().first().is_none_or(|share| share["phase"] != "active")
    });
    let port = u16::try_from(share["local_port"].as_u64().unwrap()).unwrap();
    // The keeper holds the port until it has ended: nobody serves there meanwhile.
    if let Ok(mut viewer) = std::net::TcpStream::connect(("127.0.0.1", port)) {
        let path = share["public_url"].as_str().unwrap().split_once("/s/").unwrap().1;
        let _ = write!(viewer, "GET /s/{path} HTTP/1.1\r\nHost: x\r\n\r\n");
        let mut served = Vec::new();
        let _ = viewer.read_to_end(&mut served);
        assert!(served.is_empty(), "{}", String::from_utf8_lossy(&served));
    }
    assert_eq!(wire.next().unwrap()["status"], "ShareStopped");
}

#[test]
fn a_daemon_that_is_interrupted_meanwhile_ends_in_time_and_nothing_comes_back() {
    let mut home = Home::started();
    home.tunnel.behave(Mode::IgnoreTerm);
    let share = home.share(&sessions::example(), "cloudflare");
    for _ in 0..3 {
        home.share(&sessions::example(), "local");
    }
    let theirs = lock(&home);
    let began = Instant::now();
    process::signal(home.daemon_pid(), Signal::INT);
    assert_eq!(home.daemon_exit(), Some(0), "{}", home.log_text());
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    assert!(home.keepers().is_empty() && home.tunnels().is_empty(), "something still runs");
    // Nobody tells of them as if they waited for a daemon.
    let listed = home.ok(&["ls", "--json"]);
    assert!(!listed.contains("waits for the daemon"), "{listed}");
    drop(theirs);
    home.start();
    assert_stays_stopped(&home, &share);
}

#[test]
fn a_stop_that_is_acknowledged_while_the_daemon_is_told_to_leave_is_a_stop() {
    let mut home = Home::started();
    let share = home.share(&sessions::example(), "cloudflare");
    let theirs = lock(&home);
    let mut wire = home.connect();
    wire.send(&stop(&share));
    until(SOON, "its page is gone", || home.shares().first().is_none_or(|share| share["phase"] != "active"));
    process::signal(home.daemon_pid(), Signal::TERM);
    assert_eq!(wire.next().unwrap()["status"], "ShareStopped");
    assert_eq!(home.daemon_exit(), Some(0), "{}", home.log_text());
    assert!(home.keepers().is_empty() && home.tunnels().is_empty(), "something still runs");
    drop(theirs);
    home.start();
    assert_stays_stopped(&home, &share);
}

#[test]
fn what_happens_to_a_share_meanwhile_is_stored_with_its_history_afterwards() {
    let home = Home::started();
    let share = home.share(&sessions::example(), "cloudflare");
    let (theirs, began) = (lock(&home), Instant::now());
    process::signal(home.tunnel.starts()[0], Signal::KILL);
    home.until_share(&share["id"], "it is back under another URL", |now| {
        now["status"] == "active" && now["public_url"] != share["public_url"]
    });
    let second = home.shares()[0]["public_url"].clone();
    // Longer than the database is waited for.
    until(SOON, "ten seconds are over", || began.elapsed() > Duration::from_secs(10));
    assert_eq!(row(&home, &share["id"]).public_url, share["public_url"]);
    drop(theirs);
    until(SOON, "its new URL is stored", || row(&home, &share["id"]).public_url == second);
    let told = home.history(&share["id"]);
    let seen: Vec<_> = told.iter().map(|event| (&event["status"], &event["public_url"])).collect();
    let (starting, active, error, first) =
        (json!("starting"), json!("active"), json!("error"), &share["public_url"]);
    let expected = [
        (&starting, &Value::Null),
        (&starting, first),
        (&active, first),
        (&error, &Value::Null),
        (&error, &second),
        (&active, &second),
    ];
    assert_eq!(seen, expected);
    let times: Vec<_> = told.iter().map(|event| event["at"].as_str().unwrap().parse().unwrap()).collect();
    assert!(times.is_sorted_by(|a: &jiff::Timestamp, b| a <= b), "when it happened, not when it was stored");
    assert!(home.log_text().contains("could not be recorded yet"), "{}", home.log_text());
}

#[test]
fn what_happened_to_a_share_that_was_stopped_meanwhile_is_in_its_history_afterwards() {
    let home = Home::started();
    let share = home.share(&sessions::example(), "cloudflare");
    let theirs = lock(&home);
    process::signal(home.tunnel.starts()[0], Signal::KILL);
    home.until_share(&share["id"], "it is back under another URL", |now| {
        now["status"] == "active" && now["public_url"] != share["public_url"]
    });
    let second = home.shares()[0]["public_url"].clone();
    assert_eq!(home.ask(&stop(&share))["status"], "ShareStopped");
    drop(theirs);
    let moved = |event: &Value| event["status"] == "active" && event["public_url"] == second;
    until(SOON, "its second URL is in its history", || home.history(&share["id"]).iter().any(moved));
    until(SOON, "its end is the last of it", || {
        home.history(&share["id"]).last().unwrap()["phase"] == "ended"
    });
    let told = home.history(&share["id"]);
    assert_eq!(told.iter().filter(|event| moved(event)).count(), 1, "{told:?}");
}

#[test]
fn a_url_that_comes_while_the_first_is_being_stored_is_stored_too() {
    let home = Home::started();
    home.tunnel.behave(Mode::SlowTwoUrls);
    let mut asking = home.connect();
    asking.send(&json!({"method": "StartShare",
        "params": {"session_path": sessions::example(), "provider": "cloudflare"}}));
    until(SOON, "its tunnel starts", || home.tunnel.starts().len() == 1);
    let theirs = lock(&home);
    home.tunnel.go_on();
    let url = || home.shares()[0]["public_url"].as_str().unwrap().to_owned();
    until(SOON, "it is up, and that is being stored", || home.shares()[0]["status"] == "active");
    home.tunnel.go_further();
    until(SOON, "it has its second URL", || url().contains("//second-"));
    drop(theirs);
    assert_eq!(asking.next().unwrap()["status"], "ShareStarted");
    let id = &home.shares()[0]["id"];
    until(SOON, "that is stored", || row(&home, id).public_url == url());
}
