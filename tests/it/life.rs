//! The life of a share through the daemon: up, listed, stopped; what fails and how it says so.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::daemon::Home;
use crate::support::tunnel::{Mode, url_of};
use crate::support::wait::{SOON, until};
use crate::support::{http, inject, process, sessions};

#[test]
fn a_local_share_is_answered_when_its_page_is_there() {
    let home = Home::started();
    let share = home.share(&sessions::example(), "local");
    let url = share["public_url"].as_str().unwrap();
    assert_eq!(http::get(url).status, 200);
    assert_eq!(share["status"], "active");
    assert_eq!(share["session_name"], "session");
    assert_eq!(share["provider_name"], "local");
    assert_eq!(u64::from(http::parts(url).0), share["local_port"].as_u64().unwrap());
    assert_eq!(home.shares().len(), 1);
}

#[test]
fn a_cloudflare_share_is_answered_when_the_tunnel_is_ready_and_not_at_its_url() {
    let home = Home::started();
    home.tunnel.behave(Mode::UrlBeforeReady);
    let mut wire = home.connect();
    wire.send(&json!({"method": "StartShare", "params": {"session_path": sessions::example(), "provider": "cloudflare"}}));
    until(SOON, "the tunnel has started", || home.tunnel.starts().len() == 1);
    until(SOON, "the daemon knows the URL", || {
        home.shares()
            .first()
            .is_some_and(|share| share["public_url"].as_str().unwrap().starts_with("https://stand-in-"))
    });
    // The page is there as well, and everything but the connection.
    let told = home.shares().remove(0);
    let path = told["public_url"].as_str().unwrap().split_once("/s/").unwrap().1.to_owned();
    let page = format!("http://127.0.0.1:{}/s/{path}", told["local_port"]);
    until(SOON, "the page answers on this machine", || http::get(&page).status == 200);
    let began = Instant::now();
    until(SOON, "a second is over", || {
        assert_eq!(home.shares()[0]["status"], "starting", "a URL is not a connection");
        began.elapsed() > Duration::from_secs(1)
    });
    home.tunnel.go_on();
    let reply = wire.next().unwrap();
    assert_eq!(reply["status"], "ShareStarted", "{reply}");
    let url = reply["data"]["public_url"].as_str().unwrap();
    let base = url_of(home.tunnel.starts()[0]);
    let path = url.strip_prefix(&base).unwrap_or_else(|| panic!("{url} does not begin with {base}"));
    let port = reply["data"]["local_port"].as_u64().unwrap();
    assert_eq!(
        http::get(&format!("http://127.0.0.1:{port}{path}")).status,
        200,
        "the page behind the tunnel answers"
    );
}

#[test]
fn a_custom_tunnel_from_the_configuration_is_shared_by() {
    let mut home = Home::new();
    let script = home.path("mytunnel");
    fs::write(&script, "#!/bin/sh\necho \"serving $1 at http://$1.my.example:80/\"\nexec sleep 600\n")
        .unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    home.configure(&format!(
        "[tunnels.mine]\ncommand = [{script:?}, \"{{port}}\"]\nurl_regex = 'at (http://\\S+)'\nstream = \"stdout\"\n"
    ));
    home.start();
    let share = home.share(&sessions::example(), "mine");
    let port = share["local_port"].as_u64().unwrap();
    let expected = format!("http://{port}.my.example:80/s/");
    assert!(share["public_url"].as_str().unwrap().starts_with(&expected), "{share}");
}

#[test]
fn a_stop_ends_server_keeper_and_tunnel() {
    let home = Home::started();
    home.tunnel.behave(Mode::ForkGrandchild);
    let share = home.share(&sessions::example(), "cloudflare");
    let port = share["local_port"].as_u64().unwrap() as u16;
    assert_eq!((home.keepers().len(), home.tunnel.starts().len()), (1, 1));
    let reply = home.ask(&json!({"method": "StopShare", "params": {"share_id": share["id"]}}));
    assert_eq!(reply, json!({"status": "ShareStopped", "data": {"share_id": share["id"]}}));
    // At once: the reply says that it is over.
    assert!(home.keepers().is_empty() && home.tunnels().is_empty(), "something still runs");
    assert!(home.tunnel.helpers().iter().all(|pid| !process::lives(*pid)), "a helper still runs");
    assert!(http::raw(port, b"GET / HTTP/1.1\r\n\r\n").is_none(), "the port still answers");
    assert!(home.shares().is_empty());
    let left: Vec<_> =
        fs::read_dir(home.data("snapshots")).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert!(
        left.iter().all(|name| !name.to_string_lossy().ends_with(".jsonl")),
        "the private copy stays: {left:?}"
    );
}

