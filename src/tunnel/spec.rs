//! PURE: everything a keeper must know to run one tunnel client, as plain serializable data.
//!
//! A [`TunnelSpec`] travels to the keeper by its standard input and stands alone: no configuration file and no
//! environment variable is consulted afterwards.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Stands for the page's local port in arguments, environment values and fixed URLs.
pub const PORT: &str = "{port}";
/// Stands for the path of the file that holds [`TunnelSpec::config_file`].
pub const CONFIG: &str = "{config}";

/// One tunnel client: how to start it, what its output means, how to stop it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TunnelSpec {
    /// The provider's name, for logs.
    pub provider: String,
    /// Absolute path of the program, already resolved.
    pub program: PathBuf,
    /// Arguments, with [`PORT`] and [`CONFIG`] still in them: the keeper knows both.
    pub args: Vec<String>,
    /// The whole environment of the client: nothing is inherited.
    pub env: Environment,
    /// Contents of a private file that is written before the start and removed afterwards.
    #[serde(default)]
    pub config_file: Option<String>,
    /// What the output means.
    pub watch: WatchRules,
    /// Milliseconds after which a client that is not up is reported as overdue.
    pub ready_timeout_ms: u64,
    /// How it is stopped.
    pub stop: StopRule,
    /// A restart keeps the URL.
    #[serde(default)]
    pub stable_url: bool,
}

/// Environment variables. They may hold tokens, so `Debug` shows names only.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Environment(pub BTreeMap<String, String>);

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// One of the client's two output streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stream {
    /// File descriptor 1.
    Stdout,
    /// File descriptor 2.
    Stderr,
}

/// Which streams a rule reads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Streams {
    /// Standard output alone.
    Stdout,
    /// Standard error alone.
    Stderr,
    /// Both.
    #[default]
    Both,
}

impl Streams {
    /// Does this choice include `stream`?
    pub fn includes(self, stream: Stream) -> bool {
        match self {
            Self::Both => true,
            Self::Stdout => stream == Stream::Stdout,
            Self::Stderr => stream == Stream::Stderr,
        }
    }
}

/// The meaning of a client's output. Patterns are `regex` crate syntax, matched against plain lines
/// (no ANSI, no control characters).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WatchRules {
    /// Where the public URL stands.
    pub url: UrlRule,
    /// A line that says the tunnel is connected; without one, the URL itself says so.
    #[serde(default)]
    pub ready: Option<String>,
    /// Lines that say something is wrong.
    #[serde(default)]
    pub failures: Vec<FailureRule>,
    /// A line that names an address at which the client says whether it is connected.
    #[serde(default)]
    pub ready_at: Option<ReadyAt>,
}

/// Where a client says by HTTP whether it is connected: 200, or not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadyAt {
    /// Pattern of the line; group 1 is address and port. One that is not of this machine is not asked.
    pub pattern: String,
    /// The path to ask for.
    pub path: String,
}

/// Where a public URL comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "from", rename_all = "snake_case")]
pub enum UrlRule {
    /// The client prints none: it is known beforehand.
    Fixed {
        /// The URL, with [`PORT`] in it where wanted.
        url: String,
    },
    /// A *whole* token of a line must match: a URL inside a longer host, a path or a query does not count.
    Token {
        /// Streams read.
        stream: Streams,
        /// Pattern for the whole token.
        pattern: String,
    },
    /// Found anywhere in a line, then put through a template.
    Line {
        /// Streams read.
        stream: Streams,
        /// Pattern searched for.
        pattern: String,
        /// `{1}`…`{9}` are the groups, `{url}` is the first group (or the match), [`PORT`] the local port.
        template: String,
    },
}

/// A line and what it says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailureRule {
    /// Pattern searched for in each line of both streams.
    pub pattern: String,
    /// What such a line means.
    pub meaning: Meaning,
}

/// What a failure line means.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Meaning {
    /// The connection is gone for now; the client itself tries again.
    Lost,
    /// The provider asks for patience (429 and the like).
    RateLimited,
    /// Starting again cannot mend it.
    Terminal {
        /// What happened.
        cause: String,
        /// What a person can do.
        remedy: String,
        /// What is at fault; not said by earlier versions.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        class: Option<Class>,
    },
}

/// What is at fault when starting again cannot help.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// The provider does not accept our credentials, or wants a login.
    Credentials,
    /// What was asked of the provider, or of the client.
    Config,
    /// The client's program.
    Program,
    /// Of a later version.
    #[serde(other)]
    Unknown,
}

/// How a client is asked to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StopRule {
    /// Sent to the whole process group.
    pub signal: StopSignal,
    /// Milliseconds until KILL follows.
    pub timeout_ms: u64,
}

/// A signal that asks a client to end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum StopSignal {
    /// SIGTERM.
    #[default]
    #[serde(alias = "SIGTERM")]
    Term,
    /// SIGINT.
    #[serde(alias = "SIGINT")]
    Int,
    /// SIGHUP.
    #[serde(alias = "SIGHUP")]
    Hup,
    /// SIGQUIT.
    #[serde(alias = "SIGQUIT")]
    Quit,
    /// SIGKILL: it is never asked.
    #[serde(alias = "SIGKILL")]
    Kill,
}
