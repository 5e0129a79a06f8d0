//! Shares that say they work and do not: stopped processes, lost networks, a clock that jumps.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU16, Ordering};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::support::daemon::Home;
use crate::support::servers::free_port;
use crate::support::tunnel::Mode;
use crate::support::wait::{SOON, until};
use crate::support::{process, sessions};

/// What takes several looks, each with time limits of its own.
const LATER: Duration = Duration::from_secs(60);

/// A home that looks at its shares every second, with a provider `mine`: the stand-in client, at this URL.
/// A URL at which nobody answers: a port that is given to nobody who asks for any, as a keeper does.
const NOWHERE: &str = "http://127.0.0.1:9";

fn home(url: &str, more: &str) -> Home {
    let mut home = Home::new();
    configure(&home, "", url, more);
    home.start();
    home
}

fn configure(home: &Home, top: &str, url: &str, more: &str) {
    home.configure(&format!(
        "look_every = 1\n{top}\n[tunnels.mine]\ncommand = ['cloudflared', '{{port}}']\nurl_regex = 'https://stand-in'\n\
         url_template = '{url}'\nready = 'Registered'\nprobe_after = 0\nprobe_every = 1\n{more}\n"
    ));
}

fn info(home: &Home, share: &Value) -> Value {
    home.ask(&json!({"method": "GetShare", "params": {"share_id": share["id"]}}))["data"].clone()
}

#[track_caller]
fn until_phase(home: &Home, share: &Value, phase: &str) {
    until(LATER, &format!("the share is {phase}"), || info(home, share)["phase"] == phase);
}

#[test]
fn a_stopped_tunnel_is_degraded_and_replaced_only_while_this_machine_is_online() {
    let edge = free_port();
    let home = home(NOWHERE, &format!("edge = '127.0.0.1:{edge}'"));
    let share = home.share(&sessions::example(), "mine");
    let client = home.tunnel.starts()[0];
    process::signal(client, Signal::STOP);
    let stopped = Instant::now();
    until_phase(&home, &share, "degraded");
    assert!(stopped.elapsed() < Duration::from_secs(10), "{:?}", stopped.elapsed());
    let told = info(&home, &share);
    assert!(told["reason"].as_str().unwrap().contains("its process was stopped"), "{told}");
    assert!(told["remedy"].as_str().is_some(), "{told}");

    // Eight looks later it would be replaced, were this machine online.
    let degraded = Instant::now();
    until(LATER, "ten looks are over", || degraded.elapsed() > Duration::from_secs(10));
    assert_eq!((home.tunnel.starts().len(), &info(&home, &share)["phase"]), (1, &json!("degraded")));

    let _online = TcpListener::bind(("127.0.0.1", edge)).unwrap();
    until(LATER, "it is replaced", || home.tunnel.starts().len() == 2);
    until_phase(&home, &share, "active");
    assert!(!process::lives(client), "the stopped one is gone");
}

#[test]
fn a_tunnel_that_cannot_be_replaced_is_ended_all_the_same() {
    let online = TcpListener::bind("127.0.0.1:0").unwrap();
    let edge = online.local_addr().unwrap();
    let home = home(NOWHERE, &format!("edge = '{edge}'"));
    let share = home.share(&sessions::example(), "mine");
    let client = home.tunnel.starts()[0];
    let hidden = home.tunnel.folder().join("hidden");
    fs::rename(home.tunnel.program(), &hidden).unwrap();
    process::signal(client, Signal::STOP);
    until_phase(&home, &share, "gave_up");
    until(LATER, "the stopped one is gone", || !process::lives(client));
    assert_eq!(home.tunnels(), Vec::<u32>::new());
    fs::rename(&hidden, home.tunnel.program()).unwrap();
    home.ok(&["restart", share["id"].as_str().unwrap()]);
    until_phase(&home, &share, "active");
    assert_eq!(home.tunnels(), home.tunnel.starts()[1..]);
}

#[test]
fn a_stopped_tunnel_of_which_nothing_can_be_asked_is_active_again_when_it_goes_on() {
    let home = home(NOWHERE, "");
    let share = home.share(&sessions::example(), "mine");
    let client = home.tunnel.starts()[0];
    process::signal(client, Signal::STOP);
    until_phase(&home, &share, "degraded");
    process::signal(client, Signal::CONT);
    until_phase(&home, &share, "active");
    let told = info(&home, &share);
    assert_eq!((&told["reason"], &told["public_url"]), (&Value::Null, &share["public_url"]), "{told}");
    assert_eq!(home.tunnel.starts(), [client]);
}

#[test]
fn a_tunnel_that_goes_on_is_active_again_without_a_new_url() {
    let home = home(NOWHERE, "");
    let share = home.share(&sessions::example(), "mine");
    let unready = home.tunnel.folder().join("unready");
    let other = {
        home.tunnel.behave(Mode::Metrics);
        home.share(&sessions::example(), "cloudflare")
    };
    fs::write(&unready, "").unwrap();
    until_phase(&home, &other, "degraded");
    let told = info(&home, &other);
    assert!(told["reason"].as_str().unwrap().contains("HTTP 503"), "{told}");
    fs::remove_file(&unready).unwrap();
    until_phase(&home, &other, "active");
    assert_eq!(info(&home, &other)["public_url"], other["public_url"]);
    assert_eq!(info(&home, &share)["phase"], "active", "its sibling is left alone");
    assert_eq!(home.tunnel.starts().len(), 2);
}

