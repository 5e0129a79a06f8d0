//! HUP: the configuration is read again, and reaches shares and keepers that live.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::support::daemon::Home;
use crate::support::wait::{SOON, until};
use crate::support::{process, sessions};

/// A provider `mine` whose client is the stand-in; nothing can be asked of it.
fn mine(first: &str, program: &str) -> String {
    format!(
        "{first}\n[tunnels.mine]\ncommand = ['{program}', '{{port}}']\nurl_regex = 'https://stand-in'\n\
         url_template = 'http://127.0.0.1:{{port}}'\nready = 'Registered'\n"
    )
}

/// Replaces the configuration and has the daemon read it.
#[track_caller]
fn reload(home: &Home, text: &str) {
    home.configure(text);
    let said = |home: &Home| {
        let log = home.log_text();
        log.matches("was read again").count() + log.matches("stays as it was").count()
    };
    let before = said(home);
    process::signal(home.daemon_pid(), Signal::HUP);
    until(SOON, "the daemon has read it", || said(home) > before);
}

fn info(home: &Home, share: &Value) -> Value {
    home.ask(&json!({"method": "GetShare", "params": {"share_id": share["id"]}}))["data"].clone()
}

#[test]
fn a_share_that_is_up_is_looked_at_as_the_new_configuration_says() {
    let mut home = Home::new();
    home.configure(&mine("look_every = 3600", "cloudflared"));
    home.start();
    let share = home.share(&sessions::example(), "mine");
    reload(&home, &mine("look_every = 1", "cloudflared"));
    process::signal(home.tunnel.starts()[0], Signal::STOP);
    home.until_share(&share["id"], "that it was stopped is seen", |share| share["phase"] == "degraded");
    assert_eq!(info(&home, &share)["public_url"], share["public_url"]);
}

#[test]
fn a_keeper_that_lives_has_the_grace_of_the_new_configuration() {
    for restarted in [false, true] {
        let mut home = Home::new();
        home.configure("orphan_grace = 3600\n");
        home.start();
        home.share(&sessions::example(), "local");
        if restarted {
            home.kill_daemon();
            home.configure("orphan_grace = 1\n");
            home.start();
            home.until_share(&home.shares()[0]["id"], "it is back", |share| share["status"] == "active");
        } else {
            reload(&home, "orphan_grace = 1\n");
        }
        // Its keeper has heard it when it answers what was asked later.
        let id = home.shares()[0]["id"].clone();
        let logs = home.ask(&json!({"method": "Logs", "params": {"share_id": id}}));
        assert_eq!(logs["status"], "Logs", "{logs}");
        home.kill_daemon();
        home.assert_nothing_runs();
    }
}

#[test]
fn what_concerns_a_client_holds_from_its_next_start_and_who_is_told_at_once() {
    let mut home = Home::new();
    home.configure(&mine("", "cloudflared"));
    home.start();
    let share = home.share(&sessions::example(), "mine");
    let (other, note) = (home.path("other"), home.path("note"));
    let script = "#!/bin/sh\necho \"Registered at http://other.example\"\nexec sleep 600\n";
    fs::write(&other, script).unwrap();
    fs::set_permissions(&other, fs::Permissions::from_mode(0o755)).unwrap();
    let changed = mine("", other.to_str().unwrap())
        .replace("https://stand-in", "http://other")
        .replace("http://127.0.0.1:{port}", "http://other.example");
    let told = format!("[on_url_change]\ncommand = ['/bin/sh', '-c', 'touch {}']\n", note.display());
    reload(&home, &(changed + &told));
    let client = home.tunnel.starts()[0];
    assert!(process::lives(client), "nothing is restarted");
    assert_eq!(info(&home, &share)["public_url"], share["public_url"]);
    process::signal(client, Signal::KILL);
    home.until_share(&share["id"], "the new client is up", |now| {
        now["status"] == "active" && now["public_url"].as_str().unwrap().starts_with("http://other.example/")
    });
    until(SOON, "the one who is named now is told", || note.exists());
    assert_eq!(home.tunnel.starts(), [client]);
}

#[test]
fn a_broken_file_changes_nothing_and_that_is_said_until_it_is_mended() {
    let mut home = Home::new();
    home.configure("max_shares = 1\n");
    home.start();
    home.share(&sessions::example(), "local");
    let code = |home: &Home| home.try_share(&sessions::example(), "local")["data"]["code"].clone();
    for broken in ["max_shares = [\n", "max_shares = \"many\"\n", "[tunnels.mine]\ncommand = []\n"] {
        reload(&home, broken);
        assert_eq!(code(&home), "too_many_shares", "{broken}");
        let status = String::from_utf8(home.run(&["serve-status"]).stderr).unwrap();
        assert!(status.contains("config.toml") && status.contains("stays as it was"), "{broken}: {status}");
        let told = home.ask(&json!({"method": "Hello"}))["data"]["notices"].clone();
        assert_eq!(told.as_array().unwrap().len(), 1, "{told}");
        assert!(home.log_text().contains("config.toml is not a valid configuration"), "{broken}");
    }
    reload(&home, "max_shares = 2\n");
    assert_eq!(home.ask(&json!({"method": "Hello"}))["data"]["notices"], Value::Null);
    assert_eq!(code(&home), Value::Null);
    assert_eq!(home.shares().len(), 2);
}
