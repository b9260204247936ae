//! Gives all that the command sees the time and the modes that it has on the machine that asks: `make` compares times, and some
//! programs write them down.
//!
//! What is only this action's is changed where it is. A file that is somebody else's too (workers link them from their
//! caches) is left alone, and a copy laid over it.

use std::fs::{self, Metadata, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use crate::{Trouble, sys, trouble};

/// Settles what is below `root`; copies go to `shadow`. True if there are any.
pub fn settle(root: &Path, shadow: &Path, mtime: i64) -> Result<bool, Trouble> {
    let own = fs::metadata(shadow)
        .map_err(|error| trouble("stat", shadow, &error))?
        .uid();
    let mut settler = Settler {
        mtime,
        own,
        copied: false,
    };
    settler.folder(root, shadow)?;
    Ok(settler.copied)
}

struct Settler {
    mtime: i64,
    own: u32,
    copied: bool,
}

impl Settler {
    /// Whether the folder, or something in it, has been copied.
    fn folder(&mut self, at: &Path, shadow: &Path) -> Result<bool, Trouble> {
        let entries = fs::read_dir(at).map_err(|error| trouble("list", at, &error))?;
        let mut copied = false;
        for entry in entries {
            let entry = entry.map_err(|error| trouble("list", at, &error))?;
            let (path, copy) = (entry.path(), shadow.join(entry.file_name()));
            let data = entry
                .metadata()
                .map_err(|error| trouble("stat", &path, &error))?;
            if data.is_dir() {
                copied |= self.folder(&path, &copy)?;
            } else if !self.adopt(&path, &data) {
                self.copy(&path, &copy, &data)
                    .map_err(|error| trouble("copy", &path, &error))?;
                copied = true;
            }
        }
        let data = fs::metadata(at).map_err(|error| trouble("stat", at, &error))?;
        // The copies' folders are seen in the place of those below them.
        if copied || !self.adopt(at, &data) {
            self.copied = true;
            fs::create_dir_all(shadow)
                .and_then(|()| self.mark(shadow, 0o755))
                .map_err(|error| trouble("make", shadow, &error))?;
            return Ok(true);
        }
        Ok(false)
    }

    /// Makes it as it should be, if it is this action's alone.
    fn adopt(&self, path: &Path, data: &Metadata) -> bool {
        let mode = mode_of(data);
        let is_right = data.mtime() == self.mtime && data.mtime_nsec() == 0;
        let is_right = is_right && (data.is_symlink() || data.mode() & 0o7777 == mode);
        if data.uid() != self.own || is_right {
            return is_right && data.uid() == self.own;
        }
        let alone = data.is_dir() || data.nlink() == 1;
        alone
            && if data.is_symlink() {
                sys::set_times(path, self.mtime)
            } else {
                self.mark(path, mode)
            }
            .is_ok()
    }

    fn copy(&self, from: &Path, to: &Path, data: &Metadata) -> io::Result<()> {
        if let Some(folder) = to.parent() {
            fs::create_dir_all(folder)?;
        }
        if data.is_symlink() {
            std::os::unix::fs::symlink(fs::read_link(from)?, to)?;
            return sys::set_times(to, self.mtime);
        }
        fs::copy(from, to)?;
        self.mark(to, mode_of(data))
    }

    fn mark(&self, path: &Path, mode: u32) -> io::Result<()> {
        fs::set_permissions(path, Permissions::from_mode(mode))?;
        sys::set_times(path, self.mtime)
    }
}

fn mode_of(data: &Metadata) -> u32 {
    match data.is_dir() {
        true => 0o755,
        false if data.mode() & 0o111 != 0 => 0o555,
        false => 0o444,
    }
}
