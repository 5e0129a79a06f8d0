//! From a keeper's words to a share's events and failures. Pure.

use std::time::Duration;

use crate::share::{Cause, Event, Failure, Limited, TunnelSeen};
use crate::tunnel::diagnosis;
use crate::tunnel::keeper::protocol::{self, Exit, Hello, TunnelState};
use crate::tunnel::spec::Class;

/// What the keeper's hello says of the tunnel, and its present URL.
pub(super) fn tunnel_seen(hello: &Hello) -> (TunnelSeen, Option<String>) {
    let seen = match hello.tunnel {
        TunnelState::Up { .. } => TunnelSeen::Ready,
        TunnelState::Starting { .. } => TunnelSeen::Running,
        TunnelState::Lost { .. } => TunnelSeen::Lost,
        TunnelState::None | TunnelState::Stopping { .. } | TunnelState::Exited(_) | TunnelState::Unknown => {
            TunnelSeen::Absent
        }
    };
    // The last may be that of the client before.
    let has_url = match &hello.tunnel {
        TunnelState::Starting { url_seen, .. } => *url_seen,
        _ => seen != TunnelSeen::Absent,
    };
    let url = hello.urls.last().filter(|_| has_url).map(|seen| seen.url.clone());
    (seen, url)
}

/// That the client there was last ended because its provider asked for patience, as seen at `now` (milliseconds since
/// 1970). Of a keeper that does not say when, that was just now.
pub(super) fn limited(hello: &Hello, now: u64) -> Option<Limited> {
    let TunnelState::Exited(exit) = &hello.tunnel else { return None };
    let failure = exited(exit);
    (failure.cause == Cause::RateLimited).then(|| Limited {
        failure,
        ago: exit.at.map_or(Duration::ZERO, |at| Duration::from_millis(now.saturating_sub(at))),
    })
}

/// The process of the client, while it runs.
pub(super) fn client_pid(tunnel: &TunnelState) -> Option<u32> {
    match tunnel {
        TunnelState::Starting { pid, .. }
        | TunnelState::Up { pid }
        | TunnelState::Lost { pid, .. }
        | TunnelState::Stopping { pid } => Some(*pid),
        TunnelState::None | TunnelState::Exited(_) | TunnelState::Unknown => None,
    }
}

/// Whether there is a client that must end before another can start.
pub(super) fn client_runs(tunnel: &TunnelState) -> bool {
    !matches!(tunnel, TunnelState::None | TunnelState::Exited(_))
}

/// What a keeper's event means for the share; `None`: nothing.
pub(super) fn event(event: protocol::Event) -> Option<Event> {
    match event {
        protocol::Event::Url { url } => Some(Event::TunnelUrl(url)),
        protocol::Event::Ready => Some(Event::TunnelReady),
        protocol::Event::Lost { reason } => Some(Event::TunnelLost(Failure::new(
            Cause::Network,
            format!("the tunnel lost its connection: {reason}"),
            "nothing: it reconnects by itself",
        ))),
        protocol::Event::TunnelExited(exit) => Some(Event::TunnelDown(exited(&exit))),
        // A rate-limited client ends by itself, an overdue one is the share's own deadline to judge.
        protocol::Event::RateLimited
        | protocol::Event::Overdue { .. }
        | protocol::Event::TunnelStarted { .. }
        | protocol::Event::ReadyAt { .. }
        | protocol::Event::Hello(_)
        | protocol::Event::Log { .. }
        | protocol::Event::Reply(_)
        | protocol::Event::Stopped
        | protocol::Event::Unknown => None,
    }
}