#[test]
fn a_tunnel_that_hangs_delays_nobody_else() {
    let home = Home::started();
    home.tunnel.behave(Mode::Silent);
    let mut wire = home.connect();
    wire.send(&json!({"method": "StartShare", "params": {"session_path": sessions::example(), "provider": "cloudflare"}}));
    // Not a measure of speed: a list that waited for whatever is done for the start would take seconds, one that waited
    // for the tunnel its 30.
    let mut slowest = Duration::ZERO;
    let mut list = || {
        let asked = Instant::now();
        let shares = home.shares();
        slowest = slowest.max(asked.elapsed());
        shares
    };
    until(SOON, "the tunnel has started", || {
        list();
        home.tunnel.starts().len() == 1
    });
    for _ in 0..10 {
        assert_eq!(list()[0]["status"], "starting");
    }
    assert!(slowest < Duration::from_secs(1), "a list took {slowest:?}");
    assert_eq!(
        http::get(home.share(&sessions::example(), "local")["public_url"].as_str().unwrap()).status,
        200
    );
    // Nor does it delay the end of the very share.
    let id = &home.shares()[0]["id"];
    let reply = home.ask(&json!({"method": "StopShare", "params": {"share_id": id}}));
    assert_eq!(reply["status"], "ShareStopped");
    assert_eq!(wire.next().unwrap()["status"], "Error", "who waited for the start is told");
}

#[test]
fn a_silent_tunnel_is_given_up_when_its_time_is_over() {
    let mut home = Home::new();
    let program = home.tunnel.program();
    home.tunnel.behave(Mode::Silent);
    home.configure(&format!(
        "[tunnels.mute]\ncommand = [{program:?}, \"{{port}}\"]\nurl_regex = '(https://\\S+)'\nready_timeout = 1\n"
    ));
    home.start();
    let (mut asker, mut other) = (home.connect(), home.connect());
    let began = Instant::now();
    asker.send(&json!({"method": "StartShare",
        "params": {"session_path": sessions::example(), "provider": "mute"}}));
    until(SOON, "the tunnel has started", || home.tunnel.starts().len() == 1);
    let mut lists: Vec<_> = (0..9)
        .map(|_| {
            let asked = Instant::now();
            assert_eq!(other.ask(&json!({"method": "ListShares"}))["data"][0]["status"], "starting");
            asked.elapsed()
        })
        .collect();
    lists.sort();
    assert!(lists[4] < Duration::from_millis(100), "lists took {lists:?}");
    let reply = asker.next().unwrap();
    let took = began.elapsed().as_secs_f64();
    assert!((1.0..2.0).contains(&took), "it was given up after {took} s");
    assert_eq!(reply["data"]["message"], "the tunnel gave no URL within 1 s");
    assert_eq!((&reply["status"], &reply["data"]["code"]), (&json!("Error"), &json!("timed_out")), "{reply}");
    home.assert_nothing_runs();
    assert!(home.shares().is_empty());
}

#[test]
fn a_failed_start_is_told_with_cause_and_remedy_and_never_retried() {
    let home = Home::started();
    for (mode, code) in [
        (Mode::CrashLoop, "crashed"),
        (Mode::UrlThenDie, "crashed"),
        (Mode::RateLimited, "rate_limited"),
        (Mode::WrongUrl, "network"),
        (Mode::UnknownFlag, "bad_program"),
    ] {
        home.tunnel.behave(mode);
        let before = home.tunnel.starts().len();
        let reply = home.try_share(&sessions::example(), "cloudflare");
        assert_eq!(reply["status"], "Error", "{mode:?}: {reply}");
        assert_eq!(reply["data"]["code"], code, "{mode:?}: {reply}");
        assert!(!reply["data"]["remedy"].as_str().unwrap().is_empty(), "{mode:?}: {reply}");
        home.assert_nothing_runs();
        assert_eq!(home.tunnel.starts().len(), before + 1, "{mode:?}: it was tried again");
    }
    assert!(home.shares().is_empty());
    let all = home.ask(&json!({"method": "ListShares", "params": {"all": true}}));
    let all = all["data"].as_array().unwrap().clone();
    assert_eq!(all.len(), 5);
    assert!(all.iter().all(|share| share["status"] == "error" && share["reason"].is_string()), "{all:?}");
}

