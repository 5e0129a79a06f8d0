//! A panic in each actor: only that actor is replaced, no URL changes, who waits gets an error.

use std::fs;
use std::os::unix::fs::FileExt as _;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection as _;
use diesel::{Connection as _, SqliteConnection};
use serde_json::{Value, json};

use crate::support::daemon::Home;
use crate::support::tunnel::Mode;
use crate::support::wait::{SOON, until};
use crate::support::{http, process, sessions};

fn fault(home: &Home, actor: &str, share: &Value) {
    // The actor that answers may be the one that falls: an error, or the end of the connection.
    let mut wire = home.connect();
    wire.send(&json!({"method": "Fault", "params": {"actor": actor, "share_id": share["id"]}}));
    wire.next();
}

fn local_url(share: &Value) -> String {
    let path = share["public_url"].as_str().unwrap().split_once("/s/").unwrap().1;
    format!("http://127.0.0.1:{}/s/{path}", share["local_port"])
}

/// Until both are back in a debug build.
const BACK: Duration = Duration::from_secs(2);

/// Two shares, a fault, and both as before with the same tunnels.
fn survives(actor: &str) {
    let home = Home::started();
    let shares: Vec<_> = (0..2).map(|_| home.share(&sessions::example(), "cloudflare")).collect();
    for round in 0..3 {
        let began = Instant::now();
        fault(&home, actor, &shares[0]);
        until(SOON, "the daemon has noticed", || {
            home.log_text().matches("a fault was asked for").count() > round
        });
        for share in &shares {
            home.until_share(&share["id"], "the share is active", |now| {
                now["status"] == "active" && now["public_url"] == share["public_url"]
            });
            assert_eq!(http::get(&local_url(share)).status, 200, "{actor}, round {round}");
        }
        // A ShareActor that falls again waits a moment. Within 1 s, that is asserted of a release with 50 shares, by
        // benches/recovery.rs.
        assert!(actor == "share" || began.elapsed() < BACK, "{actor}, round {round}: {:?}", began.elapsed());
        until(SOON, "the database answers", || {
            home.ask(&json!({"method": "ListShares", "params": {"all": true}}))["status"] == "ShareList"
        });
        let again = home.share(&sessions::example(), "local");
        assert_eq!(
            home.ask(&json!({"method": "StopShare", "params": {"share_id": again["id"]}}))["status"],
            "ShareStopped"
        );
    }
    // Nobody of an earlier life is left, who would take the keepers away again: that would be seen a second later.
    let histories = || shares.iter().map(|share| home.history(&share["id"])).collect::<Vec<_>>();
    let (before, began) = (histories(), Instant::now());
    until(SOON, "three seconds are over", || began.elapsed() > Duration::from_secs(3));
    assert_eq!(histories(), before, "{actor}");
    assert_eq!(home.tunnel.starts().len(), 2, "a tunnel was started again");
    assert_eq!(home.keepers().len(), 2);
}

#[test]
fn a_share_actor_that_panics_is_rebuilt_from_durable_state() {
    survives("share");
}

#[test]
fn a_db_actor_that_panics_comes_back() {
    survives("db");
}

#[test]
fn an_ipc_actor_that_panics_comes_back_on_the_same_socket() {
    survives("ipc");
}

#[test]
fn a_supervisor_that_panics_is_replaced_and_finds_every_share() {
    survives("supervisor");
}

#[test]
fn a_start_under_way_gets_an_error_when_its_actor_panics_and_leaves_nothing() {
    for actor in ["share", "supervisor"] {
        let home = Home::started();
        home.tunnel.behave(Mode::Silent);
        let mut wire = home.connect();
        wire.send(&json!({"method": "StartShare",
            "params": {"session_path": sessions::example(), "provider": "cloudflare"}}));
        until(SOON, "the tunnel has started", || home.tunnel.starts().len() == 1);
        fault(&home, actor, &home.shares()[0]);
        let reply = wire.next().expect("an answer, not a closed connection");
        assert_eq!(
            (&reply["status"], &reply["data"]["code"]),
            (&json!("Error"), &json!("internal")),
            "{actor}: {reply}"
        );
        let remedy = reply["data"]["remedy"].as_str().unwrap();
        assert!(
            !remedy.is_empty() && !remedy.contains("restarted"),
            "no such thing follows: {actor}: {reply}"
        );
        home.assert_nothing_runs();
        until(SOON, "it is listed no more", || {
            home.ask(&json!({"method": "ListShares"}))["data"].as_array().is_some_and(Vec::is_empty)
        });
    }
}

