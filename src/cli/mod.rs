//! The command line: what can be said ([`Cli`]), and one file per verb.
//!
//! Results go to standard output, everything for people to standard error. Verbs talk to the daemon by its
//! socket and know neither actors nor the web server; what they do without a daemon is in
//! [`crate::daemon::offline`].

mod check;
mod config;
mod connect;
mod daemon;
mod error;
mod export;
mod history;
mod info;
mod list;
mod logs;
mod search;
mod serve;
mod sessions;
mod share;
mod status;
mod stop;
mod terminal;
mod tui;
mod view;
mod which;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub use error::{CliError, Exit};

use crate::paths::Paths;
use crate::session::Include;

/// Share a coding-agent session as a web page, served from your own machine.
#[derive(Debug, Parser)]
#[command(name = "panko", version, about, max_term_width = 100, after_help = AFTER)]
pub struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

const AFTER: &str = "\
`panko` alone opens the terminal interface: the shares as they change, and what can be done with them.

Exit codes: 0 done · 1 failed · 2 wrong usage · 3 the daemon is not running · 4 no such share · 130 interrupted

Files: ~/.config/panko/config.toml (settings), ~/.local/share/panko/ (state, log)";

#[derive(Debug, Subcommand)]
enum Command {
    /// Share a session and print its URL.
    Share(ShareArgs),
    /// List shares.
    Ls(ListArgs),
    /// Stop shares.
    Stop(StopArgs),
    /// Say all that is known of a share.
    Info(InfoArgs),
    /// Show what happened to a share, and when.
    History(InfoArgs),
    /// Start a share's tunnel afresh, without waiting for its next attempt.
    Restart(LogsArgs),
    /// Show the end of a share's tunnel log.
    Logs(LogsArgs),
    /// Look at a session in the browser, without sharing it.
    View(ViewArgs),
    /// List the sessions on this machine, the last active first.
    Sessions(SessionsArgs),
    /// Search what was said in all sessions on this machine.
    Search(SearchArgs),
    /// Write a session as one HTML page, as Markdown, or as JSON.
    Export(ExportArgs),
    /// Say whether files are sessions, and what is odd about them.
    Check(CheckArgs),
    /// Run the daemon (`share` starts it by itself).
    Serve(ServeArgs),
    /// Stop the daemon and its shares.
    ServeStop(ServeStopArgs),
    /// Say whether the daemon runs.
    ServeStatus(ServeStatusArgs),
    /// The daemon as a service that starts when you log in.
    Daemon {
        #[command(subcommand)]
        what: DaemonCommand,
    },
    /// Show or change the configuration.
    Config {
        #[command(subcommand)]
        what: ConfigCommand,
    },
}

/// What may be shown beside what was said and done.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Included {
    /// What the agent was told besides the person's words.
    Context,
}

impl Included {
    /// The word for it in the options of a share.
    fn word(self) -> &'static str {
        match self {
            Included::Context => Include::CONTEXT,
        }
    }
}

/// What these words include.
fn include(words: &[Included]) -> Include {
    Include::of(&words.iter().map(|included| included.word()).collect::<Vec<_>>())
}

#[derive(Debug, Args)]
struct ShareArgs {
    /// The session file, or its id in `panko sessions`.
    file: PathBuf,
    /// The tunnel provider: `local`, `cloudflare`, or one of your own from the configuration.
    #[arg(short, long, value_name = "PROVIDER")]
    tunnel: Option<String>,
    /// The port to listen on, on 127.0.0.1.
    #[arg(long)]
    port: Option<u16>,
    /// End the share by itself after this time: `90m`, `2h`, `3 days`.
    #[arg(long, value_name = "TIME", value_parser = share::duration)]
    expires: Option<std::time::Duration>,
    /// A name for it: shown in lists and as the page's title.
    #[arg(long)]
    name: Option<String>,
    /// Follow the session as it grows. Without this, the page shows what the session is now.
    #[arg(long)]
    live: bool,
    /// Show more than what was said and done: `context` is what the agent was told besides your words
    /// (instructions, reminders, what hooks printed). Never what is your account's.
    #[arg(long, value_enum, value_name = "WHAT", value_delimiter = ',')]
    include: Vec<Included>,
    /// Let viewers download the session (Markdown, JSON, HTML), with secrets masked as on the page.
    #[arg(long)]
    allow_download: bool,
    /// Print what the daemon says of the share, as JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct ListArgs {
    /// Those that ended, too.
    #[arg(short, long)]
    all: bool,
    /// Print them as JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct StopArgs {
    /// Id (or its beginning) or name of a share.
    share: Option<String>,
    /// All shares.
    #[arg(long)]
    all: bool,
}

#[derive(Debug, Args)]
struct LogsArgs {
    /// Id (or its beginning) or name of a share.
    share: String,
}

