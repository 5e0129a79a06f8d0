//! What commands print, and where: results to standard output, words for people to standard error.

use std::io::{self, Write};

use super::CliError;

/// Prints a line of results. A reader that went away (`| head`) is no failure.
pub(super) fn print(line: impl AsRef<str>) -> Result<(), CliError> {
    match writeln!(io::stdout(), "{}", line.as_ref()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(CliError::failed(format!("cannot write to standard output: {error}"), ""))
        }
        _ => Ok(()),
    }
}

/// Prints a line for people.
pub(super) fn tell(line: impl AsRef<str>) {
    // Nowhere to complain if this fails.
    let _ = writeln!(io::stderr(), "{}", line.as_ref());
}
