//! The files that may be sessions: the patterns of the places, followed folder by folder, in parallel.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;

use super::places::{PLACES, Place, Surroundings};

/// What tells whether a file is the one that was read, unchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Bytes.
    pub size: u64,
    /// Time of the last change of its content, in nanoseconds since 1970.
    pub mtime: i64,
    /// Its inode.
    pub inode: u64,
    /// The device of the inode.
    pub device: u64,
}

impl Identity {
    /// That of the file `meta` is of.
    pub fn of(meta: &Metadata) -> Self {
        let mtime = meta.mtime().saturating_mul(1_000_000_000).saturating_add(meta.mtime_nsec());
        Self { size: meta.len(), mtime, inode: meta.ino(), device: meta.dev() }
    }
}

/// A file at a place of sessions.
#[derive(Clone, Debug)]
pub struct Found {
    /// Where it is.
    pub path: PathBuf,
    /// The place it was found at.
    pub place: &'static Place,
    /// As it was when it was found.
    pub identity: Identity,
}

/// All that was found.
#[derive(Debug, Default)]
pub struct Walked {
    /// The files, by path, each once however many paths lead to it.
    pub files: Vec<Found>,
    /// Folders that are there and could not be read: what lies below them is not known.
    pub unread: Vec<PathBuf>,
}

/// Looks at every place.
pub fn find(surroundings: &Surroundings<'_>) -> Walked {
    let unread = Mutex::default();
    let patterns: Vec<(&'static Place, &'static str, PathBuf)> = PLACES
        .iter()
        .flat_map(|place| {
            let folder = place.folder(surroundings);
            place.files.iter().map(move |pattern| (place, *pattern, folder.clone()))
        })
        .collect();
    let mut files: Vec<Found> = patterns
        .into_par_iter()
        .flat_map(|(place, pattern, folder)| Way { place, unread: &unread }.follow(folder, pattern))
        .collect();
    files.par_sort_unstable_by(|a, b| a.path.cmp(&b.path));
    let mut seen = HashSet::with_capacity(files.len());
    files.retain(|found| seen.insert((found.identity.device, found.identity.inode)));
    Walked { files, unread: unread.into_inner().unwrap_or_else(PoisonError::into_inner) }
}

struct Way<'a> {
    place: &'static Place,
    unread: &'a Mutex<Vec<PathBuf>>,
}

impl Way<'_> {
    fn follow(&self, folder: PathBuf, pattern: &str) -> Vec<Found> {
        let (name, rest) = pattern.split_once('/').map_or((pattern, None), |(name, rest)| (name, Some(rest)));
        match rest {
            Some(rest) if !name.contains('*') => self.follow(folder.join(name), rest),
            Some(rest) => {
                let below: Vec<PathBuf> = self.entries(&folder, name);
                below.into_par_iter().flat_map(|folder| self.follow(folder, rest)).collect()
            }
            None if !name.contains('*') => self.file(folder.join(name)).into_iter().collect(),
            None => self.entries(&folder, name).into_par_iter().filter_map(|path| self.file(path)).collect(),
        }
    }

    /// The entries of a folder whose names match; none if there is no such folder.
    fn entries(&self, folder: &Path, name: &str) -> Vec<PathBuf> {
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) => {
                use io::ErrorKind::{NotADirectory, NotFound};
                if !matches!(error.kind(), NotFound | NotADirectory) {
                    self.unread.lock().unwrap_or_else(PoisonError::into_inner).push(folder.to_owned());
                }
                return Vec::new();
            }
        };
        let wanted = |file: &OsStr| {
            matches(name, file.as_bytes()) && !self.place.not.iter().any(|not| matches(not, file.as_bytes()))
        };
        entries.flatten().filter(|entry| wanted(&entry.file_name())).map(|entry| entry.path()).collect()
    }

    fn file(&self, path: PathBuf) -> Option<Found> {
        let meta = fs::metadata(&path).ok().filter(Metadata::is_file)?;
        Some(Found { path, place: self.place, identity: Identity::of(&meta) })
    }
}

/// Whether `name` is as `pattern` says: literal but for at most one `*`.
pub(super) fn matches(pattern: &str, name: &[u8]) -> bool {
    match pattern.split_once('*') {
        None => pattern.as_bytes() == name,
        Some((start, end)) => {
            name.len() >= start.len() + end.len()
                && name.starts_with(start.as_bytes())
                && name.ends_with(end.as_bytes())
        }
    }
}
