//! `panko` without a verb: the terminal interface.

use std::io::{self, IsTerminal as _};

use super::{CliError, Exit};
use crate::paths::Paths;
use crate::tui;

pub(super) fn run(paths: &Paths) -> Result<Exit, CliError> {
    if !(io::stdin().is_terminal() && io::stdout().is_terminal()) {
        return Err(CliError::usage(
            "the terminal interface needs a terminal",
            "`panko ls` lists the shares; `panko --help` lists the commands",
        ));
    }
    tui::run(paths).map(|()| Exit::Done).map_err(|error| {
        CliError::failed(format!("the terminal does not work: {error}"), "`panko ls` lists the shares")
    })
}