#[test]
fn a_stopped_keeper_is_replaced() {
    let home = home("http://127.0.0.1:{port}", "");
    let share = home.share(&sessions::example(), "mine");
    let keeper = home.keepers()[0];
    process::signal(keeper, Signal::STOP);
    until(LATER, "another keeper holds the share", || home.keepers().iter().any(|now| *now != keeper));
    until_phase(&home, &share, "active");
    assert!(!process::lives(keeper), "the stopped one is gone");
    assert_eq!((home.keepers().len(), home.tunnels().len()), (1, 1), "nothing of it is left");
}

#[test]
fn a_public_url_is_pending_then_verified_or_unverified_and_that_is_no_error() {
    let home = home(NOWHERE, "");
    let good = home.share(&sessions::example(), "local");
    assert!(["pending", "verified"].contains(&good["public"].as_str().unwrap()), "{good}");
    home.until_share(&good["id"], "it is verified", |share| share["public"] == "verified");
    let bad = home.share(&sessions::example(), "mine");
    home.until_share(&bad["id"], "it is not", |share| share["public"] == "unverified");
    assert_eq!(info(&home, &bad)["status"], "active");
    let listed = home.ok(&["ls"]);
    let lines: Vec<_> = listed.lines().filter(|line| line.contains("active")).collect();
    assert_eq!(lines.iter().filter(|line| line.contains("active, unverified")).count(), 1, "{listed}");
    let said = home.ok(&["info", bad["id"].as_str().unwrap()]);
    assert!(said.contains("public    unverified: "), "{said}");
}

#[test]
fn a_daemon_that_ends_does_not_wait_for_a_url_that_never_answers() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut home = home(&format!("http://{}", silent.local_addr().unwrap()), "");
    home.share(&sessions::example(), "mine");
    // It asks through the public URL, and waits for 15 s.
    let _asked = silent.accept().unwrap();
    let began = Instant::now();
    process::signal(home.daemon_pid(), Signal::TERM);
    assert_eq!(home.daemon_exit(), Some(0), "{}", home.log_text());
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
}

/// Stands between the public URL and the page.
struct Relay {
    port: u16,
    /// The page's port; 0: nobody is there.
    page: Arc<AtomicU16>,
    broken: Arc<AtomicBool>,
}

impl Relay {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (page, broken) = (Arc::new(AtomicU16::new(0)), Arc::new(AtomicBool::new(false)));
        let (to, out) = (page.clone(), broken.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut head = [0; 4096];
                let read = stream.read(&mut head).unwrap_or(0);
                let page = TcpStream::connect(("127.0.0.1", to.load(Ordering::SeqCst)));
                match page {
                    Ok(mut page) if !out.load(Ordering::SeqCst) => {
                        let head = String::from_utf8_lossy(&head[..read]).replacen(
                            "\r\n",
                            "\r\nconnection: close\r\n",
                            1,
                        );
                        let _ = page.write_all(head.as_bytes());
                        let _ = std::io::copy(&mut page, &mut stream);
                    }
                    _ => drop(stream.write_all(b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n")),
                }
            }
        });
        Self { port, page, broken }
    }
}

#[test]
fn a_url_that_worked_and_leads_elsewhere_costs_its_tunnel_and_not_the_share() {
    let relay = Relay::new();
    let home = home(&format!("http://127.0.0.1:{}", relay.port), "");
    let share = home.share(&sessions::example(), "mine");
    home.until_share(&share["id"], "the edge has no page yet", |share| share["public"] == "unverified");
    relay.page.store(u16::try_from(share["local_port"].as_u64().unwrap()).unwrap(), Ordering::SeqCst);
    home.until_share(&share["id"], "it is verified", |share| share["public"] == "verified");
    relay.broken.store(true, Ordering::SeqCst);
    until_phase(&home, &share, "degraded");
    let told = info(&home, &share);
    assert!(told["reason"].as_str().unwrap().contains("HTTP 502"), "{told}");
    until(LATER, "the tunnel is replaced", || home.tunnel.starts().len() == 2);
    relay.broken.store(false, Ordering::SeqCst);
    home.until_share(&share["id"], "it is verified again", |share| share["public"] == "verified");
    assert_eq!(info(&home, &share)["id"], share["id"]);
}

/// `PANKO_PAUSE` seconds, 60 for the whole of it. As 60 s are to the 60 s that keepers wait for a daemon that is gone
/// and to the looks every 15 s, so are 8 s to what is configured here, and more.
#[test]
fn a_daemon_that_stood_still_restarts_nothing_and_looks_at_once() {
    let pause = std::env::var("PANKO_PAUSE").ok().and_then(|secs| secs.parse().ok()).unwrap_or(8);
    let mut home = Home::new();
    configure(&home, "orphan_grace = 2", "http://127.0.0.1:{port}", "");
    home.start();
    let shares: Vec<_> = (0..3).map(|_| home.share(&sessions::example(), "mine")).collect();
    let (keepers, clients) = (home.keepers(), home.tunnel.starts());
    let began = Instant::now();
    process::signal(home.daemon_pid(), Signal::STOP);
    until(Duration::from_secs(pause + 10), "the pause is over", || began.elapsed().as_secs() >= pause);
    process::signal(home.daemon_pid(), Signal::CONT);
    until(SOON, "it notices", || home.log_text().contains("the clocks have jumped"));
    for share in &shares {
        home.until_share(&share["id"], "it is well", |share| share["public"] == "verified");
        let told = info(&home, share);
        assert_eq!((&told["public_url"], &told["recoveries"]), (&share["public_url"], &json!(0)), "{told}");
    }
    assert_eq!((home.keepers(), home.tunnel.starts()), (keepers, clients));
}
