//! `panko ls`: what is shared. Never starts a daemon.

use comfy_table::presets::NOTHING;
use comfy_table::{ContentArrangement, Table};
use jiff::Timestamp;

use super::connect::shares;
use super::terminal::{print, tell};
use super::{CliError, Exit, ListArgs};
use crate::daemon::offline::{self, Recorded};
use crate::describe;
use crate::ipc::client::{Client, ClientError};
use crate::ipc::protocol::ShareInfo;
use crate::paths::Paths;
use crate::plain::plain;
use crate::share::Status;

pub(super) fn run(paths: &Paths, args: &ListArgs) -> Result<Exit, CliError> {
    let list = match Client::connect(&paths.socket()) {
        Ok(mut client) => shares(&mut client, args.all)?,
        Err(ClientError::NotRunning) => {
            tell("the daemon is not running: nothing is shared at the moment");
            recorded(paths, args.all)?
        }
        Err(error) => return Err(error.into()),
    };
    if args.json {
        print(serde_json::to_string(&list).map_err(|error| CliError::failed(error, ""))?)?;
    } else if list.is_empty() {
        tell(if args.all { "no shares" } else { "no shares; `panko ls --all` lists those that ended" });
    } else {
        print(table(&list, Timestamp::now()).to_string())?;
        for share in &list {
            explain(share);
        }
    }
    Ok(Exit::Done)
}

/// From the database: nothing of it is up.
fn recorded(paths: &Paths, all: bool) -> Result<Vec<ShareInfo>, CliError> {
    let shares = offline::list(paths).map_err(|error| CliError::failed(error, "see `panko serve-status`"))?;
    Ok(shares.into_iter().filter(|share| all || share.wanted).map(Recorded::info).collect())
}

fn table(list: &[ShareInfo], now: Timestamp) -> Table {
    let mut table = Table::new();
    table.load_style(NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(["ID", "NAME", "STATUS", "BY", "SINCE", "URL"]);
    for share in list {
        let url = if share.status == Status::Active { share.public_url.as_str() } else { "-" };
        table.add_row([
            share.id.to_string()[..8].to_owned(),
            plain(&share.session_name).into_owned(),
            describe::status(share),
            plain(&share.provider_name).into_owned(),
            describe::ago(&share.started_at, now),
            plain(url).into_owned(),
        ]);
    }
    table
}

/// Why a share is not what it should be, and what can be done.
fn explain(share: &ShareInfo) {
    let id = &share.id.to_string()[..8];
    for trouble in share.live_trouble.clone().into_iter().chain(describe::trouble(share)) {
        tell(plain(&format!("{id}: {trouble}")));
    }
}
