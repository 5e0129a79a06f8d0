//! PURE: the provider table. A provider is a row of data; nothing else in panko knows a provider by name.
//!
//! The rows stand in `table`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use thiserror::Error;

use super::custom::{CustomError, CustomProvider};
use super::environment::tunnel_environment;
use super::spec::{
    Class, FailureRule, Meaning, ReadyAt, StopRule, StopSignal, Streams, TunnelSpec, UrlRule, WatchRules,
};

mod table;
#[cfg(test)]
mod tests;

pub use table::TABLE;

/// One built-in provider.
#[derive(Debug)]
pub struct Row {
    /// What users call it.
    pub name: &'static str,
    /// The program looked up on PATH; none: there is no client.
    pub program: Option<&'static str>,
    /// How to get the program.
    pub install: &'static str,
    /// Its arguments.
    pub args: &'static [Arg],
    /// Arguments that print the help text which [`Arg::IfListed`] is checked against.
    pub help_args: Option<&'static [&'static str]>,
    /// Contents of a private file whose path replaces `{config}`.
    pub config_file: Option<&'static str>,
    /// Variables it may see beyond the allowlist.
    pub env: &'static [&'static str],
    /// Variables it cannot work without.
    pub env_required: &'static [&'static str],
    /// Where the URL stands.
    pub url: UrlColumn,
    /// A line that says it is connected.
    pub ready: Option<&'static str>,
    /// A line that names an address of this machine, and the path at which that says whether it is connected.
    pub ready_at: Option<(&'static str, &'static str)>,
    /// `host:port` that the client itself connects to: who reaches it is online.
    pub edge: Option<&'static str>,
    /// Lines that say the connection is gone for now.
    pub lost: &'static [&'static str],
    /// Lines that say the provider asks for patience.
    pub rate_limited: &'static [&'static str],
    /// Lines after which starting again cannot help: pattern, what is at fault, cause, remedy.
    pub terminal: &'static [(&'static str, Class, &'static str, &'static str)],
    /// How long it may take to come up.
    pub ready_timeout: Duration,
    /// How it is stopped.
    pub stop_signal: StopSignal,
    /// How long that may take.
    pub stop_timeout: Duration,
    /// What the supervisor must know.
    pub traits: Traits,
}

/// What the supervisor and the public probe must know about a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Traits {
    /// A restart keeps the URL.
    pub stable_url: bool,
    /// Shares it can carry at once.
    pub max_shares: Option<u32>,
    /// Least wait after it asked for patience.
    pub rate_limit_wait: Duration,
    /// When the public URL is asked for first: a name asked for before it exists is cached as missing.
    pub first_probe_after: Duration,
    /// How often it is asked for after that: free plans count requests.
    pub probe_every: Duration,
    /// Its edge holds event streams back until they close, so a live page must not rely on them.
    pub buffers_event_streams: bool,
}

/// Traits of a provider nothing is known about.
pub const PLAIN: Traits = Traits {
    stable_url: false,
    max_shares: None,
    rate_limit_wait: Duration::from_secs(60),
    first_probe_after: Duration::from_secs(2),
    probe_every: Duration::from_secs(60),
    buffers_event_streams: false,
};

