//! `panko share FILE`: only the URL on standard output.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use uuid::Uuid;

use super::connect::{running, running_or_started, unexpected};
use super::terminal::{print, tell};
use super::{CliError, Exit, ShareArgs, which};
use crate::config;
use crate::ipc::protocol::{Reply, Request, ShareInfo, StartShare};
use crate::paths::Paths;
use crate::plain::plain;
use crate::share::{ShareOptions, Status};
use crate::tunnel::LOCAL;
use crate::tunnel::provider::Provider;
use crate::tunnel::resolve::resolve;

/// The longest any provider may take, and a margin: the daemon has deadlines of its own.
const PATIENCE: Duration = Duration::from_secs(700);
/// A pause of the spinner.
const TICK: Duration = Duration::from_millis(80);
/// What it takes if its program is there.
const PREFERRED: &str = "cloudflare";

pub(super) fn run(paths: &Paths, args: &ShareArgs) -> Result<Exit, CliError> {
    let ask = request(paths, args)?;
    let key = ask.options.idempotency_key.clone().unwrap_or_default();
    let spinner = spinner(&ask);
    let started = interruptible(paths, ask);
    spinner.finish_and_clear();
    let Some(info) = started? else {
        cancel(paths, key);
        return Ok(Exit::Interrupted);
    };
    report(&info, args.json)?;
    Ok(Exit::Done)
}

fn request(paths: &Paths, args: &ShareArgs) -> Result<StartShare, CliError> {
    let config = config::load(paths.config())
        .map_err(|error| CliError::failed(error, "correct the file, or `panko config unset KEY`"))?
        .config;
    let session_path = std::fs::canonicalize(which::file(&args.file)?).map_err(|error| {
        let remedy = "check the path; `panko sessions` lists the sessions on this machine with their ids";
        CliError::failed(format!("cannot read {}: {error}", args.file.display()), remedy)
    })?;
    let program = |provider: &str| {
        let found = Provider::find(provider, &config.tunnels).ok()?;
        resolve(found.program()?, None, std::env::var_os("PATH").as_deref()).ok()
    };
    let provider = args.tunnel.clone().or_else(|| config.default_provider.clone()).unwrap_or_else(|| {
        if program(PREFERRED).is_some() { PREFERRED.to_owned() } else { LOCAL.to_owned() }
    });
    let options = ShareOptions {
        name: args.name.clone(),
        live: args.live,
        include: args.include.iter().map(|included| included.word().to_owned()).collect(),
        allow_download: args.allow_download,
        idempotency_key: Some(Uuid::new_v4().to_string()),
        provider_path: program(&provider),
        port: args.port.or(config.default_port),
        expires_in: args.expires.map(|time| time.as_secs()),
        expires_at: None,
    };
    Ok(StartShare { session_path, provider, options })
}

/// A time as people write it.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let time: jiff::SignedDuration =
        text.parse().map_err(|_| "write it like 90m, 2h or 3 days".to_owned())?;
    match Duration::try_from(time) {
        Ok(time) if time >= Duration::from_secs(1) => Ok(time),
        _ => Err("at least a second is needed".to_owned()),
    }
}

/// The started share; `None` if Ctrl+C came first.
fn interruptible(paths: &Paths, ask: StartShare) -> Result<Option<ShareInfo>, CliError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| CliError::failed(format!("cannot wait for signals: {error}"), ""))?;
    let paths = paths.clone();
    // Set by whichever comes first: a start that is about to be sent, or Ctrl+C.
    let decided = Arc::new(AtomicBool::new(false));
    let started = runtime.block_on(async {
        let begin = decided.clone();
        let start = tokio::task::spawn_blocking(move || start(&paths, ask, &begin));
        tokio::select! {
            started = start => match started {
                Ok(started) => started.map(Some),
                Err(error) => Err(CliError::failed(error, "")),
            },
            _ = tokio::signal::ctrl_c() => {
                decided.store(true, Ordering::SeqCst);
                Ok(None)
            }
        }
    });
    // The blocked thread ends with the process.
    runtime.shutdown_background();
    started
}

fn start(paths: &Paths, ask: StartShare, decided: &AtomicBool) -> Result<ShareInfo, CliError> {
    let mut client = running_or_started(paths)?;
    if decided.swap(true, Ordering::SeqCst) {
        return Err(CliError::failed("cancelled", ""));
    }
    match client.ask(&Request::StartShare(ask), PATIENCE)? {
        Reply::ShareStarted(info) => Ok(*info),
        other => Err(unexpected(&other)),
    }
}

/// Whatever of the share there is by now is taken back.
fn cancel(paths: &Paths, idempotency_key: String) {
    let cancelled = running(paths).and_then(|mut client| {
        Ok(client.ask(&Request::CancelStart { idempotency_key }, super::connect::PATIENCE)?)
    });
    match cancelled.map_err(|error| (error.exit, error)) {
        // Nothing was there yet: the request had not been sent, and now it never will be.
        Ok(_) | Err((Exit::NoSuchShare | Exit::NotRunning, _)) => tell("cancelled"),
        Err((_, error)) => tell(format!("it may still come up, see `panko ls`: {}", plain(&error.what))),
    }
}

fn spinner(ask: &StartShare) -> ProgressBar {
    let name = Path::new(&ask.session_path).file_name().unwrap_or_default().to_string_lossy().into_owned();
    let spinner = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} {elapsed}") {
        spinner.set_style(style);
    }
    spinner.set_message(format!("sharing {} by {}", plain(&name), plain(&ask.provider)));
    spinner.enable_steady_tick(TICK);
    spinner
}

fn report(info: &ShareInfo, json: bool) -> Result<(), CliError> {
    let id = info.id.to_string();
    tell(format!("shared {} by {} ({})", plain(&info.session_name), plain(&info.provider_name), &id[..8]));
    if info.status != Status::Active {
        let why = info.reason.as_deref().unwrap_or("it is starting again");
        tell(format!("it is not up at the moment ({}): `panko ls` shows when it is", plain(why)));
    }
    if info.provider_name == LOCAL {
        tell("on this machine only: `panko share --tunnel cloudflare` makes it public (needs cloudflared)");
    } else {
        tell("anybody with the link can read it");
    }
    if info.live.is_some() {
        tell("it follows the session as it grows");
    }
    if let Some(at) = &info.expires_at {
        tell(format!("it ends by itself at {}", plain(at)));
    }
    tell(format!("stop it with: panko stop {}", &id[..8]));
    if json {
        let json = serde_json::to_string(info).map_err(|error| CliError::failed(error, ""))?;
        return print(json);
    }
    print(plain(&info.public_url))
}
