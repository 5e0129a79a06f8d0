//! Starts: what a client is given, what it is not, and every way a start can fail.

use std::net::TcpListener;

use panko::tunnel::help::help_text;
use panko::tunnel::keeper::protocol::{Cause, Command, ReplyErrorCode, StartErrorCode};
use panko::tunnel::spawn::{SpawnError, own_executable, spawn};
use panko::tunnel::sweep::MARK;
use rustix::io::{FdFlags, fcntl_setfd};

use crate::support::keeper::{Keeper, cloudflare, exe};
use crate::support::process;
use crate::support::tunnel::{Mode, StandIn};
use crate::support::wait::{SOON, until};

fn refusal(
    spec: &panko::tunnel::keeper::protocol::KeeperSpec,
) -> panko::tunnel::keeper::protocol::StartError {
    match spawn(spec, exe()) {
        Err(SpawnError::Refused(error)) => error,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_client_has_three_descriptors_and_only_the_environment_it_was_given() {
    // What a shell may have left open for the daemon, and what is in every daemon's environment.
    let leaked = std::fs::File::open("/dev/zero").unwrap();
    fcntl_setfd(&leaked, FdFlags::empty()).unwrap();
    assert!(std::env::var_os("CARGO_MANIFEST_DIR").is_some(), "the canary is in our environment");
    let stand_in = StandIn::new(Mode::Ok);
    let keeper = Keeper::start(Some(cloudflare(&stand_in)));
    until(SOON, "the client stays", || {
        stand_in.starts().first().is_some_and(|pid| process::name(*pid) == "sleep")
    });
    let client = stand_in.starts()[0];

    // The program's own loading opens libraries for a moment.
    until(SOON, "the client has the descriptors 0, 1 and 2 and no others", || {
        process::descriptors(client).iter().map(|(fd, _)| *fd).eq([0, 1, 2])
    });
    assert_eq!(process::descriptors(client)[0].1.to_str(), Some("/dev/null"));
    let of_keeper = process::descriptors(keeper.pid());
    assert!(of_keeper.iter().all(|(_, target)| target.to_str() != Some("/dev/zero")), "{of_keeper:?}");

    let environment = String::from_utf8(process::environment(client)).unwrap();
    let names: Vec<&str> =
        environment.split('\0').filter_map(|entry| Some(entry.split_once('=')?.0)).collect();
    assert!(names.contains(&MARK) && names.contains(&"NO_COLOR") && names.contains(&"PATH"), "{names:?}");
    assert!(!names.iter().any(|name| name.starts_with("CARGO") || name.starts_with("RUST")), "{names:?}");
    let of_keeper = process::environment(keeper.pid());
    assert!(of_keeper.is_empty(), "{}", String::from_utf8_lossy(&of_keeper));
    drop(leaked);
}

#[test]
fn the_client_gets_the_port_and_a_private_empty_configuration() {
    let stand_in = StandIn::new(Mode::Slow);
    let keeper = Keeper::start(Some(cloudflare(&stand_in)));
    until(SOON, "the client runs", || stand_in.starts().len() == 1);
    let argv = std::fs::read_to_string(format!("/proc/{}/cmdline", stand_in.starts()[0])).unwrap();
    let argv: Vec<&str> = argv.split_terminator('\0').collect();
    assert_eq!(*argv.last().unwrap(), format!("http://127.0.0.1:{}", keeper.port()));
    let config = argv[argv.iter().position(|arg| *arg == "--config").unwrap() + 1];
    assert_eq!(std::fs::read_to_string(config).unwrap(), "{}\n");
    let mut daemon = keeper.attach();
    daemon.stop();
    keeper.assert_nothing_left();
}

#[test]
fn a_port_that_is_taken_is_a_typed_error() {
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut keeper = Keeper::prepare(None);
    keeper.spec.port = other.local_addr().unwrap().port();
    let error = refusal(&keeper.spec);
    assert_eq!(error.code, StartErrorCode::PortTaken);
    assert!(error.message.contains(&keeper.spec.port.to_string()) && !error.remedy.is_empty(), "{error:?}");
    keeper.assert_nothing_left();
}

#[test]
fn a_path_too_long_for_a_socket_is_a_typed_error() {
    let mut keeper = Keeper::prepare(None);
    keeper.spec.dir = keeper.dir.path().join("x".repeat(100));
    let error = refusal(&keeper.spec);
    assert_eq!(error.code, StartErrorCode::PathTooLong);
    assert!(error.remedy.contains("XDG_DATA_HOME"), "{error:?}");
}

#[test]
fn a_second_keeper_of_a_share_is_refused() {
    let keeper = Keeper::start(None);
    assert_eq!(refusal(&keeper.spec).code, StartErrorCode::AlreadyRunning);
    assert_eq!(keeper.attach().hello.pid, keeper.pid(), "the first one is unharmed");
}

#[test]
fn a_spec_that_is_none_is_a_typed_error() {
    let mut keeper = Keeper::prepare(None);
    keeper.spec.share_id = "../escape".to_owned();
    assert_eq!(refusal(&keeper.spec).code, StartErrorCode::BadSpec);
    keeper.spec.share_id = "fine".to_owned();
    keeper.spec.version = 2;
    assert_eq!(refusal(&keeper.spec).code, StartErrorCode::BadSpec);
    keeper.spec.version = 1;
    keeper.spec.dir = "relative".into();
    assert_eq!(refusal(&keeper.spec).code, StartErrorCode::BadSpec);
}

#[test]
fn a_client_that_cannot_be_started_is_an_exit_with_the_reason() {
    let stand_in = StandIn::new(Mode::Ok);
    let keeper = Keeper::start(None);
    let mut daemon = keeper.attach();
    let mut spec = cloudflare(&stand_in);
    for program in
        [stand_in.folder().join("missing"), stand_in.folder().to_owned(), stand_in.folder().join("mode")]
    {
        spec.program = program;
        assert!(daemon.ask(Command::StartTunnel { spec: Some(Box::new(spec.clone())) }).ok);
        let exit = daemon.exit();
        assert!(matches!(exit.cause, Cause::NotStarted { transient: false, .. }), "{exit:?}");
    }
    spec.program = stand_in.program();
    assert!(
        daemon.ask(Command::StartTunnel { spec: Some(Box::new(spec)) }).ok,
        "and a good one still starts"
    );
    daemon.ready();
    let again = daemon.ask(Command::StartTunnel { spec: None });
    assert_eq!(again.error.unwrap().code, ReplyErrorCode::AlreadyRunning);
}

#[test]
fn a_keeper_can_be_started_from_the_running_program() {
    // The test is not panko: what matters is that the path is one that can be executed.
    assert!(own_executable().unwrap().exists());
}

#[test]
fn the_help_of_the_stand_in_lists_the_optional_flag() {
    let stand_in = StandIn::new(Mode::Ok);
    let spec = cloudflare(&stand_in);
    let help = help_text(&stand_in.program(), &["tunnel", "--help"], &spec.env, "help").unwrap();
    assert!(help.contains("--no-prechecks"), "{help}");
    assert!(stand_in.starts().is_empty(), "asking for help is no start");
}
