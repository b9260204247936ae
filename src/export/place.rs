//! Where an export goes: it is there whole or not at all, and nothing that was there is touched.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::report::Failure;

/// A path that nothing has.
#[derive(Debug)]
pub struct Place {
    path: PathBuf,
    parent: PathBuf,
}

impl Place {
    /// Looks whether something is there before anything is built for it.
    pub fn new(path: PathBuf) -> Result<Place, Failure> {
        if path.symlink_metadata().is_ok() {
            return Err(taken(&path));
        }
        let parent = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
            _ => PathBuf::from("."),
        };
        if !parent.is_dir() {
            let message = format!(
                "cannot write {}: {} is no folder",
                path.display(),
                parent.display()
            );
            return Err(Failure::new(
                message,
                "make it, or take another place with -o",
            ));
        }
        Ok(Place { path, parent })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Makes a file.
    pub fn file(&self, write: impl FnOnce(&File) -> io::Result<()>) -> Result<(), Failure> {
        let new = tempfile::Builder::new()
            .prefix(".pwb-export-")
            .tempfile_in(&self.parent);
        let new = new.map_err(|error| self.failed(&error))?;
        write(new.as_file())
            .and_then(|()| new.as_file().set_permissions(Permissions::from_mode(0o644)))
            .map_err(|error| self.failed(&error))?;
        match new.persist_noclobber(&self.path) {
            Ok(_) => Ok(()),
            Err(error) => Err(self.failed(&error.error)),
        }
    }

    /// Makes a folder.
    pub fn folder(&self, fill: impl FnOnce(&Path) -> io::Result<()>) -> Result<(), Failure> {
        let new = tempfile::Builder::new()
            .prefix(".pwb-export-")
            .tempdir_in(&self.parent);
        let new = new.map_err(|error| self.failed(&error))?;
        fill(new.path())
            .and_then(|()| fs::set_permissions(new.path(), Permissions::from_mode(0o755)))
            .and_then(|()| fs::rename(new.path(), &self.path))
            .map_err(|error| self.failed(&error))?;
        // It has gone from there.
        let _ = new.keep();
        Ok(())
    }

    fn failed(&self, error: &io::Error) -> Failure {
        match error.kind() {
            io::ErrorKind::AlreadyExists | io::ErrorKind::DirectoryNotEmpty => taken(&self.path),
            _ => Failure::io("write", &self.path, error),
        }
    }
}

fn taken(path: &Path) -> Failure {
    let message = format!(
        "{} is there already, and nothing is overwritten",
        path.display()
    );
    Failure::new(message, "remove it, or take another place with -o")
}
