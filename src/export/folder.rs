//! A folder of one's own: copies that may be written to, and no links into the store.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use pwb_cache::Entry;

use super::contents::Contents;

/// Copies the contents into an empty folder.
pub fn fill(contents: &Contents, folder: &Path) -> io::Result<()> {
    for (path, entry) in &contents.entries {
        let to = folder.join(path);
        match entry {
            Entry::Directory(_) => fs::create_dir(&to)?,
            Entry::Symlink(target) => symlink(target, &to)?,
            Entry::File { executable, .. } => {
                io::copy(&mut contents.open(path)?, &mut fs::File::create_new(&to)?)?;
                let mode = if *executable { 0o755 } else { 0o644 };
                fs::set_permissions(&to, Permissions::from_mode(mode))?;
            }
        }
    }
    Ok(())
}
