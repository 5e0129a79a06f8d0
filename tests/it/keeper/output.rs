//! What a client prints, and what becomes of it.

use std::collections::BTreeMap;
use std::time::Duration;

use panko::tunnel::custom::CustomProvider;
use panko::tunnel::keeper::protocol::{Cause, Command, Event, Exit, TunnelState};
use panko::tunnel::provider::{Context, Provider, tunnel_spec};
use panko::tunnel::resolve::resolve;

use crate::support::keeper::{Daemon, Keeper, cloudflare};
use crate::support::process;
use crate::support::tunnel::{Mode, StandIn, url_of};
use crate::support::wait::{SOON, until};

/// A keeper and a daemon that saw everything from the start of the client on.
fn watched(mode: Mode) -> (StandIn, Keeper, Daemon) {
    let stand_in = StandIn::new(mode);
    let keeper = Keeper::start(None);
    let mut daemon = keeper.attach();
    let spec = Box::new(cloudflare(&stand_in));
    assert!(daemon.ask(Command::StartTunnel { spec: Some(spec) }).ok);
    (stand_in, keeper, daemon)
}

fn until_exit(daemon: &mut Daemon) -> (Vec<Event>, Exit) {
    let mut before = Vec::new();
    let exit = daemon.find("the exit", |event| match event {
        Event::TunnelExited(exit) => Some(exit.clone()),
        other => {
            before.push(other.clone());
            None
        }
    });
    (before, exit)
}

#[test]
fn a_url_and_the_connection_are_reported() {
    for mode in [Mode::Ok, Mode::SplitUrl, Mode::InvalidUtf8] {
        let (stand_in, keeper, mut daemon) = watched(mode);
        let pid = daemon.find("the start", |event| match event {
            Event::TunnelStarted { pid } => Some(*pid),
            _ => None,
        });
        assert_eq!(daemon.url(), url_of(pid), "{mode:?}");
        daemon.ready();
        assert_eq!(stand_in.starts(), [pid]);
        assert_eq!(keeper.attach().hello.tunnel, TunnelState::Up { pid }, "{mode:?}");
    }
}

#[test]
fn each_url_that_follows_is_an_update() {
    let (stand_in, keeper, mut daemon) = watched(Mode::TwoUrls);
    let first = daemon.url();
    stand_in.go_on();
    let second = daemon.url();
    assert!(second.starts_with("https://second-"), "{second}");
    let urls: Vec<String> = keeper.attach().hello.urls.into_iter().map(|seen| seen.url).collect();
    assert_eq!(urls, [first, second]);
}

#[test]
fn a_printed_url_is_not_a_connection() {
    let (stand_in, keeper, mut daemon) = watched(Mode::UrlBeforeReady);
    daemon.url();
    let mut other = keeper.attach();
    assert!(matches!(other.hello.tunnel, TunnelState::Starting { .. }), "{:?}", other.hello.tunnel);
    stand_in.go_on();
    other.ready();
}

#[test]
fn a_loss_and_the_return_are_reported() {
    let (stand_in, _keeper, mut daemon) = watched(Mode::LostAndFound);
    daemon.ready();
    stand_in.go_on();
    let reason = daemon.find("the loss", |event| match event {
        Event::Lost { reason } => Some(reason.clone()),
        _ => None,
    });
    assert!(reason.contains("Lost connection with the edge"), "{reason}");
    daemon.ready();
}

#[test]
fn a_url_and_then_death_is_a_failed_start() {
    let (_stand_in, _keeper, mut daemon) = watched(Mode::UrlThenDie);
    let (before, exit) = until_exit(&mut daemon);
    assert!(before.iter().any(|event| matches!(event, Event::Url { .. })), "{before:?}");
    assert!(!before.contains(&Event::Ready), "{before:?}");
    assert_eq!((exit.code, exit.before_ready, exit.cause), (Some(1), true, Cause::Exited));
}

