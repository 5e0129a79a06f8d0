//! The daemon as a service: what it tells the service manager, and what the manager thinks of its unit.

use std::fs;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use panko::daemon::service::Manager;
use rustix::process::Signal;
use serde_json::json;

use crate::support::daemon::Home;
use crate::support::inject::skipped;
use crate::support::keeper::exe;
use crate::support::systemd::Systemd;
use crate::support::wait::{SOON, until};
use crate::support::{process, sessions};

/// What the daemon told, and when; `None` if it told nothing for so long.
fn told(socket: &UnixDatagram, patience: Duration) -> Option<(String, Instant)> {
    socket.set_read_timeout(Some(patience)).unwrap();
    let mut bytes = [0; 4096];
    let length = socket.recv(&mut bytes).ok()?;
    Some((String::from_utf8_lossy(&bytes[..length]).into_owned(), Instant::now()))
}

#[test]
fn the_watchdog_is_told_in_half_its_time_and_not_by_a_daemon_that_hangs() {
    let mut home = Home::new();
    let manager = UnixDatagram::bind(home.path("notify")).unwrap();
    let limit = Duration::from_secs(3);
    let socket = format!("NOTIFY_SOCKET={}", home.path("notify").display());
    let time = format!("WATCHDOG_USEC={}", limit.as_micros());
    home.start_by(&["env", &socket, &time]);
    let (ready, mut before) = told(&manager, limit).unwrap();
    assert!(ready.contains("READY=1"), "{ready}");
    for _ in 0..4 {
        let (beat, at) = told(&manager, limit).expect("it is told in time");
        assert_eq!(beat.trim(), "WATCHDOG=1");
        assert!(at - before <= limit / 2, "{:?}", at - before);
        before = at;
    }
    home.connect().send(&json!({"method": "Fault", "params": {"actor": "hang"}}));
    let hung = Instant::now();
    // One may have been on its way.
    while let Some((beat, at)) = told(&manager, limit) {
        assert!(at - hung < limit / 2, "it hangs, and is told to be well: {beat}");
    }
    home.kill_daemon();
}

#[test]
fn the_service_manager_is_told_of_the_end() {
    let mut home = Home::new();
    let manager = UnixDatagram::bind(home.path("notify")).unwrap();
    let socket = format!("NOTIFY_SOCKET={}", home.path("notify").display());
    home.start_by(&["env", &socket]);
    assert!(told(&manager, Duration::from_secs(5)).unwrap().0.contains("READY=1"));
    assert_eq!(told(&manager, Duration::from_millis(300)), None, "nobody asked for a watchdog");
    process::signal(home.daemon_pid(), Signal::TERM);
    assert!(told(&manager, Duration::from_secs(5)).unwrap().0.contains("STOPPING=1"));
    assert_eq!(home.daemon_exit(), Some(0));
}

/// What systemd-analyze says of a unit; `None`, and said so, where there is none.
fn analyzed(unit: &Path, words: &[&str]) -> Option<String> {
    let runtime = unit.parent().unwrap();
    let mut analyze = Command::new("systemd-analyze");
    let Ok(out) = analyze.env("XDG_RUNTIME_DIR", runtime).args(words).arg(unit).output() else {
        skipped("there is no systemd-analyze");
        return None;
    };
    Some(String::from_utf8_lossy(&out.stdout).into_owned() + &String::from_utf8_lossy(&out.stderr))
}

