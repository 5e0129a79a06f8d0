//! A lock on an open file (`flock(2)`) that ends when it is dropped.
//!
//! Closing the file would not do: the lock belongs to the open file, and a child that was forked by another thread at
//! that moment has it open too, until it executes its program. The kernel ends the lock of a process that dies.

use std::fs::{File, TryLockError};
use std::io;

/// The lock of this process on a file.
#[derive(Debug)]
pub struct Flock(File);

impl Flock {
    /// Takes the lock; `None` when somebody else has one.
    ///
    /// # Errors
    /// What the system says.
    pub fn take(file: File) -> io::Result<Option<Self>> {
        answered(file.try_lock()).map(|free| free.then(|| Self(file)))
    }

    /// Takes the lock once it is free.
    ///
    /// # Errors
    /// What the system says.
    pub fn wait(file: File) -> io::Result<Self> {
        file.lock().map(|()| Self(file))
    }

    /// Whether somebody has the lock.
    ///
    /// # Errors
    /// What the system says.
    pub fn is_taken(file: File) -> io::Result<bool> {
        // Shared, so that two who ask do not take each other for a holder.
        let free = answered(file.try_lock_shared())?;
        drop(free.then(|| Self(file)));
        Ok(!free)
    }

    /// The file that is locked.
    pub fn file(&mut self) -> &mut File {
        &mut self.0
    }
}

impl Drop for Flock {
    fn drop(&mut self) {
        // Fails for no file that was locked; closing it is what is left.
        let _ = self.0.unlock();
    }
}

/// Whether the lock was free.
fn answered(tried: Result<(), TryLockError>) -> io::Result<bool> {
    match tried {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use std::process::{Child, Command, Stdio};

    use super::*;

    /// A process that has the very same open file, as a child has that was just forked.
    fn forked(file: &File) -> Child {
        let file = file.try_clone().unwrap();
        Command::new("cat").stdin(Stdio::piped()).stdout(file).spawn().unwrap()
    }

    #[test]
    fn a_lock_ends_with_its_holder_though_a_child_has_the_file_open() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let open =
            || File::options().read(true).write(true).create(true).truncate(false).open(&path).unwrap();

        let mut lock = Flock::take(open()).unwrap().unwrap();
        let mut child = forked(lock.file());
        assert!(Flock::is_taken(open()).unwrap());
        assert!(Flock::take(open()).unwrap().is_none());
        drop(lock);
        assert!(!Flock::is_taken(open()).unwrap());

        let asked = open();
        let mut other = forked(&asked);
        assert!(!Flock::is_taken(asked).unwrap());
        assert!(Flock::take(open()).unwrap().is_some(), "who only asked leaves no lock behind");
        for child in [&mut child, &mut other] {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }
}
