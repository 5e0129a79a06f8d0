//! `panko view FILE`: a session in the browser of this machine, until Ctrl+C.

use super::terminal::{print, tell};
use super::{CliError, Exit, ViewArgs, include, which};
use crate::config;
use crate::paths::Paths;
use crate::plain::plain;
use crate::view;

pub(super) fn run(paths: &Paths, args: &ViewArgs) -> Result<Exit, CliError> {
    let config = config::load(paths.config())
        .map_err(|error| CliError::failed(error, "correct the file, or `panko config unset KEY`"))?
        .config;
    let port = args.port.or(config.default_port).unwrap_or_default();
    let ready = |url: &str| {
        if let Err(error) = print(plain(url)) {
            tell(error.to_string());
        }
        tell("only this machine can reach it; Ctrl+C ends it");
        if !args.no_browser && open::that_detached(url).is_err() {
            tell("no browser could be started: open the URL yourself");
        }
    };
    view::run(&which::file(&args.file)?, include(&args.include), port, ready)
        .map(|()| Exit::Done)
        .map_err(|failure| CliError::failed(&failure, failure.remedy.clone()))
}
