//! One advisory lock an action: of all pwb processes that share a store, one runs it and the others wait.

use std::fs::File;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::fs;

/// A held lock; dropping it, or the death of the process, lets go.
#[derive(Debug)]
pub struct Lock {
    file: File,
    path: PathBuf,
}

impl Lock {
    /// Waits for the lock that `path` names.
    pub(crate) fn acquire(path: &Path) -> Result<Lock> {
        loop {
            let file = fs::create(path)?;
            file.lock().map_err(Error::io("lock", path))?;
            if let Some(lock) = Lock::still_named(file, path)? {
                return Ok(lock);
            }
        }
    }

    /// Takes the lock if nobody has it.
    pub(crate) fn try_acquire(path: &Path) -> Result<Option<Lock>> {
        let file = fs::create(path)?;
        match file.try_lock() {
            Ok(()) => Lock::still_named(file, path),
            Err(std::fs::TryLockError::WouldBlock) => Ok(None),
            Err(std::fs::TryLockError::Error(error)) => Err(Error::io("lock", path)(error)),
        }
    }

    /// The last holder removes the name: a lock on a file that has lost it excludes nobody.
    fn still_named(file: File, path: &Path) -> Result<Option<Lock>> {
        let held = file.metadata().map_err(Error::io("stat", path))?.ino();
        let named = std::fs::metadata(path).is_ok_and(|found| found.ino() == held);
        Ok(named.then(|| Lock {
            file,
            path: path.to_owned(),
        }))
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Both may fail only where the file is gone already, and then the lock excludes nobody anyway.
        let _ = std::fs::remove_file(&self.path);
        let _ = self.file.unlock();
    }
}
