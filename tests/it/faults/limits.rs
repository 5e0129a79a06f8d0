//! Too little of what a process needs: descriptors, processes, memory, and an actor that is stuck.

use std::fs;
use std::io::Write as _;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit};
use serde_json::{Value, json};

use crate::support::daemon::Home;
use crate::support::wait::{SOON, until};
use crate::support::{http, inject, process, sessions};

fn ping(home: &Home) {
    assert_eq!(home.ask(&json!({"method": "Ping"})), json!({"status": "Pong"}));
}

/// Processor time of a process so far.
fn worked(pid: u32) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
    Duration::from_millis(ticks * 10)
}

/// A daemon that may have 64 files open, with as many shares as it takes, and its refusals of more. A start takes some
/// for a moment and gives them back: it is full where three in a row are refused.
fn crammed() -> (Home, Vec<Value>, Vec<Value>) {
    let mut home = Home::new();
    home.configure("look_every = 1\n");
    home.start_by(&["sh", "-c", "ulimit -n 64; exec \"$@\"", "sh"]);
    let (mut shares, mut refusals, mut in_a_row) = (Vec::new(), Vec::new(), 0);
    while in_a_row < 3 {
        let reply = home.try_share(&sessions::example(), "local");
        if reply["status"] == "ShareStarted" {
            shares.push(reply["data"].clone());
            in_a_row = 0;
        } else {
            refusals.push(reply["data"].clone());
            in_a_row += 1;
        }
        assert!(shares.len() < 64, "there is no limit");
    }
    (home, shares, refusals)
}

#[track_caller]
fn assert_all_serve(home: &Home, shares: &[Value]) {
    for share in shares {
        assert_eq!(http::get(share["public_url"].as_str().unwrap()).status, 200, "{}", home.log_text());
        home.until_share(&share["id"], "it is active, and never was anything else", |now| {
            now["status"] == "active" && now["recoveries"] == 0
        });
    }
}

#[test]
fn a_share_that_there_are_no_descriptors_for_is_refused_with_the_limit_and_costs_nobody_anything() {
    let (home, shares, refusals) = crammed();
    assert!(!shares.is_empty(), "{refusals:?}");
    for refused in &refusals {
        assert_eq!(refused["code"], "descriptors", "{refused}");
        assert!(refused["message"].as_str().unwrap().contains("64"), "{refused}");
        assert!(refused["remedy"].as_str().unwrap().contains("LimitNOFILE"), "{refused}");
    }
    assert_all_serve(&home, &shares);
    assert_eq!((home.shares().len(), home.keepers().len()), (shares.len(), shares.len()));
    assert!(!home.log_text().contains("panic"), "{}", home.log_text());
    // Where one has ended, there is room for another.
    home.ask(&json!({"method": "StopShare", "params": {"share_id": shares[0]["id"]}}));
    home.share(&sessions::example(), "local");
}

#[test]
fn with_64_descriptors_the_control_socket_answers_and_nothing_spins() {
    let (home, shares, _) = crammed();
    // Connections beyond what there is room for wait, and those that ask for nothing make room.
    let socket = home.data("daemon.sock");
    let idle: Vec<_> = (0..64).map(|_| std::os::unix::net::UnixStream::connect(&socket).unwrap()).collect();
    let (before, began) = (worked(home.daemon_pid()), Instant::now());
    ping(&home);
    until(SOON, "three seconds are over", || began.elapsed() > Duration::from_secs(3));
    let used = worked(home.daemon_pid()) - before;
    assert!(used < began.elapsed() / 3, "it spins: {used:?} of {:?}", began.elapsed());
    drop(idle);
    assert_all_serve(&home, &shares);
}

