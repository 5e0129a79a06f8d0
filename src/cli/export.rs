//! `panko export FILE`: a session as one HTML page, as Markdown, or as JSON.

use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use tempfile::NamedTempFile;

use super::{CliError, Exit, ExportArgs, include, which};
use crate::redact::Cleaner;
use crate::render::export::{ExportError, Format, export};
use crate::session::{OpenError, Progress, ReadError, Session, Source};

/// Bytes indexed at a time.
const PIECE: usize = 8 << 20;
/// Steps looked at at a time for the files they changed.
const SURVEYED: usize = 256;

/// The words for formats.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum Wanted {
    /// One page with everything in it.
    Html,
    /// Markdown, for a pull request or an issue.
    Md,
    /// The session as panko understands it.
    Json,
    /// The same, one item a line.
    Jsonl,
}

pub(super) fn run(args: &ExportArgs) -> Result<Exit, CliError> {
    let format = format(args)?;
    let path = which::file(&args.file)?;
    let file = path.display();
    let refused = |error: OpenError| {
        CliError::failed(format!("{file}: {error}"), "`panko sessions` lists the sessions on this machine")
    };
    if args.output.as_ref().is_some_and(|output| is_same(output, &path)) {
        return Err(CliError::usage(
            format!("{file}: the export would take the place of the session"),
            "name another `--output`",
        ));
    }
    let source = Source::open(&path).map_err(refused)?;
    let session = Session::open(source, Cleaner::new()).map_err(refused)?.including(include(&args.include));
    read_through(&session).map_err(|error| CliError::failed(format!("{file}: {error}"), "try again"))?;
    match &args.output {
        Some(output) => to_file(&session, format, output),
        None => to_stdout(&session, format),
    }
}

/// Whether both are one file, by whatever names.
fn is_same(one: &Path, other: &Path) -> bool {
    let [one, other] = [one, other].map(|path| path.metadata().ok().map(|found| (found.dev(), found.ino())));
    one.is_some() && one == other
}

/// All of it, sub-agents too: the head of an export says what the head of the page does.
fn read_through(session: &Session) -> Result<(), ReadError> {
    while session.advance(PIECE)? == Progress::More {}
    while session.survey(SURVEYED)? == Progress::More {}
    Ok(())
}

fn format(args: &ExportArgs) -> Result<Format, CliError> {
    let ending = || args.output.as_ref()?.extension()?.to_str().map(str::to_ascii_lowercase);
    let wanted = args.format.or_else(|| match ending()?.as_str() {
        "html" | "htm" => Some(Wanted::Html),
        "md" | "markdown" => Some(Wanted::Md),
        "json" => Some(Wanted::Json),
        "jsonl" => Some(Wanted::Jsonl),
        _ => None,
    });
    match wanted {
        Some(Wanted::Html) => Ok(Format::Html),
        Some(Wanted::Md) => Ok(Format::Markdown),
        Some(Wanted::Json) => Ok(Format::Json),
        Some(Wanted::Jsonl) => Ok(Format::JsonLines),
        None => Err(CliError::usage(
            "it is not said what to write",
            "add `--format html`, `md`, `json` or `jsonl`",
        )),
    }
}

/// Either the whole export is there, or what was there before.
fn to_file(session: &Session, format: Format, path: &Path) -> Result<Exit, CliError> {
    let failed = |error: &dyn std::fmt::Display| {
        CliError::failed(
            format!("{}: {error}", path.display()),
            "nothing was written; name another `--output`",
        )
    };
    if path.is_dir() {
        return Err(failed(&"this is a folder"));
    }
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    };
    // Private from creation, as a session is: nobody else may read it until its owner says so.
    let mut file = NamedTempFile::new_in(folder).map_err(|error| failed(&error))?;
    let written = write(session, format, file.as_file_mut()).map_err(|error| failed(&error));
    written.and_then(|()| file.as_file().sync_all().map_err(|error| failed(&error)))?;
    file.persist(path).map(|_| Exit::Done).map_err(|error| failed(&error.error))
}

fn write(session: &Session, format: Format, file: &mut File) -> Result<(), ExportError> {
    let mut out = BufWriter::with_capacity(256 << 10, file);
    export(session, format, &mut out)?;
    Ok(out.flush()?)
}

/// A reader that went away (`| head`) is no failure.
fn to_stdout(session: &Session, format: Format) -> Result<Exit, CliError> {
    let mut out = BufWriter::with_capacity(256 << 10, io::stdout().lock());
    let written = export(session, format, &mut out).and_then(|()| Ok(out.flush()?));
    match written {
        Err(ExportError::Write(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Exit::Done),
        Err(error) => Err(CliError::failed(error, "what was printed is not whole")),
        Ok(()) => Ok(Exit::Done),
    }
}
