//! `panko history`: what happened to a share, and when.

use super::connect::{PATIENCE, running, unexpected};
use super::info::latest;
use super::terminal::{plain, print};
use super::{CliError, Exit, InfoArgs};
use crate::ipc::protocol::{Reply, Request};
use crate::paths::Paths;

pub(super) fn run(paths: &Paths, args: &InfoArgs) -> Result<Exit, CliError> {
    let mut client = running(paths)?;
    let share = latest(&mut client, &args.share, true)?;
    let events = match client.ask(&Request::History { share_id: share.id }, PATIENCE)? {
        Reply::History(events) => events,
        other => return Err(unexpected(&other)),
    };
    if args.json {
        print(serde_json::to_string(&events).map_err(|error| CliError::failed(error, ""))?)?;
        return Ok(Exit::Done);
    }
    for event in &events {
        // To the second: the rest is noise to a person, and in the JSON.
        let at = event.at.split('.').next().unwrap_or(&event.at).trim_end_matches('Z');
        let more = [event.public_url.as_deref(), event.reason.as_deref()].into_iter().flatten();
        let more = more.collect::<Vec<_>>().join("  ");
        print(plain(format!("{at}Z  {:<8}  {more}", event.status).trim_end()))?;
    }
    Ok(Exit::Done)
}
