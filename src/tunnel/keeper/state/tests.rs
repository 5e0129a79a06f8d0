use super::client::DRAIN;
use super::quiet::QUIET;
use super::*;
use crate::tunnel::keeper::protocol::Cause;
use crate::tunnel::spec::{StopRule, UrlRule, WatchRules};

const GRACE: Duration = Duration::from_secs(60);
const STOP: Duration = Duration::from_secs(5);
const READY: Duration = Duration::from_secs(30);
const PID: u32 = 4711;

fn at(seconds: u64) -> Now {
    mono(Duration::from_secs(seconds))
}

fn mono(mono: Duration) -> Now {
    Now { mono, unix_ms: 1_000_000 }
}

fn spec() -> TunnelSpec {
    TunnelSpec {
        provider: "p".to_owned(),
        program: "/p".into(),
        args: Vec::new(),
        env: Default::default(),
        config_file: None,
        watch: WatchRules {
            url: UrlRule::Fixed { url: "http://h".to_owned() },
            ready: None,
            failures: Vec::new(),
            ready_at: None,
        },
        ready_timeout_ms: 30_000,
        stop: StopRule { signal: StopSignal::Int, timeout_ms: 5_000 },
        stable_url: false,
    }
}

/// A keeper with a daemon (connection 1) and a client (run 1).
fn running() -> State {
    let (mut state, effects) = State::new("s", 80, 1, GRACE, Some(spec()), at(0));
    assert!(matches!(&effects[..], [Effect::Start(1, _)]), "{effects:?}");
    assert_eq!(state.step(Input::Started(1, Ok(PID)), at(0)), []);
    state.step(Input::Connected(1), at(0));
    state
}

fn ask(state: &mut State, command: Command, now: Now) -> Vec<Effect> {
    state.step(Input::Request(1, Request { id: 9, command }), now)
}

fn says(state: &mut State, event: TunnelEvent, now: Now) -> Vec<Effect> {
    state.step(Input::Output(1, event), now)
}

fn url(text: &str) -> TunnelEvent {
    TunnelEvent::Url(text.to_owned())
}

fn sent(event: Event) -> Effect {
    Effect::Send(1, event)
}

fn ended(code: i32) -> Input {
    Input::Ended { pid: PID, code: Some(code), signal: None }
}

fn exit_in(effects: &[Effect]) -> &Exit {
    let exit = effects.iter().find_map(|effect| match effect {
        Effect::Exited(_, exit) => Some(exit),
        _ => None,
    });
    exit.unwrap_or_else(|| panic!("no exit in {effects:?}"))
}

#[test]
fn alone_for_the_grace_time_it_ends_with_the_stop_signal_first() {
    let mut state = running();
    assert!(state.step(Input::Gone(1), at(10)).is_empty());
    assert_eq!(state.deadline(), Some(READY));
    let told = state.step(Input::Tick, at(69));
    assert!(!told.contains(&Effect::CloseSocket), "{told:?}");
    assert_eq!(state.deadline(), Some(at(70).mono));
    let effects = state.step(Input::Tick, at(70));
    assert_eq!(effects, [Effect::CloseSocket, Effect::Signal(PID, StopSignal::Int)]);
    assert_eq!(state.deadline(), Some(at(75).mono));
    assert_eq!(state.step(Input::Tick, at(75)), [Effect::Signal(PID, StopSignal::Kill)]);
    assert_eq!(state.deadline(), None, "what is killed is only waited for");
    let effects = state.step(ended(0), at(75));
    assert_eq!(effects.last(), Some(&Effect::Finish(None)));
}

#[test]
fn a_daemon_that_comes_back_in_time_stops_the_countdown() {
    let mut state = running();
    state.step(Input::Gone(1), at(0));
    state.step(Input::Connected(2), at(59));
    assert!(!state.step(Input::Tick, at(1_000)).contains(&Effect::CloseSocket));
    // Of an old connection: nothing.
    state.step(Input::Gone(1), at(1_000));
    assert!(!state.step(Input::Tick, at(2_000)).contains(&Effect::CloseSocket));
}

