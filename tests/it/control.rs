//! The control socket under bad input and many clients.

use std::io::Write as _;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::daemon::Home;
use crate::support::tunnel::Mode;
use crate::support::wait::{SOON, until};
use crate::support::{process, sessions};

fn code(reply: &Value) -> &str {
    assert_eq!(reply["status"], "Error", "{reply}");
    assert!(!reply["data"]["message"].as_str().unwrap().is_empty(), "{reply}");
    reply["data"]["code"].as_str().unwrap()
}

#[test]
fn each_kind_of_bad_frame_has_its_code_and_the_connection_goes_on() {
    let home = Home::started();
    let mut wire = home.connect();
    for (frame, expected) in [
        ("{", "not_json"),
        ("[1,2]", "not_json"),
        ("{\"method\":\"Ping\"", "not_json"),
        ("\"Ping\"", "not_json"),
        ("{\"params\":{}}", "not_json"),
        ("{\"method\":\"Dance\"}", "unknown_method"),
        ("{\"method\":\"StopShare\",\"params\":{\"share_id\":7}}", "bad_params"),
        ("{\"method\":\"StartShare\",\"params\":{\"session_path\":[]}}", "bad_params"),
        ("nul\0byte", "not_json"),
    ] {
        wire.send_raw(format!("{frame}\n").as_bytes());
        assert_eq!(code(&wire.next().unwrap()), expected, "{frame:?}");
    }
    let deep = "[".repeat(100_000);
    wire.send_raw(format!("{{\"method\":\"StartShare\",\"params\":{deep}\n").as_bytes());
    assert!(["not_json", "bad_params"].contains(&code(&wire.next().unwrap())));
    let missing =
        json!({"method": "StopShare", "params": {"share_id": "00000000-0000-4000-8000-000000000000"}});
    assert_eq!(code(&wire.ask(&missing)), "no_such_share");
    assert_eq!(wire.ask(&json!({"method": "Ping"})), json!({"status": "Pong"}));
}

#[test]
fn a_frame_that_is_no_text_or_too_long_is_answered_and_the_connection_closed() {
    let home = Home::started();
    let mut wire = home.connect();
    wire.send_raw(b"\xff\xfe{}\n");
    assert_eq!(code(&wire.next().unwrap()), "not_utf8");
    assert_eq!(wire.next(), None);

    let before = process::forget_peak(home.daemon_pid());
    let mut wire = home.connect();
    let stream: &mut UnixStream = wire.reader.get_mut();
    let piece = vec![b'x'; 1 << 20];
    // The daemon closes while this is written: the rest goes nowhere.
    for _ in 0..64 {
        if stream.write_all(&piece).is_err() {
            break;
        }
    }
    // Nothing of the flood was a request, so the one reply is the refusal, unless the reset of the connection
    // overtook it.
    if let Some(reply) = wire.next() {
        assert_eq!(code(&reply), "frame_too_large");
    }
    assert_eq!(wire.next(), None, "the connection is closed");
    let mut wire = home.connect();
    wire.send_raw(&vec![b'x'; (1 << 20) + 1]);
    assert_eq!(code(&wire.next().expect("a frame one byte too long is answered")), "frame_too_large");
    let grown = process::peak(home.daemon_pid()) - before;
    assert!(grown < 8 << 20, "the daemon had grown by {grown} bytes");
    assert_eq!(home.ask(&json!({"method": "Ping"})), json!({"status": "Pong"}));
}

#[test]
fn requests_without_an_id_are_answered_in_order_and_those_with_one_when_they_are_done() {
    let home = Home::started();
    home.tunnel.behave(Mode::Slow);
    let mut wire = home.connect();
    wire.send(&json!({"id": "slow", "method": "StartShare",
        "params": {"session_path": sessions::example(), "provider": "cloudflare"}}));
    wire.send(&json!({"id": 2, "method": "Ping"}));
    assert_eq!(wire.next().unwrap(), json!({"id": 2, "status": "Pong"}));
    home.tunnel.go_on();
    let slow = wire.next().unwrap();
    assert_eq!((&slow["id"], &slow["status"]), (&json!("slow"), &json!("ShareStarted")));

    let methods = ["Ping", "ListShares", "Hello"];
    let expected = ["Pong", "ShareList", "Hello"];
    for n in 0..10_000 {
        wire.send(&json!({"method": methods[n % 3]}));
        // Unread answers stop the daemon from reading: read as it goes, half a window behind.
        if n >= 6 {
            assert_eq!(wire.next().unwrap()["status"], expected[(n - 6) % 3]);
        }
    }
}

