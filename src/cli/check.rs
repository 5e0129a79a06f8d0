//! `panko check FILE…`: is it a session, and what is odd about it? Oddities are warnings, never a refusal.

use std::path::Path;

use super::terminal::{print, tell};
use super::{CheckArgs, CliError, Exit};
use crate::plain::plain;
use crate::redact::Cleaner;
use crate::session::{self, OpenError, Report, Source};

pub(super) fn run(args: &CheckArgs) -> Result<Exit, CliError> {
    let mut refused = 0;
    for file in &args.files {
        match check(file) {
            Ok(report) if args.quiet => drop(report),
            Ok(report) => show(file, &report)?,
            Err(error) => {
                refused += 1;
                tell(plain(&format!("{}: {error}", file.display())));
            }
        }
    }
    match refused {
        0 => Ok(Exit::Done),
        _ => {
            let what = format!("{refused} of {} files cannot be shared", args.files.len());
            Err(CliError::failed(what, "the lines above say why"))
        }
    }
}

fn check(file: &Path) -> Result<Report, OpenError> {
    session::check(Source::open(file)?, Cleaner::new())
}

fn show(file: &Path, report: &Report) -> Result<(), CliError> {
    let counts = &report.counts;
    print(plain(&format!(
        "{}: {}, {} prompts, {} replies, {} tool calls, {} results, {} lines, {} bytes",
        file.display(),
        report.agent,
        counts.prompts + counts.asides,
        counts.replies,
        counts.calls,
        counts.results,
        report.lines,
        report.bytes,
    )))?;
    for warning in &report.warnings {
        print(plain(&format!(
            "  warning: line {} (byte {}): {}",
            warning.line, warning.offset, warning.what
        )))?;
    }
    if report.more_warnings > 0 {
        print(format!("  and {} more warnings", report.more_warnings))?;
    }
    Ok(())
}
