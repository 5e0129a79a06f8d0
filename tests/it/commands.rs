//! The command line as a person or a script uses it.

use std::fs;
use std::process::Stdio;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::support::daemon::Home;
use crate::support::tunnel::Mode;
use crate::support::wait::{SOON, until};
use crate::support::{http, process, sessions};

#[test]
fn the_help_says_what_panko_does_without_a_command() {
    let help = Home::new().ok(&["--help"]);
    assert!(help.contains("`panko` alone opens the terminal interface"), "{help}");
}

#[test]
fn share_starts_the_daemon_and_prints_the_url_and_nothing_else() {
    let home = Home::new();
    let session = sessions::example();
    let output = home.run(&["share", session.to_str().unwrap(), "--tunnel", "local"]);
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(stdout.lines().count(), 1, "{stdout:?}");
    assert_eq!(http::get(stdout.trim()).status, 200);
    // The daemon is in a session of its own: the end of the terminal does not reach it.
    let pid: u32 = fs::read_to_string(home.data("daemon.pid")).unwrap().trim().parse().unwrap();
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let session_id: u32 =
        stat.rsplit_once(')').unwrap().1.split_whitespace().nth(3).unwrap().parse().unwrap();
    assert_eq!(session_id, pid);
    home.ok(&["serve-stop"]);
    assert!(!process::lives(pid));
    home.assert_nothing_runs();
}

#[test]
fn a_share_may_end_by_itself() {
    let home = Home::started();
    let session = sessions::example();
    let session = session.to_str().unwrap();
    let share: Value =
        serde_json::from_str(&home.ok(&["share", session, "--tunnel", "local", "--expires", "2h", "--json"]))
            .unwrap();
    let started: jiff::Timestamp = share["started_at"].as_str().unwrap().parse().unwrap();
    let expires: jiff::Timestamp = share["expires_at"].as_str().unwrap().parse().unwrap();
    assert!((7190..=7200).contains(&expires.duration_since(started).as_secs()), "{share}");
    assert!(home.ok(&["info", "session"]).contains("expires"));
    assert_eq!(home.run(&["share", session, "--expires", "soon"]).status.code(), Some(2));
}

#[test]
fn without_a_choice_the_installed_tunnel_is_taken_and_else_the_embedded_one() {
    let home = Home::started();
    let session = sessions::example();
    let share = |home: &Home| -> Value {
        serde_json::from_str(&home.ok(&["share", "--json", session.to_str().unwrap()])).unwrap()
    };
    assert_eq!(share(&home)["provider_name"], "cloudflare");
    fs::remove_file(home.tunnel.program()).unwrap();
    assert_eq!(share(&home)["provider_name"], "local");
    home.ok(&["config", "set", "default_provider", "cloudflare"]);
    let refused = home.run(&["share", session.to_str().unwrap()]);
    assert_eq!(refused.status.code(), Some(1));
    let error = String::from_utf8(refused.stderr).unwrap();
    assert!(error.contains("error: ") && error.contains("\n  try: install cloudflared"), "{error}");
}

#[test]
fn ctrl_c_takes_a_share_back_that_is_not_up_yet() {
    let home = Home::started();
    home.tunnel.behave(Mode::Silent);
    let session = sessions::example();
    let mut command = home.command(&["share", session.to_str().unwrap()]);
    let share = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    until(SOON, "the tunnel has started", || home.tunnel.starts().len() == 1);
    process::signal(share.id(), Signal::INT);
    let output = share.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    assert!(output.stdout.is_empty());
    home.assert_nothing_runs();
    assert!(home.shares().is_empty());
}

#[test]
fn ls_shows_what_is_there_and_starts_no_daemon() {
    let mut home = Home::new();
    let output = home.run(&["ls"]);
    assert!(output.status.success() && output.stdout.is_empty(), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("not running"));
    assert!(!home.data("daemon.sock").exists());
    assert_eq!(home.ok(&["ls", "--json"]).trim(), "[]");

    home.start();
    let share = home.share(&sessions::example(), "local");
    let table = home.ok(&["ls"]);
    assert!(table.contains(share["public_url"].as_str().unwrap()) && table.contains("active"), "{table}");
    let listed: Value = serde_json::from_str(&home.ok(&["ls", "--json"])).unwrap();
    assert_eq!(listed[0]["id"], share["id"]);
    home.ok(&["stop", "session"]);
    assert_eq!(home.ok(&["ls", "--json"]).trim(), "[]");
    let all: Value = serde_json::from_str(&home.ok(&["ls", "--all", "--json"])).unwrap();
    assert_eq!((&all[0]["id"], &all[0]["status"]), (&share["id"], &json!("stopped")));
}

