//! The keeper: the process that holds a share's listening socket and its tunnel client, and outlives the daemon.
//!
//! It is to a tunnel what a shim is to a container. The main thread is the event loop: it alone changes the state
//! (`state`, pure), starts clients (the parent-death signal follows the *thread* that started them) and reaps. Other
//! threads only wait: for connections, for frames, for output, for children, for signals. What they learn goes through one
//! bounded channel.
//!
//! Not here: serving the page (the daemon does, on the socket it is handed), deciding on restarts and timeouts.

mod link;
mod log;
mod output;
mod process;
pub mod protocol;
mod run;
mod startup;
mod state;

use std::process::ExitCode;

/// The keeper's whole life. To be called before anything else in `main`: before threads, runtimes and open files.
pub fn main() -> ExitCode {
    match startup::start() {
        Ok(ready) => {
            run::run(ready);
            ExitCode::SUCCESS
        }
        Err(error) => {
            startup::report(&protocol::StartReport::Error(error));
            ExitCode::FAILURE
        }
    }
}
