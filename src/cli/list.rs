//! `panko ls`: what is shared. Never starts a daemon.

use comfy_table::presets::NOTHING;
use comfy_table::{ContentArrangement, Table};
use jiff::{SpanRound, Timestamp, Unit};

use super::connect::shares;
use super::terminal::{plain, print, tell};
use super::{CliError, Exit, ListArgs};
use crate::daemon::offline::{self, Recorded};
use crate::ipc::client::{Client, ClientError};
use crate::ipc::protocol::ShareInfo;
use crate::paths::Paths;
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
    Ok(shares.into_iter().filter(|share| all || share.wanted).map(down).collect())
}

fn down(share: Recorded) -> ShareInfo {
    let waits = "waits for the daemon; `panko serve` brings it back".to_owned();
    ShareInfo {
        id: share.id,
        session_path: share.session_path.into(),
        session_name: share.name,
        public_url: share.public_url,
        provider_name: share.provider,
        local_port: 0,
        started_at: share.started_at,
        status: Status::Stopped,
        phase: "no_daemon".to_owned(),
        reason: if share.wanted { Some(waits) } else { share.reason },
        remedy: None,
        next_attempt_in: None,
        recoveries: 0,
        public: None,
        public_trouble: None,
        live: None,
        live_trouble: None,
        expires_at: None,
        ended_at: None,
    }
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
            status(share),
            plain(&share.provider_name).into_owned(),
            ago(&share.started_at, now),
            plain(url).into_owned(),
        ]);
    }
    table
}

/// The status, and whether the public URL was seen to work unless it was.
fn status(share: &ShareInfo) -> String {
    match share.public.as_deref() {
        Some(public @ ("pending" | "unverified")) if share.status == Status::Active => {
            format!("{}, {public}", share.status.as_str())
        }
        _ => share.status.as_str().to_owned(),
    }
}

/// Why a share is not what it should be, and what can be done.
fn explain(share: &ShareInfo) {
    let id = &share.id.to_string()[..8];
    if let Some(trouble) = &share.live_trouble {
        tell(plain(&format!("{id}: {trouble}")));
    }
    let Some(reason) = &share.reason else { return };
    if share.status == Status::Active {
        return;
    }
    let next = share.next_attempt_in.map(|secs| format!(" (tried again in {secs} s)")).unwrap_or_default();
    let remedy = share.remedy.as_deref().map(|remedy| format!("; try: {remedy}")).unwrap_or_default();
    tell(plain(&format!("{id}: {reason}{next}{remedy}")));
}

/// `42 min`: how long before `now` the time `then` is, in the unit that matters.
pub(super) fn ago(then: &str, now: Timestamp) -> String {
    let round = SpanRound::new().largest(Unit::Day).days_are_24_hours();
    let span = then.parse::<Timestamp>().ok().and_then(|then| now.since(then).ok());
    let Some(span) = span.and_then(|span| span.round(round).ok()) else { return "-".to_owned() };
    match (span.get_days(), span.get_hours(), span.get_minutes()) {
        (0, 0, 0) => "just now".to_owned(),
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, _) => format!("{hours} h"),
        (days, ..) => format!("{days} d"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_in_the_unit_that_matters() {
        let now: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
        for (then, told) in [
            ("2026-03-01T11:59:30Z", "just now"),
            ("2026-03-01T11:18:00Z", "42 min"),
            ("2026-03-01T07:18:00Z", "4 h"),
            ("2026-01-01T12:00:00Z", "59 d"),
            ("garbage", "-"),
        ] {
            assert_eq!(ago(then, now), told);
        }
    }
}