#[test]
fn stop_takes_an_id_its_beginning_a_name_or_all() {
    let home = Home::started();
    let share = || home.share(&sessions::example(), "local")["id"].as_str().unwrap().to_owned();
    let (first, second) = (share(), share());
    home.ok(&["stop", &first]);
    home.ok(&["stop", &second[..8]]);
    share();
    share();
    home.ok(&["stop", "session"]);
    assert!(home.shares().is_empty(), "all with that name");
    share();
    share();
    home.ok(&["stop", "--all"]);
    assert!(home.shares().is_empty());
    assert_eq!(home.run(&["stop", "nosuch"]).status.code(), Some(4));
    assert_eq!(home.run(&["stop"]).status.code(), Some(2));
}

#[test]
fn a_stop_without_a_daemon_is_recorded_before_anything_comes_back() {
    let mut home = Home::started();
    let share = home.share(&sessions::example(), "cloudflare");
    let other = home.share(&sessions::example(), "cloudflare");
    home.kill_daemon();
    home.ok(&["stop", share["id"].as_str().unwrap()]);
    assert_eq!(home.tunnels().len(), 1, "its tunnel ended with it, the other's did not");
    home.start();
    home.until_share(&other["id"], "the other is back", |share| share["status"] == "active");
    assert_eq!(home.shares().len(), 1);
}

