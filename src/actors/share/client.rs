//! The tunnel client of an attached keeper, as far as this side must know to order a new one. Pure.

use crate::tunnel::keeper::protocol::Command;
use crate::tunnel::spec::TunnelSpec;

/// How it stands.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Client {
    /// None runs.
    Absent,
    /// One runs, or is ending.
    Running,
    /// It is to be replaced, by what is being looked up, or by nothing: what it says does not count any more.
    Stale,
    /// It was told to end, and is to be followed by this one.
    Replacing(Box<TunnelSpec>),
}

impl Client {
    /// What it says is of no interest any more.
    pub(super) fn is_stale(&self) -> bool {
        matches!(self, Client::Stale | Client::Replacing(_))
    }

    /// Another one is wanted, or none: what runs does not count from here on, nor what was to follow it.
    pub(super) fn outdate(&mut self) {
        if matches!(self, Client::Running | Client::Replacing(_)) {
            *self = Client::Stale;
        }
    }

    /// Nothing takes the place of one that does not count: it must not go on in public.
    pub(super) fn give_up(&self) -> Option<Command> {
        (*self == Client::Stale).then_some(Command::StopTunnel)
    }

    /// This one is to run: what to tell the keeper now.
    pub(super) fn order(&mut self, spec: Box<TunnelSpec>) -> Option<Command> {
        match self {
            Client::Absent => {
                *self = Client::Running;
                Some(Command::StartTunnel { spec: Some(spec) })
            }
            Client::Running | Client::Stale => {
                *self = Client::Replacing(spec);
                Some(Command::StopTunnel)
            }
            Client::Replacing(next) => {
                *next = spec;
                None
            }
        }
    }

    /// It is gone.
    pub(super) fn exited(&mut self) -> Gone {
        match std::mem::replace(self, Client::Absent) {
            Client::Replacing(spec) => {
                *self = Client::Running;
                Gone::Follow(Command::StartTunnel { spec: Some(spec) })
            }
            Client::Stale => Gone::Expected,
            Client::Absent | Client::Running => Gone::Down,
        }
    }
}

/// What the end of a client is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Gone {
    /// An event in the life of the share.
    Down,
    /// It was asked for.
    Expected,
    /// It was asked for, to make room: this comes next.
    Follow(Command),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(program: &str) -> Box<TunnelSpec> {
        let spec = serde_json::json!({
            "provider": "own", "program": program, "args": [], "env": {}, "ready_timeout_ms": 1,
            "watch": {"url": {"from": "fixed", "url": "https://fixed.example"}},
            "stop": {"signal": "TERM", "timeout_ms": 1},
        });
        Box::new(serde_json::from_value(spec).unwrap())
    }

    fn start(program: &str) -> Command {
        Command::StartTunnel { spec: Some(spec(program)) }
    }

    #[test]
    fn one_that_runs_ends_before_the_next_begins() {
        let mut client = Client::Absent;
        assert_eq!(client.order(spec("one")), Some(start("one")));
        client.outdate();
        assert_eq!(client.order(spec("two")), Some(Command::StopTunnel));
        assert_eq!(client.order(spec("three")), None);
        assert!(client.is_stale());
        assert_eq!(client.exited(), Gone::Follow(start("three")));
        assert_eq!(client.exited(), Gone::Down);
    }

    #[test]
    fn what_was_to_follow_does_not_once_nothing_is_wanted() {
        let mut client = Client::Running;
        assert_eq!(client.order(spec("next")), Some(Command::StopTunnel));
        client.outdate();
        assert_eq!(client.give_up(), Some(Command::StopTunnel));
        assert_eq!((client.exited(), client), (Gone::Expected, Client::Absent));
    }
}
