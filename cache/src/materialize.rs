//! A tree becomes a folder of hard links, once.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{OnceLock, PoisonError};

use rayon::prelude::*;

use crate::digest::Digest;
use crate::directory::{Entry, TreeDigest};
use crate::error::{Error, Result};
use crate::fs;
use crate::lock::Lock;
use crate::store::{Store, normalize, set_mtime};

impl Store {
    /// The folder where this tree is, if it has been materialized and is known to be whole.
    pub fn materialized(&self, tree: TreeDigest) -> Result<Option<PathBuf>> {
        let folder = self.tree_path(tree);
        let known = folder.is_dir() && self.index.has_tree(tree, boot()?)?;
        Ok(known.then_some(folder))
    }

    /// The folder where this tree is, read-only by convention: its files are hard links into the content store.
    ///
    /// [`Error::Missing`] names an object that is not in the store; the caller drops the result that promised it.
    pub fn materialize(&self, tree: TreeDigest) -> Result<PathBuf> {
        self.pin_trees(&[tree])?;
        if let Some(folder) = self.materialized(tree)? {
            return Ok(folder);
        }
        let folder = self.tree_path(tree);
        let _lock = Lock::acquire(
            &self
                .root()
                .join("locks")
                .join(format!("tree-{}", tree.digest().hex())),
        )?;
        if let Some(folder) = self.materialized(tree)? {
            return Ok(folder);
        }
        self.bring(tree)?;
        let temporary = self.session()?.path("tree");
        self.link_directory(tree, &temporary)?;
        // A row must not vouch for a folder that is only being put in place, not even once power is lost.
        if self.index.forget_tree(tree)? {
            self.sync()?;
        }
        fs::remove_tree(&folder)?;
        fs::rename(&temporary, &folder)?;
        self.index.put_tree(tree, boot()?)?;
        self.unsynced_trees
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(tree);
        Ok(folder)
    }

    pub(crate) fn tree_path(&self, tree: TreeDigest) -> PathBuf {
        self.root().join("trees").join(tree.digest().hex())
    }

    fn link_directory(&self, tree: TreeDigest, folder: &Path) -> Result<()> {
        let directory = self.decoded(tree)?;
        fs::create_dir(folder)?;
        directory.entries.par_iter().try_for_each(|(name, entry)| {
            let path = folder.join(name);
            match entry {
                Entry::File { digest, executable } => self.link_file(*digest, *executable, &path),
                Entry::Directory(tree) => self.link_directory(*tree, &path),
                Entry::Symlink(target) => {
                    fs::symlink(target, &path)?;
                    set_mtime(&path)
                }
            }
        })?;
        set_mtime(folder)
    }

    fn link_file(&self, digest: Digest, executable: bool, path: &Path) -> Result<()> {
        let object = self.cas_path(digest, executable);
        if !self.has_file(digest, executable) {
            self.copy_other_mode(digest, executable, &object)?;
        }
        match std::fs::hard_link(&object, path) {
            Err(error) if error.kind() == io::ErrorKind::TooManyLinks => {
                copy(&object, path, executable)
            }
            other => other.map_err(Error::io("link", path)),
        }
    }

    /// Makes the object from the one of the same contents and the other mode.
    fn copy_other_mode(&self, digest: Digest, executable: bool, object: &Path) -> Result<()> {
        if !self.has_file(digest, !executable) {
            return Err(self.discard(digest)?);
        }
        let temporary = self.session()?.path("file");
        copy(&self.cas_path(digest, !executable), &temporary, executable)?;
        fs::rename(&temporary, object)
    }
}

fn copy(from: &Path, to: &Path, executable: bool) -> Result<()> {
    std::fs::copy(from, to).map_err(Error::io("copy to", to))?;
    normalize(to, executable)
}

/// This boot's identity: a folder that was made but not synced is trusted until the machine goes down.
fn boot() -> Result<&'static str> {
    static BOOT: OnceLock<String> = OnceLock::new();
    if let Some(boot) = BOOT.get() {
        return Ok(boot);
    }
    let bytes = fs::read(Path::new("/proc/sys/kernel/random/boot_id"))?;
    Ok(BOOT.get_or_init(|| String::from_utf8_lossy(&bytes).trim().to_owned()))
}
