//! `panko config`.

use super::terminal::{print, tell};
use super::{CliError, ConfigCommand, Exit};
use crate::config;
use crate::paths::Paths;
use crate::plain::plain;

pub(super) fn run(paths: &Paths, what: &ConfigCommand) -> Result<Exit, CliError> {
    let path = paths.config();
    let failed = |error| {
        CliError::failed(error, "`panko config show` lists the keys, `panko config path` names the file")
    };
    match what {
        ConfigCommand::Path => print(path.display().to_string())?,
        ConfigCommand::Show => {
            let loaded = config::load(path).map_err(failed)?;
            for (key, value, help) in config::describe(&loaded.config) {
                let value = value.unwrap_or_else(|| "(not set)".to_owned());
                print(format!("{key:<18} {:<24} {help}", plain(&value)))?;
            }
            for name in loaded.config.tunnels.keys() {
                print(format!("[tunnels.{}]", plain(name)))?;
            }
            for key in &loaded.unknown {
                tell(format!("warning: this version does not know the key {}", plain(key)));
            }
        }
        ConfigCommand::Set { key, value } => {
            config::set(path, key, value).map_err(failed)?;
            tell(format!("{key} is set in {}; a running daemon reads it again on HUP", path.display()));
        }
        ConfigCommand::Unset { key } => match config::unset(path, key).map_err(failed)? {
            true => tell(format!("{key} is removed from {}", path.display())),
            false => tell(format!("{key} was not set")),
        },
    }
    Ok(Exit::Done)
}
