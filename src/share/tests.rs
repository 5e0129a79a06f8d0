use std::time::Duration;

use proptest::prelude::*;

use super::state::{ATTACH_TIME, STOP_TIME};
use super::*;

const PATIENCE: Duration = Duration::from_secs(30);

pub(super) const PACE: Pace = Pace {
    patience: PATIENCE,
    rate_limit_wait: backoff::RATE_LIMITED,
    look_every: Duration::from_secs(15),
    first_probe_after: Duration::from_secs(10),
    probe_every: Duration::from_secs(60),
};

pub(super) fn at(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

fn failure(cause: Cause) -> Failure {
    Failure::new(cause, "it broke", "mend it")
}

pub(super) fn url() -> String {
    "https://a-b.example".to_owned()
}

/// Runs events, all at the same time; the effects of all.
pub(super) fn run(
    state: State,
    events: impl IntoIterator<Item = Event>,
    now: Duration,
) -> (State, Vec<Effect>) {
    let mut all = Vec::new();
    let state = events.into_iter().fold(state, |state, event| {
        let (state, todo) = step(state, event, now);
        all.extend(todo);
        state
    });
    (state, all)
}

fn fresh() -> State {
    State::new(false, PACE, 1)
}

fn way_up() -> Vec<Event> {
    vec![
        Event::Begin,
        Event::Attached { tunnel: TunnelSeen::Absent, url: None, limited: None },
        Event::Serving,
        Event::PageAnswered,
        Event::SlotGranted,
        Event::TunnelUrl(url()),
        Event::TunnelReady,
    ]
}

pub(super) fn active() -> State {
    run(fresh(), way_up(), at(0)).0
}

#[test]
fn a_share_is_answered_once_url_readiness_and_page_are_there_in_any_order() {
    let last = [
        vec![Event::PageAnswered, Event::TunnelUrl(url()), Event::TunnelReady],
        vec![Event::TunnelReady, Event::PageAnswered, Event::TunnelUrl(url())],
        vec![Event::TunnelUrl(url()), Event::TunnelReady, Event::PageAnswered],
    ];
    for last in last {
        let first = [
            Event::Begin,
            Event::Attached { tunnel: TunnelSeen::Absent, url: None, limited: None },
            Event::Serving,
            Event::SlotGranted,
        ];
        let (mut state, todo) = run(fresh(), first, at(0));
        assert_eq!(
            todo,
            [Effect::Attach, Effect::Serve, Effect::AwaitSlot, Effect::CheckPage, Effect::StartTunnel]
        );
        for (n, event) in last.into_iter().enumerate() {
            assert_eq!(state.status(), Status::Starting, "{n} of 3 are there");
            let (next, todo) = step(state, event, at(1));
            state = next;
            assert_eq!(todo, if n == 2 { vec![Effect::Answer(Ok(()))] } else { vec![] });
        }
        assert_eq!(state.status(), Status::Active);
    }
}

#[test]
fn a_first_start_that_fails_is_answered_and_ended_never_retried() {
    let failures = [
        Event::TunnelDown(failure(Cause::Crashed)),
        Event::TunnelDown(failure(Cause::RateLimited)),
        Event::PageSilent(failure(Cause::Page)),
        Event::ServerDown(failure(Cause::Session)),
        Event::KeeperGone,
        Event::Tick,
    ];
    for event in failures {
        let begun = run(fresh(), way_up().into_iter().take(5), at(0)).0;
        let (state, todo) = step(begun, event.clone(), PATIENCE);
        assert!(matches!(state.phase, Phase::Stopping { why: StopReason::NeverStarted, .. }), "{event:?}");
        assert_eq!(
            todo.iter().filter(|effect| matches!(effect, Effect::Answer(Err(_)))).count(),
            1,
            "{event:?}"
        );
        assert_eq!(todo.last(), Some(&Effect::StopKeeper));
        let (state, todo) = step(state, Event::KeeperStopped, PATIENCE);
        assert_eq!((state.status(), todo), (Status::Error, vec![Effect::End]));
    }
}

#[test]
fn a_silent_tunnel_fails_when_its_patience_ends_and_not_before() {
    let begun = run(fresh(), way_up().into_iter().take(5), at(0)).0;
    assert_eq!(begun.deadline(), Some(PATIENCE));
    let (begun, todo) = step(begun, Event::Tick, PATIENCE - at(1));
    assert_eq!(todo, []);
    let (_, todo) = step(begun, Event::Tick, PATIENCE);
    let answer = todo.iter().find(|effect| matches!(effect, Effect::Answer(_)));
    let Some(Effect::Answer(Err(failure))) = answer else { panic!("{todo:?}") };
    assert!(failure.what.contains("no URL within 30 s"), "{}", failure.what);
}

#[test]
fn what_else_fails_shortens_no_wait_that_the_provider_asked_for() {
    let (limited, _) = step(active(), Event::TunnelDown(failure(Cause::RateLimited)), at(5));
    let Phase::Backoff { until } = limited.phase else { panic!("{:?}", limited.phase) };
    for event in [Event::KeeperGone, Event::ServerDown(failure(Cause::Session))] {
        let (state, _) = step(limited.clone(), event.clone(), at(6));
        assert_eq!(state.phase, Phase::Backoff { until }, "{event:?}");
        assert_eq!(state.failure.map(|failure| failure.cause), Some(Cause::RateLimited), "{event:?}");
    }
    // Once it is over, it counts no more.
    let (state, _) = step(limited, Event::KeeperGone, until);
    assert!(matches!(state.phase, Phase::Backoff { until: next } if next > until), "{:?}", state.phase);
}

fn limited() -> Failure {
    failure(Cause::RateLimited)
}

fn absent(limited: Option<Limited>) -> Event {
    Event::Attached { tunnel: TunnelSeen::Absent, url: None, limited }
}

#[test]
fn a_wait_from_before_this_daemon_delays_the_tunnel_and_not_the_attach() {
    let restored = State::new(true, PACE, 1).held(limited(), at(40), at(1));
    assert_eq!((restored.status(), restored.next_attempt()), (Status::Error, Some(at(41))));
    let (state, todo) = run(restored.clone(), [Event::Begin, absent(None)], at(2));
    assert_eq!(
        (&state.phase, todo),
        (&Phase::Backoff { until: at(41) }, vec![Effect::Attach, Effect::Serve])
    );
    assert_eq!(state.failure, Some(limited()));
    let (_, todo) = step(state, Event::Tick, at(41));
    assert_eq!(todo, [Effect::AwaitSlot]);

    // A keeper that cannot be reached meanwhile makes it no shorter.
    let (state, _) =
        run(restored.clone(), [Event::Begin, Event::AttachFailed(failure(Cause::Keeper))], at(2));
    assert_eq!((state.phase, state.failure), (Phase::Backoff { until: at(41) }, Some(limited())));

    // What lives waits for nothing.
    let lives = Event::Attached { tunnel: TunnelSeen::Ready, url: Some(url()), limited: None };
    let up = [Event::Begin, lives, Event::Serving, Event::PageAnswered];
    let (state, _) = run(restored.clone(), up, at(2));
    assert_eq!((state.status(), state.not_before), (Status::Active, None));

    // Nor does a person.
    let (state, todo) = run(restored, [Event::Begin, Event::Restart, absent(None)], at(2));
    assert_eq!((state.phase, state.failure), (Phase::Queued, None));
    assert_eq!(todo.last(), Some(&Effect::AwaitSlot));
}

#[test]
fn a_wait_from_before_this_daemon_is_never_longer_than_one_is() {
    let far = State::new(true, PACE, 1).held(limited(), Duration::MAX, at(1));
    assert_eq!(far.next_attempt(), Some(at(1) + backoff::longest_wait(PACE.rate_limit_wait)));
}

#[test]
fn what_a_keeper_says_of_its_provider_holds_from_when_it_was_said() {
    let said = |ago| Some(Limited { failure: limited(), ago: at(ago) });
    let restored = || State::new(true, PACE, 1);
    let (state, _) = run(restored(), [Event::Begin, absent(said(10))], at(100));
    let Phase::Backoff { until } = state.phase else { panic!("{:?}", state.phase) };
    assert!((at(150)..=at(162)).contains(&until), "{until:?}");
    assert_eq!((state.failure, state.not_before), (Some(limited()), Some(until)));
    let (state, _) = run(restored(), [Event::Begin, absent(said(100))], at(100));
    assert_eq!(state.phase, Phase::Queued, "it is over");
    // A person who asks for a start gets one, also by way of an attach.
    let (down, _) = step(active(), Event::ServerDown(failure(Cause::Page)), at(100));
    let (state, _) = run(down, [Event::Restart, absent(said(10))], at(100));
    assert_eq!(state.phase, Phase::Queued);
    let lives = Event::Attached { tunnel: TunnelSeen::Ready, url: Some(url()), limited: None };
    let (down, _) = step(active(), Event::ServerDown(failure(Cause::Page)), at(100));
    let (state, _) = run(down, [Event::Restart, lives, Event::ServerDown(failure(Cause::Page))], at(100));
    let (state, _) = run(state, [Event::Tick, absent(said(10))], at(102));
    assert!(state.not_before.is_some(), "one start was asked for: {:?}", state.phase);
    // A first start is answered, not delayed.
    let (state, _) = run(fresh(), [Event::Begin, absent(said(10))], at(100));
    assert_eq!(state.phase, Phase::Queued);
}

#[test]
fn a_client_that_was_given_up_may_yet_say_that_its_provider_asks_for_patience() {
    let (state, _) = step(active(), Event::TunnelDown(failure(Cause::TimedOut)), at(5));
    let (state, _) = step(state, Event::TunnelDown(limited()), at(5));
    assert!(matches!(state.phase, Phase::Backoff { until } if until >= at(65)), "{:?}", state.phase);
    assert_eq!(state.failure, Some(limited()));
}

#[test]
fn a_sleep_shortens_no_wait_that_the_provider_asked_for_and_a_person_does() {
    let (limited, _) = step(active(), Event::TunnelDown(limited()), at(5));
    let Phase::Backoff { until } = limited.phase else { panic!("{:?}", limited.phase) };
    assert_eq!(step(limited.clone(), Event::Woke, at(6)).0.phase, Phase::Backoff { until });
    let (state, _) = step(limited, Event::Restart, at(6));
    assert_eq!((state.phase, state.not_before), (Phase::Queued, None));
    let (crashed, _) = step(active(), Event::TunnelDown(failure(Cause::Crashed)), at(5));
    assert_eq!(step(crashed, Event::Woke, at(5)).0.phase, Phase::Backoff { until: at(5) });
}

#[test]
fn a_tunnel_that_dies_is_started_again_after_its_delay_on_the_same_server() {
    let (state, todo) = step(active(), Event::TunnelDown(failure(Cause::Crashed)), at(5));
    assert_eq!((state.status(), todo), (Status::Error, vec![]));
    let Phase::Backoff { until } = state.phase else { panic!("{:?}", state.phase) };
    let (state, todo) = run(state, [Event::Tick, Event::SlotGranted], until);
    assert_eq!(todo, [Effect::AwaitSlot, Effect::StartTunnel]);
    assert_eq!(state.status(), Status::Error, "not active before it works again");
    let other = "https://c-d.example".to_owned();
    let (state, todo) = run(state, [Event::TunnelUrl(other.clone()), Event::TunnelReady], until + at(1));
    assert_eq!((state.status(), state.reach.url.as_ref(), todo), (Status::Active, Some(&other), vec![]));
    assert_eq!((state.recoveries, &state.failure), (1, &None));
}

#[test]
fn delays_grow_with_failures_and_are_forgotten_after_ten_healthy_minutes() {
    let fail = |state: State, now| {
        let state = step(state, Event::TunnelDown(failure(Cause::Crashed)), now).0;
        let Phase::Backoff { until } = state.phase else { panic!("{:?}", state.phase) };
        let up = [Event::Tick, Event::SlotGranted, Event::TunnelUrl(url()), Event::TunnelReady];
        (until - now, run(state, up, until).0, until)
    };
    let (first, state, now) = fail(active(), at(1));
    let (second, state, now) = fail(state, now);
    let (third, state, now) = fail(state, now);
    assert!(first < second && second < third, "{first:?} {second:?} {third:?}");
    // Up since `now`: a second too few, and then ten minutes.
    let (after_less, ..) = fail(state.clone(), now + at(599));
    assert!(after_less > third, "{after_less:?}");
    let (after_health, ..) = fail(state, now + at(600));
    assert_eq!(after_health, first);
}

#[test]
fn what_retrying_cannot_mend_waits_for_a_person() {
    let (state, _) = step(active(), Event::TunnelDown(failure(Cause::MissingProgram)), at(5));
    assert_eq!((state.phase.clone(), state.deadline()), (Phase::GaveUp, None));
    let (state, todo) = step(state, Event::Restart, at(6));
    assert_eq!((state.phase.clone(), todo, state.failures), (Phase::Queued, vec![Effect::AwaitSlot], 0));
}

#[test]
fn a_lost_connection_is_no_longer_active_and_comes_back_by_itself() {
    let lost = step(active(), Event::TunnelLost(failure(Cause::Network)), at(5)).0;
    assert_eq!(lost.status(), Status::Error);
    let back = step(lost, Event::TunnelReady, at(9)).0;
    assert_eq!((back.status(), back.reach.url), (Status::Active, Some(url())));
}

#[test]
fn a_keeper_with_a_living_tunnel_is_attached_without_touching_it() {
    let restored = State::new(true, PACE, 1);
    let attached = Event::Attached { tunnel: TunnelSeen::Ready, url: Some(url()), limited: None };
    let (state, todo) = run(restored, [Event::Begin, attached, Event::Serving, Event::PageAnswered], at(0));
    assert_eq!(state.status(), Status::Active);
    assert_eq!(todo, [Effect::Attach, Effect::Serve, Effect::CheckPage]);
}

#[test]
fn a_server_that_falls_is_replaced_by_a_fresh_attach_and_the_tunnel_stays() {
    let (state, todo) = step(active(), Event::ServerDown(failure(Cause::Page)), at(5));
    assert_eq!((state.status(), todo), (Status::Error, vec![Effect::CloseServer]));
    let Phase::Backoff { until } = state.phase else { panic!("{:?}", state.phase) };
    let (state, todo) = step(state, Event::Tick, until);
    assert_eq!(todo, [Effect::Attach]);
    let attached = Event::Attached { tunnel: TunnelSeen::Ready, url: Some(url()), limited: None };
    let (state, todo) = run(state, [attached, Event::Serving, Event::PageAnswered], until);
    assert_eq!((state.status(), todo), (Status::Active, vec![Effect::Serve, Effect::CheckPage]));
}

#[test]
fn a_tunnel_that_reconnects_is_attached_and_left_alone_for_as_long_as_it_takes() {
    let restored = State::new(true, PACE, 1);
    let attached = Event::Attached { tunnel: TunnelSeen::Lost, url: Some(url()), limited: None };
    let (state, todo) = run(restored, [Event::Begin, attached, Event::Serving, Event::PageAnswered], at(0));
    assert_eq!(state.status(), Status::Error);
    assert!(!todo.contains(&Effect::AwaitSlot), "{todo:?}");
    let (state, todo) = step(state, Event::Tick, at(50_000));
    assert_eq!(todo, [Effect::Look, Effect::Probe], "it is looked at, and no more");
    let (state, todo) = step(state, Event::TunnelReady, at(100_000));
    assert_eq!((state.status(), state.reach.url, todo), (Status::Active, Some(url()), vec![]));
}

#[test]
fn a_tunnel_that_is_just_starting_when_its_keeper_is_attached_has_its_time_and_no_more() {
    for url in [Some(url()), None] {
        let restored = State::new(true, PACE, 1);
        let attached = Event::Attached { tunnel: TunnelSeen::Running, url, limited: None };
        let (state, _) = run(restored, [Event::Begin, attached, Event::Serving, Event::PageAnswered], at(1));
        assert_eq!(state.phase, Phase::Connecting { until: at(1) + PATIENCE });
        let (late, todo) = step(state, Event::Tick, at(1) + PATIENCE);
        assert_eq!(
            (late.status(), todo, late.stale_tunnel),
            (Status::Error, vec![Effect::CloseServer], true)
        );
    }
}

#[test]
fn how_often_tunnels_failed_does_not_delay_the_way_back_to_one_that_lives() {
    let mut state = active();
    for n in 1..=8 {
        let down = step(state, Event::TunnelDown(failure(Cause::Crashed)), at(n)).0;
        let up = [Event::Tick, Event::SlotGranted, Event::TunnelUrl(url()), Event::TunnelReady];
        let until = down.deadline().unwrap();
        state = run(down, up, until).0;
    }
    assert_eq!((state.status(), state.failures), (Status::Active, 8));
    let now = at(5_000);
    let (fallen, _) =
        step(State { healthy_since: Some(now), ..state }, Event::ServerDown(failure(Cause::Page)), now);
    assert!(fallen.deadline().unwrap() < now + at(2), "{:?}", fallen.phase);
    assert_eq!((fallen.failures, fallen.server_failures), (8, 1), "its tunnels are not forgotten");
    let healthy = State { healthy_since: Some(now - backoff::HEALTHY), ..fallen.clone() };
    let (fallen, _) = step(
        State { phase: Phase::Active { since: now }, reach: active().reach, ..healthy },
        Event::ServerDown(failure(Cause::Page)),
        now,
    );
    assert_eq!((fallen.failures, fallen.server_failures), (0, 1), "after ten healthy minutes they are");
}

#[test]
fn a_page_that_does_not_come_up_never_costs_the_tunnel() {
    let restored = State::new(true, PACE, 1);
    let attached = Event::Attached { tunnel: TunnelSeen::Ready, url: Some(url()), limited: None };
    let (state, _) = run(restored, [Event::Begin, attached.clone(), Event::Tick], at(0));
    let (state, todo) = step(state, Event::Tick, PATIENCE);
    assert_eq!(todo, [Effect::CloseServer]);
    let again = state.deadline().unwrap();
    let (state, todo) = run(state, [Event::Tick, attached, Event::Serving, Event::PageAnswered], again);
    assert_eq!(
        (state.status(), todo),
        (Status::Active, vec![Effect::Attach, Effect::Serve, Effect::CheckPage])
    );
}

#[test]
fn a_tunnel_that_never_connects_is_replaced_by_way_of_a_fresh_attach() {
    let (state, _) = step(active(), Event::TunnelDown(failure(Cause::Crashed)), at(5));
    let until = state.deadline().unwrap();
    let (state, _) = run(state, [Event::Tick, Event::SlotGranted], until);
    let (state, todo) = step(state, Event::Tick, until + PATIENCE);
    assert_eq!(todo, [Effect::CloseServer]);
    let again = state.deadline().unwrap();
    let hung = Event::Attached { tunnel: TunnelSeen::Running, url: None, limited: None };
    let (state, todo) = run(state, [Event::Tick, hung], again);
    assert_eq!((state.phase, todo), (Phase::Queued, vec![Effect::Attach, Effect::Serve, Effect::AwaitSlot]));
}

#[test]
fn news_of_a_client_that_is_being_replaced_make_nothing_active() {
    let lost = step(active(), Event::TunnelLost(failure(Cause::Network)), at(5)).0;
    let (state, _) = run(lost, [Event::Restart, Event::TunnelReady, Event::SlotGranted], at(6));
    let (state, _) = step(state, Event::TunnelUrl("https://c-d.example".to_owned()), at(7));
    assert_eq!(state.status(), Status::Starting, "it has a URL and is not connected");
}

#[test]
fn what_is_revoked_is_down_at_once_and_ends_when_that_is_recorded_or_not_to_be() {
    let (state, todo) = step(active(), Event::Revoke(StopReason::Asked), at(5));
    assert_eq!((state.status(), todo), (Status::Stopped, vec![Effect::CloseServer]));
    let (late, todo) = step(state.clone(), Event::Serving, at(6));
    assert_eq!((&late, todo), (&state, vec![]), "nothing brings the page back");
    let (_, todo) = step(state.clone(), Event::Stop(StopReason::Asked), at(6));
    assert_eq!(todo.last(), Some(&Effect::StopKeeper));
    let (_, todo) = step(state.clone(), Event::Tick, state.deadline().unwrap());
    assert_eq!(todo.last(), Some(&Effect::StopKeeper));
}

#[test]
fn a_dead_keeper_takes_server_and_url_with_it() {
    let (state, todo) = step(active(), Event::KeeperGone, at(5));
    assert_eq!(todo, [Effect::CloseServer]);
    assert_eq!((state.status(), state.reach), (Status::Error, Reach::default()));
}

#[test]
fn a_stop_ends_every_phase_even_if_the_keeper_never_answers() {
    for state in [fresh(), run(fresh(), way_up().into_iter().take(4), at(0)).0, active()] {
        let (state, todo) = step(state, Event::Stop(StopReason::Asked), at(5));
        assert_eq!(todo.last(), Some(&Effect::StopKeeper));
        assert_eq!((state.status(), state.deadline()), (Status::Stopped, Some(at(5) + STOP_TIME)));
        let (state, todo) = step(state, Event::Tick, at(5) + STOP_TIME);
        assert_eq!((state.status(), todo), (Status::Stopped, vec![Effect::End]));
    }
}

#[test]
fn leaving_closes_the_server_and_nothing_else() {
    let (state, todo) = step(active(), Event::Leave, at(5));
    assert_eq!(todo, [Effect::CloseServer, Effect::End]);
    assert!(state.is_over());
}

/// A look at a share that is as it should be.
pub(super) fn well() -> Findings {
    Findings { page: Ok(()), keeper: true, tunnel: Pulse::Well, online: true }
}

/// One event of each kind.
pub(super) fn events() -> Vec<Event> {
    vec![
        Event::Begin,
        Event::Attached { tunnel: TunnelSeen::Absent, url: None, limited: None },
        Event::Attached { tunnel: TunnelSeen::Ready, url: Some(url()), limited: None },
        absent(Some(Limited { failure: limited(), ago: Duration::ZERO })),
        Event::AttachFailed(failure(Cause::Keeper)),
        Event::Serving,
        Event::ServerDown(failure(Cause::Page)),
        Event::ServerDown(failure(Cause::Session)),
        Event::SlotGranted,
        Event::TunnelUrl(url()),
        Event::TunnelReady,
        Event::TunnelLost(failure(Cause::Network)),
        Event::TunnelDown(failure(Cause::Crashed)),
        Event::TunnelDown(failure(Cause::MissingProgram)),
        Event::PageAnswered,
        Event::PageSilent(failure(Cause::Page)),
        Event::Looked(well()),
        Event::Looked(Findings { page: Err("silence".to_owned()), ..well() }),
        Event::Looked(Findings { keeper: false, ..well() }),
        Event::Looked(Findings { tunnel: Pulse::Ill("silence".to_owned()), ..well() }),
        Event::Looked(Findings { tunnel: Pulse::Ill("silence".to_owned()), online: false, ..well() }),
        Event::Probed(Probed::Verified),
        Event::Probed(Probed::Wrong("HTTP 530".to_owned())),
        Event::Probed(Probed::Unreached { why: "no such name".to_owned(), online: false }),
        Event::Woke,
        Event::Paced(Pace { look_every: at(1), ..PACE }),
        Event::KeeperGone,
        Event::KeeperStopped,
        Event::Restart,
        Event::Revoke(StopReason::Asked),
        Event::Stop(StopReason::Asked),
        Event::Leave,
        Event::Tick,
    ]
}

/// A state in each phase, of a share that was up before.
fn one_of_each_phase() -> Vec<State> {
    let backoff = step(active(), Event::TunnelDown(failure(Cause::Crashed)), at(0)).0;
    let Phase::Backoff { until } = backoff.phase else { panic!("{:?}", backoff.phase) };
    let queued = step(backoff.clone(), Event::Tick, until).0;
    let connecting = step(queued.clone(), Event::SlotGranted, until).0;
    let restored = State::new(true, PACE, 1);
    let attaching = step(restored.clone(), Event::Begin, at(0)).0;
    let degraded = step(active(), Event::TunnelLost(failure(Cause::Network)), at(0)).0;
    let gave_up = step(active(), Event::TunnelDown(failure(Cause::MissingProgram)), at(0)).0;
    let revoked = step(active(), Event::Revoke(StopReason::Asked), at(0)).0;
    let stopping = step(active(), Event::Stop(StopReason::Asked), at(0)).0;
    vec![restored, attaching, queued, connecting, active(), degraded, backoff, gave_up, revoked, stopping]
}

/// The last look or probe of a row decides: that is what the table shows.
fn at_the_brink(state: State) -> State {
    let health = match state.phase {
        Phase::Active { .. } | Phase::Degraded { .. } => state.health.clone().at_the_brink(),
        _ => state.health.clone(),
    };
    State { health, ..state }
}

fn table() -> String {
    let mut table = String::from("| in | on | goes to | and does |\n|---|---|---|---|\n");
    for before in one_of_each_phase().into_iter().map(at_the_brink) {
        for event in events() {
            let now = match before.phase {
                Phase::Active { .. } | Phase::Degraded { .. } => at(10_000),
                _ => before.deadline().unwrap_or(ATTACH_TIME),
            };
            let (after, todo) = step(before.clone(), event.clone(), now);
            if after.phase.name() == before.phase.name() && todo.is_empty() {
                continue;
            }
            let name = |debug: String| debug.split(['(', ' ', '{']).next().unwrap_or_default().to_owned();
            let event = match event {
                Event::Attached { limited: Some(_), .. } => {
                    "Attached, provider asked for patience".to_owned()
                }
                Event::Attached { tunnel: TunnelSeen::Absent, .. } => "Attached, no tunnel".to_owned(),
                Event::Attached { .. } => "Attached, tunnel lives".to_owned(),
                Event::TunnelDown(failure) if failure.cause.is_terminal() => {
                    "TunnelDown, terminal".to_owned()
                }
                Event::ServerDown(failure) if failure.cause.is_terminal() => {
                    "ServerDown, terminal".to_owned()
                }
                Event::Looked(Findings { page: Err(_), .. }) => "Looked, page silent".to_owned(),
                Event::Looked(Findings { keeper: false, .. }) => "Looked, keeper silent".to_owned(),
                Event::Looked(Findings { tunnel: Pulse::Ill(_), online, .. }) => {
                    format!("Looked, tunnel ill{}", if online { "" } else { ", offline" })
                }
                Event::Looked(_) => "Looked, all well".to_owned(),
                Event::Probed(Probed::Verified) => "Probed, verified".to_owned(),
                Event::Probed(Probed::Wrong(_)) => "Probed, wrong answer".to_owned(),
                Event::Probed(Probed::Unreached { .. }) => "Probed, unreached, offline".to_owned(),
                event => name(format!("{event:?}")),
            };
            let todo: Vec<_> = todo.iter().map(|effect| name(format!("{effect:?}"))).collect();
            let (before, after) = (before.phase.name(), after.phase.name());
            table += &format!("| {before} | {event} | {after} | {} |\n", todo.join(", "));
        }
    }
    table
}

/// The table in ARCHITECTURE.md is this code's. `PANKO_BLESS=1` writes it anew.
#[test]
fn the_table_of_transitions_in_the_documentation_is_true() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/ARCHITECTURE.md");
    let text = std::fs::read_to_string(path).unwrap();
    let (start, end) = ("<!-- transitions -->\n", "<!-- /transitions -->");
    let (before, rest) = text.split_once(start).expect("the start marker");
    let (written, after) = rest.split_once(end).expect("the end marker");
    if std::env::var_os("PANKO_BLESS").is_some() {
        std::fs::write(path, format!("{before}{start}{}{end}{after}", table())).unwrap();
        return;
    }
    assert!(written == table(), "the table differs: run this test with PANKO_BLESS=1 and read the diff");
}

