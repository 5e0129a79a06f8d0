//! Tunnel clients that misbehave, seen through the daemon.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::support::daemon::{Home, Wire};
use crate::support::tunnel::Mode;
use crate::support::wait::{SOON, until};
use crate::support::{process, sessions};

fn info(home: &Home, share: &Value) -> Value {
    home.ask(&json!({"method": "GetShare", "params": {"share_id": share["id"]}}))["data"].clone()
}

/// Waits for the news that a share has this phase; what they say of it.
#[track_caller]
fn news_of(wire: &mut Wire, share: &Value, phase: &str) -> Value {
    loop {
        let news = wire.next().expect("news");
        let told = &news["data"]["share"];
        if told["id"] == share["id"] && told["phase"] == phase {
            return told.clone();
        }
    }
}

fn stop(home: &Home, share: &Value) -> Value {
    home.ask(&json!({"method": "StopShare", "params": {"share_id": share["id"]}}))
}

#[test]
fn a_crash_loop_is_started_ever_more_slowly_and_touches_no_sibling() {
    let home = Home::started();
    let sibling = home.share(&sessions::example(), "cloudflare");
    let share = home.share(&sessions::example(), "cloudflare");
    home.tunnel.behave(Mode::CrashLoop);
    let before = home.tunnel.starts().len();
    process::signal(home.tunnel.starts()[1], Signal::KILL);
    let began = Instant::now();
    let mut waits = Vec::new();
    until(Duration::from_secs(30), "ten seconds are over", || {
        if let Some(next) = info(&home, &share)["next_attempt_in"].as_u64() {
            waits.push(next);
        }
        began.elapsed() > Duration::from_secs(10)
    });
    let starts = home.tunnel.starts().len() - before;
    assert!((2..=5).contains(&starts), "{starts} starts in 10 s");
    assert!(waits.iter().max() >= Some(&2), "the waits grow: {waits:?}");
    let told = info(&home, &share);
    assert!(told["reason"].as_str().unwrap().contains("exit code 1"), "{told}");
    assert!(told["remedy"].as_str().unwrap().contains("panko logs"), "{told}");
    let other = info(&home, &sibling);
    assert_eq!((&other["status"], &other["public_url"]), (&json!("active"), &sibling["public_url"]));

    // A person does not wait.
    home.tunnel.behave(Mode::Ok);
    home.ok(&["restart", share["id"].as_str().unwrap()]);
    home.until_share(&share["id"], "it is up", |share| share["status"] == "active");
}

#[test]
fn a_rate_limited_provider_is_left_alone_for_minutes_and_that_is_said() {
    let home = Home::started();
    let share = home.share(&sessions::example(), "cloudflare");
    home.tunnel.behave(Mode::RateLimited);
    process::signal(home.tunnel.starts()[0], Signal::KILL);
    home.until_share(&share["id"], "it says so", |share| {
        share["reason"].as_str().is_some_and(|reason| reason.contains("too many requests"))
    });
    let told = info(&home, &share);
    // The row of this provider asks for five minutes.
    assert!(told["next_attempt_in"].as_u64().unwrap() >= 295, "{told}");
    assert!(told["remedy"].as_str().unwrap().contains("wait"), "{told}");
    let out = home.run(&["ls"]);
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    assert!(said.contains("too many requests") && said.contains("tried again in"), "{said}");
}

#[test]
fn two_tunnels_of_one_provider_start_at_once_and_no_more() {
    let home = Home::started();
    home.tunnel.behave(Mode::Slow);
    let mut wires: Vec<_> = (0..5).map(|_| home.connect()).collect();
    for wire in &mut wires {
        wire.send(&json!({"method": "StartShare",
            "params": {"session_path": sessions::example(), "provider": "cloudflare"}}));
    }
    until(SOON, "all wait and two start", || {
        let phases: Vec<_> = home.shares().iter().map(|share| share["phase"].clone()).collect();
        let count = |phase: &str| phases.iter().filter(|known| *known == phase).count();
        count("queued") == 3 && count("connecting") == 2
    });
    // A client says that it began a moment after it was started.
    until(SOON, "both have begun", || home.tunnel.starts().len() >= 2);
    assert_eq!(home.tunnel.starts().len(), 2);
    home.tunnel.go_on();
    for wire in &mut wires {
        assert_eq!(wire.next().unwrap()["status"], "ShareStarted");
    }
}

#[test]
fn a_client_that_ignores_term_delays_a_stop_by_its_five_seconds() {
    let home = Home::started();
    home.tunnel.behave(Mode::IgnoreTerm);
    let share = home.share(&sessions::example(), "cloudflare");
    let began = Instant::now();
    assert_eq!(stop(&home, &share)["status"], "ShareStopped");
    let took = began.elapsed().as_secs_f64();
    assert!((5.0..=6.0).contains(&took), "it took {took} s");
    assert!(home.tunnels().is_empty() && home.keepers().is_empty());
}

