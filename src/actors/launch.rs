//! What is looked up before a tunnel starts: the session, the provider, its program. Blocking.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::config::Config;
use crate::redact::Cleaner;
use crate::session::{Identity, Session, Source};
use crate::share::{Cause, Failure, Pace, ShareOptions};
use crate::tunnel::environment::own_environment;
use crate::tunnel::help::help_text;
use crate::tunnel::provider::{Context, PLAIN, Provider, ProviderError, tunnel_spec};
use crate::tunnel::resolve::{ResolveError, resolve};
use crate::tunnel::spec::TunnelSpec;

/// How long a provider may take that nothing is known of.
const PATIENCE: Duration = Duration::from_secs(30);
/// What starting the client and asking the page may take on top of the tunnel's own time.
const MARGIN: Duration = Duration::from_millis(250);

/// A session file that can be shared.
#[derive(Debug)]
pub struct SessionFile {
    /// Absolute, links resolved.
    pub path: PathBuf,
    /// The file's stem.
    pub stem: String,
    /// Bytes it has now: a snapshot ends there.
    pub len: u64,
    /// What tells it from another in its place.
    pub identity: Identity,
    /// It grows at its end: it is neither written anew with every turn nor one of many files.
    pub grows: bool,
}

/// Looks at the session file: is it one?
///
/// # Errors
/// A [`Failure`] of class [`Cause::Session`].
pub fn look_at_session(path: &Path) -> Result<SessionFile, Failure> {
    let failed = |what: String, remedy: &str| Failure::new(Cause::Session, what, remedy);
    if !path.is_absolute() {
        return Err(failed(format!("the path {} is not absolute", path.display()), "send the whole path"));
    }
    let path = std::fs::canonicalize(path)
        .map_err(|error| failed(format!("cannot read {}: {error}", path.display()), "check the path"))?;
    if path.to_str().is_none() {
        let what = format!("the path {} is not valid UTF-8", path.display());
        return Err(failed(what, "rename the file or its folders"));
    }
    let source = Source::open(&path).map_err(|error| session_failure(&error))?;
    let len = source.len().map_err(|error| failed(error.to_string(), "check the file"))?;
    let identity = Identity::of(&source, len).map_err(|error| failed(error.to_string(), "check the file"))?;
    let session = Session::open(source, Cleaner::new()).map_err(|error| session_failure(&error))?;
    let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    Ok(SessionFile { path, stem, len, identity, grows: session.grows() })
}

fn session_failure(error: &dyn std::error::Error) -> Failure {
    Failure::new(Cause::Session, error.to_string(), "try `panko check FILE` to see what is in the file")
}

/// The tunnel client of `provider` as configuration and machine have it now; `None`: it has no client.
///
/// # Errors
/// A [`Failure`] with the remedy: no such provider, no program, no credentials.
pub fn find_tunnel(
    provider: &str,
    options: &ShareOptions,
    config: &Config,
    share_id: &str,
) -> Result<Option<TunnelSpec>, Failure> {
    let provider = Provider::find(provider, &config.tunnels).map_err(provider_failure)?;
    let Some(program) = find_program(&provider, options)? else { return Ok(None) };
    let environment = own_environment();
    let bare = Context { program: &program, help: None, environment: &environment };
    let spec = tunnel_spec(&provider, bare).map_err(provider_failure)?;
    let (Some(spec), Some(args)) = (&spec, provider.help_args()) else { return Ok(spec) };
    let help = help_text(&program, args, &spec.env, share_id);
    tunnel_spec(&provider, Context { help: help.as_deref(), ..bare }).map_err(provider_failure)
}

/// Whether [`find_tunnel`] has a chance: cheap, runs nothing.
///
/// # Errors
/// As [`find_tunnel`].
pub fn look_at_tunnel(provider: &str, options: &ShareOptions, config: &Config) -> Result<(), Failure> {
    let provider = Provider::find(provider, &config.tunnels).map_err(provider_failure)?;
    let Some(program) = find_program(&provider, options)? else { return Ok(()) };
    let context = Context { program: &program, help: None, environment: &own_environment() };
    tunnel_spec(&provider, context).map(drop).map_err(provider_failure)
}

/// How fast things go with `provider`.
pub fn pace(provider: &str, config: &Config) -> Pace {
    let provider = Provider::find(provider, &config.tunnels).ok();
    let traits = provider.as_ref().map_or(PLAIN, Provider::traits);
    Pace {
        patience: provider.map_or(PATIENCE, |provider| provider.ready_timeout()) + MARGIN,
        rate_limit_wait: traits.rate_limit_wait,
        look_every: config.look_every(),
        first_probe_after: traits.first_probe_after,
        probe_every: traits.probe_every,
    }
}

fn find_program(provider: &Provider<'_>, options: &ShareOptions) -> Result<Option<PathBuf>, Failure> {
    let Some(program) = provider.program() else { return Ok(None) };
    let path: Option<OsString> = std::env::var_os("PATH");
    resolve(program, options.provider_path.as_deref(), path.as_deref()).map(Some).map_err(|error| {
        let cause = match error {
            ResolveError::Missing { .. } | ResolveError::NoSuchFile { .. } => Cause::MissingProgram,
            _ => Cause::BadProgram,
        };
        Failure::new(cause, error.to_string(), error.remedy(&provider.install()))
    })
}

fn provider_failure(error: ProviderError) -> Failure {
    let cause = match error {
        ProviderError::MissingVariable { .. } => Cause::Credentials,
        _ => Cause::Config,
    };
    Failure::new(cause, error.to_string(), error.remedy())
}