#[test]
fn what_is_given_up_for_want_of_a_page_has_no_tunnel() {
    let (state, todo) = run(active(), [Event::ServerDown(failure(Cause::Session))], at(1));
    assert_eq!((&state.phase, todo), (&Phase::GaveUp, vec![Effect::CloseServer, Effect::EndTunnel]));
    let (state, todo) = run(state, [Event::Restart], at(2));
    assert_eq!((state.phase.name(), todo), ("attaching", vec![Effect::Attach]));
}

#[test]
fn a_restart_forgets_what_failed_wherever_the_share_is() {
    for state in one_of_each_phase() {
        let state = State { failures: 5, failure: Some(failure(Cause::Crashed)), ..state };
        let after = step(state.clone(), Event::Restart, at(1)).0;
        let ends = matches!(state.phase, Phase::Revoked { .. } | Phase::Stopping { .. });
        let expected = if ends { (5, true) } else { (0, false) };
        assert_eq!((after.failures, after.failure.is_some()), expected, "{:?}", state.phase);
    }
}

fn any_event() -> impl Strategy<Value = Event> {
    prop::sample::select(events())
}

proptest! {
    /// Whatever happens in whatever order: no panic, one answer at the most, a deadline in every waiting
    /// phase, and `active` is never a lie.
    #[test]
    fn no_order_of_events_breaks_a_promise(
        events in prop::collection::vec((any_event(), 0u64..100_000), 0..80),
        announced: bool,
    ) {
        let mut state = State::new(announced, PACE, 9);
        let mut now = Duration::ZERO;
        let mut answers = 0;
        for (event, millis) in events {
            now += Duration::from_millis(millis);
            let (next, todo) = step(state, event, now);
            state = next;
            answers += todo.iter().filter(|effect| matches!(effect, Effect::Answer(_))).count();
            let Reach { attached, serving, page, tunnel, url } = &state.reach;
            if state.status() == Status::Active {
                prop_assert!(*attached && *serving && *page && *tunnel == TunnelSeen::Ready && url.is_some());
            }
            // Nobody would end its client: a person may be long in coming.
            prop_assert!(state.phase != Phase::GaveUp || *tunnel == TunnelSeen::Absent);
            let waits = matches!(
                state.phase,
                Phase::Attaching { .. }
                    | Phase::Connecting { .. }
                    | Phase::Active { .. }
                    | Phase::Degraded { .. }
                    | Phase::Backoff { .. }
                    | Phase::Revoked { .. }
                    | Phase::Stopping { .. }
            );
            prop_assert_eq!(waits, state.deadline().is_some());
        }
        prop_assert!(answers <= usize::from(!announced));
    }

    /// From wherever it is, a share can be ended.
    #[test]
    fn a_stop_always_leads_to_the_end(events in prop::collection::vec(any_event(), 0..40)) {
        let (state, _) = run(fresh(), events, at(1));
        let (state, _) = run(state, [Event::Stop(StopReason::Asked), Event::KeeperStopped], at(2));
        prop_assert!(state.is_over());
    }
}

