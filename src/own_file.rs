//! How panko opens what lies in folders of its own: what somebody put in a file's place is neither followed nor waited
//! for.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::OFlags;

/// No symbolic link is followed, and a pipe that nobody reads or writes is not waited for (open(2)).
const FLAGS: i32 = OFlags::NOFOLLOW.union(OFlags::NONBLOCK).bits().cast_signed();

/// Opens `path` as `options` say; it is for this user alone (0600) if that makes it.
///
/// # Errors
/// Those of the system, `ELOOP` for a symbolic link.
pub fn open(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    options.mode(0o600).custom_flags(FLAGS).open(path)
}

/// The same, of nothing but a regular file.
///
/// # Errors
/// Those of [`open()`], and that it is no regular file.
pub fn open_regular(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    let file = open(path, options)?;
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(io::Error::other("it is no regular file: move it away")),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn neither_a_link_nor_a_pipe_nor_a_folder_is_taken_for_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let [file, link, pipe] = ["file", "link", "pipe"].map(|name| folder.path().join(name));
        let read_and_write = || {
            let mut options = OpenOptions::new();
            options.read(true).write(true).create(true).truncate(false);
            options
        };
        open_regular(&file, &mut read_and_write()).unwrap();
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        std::os::unix::fs::symlink(&file, &link).unwrap();
        let mode = rustix::fs::Mode::from_raw_mode(0o600);
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, mode, 0).unwrap();
        for place in [&link, &pipe, &folder.path().to_owned()] {
            for mut options in [read_and_write(), OpenOptions::new().read(true).clone()] {
                open_regular(place, &mut options).unwrap_err();
            }
        }
        open(&pipe, OpenOptions::new().read(true)).unwrap();
        assert!(open(&link, OpenOptions::new().read(true)).is_err());
    }
}
