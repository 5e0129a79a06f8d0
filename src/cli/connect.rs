//! Reaching the daemon: as it is, or started for the purpose. And choosing a share by what a person types.

use std::time::{Duration, Instant};

use uuid::Uuid;

use super::CliError;
use crate::daemon::detach::{self, Report};
use crate::ipc::client::{Client, ClientError};
use crate::ipc::protocol::{ListShares, Reply, Request, ShareInfo};
use crate::paths::Paths;

/// How long anything but a StartShare may take.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);
/// How long a daemon that another command is starting may take.
const OTHERS_START: Duration = Duration::from_secs(10);
/// Between two looks at it.
const LOOK: Duration = Duration::from_millis(20);

/// The running daemon.
pub(super) fn running(paths: &Paths) -> Result<Client, CliError> {
    Ok(Client::connect(&paths.socket())?)
}

/// The running daemon, started if need be.
pub(super) fn running_or_started(paths: &Paths) -> Result<Client, CliError> {
    match Client::connect(&paths.socket()) {
        Err(ClientError::NotRunning) => {}
        other => return Ok(other?),
    }
    paths.prepare().map_err(|error| CliError::failed(error, ""))?;
    let log = paths.log();
    let hint = format!("its log is {}; `panko serve --foreground` shows what happens", log.display());
    match detach::start() {
        Ok(Report::Ready) => running(paths),
        Ok(Report::AlreadyRunning) => wait_for_other(paths),
        Ok(Report::Failed { message }) => {
            Err(CliError::failed(format!("the daemon could not start: {message}"), hint))
        }
        Err(error) => Err(CliError::failed(format!("the daemon could not be started: {error}"), hint)),
    }
}

/// Another command is starting it: its socket will be there in a moment.
fn wait_for_other(paths: &Paths) -> Result<Client, CliError> {
    let until = Instant::now() + OTHERS_START;
    loop {
        match Client::connect(&paths.socket()) {
            Err(ClientError::NotRunning) if Instant::now() < until => std::thread::park_timeout(LOOK),
            other => return Ok(other?),
        }
    }
}

/// All shares the daemon knows.
pub(super) fn shares(client: &mut Client, all: bool) -> Result<Vec<ShareInfo>, CliError> {
    match client.ask(&Request::ListShares(Some(ListShares { all })), PATIENCE)? {
        Reply::ShareList(shares) => Ok(shares),
        other => Err(unexpected(&other)),
    }
}

/// The shares that `asked` names: one by its id or the beginning of it, else all with that name.
pub(super) fn choose<'a, T>(
    shares: &'a [T],
    asked: &str,
    id: impl Fn(&T) -> Uuid,
    name: impl Fn(&T) -> &str,
) -> Result<Vec<&'a T>, CliError> {
    let by_id: Vec<&T> = shares
        .iter()
        .filter(|share| {
            let id = id(share);
            let typed = asked.to_ascii_lowercase();
            typed.len() >= 4
                && (id.to_string().starts_with(&typed) || id.simple().to_string().starts_with(&typed))
        })
        .collect();
    let chosen = match by_id.len() {
        0 => shares.iter().filter(|share| name(share) == asked).collect(),
        1 => by_id,
        many => {
            let what = format!("{many} shares begin with {asked:?}");
            return Err(CliError::usage(what, "type more of the id"));
        }
    };
    if chosen.is_empty() { Err(CliError::no_such_share(asked)) } else { Ok(chosen) }
}

/// The daemon answered something that is no answer to what was asked.
pub(super) fn unexpected(reply: &Reply) -> CliError {
    tracing::debug!(?reply, "unexpected");
    CliError::failed(
        "the daemon gave an answer that does not fit the question",
        "`panko serve --replace`, with the newest panko: tunnels and URLs stay",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pick(asked: &str) -> Result<Vec<u128>, String> {
        let shares = [
            (Uuid::from_u128(0xabcd_0000_0000_4000_8000_0000_0000_0001), "one"),
            (Uuid::from_u128(0xabcd_1111_0000_4000_8000_0000_0000_0002), "two"),
            (Uuid::from_u128(0x1234_0000_0000_4000_8000_0000_0000_0003), "two"),
        ];
        choose(&shares, asked, |share| share.0, |share| share.1)
            .map(|chosen| chosen.iter().map(|share| share.0.as_u128() & 0xf).collect())
            .map_err(|error| error.what)
    }

    #[test]
    fn a_share_is_chosen_by_id_by_its_beginning_or_by_name() {
        assert_eq!(pick("1234"), Ok(vec![3]));
        assert_eq!(pick("ABCD0000-0000"), Ok(vec![1]));
        assert_eq!(pick("abcd0000000040008000000000000001"), Ok(vec![1]));
        assert_eq!(pick("one"), Ok(vec![1]));
        assert_eq!(pick("two"), Ok(vec![2, 3]));
        assert!(pick("abcd").unwrap_err().contains("2 shares"));
        assert!(pick("three").unwrap_err().contains("no share"));
        assert!(pick("").is_err());
    }
}
