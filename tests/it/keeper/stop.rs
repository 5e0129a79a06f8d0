//! Ends: by command, by signal, by force; and that nothing is left behind.

use std::fs;
use std::time::{Duration, Instant};

use panko::tunnel::files::KeeperFiles;
use panko::tunnel::keeper::protocol::{Cause, Command, ReplyErrorCode};
use panko::tunnel::spawn::bury_dying;
use panko::tunnel::sweep::sweep_orphans;
use rustix::process::Signal;

use crate::support::keeper::{Keeper, cloudflare};
use crate::support::process;
use crate::support::tunnel::{Mode, StandIn};
use crate::support::wait::{SOON, until};

#[test]
fn a_stop_ends_the_client_and_every_helper() {
    let stand_in = StandIn::new(Mode::ForkGrandchild);
    let mut keeper = Keeper::start(Some(cloudflare(&stand_in)));
    let mut daemon = keeper.attach();
    until(SOON, "the helpers run", || stand_in.helpers().len() == 3);
    daemon.stop();
    for pid in stand_in.starts().into_iter().chain(stand_in.helpers()) {
        assert!(!process::lives(pid), "{pid} is left at the farewell");
    }
    assert_eq!(keeper.exit_code(), Some(0));
    keeper.assert_nothing_left();
}

#[test]
fn a_client_that_ignores_the_stop_signal_is_killed_in_time() {
    let stand_in = StandIn::new(Mode::IgnoreTerm);
    let mut keeper = Keeper::start(Some(cloudflare(&stand_in)));
    let mut daemon = keeper.attach();
    until(SOON, "the client ignores TERM", || {
        stand_in.starts().first().is_some_and(|pid| process::name(*pid) == "sleep")
    });
    let began = Instant::now();
    daemon.send(Command::Stop);
    let exit = daemon.exit();
    assert!(began.elapsed() >= Duration::from_millis(300), "it had its time: {:?}", began.elapsed());
    assert_eq!((exit.signal, exit.cause), (Some(9), Cause::Stopped));
    assert_eq!(keeper.exit_code(), Some(0));
    keeper.assert_nothing_left();
}

#[test]
fn the_client_alone_can_be_stopped_and_started_again() {
    let stand_in = StandIn::new(Mode::Ok);
    let keeper = Keeper::start(None);
    let mut daemon = keeper.attach();
    assert_eq!(daemon.ask(Command::StopTunnel).error.unwrap().code, ReplyErrorCode::NoTunnel);
    assert_eq!(daemon.ask(Command::StartTunnel { spec: None }).error.unwrap().code, ReplyErrorCode::NoTunnel);
    assert!(daemon.ask(Command::StartTunnel { spec: Some(Box::new(cloudflare(&stand_in))) }).ok);
    daemon.ready();
    assert!(daemon.ask(Command::StopTunnel).ok);
    assert_eq!(daemon.exit().cause, Cause::Stopped);
    assert!(!keeper.files().config().exists(), "its configuration goes with it");
    assert!(daemon.ask(Command::StartTunnel { spec: None }).ok);
    daemon.ready();
}

#[test]
fn helpers_go_with_a_client_that_dies_by_itself() {
    let stand_in = StandIn::new(Mode::DieBesideGrandchild);
    let keeper = Keeper::start(Some(cloudflare(&stand_in)));
    let mut daemon = keeper.attach();
    until(SOON, "the helpers run", || stand_in.helpers().len() == 3);
    stand_in.go_on();
    assert_eq!(daemon.exit().code, Some(3));
    assert!(!stand_in.helpers().into_iter().any(process::lives), "helpers are left at the exit");
    assert!(process::lives(keeper.pid()));
}

#[test]
fn a_killed_client_is_reported_within_a_second() {
    let stand_in = StandIn::new(Mode::Ok);
    let keeper = Keeper::start(None);
    let mut daemon = keeper.attach();
    assert!(daemon.ask(Command::StartTunnel { spec: Some(Box::new(cloudflare(&stand_in))) }).ok);
    daemon.ready();
    let began = Instant::now();
    process::signal(stand_in.starts()[0], Signal::KILL);
    let exit = daemon.exit();
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    assert_eq!((exit.signal, exit.before_ready, exit.cause), (Some(9), false, Cause::Exited));
    drop(keeper);
}

