//! The file-system calls pwb makes, each with its path in the error, and the removal of a folder whatever its modes.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::{PermissionsExt, symlink as unix_symlink};
use std::path::Path;

use crate::error::{Error, Result};

/// Reads a whole file.
pub fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).map_err(Error::io("read", path))
}

/// Writes a whole file.
pub fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    fs::write(path, bytes).map_err(Error::io("write", path))
}

/// Makes a folder and those above it.
pub fn create_dir_all(path: &Path) -> Result<()> {
    fs::create_dir_all(path).map_err(Error::io("create the folder", path))
}

/// Makes one folder.
pub fn create_dir(path: &Path) -> Result<()> {
    fs::create_dir(path).map_err(Error::io("create the folder", path))
}

/// Creates or truncates a file.
pub fn create(path: &Path) -> Result<File> {
    File::create(path).map_err(Error::io("create", path))
}

/// Opens a file for reading.
pub fn open(path: &Path) -> Result<File> {
    File::open(path).map_err(Error::io("open", path))
}

/// Renames `from` to `to`, which it replaces.
pub fn rename(from: &Path, to: &Path) -> Result<()> {
    fs::rename(from, to).map_err(Error::io("rename to", to))
}

/// Copies a file's contents and mode.
pub fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::copy(from, to)
        .map(drop)
        .map_err(Error::io("copy to", to))
}

/// Makes a symbolic link at `path`.
pub fn symlink(target: &str, path: &Path) -> Result<()> {
    unix_symlink(target, path).map_err(Error::io("make the link", path))
}

/// Reads a symbolic link's target.
pub fn read_link(path: &Path) -> Result<std::path::PathBuf> {
    fs::read_link(path).map_err(Error::io("read the link", path))
}

/// What is at `path`, links not followed.
pub fn metadata(path: &Path) -> Result<fs::Metadata> {
    fs::symlink_metadata(path).map_err(Error::io("stat", path))
}

/// A folder's entries, in no order.
pub fn read_dir(path: &Path) -> Result<Vec<fs::DirEntry>> {
    fs::read_dir(path)
        .and_then(Iterator::collect)
        .map_err(Error::io("list", path))
}

/// Sets a path's permission bits.
pub fn chmod(path: &Path, mode: u32) -> Result<()> {
    fs::set_permissions(path, Permissions::from_mode(mode))
        .map_err(Error::io("change the mode of", path))
}

/// Removes a file, if it is there.
pub fn remove_file(path: &Path) -> Result<()> {
    absent_is_fine(fs::remove_file(path)).map_err(Error::io("remove", path))
}

/// Removes a folder and all below it, if it is there, through folders that nobody may list or write (a build's own
/// `chmod`, an overlay's work folder).
pub fn remove_tree(path: &Path) -> Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            open_up(path)?;
            absent_is_fine(fs::remove_dir_all(path)).map_err(Error::io("remove", path))
        }
        other => absent_is_fine(other).map_err(Error::io("remove", path)),
    }
}

fn open_up(folder: &Path) -> Result<()> {
    chmod(folder, 0o700)?;
    for entry in read_dir(folder)? {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            open_up(&entry.path())?;
        }
    }
    Ok(())
}

fn absent_is_fine(outcome: io::Result<()>) -> io::Result<()> {
    match outcome {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}