#[test]
fn a_daemon_that_comes_while_everything_ends_is_sent_away() {
    let mut state = running();
    ask(&mut state, Command::Stop, at(1));
    assert_eq!(state.step(Input::Connected(2), at(2)), [Effect::Close(2)]);
    let effects = state.step(ended(0), at(2));
    assert_eq!(effects.last(), Some(&Effect::Finish(Some(1))), "the one that asked is told");
    assert!(state.step(Input::Terminate, at(3)).is_empty(), "there is one end");
}

#[test]
fn a_stop_without_a_client_is_done_at_once() {
    let (mut state, _) = State::new("s", 80, 1, GRACE, None, at(0));
    state.step(Input::Connected(1), at(0));
    let effects = ask(&mut state, Command::Stop, at(1));
    let reply = sent(Event::Reply(Reply::done(9)));
    assert_eq!(effects, [reply, Effect::CloseSocket, Effect::Finish(Some(1))]);
}

#[test]
fn requests_of_a_connection_that_was_replaced_are_not_obeyed() {
    let mut state = running();
    let effects = state.step(Input::Connected(2), at(1));
    assert!(matches!(&effects[..], [Effect::Close(1), Effect::Hello(2, _)]), "{effects:?}");
    assert!(ask(&mut state, Command::Stop, at(1)).is_empty());
    assert!(state.step(Input::BadFrame(1, String::new()), at(1)).is_empty());
}

#[test]
fn the_exit_waits_for_the_output_but_not_for_ever() {
    let mut state = running();
    assert!(state.step(ended(1), at(1)).is_empty());
    says(&mut state, TunnelEvent::RateLimited, at(1));
    let effects = state.step(Input::OutputEnded(1), at(1));
    assert_eq!(exit_in(&effects).cause, Cause::RateLimited);

    let mut state = running();
    state.step(ended(1), at(1));
    let late = mono(at(1).mono + DRAIN);
    assert_eq!(state.deadline(), Some(late.mono));
    assert_eq!(exit_in(&state.step(Input::Tick, late)).cause, Cause::Exited);

    let mut state = running();
    assert!(state.step(Input::OutputEnded(1), at(1)).is_empty(), "closed its output and goes on");
    assert_eq!(exit_in(&state.step(ended(1), at(2))).code, Some(1));
}

#[test]
fn before_ready_needs_both_the_url_and_the_connection() {
    let cases: [(&[TunnelEvent], bool); 4] = [
        (&[], true),
        (&[url("http://a")], true),
        (&[TunnelEvent::Ready], true),
        (&[url("http://a"), TunnelEvent::Ready, TunnelEvent::Lost { reason: String::new() }], false),
    ];
    for (events, before_ready) in cases {
        let mut state = running();
        events.iter().for_each(|event| drop(says(&mut state, event.clone(), at(1))));
        state.step(Input::OutputEnded(1), at(2));
        assert_eq!(exit_in(&state.step(ended(0), at(2))).before_ready, before_ready, "{events:?}");
    }
}

#[test]
fn overdue_is_said_once_and_only_of_what_is_not_up() {
    let mut state = running();
    assert_eq!(state.deadline(), Some(READY));
    assert_eq!(
        state.step(Input::Tick, at(30)),
        [sent(Event::Overdue { waited_ms: 30_000, url_seen: false })]
    );
    assert!(state.step(Input::Tick, at(31)).is_empty());

    let mut up = running();
    says(&mut up, url("http://a"), at(1));
    says(&mut up, TunnelEvent::Ready, at(1));
    assert!(up.step(Input::Tick, at(31)).is_empty());
    assert_eq!(up.deadline(), None);
}