#[test]
fn term_ends_a_keeper_in_order_and_hup_does_nothing() {
    let stand_in = StandIn::new(Mode::ForkGrandchild);
    let mut keeper = Keeper::start(Some(cloudflare(&stand_in)));
    until(SOON, "the helpers run", || stand_in.helpers().len() == 3);
    process::signal(keeper.pid(), Signal::HUP);
    assert_eq!(keeper.attach().hello.pid, keeper.pid());
    process::signal(keeper.pid(), Signal::TERM);
    assert_eq!(keeper.exit_code(), Some(0));
    assert!(!stand_in.helpers().into_iter().any(process::lives));
    keeper.assert_nothing_left();
}

#[test]
fn a_killed_keeper_takes_its_client_with_it_and_the_sweep_gets_the_rest() {
    let stand_in = StandIn::new(Mode::ForkGrandchild);
    let mut keeper = Keeper::start(Some(cloudflare(&stand_in)));
    let mut daemon = keeper.attach();
    until(SOON, "the client and its helpers run", || {
        stand_in.helpers().len() == 3 && process::name(stand_in.starts()[0]) == "sleep"
    });
    process::signal(keeper.pid(), Signal::KILL);
    while daemon.next().is_some() {}
    let client = stand_in.starts()[0];
    until(Duration::from_secs(1), "the client is gone", || !process::lives(client));
    bury_dying(&keeper.files());
    assert!(keeper.tunnel_processes().is_empty(), "both helpers that bear the mark are gone");
    assert_eq!(keeper.exit_code(), None);
    // Without our mark and without our keeper nothing says whose it is.
    process::signal(stand_in.helpers()[2], Signal::KILL);
    keeper.assert_nothing_left();
}

#[test]
fn what_a_keeper_leaves_that_is_just_dying_is_cleared_when_its_lock_is_free() {
    let folder = tempfile::tempdir().unwrap();
    let files = KeeperFiles::new(folder.path(), "dying").unwrap();
    let lock = files.acquire().unwrap();
    fs::write(files.socket(), "").unwrap();
    let burial = std::thread::spawn({
        let files = files.clone();
        move || bury_dying(&files)
    });
    let began = Instant::now();
    until(SOON, "the burial waits", || burial.is_finished() || began.elapsed() > Duration::from_millis(300));
    assert!(!burial.is_finished(), "it did not wait for the lock");
    drop(lock);
    burial.join().unwrap();
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "something is left");

    // One that lives is waited for in vain, and keeps its files.
    let _lock = files.acquire().unwrap();
    fs::write(files.socket(), "").unwrap();
    bury_dying(&files);
    assert!(files.socket().exists() && files.lock().exists());
}

#[test]
fn a_starting_daemon_sweeps_after_dead_keepers_and_spares_living_ones() {
    let (orphaned, kept) = (StandIn::new(Mode::ForkGrandchild), StandIn::new(Mode::Ok));
    let mut dead = Keeper::start(Some(cloudflare(&orphaned)));
    let mut living = Keeper::prepare(Some(cloudflare(&kept)));
    living.spec.dir = dead.folder();
    let living = living.started();
    until(SOON, "both tunnels run", || orphaned.helpers().len() == 3 && kept.starts().len() == 1);
    process::signal(dead.pid(), Signal::KILL);
    assert_eq!(dead.exit_code(), None);
    assert_eq!(sweep_orphans(&dead.folder()).unwrap(), [dead.spec.share_id.clone()]);
    assert!(dead.tunnel_processes().is_empty());
    process::signal(orphaned.helpers()[2], Signal::KILL);
    assert!(process::lives(kept.starts()[0]));
    living.attach().stop();
    living.assert_nothing_left();
}

#[test]
fn many_starts_and_stops_leave_the_keeper_as_it_was() {
    let stand_in = StandIn::new(Mode::Ok);
    let keeper = Keeper::start(None);
    let mut daemon = keeper.attach();
    let spec = cloudflare(&stand_in);
    let mut cycle = || {
        assert!(daemon.ask(Command::StartTunnel { spec: Some(Box::new(spec.clone())) }).ok);
        daemon.ready();
        assert!(daemon.ask(Command::StopTunnel).ok);
        daemon.exit();
    };
    let threads = || std::fs::read_dir(format!("/proc/{}/task", keeper.pid())).unwrap().count();
    cycle();
    until(SOON, "the readers have ended", || threads() == 6);
    let (open, resident) = (process::descriptors(keeper.pid()).len(), process::resident(keeper.pid()));
    (0..20).for_each(|_| cycle());
    until(SOON, "the readers have ended", || threads() == 6);
    assert_eq!(process::descriptors(keeper.pid()).len(), open);
    assert!(process::resident(keeper.pid()) < resident + (4 << 20));
    let children =
        std::fs::read_to_string(format!("/proc/{0}/task/{0}/children", keeper.pid())).unwrap_or_default();
    assert_eq!(children.trim(), "", "zombies");
}
