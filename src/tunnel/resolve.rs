//! Finds a tunnel client's program and says, before anything is started, why it could not run.
//!
//! Blocking file look-ups. A file that passes may still fail to start (another machine's binary, a missing
//! interpreter): that shows as the tunnel's exit.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use thiserror::Error;

/// Why a program cannot be run.
#[derive(Debug, Error)]
pub enum ResolveError {
    /// Nowhere on PATH.
    #[error("{name} is not installed: no folder of PATH holds it")]
    Missing {
        /// As looked up.
        name: String,
    },
    /// The path given does not exist.
    #[error("{} does not exist", path.display())]
    NoSuchFile {
        /// As given.
        path: PathBuf,
    },
    /// The path given is relative: the daemon's folder is not the client's.
    #[error("{} is not an absolute path", path.display())]
    Relative {
        /// As given.
        path: PathBuf,
    },
    /// A folder.
    #[error("{} is a directory", path.display())]
    Directory {
        /// The folder.
        path: PathBuf,
    },
    /// Not a regular file: a device, a pipe, a socket.
    #[error("{} is not a regular file", path.display())]
    NotAFile {
        /// The path.
        path: PathBuf,
    },
    /// No permission to execute it.
    #[error("{} is not executable", path.display())]
    NotExecutable {
        /// The file.
        path: PathBuf,
    },
    /// Neither a binary nor a script with a `#!` line. Checked here because the C library hands such a file to
    /// `/bin/sh`, which would run garbage as commands.
    #[error("{} is neither a program nor a script with a #! line", path.display())]
    NotAProgram {
        /// The file.
        path: PathBuf,
    },
    /// It could not be looked at.
    #[error("cannot look at {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl ResolveError {
    /// What a person can do; `install` is the provider's own advice.
    pub fn remedy(&self, install: &str) -> String {
        match self {
            Self::Missing { .. } | Self::NoSuchFile { .. } => install.to_owned(),
            Self::Relative { .. } => "give the whole path, beginning with /".to_owned(),
            Self::NotExecutable { path } => format!("chmod +x {}", path.display()),
            Self::Directory { .. } | Self::NotAFile { .. } => "name the program itself".to_owned(),
            Self::NotAProgram { .. } => format!("the file looks damaged or incomplete: {install}"),
            Self::Io { .. } => "check the permissions of the folders above it".to_owned(),
        }
    }
}

/// Finds `name`: at `given` when the client named a path, as it is when `name` is itself a path, else on `path_var`.
///
/// Like a shell, a PATH entry that could not run is passed over for a later one that can; unlike a shell, the reason is
/// kept when none can.
///
/// # Errors
/// Why there is nothing to run.
pub fn resolve(name: &str, given: Option<&Path>, path_var: Option<&OsStr>) -> Result<PathBuf, ResolveError> {
    let given = given.or_else(|| name.contains('/').then(|| Path::new(name)));
    if let Some(path) = given {
        return match path.is_absolute() {
            true => check(path).map(|()| path.to_owned()),
            false => Err(ResolveError::Relative { path: path.to_owned() }),
        };
    }
    let mut first_reason = None;
    for folder in std::env::split_paths(path_var.unwrap_or_default()).filter(|folder| folder.is_absolute()) {
        let path = folder.join(name);
        match check(&path) {
            Ok(()) => return Ok(path),
            Err(ResolveError::NoSuchFile { .. }) => {}
            Err(reason) => first_reason = first_reason.or(Some(reason)),
        }
    }
    Err(first_reason.unwrap_or_else(|| ResolveError::Missing { name: name.to_owned() }))
}

