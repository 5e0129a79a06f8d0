//! What nobody knows of any more is ended; what could not be recorded is recorded later.

use std::fs;

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use panko::tunnel::keeper::protocol::KeeperSpec;
use panko::tunnel::spawn::spawn;
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::support::daemon::Home;
use crate::support::keeper::{cloudflare, exe};
use crate::support::tunnel::Mode;
use crate::support::wait::{SOON, until};
use crate::support::{http, process, sessions};

/// What the daemon does every minute, now.
fn sweep(home: &Home) {
    let swept = home.ask(&json!({"method": "Fault", "params": {"actor": "sweep"}}));
    assert_eq!(swept["status"], "Pong", "{swept}");
}

/// A keeper in this home, with a tunnel, that no daemon has started.
fn stray(home: &Home) -> panko::tunnel::spawn::SpawnedKeeper {
    let mut spec = KeeperSpec::new(&uuid::Uuid::new_v4().simple().to_string(), home.data("keepers"));
    spec.orphan_grace_ms = 600_000;
    spec.tunnel = Some(cloudflare(&home.tunnel));
    spawn(&spec, exe()).unwrap()
}

#[test]
fn a_keeper_of_a_share_that_nobody_knows_is_ended_by_the_next_look_and_no_other_is() {
    let home = Home::started();
    let share = home.share(&sessions::example(), "cloudflare");
    // One that is on its way has its entry before it has a keeper.
    home.tunnel.behave(Mode::Slow);
    let mut wire = home.connect();
    wire.send(&json!({"method": "StartShare",
        "params": {"session_path": sessions::example(), "provider": "cloudflare"}}));
    until(SOON, "its tunnel starts", || home.tunnel.starts().len() == 2);
    let ours = home.keepers();
    let mut nobodys = stray(&home);
    until(SOON, "the tunnel of the stray starts", || home.tunnel.starts().len() == 3);
    let client = home.tunnel.starts()[2];
    sweep(&home);
    until(SOON, "the stray has ended", || nobodys.child.try_wait().unwrap().is_some());
    until(SOON, "its tunnel has ended", || !process::lives(client));
    let mut left = home.keepers();
    left.sort_unstable();
    let mut kept = ours;
    kept.sort_unstable();
    assert_eq!(left, kept);
    home.tunnel.go_on();
    assert_eq!(wire.next().unwrap()["status"], "ShareStarted");
    assert_eq!(home.shares().len(), 2);
    assert_eq!(home.shares()[0]["public_url"], share["public_url"]);
    assert!(process::lives(home.tunnel.starts()[0]) && process::lives(home.tunnel.starts()[1]));
}

#[test]
fn a_tunnel_whose_keeper_died_while_no_daemon_ran_is_ended_by_the_next() {
    let mut home = Home::started();
    home.tunnel.behave(Mode::ForkGrandchild);
    home.share(&sessions::example(), "cloudflare");
    let (helpers, keeper) = (home.tunnel.helpers(), home.keepers()[0]);
    home.kill_daemon();
    process::signal(keeper, Signal::KILL);
    until(SOON, "the keeper is gone", || !process::lives(keeper));
    assert!(process::lives(helpers[1]), "what has a session of its own outlives its keeper");
    home.tunnel.behave(Mode::Ok);
    home.start();
    // Before anything is up again.
    assert!(helpers[..2].iter().all(|pid| !process::lives(*pid)), "helpers of the dead one still run");
    process::signal(helpers[2], Signal::KILL);
}

#[test]
fn an_end_that_the_database_did_not_take_is_recorded_later_by_the_same_daemon() {
    let mut home = Home::started();
    let share = home.share(&sessions::example(), "local");
    let mut theirs = SqliteConnection::establish(home.data("state.db").to_str().unwrap()).unwrap();
    theirs.batch_execute("BEGIN EXCLUSIVE").unwrap();
    let reply = home.ask(&json!({"method": "StopShare", "params": {"share_id": share["id"]}}));
    assert_eq!(reply["status"], "ShareStopped", "{reply}");
    until(SOON, "the database has given up", || home.log_text().contains("has not taken the end"));
    theirs.batch_execute("COMMIT").unwrap();
    let row =
        |db: &mut SqliteConnection| panko::db::find(db, share["id"].as_str().unwrap()).unwrap().unwrap();
    assert!(row(&mut theirs).wanted, "it is not recorded yet");
    sweep(&home);
    until(SOON, "it is recorded", || !row(&mut theirs).wanted);
    assert_eq!(row(&mut theirs).status, "stopped");
    until(SOON, "no note of it is left", || fs::read_dir(home.data("ends")).unwrap().count() == 0);
    home.kill_daemon();
    home.start();
    assert!(home.shares().is_empty());
    let told = home.history(&share["id"]);
    let ends: Vec<&Value> = told.iter().filter(|event| event["phase"] == "ended").collect();
    assert_eq!(ends.len(), 1, "{told:?}");
    assert!(http::raw(share["local_port"].as_u64().unwrap() as u16, b"GET / HTTP/1.1\r\n\r\n").is_none());
}
