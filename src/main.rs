//! The `panko` executable: parse, tracing, dispatch, exit code, and nothing else.

use std::process::ExitCode;

fn main() -> ExitCode {
    // Before threads, runtimes and open files: the keeper is a process of its own kind.
    if std::env::args_os().nth(1).is_some_and(|verb| verb == "keeper") {
        return panko::tunnel::keeper::main();
    }
    ExitCode::SUCCESS
}
