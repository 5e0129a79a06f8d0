//! The terminal interface, in a real terminal, with a real daemon.

use rustix::process::Signal;

use crate::support::daemon::Home;
use crate::support::screen::Screen;
use crate::support::tunnel::{Mode, url_of};
use crate::support::{process, sessions};

/// How it begins on a screen of the usual size.
fn started(home: &Home) -> Option<Screen> {
    Screen::start(home, "", 80, 24)
}

#[test]
fn what_ails_a_share_is_shown_with_the_next_attempt_and_the_remedy() {
    let home = Home::started();
    home.share(&sessions::example(), "cloudflare");
    let Some(screen) = started(&home) else { return };
    let first = home.tunnel.starts()[0];
    screen.until(&["daemon running", "1 share", "active", &url_of(first)]);

    home.tunnel.behave(Mode::RateLimited);
    process::signal(first, Signal::KILL);
    let text = screen.until(&["allows no more tunnels", "error, retry"]);
    for told in ["1 in trouble", "reason", "remedy", "wait", "retried   in "] {
        assert!(text.contains(told), "{told} is missing\n{text}");
    }
    // The countdown goes on by itself.
    let wait = |text: &str| {
        let (_, rest) = text.split_once("retried   in ")?;
        rest.split_whitespace().next()?.parse::<u64>().ok()
    };
    let before = wait(&text).unwrap();
    screen.until_it("less time is left", |text| wait(text).is_some_and(|now| now < before));

    // A person does not wait.
    home.tunnel.behave(Mode::Ok);
    screen.press(&["t"]);
    screen.until_it("it is up again", |text| text.contains("active") && !text.contains("trouble"));
    let url = url_of(home.tunnel.starts()[2]);
    screen.until(&[&url]);

    screen.press(&["c"]);
    screen.until(&["sent to the clipboard"]);
    screen.until_it("the URL is in the clipboard", |_| screen.clipboard().starts_with(&url));
}

#[test]
fn a_share_is_stopped_after_a_question_and_leaving_stops_nothing() {
    let home = Home::started();
    let share = home.share(&sessions::example(), "local");
    let other = home.share(&sessions::example(), "cloudflare");
    let Some(screen) = started(&home) else { return };
    screen.until(&["2 shares", "local", "cloudflare"]);

    screen.press(&["d"]);
    screen.until(&["Stop ", "y: stop it"]);
    screen.press(&["n"]);
    screen.until_it("the question is gone", |text| !text.contains("y: stop it"));
    assert_eq!(home.shares().len(), 2);

    screen.press(&["d", "y"]);
    screen.until(&["1 share ", "stopped "]);
    assert_eq!(home.shares()[0]["id"], other["id"]);
    assert_ne!(share["id"], other["id"]);

    screen.press(&["q"]);
    screen.until_left(0);
    assert_eq!(home.shares()[0]["status"], "active");
}

#[test]
fn the_log_and_the_history_of_a_share_can_be_read() {
    let home = Home::started();
    home.share(&sessions::example(), "cloudflare");
    let Some(screen) = started(&home) else { return };
    screen.until(&["active"]);
    screen.press(&["L"]);
    screen.until(&["tunnel log of", "Registered tunnel connection"]);
    screen.press(&["q"]);
    screen.until(&["daemon running"]);
    screen.press(&["H"]);
    screen.until(&["history of", "starting", "active"]);
    screen.press(&["Escape"]);
    screen.until(&["daemon running"]);
    screen.press(&["?"]);
    screen.until(&["start its tunnel afresh"]);
    screen.press(&["?"]);
    screen.until_it("the help is gone", |text| !text.contains("start its tunnel afresh"));
}

#[test]
fn a_daemon_that_goes_and_comes_back_is_followed() {
    let mut home = Home::started();
    home.share(&sessions::example(), "cloudflare");
    let Some(screen) = started(&home) else { return };
    screen.until(&["daemon running", "active"]);
    home.kill_daemon();
    screen.until(&["daemon not running", "stopped", "waits for the daemon"]);
    home.start();
    screen.until(&["daemon running", "active"]);

    // Stopped without a daemon: none brings it back.
    home.kill_daemon();
    screen.until(&["daemon not running"]);
    screen.press(&["d", "y"]);
    screen.until(&["Nothing is shared"]);
    home.start();
    screen.until(&["daemon running"]);
    assert_eq!(home.shares().len(), 0);
    home.assert_nothing_runs();
}

#[test]
fn a_daemon_that_stands_still_is_not_said_to_run() {
    let home = Home::started();
    home.share(&sessions::example(), "local");
    let Some(screen) = started(&home) else { return };
    screen.until(&["daemon running", "active"]);
    process::signal(home.daemon_pid(), Signal::STOP);
    let text = screen.until(&["daemon unreachable", "serve-status"]);
    assert!(!text.contains("active"), "{text}");
    process::signal(home.daemon_pid(), Signal::CONT);
    screen.until(&["daemon running", "active"]);
}

#[test]
fn a_signal_gives_the_terminal_back() {
    let home = Home::started();
    let Some(screen) = started(&home) else { return };
    screen.until(&["Nothing is shared"]);
    let panko = process::marked("XDG_DATA_HOME", &home.path("data").display().to_string());
    let shown: Vec<_> =
        panko.into_iter().filter(|pid| *pid != home.daemon_pid() && process::name(*pid) == "panko").collect();
    assert_eq!(shown.len(), 1);
    process::signal(shown[0], Signal::TERM);
    screen.until_left(0);
}

#[test]
fn the_screen_may_be_small_and_change() {
    let home = Home::started();
    home.share(&sessions::example(), "cloudflare");
    let Some(screen) = Screen::start(&home, "", 30, 6) else { return };
    let text = screen.until(&["active"]);
    assert!(text.contains("NAME"), "{text}");
    screen.resize(120, 30);
    screen.until(&["URL", "trycloudflare.com/s/", "q quit"]);
}

#[test]
fn without_a_terminal_it_says_what_to_do() {
    let home = Home::new();
    let out = home.run(&[]);
    assert_eq!(out.status.code(), Some(2));
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    assert!(said.contains("needs a terminal") && said.contains("panko ls"), "{said}");
}