/// What a world in which everything works answers to an effect.
fn good_world(effect: &Effect) -> Vec<Event> {
    match effect {
        Effect::Attach => vec![Event::Attached { tunnel: TunnelSeen::Absent, url: None, limited: None }],
        Effect::Serve => vec![Event::Serving],
        Effect::AwaitSlot => vec![Event::SlotGranted],
        Effect::StartTunnel => vec![Event::TunnelUrl(url()), Event::TunnelReady],
        Effect::CheckPage => vec![Event::PageAnswered],
        Effect::Look => vec![Event::Looked(well())],
        Effect::Probe => vec![Event::Probed(Probed::Verified)],
        Effect::StopKeeper => vec![Event::KeeperStopped],
        Effect::CloseServer | Effect::EndTunnel | Effect::Answer(_) | Effect::End => vec![],
    }
}

proptest! {
    /// Whatever went wrong: once the world works again, a share that is wanted comes up, if need be after a
    /// person's restart. Nothing gets stuck.
    #[test]
    fn a_wanted_share_comes_up_once_the_world_works(events in prop::collection::vec(any_event(), 0..60)) {
        let wanted = |event: &Event| !matches!(event, Event::Revoke(_) | Event::Stop(_) | Event::Leave);
        let (mut state, asked) = run(active(), events.into_iter().filter(wanted), at(1));
        let mut late: Vec<_> = asked.iter().flat_map(good_world).collect();
        let mut now = at(1);
        for _ in 0..20 {
            if state.status() == Status::Active {
                break;
            }
            now = state.deadline().unwrap_or(now).max(now);
            let mut queue = std::mem::take(&mut late);
            queue.extend([Event::Restart, Event::Tick]);
            while !queue.is_empty() {
                let (next, todo) = step(state, queue.remove(0), now);
                state = next;
                queue.extend(todo.iter().flat_map(good_world));
            }
        }
        prop_assert_eq!(state.status(), Status::Active, "{:?}", state);
    }
}