#[test]
fn where_not_one_descriptor_is_left_nothing_spins_and_who_waits_is_served_when_there_is() {
    let home = Home::started();
    let daemon = home.daemon_pid();
    let pid = Pid::from_raw(daemon as i32);
    let open: Vec<u32> = process::descriptors(daemon).into_iter().map(|(fd, _)| fd).collect();
    let lowest = (0..).find(|fd| !open.contains(fd)).unwrap();
    let limit = |limit: Rlimit| prlimit(pid, Resource::Nofile, limit).unwrap();
    let maximum = getrlimit(Resource::Nofile).maximum;
    let before = limit(Rlimit { current: Some(lowest.into()), maximum });
    let mut waiting = home.connect();
    waiting.send(&json!({"method": "Ping"}));
    until(SOON, "it cannot be accepted", || home.log_text().contains("connections cannot be accepted"));
    let (worked_before, began) = (worked(daemon), Instant::now());
    until(SOON, "three seconds are over", || began.elapsed() > Duration::from_secs(3));
    let used = worked(daemon) - worked_before;
    assert!(used < began.elapsed() / 3, "it spins: {used:?} of {:?}", began.elapsed());
    limit(before);
    assert_eq!(waiting.next(), Some(json!({"status": "Pong"})));
}

#[test]
fn shares_that_come_back_where_there_is_no_room_for_all_say_so_and_come_up_when_there_is() {
    let mut home = Home::started();
    let shares: Vec<_> = (0..6).map(|_| home.share(&sessions::example(), "local")).collect();
    home.kill_daemon();
    home.start_by(&["sh", "-c", "ulimit -n 50; exec \"$@\"", "sh"]);
    let with = |status: &str| -> Vec<Value> {
        home.shares().into_iter().filter(|share| share["status"] == status).collect()
    };
    until(SOON, "each is up or is not", || with("active").len() + with("error").len() == 6);
    let waiting = with("error");
    assert!(!with("active").is_empty() && waiting.len() >= 2, "{:?}", home.shares());
    for share in &waiting {
        assert!(share["reason"].as_str().unwrap().contains("50 at once"), "{share}");
        assert!(share["remedy"].as_str().unwrap().contains("LimitNOFILE"), "{share}");
    }
    assert!(!home.log_text().contains("panic"), "{}", home.log_text());
    let last = &waiting[0]["id"];
    for share in shares.iter().filter(|share| share["id"] != *last) {
        home.ask(&json!({"method": "StopShare", "params": {"share_id": share["id"]}}));
    }
    home.ask(&json!({"method": "RestartShare", "params": {"share_id": last}}));
    home.until_share(last, "it is up", |share| share["status"] == "active");
    let urls: Vec<_> = shares.iter().map(|share| &share["public_url"]).collect();
    assert!(urls.contains(&&home.shares()[0]["public_url"]), "its URL is as it was");
}

#[test]
fn viewers_of_one_share_do_not_take_the_descriptors_of_all() {
    let mut home = Home::new();
    home.start_by(&["sh", "-c", "ulimit -n 64; exec \"$@\"", "sh"]);
    let share = home.share(&sessions::example(), "local");
    let port = u16::try_from(share["local_port"].as_u64().unwrap()).unwrap();
    let open = || process::descriptors(home.daemon_pid()).len();
    let alone = open();
    let viewers: Vec<_> =
        (0..80).map(|_| std::net::TcpStream::connect(("127.0.0.1", port)).unwrap()).collect();
    let (mut count, mut still) = (0, 0);
    until(SOON, "as many are taken in as will be", || {
        still = if count == open() { still + 1 } else { 0 };
        count = open();
        count > alone && still > 50
    });
    let began = Instant::now();
    for _ in 0..10 {
        ping(&home);
    }
    // Less than the time after which viewers that say nothing are sent away.
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    drop(viewers);
    assert_all_serve(&home, &[share]);
}

#[test]
fn where_no_process_can_be_made_a_start_fails_with_a_type_and_later_works() {
    let home = Home::started();
    let share = home.share(&sessions::example(), "local");
    let rule = "clone,clone3,fork,vfork:error=EAGAIN";
    let Some(injection) = inject::attach(home.daemon_pid(), &[rule], true) else { return };
    let reply = home.try_share(&sessions::example(), "local");
    assert_eq!(reply["status"], "Error", "{reply}");
    assert_eq!(reply["data"]["code"], "keeper", "{reply}");
    assert!(reply["data"]["remedy"].as_str().unwrap().contains("limits of the system"), "{reply}");
    ping(&home);
    assert_eq!(http::get(share["public_url"].as_str().unwrap()).status, 200, "what is up serves");
    drop(injection);
    home.share(&sessions::example(), "local");
}

