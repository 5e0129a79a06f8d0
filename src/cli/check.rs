//! `panko check FILE…`: is it a session, and what is odd about it? Oddities are warnings, never a refusal.

use std::path::Path;

use super::terminal::{print, tell};
use super::{CheckArgs, CliError, Exit, which};
use crate::describe::counted;
use crate::plain::plain;
use crate::redact::Cleaner;
use crate::session::{self, OpenError, Report, Source};

pub(super) fn run(args: &CheckArgs) -> Result<Exit, CliError> {
    let mut refused = 0;
    for asked in &args.files {
        let file = match which::file(asked) {
            Ok(file) => file,
            Err(error) => {
                refused += 1;
                tell(plain(&format!("{}: {}", asked.display(), error.what)));
                continue;
            }
        };
        match check(&file) {
            Ok(report) if args.quiet => drop(report),
            Ok(report) => show(&file, &report)?,
            Err(error) => {
                refused += 1;
                tell(plain(&format!("{}: {error}", file.display())));
            }
        }
    }
    match refused {
        0 => Ok(Exit::Done),
        _ => {
            let files = counted(args.files.len() as u64, "file", "files");
            let what = format!("{refused} of {files} cannot be shared, for the reasons above");
            Err(CliError::failed(what, "`panko sessions` lists the sessions on this machine"))
        }
    }
}

fn check(file: &Path) -> Result<Report, OpenError> {
    session::check(Source::open(file)?, Cleaner::new())
}

fn show(file: &Path, report: &Report) -> Result<(), CliError> {
    let counts = &report.counts;
    let said = [
        counted(counts.prompts + counts.asides, "prompt", "prompts"),
        counted(counts.replies, "reply", "replies"),
        counted(counts.calls, "tool call", "tool calls"),
        counted(counts.results, "result", "results"),
        counted(report.lines, "line", "lines"),
        counted(report.bytes, "byte", "bytes"),
    ];
    print(plain(&format!("{}: {}, {}", file.display(), report.agent, said.join(", "))))?;
    for warning in &report.warnings {
        print(plain(&format!(
            "  warning: line {} (byte {}): {}",
            warning.line, warning.offset, warning.what
        )))?;
    }
    if report.more_warnings > 0 {
        print(format!("  and {}", counted(report.more_warnings, "more warning", "more warnings")))?;
    }
    Ok(())
}
