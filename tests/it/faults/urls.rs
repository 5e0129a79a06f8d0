//! A URL that changes is announced; a share that its provider would refuse is not tried.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::support::daemon::Home;
use crate::support::tunnel::Mode;
use crate::support::wait::{SOON, until};
use crate::support::{process, sessions};

/// A server that takes one POST; what came.
fn webhook() -> (u16, mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = Vec::new();
        let mut chunk = [0; 4096];
        while !request.ends_with(b"}") {
            let read = stream.read(&mut chunk).unwrap();
            assert!(read > 0, "it ended early");
            request.extend_from_slice(&chunk[..read]);
        }
        stream.write_all(b"HTTP/1.1 204 x\r\ncontent-length: 0\r\n\r\n").unwrap();
        tell.send(String::from_utf8(request).unwrap()).unwrap();
    });
    (port, told)
}

#[test]
fn another_url_is_told_to_the_command_and_the_webhook_of_the_configuration() {
    let mut home = Home::new();
    let (port, told) = webhook();
    let note = home.path("note");
    let script = format!("env > {0}.new; mv {0}.new {0}", note.display());
    home.configure(&format!(
        "[on_url_change]\ncommand = ['/bin/sh', '-c', '{script}']\nwebhook = 'http://127.0.0.1:{port}/moved'\n"
    ));
    home.start();
    let share = home.share(&sessions::example(), "cloudflare");
    let old = share["public_url"].as_str().unwrap();
    process::signal(home.tunnel.starts()[0], Signal::KILL);
    home.until_share(&share["id"], "it has another URL", |now| {
        now["status"] == "active" && now["public_url"] != old
    });
    let new = home.shares()[0]["public_url"].as_str().unwrap().to_owned();

    until(SOON, "the command has run", || note.exists());
    let environment = fs::read_to_string(&note).unwrap();
    for line in [format!("PANKO_OLD_URL={old}"), format!("PANKO_URL={new}"), "PANKO_NAME=session".to_owned()]
    {
        assert!(environment.lines().any(|found| found == line), "{line} is not in\n{environment}");
    }
    assert!(!environment.contains("XDG_DATA_HOME"), "the daemon's own environment\n{environment}");

    let request = told.recv_timeout(SOON).expect("a POST");
    assert!(request.starts_with("POST /moved HTTP/1.1\r\n"), "{request}");
    let body: Value = serde_json::from_str(request.split_once("\r\n\r\n").unwrap().1).unwrap();
    assert_eq!((&body["old_url"], &body["url"], &body["id"]), (&json!(old), &json!(new), &share["id"]));
    let token = new.rsplit('/').nth(1).unwrap();
    assert!(!home.log_text().contains(token), "the secret of the URL is in the log");
}

#[test]
fn a_second_url_of_the_same_client_is_stored_pushed_and_told_and_restarts_nothing() {
    let mut home = Home::new();
    let (port, told) = webhook();
    home.configure(&format!("[on_url_change]\nwebhook = 'http://127.0.0.1:{port}/moved'\n"));
    home.start();
    home.tunnel.behave(Mode::TwoUrls);
    let share = home.share(&sessions::example(), "cloudflare");
    let client = home.tunnel.starts()[0];
    let path = share["public_url"].as_str().unwrap().split_once("/s/").unwrap().1.to_owned();
    let mut follows = home.connect();
    assert_eq!(follows.ask(&json!({"method": "Subscribe"}))["status"], "Subscribed");
    home.tunnel.go_on();
    let second = format!("https://second-{client}.trycloudflare.com/s/{path}");
    let pushed = loop {
        let event = follows.next().expect("an event")["data"].clone();
        if event["share"]["public_url"] == second.as_str() {
            break event;
        }
    };
    assert_eq!(pushed["share"]["status"], "active", "{pushed}");
    let request = told.recv_timeout(SOON).expect("a POST");
    assert!(request.contains(&second), "{request}");
    let in_history = |home: &Home| {
        home.history(&share["id"]).last().is_some_and(|event| event["public_url"] == second.as_str())
    };
    until(SOON, "it stands in the history", || in_history(&home));
    assert_eq!((home.tunnel.starts(), home.shares()[0]["recoveries"].clone()), (vec![client], json!(0)));
    // Stored: the next daemon says it, before and after it has asked the keeper.
    home.kill_daemon();
    let listed = home.ok(&["ls", "--json"]);
    assert!(listed.contains(&second), "{listed}");
    home.start();
    home.until_share(&share["id"], "it is up", |share| share["status"] == "active");
    assert_eq!(home.shares()[0]["public_url"], second.as_str());
}

#[test]
fn a_share_that_would_pass_its_providers_limit_is_refused_at_once_with_the_reason() {
    let mut home = Home::new();
    home.configure(
        "[tunnels.narrow]\ncommand = ['cloudflared', '{port}']\nurl_regex = '(https://stand-in\\S+)'\nmax_shares = 1\n",
    );
    home.start();
    let first = home.share(&sessions::example(), "narrow");
    let began = Instant::now();
    let reply = home.try_share(&sessions::example(), "narrow");
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    assert_eq!(reply["data"]["code"], "too_many_shares", "{reply}");
    assert!(
        reply["data"]["message"].as_str().unwrap().contains("narrow carries 1 shares at once"),
        "{reply}"
    );
    assert_eq!(home.tunnel.starts().len(), 1, "it was not tried");
    home.share(&sessions::example(), "local");
    home.ask(&json!({"method": "StopShare", "params": {"share_id": first["id"]}}));
    home.share(&sessions::example(), "narrow");
}
