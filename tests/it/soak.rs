//! kill -9 of the daemon at random moments, again and again, while shares are started and stopped.
//!
//! 25 kills with 10 shares by default. By hand or nightly: `PANKO_SOAK_KILLS=1000 PANKO_SOAK_SHARES=50 cargo
//! test --release --test it soak -- --nocapture`. `PANKO_SOAK_SEED` repeats a run's choices.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::daemon::Home;
use crate::support::wait::{SOON, until};
use crate::support::{http, process, sessions};

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// A small generator of our own: the choices of a run are repeated by its seed, whatever a library does.
struct Choices(u64);

impl Choices {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound.max(1)
    }
}

/// What the run has seen.
#[derive(Debug, Default, PartialEq, Eq)]
struct Broken {
    lost: u64,
    resurrected: u64,
    changed: u64,
    silent: u64,
    orphans: u64,
    twice: u64,
    unasked: u64,
}

/// A share as it was acknowledged.
struct Acknowledged {
    url: String,
    port: u64,
}

impl Acknowledged {
    fn of(share: &Value) -> (String, Self) {
        let url = share["public_url"].as_str().unwrap().to_owned();
        (share["id"].as_str().unwrap().to_owned(), Self { url, port: share["local_port"].as_u64().unwrap() })
    }

    fn answers(&self) -> bool {
        let path = self.url.split_once("/s/").unwrap().1;
        http::request(self.port as u16, "HEAD", &format!("/s/{path}"), &[]).status == 200
    }
}

/// Sends one request and kills the daemon some moment later; the reply, if it came before.
fn ask_and_kill(home: &mut Home, request: &Value, moment: Duration) -> Option<Value> {
    let mut wire = home.connect();
    wire.send(request);
    wire.reader.get_mut().set_read_timeout(Some(moment.max(Duration::from_millis(1)))).unwrap();
    let began = Instant::now();
    let mut line = String::new();
    let read = std::io::BufRead::read_line(&mut wire.reader, &mut line);
    // The reply may come first: the moment is the moment all the same.
    while began.elapsed() < moment {
        std::thread::park_timeout(moment - began.elapsed());
    }
    home.kill_daemon();
    match read {
        Ok(length) if length > 0 && line.ends_with('\n') => serde_json::from_str(&line).ok(),
        _ => None,
    }
}