fn exited(exit: &Exit) -> Failure {
    let see_logs = "`panko logs` shows what it printed";
    match &exit.cause {
        protocol::Cause::RateLimited => diagnosis::rate_limited(),
        protocol::Cause::Terminal { cause, remedy, class } => {
            let class = match class {
                Some(Class::Credentials) => Cause::Credentials,
                Some(Class::Config) => Cause::Config,
                // All that earlier keepers were told to look for.
                Some(Class::Program | Class::Unknown) | None => Cause::BadProgram,
            };
            Failure::new(class, cause, remedy)
        }
        protocol::Cause::NotStarted { message, remedy, transient } => {
            let cause = if *transient { Cause::Shortage } else { Cause::BadProgram };
            Failure::new(cause, message, remedy)
        }
        protocol::Cause::Exited | protocol::Cause::Stopped | protocol::Cause::Unknown => {
            // One that was killed had no last words.
            let told = || diagnosis::diagnose(&exit.tail, !exit.before_ready);
            if let Some(failure) = exit.signal.is_none().then(told).flatten() {
                return failure;
            }
            if (exit.code, exit.before_ready) == (Some(0), false) {
                // As `bore` does.
                let what = "the tunnel program ended without an error, for it lost its connection";
                return Failure::new(Cause::Network, what, see_logs);
            }
            let how = match (exit.code, exit.signal) {
                (_, Some(signal)) => format!("was ended by signal {signal}"),
                (Some(code), None) => format!("ended with exit code {code}"),
                (None, None) => "ended".to_owned(),
            };
            let when = if exit.before_ready { " before it was up" } else { "" };
            let said = exit.tail.last().map(|line| format!(", saying: {line}")).unwrap_or_default();
            Failure::new(Cause::Crashed, format!("the tunnel program {how}{when}{said}"), see_logs)
        }
    }
}

/// The session server does not run or does not answer.
pub(super) fn page_down(why: &str) -> Failure {
    Failure::new(Cause::Page, format!("the page does not answer on this machine: {why}"), "try again")
}

/// The keeper can neither be attached nor spawned.
pub(super) fn no_keeper(why: &str) -> Failure {
    Failure::new(Cause::Keeper, format!("the share's keeper process cannot be reached: {why}"), "try again")
}

