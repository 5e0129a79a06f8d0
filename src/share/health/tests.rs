use super::*;
use crate::share::tests::{PACE, active, at, run, url, well};
use crate::share::{Event, Status, backoff, step};

fn ill(online: bool) -> Event {
    Event::Looked(Findings { tunnel: Pulse::Ill("/ready says 503".to_owned()), online, ..well() })
}

fn wrong() -> Event {
    Event::Probed(Probed::Wrong("HTTP 530".to_owned()))
}

fn unreached(online: bool) -> Event {
    Event::Probed(Probed::Unreached { why: "no such name".to_owned(), online })
}

fn verified() -> State {
    run(active(), [Event::Probed(Probed::Verified)], at(10)).0
}

/// Feeds `event` every 15 s until the phase is another; how often, and what was to be done.
fn until_other(mut state: State, event: &Event, most: u32) -> (State, u32, Vec<Effect>) {
    let phase = state.phase.name();
    let mut all = Vec::new();
    for n in 1..=most {
        let (next, todo) = step(state, event.clone(), at(1_000 + 15 * u64::from(n)));
        all.extend(todo);
        state = next;
        if state.phase.name() != phase {
            return (state, n, all);
        }
    }
    (state, most + 1, all)
}

#[test]
fn looks_and_probes_are_due_at_their_pace_while_a_share_is_up_and_not_before() {
    let (mut state, mut looks, mut probes) = (active(), Vec::new(), Vec::new());
    while let Some(due) = state.deadline().filter(|due| *due <= at(130)) {
        let (next, todo) = step(state, Event::Tick, due);
        state = next;
        looks.extend(todo.contains(&Effect::Look).then_some(due.as_secs()));
        probes.extend(todo.contains(&Effect::Probe).then_some(due.as_secs()));
    }
    assert_eq!(looks, [15, 30, 45, 60, 75, 90, 105, 120]);
    assert_eq!(probes, [10, 70, 130]);
    let down = step(state, Event::KeeperGone, at(131)).0;
    assert_eq!(step(down.clone(), Event::Looked(well()), at(132)), (down, vec![]), "a late look is nobody's");
}

#[test]
fn a_page_that_is_silent_twice_gets_another_server_and_keeps_its_tunnel() {
    let silent = Event::Looked(Findings { page: Err("no answer".to_owned()), ..well() });
    let (once, todo) = step(active(), silent.clone(), at(15));
    assert_eq!((once.status(), todo), (Status::Active, vec![]));
    assert!(once.deadline().unwrap() <= at(15) + LOOK_AGAIN, "the next look comes soon");
    let (twice, todo) = step(once.clone(), silent, at(18));
    assert_eq!((twice.status(), todo), (Status::Error, vec![Effect::CloseServer]));
    assert_eq!(twice.reach.url, Some(url()));
    let (well_again, _) = step(once, Event::Looked(well()), at(18));
    assert_eq!(well_again.health.missed, Missed::default());
}

#[test]
fn a_keeper_that_is_silent_three_times_is_replaced() {
    let silent = Event::Looked(Findings { keeper: false, tunnel: Pulse::Unknown, ..well() });
    let (state, n, todo) = until_other(active(), &silent, 5);
    assert_eq!((n, state.phase.name(), todo), (KEEPER, "backoff", vec![Effect::CloseServer]));
    let (_, todo) = step(state.clone(), Event::Tick, state.deadline().unwrap());
    assert_eq!(todo, [Effect::Attach], "who attaches kills one that hangs");
}

#[test]
fn a_machine_at_its_limits_costs_no_keeper() {
    let slow = Event::Looked(Findings { page: Err("no answer".to_owned()), keeper: false, ..well() });
    let (state, ..) = until_other(active(), &slow, 5);
    assert_eq!(state.reach.url, Some(url()), "the server is replaced, and not what holds the URL");
}

