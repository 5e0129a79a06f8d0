//! The configuration file: what may stand in it, how it is read, how one key is changed.
//!
//! TOML, every key optional. The first six keys are the original's and keep their meaning.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::tunnel::custom::CustomProvider;

/// The configuration, defaults filled in by the accessors.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Config {
    /// The tunnel provider that `share` takes if none is named.
    pub default_provider: Option<String>,
    /// ngrok's authentication token.
    pub ngrok_token: Option<String>,
    /// The port that `view` and `share` listen on if none is named.
    pub default_port: Option<u16>,
    /// How the list of sessions is sorted.
    pub default_sort: Option<String>,
    /// How many shares may be up at once.
    pub max_shares: Option<usize>,
    /// Where the daemon logs to.
    pub log_file: Option<PathBuf>,
    /// Seconds a keeper stays without a daemon.
    pub orphan_grace: Option<u64>,
    /// Hours a daemon may have been away for its shares to come back by themselves.
    pub restore_within: Option<u64>,
    /// Seconds between two looks at each share's page, keeper and tunnel client.
    pub look_every: Option<u64>,
    /// Days an ended share is listed by `ls --all` before it is forgotten.
    pub retention: Option<u64>,
    /// Who is told when a share has another public URL.
    pub on_url_change: OnUrlChange,
    /// Tunnel providers of one's own.
    pub tunnels: BTreeMap<String, CustomProvider>,
}

/// Who is told when a share has another public URL: after a tunnel that gives a new one each time was replaced.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct OnUrlChange {
    /// A program and its arguments, run without a shell; `PANKO_URL`, `PANKO_OLD_URL`, `PANKO_NAME`, `PANKO_ID`,
    /// `PANKO_SESSION` and `PANKO_PROVIDER` stand in its environment.
    pub command: Vec<String>,
    /// An http or https URL, to which the same is sent as JSON by POST.
    pub webhook: Option<String>,
}

impl Config {
    /// How many shares may be up at once; 100 by default.
    pub fn max_shares(&self) -> usize {
        self.max_shares.unwrap_or(100)
    }

    /// How long a keeper stays without a daemon; 60 s by default.
    pub fn orphan_grace(&self) -> Duration {
        Duration::from_secs(self.orphan_grace.unwrap_or(60))
    }

    /// How long a daemon may have been away; 24 h by default.
    pub fn restore_within(&self) -> Duration {
        Duration::from_secs(self.restore_within.unwrap_or(24).saturating_mul(3600))
    }

    /// How often each share is looked at; every 15 s by default.
    pub fn look_every(&self) -> Duration {
        Duration::from_secs(self.look_every.unwrap_or(15).max(1))
    }

    /// How long ended shares are remembered; 7 days by default.
    pub fn retention(&self) -> Duration {
        Duration::from_secs(self.retention.unwrap_or(7).saturating_mul(24 * 3600))
    }
}

/// A key that `config set` knows.
struct Key {
    name: &'static str,
    kind: Kind,
    help: &'static str,
}

#[derive(Clone, Copy)]
enum Kind {
    Text,
    Integer { max: u64 },
    Secret,
}

const KEYS: &[Key] = &[
    Key {
        name: "default_provider",
        kind: Kind::Text,
        help: "the tunnel that `share` takes if none is named",
    },
    Key { name: "ngrok_token", kind: Kind::Secret, help: "ngrok's authentication token" },
    Key { name: "default_port", kind: Kind::Integer { max: 65_535 }, help: "the port pages listen on" },
    Key { name: "default_sort", kind: Kind::Text, help: "how the list of sessions is sorted" },
    Key {
        name: "max_shares",
        kind: Kind::Integer { max: 10_000 },
        help: "how many shares may be up at once",
    },
    Key { name: "log_file", kind: Kind::Text, help: "where the daemon logs to" },
    Key {
        name: "orphan_grace",
        kind: Kind::Integer { max: 86_400 },
        help: "seconds a tunnel outlives the daemon",
    },
    Key {
        name: "restore_within",
        kind: Kind::Integer { max: 8_760 },
        help: "hours within which shares come back",
    },
    Key {
        name: "look_every",
        kind: Kind::Integer { max: 3_600 },
        help: "seconds between two looks at each share's health",
    },
    Key { name: "retention", kind: Kind::Integer { max: 3_650 }, help: "days an ended share is listed" },
];

