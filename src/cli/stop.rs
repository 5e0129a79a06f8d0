//! `panko stop`: by the daemon; without one, the stop is recorded before a daemon could bring the share back.

use super::connect::{PATIENCE, choose, shares};
use super::terminal::tell;
use super::{CliError, Exit, StopArgs};
use crate::daemon::offline;
use crate::ipc::client::{Client, ClientError};
use crate::ipc::protocol::Request;
use crate::paths::Paths;
use crate::plain::plain;

pub(super) fn run(paths: &Paths, args: &StopArgs) -> Result<Exit, CliError> {
    let asked = args.share.as_deref().unwrap_or_default();
    match Client::connect(&paths.socket()) {
        Ok(client) => by_daemon(client, asked, args.all),
        Err(ClientError::NotRunning) => alone(paths, asked, args.all),
        Err(error) => Err(error.into()),
    }
}

fn by_daemon(mut client: Client, asked: &str, all: bool) -> Result<Exit, CliError> {
    let known = shares(&mut client, false)?;
    let chosen = match all {
        true => known.iter().collect(),
        false => choose(&known, asked, |share| share.id, |share| &share.session_name)?,
    };
    let mut failed = None;
    for share in &chosen {
        let stopped =
            client.ask(&Request::StopShare { share_id: share.id }, PATIENCE).map_err(CliError::from);
        match stopped {
            Err(error) if error.exit != Exit::NoSuchShare => {
                tell(error.to_string());
                failed = Some(error);
            }
            // One that has ended by itself meanwhile is stopped, too.
            _ => tell(format!("stopped {} ({})", plain(&share.session_name), &share.id.to_string()[..8])),
        }
    }
    if failed.is_some() {
        return Err(CliError::failed(
            "not every share could be stopped",
            "the lines above say why; `panko ls` shows what is left",
        ));
    }
    if chosen.is_empty() {
        tell("nothing is shared");
    }
    Ok(Exit::Done)
}

fn alone(paths: &Paths, asked: &str, all: bool) -> Result<Exit, CliError> {
    let stopped = offline::stop(paths, |wanted| match all {
        true => Ok(wanted.iter().map(|share| share.id).collect()),
        false => {
            let chosen = choose(wanted, asked, |share| share.id, |share| &share.name)?;
            Ok::<_, CliError>(chosen.iter().map(|share| share.id).collect())
        }
    })?;
    if let Some(path) = &stopped.set_aside {
        let path = path.display().to_string();
        tell(format!("the database was damaged and is kept as {}; what still ran is ended", plain(&path)));
    }
    for share in &stopped.shares {
        tell(format!("stopped {} ({})", plain(&share.name), &share.id.to_string()[..8]));
    }
    if stopped.shares.is_empty() && stopped.set_aside.is_none() {
        tell("nothing is shared");
    }
    Ok(Exit::Done)
}