#[test]
fn a_program_that_cannot_run_is_a_typed_error_at_once_and_no_loop() {
    type Change = fn(&std::path::Path);
    let cases: [(&str, Change, &[&str]); 4] = [
        ("missing", |_| (), &["missing_program"]),
        ("of mode 000", |path| fs::write(path, "#!/bin/sh\n").unwrap(), &["bad_program", "missing_program"]),
        ("a folder", |path| fs::create_dir(path).unwrap(), &["bad_program", "missing_program"]),
        ("no program", not_a_program, &["bad_program"]),
    ];
    for (what, change, codes) in cases {
        let home = Home::started();
        let program = home.tunnel.program();
        fs::remove_file(&program).unwrap();
        change(&program);
        if what == "of mode 000" {
            fs::set_permissions(&program, fs::Permissions::from_mode(0o000)).unwrap();
        }
        // The fastest of some: what it takes, not what else the machine does.
        let fastest = (0..3).map(|_| {
            let began = Instant::now();
            let reply = home.try_share(&sessions::example(), "cloudflare");
            assert!(codes.contains(&reply["data"]["code"].as_str().unwrap()), "{what}: {reply}");
            assert!(!reply["data"]["remedy"].as_str().unwrap().is_empty(), "{what}: {reply}");
            began.elapsed()
        });
        let fastest = fastest.min().unwrap();
        assert!(fastest <= Duration::from_secs(1), "{what}: {fastest:?}");
        assert!(home.shares().is_empty(), "{what}");
        home.assert_nothing_runs();
    }
}

fn not_a_program(path: &std::path::Path) {
    fs::write(path, [0x7f, b'E', b'L', b'F', 9, 9, 9, 9]).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn a_restart_that_cannot_succeed_is_refused_and_costs_nothing() {
    let home = Home::started();
    let share = home.share(&sessions::example(), "cloudflare");
    let hidden = home.tunnel.folder().join("hidden");
    fs::rename(home.tunnel.program(), &hidden).unwrap();
    let ask = json!({"method": "RestartShare", "params": {"share_id": share["id"]}});
    let reply = home.ask(&ask);
    assert_eq!(reply["data"]["code"], "missing_program", "{reply}");
    assert!(reply["data"]["remedy"].as_str().unwrap().contains("install cloudflared"), "{reply}");
    let told = home.run(&["restart", share["id"].as_str().unwrap()]);
    let said = String::from_utf8_lossy(&told.stderr).into_owned();
    assert!(!told.status.success() && said.contains("cloudflared is not installed"), "{said}");
    let now = info(&home, &share);
    assert_eq!(
        (&now["phase"], &now["public_url"], &now["reason"]),
        (&json!("active"), &share["public_url"], &Value::Null)
    );
    assert_eq!(home.tunnels(), home.tunnel.starts(), "the client runs on");

    fs::rename(&hidden, home.tunnel.program()).unwrap();
    assert_eq!(home.ask(&ask)["status"], "ShareRestarting");
    home.until_share(&share["id"], "it has another tunnel", |now| {
        now["status"] == "active" && now["public_url"] != share["public_url"]
    });
    assert_eq!(home.tunnels(), home.tunnel.starts()[1..]);
}

#[test]
fn subscribers_are_told_why_a_share_is_down_when_it_is_tried_again_and_what_to_do() {
    let home = Home::started();
    let share = home.share(&sessions::example(), "cloudflare");
    let mut wire = home.connect();
    assert_eq!(wire.ask(&json!({"method": "Subscribe"}))["status"], "Subscribed");
    home.tunnel.behave(Mode::RateLimited);
    process::signal(home.tunnel.starts()[0], Signal::KILL);

    let crashed = news_of(&mut wire, &share, "backoff");
    assert_eq!(crashed["status"], "error", "{crashed}");
    assert!(crashed["reason"].as_str().unwrap().contains("was ended by signal 9"), "{crashed}");
    assert!(crashed["remedy"].as_str().unwrap().contains("panko logs"), "{crashed}");
    assert!(crashed["next_attempt_in"].as_u64().unwrap() <= 1, "{crashed}");
    // On its way it goes on saying what was wrong.
    let connecting = news_of(&mut wire, &share, "connecting");
    assert_eq!((&connecting["status"], &connecting["reason"]), (&json!("error"), &crashed["reason"]));
    let limited = news_of(&mut wire, &share, "backoff");
    assert!(limited["reason"].as_str().unwrap().contains("too many requests"), "{limited}");
    assert!(limited["next_attempt_in"].as_u64().unwrap() >= 295, "{limited}");

    home.tunnel.behave(Mode::UnknownFlag);
    home.ok(&["restart", share["id"].as_str().unwrap()]);
    let gave_up = news_of(&mut wire, &share, "gave_up");
    assert_eq!(
        (&gave_up["status"], &gave_up["remedy"], &gave_up["next_attempt_in"]),
        (&json!("error"), &json!("update cloudflared"), &Value::Null)
    );
    home.tunnel.behave(Mode::Ok);
    home.ok(&["restart", share["id"].as_str().unwrap()]);
    let active = news_of(&mut wire, &share, "active");
    assert_eq!((&active["reason"], &active["remedy"]), (&Value::Null, &Value::Null), "{active}");
    assert_ne!(active["public_url"], share["public_url"]);
}

#[test]
fn a_program_that_vanishes_while_it_is_shared_by_waits_for_a_person() {
    let home = Home::started();
    let share = home.share(&sessions::example(), "cloudflare");
    let hidden = home.tunnel.folder().join("hidden");
    fs::rename(home.tunnel.program(), &hidden).unwrap();
    process::signal(home.tunnel.starts()[0], Signal::KILL);
    home.until_share(&share["id"], "it has given up", |share| share["phase"] == "gave_up");
    let told = info(&home, &share);
    assert!(told["remedy"].as_str().unwrap().contains("install cloudflared"), "{told}");
    assert_eq!(told["next_attempt_in"], Value::Null, "{told}");
    fs::rename(&hidden, home.tunnel.program()).unwrap();
    home.ok(&["restart", share["id"].as_str().unwrap()]);
    home.until_share(&share["id"], "it is up", |share| share["status"] == "active");
}
