//! PURE: a provider from the user's configuration, `[tunnels.NAME]`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::environment::tunnel_environment;
use super::extract::{Extractor, RuleError};
use super::provider::{TABLE, millis};
use super::spec::{PORT, StopRule, StopSignal, Streams, TunnelSpec, UrlRule, WatchRules};

/// Longest wait for a tunnel to come up, or to end, that a table may ask for.
const LONGEST: Duration = Duration::from_secs(600);

/// Seconds a client may take to come up if its table does not say.
const DEFAULT_READY: u64 = 30;

/// A tunnel client that panko knows only from the user's description.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomProvider {
    /// Program and arguments; `{port}` is the local port of the page, on 127.0.0.1. It must stay in the foreground: what it
    /// leaves behind when it ends is killed.
    pub command: Vec<String>,
    /// Found in a line of output; group 1 is the URL, unless `url_template` says otherwise.
    #[serde(default)]
    pub url_regex: Option<String>,
    /// The URL: `{1}`…`{9}` are groups of `url_regex`, `{url}` is group 1 (or the whole match), `{port}` the local
    /// port. Without `url_regex`, the fixed URL of a client that prints none.
    #[serde(default)]
    pub url_template: Option<String>,
    /// The output read for `url_regex`.
    #[serde(default)]
    pub stream: Streams,
    /// Variables set for the client; `{port}` is filled in here too.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// Variables of the usual allowlist that it must not see.
    #[serde(default)]
    pub env_remove: Vec<String>,
    /// A line that says it is connected; without it, the URL says so.
    #[serde(default)]
    pub ready: Option<String>,
    /// How long it may take to come up: seconds, or text like `"30s"`. Default 30 s.
    #[serde(default)]
    pub ready_timeout: Option<Wait>,
    /// The signal that ends it. Default TERM.
    #[serde(default)]
    pub stop_signal: StopSignal,
    /// How long it may take to end before it is killed. Default 5 s.
    #[serde(default)]
    pub stop_timeout: Option<Wait>,
    /// A restart keeps the URL.
    #[serde(default)]
    pub stable_url: bool,
    /// Shares it can carry at once. Without it: any number.
    #[serde(default)]
    pub max_shares: Option<u32>,
    /// How long after a new URL it is asked for, to see whether it leads to the page. Default 2 s.
    #[serde(default)]
    pub probe_after: Option<Wait>,
    /// How often after that. Default 60 s.
    #[serde(default)]
    pub probe_every: Option<Wait>,
    /// `host:port` that accepts connections while this machine is online: a tunnel that fails is replaced only then.
    #[serde(default)]
    pub edge: Option<String>,
}

/// A duration as people write it: a number of seconds, or text like `"90s"` or `"1m 30s"`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Wait {
    /// Seconds.
    Seconds(u64),
    /// A friendly duration.
    Text(String),
}

/// What is wrong with a custom provider.
#[derive(Debug, Error)]
pub enum CustomError {
    /// Its name is not one.
    #[error("a tunnel's name is 1 to 32 lower-case letters, digits, - and _")]
    Name,
    /// Its name is taken.
    #[error("{0} is the name of a built-in provider")]
    BuiltInName(String),
    /// Nothing to run.
    #[error("`command` is empty: it holds the program and its arguments")]
    EmptyCommand,
    /// The client would not know where the page is.
    #[error("neither `command` nor `env` mentions {{port}}: the client would not know where the page is")]
    NoPort,
    /// No way to learn the URL.
    #[error("give `url_regex` (for a URL that the client prints) or `url_template` (for a fixed one)")]
    NoUrl,
    /// A pattern or template cannot be used.
    #[error(transparent)]
    Rule(#[from] RuleError),
    /// Not a duration.
    #[error("`{field}` is not a duration: {text:?} (write seconds, or text like \"30s\")")]
    NotADuration {
        /// Which.
        field: &'static str,
        /// As written.
        text: String,
    },
    /// A duration out of bounds.
    #[error("`{field}` must be at least {least} s and at most {} s", LONGEST.as_secs())]
    OutOfBounds {
        /// Which.
        field: &'static str,
        /// Least seconds.
        least: u64,
    },
    /// Not the name of a variable.
    #[error("`env` sets {0:?}, which is not a name of a variable (or is panko's own)")]
    Variable(String),
    /// NUL cannot be passed to a program.
    #[error("`command` and `env` cannot hold a NUL character")]
    Nul,
}

impl CustomProvider {
    /// Checks the whole table, so that a mistake shows when the configuration is read and not at the first share.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn validate(&self, name: &str) -> Result<(), CustomError> {
        let in_name = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_');
        if name.is_empty() || name.len() > 32 || !name.bytes().all(in_name) {
            return Err(CustomError::Name);
        }
        if TABLE.iter().any(|row| row.name == name) {
            return Err(CustomError::BuiltInName(name.to_owned()));
        }
        self.probes()?;
        self.tunnel_spec(name, PathBuf::from("/"), &[]).map(|_| ())
    }