#[test]
fn a_tunnel_that_is_ill_is_degraded_within_three_looks_and_replaced_only_online() {
    let (degraded, n, todo) = until_other(active(), &ill(false), 5);
    assert!(n <= 3, "{n} looks");
    assert_eq!((degraded.status(), todo), (Status::Error, vec![]));
    assert!(degraded.failure.as_ref().unwrap().what.contains("/ready says 503"), "{:?}", degraded.failure);

    let (offline, _, todo) = until_other(degraded.clone(), &ill(false), 1_000);
    assert_eq!((offline.phase.name(), offline.reach.url, todo), ("degraded", Some(url()), vec![]));

    let (replaced, n, _) = until_other(degraded.clone(), &ill(true), 100);
    assert!(n >= LONG - 2 && replaced.phase.name() == "backoff", "{n} looks, {}", replaced.phase.name());
    let (_, todo) = step(replaced.clone(), Event::Tick, replaced.deadline().unwrap());
    assert_eq!(todo, [Effect::AwaitSlot], "the keeper stays");

    let (back, _) = step(degraded, Event::Looked(well()), at(1_100));
    assert_eq!((back.status(), back.failure), (Status::Active, None));
}

#[test]
fn a_lost_connection_that_its_client_says_is_there_is_no_loss() {
    let lost = Event::TunnelLost(Failure::new(Cause::Network, "one of four is lost", ""));
    let (state, _) = run(active(), [lost, Event::Looked(well())], at(20));
    assert_eq!(state.status(), Status::Active);
}

#[test]
fn a_url_that_never_worked_is_unverified_and_never_an_error() {
    for event in [wrong(), unreached(true), unreached(false)] {
        let (state, _, todo) = until_other(active(), &event, 1_000);
        assert_eq!((state.status(), state.health.public, todo), (Status::Active, Public::Unverified, vec![]));
        assert!(state.health.unverified.is_some());
    }
    assert_eq!(active().health.public, Public::Pending);
}

#[test]
fn a_url_that_worked_is_missed_while_this_machine_is_online() {
    for (event, blamed) in [(wrong(), true), (unreached(true), true), (unreached(false), false)] {
        let (state, n, _) = until_other(verified(), &event, 50);
        let expected = if blamed { ("degraded", PUBLIC) } else { ("active", 51) };
        assert_eq!((state.phase.name(), n), expected, "{event:?}");
        if blamed {
            let (state, ..) = until_other(state, &event, 50);
            assert_eq!(state.phase.name(), "backoff", "{event:?}");
        } else {
            assert_eq!(state.reach.url, Some(url()));
        }
    }
}

#[test]
fn a_probe_blames_no_tunnel_for_a_page_that_is_silent() {
    let silent = Event::Looked(Findings { page: Err("no answer".to_owned()), ..well() });
    let (state, _) = step(verified(), silent, at(15));
    let (state, ..) = until_other(state, &wrong(), 50);
    assert_eq!(state.phase.name(), "active");
}

#[test]
fn another_url_is_asked_for_anew() {
    let other = Event::TunnelUrl("https://c-d.example".to_owned());
    let (state, _) = step(verified(), other, at(20));
    assert_eq!(state.health.public, Public::Pending);
    assert_eq!(state.health.next_probe, Some(at(20) + PACE.first_probe_after));
    let (same, _) = step(verified(), Event::TunnelUrl(url()), at(20));
    assert_eq!(same.health.public, Public::Verified);
}

#[test]
fn who_wakes_looks_at_once_and_blames_nobody_for_what_was_missed() {
    let (almost, _) = run(verified(), [ill(true)], at(15));
    let (woken, _) = step(almost, Event::Woke, at(16));
    assert_eq!((woken.health.missed, woken.deadline()), (Missed::default(), Some(at(16))));
    assert_eq!(step(woken, Event::Tick, at(16)).1, [Effect::Look, Effect::Probe]);
    let (young, _) = run(active(), [Event::Woke, Event::Tick], at(2));
    assert_eq!(
        young.health.next_probe,
        Some(PACE.first_probe_after),
        "a clock that was set makes no name exist"
    );

    let waiting = |cause| {
        let down = Event::TunnelDown(Failure::new(cause, "down", ""));
        step(run(active(), [down], at(20)).0, Event::Woke, at(21)).0
    };
    assert_eq!(waiting(Cause::Network).deadline(), Some(at(21)), "the network may be back");
    let limited = waiting(Cause::RateLimited).deadline().unwrap();
    assert!(limited >= at(20) + backoff::RATE_LIMITED, "{limited:?}");
}