#[test]
fn a_flood_of_names_is_told_as_it_stands_and_the_history_is_bounded() {
    let mut state = running();
    let mut told = 0;
    for number in 0..1_000 {
        told += says(&mut state, url(&format!("http://n{number}")), at(1)).len();
    }
    assert_eq!(told, 1);
    let quiet_over = mono(at(1).mono + QUIET);
    assert_eq!(state.deadline(), Some(quiet_over.mono));
    assert_eq!(state.step(Input::Tick, quiet_over), [sent(Event::Url { url: "http://n999".to_owned() })]);
    let effects = state.step(Input::Connected(2), at(3));
    let Some(Effect::Hello(2, hello)) = effects.last() else { panic!("{effects:?}") };
    assert_eq!(hello.urls.len(), URLS);
    assert_eq!((hello.urls[0].url.as_str(), hello.urls[URLS - 1].url.as_str()), ("http://n0", "http://n999"));
}

#[test]
fn a_url_and_its_connection_are_told_without_delay() {
    let mut state = running();
    assert_eq!(says(&mut state, url("http://a"), at(1)), [sent(Event::Url { url: "http://a".to_owned() })]);
    assert_eq!(says(&mut state, TunnelEvent::Ready, at(1)), [sent(Event::Ready)]);
}

#[test]
fn only_one_client_at_a_time_and_none_while_ending() {
    let mut state = running();
    let code = |effects: &[Effect]| match effects {
        [Effect::Send(1, Event::Reply(reply))] => reply.error.as_ref().map(|error| error.code),
        other => panic!("{other:?}"),
    };
    let start = || Command::StartTunnel { spec: None };
    assert_eq!(code(&ask(&mut state, start(), at(1))), Some(ReplyErrorCode::AlreadyRunning));
    ask(&mut state, Command::Stop, at(1));
    assert_eq!(code(&ask(&mut state, start(), at(1))), Some(ReplyErrorCode::Stopping));
    assert_eq!(code(&ask(&mut state, Command::Unknown, at(1))), Some(ReplyErrorCode::UnknownCommand));
}

#[test]
fn a_stopped_client_can_be_started_again_with_another_spec() {
    let mut state = running();
    let effects = ask(&mut state, Command::StopTunnel, at(1));
    assert_eq!(effects.last(), Some(&Effect::Signal(PID, StopSignal::Int)));
    let again = ask(&mut state, Command::StopTunnel, at(2));
    assert_eq!(
        again,
        [sent(Event::Reply(Reply::done(9)))],
        "one signal: a second one means more to some clients"
    );
    assert_eq!(state.deadline(), Some(at(1).mono + STOP));
    state.step(Input::OutputEnded(1), at(2));
    assert_eq!(exit_in(&state.step(ended(0), at(2))).cause, Cause::Stopped);
    let other = TunnelSpec { provider: "other".to_owned(), ..spec() };
    let effects = ask(&mut state, Command::StartTunnel { spec: Some(Box::new(other)) }, at(3));
    assert!(matches!(&effects[..], [_, Effect::Start(2, spec)] if spec.provider == "other"), "{effects:?}");
    // Output of the first run that comes late.
    state.step(Input::Started(2, Ok(PID + 1)), at(3));
    assert!(says(&mut state, url("http://late"), at(3)).is_empty());
}

#[test]
fn a_client_that_could_not_be_started_is_an_exit() {
    let (mut state, _) = State::new("s", 80, 1, GRACE, Some(spec()), at(0));
    state.step(Input::Connected(1), at(0));
    let failure = StartFailure { message: "m".to_owned(), remedy: "r".to_owned(), transient: false };
    let effects = state.step(Input::Started(1, Err(failure)), at(0));
    let exit = exit_in(&effects);
    assert!(
        exit.before_ready && matches!(exit.cause, Cause::NotStarted { transient: false, .. }),
        "{exit:?}"
    );
    let effects = state.step(Input::Connected(2), at(1));
    assert!(
        matches!(effects.last(), Some(Effect::Hello(2, hello)) if matches!(hello.tunnel, TunnelState::Exited(_)))
    );
}