    /// When its URL is asked for first, and how often after that.
    pub(super) fn probes(&self) -> Result<(Duration, Duration), CustomError> {
        let after = wait("probe_after", self.probe_after.as_ref(), 2, 0)?;
        let every = wait("probe_every", self.probe_every.as_ref(), 60, 1)?;
        Ok((Duration::from_millis(after), Duration::from_millis(every)))
    }

    /// How long its client may take to come up.
    pub(super) fn ready_timeout(&self) -> Duration {
        Duration::from_millis(self.ready_timeout_ms().unwrap_or(DEFAULT_READY * 1000))
    }

    fn ready_timeout_ms(&self) -> Result<u64, CustomError> {
        wait("ready_timeout", self.ready_timeout.as_ref(), DEFAULT_READY, 1)
    }

    /// The spec of its client, run as `program`.
    pub(super) fn tunnel_spec(
        &self,
        name: &str,
        program: PathBuf,
        environment: &[(String, String)],
    ) -> Result<TunnelSpec, CustomError> {
        self.check_command()?;
        let watch = WatchRules {
            url: self.url_rule()?,
            ready: self.ready.clone(),
            failures: Vec::new(),
            ready_at: None,
        };
        Extractor::new(&watch, 1)?;
        let inherited = environment.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let mut env = tunnel_environment(inherited, &[]);
        self.env_remove.iter().for_each(|name| drop(env.0.remove(name)));
        env.0.extend(self.env.clone());
        Ok(TunnelSpec {
            provider: name.to_owned(),
            program,
            args: self.command.iter().skip(1).cloned().collect(),
            env,
            config_file: None,
            watch,
            ready_timeout_ms: self.ready_timeout_ms()?,
            stop: StopRule {
                signal: self.stop_signal,
                timeout_ms: wait("stop_timeout", self.stop_timeout.as_ref(), 5, 0)?,
            },
            stable_url: self.stable_url,
        })
    }

    fn check_command(&self) -> Result<(), CustomError> {
        if self.command.first().is_none_or(|program| program.trim().is_empty()) {
            return Err(CustomError::EmptyCommand);
        }
        if !self.command.iter().skip(1).chain(self.env.values()).any(|text| text.contains(PORT)) {
            return Err(CustomError::NoPort);
        }
        if self.command.iter().chain(self.env.values()).any(|text| text.contains('\0')) {
            return Err(CustomError::Nul);
        }
        let usable =
            |name: &str| !name.is_empty() && !name.contains(['=', '\0']) && !name.starts_with("PANKO_KEEPER");
        match self.env.keys().find(|name| !usable(name)) {
            Some(name) => Err(CustomError::Variable(name.clone())),
            None => Ok(()),
        }
    }

    fn url_rule(&self) -> Result<UrlRule, CustomError> {
        match (&self.url_regex, &self.url_template) {
            (Some(pattern), template) => Ok(UrlRule::Line {
                stream: self.stream,
                pattern: pattern.clone(),
                template: template.clone().unwrap_or_else(|| "{url}".to_owned()),
            }),
            (None, Some(url)) => Ok(UrlRule::Fixed { url: url.clone() }),
            (None, None) => Err(CustomError::NoUrl),
        }
    }
}

