//! A process's private folder in the store, and the removal of those whose process has died.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::error::Result;
use crate::fs;
use crate::gate::Passage;
use crate::lock::Lock;
use crate::pin::{Pin, Pins};

/// A folder below `tmp/` that lives as long as its process: temporary files are made here, on the store's own file
/// system, and renamed out of it.
#[derive(Debug)]
pub struct Session {
    folder: PathBuf,
    serial: AtomicU64,
    pins: Mutex<Pins>,
    serving: AtomicBool,
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
                    pins: Mutex::new(Pins::new(&folder)),
                    serving: AtomicBool::new(false),
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

    /// Says that this process never ends: it relies on what it was asked for lately, and not on all it ever saw.
    pub fn serve(&self) {
        self.serving.store(true, Ordering::Relaxed);
    }

    /// Whether all that these stand for is kept until the process ends.
    pub(crate) fn has_pinned(&self, what: &[Pin]) -> bool {
        let pins = self.pins.lock().unwrap_or_else(PoisonError::into_inner);
        pins.has(what, self.serving.load(Ordering::Relaxed))
    }

    /// Keeps what these stand for in the store, as far as it is there, until the process ends.
    pub(crate) fn pin(&self, passage: &Passage<'_>, what: &[Pin]) -> Result<()> {
        let mut pins = self.pins.lock().unwrap_or_else(PoisonError::into_inner);
        pins.add(passage, what, self.serving.load(Ordering::Relaxed))
    }

    /// A new folder in the session's folder.
    pub fn folder(&self, what: &str) -> Result<PathBuf> {
        let folder = self.path(what);
        fs::create_dir(&folder)?;
        Ok(folder)
    }

    /// Removes what is in the session's folder under this name.
    pub(crate) fn clear(&self, what: &str) -> Result<()> {
        for entry in fs::read_dir(&self.folder)? {
            if entry.file_name().to_string_lossy().starts_with(what) {
                fs::remove_tree(&entry.path())?;
            }
        }
        Ok(())
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // What cannot be removed now is swept by the next session.
        let _ = fs::remove_tree(&self.folder);
    }
}

/// Removes what processes that were killed have left: their folders, and the names of the locks they held.
pub(crate) fn sweep(root: &Path) -> Result<()> {
    let tmp = root.join("tmp");
    for entry in fs::read_dir(&tmp)? {
        let file = entry.file_name().to_string_lossy().into_owned();
        // What lies beside a folder while that is removed (see fs.rs) is under its lock too.
        let name = file.split('.').next().unwrap_or(&file);
        if let Some(_lock) = Lock::try_acquire(&tmp.join(format!("{name}.lock")))? {
            fs::remove_tree(&tmp.join(name))?;
            if !file.ends_with(".lock") {
                fs::remove_tree(&entry.path())?;
            }
        }
    }
    for entry in fs::read_dir(&root.join("locks"))? {
        // One that nobody holds goes when it is dropped.
        drop(Lock::try_acquire(&entry.path())?);
    }
    Ok(())
}
