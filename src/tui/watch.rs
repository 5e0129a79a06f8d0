//! Following the daemon: its shares, what changes in them, and whether it is there at all.

use std::sync::mpsc::{SendError, Sender};
use std::thread;
use std::time::Duration;

use super::update::Msg;
use crate::daemon::offline::{self, Recorded};
use crate::ipc::client::{Client, ClientError, Events};
use crate::ipc::protocol::{Event, Request};
use crate::paths::Paths;

/// How long the daemon may take to list its shares.
const PATIENCE: Duration = Duration::from_secs(5);
/// Between two looks for a daemon that is not there.
const LOOK: Duration = Duration::from_millis(500);
/// After so long without news the daemon is asked whether it lives: one that was stopped ends no connection.
const QUIET: Duration = Duration::from_secs(3);
/// Before a daemon that ended a connection is asked again.
const BREATH: Duration = Duration::from_millis(50);

/// Tells of the daemon until nobody listens.
pub fn watch(paths: &Paths, out: &Sender<Msg>) {
    let mut last = None;
    loop {
        let subscribed = Client::connect(&paths.socket()).and_then(|client| client.subscribe(PATIENCE));
        let (said, events) = match subscribed {
            Ok((shares, events)) => (Msg::Shares(shares), Some(events)),
            Err(ClientError::NotRunning) => (recorded(paths), None),
            Err(error) => (Msg::Unreachable(error.to_string()), None),
        };
        // What did not change needs not be told; a list does, it is the answer to a connection that was lost.
        if (events.is_some() || last.as_ref() != Some(&said)) && out.send(said.clone()).is_err() {
            return;
        }
        last = Some(said);
        match events.map(|events| follow(events, paths, out)) {
            Some(Err(SendError(_))) => return,
            Some(Ok(())) => thread::park_timeout(BREATH),
            None => thread::park_timeout(LOOK),
        }
    }
}

/// Tells what the daemon tells, until it ends the connection, or something was missed.
fn follow(mut events: Events, paths: &Paths, out: &Sender<Msg>) -> Result<(), SendError<Msg>> {
    let lives = || Client::connect(&paths.socket())?.ask(&Request::Ping, PATIENCE);
    loop {
        match events.wait(QUIET) {
            Ok(Some(Event::Missed { .. })) | Err(_) => return Ok(()),
            Ok(Some(event)) => out.send(Msg::Told(event))?,
            Ok(None) if lives().is_err() => return Ok(()),
            Ok(None) => {}
        }
    }
}

/// What a daemon that starts would bring back.
fn recorded(paths: &Paths) -> Msg {
    match offline::list(paths) {
        Ok(shares) => {
            Msg::Down(shares.into_iter().filter(|share| share.wanted).map(Recorded::info).collect())
        }
        Err(error) => Msg::Unreachable(error.to_string()),
    }
}
