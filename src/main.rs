//! The `panko` executable: parse, dispatch, exit code, and nothing else.

use std::process::{ExitCode, Termination};

use clap::Parser;
use panko::cli::Cli;

fn main() -> ExitCode {
    // Before anything starts a thread: a keeper spawns its tunnel from the main thread.
    if std::env::args_os().nth(1).is_some_and(|verb| verb == "keeper") {
        return panko::tunnel::keeper::main();
    }
    match Cli::parse().run() {
        Ok(exit) => exit.report(),
        Err(error) => {
            eprintln!("{error}");
            error.exit.report()
        }
    }
}