#[test]
fn a_client_that_never_reads_or_never_ends_its_line_disturbs_nobody() {
    let home = Home::started();
    let mut deaf = home.connect();
    deaf.reader.get_mut().set_nonblocking(true).unwrap();
    let line = b"{\"method\":\"ListShares\"}\n".repeat(1000);
    let mut taken = Instant::now();
    until(SOON, "no more is read of what it asks for", || {
        while deaf.reader.get_mut().write(&line).is_ok() {
            taken = Instant::now();
        }
        taken.elapsed() > Duration::from_secs(1)
    });
    let mut endless: Vec<_> = (0..50).map(|_| home.connect()).collect();
    for wire in &mut endless {
        wire.send_raw(b"{\"method\":");
    }
    // The fastest of some: what the others cost him, not what else the machine does.
    let fastest = (0..20).map(|_| {
        let began = Instant::now();
        assert_eq!(home.ask(&json!({"method": "Ping"})), json!({"status": "Pong"}));
        began.elapsed()
    });
    let fastest = fastest.min().unwrap();
    assert!(fastest < Duration::from_millis(100), "a good client waits {fastest:?}");
    until(2 * SOON, "who reads nothing for thirty seconds is dropped", || {
        let written = deaf.reader.get_mut().write(b"\n");
        written.is_err_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
    });
}

#[test]
fn clients_that_say_half_a_word_lock_nobody_out() {
    let home = Home::started();
    let mut follows = home.connect();
    assert_eq!(follows.ask(&json!({"method": "Subscribe"}))["status"], "Subscribed");
    let mut halves: Vec<_> = (0..600).map_while(|_| home.try_connect()).collect();
    for wire in &mut halves {
        wire.send_raw(b"{\"method\":");
    }
    assert!(halves.len() >= 512, "{} connections", halves.len());
    assert_eq!(home.ask(&json!({"method": "Ping"})), json!({"status": "Pong"}));
    // Who waits for events is not idle.
    home.share(&sessions::example(), "local");
    assert_eq!(follows.next().unwrap()["status"], "Event");
}

#[test]
fn ten_thousand_connections_leave_nothing_behind() {
    let home = Home::started();
    let pid = home.daemon_pid();
    let room = || process::descriptors(pid).len();
    let (descriptors, before) = (room(), process::resident(pid));
    for n in 0..10_000 {
        let mut wire = home.connect();
        // Some ask and wait, some ask and go, some say half a word, some nothing.
        match n % 4 {
            0 => assert_eq!(wire.ask(&json!({"method": "Ping"})), json!({"status": "Pong"})),
            1 => wire.send(&json!({"method": "ListShares"})),
            2 => wire.send_raw(b"{\"method\":"),
            _ => {}
        }
    }
    until(SOON, "all are closed", || room() <= descriptors);
    let grown = process::resident(pid).saturating_sub(before);
    assert!(grown < 16 << 20, "the daemon has grown by {grown} bytes");
}

#[test]
fn more_connections_than_there_is_room_for_wait_and_are_served() {
    let home = Home::started();
    let open = || process::descriptors(home.daemon_pid()).len();
    let alone = open();
    // So many beyond the 512 there is room for that the system's own queue takes them.
    let mut idle: Vec<_> = (0..600).map(|_| home.connect()).collect();
    let (mut count, mut still) = (0, 0);
    until(SOON, "as many are taken in as will be", || {
        still = if count == open() { still + 1 } else { 0 };
        count = open();
        // One that has just gone may have been counted.
        count >= alone + 500 && still > 20
    });
    assert!(count <= alone + 520, "{} connections", count - alone);
    let mut late = home.connect();
    late.send(&json!({"method": "Ping"}));
    idle.truncate(100);
    assert_eq!(late.next(), Some(json!({"status": "Pong"})));
}