#[test]
fn no_kill_of_the_daemon_loses_resurrects_or_changes_a_share() {
    let (kills, most) = (setting("PANKO_SOAK_KILLS", 25), setting("PANKO_SOAK_SHARES", 10));
    let seed = setting("PANKO_SOAK_SEED", u64::from(std::process::id()) | 1 << 40);
    eprintln!("PANKO_SOAK_SEED={seed}");
    let mut choices = Choices(seed);
    let mut home = Home::started();
    let start = json!({"method": "StartShare",
        "params": {"session_path": sessions::example(), "provider": "cloudflare"}});
    let stop = |id: &str| json!({"method": "StopShare", "params": {"share_id": id}});
    let mut up: BTreeMap<String, Acknowledged> = BTreeMap::new();
    let mut stopped: Vec<String> = Vec::new();
    let mut broken = Broken::default();
    // From a daemon's start until every page has answered.
    let mut pauses = Vec::new();
    // Twice as long as a start takes here and now: some answers come before the kill, some do not.
    let mut longest = Duration::ZERO;
    while up.len() < most as usize {
        let began = Instant::now();
        up.extend([Acknowledged::of(&home.ask(&start)["data"])]);
        longest = longest.max(began.elapsed());
    }
    let most_wait = 2 * longest.as_millis() as u64;
    // Nobody stops this one: its keeper sees every daemon.
    let kept = up.keys().next().unwrap().clone();
    let fds = process::descriptors(home.daemon_pid()).len();
    let of_keepers = |home: &Home| -> BTreeMap<u32, usize> {
        home.keepers().into_iter().map(|pid| (pid, process::descriptors(pid).len())).collect()
    };
    let keepers = of_keepers(&home);

    for _ in 0..kills {
        // A run that loses more than it starts would end with nothing to lose.
        while up.len() < most.div_ceil(2) as usize {
            up.extend([Acknowledged::of(&home.ask(&start)["data"])]);
        }
        let moment = Duration::from_millis(choices.below(most_wait));
        let began;
        let full = up.len() >= most as usize;
        let victims = up.keys().filter(|id| **id != kept);
        let victim = victims.clone().nth(choices.below(victims.count() as u64) as usize).cloned();
        match victim.filter(|_| full || choices.below(2) == 0) {
            // From the moment a stop is sent it may take effect; once it is acknowledged, it must have.
            Some(id) => {
                let before = up.remove(&id).unwrap();
                let reply = ask_and_kill(&mut home, &stop(&id), moment);
                began = Instant::now();
                home.start();
                match reply {
                    Some(reply) => {
                        assert_eq!(reply["status"], "ShareStopped", "{reply}");
                        stopped.push(id);
                    }
                    None if home.shares().iter().any(|share| share["id"] == id.as_str()) => {
                        up.insert(id, before);
                    }
                    None => stopped.push(id),
                }
            }
            None => {
                let reply = ask_and_kill(&mut home, &start, moment);
                began = Instant::now();
                home.start();
                if let Some(reply) = reply {
                    assert_eq!(reply["status"], "ShareStarted", "{reply}");
                    up.extend([Acknowledged::of(&reply["data"])]);
                } else {
                    // Recorded as wanted, but the answer was lost on its way: it is there, and counts.
                    let known = home.shares();
                    up.extend(
                        known
                            .iter()
                            .filter(|s| !up.contains_key(s["id"].as_str().unwrap()))
                            .map(Acknowledged::of)
                            .collect::<Vec<_>>(),
                    );
                }
            }
        }
        broken.silent += up.values().filter(|share| !share.answers()).count() as u64;
        pauses.push(began.elapsed());
        let listed = home.shares();
        let by_id: BTreeMap<&str, &Value> =
            listed.iter().map(|share| (share["id"].as_str().unwrap(), share)).collect();
        let all = home.ask(&json!({"method": "ListShares", "params": {"all": true}}));
        let known: Vec<&str> =
            all["data"].as_array().unwrap().iter().map(|share| share["id"].as_str().unwrap()).collect();
        broken.twice += (listed.len() - by_id.len()) as u64;
        broken.twice += (known.len() - BTreeSet::from_iter(&known).len()) as u64;
        broken.unasked += by_id.keys().filter(|id| !up.contains_key(**id)).count() as u64;
        for (id, share) in &up {
            match by_id.get(id.as_str()) {
                None => broken.lost += 1,
                Some(now) if now["public_url"] != share.url.as_str() => {
                    broken.changed += 1;
                    eprintln!("{} was {}\n{}", now, share.url, json!(home.history(&now["id"])));
                }
                Some(_) => {}
            }
        }
        broken.resurrected += stopped.iter().filter(|id| by_id.contains_key(id.as_str())).count() as u64;
        assert_eq!(broken, Broken::default(), "seed {seed}\n{}", home.log_text());
    }
    until(SOON, "every share is active", || home.shares().iter().all(|share| share["status"] == "active"));
    until(SOON, "there is one keeper a share", || home.keepers().len() == up.len());
    // The connection of a daemon that is gone is closed a moment later.
    let most_of_keeper = keepers.values().copied().max().unwrap_or_default();
    let mut kept_open = BTreeMap::new();
    until(SOON, "no keeper has more open than at first", || {
        kept_open = of_keepers(&home);
        kept_open.values().all(|open| *open <= most_of_keeper)
    });
    let outlived = keepers.keys().filter(|pid| kept_open.contains_key(pid)).count();
    assert!(outlived > 0, "no keeper outlived every daemon");
    // By their mark: the number of a process that is gone is given to another, be it a stranger's.
    broken.orphans = home.tunnels().len().abs_diff(up.len()) as u64;
    // What the last requests opened is closed a moment later.
    let mut leaked = usize::MAX;
    until(SOON, "the daemon has no more open than at first", || {
        leaked = process::descriptors(home.daemon_pid()).len().saturating_sub(fds);
        leaked == 0
    });
    let check = integrity(&home);
    pauses.sort();
    let Broken { lost, resurrected, changed, silent, orphans, twice, unasked } = &broken;
    let (median, longest) = (pauses[pauses.len() / 2], pauses[pauses.len() - 1]);
    for (what, value) in [
        ("kills", kills.to_string()),
        ("shares at once", most.to_string()),
        ("acknowledged shares lost", lost.to_string()),
        ("stopped shares resurrected", resurrected.to_string()),
        ("URLs changed while tunnels lived", changed.to_string()),
        ("pages silent after a restart", silent.to_string()),
        ("orphaned tunnels", orphans.to_string()),
        ("shares listed twice", twice.to_string()),
        ("shares nobody asked for", unasked.to_string()),
        ("keepers that outlived every daemon", outlived.to_string()),
        ("descriptors of a keeper, at most", kept_open.values().max().unwrap_or(&0).to_string()),
        ("descriptors more than at first", leaked.to_string()),
        ("integrity of the database", check.clone()),
        ("all pages answered after a start, median", format!("{median:.2?}")),
        ("the same, longest", format!("{longest:.2?}")),
    ] {
        println!("| {what:<42} | {value:>10} |");
    }
    assert_eq!((broken, check.as_str()), (Broken::default(), "ok"));
}

fn integrity(home: &Home) -> String {
    use diesel::prelude::*;
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = diesel::sql_types::Text)]
        integrity_check: String,
    }
    let path = home.data("state.db");
    let mut db = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
    let rows: Vec<Row> = diesel::sql_query("PRAGMA integrity_check").load(&mut db).unwrap();
    rows.into_iter().map(|row| row.integrity_check).collect::<Vec<_>>().join("; ")
}
