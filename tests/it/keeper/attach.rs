//! Connections: the hello, the socket that comes with it, who may hold it, and life without a daemon.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use panko::tunnel::attach::{AttachError, attach, living};
use panko::tunnel::keeper::protocol::{Command, Event, ReplyErrorCode, TunnelState, VERSION};
use panko::tunnel::spawn::spawn_or_attach;
use rustix::process::Signal;

use crate::support::keeper::{Daemon, Keeper, cloudflare, exe};
use crate::support::process;
use crate::support::tunnel::{Mode, StandIn, url_of};
use crate::support::wait::{SOON, until};

fn viewer(port: u16) -> TcpStream {
    let viewer = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
    viewer.set_read_timeout(Some(SOON)).unwrap();
    viewer
}

/// Serves one waiting viewer on the socket a daemon was handed.
fn serve_one(daemon: &Daemon) {
    let (mut stream, _) = daemon.attached.listener.accept().unwrap();
    stream.write_all(b"page").unwrap();
}

fn answer(mut viewer: TcpStream) -> String {
    let mut text = String::new();
    viewer.read_to_string(&mut text).unwrap();
    text
}

#[test]
fn an_attach_brings_the_hello_and_the_pages_socket() {
    let keeper = Keeper::start(None);
    let daemon = keeper.attach();
    assert_eq!(daemon.hello.version, VERSION);
    assert_eq!(daemon.hello.share_id, keeper.spec.share_id);
    assert_eq!((daemon.hello.pid, daemon.hello.port), (keeper.pid(), keeper.port()));
    assert_eq!(daemon.hello.tunnel, TunnelState::None);
    let address = daemon.attached.listener.local_addr().unwrap();
    assert_eq!((address.ip(), address.port()), (Ipv4Addr::LOCALHOST.into(), keeper.port()));
    let viewer = viewer(keeper.port());
    serve_one(&daemon);
    assert_eq!(answer(viewer), "page");
}

#[test]
fn files_are_private() {
    let keeper = Keeper::start(None);
    let mode = |path| std::fs::symlink_metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(keeper.folder()), 0o700);
    assert_eq!(mode(keeper.files().socket()), 0o600);
    assert_eq!(mode(keeper.files().lock()), 0o600);
}

#[test]
fn without_a_daemon_the_tunnel_lives_and_viewers_wait_for_the_next_one() {
    let stand_in = StandIn::new(Mode::Ok);
    let keeper = Keeper::start(Some(cloudflare(&stand_in)));
    let mut first = keeper.attach();
    let url = match first.hello.urls.last() {
        Some(seen) => seen.url.clone(),
        None => first.url(),
    };
    drop(first);
    let waiting = viewer(keeper.port());
    let second = keeper.attach();
    assert_eq!(second.hello.urls.last().unwrap().url, url, "the URL stayed");
    serve_one(&second);
    assert_eq!(answer(waiting), "page");
    let starts = stand_in.starts();
    assert_eq!(starts.len(), 1, "the tunnel was not started again");
    assert!(process::lives(starts[0]));
    assert_eq!(url, url_of(starts[0]));
}

#[test]
fn a_later_attach_closes_the_earlier_connection() {
    let keeper = Keeper::start(None);
    let mut first = keeper.attach();
    let mut second = keeper.attach();
    assert_eq!(first.next(), None, "the earlier one ended");
    assert!(second.ask(Command::Grace { ms: 600_000 }).ok, "the later one lives");
}

#[test]
fn no_daemon_for_the_grace_time_ends_everything() {
    let stand_in = StandIn::new(Mode::ForkGrandchild);
    let mut keeper = Keeper::start(Some(cloudflare(&stand_in)));
    let mut daemon = keeper.attach();
    until(SOON, "the tunnel and its helpers run", || stand_in.helpers().len() == 3);
    assert!(daemon.ask(Command::Grace { ms: 50 }).ok);
    drop(daemon);
    assert_eq!(keeper.exit_code(), Some(0));
    until(SOON, "the helpers are gone", || !stand_in.helpers().into_iter().any(process::lives));
    keeper.assert_nothing_left();
    let port = keeper.port();
    assert!(TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err(), "the port is free again");
}

#[test]
fn the_time_before_the_first_daemon_counts_too() {
    let mut keeper = Keeper::prepare(None);
    keeper.spec.orphan_grace_ms = 50;
    let mut keeper = keeper.started();
    assert_eq!(keeper.exit_code(), Some(0));
    keeper.assert_nothing_left();
}

