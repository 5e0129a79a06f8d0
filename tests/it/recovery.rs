//! What survives: kill -9 of the daemon, signals, upgrades, an old database, a daemon that was away.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use jiff::Timestamp;
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::support::daemon::Home;
use crate::support::tunnel::Mode;
use crate::support::wait::{SOON, until};
use crate::support::{http, process, sessions};

const SHARES: usize = 20;
/// Until all of them are back in a debug build.
const BACK: Duration = Duration::from_secs(5);

fn local_url(share: &Value) -> String {
    let path = share["public_url"].as_str().unwrap().split_once("/s/").unwrap().1;
    format!("http://127.0.0.1:{}/s/{path}", share["local_port"])
}

fn urls(shares: &[Value]) -> BTreeSet<String> {
    shares.iter().map(|share| share["public_url"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn twenty_shares_survive_kill_9_of_the_daemon_with_their_urls_and_their_tunnels() {
    let mut home = Home::started();
    let shares: Vec<_> = (0..SHARES).map(|_| home.share(&sessions::example(), "cloudflare")).collect();
    assert_eq!((urls(&shares).len(), home.tunnel.starts().len()), (SHARES, SHARES));
    home.kill_daemon();
    assert!(home.tunnel.starts().iter().all(|pid| process::lives(*pid)), "a tunnel died with the daemon");

    // Viewers who come meanwhile wait instead of being refused. Within 1 s, that is asserted of a release, by
    // benches/recovery.rs; a debug build on a machine with other work takes longer, but not as long as anything
    // that is waited for in vain.
    let began = Instant::now();
    let viewers: Vec<_> = shares
        .iter()
        .map(|share| {
            let patient = local_url(share);
            thread::spawn(move || (http::get(&patient).status, began.elapsed()))
        })
        .collect();
    home.start();
    for viewer in viewers {
        let (status, took) = viewer.join().unwrap();
        assert_eq!(status, 200);
        assert!(took < BACK, "{took:?}");
    }
    for share in &shares {
        home.until_share(&share["id"], "the share is back", |share| share["status"] == "active");
        assert_eq!(http::get(&local_url(share)).status, 200);
    }
    assert_eq!(urls(&home.shares()), urls(&shares));
    assert_eq!(home.tunnel.starts().len(), SHARES, "a second tunnel was started");
}

#[test]
fn a_share_that_was_never_answered_is_not_published_by_the_next_daemon() {
    let mut home = Home::started();
    home.tunnel.behave(Mode::Slow);
    let mut wire = home.connect();
    wire.send(&json!({"method": "StartShare", "params": {"session_path": sessions::example(), "provider": "cloudflare"}}));
    until(SOON, "the tunnel has started", || home.tunnel.starts().len() == 1);
    home.kill_daemon();
    home.start();
    home.assert_nothing_runs();
    assert!(home.shares().is_empty());
    let all = home.ask(&json!({"method": "ListShares", "params": {"all": true}}));
    assert_eq!(all["data"][0]["status"], "error");
}

#[test]
fn a_stopped_share_stays_stopped() {
    let mut home = Home::started();
    let share = home.share(&sessions::example(), "cloudflare");
    home.ask(&json!({"method": "StopShare", "params": {"share_id": share["id"]}}));
    home.kill_daemon();
    home.start();
    assert!(home.shares().is_empty());
    assert_eq!(home.tunnel.starts().len(), 1);
}

#[test]
fn a_tunnel_that_died_while_no_daemon_ran_is_started_again() {
    let mut home = Home::started();
    let share = home.share(&sessions::example(), "cloudflare");
    home.kill_daemon();
    process::signal(home.tunnel.starts()[0], Signal::KILL);
    until(SOON, "the tunnel is gone", || !process::lives(home.tunnel.starts()[0]));
    home.start();
    home.until_share(&share["id"], "the share is back", |share| share["status"] == "active");
    assert_eq!(home.tunnel.starts().len(), 2);
    let now = &home.shares()[0];
    assert_ne!(now["public_url"], share["public_url"], "a quick tunnel has a new name each time");
    assert_eq!(now["local_port"], share["local_port"], "the keeper kept the port");
    assert_eq!(http::get(&local_url(now)).status, 200);
}

#[test]
fn shares_come_back_when_all_that_ran_for_them_was_killed() {
    let mut home = Home::started();
    let share = home.share(&sessions::example(), "cloudflare");
    home.kill_daemon();
    home.keepers().into_iter().for_each(|keeper| process::signal(keeper, Signal::KILL));
    home.assert_nothing_runs();
    home.start();
    home.until_share(&share["id"], "the share is back", |share| share["status"] == "active");
    assert_eq!(http::get(&local_url(&home.shares()[0])).status, 200);
}

#[test]
fn a_keeper_without_a_daemon_ends_after_its_grace_and_leaves_nothing() {
    let mut home = Home::new();
    home.configure("orphan_grace = 1\n");
    home.start();
    home.tunnel.behave(Mode::ForkGrandchild);
    home.share(&sessions::example(), "cloudflare");
    home.kill_daemon();
    home.assert_nothing_runs();
    assert!(home.tunnel.helpers().iter().all(|pid| !process::lives(*pid)));
}

#[test]
fn term_leaves_the_shares_to_the_next_daemon() {
    let mut home = Home::started();
    let share = home.share(&sessions::example(), "cloudflare");
    assert_eq!(home.signal_daemon(Signal::TERM), Some(0));
    assert_eq!((home.keepers().len(), home.tunnels().len()), (1, 1));
    home.start();
    home.until_share(&share["id"], "the share is back", |share| share["status"] == "active");
    assert_eq!(urls(&home.shares()), urls(&[share]));
}

#[test]
fn int_and_shutdown_end_the_shares() {
    for by_signal in [true, false] {
        let mut home = Home::started();
        home.share(&sessions::example(), "cloudflare");
        let code = if by_signal {
            home.signal_daemon(Signal::INT)
        } else {
            assert_eq!(home.ask(&json!({"method": "Shutdown"})), json!({"status": "ShuttingDown"}));
            home.daemon_exit()
        };
        assert_eq!(code, Some(0));
        assert!(home.keepers().is_empty() && home.tunnels().is_empty(), "something still runs");
        assert!(!home.data("daemon.sock").exists() && !home.data("daemon.pid").exists());
        home.start();
        assert!(home.shares().is_empty(), "nothing publishes itself");
    }
}

#[test]
fn an_upgrade_keeps_the_tunnels() {
    let mut home = Home::started();
    let share = home.share(&sessions::example(), "cloudflare");
    home.ok(&["serve-stop", "--keep-tunnels"]);
    assert_eq!(home.daemon_exit(), Some(0));
    home.start();
    home.until_share(&share["id"], "the share is back", |share| share["status"] == "active");
    assert_eq!(urls(&home.shares()), urls(std::slice::from_ref(&share)));
    assert_eq!(home.tunnel.starts().len(), 1);
    let told = home.history(&share["id"]);
    let told: Vec<_> = told.iter().map(|event| [&event["phase"], &event["reason"]]).collect();
    let expected = [
        json!(["active", null]),
        json!(["left", "the daemon ends and leaves it to the next one"]),
        json!(["attaching", "a daemon has started and takes it over"]),
    ];
    let at = told.iter().position(|[phase, _]| *phase == "left").unwrap();
    assert_eq!(json!(told[at - 1..at + 2]), json!(expected));
}

#[test]
fn what_is_kept_for_the_next_daemon_is_no_stray_however_long_the_end_takes() {
    let mut home = Home::started();
    let share = home.share(&sessions::example(), "cloudflare");
    let ending = home.share(&sessions::example(), "cloudflare");
    let (url, tunnels) = (share["public_url"].clone(), home.tunnel.starts());
    // One share that is being prepared ends with the daemon, and that waits for the database.
    home.tunnel.behave(Mode::Silent);
    let mut wire = home.connect();
    wire.send(&json!({"method": "StartShare",
        "params": {"session_path": sessions::example(), "provider": "cloudflare"}}));
    until(SOON, "a third tunnel starts", || home.tunnel.starts().len() == 3);
    let mut theirs = SqliteConnection::establish(home.data("state.db").to_str().unwrap()).unwrap();
    theirs.batch_execute("BEGIN EXCLUSIVE").unwrap();
    home.connect().send(&json!({"method": "Shutdown", "params": {"keep_tunnels": true}}));
    until(SOON, "the others are left", || {
        let gone = |share: &Value| home.shares().iter().all(|known| known["id"] != share["id"]);
        gone(&share) && gone(&ending)
    });
    let swept = home.ask(&json!({"method": "Fault", "params": {"actor": "sweep"}}));
    assert_eq!(swept["status"], "Pong", "{swept}");
    theirs.batch_execute("COMMIT").unwrap();
    assert_eq!(home.daemon_exit(), Some(0));
    home.tunnel.behave(Mode::Ok);
    home.start();
    home.until_share(&share["id"], "it is up", |share| share["status"] == "active");
    let again = home.ask(&json!({"method": "GetShare", "params": {"share_id": share["id"]}}));
    assert_eq!(again["data"]["public_url"], url);
    assert!(process::lives(tunnels[0]) && process::lives(tunnels[1]), "{}", home.log_text());
}

#[test]
fn a_daemon_is_replaced_be_it_hung_and_the_tunnels_stay() {
    for hung in [false, true] {
        let mut home = Home::started();
        let share = home.share(&sessions::example(), "cloudflare");
        let old = home.daemon_pid();
        if hung {
            process::signal(old, Signal::STOP);
        }
        // A stopped process takes no TERM: the kill comes after the time for that. Its parent is this test, so
        // it must be waited for to be gone.
        let replacing = home.command(&["serve", "--replace"]).spawn().unwrap();
        home.daemon_exit();
        assert!(replacing.wait_with_output().unwrap().status.success());
        home.until_share(&share["id"], "the share is back", |share| share["status"] == "active");
        assert_eq!(urls(&home.shares()), urls(&[share]));
        assert_eq!(home.tunnel.starts().len(), 1);
        assert_ne!(home.ask(&json!({"method": "Hello"}))["data"]["pid"], old);
        home.ok(&["serve-stop"]);
    }
}

#[test]
fn a_keeper_that_belongs_to_nobody_is_ended_when_a_supervisor_starts() {
    let home = Home::started();
    let share = home.share(&sessions::example(), "cloudflare");
    edit(&home, &format!("DELETE FROM shares WHERE id = '{}'", share["id"].as_str().unwrap()));
    home.ask(&json!({"method": "Fault", "params": {"actor": "supervisor"}}));
    home.assert_nothing_runs();
}

#[test]
fn hup_reads_the_configuration_again() {
    let mut home = Home::started();
    home.share(&sessions::example(), "local");
    home.configure("max_shares = 1\n");
    process::signal(home.daemon_pid(), Signal::HUP);
    until(SOON, "the limit is in force", || {
        let reply = home.try_share(&sessions::example(), "local");
        reply["data"]["code"] == "too_many_shares"
    });
    assert_eq!(home.signal_daemon(Signal::INT), Some(0));
}

#[test]
fn a_keeper_that_is_killed_is_replaced_and_its_tunnel_with_it() {
    let home = Home::started();
    home.tunnel.behave(Mode::ForkGrandchild);
    let share = home.share(&sessions::example(), "cloudflare");
    let (client, helpers) = (home.tunnel.starts()[0], home.tunnel.helpers());
    let (since, began) = (Timestamp::now(), Instant::now());
    process::signal(home.keepers()[0], Signal::KILL);
    // The third helper bears no mark: nobody can tell whose it is.
    until(WITHIN, "the client is gone and its helpers are", || {
        [client, helpers[0], helpers[1]].iter().all(|pid| !process::lives(*pid))
    });
    assert!(began.elapsed() <= WITHIN, "{:?}", began.elapsed());
    let noticed = home.dated(&share["id"], since, "it is not active", |event| event["status"] == "error");
    assert!(noticed <= WITHIN, "{noticed:?}");
    home.until_share(&share["id"], "it is back", |share| share["status"] == "active");
    assert_eq!(home.tunnel.starts().len(), 2);
    assert_eq!(home.keepers().len(), 1);
    process::signal(helpers[2], Signal::KILL);
}

/// The most time the loss of a tunnel or a keeper may go unnoticed.
const WITHIN: Duration = Duration::from_secs(1);

#[test]
fn a_tunnel_that_is_killed_is_not_active_and_comes_back() {
    let home = Home::started();
    let share = home.share(&sessions::example(), "cloudflare");
    let since = Timestamp::now();
    process::signal(home.tunnel.starts()[0], Signal::KILL);
    let noticed = home.dated(&share["id"], since, "it is not active", |event| {
        event["status"] == "error" && event["phase"] == "backoff" && event["reason"].is_string()
    });
    assert!(noticed <= WITHIN, "{noticed:?}");
    home.until_share(&share["id"], "it is back", |share| share["status"] == "active");
    let now = &home.shares()[0];
    assert_ne!(now["public_url"], share["public_url"]);
    assert_eq!(now["recoveries"], 1);
    assert_eq!(http::get(&local_url(now)).status, 200);
    until(SOON, "its new URL is stored", || row(&home, &share["id"]).public_url == now["public_url"]);
}

/// The row of a share, as the next daemon would read it.
fn row(home: &Home, id: &Value) -> panko::db::ShareRow {
    let mut db = SqliteConnection::establish(home.data("state.db").to_str().unwrap()).unwrap();
    panko::db::find(&mut db, id.as_str().unwrap()).unwrap().unwrap()
}

/// Whether there is any private copy, or a part of one.
fn copies(home: &Home) -> bool {
    fs::read_dir(home.data("snapshots"))
        .unwrap()
        .any(|entry| entry.unwrap().path().extension().is_none_or(|extension| extension != "log"))
}

/// Changes the database of a daemon that does not run.
fn edit(home: &Home, statements: &str) {
    use diesel::connection::SimpleConnection as _;
    use diesel::prelude::*;
    let path = home.data("state.db");
    let mut db = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
    db.batch_execute(statements).unwrap();
}

#[test]
fn shares_of_a_daemon_that_was_away_too_long_come_back_as_stopped() {
    let mut home = Home::new();
    home.configure("orphan_grace = 0\n");
    home.start();
    let share = home.share(&sessions::example(), "cloudflare");
    home.kill_daemon();
    home.assert_nothing_runs();
    edit(&home, "UPDATE daemon_state SET value = '2026-01-01T00:00:00Z' WHERE key = 'last_alive'");
    home.start();
    assert!(home.shares().is_empty());
    until(SOON, "its private copy is gone", || !copies(&home));
    let reply = home.ask(&json!({"method": "GetShare", "params": {"share_id": share["id"]}}));
    assert_eq!(reply["data"]["status"], "stopped");
    let remedy = reply["data"]["remedy"].as_str().unwrap();
    assert!(remedy.starts_with("panko share /"), "it says how to start it again: {remedy}");
    assert_eq!(home.tunnel.starts().len(), 1);
}

#[test]
fn a_share_ends_by_itself_and_no_daemon_revives_it() {
    let mut home = Home::new();
    home.start();
    let ask = |secs: u64| {
        json!({"method": "StartShare", "params": {"session_path": sessions::example(), "provider": "cloudflare",
            "options": {"expires_in": secs}}})
    };
    let (short, long) = (home.ask(&ask(1))["data"].clone(), home.ask(&ask(3600))["data"].clone());
    assert!(short["expires_at"].is_string(), "{short}");
    home.until_share(&short["id"], "its time is over", |share| share["phase"] == "ended");
    let reply = home.ask(&json!({"method": "GetShare", "params": {"share_id": short["id"]}}));
    assert_eq!(
        (&reply["data"]["status"], &reply["data"]["reason"]),
        (&json!("stopped"), &json!("its time is over"))
    );
    assert_eq!(home.tunnels().len(), 1);
    // The time of the other passes while no daemon runs.
    home.kill_daemon();
    let id = long["id"].as_str().unwrap();
    edit(
        &home,
        &format!(
            "UPDATE shares SET options = json_set(options, '$.expires_at', '2026-01-01T00:00:00Z') WHERE id = '{id}'"
        ),
    );
    fs::write(home.data("snapshots/.tmpAbCdEf"), "half a copy").unwrap();
    home.start();
    home.assert_nothing_runs();
    assert!(home.shares().is_empty());
    until(SOON, "no private copy is left", || !copies(&home));
}

#[test]
fn a_database_of_the_original_opens_and_its_shares_are_stopped() {
    let mut home = Home::new();
    fs::create_dir_all(home.data("")).unwrap();
    let id = "6f2a0f6e-0000-4000-8000-000000000001";
    edit(
        &home,
        &format!(
            "CREATE TABLE shares(id TEXT PRIMARY KEY, session_path TEXT NOT NULL, session_name TEXT NOT NULL,
                public_url TEXT NOT NULL, provider_name TEXT NOT NULL, local_port INTEGER NOT NULL,
                started_at TEXT NOT NULL, status TEXT NOT NULL DEFAULT 'active');
             CREATE TABLE daemon_state(key TEXT PRIMARY KEY, value TEXT NOT NULL);
             INSERT INTO shares VALUES('{id}','/s.jsonl','s','https://a.example','ngrok',4040,'2026-01-31T12:00:00Z','active');"
        ),
    );
    home.start();
    assert!(home.shares().is_empty());
    let reply = home.ask(&json!({"method": "GetShare", "params": {"share_id": id}}));
    assert_eq!(
        (&reply["data"]["status"], &reply["data"]["session_path"]),
        (&json!("stopped"), &json!("/s.jsonl"))
    );
}

#[test]
fn shares_that_ended_long_ago_are_forgotten_and_others_are_not() {
    let mut home = Home::new();
    home.configure("retention = 2\n");
    home.start();
    for _ in 0..2 {
        let share = home.share(&sessions::example(), "local");
        home.ask(&json!({"method": "StopShare", "params": {"share_id": share["id"]}}));
    }
    let all = || {
        home.ask(&json!({"method": "ListShares", "params": {"all": true}}))["data"]
            .as_array()
            .unwrap()
            .clone()
    };
    let ids: Vec<_> = all().iter().map(|share| share["id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(ids.len(), 2);
    home.kill_daemon();
    edit(&home, &format!("UPDATE shares SET ended_at = '2026-01-01T00:00:00Z' WHERE id = '{}'", ids[0]));
    home.start();
    let all = || {
        home.ask(&json!({"method": "ListShares", "params": {"all": true}}))["data"]
            .as_array()
            .unwrap()
            .clone()
    };
    until(SOON, "the old one is forgotten", || all().len() == 1);
    assert_eq!(all()[0]["id"], ids[1].as_str());
}

#[test]
fn a_damaged_database_is_set_aside_and_said_so() {
    let mut home = Home::new();
    fs::create_dir_all(home.data("")).unwrap();
    fs::write(home.data("state.db"), [0x5a; 5000]).unwrap();
    home.start();
    assert_eq!(
        http::get(home.share(&sessions::example(), "local")["public_url"].as_str().unwrap()).status,
        200
    );
    let aside: Vec<_> = fs::read_dir(home.data(""))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.to_string_lossy().contains("state.db.damaged-"))
        .collect();
    assert_eq!(aside.len(), 1);
    assert_eq!(fs::read(&aside[0]).unwrap(), [0x5a; 5000], "nothing is lost");
    let status = home.ok(&["serve-status", "--json"]);
    assert!(status.contains("state.db.damaged-"), "{status}");
}

/// The soak found it: between fork and exec, a child of the killed daemon has all that the daemon had open, the
/// listening socket too.
#[test]
fn what_a_killed_daemons_child_still_holds_is_waited_for() {
    let home = Home::new();
    fs::create_dir_all(home.data("")).unwrap();
    let lock = fs::File::create(home.data("daemon.lock")).unwrap();
    lock.lock().unwrap();
    let socket = std::os::unix::net::UnixListener::bind(home.data("daemon.sock")).unwrap();
    socket.set_nonblocking(true).unwrap();
    let mut daemon = home.command(&["serve", "--foreground"]).stderr(Stdio::null()).spawn().unwrap();
    let mut unanswered = Vec::new();
    until(SOON, "it has asked whether a daemon answers, and asks again", || {
        assert!(daemon.try_wait().unwrap().is_none(), "it took the silence for a daemon");
        unanswered.extend(socket.accept().map(|(connection, _)| connection));
        unanswered.len() == 2
    });
    drop((socket, lock, unanswered));
    until(SOON, "it is the daemon", || home.run(&["serve-status"]).status.success());
    home.share(&sessions::example(), "local");
    daemon.kill().unwrap();
    daemon.wait().unwrap();
}

#[test]
fn of_twenty_daemons_one_wins() {
    let home = Home::new();
    let mut all: Vec<_> = (0..20)
        .map(|_| {
            home.command(&["serve", "--foreground"]).stderr(std::process::Stdio::null()).spawn().unwrap()
        })
        .collect();
    until(SOON, "all but one have given up", || {
        all.iter_mut().map(|daemon| daemon.try_wait()).filter(|ended| matches!(ended, Ok(None))).count() == 1
    });
    assert_eq!(home.ask(&json!({"method": "Ping"}))["status"], "Pong");
    let winner = home.ask(&json!({"method": "Hello"}))["data"]["pid"].as_u64().unwrap();
    for mut daemon in all {
        let won = u64::from(daemon.id()) == winner;
        assert_eq!(daemon.try_wait().unwrap().is_none(), won);
        let _ = daemon.kill();
        let code = daemon.wait().unwrap().code();
        assert_eq!(code, if won { None } else { Some(1) });
    }
}

#[test]
fn who_replaces_a_daemon_that_is_just_starting_ends_nobody_else() {
    let home = Home::new();
    fs::create_dir_all(home.data("")).unwrap();
    // Somebody holds the lock and has no socket; the pid file is from before, and its number is a stranger's by now.
    let mut stranger = std::process::Command::new("sleep").arg("600").spawn().unwrap();
    fs::write(home.data("daemon.pid"), stranger.id().to_string()).unwrap();
    let lock =
        fs::File::options().create(true).truncate(false).write(true).open(home.data("daemon.lock")).unwrap();
    lock.lock().unwrap();
    let mut replacing = home.command(&["serve", "--replace"]).spawn().unwrap();
    let began = Instant::now();
    until(SOON, "it would have told and killed", || began.elapsed() > Duration::from_secs(4));
    assert_eq!(replacing.try_wait().unwrap(), None, "it waits");
    lock.unlock().unwrap();
    assert!(replacing.wait().unwrap().success());
    assert_eq!(stranger.try_wait().unwrap(), None, "a stranger was ended");
    stranger.kill().unwrap();
    stranger.wait().unwrap();
    assert_eq!(home.ask(&json!({"method": "Ping"}))["status"], "Pong");
    home.ok(&["serve-stop"]);
}

#[test]
fn a_stale_socket_and_a_pid_file_of_a_living_stranger_are_no_obstacle() {
    let mut home = Home::new();
    fs::create_dir_all(home.data("")).unwrap();
    drop(std::os::unix::net::UnixListener::bind(home.data("daemon.sock")).unwrap());
    fs::write(home.data("daemon.pid"), std::process::id().to_string()).unwrap();
    home.start();
    assert_eq!(home.ask(&json!({"method": "Ping"}))["status"], "Pong");
}

#[test]
fn a_daemon_that_holds_no_lock_of_ours_is_not_disturbed() {
    let home = Home::new();
    fs::create_dir_all(home.data("")).unwrap();
    let theirs = std::os::unix::net::UnixListener::bind(home.data("daemon.sock")).unwrap();
    let answers = thread::spawn(move || {
        use std::io::{BufRead as _, Write as _};
        let (stream, _) = theirs.accept().unwrap();
        let mut line = String::new();
        std::io::BufReader::new(&stream).read_line(&mut line).unwrap();
        (&stream).write_all(b"{\"status\":\"Pong\"}\n").unwrap();
    });
    let output = home.run(&["serve", "--foreground"]);
    answers.join().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("earlier panko"), "{output:?}");
    assert!(home.data("daemon.sock").exists(), "its socket was taken away");
}

#[test]
fn everything_is_private_whatever_the_umask() {
    let home = Home::new();
    let script = format!(
        "umask 000; exec {} share {} >/dev/null 2>&1",
        crate::support::keeper::exe().display(),
        sessions::example().display()
    );
    let mut command = std::process::Command::new("/bin/sh");
    command.args(["-c", &script]).envs(home.command(&[]).get_envs().filter_map(|(k, v)| Some((k, v?))));
    assert!(command.status().unwrap().success());
    until(SOON, "the private copy is there", || files_below(&home.data("snapshots")).len() == 1);
    for path in files_below(&home.data("")) {
        let mode = fs::symlink_metadata(&path).unwrap().permissions().mode() & 0o777;
        let expected = if path.is_dir() { 0o700 } else { 0o600 };
        assert_eq!(mode, expected, "{} has mode {mode:o}", path.display());
    }
}

fn files_below(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files_below(&path));
        }
        found.push(path);
    }
    found
}
