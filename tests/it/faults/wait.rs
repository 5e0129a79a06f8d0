//! The wait that a provider asked for, across whatever ends the daemon or a part of it.

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use jiff::{SignedDuration, Timestamp};
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::support::daemon::Home;
use crate::support::tunnel::Mode;
use crate::support::wait::{SOON, until};
use crate::support::{process, sessions};

fn info(home: &Home, share: &Value) -> Value {
    home.ask(&json!({"method": "GetShare", "params": {"share_id": share["id"]}}))["data"].clone()
}

/// A share whose provider asked for patience. What is started from now on would work.
fn limited() -> (Home, Value) {
    let home = Home::started();
    let share = home.share(&sessions::example(), "cloudflare");
    home.tunnel.behave(Mode::RateLimited);
    process::signal(home.tunnel.starts()[0], Signal::KILL);
    home.until_share(&share["id"], "its provider asks for patience", |share| {
        share["reason"].as_str().is_some_and(|why| why.contains("too many requests"))
    });
    home.tunnel.behave(Mode::Ok);
    (home, share)
}

/// Waits until the share waits for its provider, and sees that it says so everywhere.
#[track_caller]
fn until_waiting(home: &Home, share: &Value) {
    let mut now = Value::Null;
    until(SOON, "the share waits or is up", || {
        now = info(home, share);
        now["phase"] == "active" || now["phase"] == "backoff"
    });
    assert!(now["reason"].as_str().is_some_and(|why| why.contains("too many requests")), "{now}");
    assert!(now["remedy"].as_str().is_some_and(|what| what.contains("wait some minutes")), "{now}");
    let left = now["next_attempt_in"].as_u64().unwrap();
    assert!((240..=360).contains(&left), "{now}");
    let listed = home.run(&["ls"]);
    let said = String::from_utf8_lossy(&listed.stderr);
    assert!(said.contains("too many requests") && said.contains("tried again in"), "{said}");
    let told = home.ok(&["info", share["id"].as_str().unwrap()]);
    assert!(told.contains("too many requests") && told.contains("in "), "{told}");
}

fn edit(home: &Home, statements: &str) {
    let mut db = SqliteConnection::establish(home.data("state.db").to_str().unwrap()).unwrap();
    db.batch_execute(statements).unwrap();
}

#[test]
fn a_wait_outlives_the_daemon_its_supervisor_the_share_and_the_keeper() {
    let (mut home, share) = limited();
    let starts = home.tunnel.starts();
    home.kill_daemon();
    home.start();
    until_waiting(&home, &share);
    for actor in ["supervisor", "share"] {
        let falls = || home.log_text().matches("a fault was asked for").count();
        let before = falls();
        home.ask(&json!({"method": "Fault", "params": {"actor": actor, "share_id": share["id"]}}));
        until(SOON, "it has fallen", || falls() > before);
        until_waiting(&home, &share);
    }
    home.kill_daemon();
    let keeper = home.keepers()[0];
    process::signal(keeper, Signal::KILL);
    until(SOON, "the keeper is gone", || !process::lives(keeper));
    home.start();
    until_waiting(&home, &share);
    assert_eq!(home.tunnel.starts(), starts, "a tunnel was started before the wait was over");

    home.ok(&["restart", share["id"].as_str().unwrap()]);
    home.until_share(&share["id"], "a person does not wait", |share| share["status"] == "active");
    home.kill_daemon();
    home.start();
    home.until_share(&share["id"], "what is up does not wait", |share| share["status"] == "active");
}

#[test]
fn a_wait_that_outlived_the_daemon_ends_when_it_is_over_and_not_before() {
    let (mut home, share) = limited();
    let starts = home.tunnel.starts().len();
    home.kill_daemon();
    let over = Timestamp::now() + SignedDuration::from_secs(3);
    edit(&home, &format!("UPDATE shares SET not_before = '{over}'"));
    // The keeper's own memory of it would hold for its five minutes.
    process::signal(home.keepers()[0], Signal::KILL);
    home.start();
    until(SOON, "a tunnel starts", || home.tunnel.starts().len() > starts);
    assert!(Timestamp::now() >= over, "it was started before the wait was over");
    home.until_share(&share["id"], "it is up", |share| share["status"] == "active");
}

#[test]
fn what_a_provider_asked_for_while_no_daemon_ran_holds_for_the_next() {
    let mut home = Home::started();
    home.tunnel.behave(Mode::UpThenLimited);
    let share = home.share(&sessions::example(), "cloudflare");
    home.tunnel.behave(Mode::Ok);
    home.kill_daemon();
    home.tunnel.go_on();
    until(SOON, "the client is gone", || !process::lives(home.tunnel.starts()[0]));
    home.start();
    until_waiting(&home, &share);
    assert_eq!(home.tunnel.starts().len(), 1, "a tunnel was started before the wait was over");
}