/// One argument of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arg {
    /// Always given.
    Always(&'static str),
    /// A flag that only some versions know: given when the help text lists it.
    IfListed(&'static str),
}

/// Where a row's URL stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UrlColumn {
    /// The page's own address.
    Own,
    /// A whole token of a line: streams, pattern.
    Token(Streams, &'static str),
}

/// Why a tunnel cannot be specified.
#[derive(Debug, Error)]
pub enum ProviderError {
    /// No such provider.
    #[error("there is no provider {name:?}; known are {}", known.join(", "))]
    Unknown {
        /// As asked for.
        name: String,
        /// What there is.
        known: Vec<String>,
    },
    /// A variable it cannot work without is not set.
    #[error("{provider} needs {variable} in the environment")]
    MissingVariable {
        /// Provider.
        provider: String,
        /// Variable.
        variable: &'static str,
    },
    /// The program's path cannot be written down.
    #[error("the path {} is not valid UTF-8", path.display())]
    NotUtf8 {
        /// The path.
        path: PathBuf,
    },
    /// A custom provider's table is wrong.
    #[error("[tunnels.{name}]: {source}")]
    Custom {
        /// Its name.
        name: String,
        /// What is wrong.
        source: CustomError,
    },
}

impl ProviderError {
    /// What a person can do about it.
    pub fn remedy(&self) -> String {
        match self {
            Self::Unknown { known, .. } => format!("choose one of: {}", known.join(", ")),
            Self::MissingVariable { variable, .. } => format!("export {variable} and start the share again"),
            Self::NotUtf8 { .. } => "move the program to a path of plain characters".to_owned(),
            Self::Custom { name, .. } => format!("correct [tunnels.{name}] in the configuration file"),
        }
    }
}

/// A provider, found by name.
#[derive(Clone, Copy, Debug)]
pub enum Provider<'a> {
    /// A row of [`TABLE`].
    BuiltIn(&'static Row),
    /// A table of the user's configuration, with its name.
    Custom(&'a str, &'a CustomProvider),
}

/// What [`tunnel_spec`] is told about the world.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The resolved program ([`super::resolve`]); ignored by providers without a client.
    pub program: &'a Path,
    /// What the program printed for [`Provider::help_args`]; `None` when it did not answer.
    pub help: Option<&'a str>,
    /// The environment to choose from.
    pub environment: &'a [(String, String)],
}

impl<'a> Provider<'a> {
    /// Finds a provider by name: built in, or one of `custom`.
    ///
    /// # Errors
    /// [`ProviderError::Unknown`], naming those there are.
    pub fn find(name: &str, custom: &'a BTreeMap<String, CustomProvider>) -> Result<Self, ProviderError> {
        if let Some(row) = TABLE.iter().find(|row| row.name == name) {
            return Ok(Self::BuiltIn(row));
        }
        custom.get_key_value(name).map(|(name, provider)| Self::Custom(name, provider)).ok_or_else(|| {
            ProviderError::Unknown {
                name: name.to_owned(),
                known: TABLE.iter().map(|row| row.name.to_owned()).chain(custom.keys().cloned()).collect(),
            }
        })
    }

    /// What users call it.
    pub fn name(&self) -> &'a str {
        match self {
            Self::BuiltIn(row) => row.name,
            Self::Custom(name, _) => name,
        }
    }

    /// The program to resolve; `None`: it has no client.
    pub fn program(&self) -> Option<&'a str> {
        match self {
            Self::BuiltIn(row) => row.program,
            Self::Custom(_, provider) => provider.command.first().map(String::as_str),
        }
    }

    /// How to get the program.
    pub fn install(&self) -> String {
        match self {
            Self::BuiltIn(row) => row.install.to_owned(),
            Self::Custom(name, _) => {
                format!("correct `command` in [tunnels.{name}] of the configuration file")
            }
        }
    }

    /// Arguments whose output [`Context::help`] wants; `None`: it does not need any.
    pub fn help_args(&self) -> Option<&'static [&'static str]> {
        match self {
            Self::BuiltIn(row) => row.help_args,
            Self::Custom(..) => None,
        }
    }

    /// How long its client may take to come up.
    pub fn ready_timeout(&self) -> Duration {
        match self {
            Self::BuiltIn(row) => row.ready_timeout,
            Self::Custom(_, provider) => provider.ready_timeout(),
        }
    }

    /// What the supervisor and the probe must know.
    pub fn traits(&self) -> Traits {
        match self {
            Self::BuiltIn(row) => row.traits,
            Self::Custom(_, provider) => {
                let (first_probe_after, probe_every) =
                    provider.probes().unwrap_or((PLAIN.first_probe_after, PLAIN.probe_every));
                let CustomProvider { stable_url, max_shares, .. } = **provider;
                Traits { stable_url, max_shares, first_probe_after, probe_every, ..PLAIN }
            }
        }
    }

    /// `host:port` that accepts connections while this machine is online.
    pub fn edge(&self) -> Option<&str> {
        match self {
            Self::BuiltIn(row) => row.edge,
            Self::Custom(_, provider) => provider.edge.as_deref(),
        }
    }
}

