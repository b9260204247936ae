//! A process's private folder in the store, and the removal of those whose process has died.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::Result;
use crate::fs;
use crate::lock::Lock;

/// A folder below `tmp/` that lives as long as its process: temporary files are made here, on the store's own file
/// system, and renamed out of it.
#[derive(Debug)]
pub struct Session {
    folder: PathBuf,
    serial: AtomicU64,
    _lock: Lock,
}

impl Session {
    /// Starts a session in the store at `root`.
    pub(crate) fn start(root: &Path) -> Result<Session> {
        sweep(root)?;
        let tmp = root.join("tmp");
        let serial = AtomicU64::new(0);
        loop {
            let name = format!(
                "{}-{:x}",
                std::process::id(),
                serial.fetch_add(1, Ordering::Relaxed)
            );
            let folder = tmp.join(&name);
            if let Some(lock) = Lock::try_acquire(&tmp.join(format!("{name}.lock")))? {
                fs::remove_tree(&folder)?;
                fs::create_dir(&folder)?;
                return Ok(Session {
                    folder,
                    serial,
                    _lock: lock,
                });
            }
        }
    }

    /// A path in the session's folder that nothing has used yet.
    pub fn path(&self, what: &str) -> PathBuf {
        self.folder.join(format!(
            "{what}-{}",
            self.serial.fetch_add(1, Ordering::Relaxed)
        ))
    }

    /// A new folder in the session's folder.
    pub fn folder(&self, what: &str) -> Result<PathBuf> {
        let folder = self.path(what);
        fs::create_dir(&folder)?;
        Ok(folder)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // What cannot be removed now is swept by the next session.
        let _ = fs::remove_tree(&self.folder);
    }
}

/// Removes what processes that were killed have left: their folders, and the names of the locks they held.
fn sweep(root: &Path) -> Result<()> {
    let tmp = root.join("tmp");
    for entry in fs::read_dir(&tmp)? {
        let name = entry.file_name().to_string_lossy().into_owned();
        let name = name.trim_end_matches(".lock");
        if let Some(_lock) = Lock::try_acquire(&tmp.join(format!("{name}.lock")))? {
            fs::remove_tree(&tmp.join(name))?;
        }
    }
    for entry in fs::read_dir(&root.join("locks"))? {
        // One that nobody holds goes when it is dropped.
        drop(Lock::try_acquire(&entry.path())?);
    }
    Ok(())
}