fn check(path: &Path) -> Result<(), ResolveError> {
    let path_buf = || path.to_owned();
    let looked = fs::metadata(path).map_err(|source| match source.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
            ResolveError::NoSuchFile { path: path_buf() }
        }
        _ => ResolveError::Io { path: path_buf(), source },
    })?;
    if looked.is_dir() {
        return Err(ResolveError::Directory { path: path_buf() });
    }
    if !looked.is_file() {
        return Err(ResolveError::NotAFile { path: path_buf() });
    }
    // The mode as well as access(2): root may "access" what nobody may execute.
    let may = rustix::fs::access(path, rustix::fs::Access::EXEC_OK).is_ok();
    if looked.permissions().mode() & 0o111 == 0 || !may {
        return Err(ResolveError::NotExecutable { path: path_buf() });
    }
    match first_bytes(path) {
        Ok(magic) if runs(&magic) => Ok(()),
        Ok(_) => Err(ResolveError::NotAProgram { path: path_buf() }),
        // Executable but not readable is allowed.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
        Err(source) => Err(ResolveError::Io { path: path_buf(), source }),
    }
}

fn first_bytes(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(7).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// ELF, a script, or Mach-O (thin and universal, both byte orders).
fn runs(magic: &[u8]) -> bool {
    const MACH_O: [[u8; 4]; 6] = [
        [0xfe, 0xed, 0xfa, 0xce],
        [0xfe, 0xed, 0xfa, 0xcf],
        [0xce, 0xfa, 0xed, 0xfe],
        [0xcf, 0xfa, 0xed, 0xfe],
        [0xca, 0xfe, 0xba, 0xbe],
        [0xca, 0xfe, 0xba, 0xbf],
    ];
    // Class (32 or 64 bits), byte order, and the one version there is: a kernel runs nothing else.
    let elf = matches!(magic, [0x7f, b'E', b'L', b'F', 1 | 2, 1 | 2, 1, ..]);
    elf || magic.starts_with(b"#!") || MACH_O.iter().any(|known| magic.starts_with(known))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(folder: &Path, name: &str, contents: &[u8], mode: u32) -> PathBuf {
        let path = folder.join(name);
        fs::write(&path, contents).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    #[test]
    fn every_way_a_program_cannot_run_has_its_own_error() {
        let folder = tempfile::tempdir().unwrap();
        let on_path = |name: &str| resolve(name, None, Some(folder.path().as_os_str()));
        put(folder.path(), "mode-000", b"#!/bin/sh\n", 0o000);
        put(folder.path(), "garbage", b"\x00\x01\x02\x03", 0o755);
        put(folder.path(), "empty", b"", 0o755);
        put(folder.path(), "no-elf", b"\x7fELF\x09\x09\x09\x09", 0o755);
        fs::create_dir(folder.path().join("folder")).unwrap();
        let good = put(folder.path(), "good", b"#!/bin/sh\n", 0o755);

        assert!(matches!(on_path("missing"), Err(ResolveError::Missing { .. })));
        assert!(matches!(on_path("mode-000"), Err(ResolveError::NotExecutable { .. })));
        assert!(matches!(on_path("garbage"), Err(ResolveError::NotAProgram { .. })));
        assert!(matches!(on_path("no-elf"), Err(ResolveError::NotAProgram { .. })));
        assert!(matches!(on_path("empty"), Err(ResolveError::NotAProgram { .. })));
        assert!(matches!(on_path("folder"), Err(ResolveError::Directory { .. })));
        assert_eq!(on_path("good").unwrap(), good);
        assert_eq!(resolve("cloudflared", Some(&good), None).unwrap(), good);
        let gone = folder.path().join("gone");
        assert!(matches!(resolve("x", Some(&gone), None), Err(ResolveError::NoSuchFile { .. })));
        assert!(matches!(resolve("./x", None, None), Err(ResolveError::Relative { .. })));
        assert!(matches!(resolve("/dev/null", None, None), Err(ResolveError::NotAFile { .. })));
        assert!(resolve("panko-test-binary", Some(&std::env::current_exe().unwrap()), None).is_ok());
    }

    #[test]
    fn a_later_folder_of_path_may_hold_one_that_runs() {
        let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        put(first.path(), "client", b"#!/bin/sh\n", 0o644);
        let good = put(second.path(), "client", b"#!/bin/sh\n", 0o755);
        let path = std::env::join_paths(["relative".as_ref(), first.path(), second.path()]).unwrap();
        assert_eq!(resolve("client", None, Some(&path)).unwrap(), good);
    }
}