#[test]
fn a_client_that_closes_its_writing_side_still_gets_its_answer() {
    let home = Home::started();
    let mut wire = home.connect();
    wire.send(&json!({"method": "Ping"}));
    wire.reader.get_mut().shutdown(std::net::Shutdown::Write).unwrap();
    assert_eq!(wire.next(), Some(json!({"status": "Pong"})));
    assert_eq!(wire.next(), None);
}

#[test]
fn subscribers_are_told_of_every_change_and_of_a_new_url() {
    let home = Home::started();
    let mut wire = home.connect();
    assert_eq!(wire.ask(&json!({"method": "Subscribe"})), json!({"status": "Subscribed", "data": []}));
    let share = home.share(&sessions::example(), "cloudflare");
    let mut until_event = |what: &str, wanted: &dyn Fn(&Value) -> bool| loop {
        let event = wire.next().unwrap_or_else(|| panic!("the stream ended before {what}"));
        assert_eq!(event["status"], "Event", "{event}");
        if wanted(&event["data"]) {
            return event["data"].clone();
        }
    };
    let active = |event: &Value| event["kind"] == "share_changed" && event["share"]["status"] == "active";
    let up = until_event("it is up", &active);
    assert_eq!(up["share"]["public_url"], share["public_url"]);
    process::signal(home.tunnel.starts()[0], rustix::process::Signal::KILL);
    until_event("it is down", &|event| event["share"]["status"] == "error");
    let back = until_event("it is back", &active);
    assert_ne!(back["share"]["public_url"], share["public_url"], "the new URL is pushed");
    home.ask(&json!({"method": "StopShare", "params": {"share_id": share["id"]}}));
    until_event("it is gone", &|event| event["kind"] == "share_gone" && event["share_id"] == share["id"]);
    // The connection still answers.
    wire.send(&json!({"id": 1, "method": "Ping"}));
    assert_eq!(wire.next().unwrap(), json!({"id": 1, "status": "Pong"}));
}

#[test]
fn hello_says_who_answers() {
    let home = Home::started();
    let hello = home.ask(&json!({"method": "Hello"}));
    assert_eq!(hello["data"]["pid"], home.daemon_pid());
    assert_eq!(hello["data"]["protocol"], 1);
    let features = hello["data"]["features"].as_array().unwrap();
    for method in ["StartShare", "StopShare", "ListShares", "Ping", "Shutdown"] {
        assert!(features.contains(&json!(method)), "{hello}");
    }
}

#[test]
fn starting_and_stopping_leaves_no_descriptor_thread_or_process_behind() {
    let home = Home::started();
    let round = || {
        let share = home.share(&sessions::example(), "cloudflare");
        home.ask(&json!({"method": "StopShare", "params": {"share_id": share["id"]}}));
    };
    let pid = home.daemon_pid();
    let look = || {
        let threads = std::fs::read_dir(format!("/proc/{pid}/task")).unwrap().count();
        (process::descriptors(pid).len(), threads, process::resident(pid))
    };
    // 200 for the whole of it.
    let cycles = std::env::var("PANKO_CYCLES").ok().and_then(|text| text.parse().ok()).unwrap_or(15);
    // As many rounds before: they fill pools that stay, of threads, of their memory, of the database's pages.
    (0..cycles).for_each(|_| round());
    until(SOON, "the keepers of the first rounds are buried", || process::zombies(pid).is_empty());
    let before = look();
    (0..cycles).for_each(|_| round());
    let mut now = before;
    let within = |now: usize, before: usize| now * 100 <= before * 105;
    // Idle threads of the runtime end by themselves, seconds later.
    until(SOON, "descriptors and threads are back where they were", || {
        now = look();
        within(now.0, before.0) && within(now.1, before.1)
    });
    assert!(within(now.2 as usize, before.2 as usize), "{before:?} {now:?}");
    until(SOON, "no keeper is left as a zombie", || process::zombies(pid).is_empty());
    home.assert_nothing_runs();
}
