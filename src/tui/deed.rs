//! Doing what was decided, where the daemon is needed for it.

use std::time::Duration;

use super::model::Named;
use super::update::{Deed, Msg};
use crate::daemon::{DaemonError, offline};
use crate::describe;
use crate::ipc::client::{Client, ClientError};
use crate::ipc::protocol::{ErrorCode, Reply, Request};
use crate::paths::Paths;
use crate::plain::plain;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Does it, on a connection of its own; what came of it.
pub fn run(paths: &Paths, deed: Deed) -> Msg {
    let ask = |request| Client::connect(&paths.socket())?.ask(&request, PATIENCE);
    let answered = match &deed {
        Deed::Stop(share) => ask(Request::StopShare { share_id: share.id }),
        Deed::Restart(share) => ask(Request::RestartShare { share_id: share.id }),
        Deed::Log(share) => ask(Request::Logs { share_id: share.id, max_bytes: None }),
        Deed::History(share) => ask(Request::History { share_id: share.id }),
    };
    match (deed, answered) {
        (Deed::Stop(share), Err(ClientError::NotRunning)) => stop_alone(paths, &share),
        // One that has ended by itself meanwhile is stopped, too.
        (Deed::Stop(share), Err(ClientError::Refused(error)))
            if error.code == ErrorCode::NoSuchShare.as_str() =>
        {
            stopped(&share)
        }
        (_, Err(error)) => failed(error),
        (Deed::Stop(share), Ok(Reply::ShareStopped { .. })) => stopped(&share),
        (Deed::Restart(share), Ok(Reply::ShareRestarting { .. })) => {
            Msg::Done(format!("{} is starting afresh", share.name))
        }
        (Deed::Log(share), Ok(Reply::Logs { text })) => log(&share, &text),
        (Deed::History(share), Ok(Reply::History(events))) => Msg::Text {
            title: format!("history of {}", plain(&share.name)),
            lines: events.iter().map(|event| plain(&describe::event(event)).into_owned()).collect(),
        },
        (_, Ok(_)) => Msg::Failed(
            "the daemon gave an answer that does not fit the question; try: update panko, then `panko serve \
             --replace`"
                .to_owned(),
        ),
    }
}

/// Without a daemon the stop is recorded before one could bring the share back.
fn stop_alone(paths: &Paths, share: &Named) -> Msg {
    match offline::stop(paths, |_| Ok::<_, DaemonError>(vec![share.id])) {
        Ok(_) => stopped(share),
        Err(error) => Msg::Failed(format!("{error}; try again")),
    }
}

fn stopped(share: &Named) -> Msg {
    Msg::Done(format!("stopped {}", share.name))
}

fn log(share: &Named, text: &str) -> Msg {
    let mut lines: Vec<String> = text.lines().map(|line| plain(line).into_owned()).collect();
    if lines.is_empty() {
        lines.push("the tunnel has printed nothing".to_owned());
    }
    Msg::Text { title: format!("tunnel log of {}", plain(&share.name)), lines }
}

fn failed(error: ClientError) -> Msg {
    Msg::Failed(match error {
        ClientError::NotRunning => {
            "the daemon is not running; try: `panko serve` brings back what is shared".to_owned()
        }
        ClientError::Refused(error) if !error.remedy.is_empty() => {
            format!("{}; try: {}", error.message, error.remedy)
        }
        other => other.to_string(),
    })
}
