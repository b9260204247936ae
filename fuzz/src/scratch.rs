//! Folders in memory, for what has to be a file.

use std::path::Path;

use tempfile::TempDir;

/// An empty folder, on a file system without a disk where there is one.
pub(crate) fn folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    match memory.is_dir() {
        true => tempfile::tempdir_in(memory),
        false => tempfile::tempdir(),
    }
    .unwrap()
}