#[test]
fn who_lost_its_connection_and_can_be_asked_by_no_means_is_replaced_in_the_end() {
    let looked = |online| Event::Looked(Findings { tunnel: Pulse::Unknown, online, ..well() });
    let lost = || Event::TunnelLost(Failure::new(Cause::Network, "it lost its connection", ""));
    let long = at(20) + PACE.look_every * LONG;
    let (state, _) = run(active(), [lost()], at(20));
    let (early, _) = step(state.clone(), looked(true), at(21));
    assert_eq!(early.phase, Phase::Degraded { since: at(20) });
    let (offline, _) = step(state.clone(), looked(false), long);
    assert_eq!(offline.phase, Phase::Degraded { since: at(20) }, "its URL is kept");
    let (replaced, _) = step(state.clone(), looked(true), long);
    assert!(matches!(replaced.phase, Phase::Backoff { .. }), "{:?}", replaced.phase);
    let (reached, _) = run(state, [Event::Probed(Probed::Verified), looked(true)], long);
    assert_eq!(reached.status(), Status::Active, "its page is there");
}

#[test]
fn what_a_look_found_is_over_when_looks_find_it_no_more_and_nothing_else_is() {
    let unknown = || Event::Looked(Findings { tunnel: Pulse::Unknown, ..well() });
    let (by_look, _) = run(active(), [ill(false), ill(false)], at(20));
    assert_eq!(by_look.phase, Phase::Degraded { since: at(20) });
    let (back, _) = step(by_look.clone(), unknown(), at(21));
    assert_eq!((back.status(), back.failure), (Status::Active, None));

    let lost = || Event::TunnelLost(Failure::new(Cause::Network, "it lost its connection", ""));
    let (by_word, _) = run(active(), [lost(), ill(false), ill(false)], at(20));
    assert_eq!(step(by_word, unknown(), at(21)).0.phase, Phase::Degraded { since: at(20) });
    let (both, _) = step(by_look.clone(), lost(), at(21));
    assert_eq!(step(both, unknown(), at(22)).0.phase, Phase::Degraded { since: at(20) });
    let (by_probe, _) = run(verified(), [wrong(), wrong(), wrong()], at(60));
    assert_eq!(step(by_probe, unknown(), at(61)).0.phase, Phase::Degraded { since: at(60) });
    // One thing does not stand for the other that comes after it.
    let (again, _) = run(by_look, [Event::TunnelReady, lost()], at(30));
    assert_eq!(step(again, unknown(), at(31)).0.phase, Phase::Degraded { since: at(30) });
}

#[test]
fn another_pace_brings_the_next_look_nearer_and_never_puts_it_off() {
    let slow = Pace { look_every: at(3_600), probe_every: at(3_600), ..PACE };
    let (state, _) = step(active(), Event::Paced(slow), at(1));
    assert_eq!(state.deadline(), Some(at(10)), "the first probe is due as it was");
    let (state, todo) = step(state, Event::Tick, at(16));
    assert_eq!((state.deadline(), todo), (Some(at(3_616)), vec![Effect::Look, Effect::Probe]));
    let (state, _) = step(state, Event::Paced(PACE), at(20));
    assert_eq!(state.deadline(), Some(at(35)));
    // A start that is under way keeps its time, and a share that waits has no looks.
    let (down, _) = step(active(), Event::TunnelDown(Failure::new(Cause::Crashed, "", "")), at(1));
    let until = down.deadline();
    assert_eq!(step(down, Event::Paced(slow), at(1)).0.deadline(), until);
}