#[test]
fn a_detached_daemon_leaves_the_keeper_to_its_grace() {
    let keeper = Keeper::start(None);
    let mut daemon = keeper.attach();
    assert!(daemon.ask(Command::Detach).ok);
    assert_eq!(daemon.next(), None);
    assert!(process::lives(keeper.pid()));
    assert_eq!(keeper.attach().hello.pid, keeper.pid());
}

#[test]
fn garbage_and_unknown_commands_are_answered_and_harm_nothing() {
    let keeper = Keeper::start(None);
    let mut daemon = keeper.attach();
    for garbage in ["", "{}", "nonsense", "[1]", "\u{0}", "{\"id\":\"x\",\"cmd\":\"stop\"}"] {
        daemon.send_raw(format!("{garbage}\n").as_bytes());
        let code = daemon.find("the refusal", |event| match event {
            Event::Reply(reply) => reply.error.as_ref().map(|error| error.code),
            _ => None,
        });
        assert_eq!(code, ReplyErrorCode::BadFrame, "{garbage:?}");
    }
    daemon.send_raw(b"{\"id\":9,\"cmd\":\"dance\",\"speed\":2}\n");
    let (id, code) = daemon.find("the refusal", |event| match event {
        Event::Reply(reply) => Some((reply.id, reply.error.as_ref()?.code)),
        _ => None,
    });
    assert_eq!((id, code), (9, ReplyErrorCode::UnknownCommand));
    assert!(daemon.ask(Command::Grace { ms: 600_000 }).ok);
}

#[test]
fn a_frame_without_end_costs_the_connection_and_not_the_keeper() {
    let keeper = Keeper::start(None);
    let daemon = keeper.attach();
    let chunk = vec![b'x'; 1 << 20];
    let refused = (0..16).any(|_| std::io::Write::write_all(&mut &daemon.attached.stream, &chunk).is_err());
    assert!(refused, "the keeper went on reading");
    assert_eq!(keeper.attach().hello.pid, keeper.pid());
    assert!(process::resident(keeper.pid()) < 64 << 20);
}

#[test]
fn a_stopped_keeper_is_hung_and_is_replaced() {
    let stand_in = StandIn::new(Mode::ForkGrandchild);
    let mut keeper = Keeper::start(Some(cloudflare(&stand_in)));
    until(SOON, "the helpers run", || stand_in.helpers().len() == 3);
    let hung = keeper.pid();
    process::signal(hung, Signal::STOP);
    let error = attach(&keeper.folder(), &keeper.spec.share_id, Duration::from_millis(100)).unwrap_err();
    assert!(matches!(error, AttachError::Hung { pid: Some(pid) } if pid == hung), "{error:?}");

    let (attached, spawned) = spawn_or_attach(&keeper.spec, exe(), SOON).unwrap();
    let spawned = spawned.expect("another keeper was started");
    assert_ne!(attached.hello.pid, hung);
    assert_eq!(attached.hello.pid, spawned.child.id());
    keeper.adopt(spawned);
    let (of_group, of_session) = (stand_in.helpers()[0], stand_in.helpers()[1]);
    assert!(!process::lives(of_group) && !process::lives(of_session), "the hung keeper's helpers are gone");
    // Without our mark and without our keeper nothing says whose it is.
    process::signal(stand_in.helpers()[2], Signal::KILL);
}

#[test]
fn spawn_or_attach_starts_one_keeper_and_then_finds_it() {
    let mut keeper = Keeper::prepare(None);
    let (first, spawned) = spawn_or_attach(&keeper.spec, exe(), SOON).unwrap();
    keeper.adopt(spawned.expect("none lived"));
    let (second, spawned) = spawn_or_attach(&keeper.spec, exe(), SOON).unwrap();
    assert!(spawned.is_none());
    assert_eq!(first.hello.pid, second.hello.pid);
    assert_eq!(living(&keeper.folder()).unwrap(), [keeper.spec.share_id.clone()]);
    Daemon::new(second).stop();
    assert_eq!(keeper.exit_code(), Some(0));
    assert!(living(&keeper.folder()).unwrap().is_empty());
    let error = attach(&keeper.folder(), &keeper.spec.share_id, SOON).unwrap_err();
    assert!(matches!(error, AttachError::Gone), "{error:?}");
}

#[test]
fn a_stopped_daemon_is_not_a_dead_one_and_does_not_hold_the_keeper_up() {
    let stand_in = StandIn::new(Mode::Flood);
    let keeper = Keeper::start(Some(cloudflare(&stand_in)));
    let mut never_reads = keeper.attach();
    never_reads.send(Command::Subscribe { logs: true });
    let mut later = keeper.attach();
    assert!(
        later.ask(Command::Grace { ms: 600_000 }).ok,
        "the keeper waited for a daemon that does not read"
    );
}