#[test]
fn a_keeper_that_can_make_no_process_says_so_and_starts_its_tunnel_when_it_can() {
    let home = Home::started();
    let share = home.share(&sessions::example(), "cloudflare");
    let (keeper, client) = (home.keepers()[0], home.tunnel.starts()[0]);
    let rule = "clone,clone3,fork,vfork:error=EAGAIN";
    let Some(injection) = inject::attach(keeper, &[rule], false) else { return };
    process::signal(client, rustix::process::Signal::KILL);
    let told =
        || home.ask(&json!({"method": "GetShare", "params": {"share_id": share["id"]}}))["data"].clone();
    let waits = |told: &Value| {
        let short = told["reason"].as_str().is_some_and(|why| why.contains("cannot start /"));
        short && told["phase"] == "backoff" && told["next_attempt_in"].is_u64()
    };
    until(SOON, "that it cannot is said", || waits(&told()));
    let remedy = told()["remedy"].as_str().unwrap().to_owned();
    assert!(remedy.contains("short of processes"), "{remedy}");
    // It is tried again, ever more slowly.
    until(SOON, "the pause grows", || told()["next_attempt_in"].as_u64() >= Some(3));
    assert_eq!((home.tunnel.starts(), home.keepers()), (vec![client], vec![keeper]));
    drop(injection);
    home.until_share(&share["id"], "it is up again", |share| share["status"] == "active");
    assert_eq!((home.keepers(), home.tunnel.starts().len()), (vec![keeper], 2));
    assert_eq!(told()["local_port"], share["local_port"]);
}

/// `PANKO_BIG_MB` megabytes, 500 for the whole of it.
#[test]
fn a_long_session_is_served_in_windows_within_bounded_memory() {
    let megabytes = std::env::var("PANKO_BIG_MB").ok().and_then(|text| text.parse().ok()).unwrap_or(24);
    let home = Home::started();
    let session = home.path("long.jsonl");
    sessions::write(&session, megabytes * 16, 64 << 10);
    assert!(fs::metadata(&session).unwrap().len() >= (megabytes as u64) << 20);
    // What a daemon with a small share takes anyway.
    home.share(&sessions::example(), "local");
    let before = process::resident(home.daemon_pid());
    let share = home.share(&session, "local");
    let url = share["public_url"].as_str().unwrap();
    let last = format!("prompt-{} of", megabytes * 16 - 1);
    let (mut grown, mut at) = (0, 0);
    until(Duration::from_secs(300), "the last prompt is in a window", || {
        grown = grown.max(process::resident(home.daemon_pid()).saturating_sub(before));
        let window = http::get(&format!("{url}w/{at}"));
        // The one that was the last may have grown, or been followed.
        at += u32::from(http::get(&format!("{url}w/{}", at + 1)).status == 200);
        window.text().contains(&last)
    });
    // Less than the session takes, if it were held.
    let bound = (megabytes as u64 * 3 / 4).min(64) << 20;
    assert!(grown < bound, "the daemon has grown by {} MiB", grown >> 20);
}

/// The daemon, its keepers and what they read together. `PANKO_BIG_MB` megabytes, at least what does not fit.
#[test]
fn in_64_mib_a_long_session_is_served_in_windows_or_refused_with_a_reason() {
    let Some(group) = inject::memory_group(64 << 20) else { return };
    let megabytes: usize = std::env::var("PANKO_BIG_MB").ok().and_then(|text| text.parse().ok()).unwrap_or(0);
    let megabytes = megabytes.max(96);
    let mut home = Home::new();
    let join = format!("echo $$ > {}; exec \"$@\"", group.members().display());
    home.start_by(&["sh", "-c", &join, "sh"]);
    let session = home.path("long.jsonl");
    sessions::write(&session, megabytes * 16, 64 << 10);
    let reply = home.try_share(&session, "local");
    if reply["status"] == "ShareStarted" {
        let url = reply["data"]["public_url"].as_str().unwrap();
        let last = format!("prompt-{} of", megabytes * 16 - 1);
        let mut at = 0;
        until(Duration::from_secs(300), "the last prompt is in a window", || {
            let window = http::get(&format!("{url}w/{at}"));
            at += u32::from(http::get(&format!("{url}w/{}", at + 1)).status == 200);
            window.text().contains(&last)
        });
    } else {
        assert!(!reply["data"]["message"].as_str().unwrap().is_empty(), "{reply}");
        assert!(!reply["data"]["remedy"].as_str().unwrap().is_empty(), "{reply}");
    }
    ping(&home);
    assert_eq!((group.killed(), home.ended_by()), (0, None), "killed for want of memory");
    drop(home);
}