/// Builds the spec of `provider`'s client; `None`: it has no client.
///
/// # Errors
/// A missing variable, a wrong custom table, or a path that cannot be written down.
pub fn tunnel_spec(
    provider: &Provider<'_>,
    context: Context<'_>,
) -> Result<Option<TunnelSpec>, ProviderError> {
    match provider {
        Provider::BuiltIn(row) => built_in(row, context),
        Provider::Custom(name, custom) => {
            let program = writable(context.program)?;
            custom
                .tunnel_spec(name, program, context.environment)
                .map(Some)
                .map_err(|source| ProviderError::Custom { name: (*name).to_owned(), source })
        }
    }
}

fn built_in(row: &'static Row, context: Context<'_>) -> Result<Option<TunnelSpec>, ProviderError> {
    let (UrlColumn::Token(stream, pattern), Some(_)) = (row.url, row.program) else {
        return Ok(None);
    };
    let has =
        |name: &str| context.environment.iter().any(|(known, value)| known == name && !value.is_empty());
    if let Some(variable) = row.env_required.iter().find(|name| !has(name)) {
        return Err(ProviderError::MissingVariable { provider: row.name.to_owned(), variable });
    }
    let needs: Vec<&str> = row.env.iter().chain(row.env_required).copied().collect();
    let inherited = context.environment.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    Ok(Some(TunnelSpec {
        provider: row.name.to_owned(),
        program: writable(context.program)?,
        args: arguments(row.args, context.help),
        env: tunnel_environment(inherited, &needs),
        config_file: row.config_file.map(str::to_owned),
        watch: WatchRules {
            url: UrlRule::Token { stream, pattern: pattern.to_owned() },
            ready: row.ready.map(str::to_owned),
            failures: failures(row),
            ready_at: row
                .ready_at
                .map(|(pattern, path)| ReadyAt { pattern: pattern.to_owned(), path: path.to_owned() }),
        },
        ready_timeout_ms: millis(row.ready_timeout),
        stop: StopRule { signal: row.stop_signal, timeout_ms: millis(row.stop_timeout) },
        stable_url: row.traits.stable_url,
    }))
}

fn arguments(args: &[Arg], help: Option<&str>) -> Vec<String> {
    args.iter()
        .filter_map(|arg| match arg {
            Arg::Always(text) => Some((*text).to_owned()),
            Arg::IfListed(flag) => help.is_some_and(|help| lists(help, flag)).then(|| (*flag).to_owned()),
        })
        .collect()
}

/// Does a help text list this very flag (and not merely a longer one that begins like it)?
fn lists(help: &str, flag: &str) -> bool {
    help.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-' || c == '_')).any(|word| word == flag)
}

/// A row's failure patterns, the gravest first: a line has one meaning.
fn failures(row: &Row) -> Vec<FailureRule> {
    let rule = |pattern: &str, meaning| FailureRule { pattern: pattern.to_owned(), meaning };
    let terminal = row.terminal.iter().map(|(pattern, class, cause, remedy)| {
        let (cause, remedy) = ((*cause).to_owned(), (*remedy).to_owned());
        rule(pattern, Meaning::Terminal { cause, remedy, class: Some(*class) })
    });
    let limited = row.rate_limited.iter().map(|pattern| rule(pattern, Meaning::RateLimited));
    let lost = row.lost.iter().map(|pattern| rule(pattern, Meaning::Lost));
    terminal.chain(limited).chain(lost).collect()
}

fn writable(path: &Path) -> Result<PathBuf, ProviderError> {
    match path.to_str() {
        Some(_) => Ok(path.to_owned()),
        None => Err(ProviderError::NotUtf8 { path: path.to_owned() }),
    }
}

/// A duration in whole milliseconds, as specs carry them.
pub(super) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