#[test]
fn two_that_fall_together_are_both_replaced_and_a_stop_holds_afterwards() {
    let mut home = Home::started();
    let shares: Vec<_> = (0..2).map(|_| home.share(&sessions::example(), "cloudflare")).collect();
    let mut wires: Vec<_> = (0..2).map(|_| home.connect()).collect();
    for (wire, actor) in wires.iter_mut().zip(["supervisor", "db"]) {
        wire.send(&json!({"method": "Fault", "params": {"actor": actor}}));
    }
    for share in &shares {
        home.until_share(&share["id"], "the share is active", |now| {
            now["status"] == "active" && now["public_url"] == share["public_url"]
        });
    }
    home.ask(&json!({"method": "StopShare", "params": {"share_id": shares[0]["id"]}}));
    fault(&home, "supervisor", &shares[1]);
    home.until_share(&shares[1]["id"], "the other is active", |now| now["status"] == "active");
    assert_eq!((home.shares().len(), home.keepers().len()), (1, 1));
    home.kill_daemon();
    home.start();
    home.until_share(&shares[1]["id"], "the other is active", |now| now["status"] == "active");
    assert_eq!((home.shares().len(), home.tunnel.starts().len()), (1, 2));
}

#[test]
fn a_hung_keeper_is_replaced_when_it_is_attached_again() {
    let home = Home::started();
    let share = home.share(&sessions::example(), "cloudflare");
    let hung = home.keepers()[0];
    process::signal(hung, rustix::process::Signal::STOP);
    fault(&home, "share", &share);
    until(SOON, "the hung keeper is gone", || !process::lives(hung));
    home.until_share(&share["id"], "another has taken its place", |now| now["status"] == "active");
    assert_eq!((home.keepers().len(), home.tunnel.starts().len()), (1, 2));
}

/// Asks until a part of the daemon that failed is there again.
#[track_caller]
fn insist(home: &Home, ask: &Value) -> Value {
    let mut reply = Value::Null;
    until(SOON, "it answers", || {
        reply = home.ask(ask);
        reply["data"]["code"] != "internal"
    });
    reply
}

#[test]
fn who_asks_a_supervisor_that_is_being_replaced_is_told_the_truth_or_to_ask_again() {
    let home = Home::started();
    let start = |key: usize| {
        json!({"method": "StartShare", "params": {"session_path": sessions::example(), "provider": "local",
            "options": {"idempotency_key": format!("key {key}")}}})
    };
    let mut shares: Vec<_> = (0..12).map(|key| home.ask(&start(key))["data"].clone()).collect();
    // Sixteen falls: a daemon gives up at more than twenty a minute.
    for key in (8..12).rev() {
        let share = shares[key].clone();
        let get = json!({"method": "GetShare", "params": {"share_id": share["id"]}});
        let stop = json!({"method": "StopShare", "params": {"share_id": share["id"]}});

        fault(&home, "supervisor", &Value::Null);
        let listed = insist(&home, &json!({"method": "ListShares"}));
        assert_eq!(listed["data"].as_array().unwrap().len(), shares.len(), "none is left out: {listed}");
        fault(&home, "supervisor", &Value::Null);
        assert_ne!(insist(&home, &get)["data"]["status"], "stopped", "it is wanted");
        fault(&home, "supervisor", &Value::Null);
        assert_eq!(insist(&home, &start(key))["data"]["id"], share["id"], "one key is one share");
        fault(&home, "supervisor", &Value::Null);
        assert_eq!(insist(&home, &stop)["status"], "ShareStopped");

        shares.pop();
        let listed = home.shares();
        assert!(listed.iter().all(|known| known["id"] != share["id"]), "it was stopped: {listed:?}");
        let address = ("127.0.0.1", u16::try_from(share["local_port"].as_u64().unwrap()).unwrap());
        std::net::TcpStream::connect(address).expect_err("its page is gone");
    }
    assert_eq!(home.keepers().len(), shares.len());
}

#[test]
fn the_shares_that_are_up_outlive_a_database_that_is_damaged_under_them() {
    outlive_a_damaged_database(&["db"]);
}

#[test]
fn they_do_if_the_supervisor_falls_in_the_moment_in_which_it_is_replaced() {
    outlive_a_damaged_database(&["db", "supervisor"]);
}

#[test]
fn they_do_if_nothing_falls_but_what_is_asked_finds_the_damage() {
    outlive_a_damaged_database(&[]);
}

