//! The daemon is asked to end while everybody wants something of it.

use std::fs;
use std::io::{BufRead as _, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::support::daemon::Home;
use crate::support::tunnel::Mode;
use crate::support::wait::{SOON, until};
use crate::support::{http, inject, process, sessions};

#[test]
fn a_daemon_under_load_ends_in_order_within_ten_seconds_and_once() {
    let (term, int) = ([Signal::TERM; 2], [Signal::INT; 2]);
    for (signals, wanted) in [(&term[..1], 2), (&term, 2), (&int[..1], 0), (&int, 0)] {
        let mut home = Home::started();
        home.tunnel.behave(Mode::IgnoreTerm);
        let share = home.share(&sessions::example(), "cloudflare");
        home.share(&sessions::example(), "local");
        let port = u16::try_from(share["local_port"].as_u64().unwrap()).unwrap();
        let over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    while !over.load(Ordering::Relaxed) {
                        let _ = http::raw(port, b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
                    }
                });
            }
            let mut wire = home.connect();
            scope.spawn(move || {
                let mut answers = true;
                while answers {
                    let sent = wire.reader.get_mut().write_all(b"{\"method\":\"ListShares\"}\n").is_ok();
                    let mut line = String::new();
                    answers = sent && wire.reader.read_line(&mut line).is_ok_and(|length| length > 0);
                }
            });
            let began = Instant::now();
            for signal in signals {
                process::signal(home.daemon_pid(), *signal);
            }
            let code = home.daemon_exit();
            over.store(true, Ordering::Relaxed);
            assert_eq!(code, Some(0), "{signals:?}\n{}", home.log_text());
            assert!(began.elapsed() < Duration::from_secs(10), "{signals:?}: {:?}", began.elapsed());
        });
        home.start();
        assert_eq!(home.shares().len(), wanted, "{signals:?}");
    }
}

#[test]
fn a_daemon_that_ends_takes_no_new_share_and_says_what_to_do() {
    let mut home = Home::started();
    // It takes its five seconds to end.
    home.tunnel.behave(Mode::IgnoreTerm);
    home.share(&sessions::example(), "cloudflare");
    process::signal(home.daemon_pid(), Signal::INT);
    let mut refused = Value::Null;
    // One that is under way when the daemon hears of its end is taken back, and says that.
    until(SOON, "a start is refused", || {
        refused = home.try_share(&sessions::example(), "local");
        refused["data"]["code"] == "shutting_down"
    });
    assert!(refused["data"]["remedy"].as_str().unwrap().contains("try again"), "{refused}");
    assert_eq!(home.daemon_exit(), Some(0), "{}", home.log_text());
    home.start();
    // What was started before the daemon heard that it is to end has ended with it.
    assert!(home.shares().is_empty(), "{:?}", home.shares());
}

#[test]
fn what_a_shutdown_was_acknowledged_for_stays_ended_though_the_daemon_is_killed_at_once() {
    let mut home = Home::started();
    for _ in 0..3 {
        home.share(&sessions::example(), "local");
        home.share(&sessions::example(), "cloudflare");
        assert_eq!(home.ask(&json!({"method": "Shutdown"}))["status"], "ShuttingDown");
        home.kill_daemon();
        home.start();
        assert_eq!(home.shares(), Vec::<Value>::new());
        home.assert_nothing_runs();
    }
}

#[test]
fn a_shutdown_ends_the_shares_though_their_supervisor_has_just_fallen() {
    let mut home = Home::new();
    for _ in 0..5 {
        home.start();
        home.share(&sessions::example(), "cloudflare");
        let mut wire = home.connect();
        let fault = json!({"id": 1, "method": "Fault", "params": {"actor": "supervisor"}});
        let shutdown = json!({"id": 2, "method": "Shutdown"});
        wire.send_raw(format!("{fault}\n{shutdown}\n").as_bytes());
        assert_eq!(home.daemon_exit(), Some(0), "{}", home.log_text());
        home.assert_nothing_runs();
        home.start();
        assert_eq!(home.shares(), Vec::<Value>::new());
        assert_eq!(home.signal_daemon(Signal::TERM), Some(0));
    }
}

/// Neither the database nor a note takes an end.
fn unwritable() -> Option<(Home, Value, inject::Injection)> {
    let home = Home::started();
    let share = home.share(&sessions::example(), "cloudflare");
    fs::remove_dir(home.data("ends")).unwrap();
    fs::write(home.data("ends"), "").unwrap();
    let injection = inject::attach(home.daemon_pid(), &["pwrite64:error=EROFS"], false)?;
    Some((home, share, injection))
}

fn comes_back(mut home: Home, share: &Value) {
    home.assert_nothing_runs();
    fs::remove_file(home.data("ends")).unwrap();
    home.start();
    assert_eq!(home.shares()[0]["id"], share["id"], "as it was said");
}

#[test]
fn a_shutdown_that_cannot_be_recorded_ends_the_daemon_and_says_what_comes_back() {
    let Some((mut home, share, injection)) = unwritable() else { return };
    let told = home.ask(&json!({"method": "Shutdown"}));
    assert_eq!((&told["status"], &told["data"]["code"]), (&json!("Error"), &json!("state")), "{told}");
    assert!(told["data"]["message"].as_str().unwrap().contains("comes back"), "{told}");
    assert!(told["data"]["remedy"].as_str().unwrap().contains("panko stop --all"), "{told}");
    assert_eq!(home.daemon_exit(), Some(1), "{}", home.log_text());
    drop(injection);
    comes_back(home, &share);
}

#[test]
fn an_interrupt_that_cannot_be_recorded_is_an_error() {
    let Some((mut home, share, injection)) = unwritable() else { return };
    process::signal(home.daemon_pid(), Signal::INT);
    assert_eq!(home.daemon_exit(), Some(1), "{}", home.log_text());
    assert!(home.log_text().contains("comes back with the next daemon"), "{}", home.log_text());
    drop(injection);
    comes_back(home, &share);
}

#[test]
fn serve_stop_says_what_could_not_be_recorded() {
    let Some((home, share, injection)) = unwritable() else { return };
    let out = home.run(&["serve-stop"]);
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    assert_eq!(out.status.code(), Some(1), "{said}");
    assert!(said.contains("comes back") && said.contains("the daemon has ended"), "{said}");
    drop(injection);
    comes_back(home, &share);
}
