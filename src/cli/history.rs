//! `panko history`: what happened to a share, and when.

use super::connect::{PATIENCE, running, unexpected};
use super::info::latest;
use super::terminal::print;
use super::{CliError, Exit, InfoArgs};
use crate::describe;
use crate::ipc::protocol::{Reply, Request};
use crate::paths::Paths;
use crate::plain::plain;

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
        print(plain(&describe::event(event)))?;
    }
    Ok(Exit::Done)
}