fn outlive_a_damaged_database(falls: &[&str]) {
    let mut home = Home::started();
    let shares = [home.share(&sessions::example(), "cloudflare"), home.share(&sessions::example(), "local")];
    let stopped = home.share(&sessions::example(), "local");
    home.ask(&json!({"method": "StopShare", "params": {"share_id": stopped["id"]}}));
    // The log too: what it holds would mend the file.
    for part in ["state.db", "state.db-wal"].iter().filter(|_| !falls.is_empty()) {
        fs::write(home.data(part), [0x5a; 5000]).unwrap();
    }
    let mut wire = home.connect();
    for actor in falls {
        wire.send(&json!({"method": "Fault", "params": {"actor": actor}}));
    }
    if falls.is_empty() {
        // What stands in its memory is read again, once somebody else has written.
        let mut theirs = SqliteConnection::establish(home.data("state.db").to_str().unwrap()).unwrap();
        theirs.batch_execute("CREATE TABLE t (t); DROP TABLE t; PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
        let file = fs::File::options().write(true).open(home.data("state.db")).unwrap();
        let len = file.metadata().unwrap().len() as usize;
        file.write_all_at(&vec![0x5a; len - 4096], 4096).unwrap();
        home.ask(&json!({"method": "History", "params": {"share_id": shares[0]["id"]}}));
    }
    let notices = || home.ask(&json!({"method": "Hello"}))["data"]["notices"].to_string();
    until(SOON, "it is said", || notices().contains("state.db.damaged-"));
    for share in &shares {
        let told = || home.ask(&json!({"method": "History", "params": {"share_id": share["id"]}}));
        until(SOON, "it is recorded anew", || told()["status"] == "History");
        let told = &told()["data"][0];
        assert_eq!((&told["status"], &told["public_url"]), (&json!("starting"), &share["public_url"]));
        assert_eq!(told["reason"], "the database was lost: the share is recorded anew");
    }
    home.kill_daemon();
    home.start();
    for share in &shares {
        home.until_share(&share["id"], "it is back", |now| {
            now["status"] == "active" && now["public_url"] == share["public_url"]
        });
    }
    assert_eq!((home.shares().len(), home.tunnel.starts().len()), (2, 1));
}

#[test]
fn private_copies_outlive_a_supervisor_that_falls_while_pages_are_opened() {
    let mut home = Home::started();
    let source = home.path("mine.jsonl");
    sessions::write(&source, 400, 2_000);
    // More than are opened at once: most are still waiting for their turn then.
    let shares: Vec<_> = (0..20).map(|_| home.share(&source, "local")).collect();
    fs::remove_file(&source).unwrap();
    home.kill_daemon();
    home.start();
    fault(&home, "supervisor", &Value::Null);
    for share in &shares {
        home.until_share(&share["id"], "it is back", |now| {
            now["status"] == "active" && now["public_url"] == share["public_url"]
        });
    }
}

#[test]
fn who_listens_is_told_to_ask_again_when_a_supervisor_was_replaced() {
    let home = Home::started();
    home.share(&sessions::example(), "local");
    let mut wire = home.connect();
    assert_eq!(wire.ask(&json!({"method": "Subscribe"}))["status"], "Subscribed");
    fault(&home, "supervisor", &Value::Null);
    until(SOON, "it is told", || wire.next().unwrap()["data"]["kind"] == "missed");
}

#[test]
fn a_share_whose_actor_falls_again_and_again_waits_and_a_restart_does_not() {
    let home = Home::started();
    let share = home.share(&sessions::example(), "local");
    let now = || home.shares().remove(0);
    let began = Instant::now();
    for fall in 1..=6 {
        fault(&home, "share", &share);
        if fall > 1 {
            until(SOON, "it waits", || now()["phase"] == "rebuilding");
            assert!(now()["next_attempt_in"].is_u64(), "fall {fall}: {}", now());
        }
        let restarted = home.ask(&json!({"method": "RestartShare", "params": {"share_id": share["id"]}}));
        assert_eq!(restarted["status"], "ShareRestarting", "fall {fall}: {restarted}");
        home.until_share(&share["id"], "it is up", |share| share["status"] == "active");
    }
    // The waits alone, not cut short, are 1, 2, 4, 8 and 16 s, and a fifth less at the least.
    assert!(began.elapsed() < Duration::from_secs(24), "{:?}", began.elapsed());
}

#[test]
fn a_share_whose_time_ends_while_its_actor_waits_to_be_built_ends_in_time() {
    let home = Home::started();
    let share = home.ask(&json!({"method": "StartShare",
        "params": {"session_path": sessions::example(), "provider": "local", "options": {"expires_in": 12}}}));
    let share = share["data"].clone();
    let began = Instant::now();
    let restart = json!({"method": "RestartShare", "params": {"share_id": share["id"]}});
    for fall in 1..=6 {
        fault(&home, "share", &share);
        if fall > 1 {
            until(SOON, "it waits", || home.shares()[0]["phase"] == "rebuilding");
        }
        if fall < 6 {
            home.ask(&restart);
            home.until_share(&share["id"], "it is up", |share| share["status"] == "active");
        }
    }
    assert!(began.elapsed() < Duration::from_secs(12), "too slow a machine for this: {:?}", began.elapsed());
    until(SOON, "its time is over", || home.shares().is_empty());
    assert!(began.elapsed() < Duration::from_secs(14), "{:?}", began.elapsed());
    home.assert_nothing_runs();
}
