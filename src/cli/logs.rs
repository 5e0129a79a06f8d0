//! `panko logs`: the end of a share's tunnel log.

use super::connect::{PATIENCE, running, unexpected};
use super::info::latest;
use super::terminal::{print, tell};
use super::{CliError, Exit, LogsArgs};
use crate::ipc::protocol::{Reply, Request};
use crate::paths::Paths;
use crate::plain::plain_lines;
use crate::tunnel::LOCAL;

pub(super) fn run(paths: &Paths, args: &LogsArgs) -> Result<Exit, CliError> {
    let mut client = running(paths)?;
    let share = latest(&mut client, &args.share, true)?;
    match client.ask(&Request::Logs { share_id: share.id, max_bytes: None }, PATIENCE)? {
        Reply::Logs { text } if text.is_empty() && share.provider_name == LOCAL => {
            tell("a local share has no tunnel and so no log");
        }
        Reply::Logs { text } if text.is_empty() => tell("the tunnel has printed nothing"),
        Reply::Logs { text } => print(plain_lines(&text))?,
        other => return Err(unexpected(&other)),
    }
    Ok(Exit::Done)
}
