//! Deletes a tree that holds directories which its owner may not read: overlayfs' work directory (mode 000), read-only inputs.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Deletes `path` and all below it, links not followed; a path that does not exist is fine.
///
/// # Errors
/// The first file that cannot be deleted, with its path.
pub fn remove_tree(path: &Path) -> io::Result<()> {
    match remove(path) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            unlock(path).map_err(|(at, error)| named(&at, &error))?;
            remove(path).map_err(|error| named(path, &error))
        }
        other => other.map_err(|error| named(path, &error)),
    }
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(file) if file.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// Gives every directory back to its owner, parents first.
fn unlock(path: &Path) -> Result<(), (std::path::PathBuf, io::Error)> {
    let blame = |error| (path.to_owned(), error);
    if !fs::symlink_metadata(path).map_err(blame)?.is_dir() {
        return Ok(());
    }
    fs::set_permissions(path, Permissions::from_mode(0o700)).map_err(blame)?;
    for entry in fs::read_dir(path).map_err(blame)? {
        unlock(&entry.map_err(blame)?.path())?;
    }
    Ok(())
}

fn named(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(
        error.kind(),
        format!("cannot remove {}: {error}", path.display()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn removes_locked_directories_and_spares_what_links_point_to() {
        let base = tempfile::tempdir().unwrap();
        let (tree, outside) = (base.path().join("tree"), base.path().join("outside"));
        fs::create_dir_all(tree.join("a/b")).unwrap();
        fs::create_dir(&outside).unwrap();
        fs::write(outside.join("kept"), "").unwrap();
        fs::write(tree.join("a/b/file"), "").unwrap();
        std::os::unix::fs::symlink(&outside, tree.join("a/link")).unwrap();
        for (directory, mode) in [("a/b", 0o000), ("a", 0o555)] {
            fs::set_permissions(tree.join(directory), Permissions::from_mode(mode)).unwrap();
        }
        remove_tree(&tree).unwrap();
        assert!(!tree.exists());
        assert!(outside.join("kept").exists());
        remove_tree(&tree).unwrap();
    }
}