/// How long an end may take that a keeper was asked for: the client's own time and a little more.
pub(super) const END_TIME: Duration = Duration::from_secs(7);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tunnel::keeper::protocol::SeenUrl;

    fn hello(tunnel: TunnelState) -> Hello {
        let urls = ["https://old-one.example", "https://new-one.example"]
            .map(|url| SeenUrl { url: url.to_owned(), at: 0 })
            .to_vec();
        Hello {
            version: 1,
            share_id: "s".to_owned(),
            port: 1,
            pid: 2,
            urls,
            tunnel,
            log_bytes: 0,
            ready_at: None,
        }
    }

    fn exit(cause: protocol::Cause, code: Option<i32>, tail: &[&str]) -> Exit {
        let tail = tail.iter().map(|line| (*line).to_owned()).collect();
        Exit { code, signal: None, before_ready: true, cause, tail, at: None }
    }

    #[test]
    fn a_url_counts_only_while_its_client_runs() {
        let newest = Some("https://new-one.example".to_owned());
        assert_eq!(tunnel_seen(&hello(TunnelState::Up { pid: 3 })), (TunnelSeen::Ready, newest.clone()));
        let lost = TunnelState::Lost { pid: 3, reason: String::new() };
        assert_eq!(tunnel_seen(&hello(lost)), (TunnelSeen::Lost, newest.clone()));
        let starting = |url_seen| {
            let (pid, waited_ms) = (3, 10);
            hello(TunnelState::Starting { pid, waited_ms, overdue: false, rate_limited: false, url_seen })
        };
        assert_eq!(tunnel_seen(&starting(true)), (TunnelSeen::Running, newest));
        let of_the_one_before = tunnel_seen(&starting(false));
        assert_eq!(of_the_one_before, (TunnelSeen::Running, None), "its URL leads nowhere");
        let gone = TunnelState::Exited(exit(protocol::Cause::Exited, Some(1), &[]));
        assert_eq!(tunnel_seen(&hello(gone)), (TunnelSeen::Absent, None));
        assert_eq!(tunnel_seen(&hello(TunnelState::None)), (TunnelSeen::Absent, None));
    }

    #[test]
    fn a_keeper_says_how_long_ago_its_provider_asked_for_patience() {
        let of = |cause, at| hello(TunnelState::Exited(Exit { at, ..exit(cause, Some(1), &[]) }));
        let ago = |hello: &Hello| limited(hello, 10_000).map(|limited| limited.ago.as_millis());
        assert_eq!(ago(&of(protocol::Cause::RateLimited, Some(4_000))), Some(6_000));
        assert_eq!(ago(&of(protocol::Cause::RateLimited, Some(11_000))), Some(0), "the clock was set back");
        assert_eq!(ago(&of(protocol::Cause::RateLimited, None)), Some(0), "an earlier keeper");
        assert_eq!(ago(&of(protocol::Cause::Exited, Some(4_000))), None);
        assert_eq!(ago(&hello(TunnelState::Up { pid: 3 })), None);
        let failure = limited(&of(protocol::Cause::RateLimited, None), 0).unwrap().failure;
        assert_eq!(failure.cause, Cause::RateLimited);
    }

    #[test]
    fn the_cause_of_an_exit_decides_whether_it_is_tried_again() {
        let terminal = |class| protocol::Cause::Terminal {
            cause: "no login".to_owned(),
            remedy: "log in".to_owned(),
            class,
        };
        let not_started = |transient| protocol::Cause::NotStarted {
            message: "exec format error".to_owned(),
            remedy: "reinstall".to_owned(),
            transient,
        };
        let cases = [
            (protocol::Cause::Exited, Cause::Crashed, false),
            (protocol::Cause::RateLimited, Cause::RateLimited, false),
            (terminal(Some(Class::Credentials)), Cause::Credentials, true),
            (terminal(Some(Class::Config)), Cause::Config, true),
            (terminal(Some(Class::Program)), Cause::BadProgram, true),
            (terminal(None), Cause::BadProgram, true),
            (not_started(false), Cause::BadProgram, true),
            (not_started(true), Cause::Shortage, false),
        ];
        for (cause, class, terminal) in cases {
            let Some(Event::TunnelDown(failure)) =
                event(protocol::Event::TunnelExited(exit(cause, Some(1), &["last words"])))
            else {
                panic!("an exit is an end of the tunnel")
            };
            assert_eq!((failure.cause, failure.cause.is_terminal()), (class, terminal), "{failure:?}");
            assert!(!failure.remedy.is_empty(), "{failure:?}");
        }
    }

    #[test]
    fn last_words_tell_why_unless_it_was_killed() {
        let words = ["ssh: connect to host x port 22: Connection refused"];
        let ended = exit(protocol::Cause::Exited, Some(255), &words);
        let failure = exited(&ended);
        assert_eq!((failure.cause, failure.what.ends_with(words[0])), (Cause::Network, true), "{failure:?}");
        let killed = Exit { code: None, signal: Some(9), ..ended };
        assert_eq!(exited(&killed).cause, Cause::Crashed);
        let lost = Exit { before_ready: false, ..exit(protocol::Cause::Exited, Some(0), &["bye"]) };
        assert_eq!(exited(&lost).cause, Cause::Network, "exit codes mislead: it was up");
        let failed = exit(protocol::Cause::Exited, Some(0), &["bye"]);
        assert_eq!(exited(&failed).cause, Cause::Crashed);
        let limited = exit(protocol::Cause::Exited, Some(1), &["429 Too Many Requests"]);
        assert_eq!(exited(&limited).cause, Cause::RateLimited);
    }

    #[test]
    fn a_crash_is_told_with_its_code_and_last_words() {
        let failure = exited(&exit(protocol::Cause::Exited, Some(3), &["boom"]));
        assert_eq!(failure.what, "the tunnel program ended with exit code 3 before it was up, saying: boom");
    }
}
