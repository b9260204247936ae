//! The store's file system, as far as it can say that what was written is safe.
//!
//! Linux tells a descriptor of every write that was lost since it was opened, but one that is opened after a loss only if
//! nobody else was told before. So one descriptor is kept, from before anything is written.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::error::{Error, Result};
use crate::fs;

/// The file system that a store lies on.
#[derive(Debug)]
pub(crate) struct Disk {
    root: PathBuf,
    folder: File,
    /// Whether something was lost. Whoever syncs waits for the others: only one of them is told.
    failed: Mutex<bool>,
}

impl Disk {
    /// That of the store at `root`, before it is written to.
    pub fn open(root: &Path) -> Result<Disk> {
        Ok(Disk {
            root: root.to_owned(),
            folder: fs::open(root)?,
            failed: Mutex::default(),
        })
    }

    /// The store's folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Returns once nothing that was written before can be lost. What was lost once cannot be told from what was not: after a
    /// failure there are failures only.
    pub fn sync(&self) -> Result<()> {
        let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        if *failed {
            return Err(Error::Unsafe(self.root.clone()));
        }
        rustix::fs::syncfs(&self.folder).map_err(|error| {
            *failed = true;
            Error::io("sync", &self.root)(error.into())
        })
    }

    /// One whose syncs fail.
    #[cfg(test)]
    #[allow(clippy::unwrap_used)]
    pub fn broken(root: &Path) -> Disk {
        use std::os::unix::fs::OpenOptionsExt;
        let path = rustix::fs::OFlags::PATH.bits();
        let folder = std::fs::OpenOptions::new()
            .read(true)
            .custom_flags(path.cast_signed())
            .open(root);
        Disk {
            root: root.to_owned(),
            folder: folder.unwrap(),
            failed: Mutex::default(),
        }
    }

    /// Syncs work again, as they do after a failure was told.
    #[cfg(test)]
    #[allow(clippy::unwrap_used)]
    pub fn mend(&mut self) {
        self.folder = fs::open(&self.root).unwrap();
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::digest::Digest;
    use crate::directory::TreeDigest;
    use crate::store::Store;

    #[test]
    fn after_a_loss_nothing_is_published_any_more() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::open(folder.path()).unwrap();
        let put = |store: &Store, text: &str| {
            let batch = store.batch();
            let digest = batch.put_file(text.as_bytes(), false).unwrap();
            (digest, store.publish_files(batch.finish()))
        };
        store.disk = Disk::broken(store.root());
        let (first, outcome) = put(&store, "first");
        assert!(matches!(outcome, Err(Error::Io { verb: "sync", .. })));
        store.disk.mend();
        let (second, outcome) = put(&store, "second");
        assert!(matches!(outcome, Err(Error::Unsafe(_))));
        assert!(matches!(store.sync(), Err(Error::Unsafe(_))));
        let other = Store::open(folder.path()).unwrap();
        for digest in [first, second] {
            assert!(!other.has_published(digest, false).unwrap());
        }
        assert!(put(&other, "second").1.is_ok());
        assert!(other.has_published(second, false).unwrap());
    }

    #[test]
    fn a_damaged_file_goes_and_a_link_counts_once_the_disk_is_safe() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::open(folder.path()).unwrap();
        let digests = ["read", "discarded"].map(|text| {
            let batch = store.batch();
            let digest = batch.put_file(text.as_bytes(), false).unwrap();
            store.publish_files(batch.finish()).unwrap();
            let object = store.cas_path(digest, false);
            fs::remove_file(&object).unwrap();
            fs::write(&object, b"damaged").unwrap();
            digest
        });
        store.disk = Disk::broken(store.root());
        assert!(store.contents(digests[0]).is_err());
        assert!(store.discard(digests[1]).is_err());
        let there = |digest: &Digest| store.cas_path(*digest, false).exists();
        assert!(digests.iter().all(there));
        let tree = TreeDigest::from_digest(Digest::of(b""));
        assert!(store.put_root(Path::new("/link"), tree).is_err());

        let store = Store::open(folder.path()).unwrap();
        for digest in digests {
            assert_eq!(store.contents(digest).unwrap(), None);
            assert!(!store.cas_path(digest, false).exists());
        }
    }
}