/// A wait in milliseconds, within bounds.
fn wait(field: &'static str, given: Option<&Wait>, default: u64, least: u64) -> Result<u64, CustomError> {
    let duration = match given {
        None => Duration::from_secs(default),
        Some(Wait::Seconds(seconds)) => Duration::from_secs(*seconds),
        Some(Wait::Text(text)) => text
            .parse::<jiff::SignedDuration>()
            .ok()
            .and_then(|duration| Duration::try_from(duration).ok())
            .ok_or_else(|| CustomError::NotADuration { field, text: text.clone() })?,
    };
    if duration < Duration::from_secs(least) || duration > LONGEST {
        return Err(CustomError::OutOfBounds { field, least });
    }
    Ok(millis(duration))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(text: &str) -> CustomProvider {
        toml::from_str(text).unwrap()
    }

    fn problem(text: &str) -> String {
        table(text).validate("mine").unwrap_err().to_string()
    }

    #[test]
    fn a_full_table_becomes_a_spec() {
        let provider = table(
            r#"
            command = ["frp-like", "--to", "127.0.0.1:{port}"]
            url_regex = 'listening at (\S+):(\d+)'
            url_template = "http://{1}:{2}"
            stream = "stdout"
            env = { REGION = "eu" }
            env_remove = ["HTTPS_PROXY"]
            ready = "connected"
            ready_timeout = "1m 30s"
            stop_signal = "SIGINT"
            stop_timeout = 2
            stable_url = true
            "#,
        );
        provider.validate("mine").unwrap();
        let environment = [("PATH", "/bin"), ("HTTPS_PROXY", "p"), ("OTHER", "x")]
            .map(|(n, v)| (n.to_owned(), v.to_owned()));
        let spec = provider.tunnel_spec("mine", PathBuf::from("/opt/frp-like"), &environment).unwrap();
        assert_eq!(spec.args, ["--to", "127.0.0.1:{port}"]);
        assert_eq!(spec.env.0.keys().map(String::as_str).collect::<Vec<_>>(), ["NO_COLOR", "PATH", "REGION"]);
        assert_eq!(spec.ready_timeout_ms, 90_000);
        assert_eq!(spec.stop, StopRule { signal: StopSignal::Int, timeout_ms: 2_000 });
        assert!(spec.stable_url);
        let copy: TunnelSpec = serde_json::from_str(&serde_json::to_string(&spec).unwrap()).unwrap();
        assert_eq!(copy, spec);
    }

    #[test]
    fn every_mistake_is_named() {
        let table = [
            ("command = []\nurl_regex = 'x'", "`command` is empty"),
            ("command = ['a', 'b']\nurl_regex = 'x'", "{port}"),
            ("command = ['a', '{port}']", "`url_regex`"),
            ("command = ['a', '{port}']\nurl_regex = '('", "not a valid regular expression"),
            ("command = ['a', '{port}']\nurl_regex = 'x'\nready = '['", "not a valid regular expression"),
            ("command = ['a', '{port}']\nurl_regex = '(x)'\nurl_template = 'http://{2}'", "{2}"),
            ("command = ['a', '{port}']\nurl_regex = '(x)'\nurl_template = 'http://{host}'", "{host}"),
            ("command = ['a', '{port}']\nurl_template = 'ftp://x'", "not an http or https URL"),
            ("command = ['a', '{port}']\nurl_regex = 'x'\nready_timeout = 'soon'", "ready_timeout"),
            ("command = ['a', '{port}']\nurl_regex = 'x'\nready_timeout = 0", "at least 1 s"),
            ("command = ['a', '{port}']\nurl_regex = 'x'\nstop_timeout = '1h'", "at most 600 s"),
            ("command = ['a', '{port}']\nurl_regex = 'x'\nprobe_every = 0", "probe_every"),
            ("command = ['a', '{port}']\nurl_regex = 'x'\nenv = { 'A=B' = 'x' }", "A=B"),
            ("command = ['a', '{port}']\nurl_regex = 'x'\nenv = { PANKO_KEEPER = 'x' }", "PANKO_KEEPER"),
        ];
        for (text, expected) in table {
            let said = problem(text);
            assert!(said.contains(expected), "{text}\nsaid: {said}");
        }
    }

    #[test]
    fn a_name_is_plain_and_not_taken() {
        let provider = table("command = ['a', '{port}']\nurl_regex = 'x'");
        for name in ["", "Big", "a/b", "cloudflare", "local", &"x".repeat(33)] {
            assert!(provider.validate(name).is_err(), "{name:?}");
        }
        provider.validate("my-frp_2").unwrap();
    }
}
