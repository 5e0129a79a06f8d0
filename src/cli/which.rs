//! Which session is meant: a file, or an id as `panko sessions` shows them.

use std::path::{Path, PathBuf};

use super::{CliError, sessions};
use crate::session::discovery::{id, is_like_id};

/// Ids listed where several are meant.
const LISTED: usize = 5;

/// The file that `asked` names: itself if there is one of that name, else the session whose id begins so.
///
/// # Errors
/// When it looks like an id, and no session or more than one has it.
pub(super) fn file(asked: &Path) -> Result<PathBuf, CliError> {
    let Some(text) = asked.to_str().filter(|text| is_like_id(text) && !asked.exists()) else {
        return Ok(asked.to_owned());
    };
    let files = sessions::walked()?.files;
    chosen(text, files.into_iter().map(|found| found.path))
}

/// The one of `paths` whose id begins with `text`.
fn chosen(text: &str, paths: impl Iterator<Item = PathBuf>) -> Result<PathBuf, CliError> {
    let found: Vec<(String, PathBuf)> =
        paths.map(|path| (id(&path), path)).filter(|(id, _)| id.starts_with(text)).collect();
    match &found[..] {
        [(_, path)] => Ok(path.clone()),
        [] => Err(CliError::failed(
            format!("there is no file {text} here, and no session of that id on this machine"),
            "`panko sessions` lists the sessions with their ids",
        )),
        several => {
            let ids: Vec<&str> = several.iter().take(LISTED).map(|(id, _)| id.as_str()).collect();
            Err(CliError::failed(
                format!("the ids of {} sessions begin with {text}: {}", several.len(), ids.join(", ")),
                "name one by more of its id, or by its path",
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_session_is_chosen_or_it_is_said_why_not() {
        let paths = || (0..5_000).map(|no| PathBuf::from(format!("/sessions/{no}.jsonl")));
        let wanted = Path::new("/sessions/7.jsonl");
        assert_eq!(chosen(&id(wanted), paths()).unwrap(), wanted);
        // Of so many, some begin alike.
        let four = |path: &PathBuf| id(path)[..4].to_owned();
        let several = paths()
            .map(|path| four(&path))
            .find(|start| paths().filter(|path| four(path) == *start).count() > 1);
        let start = several.unwrap();
        let error = chosen(&start, paths()).unwrap_err();
        let ids: Vec<String> = paths().map(|path| id(&path)).filter(|id| id.starts_with(&start)).collect();
        assert!(ids.iter().take(LISTED).all(|id| error.what.contains(id)), "{error:?} {ids:?}");
        assert!(error.remedy.contains("more of its id"), "{error:?}");
        let error = chosen("0000000000000000", paths()).unwrap_err();
        assert!(error.what.contains("no session of that id"), "{error:?}");
    }
}