#[test]
fn death_after_the_connection_is_a_loss_and_its_last_words_are_kept() {
    let (stand_in, keeper, mut daemon) = watched(Mode::UpThenDie);
    daemon.ready();
    stand_in.go_on();
    let exit = daemon.exit();
    assert!(!exit.before_ready);
    assert_eq!(exit.tail.last().unwrap(), "the last words");
    let hello = keeper.attach().hello;
    assert!(
        matches!(hello.tunnel, TunnelState::Exited(later) if later == exit),
        "told to later daemons as well"
    );
}

#[test]
fn the_causes_of_an_exit_are_told_apart() {
    let (_s, _k, mut daemon) = watched(Mode::RateLimited);
    let (before, exit) = until_exit(&mut daemon);
    assert!(before.contains(&Event::RateLimited), "{before:?}");
    assert_eq!((exit.cause, exit.before_ready), (Cause::RateLimited, true));

    let (_s, _k, mut daemon) = watched(Mode::WrongUrl);
    let (before, exit) = until_exit(&mut daemon);
    assert!(!before.iter().any(|event| matches!(event, Event::Url { .. })), "{before:?}");
    assert_eq!(exit.cause, Cause::Exited);

    let (_s, _k, mut daemon) = watched(Mode::UnknownFlag);
    let exit = daemon.exit();
    assert_eq!(exit.code, Some(0), "exit codes mislead");
    assert!(matches!(exit.cause, Cause::Terminal { .. }), "{exit:?}");
}

#[test]
fn the_keeper_starts_nothing_again_by_itself_but_on_command() {
    let (stand_in, keeper, mut daemon) = watched(Mode::CrashLoop);
    assert_eq!(daemon.exit().tail, ["cannot work"]);
    let mut later = keeper.attach();
    assert!(matches!(later.hello.tunnel, TunnelState::Exited(_)), "{:?}", later.hello.tunnel);
    assert_eq!(stand_in.starts().len(), 1);
    stand_in.behave(Mode::Ok);
    assert!(later.ask(Command::StartTunnel { spec: None }).ok);
    later.ready();
    assert_eq!(stand_in.starts().len(), 2);
    assert_eq!(later.hello.port, keeper.port(), "the same socket");
}

#[test]
fn a_client_that_says_nothing_is_reported_and_goes_on() {
    let stand_in = StandIn::new(Mode::Silent);
    let mut spec = cloudflare(&stand_in);
    spec.ready_timeout_ms = 50;
    let keeper = Keeper::start(None);
    let mut daemon = keeper.attach();
    daemon.ask(Command::StartTunnel { spec: Some(Box::new(spec)) });
    let (waited, url_seen) = daemon.find("overdue", |event| match event {
        Event::Overdue { waited_ms, url_seen } => Some((*waited_ms, *url_seen)),
        _ => None,
    });
    assert!(waited >= 50 && !url_seen);
    until(SOON, "it runs", || stand_in.starts().len() == 1);
    assert!(process::lives(stand_in.starts()[0]), "what follows is the daemon's decision");
    assert!(daemon.ask(Command::StopTunnel).ok);
    assert_eq!(daemon.exit().cause, Cause::Stopped);
}

#[test]
fn a_flood_on_both_streams_costs_bounded_memory_and_delays_nobody() {
    let (_stand_in, keeper, mut daemon) = watched(Mode::Flood);
    daemon.ready();
    let (before, read) = (process::forget_peak(keeper.pid()), process::read_so_far(keeper.pid()));
    let mut rounds = 0;
    // 60 for the whole of it.
    let least = std::env::var("PANKO_FLOOD").ok().and_then(|secs| secs.parse().ok()).map(Duration::from_secs);
    let (least, began) = (least.unwrap_or_default(), std::time::Instant::now());
    until(Duration::from_secs(60) + least, "two hundred full logs were asked for", || {
        let log = daemon.ask(Command::Logs { max_bytes: None }).log.unwrap();
        let bytes: usize = log.iter().map(String::len).sum();
        assert!(bytes <= keeper.spec.log_bytes, "{bytes}");
        rounds += usize::from(bytes > keeper.spec.log_bytes / 2);
        rounds >= 200 && began.elapsed() >= least
    });
    let grown = process::peak(keeper.pid()) - before;
    assert!(grown < 32 << 20, "it had grown by {grown} bytes");
    let (read, took) = (process::read_so_far(keeper.pid()) - read, began.elapsed().as_secs_f64());
    eprintln!("{:.0} MB/s for {took:.1} s, {grown} bytes more", read as f64 / 1e6 / took);
    daemon.stop();
    keeper.assert_nothing_left();
}

