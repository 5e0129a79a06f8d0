//! Where to read on in a file that has only grown since it was read through, and how that is told.

use std::fs::File;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;

use crate::session::Resume;

/// Bytes looked at, at the beginning of the file and before the place.
const LOOK: usize = 4096;

/// A place to read on from, with what tells that the file before it is still the same.
#[derive(Clone, Copy, Debug)]
pub(super) struct Start {
    pub at: Resume,
    pub check: [u8; 32],
}

impl Start {
    /// The place `at` in the file at `path`.
    pub fn at(path: &Path, at: Resume) -> Option<Self> {
        let check = check(&File::open(path).ok()?, at.offset)?;
        Some(Self { at, check })
    }

    /// The file at `path`, if it is the one this place is in.
    pub fn of(&self, path: &Path) -> Option<File> {
        let file = File::open(path).ok()?;
        (check(&file, self.at.offset)? == self.check).then_some(file)
    }
}

/// Of which file, how it begins, and what stands before `offset` (agents append; who edits a session writes it
/// anew, or changes its length).
fn check(file: &File, offset: u64) -> Option<[u8; 32]> {
    let meta = file.metadata().ok()?;
    let mut hasher = blake3::Hasher::new();
    for number in [meta.dev(), meta.ino(), offset] {
        hasher.update(&number.to_le_bytes());
    }
    let len = usize::try_from(offset).ok()?.min(LOOK);
    let mut bytes = vec![0; len];
    for from in [0, offset - len as u64] {
        file.read_exact_at(&mut bytes, from).ok()?;
        hasher.update(&bytes);
    }
    Some(*hasher.finalize().as_bytes())
}