#[test]
fn serve_and_serve_status_and_serve_stop() {
    let home = Home::new();
    assert_eq!(home.run(&["serve-status"]).status.code(), Some(3));
    assert_eq!(home.run(&["serve-stop"]).status.code(), Some(3));
    home.ok(&["serve"]);
    assert_eq!(home.run(&["serve"]).status.code(), Some(1), "there is one already");
    let status: Value = serde_json::from_str(&home.ok(&["serve-status", "--json"])).unwrap();
    let pid = status["pid"].as_u64().unwrap() as u32;
    assert!(process::lives(pid) && status["running"] == true, "{status}");
    home.ok(&["serve-stop"]);
    assert!(!process::lives(pid), "it ended before the command did");
    assert_eq!(home.ok_code(&["serve-status", "--json"], 3).trim(), r#"{"running":false}"#);
}

#[test]
fn logs_shows_what_the_tunnel_printed_and_nothing_that_steers_the_terminal() {
    let home = Home::started();
    home.share(&sessions::example(), "cloudflare");
    let logs = home.ok(&["logs", "session"]);
    assert!(logs.contains("Registered tunnel connection"), "{logs}");
    assert!(logs.chars().all(|c| c == '\n' || !c.is_control()), "{logs:?}");
}

#[test]
fn info_and_restart_of_a_share_that_waits() {
    let home = Home::started();
    home.share(&sessions::example(), "cloudflare");
    home.tunnel.behave(Mode::CrashLoop);
    process::signal(home.tunnel.starts()[0], Signal::KILL);
    // It fails again and again, so its pauses grow.
    until(SOON, "it waits for its third attempt", || {
        home.tunnel.starts().len() >= 2 && home.shares()[0]["phase"] == "backoff"
    });
    let info = home.ok(&["info", "session"]);
    assert!(
        info.contains("error (backoff)") && info.contains("cannot work") && info.contains("retried"),
        "{info}"
    );
    home.tunnel.behave(Mode::Ok);
    home.ok(&["restart", "session"]);
    until(SOON, "it is back", || home.shares()[0]["status"] == "active");
    let info: Value = serde_json::from_str(&home.ok(&["info", "session", "--json"])).unwrap();
    assert_eq!((&info["status"], &info["reason"]), (&json!("active"), &Value::Null));
}

#[test]
fn history_tells_every_change_with_its_cause_and_outlives_daemon_and_share() {
    let mut home = Home::started();
    let share = home.share(&sessions::example(), "cloudflare");
    process::signal(home.tunnel.starts()[0], Signal::KILL);
    until(SOON, "it is back under another URL", || {
        let now = &home.shares()[0];
        now["status"] == "active" && now["public_url"] != share["public_url"]
    });
    let second = home.shares()[0]["public_url"].clone();
    home.kill_daemon();
    home.start();
    home.until_share(&share["id"], "it is back", |share| share["status"] == "active");
    home.ok(&["stop", "session"]);
    let history: Value = serde_json::from_str(&home.ok(&["history", "session", "--json"])).unwrap();
    let told: Vec<_> =
        history.as_array().unwrap().iter().map(|event| event["status"].as_str().unwrap()).collect();
    assert_eq!(told.first(), Some(&"starting"));
    assert_eq!(told.last(), Some(&"stopped"));
    assert_eq!(history.as_array().unwrap().last().unwrap()["reason"], "stopped", "by whom or what");
    assert!(told.windows(2).any(|pair| pair == ["active", "error"]), "{told:?}");
    let urls: Vec<_> = history
        .as_array()
        .unwrap()
        .iter()
        .filter(|event| event["status"] == "active")
        .map(|event| &event["public_url"])
        .collect();
    assert_eq!(urls.first(), Some(&&share["public_url"]));
    assert!(urls[1..].iter().all(|url| **url == second), "{urls:?}");
    let fell = history.as_array().unwrap().iter().find(|event| event["status"] == "error").unwrap();
    assert!(fell["reason"].as_str().unwrap().contains("signal 9"), "{fell}");
    assert!(home.ok(&["history", "session"]).lines().count() >= told.len());
}

#[test]
fn history_has_a_line_for_each_failed_attempt_and_the_cause_of_each_start() {
    let mut home = Home::started();
    let share = home.share(&sessions::example(), "cloudflare");
    home.tunnel.behave(Mode::CrashLoop);
    process::signal(home.tunnel.starts()[0], Signal::KILL);
    let failed = |home: &Home| {
        let told = home.history(&share["id"]);
        told.into_iter().filter(|event| event["phase"] == "backoff").collect::<Vec<_>>()
    };
    until(SOON, "two attempts have failed in the same way", || failed(&home).len() >= 3);
    let failed = failed(&home);
    assert!(failed[0]["reason"].as_str().unwrap().contains("signal 9"), "{failed:?}");
    assert_eq!(failed[1]["reason"], failed[2]["reason"]);
    home.tunnel.behave(Mode::Ok);
    home.ok(&["restart", "session"]);
    home.until_share(&share["id"], "it is back", |share| share["status"] == "active");
    home.kill_daemon();
    home.start();
    home.until_share(&share["id"], "it is back", |share| share["status"] == "active");
    until(SOON, "that is in its history", || {
        home.history(&share["id"]).last().is_some_and(|event| event["status"] == "active")
    });
    let told = home.history(&share["id"]);
    let starts: Vec<_> = told
        .iter()
        .filter(|event| event["status"] == "starting")
        .map(|event| event["reason"].as_str().unwrap_or_default())
        .collect();
    let url = "its tunnel gave a URL";
    let expected = [
        "it was asked for",
        url,
        "a restart was asked for",
        url,
        "a daemon has started and takes it over",
        url,
    ];
    assert_eq!(starts, expected);
    let printed = home.ok(&["history", "session"]);
    assert!(expected.iter().all(|cause| printed.contains(cause)), "{printed}");
}

#[test]
fn the_service_is_written_shown_and_removed() {
    let mut home = Home::new();
    let unit = home.path("config/systemd/user/panko.service");
    assert!(home.ok_code(&["daemon", "status"], 3).contains("not installed"));
    let output = home.run(&["daemon", "install"]);
    assert!(output.status.success(), "{output:?}");
    let text = fs::read_to_string(&unit).unwrap();
    let exe = crate::support::keeper::exe().display().to_string();
    assert!(
        text.contains(&format!("ExecStart=\"{exe}\" serve --foreground")) && text.contains("Type=notify"),
        "{text}"
    );
    let said = home.ok_code(&["daemon", "status"], 3);
    assert!(said.contains(unit.to_str().unwrap()) && said.contains("not running"), "{said}");
    home.ok(&["daemon", "uninstall"]);
    assert!(!unit.exists());
    home.start();
    let said = home.ok(&["daemon", "status"]);
    assert!(said.contains("not installed") && said.contains("daemon: running"), "{said}");
}

#[test]
fn the_service_manager_is_told_when_the_daemon_is_ready_well_and_ending() {
    let home = Home::new();
    let socket = home.path("notify");
    let manager = std::os::unix::net::UnixDatagram::bind(&socket).unwrap();
    manager.set_read_timeout(Some(SOON)).unwrap();
    let mut command = home.command(&["serve", "--foreground"]);
    command.env("NOTIFY_SOCKET", &socket).env("WATCHDOG_USEC", "600000").stderr(Stdio::null());
    let mut daemon = command.spawn().unwrap();
    let told = || {
        let mut buffer = [0; 256];
        let length = manager.recv(&mut buffer).unwrap();
        String::from_utf8_lossy(&buffer[..length]).trim().to_owned()
    };
    assert_eq!(told(), "READY=1");
    assert_eq!(home.ask(&json!({"method": "Ping"}))["status"], "Pong", "it was ready");
    assert_eq!((told(), told()), ("WATCHDOG=1".to_owned(), "WATCHDOG=1".to_owned()));
    process::signal(daemon.id(), Signal::TERM);
    until(SOON, "the end is told", || told() == "STOPPING=1");
    assert_eq!(daemon.wait().unwrap().code(), Some(0));
}

#[test]
fn view_serves_until_it_is_interrupted() {
    let home = Home::new();
    let session = sessions::example();
    let mut command = home.command(&["view", session.to_str().unwrap(), "--no-browser"]);
    let mut view = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut url = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(view.stdout.take().unwrap()), &mut url).unwrap();
    assert_eq!(http::get(url.trim()).status, 200);
    assert!(!home.data("").exists(), "looking needs no data folder");
    process::signal(view.id(), Signal::INT);
    assert_eq!(view.wait().unwrap().code(), Some(0));
}