#[test]
fn systemd_finds_no_fault_in_the_unit_and_the_hardening_that_it_asks_for() {
    let folder = tempfile::tempdir().unwrap();
    let unit = folder.path().join("panko.service");
    let text = Manager::Systemd.text(exe(), &[]);
    let verify = ["--user", "--man=no", "verify"];
    fs::write(&unit, text.replace("WatchdogSec=60", "WatchdogSec=soon")).unwrap();
    let Some(said) = analyzed(&unit, &verify) else { return };
    if !said.contains("soon") {
        return skipped("systemd-analyze verifies nothing here");
    }
    fs::write(&unit, text).unwrap();
    let said = analyzed(&unit, &verify).unwrap();
    // Faults of other units of this machine are not ours.
    let ours: Vec<&str> = said.lines().filter(|line| line.contains("panko")).collect();
    assert!(ours.is_empty(), "{ours:?}");
    let said = analyzed(&unit, &["--no-pager", "--offline=yes", "security"]).unwrap();
    for wanted in ["NoNewPrivileges=", "LockPersonality=", "RestrictRealtime=", "RestrictSUIDSGID=", "UMask="]
    {
        let line =
            said.lines().find(|line| line.contains(wanted)).unwrap_or_else(|| panic!("{wanted}: {said}"));
        assert!(line.starts_with('✓'), "{line}");
    }
}

#[test]
fn under_a_real_service_manager_tunnels_outlive_a_kill_a_hang_a_restart_and_a_stop() {
    const UNIT: &str = "panko.service";
    let home = Home::new();
    let hasty = home.path("config/systemd/user/panko.service.d");
    fs::create_dir_all(&hasty).unwrap();
    fs::write(hasty.join("hasty.conf"), "[Service]\nWatchdogSec=2\nRestartSec=100ms\n").unwrap();
    let Some(systemd) = Systemd::start(&home) else { return };
    let daemon = || systemd.property(UNIT, "MainPID").parse::<u32>().unwrap();
    // The daemon that this starts makes way for the service.
    let share = |tunnel| systemd.panko(&["share", sessions::example().to_str().unwrap(), "--tunnel", tunnel]);
    let earlier = share("local");
    systemd.panko(&["daemon", "install"]);
    assert_eq!(systemd.property(UNIT, "ActiveState"), "active", "started, and ready");
    let said = systemd.panko(&["daemon", "status"]);
    assert!(said.contains("daemon: running"), "{said}");
    let earlier_now = home.shares().remove(0);
    assert!(earlier.contains(earlier_now["public_url"].as_str().unwrap()), "{earlier} {earlier_now}");
    systemd.panko(&["stop", earlier_now["id"].as_str().unwrap()]);
    // Its tunnel runs under the hardening of the unit, and is found though the manager has a PATH of its own.
    share("cloudflare");
    let share = home.shares().remove(0);
    let (keepers, clients) = (home.keepers(), home.tunnel.starts());
    let assert_as_it_was = |after: &str| {
        home.until_share(&share["id"], after, |now| {
            now["status"] == "active" && now["public_url"] == share["public_url"]
        });
        assert_eq!((home.keepers(), home.tunnel.starts()), (keepers.clone(), clients.clone()), "{after}");
    };

    let killed = daemon();
    process::signal(killed, Signal::KILL);
    assert_as_it_was("a kill");
    let hung = daemon();
    assert_ne!(hung, killed);
    process::signal(hung, Signal::STOP);
    until(SOON, "the watchdog ends the one that hangs", || !process::lives(hung));
    assert_as_it_was("a hang");
    assert_eq!(systemd.property(UNIT, "NRestarts"), "2");
    systemd.ok(&["reload", UNIT]);
    assert_as_it_was("a reload");
    systemd.ok(&["restart", UNIT]);
    assert_as_it_was("a restart");
    systemd.ok(&["stop", UNIT]);
    assert!(clients.iter().chain(&keepers).all(|pid| process::lives(*pid)), "they wait for the next daemon");
    systemd.ok(&["start", UNIT]);
    assert_as_it_was("a stop");

    systemd.panko(&["stop", share["id"].as_str().unwrap()]);
    home.assert_nothing_runs();
    systemd.panko(&["daemon", "uninstall"]);
    assert_eq!(systemd.property(UNIT, "ActiveState"), "inactive");
    assert!(!home.path("config/systemd/user/panko.service").exists());
}
