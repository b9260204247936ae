//! The file-system calls pwb makes, each with its path in the error, and the removal of a folder whatever its modes.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::{PermissionsExt, symlink as unix_symlink};
use std::path::{Path, PathBuf};

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

/// fsync(2): returns once the file's contents cannot be lost.
pub fn sync(path: &Path) -> Result<()> {
    open(path)?.sync_all().map_err(Error::io("sync", path))
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
pub fn read_link(path: &Path) -> Result<PathBuf> {
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

/// Gives a file a second name.
pub fn hard_link(file: &Path, name: &Path) -> Result<()> {
    fs::hard_link(file, name).map_err(Error::io("link", name))
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
/// `chmod`, an overlay's work folder), however deep they lie.
pub fn remove_tree(path: &Path) -> Result<()> {
    match fs::symlink_metadata(path) {
        Ok(data) if data.is_dir() => {}
        _ => return remove_file(path),
    }
    let mut deep = Deep {
        longest: path.as_os_str().len() + LONGEST,
        beside: path.with_added_extension("deep"),
        moved: 0,
    };
    deep.empty(path)?;
    remove_dir(path)?;
    let mut next = 0;
    while next < deep.moved {
        let folder = deep.place(next);
        deep.empty(&folder)?;
        remove_dir(&folder)?;
        next += 1;
    }
    remove_dir(&deep.beside)
}

/// How much longer, in bytes, a path may become on the way down.
const LONGEST: usize = 1024;

/// The folders of a tree that lie too deep for a path, or for a function that calls itself: they are moved beside it.
struct Deep {
    longest: usize,
    beside: PathBuf,
    moved: usize,
}

impl Deep {
    /// Removes what is in a folder.
    fn empty(&mut self, folder: &Path) -> Result<()> {
        let list = || -> io::Result<Vec<(PathBuf, bool)>> {
            let entries = fs::read_dir(folder)?.map(|entry| {
                let entry = entry?;
                Ok((entry.path(), entry.file_type()?.is_dir()))
            });
            entries.collect()
        };
        for (path, is_folder) in permitted(folder, list).map_err(Error::io("list", folder))? {
            if !is_folder {
                permitted(folder, || absent_is_fine(fs::remove_file(&path)))
                    .map_err(Error::io("remove", &path))?;
            } else if path.as_os_str().len() > self.longest {
                self.move_away(folder, &path)?;
            } else {
                self.empty(&path)?;
                permitted(folder, || absent_is_fine(fs::remove_dir(&path)))
                    .map_err(Error::io("remove", &path))?;
            }
        }
        Ok(())
    }

    fn move_away(&mut self, above: &Path, folder: &Path) -> Result<()> {
        if self.moved == 0 {
            // A removal that was killed has left folders there, and nothing can be moved onto one.
            remove_tree(&self.beside)?;
            create_dir_all(&self.beside)?;
        }
        // The folder above it is written in it.
        chmod(folder, 0o700)?;
        permitted(above, || fs::rename(folder, self.place(self.moved)))
            .map_err(Error::io("move", folder))?;
        self.moved += 1;
        Ok(())
    }

    fn place(&self, number: usize) -> PathBuf {
        self.beside.join(number.to_string())
    }
}

/// Does something in a folder, which is opened up if that is not permitted.
fn permitted<T>(folder: &Path, what: impl Fn() -> io::Result<T>) -> io::Result<T> {
    match what() {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            fs::set_permissions(folder, Permissions::from_mode(0o700))?;
            what()
        }
        other => other,
    }
}

fn remove_dir(path: &Path) -> Result<()> {
    absent_is_fine(fs::remove_dir(path)).map_err(Error::io("remove", path))
}

fn absent_is_fine(outcome: io::Result<()>) -> io::Result<()> {
    match outcome {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_tree_can_be_removed_and_what_its_links_lead_to_stays() {
        let base = tempfile::tempdir().unwrap();
        let (tree, outside) = (base.path().join("tree"), base.path().join("outside"));
        create_dir_all(&tree.join("a/closed")).unwrap();
        create_dir(&outside).unwrap();
        write(&outside.join("kept"), b"").unwrap();
        write(&tree.join("a/closed/file"), b"").unwrap();
        symlink(outside.to_str().unwrap(), &tree.join("a/link")).unwrap();
        chmod(&tree.join("a/closed"), 0).unwrap();
        chmod(&tree.join("a"), 0o500).unwrap();
        go_deep(&tree);
        remove_tree(&tree).unwrap();
        remove_tree(&tree).unwrap();
        let left: Vec<_> = read_dir(base.path()).unwrap();
        assert_eq!(left.len(), 1, "{left:?}");
        assert!(outside.join("kept").exists());
        // A link is removed, not what it leads to.
        symlink(outside.to_str().unwrap(), &tree).unwrap();
        remove_tree(&tree).unwrap();
        assert!(!tree.is_symlink() && outside.join("kept").exists());
    }

    /// Makes folders deeper than a path can tell, and than there are files that may be open.
    fn go_deep(folder: &Path) {
        let mut at = File::open(folder).unwrap();
        for _ in 0..1500 {
            rustix::fs::mkdirat(&at, "deep", 0o700.into()).unwrap();
            let flags = rustix::fs::OFlags::DIRECTORY;
            at = rustix::fs::openat(&at, "deep", flags, 0.into())
                .unwrap()
                .into();
        }
    }

    #[test]
    fn a_removal_that_was_killed_is_gone_on_with() {
        let base = tempfile::tempdir().unwrap();
        let tree = base.path().join("tree");
        create_dir(&tree).unwrap();
        go_deep(&tree);
        for left in ["0/below", "7/below"] {
            create_dir_all(&base.path().join("tree.deep").join(left)).unwrap();
        }
        remove_tree(&tree).unwrap();
        let left = read_dir(base.path()).unwrap();
        assert!(left.is_empty(), "{left:?}");
    }
}