#[test]
fn check_says_what_is_in_a_file_and_refuses_what_is_no_session() {
    let home = Home::new();
    let session = sessions::example();
    let report = home.ok(&["check", session.to_str().unwrap()]);
    assert!(report.contains("Claude Code") && report.contains("prompts"), "{report}");
    assert_eq!(home.ok(&["check", "--quiet", session.to_str().unwrap()]), "");
    let bad = home.path("bad.jsonl");
    fs::write(&bad, "no session\n").unwrap();
    let output = home.run(&["check", session.to_str().unwrap(), bad.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.contains("bad.jsonl") && error.contains("1 of 2 files"), "{error}");
}

#[test]
fn check_accepts_every_claude_session_of_the_corpus() {
    let home = Home::new();
    // Sub-agents' own files are not sessions of their own; they are read with their parent's.
    let all: Vec<_> = sessions::corpus();
    let files: Vec<&str> = all.iter().map(|path| path.to_str().unwrap()).collect();
    if files.is_empty() {
        crate::support::inject::skipped("no corpus is unpacked at target/corpus");
        return;
    }
    let mut args = vec!["check", "--quiet"];
    args.extend(&files);
    home.ok(&args);
}

#[test]
fn config_shows_sets_and_unsets() {
    let home = Home::new();
    let path = home.ok(&["config", "path"]);
    assert_eq!(path.trim(), home.path("config/panko/config.toml").to_str().unwrap());
    home.ok(&["config", "set", "max_shares", "7"]);
    assert!(
        home.ok(&["config", "show"]).lines().any(|line| line.starts_with("max_shares") && line.contains('7'))
    );
    home.ok(&["config", "unset", "max_shares"]);
    let refused = home.run(&["config", "set", "max_shares", "many"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("whole number"));
}

#[test]
fn usage_errors_have_a_code_of_their_own() {
    let home = Home::new();
    for args in [&["share"][..], &["frobnicate"], &["stop", "--all", "x"], &["check"]] {
        assert_eq!(home.run(args).status.code(), Some(2), "{args:?}");
    }
}