#[test]
fn the_last_words_of_a_client_of_ones_own_tell_why_it_failed() {
    let mut home = Home::new();
    let (script, words) = (home.path("mytunnel"), home.path("words"));
    fs::write(&script, format!("#!/bin/sh\ncat {words:?} >&2\nexit 255\n")).unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    home.configure(&format!(
        "[tunnels.mine]\ncommand = [{script:?}, \"{{port}}\"]\nurl_regex = '(https://\\S+)'\n"
    ));
    home.start();
    for (said, code, remedy) in [
        ("ssh: Could not resolve hostname x.example: Name or service not known\r", "network", "network"),
        ("ssh: connect to host x.example port 22: Connection refused\r", "network", "network"),
        ("root@x.example: Permission denied (publickey).\r", "credentials", "the key"),
        ("Host key verification failed.\r", "config", "ssh-keygen -R"),
        ("ERROR:  ERR_NGROK_334", "config", "other ngrok agent"),
        ("error code: 1015: 429 Too Many Requests", "rate_limited", "wait"),
        ("segmentation fault", "crashed", "panko logs"),
    ] {
        fs::write(&words, format!("{said}\n")).unwrap();
        let reply = home.try_share(&sessions::example(), "mine");
        assert_eq!(reply["data"]["code"], code, "{said}: {reply}");
        assert!(reply["data"]["remedy"].as_str().unwrap().contains(remedy), "{said}: {reply}");
    }
}

#[test]
fn the_address_of_the_providers_own_api_is_never_taken_for_the_tunnels() {
    let home = Home::started();
    home.tunnel.behave(Mode::WrongUrl);
    let reply = home.try_share(&sessions::example(), "cloudflare");
    assert_eq!(reply["status"], "Error");
    let all = home.ask(&json!({"method": "ListShares", "params": {"all": true}}));
    assert_eq!(all["data"][0]["public_url"], "");
}

#[test]
fn what_cannot_be_shared_is_refused_with_the_reason() {
    let home = Home::started();
    let bad = home.path("bad.jsonl");
    fs::write(&bad, "this is\nno session\n").unwrap();
    let empty = home.path("empty.jsonl");
    fs::write(&empty, "").unwrap();
    for (path, provider, code) in [
        (home.path("absent.jsonl"), "local", "session"),
        (bad, "local", "session"),
        (empty, "local", "session"),
        (home.path("."), "local", "session"),
        ("/dev/zero".into(), "local", "session"),
        ("relative.jsonl".into(), "local", "session"),
        (sessions::example(), "carrier-pigeon", "config"),
    ] {
        let reply = home.try_share(&path, provider);
        assert_eq!(reply["data"]["code"], code, "{}: {reply}", path.display());
        assert!(!reply["data"]["remedy"].as_str().unwrap().is_empty(), "{reply}");
    }
    fs::remove_file(home.tunnel.program()).unwrap();
    let reply = home.try_share(&sessions::example(), "cloudflare");
    assert_eq!(reply["data"]["code"], "missing_program", "{reply}");
    assert!(home.keepers().is_empty() && home.shares().is_empty());
}

#[test]
fn the_same_idempotency_key_is_the_same_share() {
    let home = Home::started();
    home.tunnel.behave(Mode::Slow);
    let ask = json!({"method": "StartShare", "params": {"session_path": sessions::example(), "provider": "cloudflare",
        "options": {"idempotency_key": "k1"}}});
    let mut first = home.connect();
    first.send(&ask);
    until(SOON, "the tunnel has started", || home.tunnel.starts().len() == 1);
    // The first client dies; the second asks the same.
    drop(first);
    let mut second = home.connect();
    second.send(&ask);
    home.tunnel.go_on();
    let share = second.next().unwrap();
    assert_eq!(share["status"], "ShareStarted", "{share}");
    assert_eq!(home.ask(&ask)["data"]["id"], share["data"]["id"], "asked again when it is up");
    assert_eq!((home.shares().len(), home.tunnel.starts().len()), (1, 1));
}

#[test]
fn a_cancelled_start_leaves_nothing() {
    let home = Home::started();
    home.tunnel.behave(Mode::Slow);
    let mut wire = home.connect();
    wire.send(&json!({"method": "StartShare", "params": {"session_path": sessions::example(), "provider": "cloudflare",
        "options": {"idempotency_key": "k1"}}}));
    until(SOON, "the tunnel has started", || home.tunnel.starts().len() == 1);
    let reply = home.ask(&json!({"method": "CancelStart", "params": {"idempotency_key": "k1"}}));
    assert_eq!(reply["status"], "ShareStopped", "{reply}");
    assert_eq!(wire.next().unwrap()["status"], "Error");
    home.assert_nothing_runs();
    assert!(home.shares().is_empty());
}

