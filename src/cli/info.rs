//! `panko info` and `panko restart`: one share.

use super::connect::{PATIENCE, choose, running, shares, unexpected};
use super::terminal::{print, tell};
use super::{CliError, Exit, InfoArgs, LogsArgs};
use crate::describe;
use crate::ipc::client::Client;
use crate::ipc::protocol::{Reply, Request, ShareInfo};
use crate::paths::Paths;
use crate::plain::plain;

pub(super) fn run(paths: &Paths, args: &InfoArgs) -> Result<Exit, CliError> {
    let mut client = running(paths)?;
    let share = latest(&mut client, &args.share, true)?;
    if args.json {
        print(serde_json::to_string(&share).map_err(|error| CliError::failed(error, ""))?)?;
        return Ok(Exit::Done);
    }
    for (name, value) in describe::facts(&share) {
        print(format!("{name:<9} {}", plain(&value)))?;
    }
    Ok(Exit::Done)
}

pub(super) fn restart(paths: &Paths, args: &LogsArgs) -> Result<Exit, CliError> {
    let mut client = running(paths)?;
    let share = latest(&mut client, &args.share, false)?;
    match client.ask(&Request::RestartShare { share_id: share.id }, PATIENCE)? {
        Reply::ShareRestarting { .. } => {
            tell(format!("{} is restarting; `panko info` shows how it stands", plain(&share.session_name)));
            Ok(Exit::Done)
        }
        other => Err(unexpected(&other)),
    }
}

/// The share that `asked` names; of several with one name, the latest.
pub(super) fn latest(client: &mut Client, asked: &str, all: bool) -> Result<ShareInfo, CliError> {
    let known = shares(client, all)?;
    let chosen = choose(&known, asked, |share| share.id, |share| &share.session_name)?;
    chosen.last().map(|share| (*share).clone()).ok_or_else(|| CliError::no_such_share(asked))
}