/// What is wrong with the configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file could not be read or written.
    #[error("cannot use {path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is not TOML, or a value has the wrong type.
    #[error("{path} is not a valid configuration: {reason}")]
    Invalid {
        /// The file.
        path: PathBuf,
        /// Where and why.
        reason: String,
    },
    /// There is no such key.
    #[error("there is no key `{key}`; the keys are: {}", key_names())]
    UnknownKey {
        /// What was asked for.
        key: String,
    },
    /// The value does not fit the key.
    #[error("`{value}` is no value for `{key}`: {expected}")]
    BadValue {
        /// The key.
        key: String,
        /// The value.
        value: String,
        /// What would fit.
        expected: String,
    },
}

/// A configuration as read, with what was not understood.
#[derive(Clone, Debug, Default)]
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    /// Keys that mean nothing to this version.
    pub unknown: Vec<String>,
}

/// Reads the file at `path`; a file that does not exist is an empty one.
///
/// # Errors
/// [`ConfigError::Io`], [`ConfigError::Invalid`].
pub fn load(path: &Path) -> Result<Loaded, ConfigError> {
    let text = read(path)?;
    let invalid = |reason: String| ConfigError::Invalid { path: path.to_owned(), reason };
    let mut unknown = Vec::new();
    // Never the error's own text: it quotes the line, which may hold a token.
    let place = |error: toml::de::Error| invalid(at_line(&text, error.message(), error.span()));
    let de = toml::Deserializer::parse(&text).map_err(place)?;
    let config: Config =
        serde_ignored::deserialize(de, |key| unknown.push(key.to_string())).map_err(place)?;
    for (name, tunnel) in &config.tunnels {
        tunnel.validate(name).map_err(|error| invalid(error.to_string()))?;
    }
    let hook = config.on_url_change.webhook.as_deref();
    if hook.is_some_and(|hook| !hook.starts_with("https://") && !hook.starts_with("http://")) {
        return Err(invalid("`on_url_change.webhook` is not an http or https URL".to_owned()));
    }
    Ok(Loaded { config, unknown })
}

/// Sets `key` to `value` in the file at `path`, keeping comments and order; makes the file if absent (0600,
/// for it may hold a token).
///
/// # Errors
/// [`ConfigError`]; the file is then as it was.
pub fn set(path: &Path, key: &str, value: &str) -> Result<(), ConfigError> {
    let item = parse_value(key, value)?;
    edit(path, |doc| {
        doc[key] = item;
        true
    })
    .map(drop)
}

/// Removes `key` from the file at `path`; false if it was not there.
///
/// # Errors
/// [`ConfigError`]; the file is then as it was.
pub fn unset(path: &Path, key: &str) -> Result<bool, ConfigError> {
    known(key)?;
    edit(path, |doc| doc.remove(key).is_some())
}

/// Every key with its value in `config` (secrets masked; `None` if unset) and what it is for.
pub fn describe(config: &Config) -> Vec<(&'static str, Option<String>, &'static str)> {
    let table = toml::Table::try_from(config).unwrap_or_default();
    KEYS.iter()
        .map(|key| {
            let value = table.get(key.name).map(|value| match (key.kind, value) {
                (Kind::Secret, _) => "(set, not shown)".to_owned(),
                (_, toml::Value::String(text)) => text.clone(),
                (_, other) => other.to_string(),
            });
            (key.name, value, key.help)
        })
        .collect()
}

fn read(path: &Path) -> Result<String, ConfigError> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
        Err(source) => Err(ConfigError::Io { path: path.to_owned(), source }),
    }
}

fn at_line(text: &str, message: &str, span: Option<std::ops::Range<usize>>) -> String {
    let line = span.and_then(|span| text.get(..span.start)).map(|before| before.matches('\n').count() + 1);
    match line {
        Some(line) => format!("line {line}: {message}"),
        None => message.to_owned(),
    }
}

fn known(key: &str) -> Result<&'static Key, ConfigError> {
    KEYS.iter().find(|known| known.name == key).ok_or_else(|| ConfigError::UnknownKey { key: key.to_owned() })
}

fn key_names() -> String {
    KEYS.iter().map(|key| key.name).collect::<Vec<_>>().join(", ")
}