#[test]
fn a_daemon_that_the_kernel_kills_for_want_of_memory_heals_as_from_any_kill() {
    let Some(group) = inject::memory_group(256 << 10) else { return };
    let mut home = Home::started();
    let shares: Vec<_> = (0..3).map(|_| home.share(&sessions::example(), "cloudflare")).collect();
    let session = home.path("long.jsonl");
    sessions::write(&session, 400, 4 << 10);
    // The daemon alone, and what it takes from now on.
    fs::write(group.members(), home.daemon_pid().to_string()).unwrap();
    let mut asked = Vec::new();
    until(SOON, "the kernel has killed it", || {
        let mut wire = home.try_connect();
        if let Some(wire) = &mut wire {
            wire.send(
                &json!({"method": "StartShare", "params": {"session_path": session, "provider": "local"}}),
            );
        }
        asked.push(wire);
        home.ended_by() == Some(rustix::process::Signal::KILL.as_raw())
    });
    assert!(group.killed() >= 1, "it was killed by somebody else");
    home.kill_daemon();
    home.start();
    for share in &shares {
        home.until_share(&share["id"], "the share is back", |now| {
            now["status"] == "active" && now["public_url"] == share["public_url"]
        });
    }
    assert_eq!(home.tunnel.starts().len(), shares.len(), "a tunnel was started again");
}

#[test]
fn ten_thousand_requests_to_an_actor_that_is_stuck_are_answered_and_bounded() {
    use diesel::connection::SimpleConnection as _;
    use diesel::prelude::*;
    let home = Home::started();
    let (share, other) =
        (home.share(&sessions::example(), "local"), home.share(&sessions::example(), "local"));
    let before = process::resident(home.daemon_pid());
    let mut theirs = SqliteConnection::establish(home.data("state.db").to_str().unwrap()).unwrap();
    theirs.batch_execute("BEGIN EXCLUSIVE").unwrap();
    // Its end cannot be recorded: who records waits for the lock as long as SQLite does.
    let mut stuck = home.connect();
    stuck.send(&json!({"method": "StopShare", "params": {"share_id": other["id"]}}));
    until(SOON, "its page is gone", || {
        home.shares().iter().any(|share| share["id"] == other["id"] && share["phase"] == "revoked")
    });
    let ask = |n: u32| json!({"id": n, "method": "ListShares", "params": {"all": true}});
    let connections = 10;
    let answers: Vec<Value> = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..connections)
            .map(|_| {
                let mut reader = home.connect();
                let mut writer = reader.reader.get_ref().try_clone().unwrap();
                scope.spawn(move || {
                    for n in 0..1000 {
                        writer.write_all(format!("{}\n", ask(n)).as_bytes()).unwrap();
                    }
                });
                scope.spawn(move || {
                    (0..1000).map(|_| reader.next().expect("an answer to each")).collect::<Vec<_>>()
                })
            })
            .collect();
        // Meanwhile a good client is served.
        for _ in 0..20 {
            let began = Instant::now();
            ping(&home);
            assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
        }
        theirs.batch_execute("COMMIT").unwrap();
        clients.into_iter().flat_map(|client| client.join().unwrap()).collect()
    });
    assert_eq!(answers.len(), connections * 1000);
    let busy = answers.iter().filter(|answer| answer["data"]["code"] == "busy").count();
    assert!(busy > 0, "nothing was refused");
    let known = |answer: &&Value| answer["status"] == "ShareList" || answer["data"]["code"] == "busy";
    assert_eq!(answers.iter().find(|answer| !known(answer)), None);
    assert!(stuck.next().is_some(), "who is stuck is answered, too");
    let grown = process::resident(home.daemon_pid()).saturating_sub(before);
    assert!(grown < 64 << 20, "the daemon has grown by {grown} bytes");
    assert_eq!(http::get(share["public_url"].as_str().unwrap()).status, 200);
}