#[derive(Debug, Args)]
struct InfoArgs {
    /// Id (or its beginning) or name of a share.
    share: String,
    /// Print it as JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct ViewArgs {
    /// The session file, or its id in `panko sessions`.
    file: PathBuf,
    /// The port to listen on, on 127.0.0.1.
    #[arg(long)]
    port: Option<u16>,
    /// Do not open a browser.
    #[arg(long)]
    no_browser: bool,
    /// Show more than what was said and done: `context` is what the agent was told besides your words
    /// (instructions, reminders, what hooks printed). Never what is your account's.
    #[arg(long, value_enum, value_name = "WHAT", value_delimiter = ',')]
    include: Vec<Included>,
}

#[derive(Debug, Args)]
struct SessionsArgs {
    /// Only those of this agent (a part of its name will do).
    #[arg(long)]
    agent: Option<String>,
    /// Only those in this project (a part of its name will do).
    #[arg(long)]
    project: Option<String>,
    /// Only those in which all these words were said; "phrases" in quotes.
    #[arg(long, value_name = "WORDS")]
    search: Option<String>,
    /// Print them as JSON.
    #[arg(long, conflicts_with = "paths")]
    json: bool,
    /// Print their paths, one a line.
    #[arg(long)]
    paths: bool,
}

#[derive(Debug, Args)]
struct SearchArgs {
    /// Words that must all stand in one prompt or reply (their beginnings count); "phrases" in quotes.
    #[arg(required = true)]
    words: Vec<String>,
    /// How many sessions are shown.
    #[arg(short = 'n', long, default_value_t = 20, value_name = "NUMBER")]
    most: usize,
    /// Print them as JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct ExportArgs {
    /// The session file, or its id in `panko sessions`.
    file: PathBuf,
    /// What to write; by default what the name of the output ends with.
    #[arg(short, long, value_enum)]
    format: Option<export::Wanted>,
    /// Where to write it, in place of what is there; by default to standard output.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Show more than what was said and done: `context` is what the agent was told besides your words
    /// (instructions, reminders, what hooks printed). Never what is your account's.
    #[arg(long, value_enum, value_name = "WHAT", value_delimiter = ',')]
    include: Vec<Included>,
}

#[derive(Debug, Args)]
struct CheckArgs {
    /// The files, or ids of sessions.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Print nothing but refusals.
    #[arg(short, long)]
    quiet: bool,
}

#[derive(Debug, Args)]
struct ServeArgs {
    /// Stay in the terminal; Ctrl+C ends the daemon and its shares.
    #[arg(long)]
    foreground: bool,
    /// Take over from the daemon that runs, be it hung: tunnels and URLs stay.
    #[arg(long)]
    replace: bool,
    /// Started by another command, which waits for a line on standard output.
    #[arg(long, hide = true, requires = "foreground")]
    detached: bool,
}

#[derive(Debug, Args)]
struct ServeStopArgs {
    /// Leave the tunnels running for the daemon that is started next (an upgrade).
    #[arg(long)]
    keep_tunnels: bool,
}

#[derive(Debug, Args)]
struct ServeStatusArgs {
    /// Print it as JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum DaemonCommand {
    /// Write the service's file and enable it.
    Install,
    /// Disable the service and remove its file.
    Uninstall,
    /// Say whether it is installed and whether a daemon runs.
    Status,
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    /// Show every key and its value.
    Show,
    /// Set a key.
    Set {
        /// The key.
        key: String,
        /// Its value.
        value: String,
    },
    /// Remove a key.
    Unset {
        /// The key.
        key: String,
    },
    /// Print where the file is.
    Path,
}

impl Cli {
    /// Does what was asked for.
    ///
    /// # Errors
    /// [`CliError`]: one line what, one line what to do, and the exit code.
    pub fn run(self) -> Result<Exit, CliError> {
        let paths = Paths::from_env().map_err(|error| CliError::failed(error, "see `panko --help`"))?;
        match self.command {
            None => tui::run(&paths),
            Some(Command::Share(args)) => share::run(&paths, &args),
            Some(Command::Ls(args)) => list::run(&paths, &args),
            Some(Command::Stop(args)) => stop::run(&paths, &args),
            Some(Command::Info(args)) => info::run(&paths, &args),
            Some(Command::History(args)) => history::run(&paths, &args),
            Some(Command::Restart(args)) => info::restart(&paths, &args),
            Some(Command::Logs(args)) => logs::run(&paths, &args),
            Some(Command::View(args)) => view::run(&paths, &args),
            Some(Command::Sessions(args)) => sessions::run(&paths, &args),
            Some(Command::Search(args)) => search::run(&paths, &args),
            Some(Command::Export(args)) => export::run(&args),
            Some(Command::Check(args)) => check::run(&args),
            Some(Command::Serve(args)) => serve::run(&paths, &args),
            Some(Command::ServeStop(args)) => serve::stop(&paths, &args),
            Some(Command::ServeStatus(args)) => status::run(&paths, &args),
            Some(Command::Daemon { what }) => daemon::run(&paths, &what),
            Some(Command::Config { what }) => config::run(&paths, &what),
        }
    }
}