fn parse_value(key: &str, value: &str) -> Result<toml_edit::Item, ConfigError> {
    match known(key)?.kind {
        Kind::Text | Kind::Secret => Ok(toml_edit::value(value)),
        Kind::Integer { max } => match u64::from_str(value) {
            Ok(number) if number <= max => Ok(toml_edit::value(number.cast_signed())),
            _ => Err(ConfigError::BadValue {
                key: key.to_owned(),
                value: value.to_owned(),
                expected: format!("a whole number from 0 to {max} is needed"),
            }),
        },
    }
}

fn edit(path: &Path, change: impl FnOnce(&mut toml_edit::DocumentMut) -> bool) -> Result<bool, ConfigError> {
    let text = read(path)?;
    let mut doc = text.parse::<toml_edit::DocumentMut>().map_err(|error| ConfigError::Invalid {
        path: path.to_owned(),
        reason: at_line(&text, error.message(), error.span()),
    })?;
    let changed = change(&mut doc);
    if changed {
        replace(path, &doc.to_string())
            .map_err(|source| ConfigError::Io { path: path.to_owned(), source })?;
    }
    Ok(changed)
}

/// Atomically: a reader sees the old file or the new one.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    use std::io::Write;
    // A linked configuration (dotfiles) stays a link: its target is what is replaced.
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    file.persist(&path).map_err(|error| error.error)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep").join("config.toml");
        if !text.is_empty() {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, text).unwrap();
        }
        (folder, path)
    }

    #[test]
    fn a_missing_file_is_the_defaults() {
        let (_folder, path) = file("");
        let loaded = load(&path).unwrap();
        assert_eq!(loaded.config, Config::default());
        assert_eq!(loaded.config.orphan_grace(), Duration::from_secs(60));
    }

    #[test]
    fn setting_a_key_keeps_comments_and_what_it_does_not_know() {
        let (_folder, path) = file("# mine\nfuture = 1\nmax_shares = 3 # few\n");
        set(&path, "max_shares", "5").unwrap();
        set(&path, "default_provider", "local").unwrap();
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains("# mine") && text.contains("future = 1"), "{text}");
        let loaded = load(&path).unwrap();
        assert_eq!(loaded.config.max_shares(), 5);
        assert_eq!(loaded.config.default_provider.as_deref(), Some("local"));
        assert_eq!(loaded.unknown, ["future"]);
        assert!(unset(&path, "max_shares").unwrap());
        assert!(!unset(&path, "max_shares").unwrap());
        assert_eq!(load(&path).unwrap().config.max_shares(), 100);
    }

    #[test]
    fn a_bad_key_or_value_changes_nothing_and_names_what_would_do() {
        let (_folder, path) = file("max_shares = 3\n");
        for (key, value, part) in [
            ("maxshares", "5", "default_port"),
            ("max_shares", "many", "whole number"),
            ("default_port", "70000", "65535"),
        ] {
            let error = set(&path, key, value).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
        assert_eq!(fs::read_to_string(&path).unwrap(), "max_shares = 3\n");
    }

    #[test]
    fn a_broken_file_is_refused_with_the_place() {
        let (_folder, path) = file("max_shares = [\n");
        let error = load(&path).unwrap_err().to_string();
        assert!(error.contains("config.toml") && error.contains("line 1"), "{error}");
    }

    #[test]
    fn a_broken_line_is_named_and_not_quoted() {
        let word = ["not", "quoted", "anywhere"].join("-");
        for broken in
            [format!("ngrok_token = {word}\n"), format!("max_shares = 1\nngrok_token = [\"{word}\"]\n")]
        {
            let (_folder, path) = file(&broken);
            let error = load(&path).unwrap_err().to_string();
            assert!(error.contains("line ") && !error.contains(&word), "{error}");
        }
    }

    #[test]
    fn a_token_is_never_shown() {
        let config = Config { ngrok_token: Some("abc123".to_owned()), ..Config::default() };
        let shown = format!("{:?}", describe(&config));
        assert!(!shown.contains("abc123") && shown.contains("not shown"), "{shown}");
    }

    #[test]
    fn a_file_we_make_is_private() {
        use std::os::unix::fs::PermissionsExt;
        let (_folder, path) = file("");
        set(&path, "ngrok_token", "x").unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