#[test]
fn lines_that_were_asked_for_and_are_not_read_cost_bounded_memory() {
    let (_stand_in, keeper, mut daemon) = watched(Mode::Flood);
    daemon.ready();
    let (before, read) = (process::forget_peak(keeper.pid()), process::read_so_far(keeper.pid()));
    assert!(daemon.ask(Command::Subscribe { logs: true }).ok);
    // More than twice what it may take, were it kept for whoever asked.
    until(Duration::from_secs(60), "80 MB have come", || {
        process::read_so_far(keeper.pid()) - read > 80_000_000
    });
    let grown = process::peak(keeper.pid()) - before;
    assert!(grown < 32 << 20, "it had grown by {grown} bytes");
    daemon.find("lines that were left out are counted", |event| match event {
        Event::Log { missed, .. } if *missed > 10_000 => Some(()),
        _ => None,
    });
    daemon.stop();
    keeper.assert_nothing_left();
}

#[test]
fn a_line_of_64_mib_is_bounded_and_does_not_hide_what_follows() {
    let (_stand_in, keeper, mut daemon) = watched(Mode::HugeLine);
    daemon.ready();
    // From its birth on: the line came while nobody looked.
    let peak = process::peak(keeper.pid());
    assert!(peak < 32 << 20, "{peak}");
    let log = daemon.ask(Command::Logs { max_bytes: Some(64 * 1024) }).log.unwrap();
    assert!(log.iter().all(|line| line.len() < 8 * 1024));
}

#[test]
fn a_daemon_that_asks_for_them_gets_the_lines() {
    let (stand_in, _keeper, mut daemon) = watched(Mode::Slow);
    assert!(daemon.ask(Command::Subscribe { logs: true }).ok);
    stand_in.go_on();
    daemon.find("the banner", |event| match event {
        Event::Log { line, .. } if line.contains("trycloudflare.com") => Some(()),
        _ => None,
    });
}

#[test]
fn a_tunnel_of_the_users_own_works_like_a_built_in_one() {
    let table = r#"
        [mine]
        command = ["/bin/sh", "-c", "echo listening at relay.example:$1 as $NAME; exec sleep 600", "sh", "{port}"]
        url_regex = 'listening at (\S+):(\d+) as me'
        url_template = "http://{1}:{2}/x"
        stream = "stdout"
        env = { NAME = "me" }
        stop_signal = "KILL"
    "#;
    let custom: BTreeMap<String, CustomProvider> = toml::from_str(table).unwrap();
    custom["mine"].validate("mine").unwrap();
    let provider = Provider::find("mine", &custom).unwrap();
    let program = resolve(provider.program().unwrap(), None, None).unwrap();
    let context = Context { program: &program, help: None, environment: &[] };
    let spec = tunnel_spec(&provider, context).unwrap().unwrap();
    let keeper = Keeper::start(None);
    let mut daemon = keeper.attach();
    assert!(daemon.ask(Command::StartTunnel { spec: Some(Box::new(spec)) }).ok);
    assert_eq!(daemon.url(), format!("http://relay.example:{}/x", keeper.port()));
    daemon.ready();
    daemon.stop();
    keeper.assert_nothing_left();
}
