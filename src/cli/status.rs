//! `panko serve-status`: whether the daemon runs. Never starts one.

use serde_json::json;

use super::connect::{PATIENCE, unexpected};
use super::terminal::{print, tell};
use super::{CliError, Exit, ServeStatusArgs};
use crate::daemon::running;
use crate::ipc::client::{Client, ClientError};
use crate::ipc::protocol::{Reply, Request};
use crate::paths::Paths;
use crate::plain::plain;

pub(super) fn run(paths: &Paths, args: &ServeStatusArgs) -> Result<Exit, CliError> {
    let mut client = match Client::connect(&paths.socket()) {
        Ok(client) => client,
        Err(ClientError::NotRunning) => return not_running(paths, args.json),
        Err(error) => return Err(error.into()),
    };
    let hello = match client.ask(&Request::Hello, PATIENCE)? {
        Reply::Hello(hello) => hello,
        other => return Err(unexpected(&other)),
    };
    if args.json {
        let log = paths.log();
        let status = json!({
            "running": true, "pid": hello.pid, "version": hello.version, "protocol": hello.protocol,
            "since": hello.since, "shares": hello.shares, "notices": hello.notices, "log": log,
        });
        print(status.to_string())?;
        return Ok(Exit::Done);
    }
    print(format!(
        "running: process {}, version {}, since {}",
        hello.pid,
        plain(&hello.version),
        plain(&hello.since)
    ))?;
    print(format!("shares: {}", hello.shares))?;
    print(format!("log: {}", paths.log().display()))?;
    for notice in &hello.notices {
        tell(format!("note: {}", plain(notice)));
    }
    Ok(Exit::Done)
}

fn not_running(paths: &Paths, json: bool) -> Result<Exit, CliError> {
    if json {
        print(json!({ "running": false }).to_string())?;
        return Ok(Exit::NotRunning);
    }
    if running::is_running(paths) {
        tell("it is starting, or ending: nobody answers on its socket yet");
    }
    Err(CliError::not_running())
}