#[test]
fn no_more_shares_than_the_configuration_allows() {
    let mut home = Home::new();
    home.configure("max_shares = 2\n");
    home.start();
    home.share(&sessions::example(), "local");
    home.share(&sessions::example(), "local");
    let reply = home.try_share(&sessions::example(), "local");
    assert_eq!(reply["data"]["code"], "too_many_shares", "{reply}");
    assert!(reply["data"]["remedy"].as_str().unwrap().contains("max_shares"), "{reply}");
}

#[test]
fn a_port_that_was_asked_for_is_used_or_said_to_be_taken() {
    let home = Home::started();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let ask = |port: u16| {
        home.ask(&json!({"method": "StartShare", "params": {"session_path": sessions::example(), "provider": "local",
            "options": {"port": port}}}))
    };
    let reply = ask(port);
    assert_eq!(reply["data"]["code"], "port_taken", "{reply}");
    drop(taken);
    assert_eq!(ask(port)["data"]["local_port"], port);
}

#[test]
fn the_log_of_a_tunnel_can_be_read_while_it_runs_and_after_its_end() {
    let home = Home::started();
    home.tunnel.behave(Mode::UpThenDie);
    let share = home.share(&sessions::example(), "cloudflare");
    let logs =
        || home.ask(&json!({"method": "Logs", "params": {"share_id": share["id"]}}))["data"]["text"].clone();
    assert!(logs().as_str().unwrap().contains("Registered tunnel connection"), "{}", logs());
    home.ask(&json!({"method": "StopShare", "params": {"share_id": share["id"]}}));
    assert!(logs().as_str().unwrap().contains("Registered tunnel connection"), "{}", logs());
}

#[test]
fn a_snapshot_outlives_its_source() {
    let mut home = Home::started();
    let source = home.path("mine.jsonl");
    // As long as it takes to copy something for a while: blanks are no records.
    let mut session = fs::read(sessions::example()).unwrap();
    let blanks = [vec![b' '; 1 << 20], b"\n".to_vec()].concat();
    (0..15).for_each(|_| session.extend_from_slice(&blanks));
    fs::write(&source, session).unwrap();
    let share = home.share(&source, "local");
    let url = share["public_url"].as_str().unwrap();
    // From the answer on, nobody has to wait for anything.
    home.kill_daemon();
    fs::remove_file(&source).unwrap();
    home.start();
    home.until_share(&share["id"], "the share is back", |share| share["status"] == "active");
    let page = http::get(url);
    assert_eq!(page.status, 200);
    assert!(page.text().contains("8c1f0de"), "{}", page.text());
}

#[test]
fn a_share_that_is_stopped_while_its_answer_waits_for_the_copy_is_told_as_stopped() {
    let home = Home::started();
    let slowly = "fdatasync:delay_enter=1000000";
    let Some(_injection) = inject::attach(home.daemon_pid(), &[slowly], false) else { return };
    // Its end takes longer than what the database has to say of it.
    home.tunnel.behave(Mode::IgnoreTerm);
    let mut wire = home.connect();
    wire.send(&json!({"method": "StartShare",
        "params": {"session_path": sessions::example(), "provider": "cloudflare"}}));
    let mut share = Value::Null;
    until(SOON, "its page is up", || {
        share = home.shares().pop().unwrap_or_default();
        share["phase"] == "active"
    });
    let stopped = home.ask(&json!({"method": "StopShare", "params": {"share_id": share["id"]}}));
    assert_eq!(stopped["status"], "ShareStopped");
    assert_eq!(wire.next().unwrap()["status"], "Error", "it was stopped before it was up");
    let all = home.ask(&json!({"method": "ListShares", "params": {"all": true}}));
    let told = [&all["data"][0]["status"], &all["data"][0]["reason"]];
    assert_eq!(told, ["stopped", "stopped"]);
}

#[test]
fn the_private_copy_of_a_session_in_many_files_is_all_of_it() {
    let mut home = Home::started();
    let own = sessions::opencode_storage(&home.path("storage"));
    let share = home.share(&own, "local");
    let url = share["public_url"].as_str().unwrap();
    assert!(http::get(url).text().contains("Nothing to say."));
    until(SOON, "the copy is there", || {
        fs::read_dir(home.data("snapshots"))
            .unwrap()
            .flatten()
            .any(|entry| entry.path().extension().is_some_and(|extension| extension == "jsonl"))
    });
    fs::remove_dir_all(home.path("storage")).unwrap();
    home.kill_daemon();
    home.start();
    until(SOON, "the page is back", || http::get(url).status == 200);
    assert!(http::get(url).text().contains("Nothing to say."), "all that was there when it was shared");
}
