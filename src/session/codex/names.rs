//! The names of sessions that Codex keeps in one file for all, `session_index.jsonl` in its home: a line a name,
//! `{"id":…,"thread_name":…}`, of which the last of an id counts.

use std::collections::HashMap;
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use crate::session::json::Obj;

/// Folders of sessions in Codex' home.
const FOLDERS: [&str; 2] = ["sessions", "archived_sessions"];
/// Bytes read of the file, from its end.
const LOOK: u64 = 4 << 20;
/// Length of the id at the end of a session's name.
const ID: usize = 36;

/// Where the name of the session at `path` is kept, and its id.
pub(super) fn place(path: &Path) -> Option<(PathBuf, String)> {
    let stem = path.file_stem()?.to_str()?.strip_prefix("rollout-")?;
    let id = stem.get(stem.len().checked_sub(ID)?..)?;
    let folder =
        path.ancestors().skip(1).take(4).find(|folder| {
            folder.file_name().is_some_and(|name| FOLDERS.iter().any(|known| name == *known))
        })?;
    Some((folder.with_file_name("session_index.jsonl"), id.to_owned()))
}

/// The names in the file at `path`, by id; none if it cannot be read.
pub(super) fn names(path: &Path) -> HashMap<String, String> {
    let read = || {
        let mut file =
            File::open(path).ok().filter(|file| file.metadata().is_ok_and(|meta| meta.is_file()))?;
        let len = file.metadata().ok()?.len();
        file.seek(SeekFrom::Start(len.saturating_sub(LOOK))).ok()?;
        let mut bytes = Vec::new();
        file.take(LOOK).read_to_end(&mut bytes).ok()?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    };
    let lines = read().unwrap_or_default();
    let name = |line| {
        let entry = Obj::parse(line)?;
        let name = entry.text("thread_name")?;
        Some((entry.text("id")?.into_owned(), name.into_owned()))
    };
    lines.lines().filter_map(name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_of_names_is_found_from_where_sessions_lie() {
        let id = "019a2b3c-4d5e-6f70-8192-a3b4c5d6e7f8";
        let of = |folder: &str| place(Path::new(&format!("{folder}/rollout-2026-09-01T10-00-00-{id}.jsonl")));
        let there = Some((PathBuf::from("/h/.codex/session_index.jsonl"), id.to_owned()));
        assert_eq!(of("/h/.codex/sessions/2026/09/01"), there);
        assert_eq!(of("/h/.codex/archived_sessions"), there);
        assert_eq!(of("/h/elsewhere/a/b"), None);
        assert_eq!(place(Path::new("/h/.codex/sessions/2026/09/01/rollout-x.jsonl")), None);
    }
}
