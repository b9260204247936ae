//! A tree becomes a folder of hard links, once.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{MutexGuard, OnceLock, PoisonError};

use rayon::prelude::*;

use crate::crew;
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
        for (digest, executable) in self.bring(tree)? {
            self.copy_other_mode(digest, executable)?;
        }
        let temporary = self.session()?.path("tree");
        crew::start()?;
        self.link_directory(tree, &temporary)?;
        // A row must not vouch for a folder that is only being put in place, not even once power is lost.
        if self.index.forget_tree(tree)? {
            self.sync()?;
        }
        fs::remove_tree(&folder)?;
        fs::rename(&temporary, &folder)?;
        self.index.put_tree(tree, boot()?)?;
        self.unsettled().trees.push(tree);
        Ok(folder)
    }

    /// What this process has put together, and nobody knows yet to survive a loss of power.
    pub(crate) fn unsettled(&self) -> MutexGuard<'_, Unsettled> {
        let unsettled = self.unsettled.lock();
        unsettled.unwrap_or_else(PoisonError::into_inner)
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
        match std::fs::hard_link(&object, path) {
            Err(error) if error.kind() == io::ErrorKind::TooManyLinks => {
                copy(&object, path, executable)
            }
            // It was whole when the tree was looked through: somebody has forgotten it since.
            Err(_) if !self.has_file(digest, executable) => {
                self.drop_files(&[(digest, executable)])?;
                Err(Error::Missing(digest))
            }
            other => other.map_err(Error::io("link", path)),
        }
    }

    /// Makes the object from the one of the same contents and the other mode. It is published when the tree is settled;
    /// until then nothing that lies in its place is believed.
    fn copy_other_mode(&self, digest: Digest, executable: bool) -> Result<()> {
        self.pin(&[digest])?;
        let forms = self.forms(&[digest])?;
        if forms.iter().any(|forms| forms.has_mode(executable)) {
            // Another tree has wanted it meanwhile.
            return Ok(());
        }
        if self.index.has_file(digest, executable)? {
            self.drop_files(&[(digest, executable)])?;
        }
        if !self.has_file(digest, !executable) {
            return Err(self.discard(digest)?);
        }
        let temporary = self.session()?.path("file");
        copy(&self.cas_path(digest, !executable), &temporary, executable)?;
        fs::rename(&temporary, &self.cas_path(digest, executable))?;
        let mut fresh = self.fresh.lock().unwrap_or_else(PoisonError::into_inner);
        fresh.insert((digest, executable));
        drop(fresh);
        self.unsettled().files.push((digest, executable));
        Ok(())
    }
}

/// What is whole as long as the machine is up.
#[derive(Debug, Default)]
pub(crate) struct Unsettled {
    /// Folders of trees.
    pub trees: Vec<TreeDigest>,
    /// Objects that were copied from those of the other mode.
    pub files: Vec<(Digest, bool)>,
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

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::gc::Policy;
    use crate::path::TreePath;
    use crate::tree::{Tree, TreeNode};

    const TEXT: &[u8] = b"#!/bin/sh\n";

    /// A store with a file that is not executable, and a tree in which it is.
    fn store(root: &Path) -> (Store, Digest, TreeDigest) {
        let store = Store::open(root).unwrap();
        let batch = store.batch();
        let digest = batch.put_file(TEXT, false).unwrap();
        let node = TreeNode::File {
            digest,
            executable: true,
        };
        let mut tree = Tree::default();
        tree.put(&store, &TreePath::parse("tool").unwrap(), node)
            .unwrap();
        let tree = tree.save(&batch).unwrap();
        store.publish_files(batch.finish()).unwrap();
        // Another process, which has pinned nothing yet.
        drop(store);
        (Store::open(root).unwrap(), digest, tree)
    }

    #[test]
    fn a_file_of_the_other_mode_is_copied_whatever_a_crash_has_left_in_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let (store, digest, tree) = store(folder.path());
        let torn = vec![0; TEXT.len()];
        fs::write(&store.cas_path(digest, true), &torn).unwrap();
        let tool = store.materialize(tree).unwrap().join("tool");
        assert_eq!(fs::read(&tool).unwrap(), TEXT);
        assert!(!store.has_published(digest, true).unwrap());
        store.settle().unwrap();
        let other = Store::open(folder.path()).unwrap();
        assert!(other.has_published(digest, true).unwrap());
        assert_eq!(fs::read(&tool).unwrap(), TEXT);
    }

    #[test]
    fn a_copy_that_is_not_published_yet_is_not_garbage() {
        let folder = tempfile::tempdir().unwrap();
        let (store, digest, tree) = store(folder.path());
        store.materialize(tree).unwrap();
        let other = Store::open(folder.path()).unwrap();
        other.collect(&Policy::default(), false).unwrap();
        store.settle().unwrap();
        assert!(store.has_published(digest, true).unwrap());
    }

    #[test]
    fn what_was_never_published_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let (store, digest, _) = store(folder.path());
        let executable = store.cas_path(digest, true);
        fs::rename(&store.cas_path(digest, false), &executable).unwrap();
        assert_eq!(store.file(digest).unwrap(), None);
    }

    #[test]
    fn an_object_that_is_gone_when_it_is_linked_is_missing() {
        let folder = tempfile::tempdir().unwrap();
        let (store, digest, _) = store(folder.path());
        let link = |executable| store.link_file(digest, executable, &folder.path().join("link"));
        assert!(matches!(link(true), Err(Error::Missing(_))));
        assert!(link(false).is_ok());
    }
}
