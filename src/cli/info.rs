//! `panko info` and `panko restart`: one share.

use super::connect::{PATIENCE, choose, running, shares, unexpected};
use super::terminal::{plain, print, tell};
use super::{CliError, Exit, InfoArgs, LogsArgs};
use crate::ipc::client::Client;
use crate::ipc::protocol::{Reply, Request, ShareInfo};
use crate::paths::Paths;

pub(super) fn run(paths: &Paths, args: &InfoArgs) -> Result<Exit, CliError> {
    let mut client = running(paths)?;
    let share = latest(&mut client, &args.share, true)?;
    if args.json {
        print(serde_json::to_string(&share).map_err(|error| CliError::failed(error, ""))?)?;
        return Ok(Exit::Done);
    }
    for (name, value) in facts(&share) {
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

/// What there is to say, without what is not known.
fn facts(share: &ShareInfo) -> Vec<(&'static str, String)> {
    let mut facts = vec![
        ("id", share.id.to_string()),
        ("name", share.session_name.clone()),
        ("file", share.session_path.display().to_string()),
        ("status", format!("{} ({})", share.status.as_str(), share.phase)),
        ("url", share.public_url.clone()),
        ("by", share.provider_name.clone()),
        ("since", share.started_at.clone()),
    ];
    let next = share.next_attempt_in.map(|secs| format!("in {secs} s"));
    let recoveries = (share.recoveries > 0).then(|| share.recoveries.to_string());
    let live = share.live.as_ref().map(|live| match &share.live_trouble {
        Some(trouble) => format!("{live}: {trouble}"),
        None => live.clone(),
    });
    let public = share.public.as_ref().map(|public| match &share.public_trouble {
        Some(trouble) => format!("{public}: {trouble}"),
        None => public.clone(),
    });
    let more = [
        ("public", public),
        ("follows", live),
        ("expires", share.expires_at.clone()),
        ("ended", share.ended_at.clone()),
        ("reason", share.reason.clone()),
        ("remedy", share.remedy.clone()),
        ("retried", next),
        ("recovered", recoveries),
    ];
    facts.extend(more.into_iter().filter_map(|(name, value)| Some((name, value?))));
    facts.retain(|(_, value)| !value.is_empty());
    facts
}
