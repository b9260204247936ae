//! What is damaged is forgotten, so that it is made again.

use std::collections::HashMap;

use crate::directory::TreeDigest;
use crate::error::Result;
use crate::fs;
use crate::lock::Lock;
use crate::pin::{self, Pin};
use crate::sound::Sound;
use crate::store::Store;
use crate::verify::Fault;

impl Store {
    /// Forgets what is damaged; it is made or fetched again when it is wanted. What others have mended meanwhile stays.
    /// Returns the folders that could not be removed, since other processes use them.
    pub fn repair(&self, faults: &[Fault]) -> Result<Vec<TreeDigest>> {
        if faults.is_empty() {
            return Ok(Vec::new());
        }
        let session = self.session()?;
        let _no_collector = Lock::acquire(&self.root().join("locks/gc"))?;
        // Nobody begins to rely on a folder that is about to go.
        let closed = self.gate.close()?;
        let own = pin::read_all(&self.root().join("tmp"))?;
        let faults = self.faults_left(faults)?;
        let mut busy = Vec::new();
        for fault in &faults {
            match fault {
                Fault::Altered(digest, executable)
                | Fault::Gone(digest, executable)
                | Fault::Unreadable(digest, executable, _) => {
                    self.index.remove_files(&[(*digest, *executable)])?;
                }
                Fault::Message(digest) => self.index.forget_message(*digest)?,
                Fault::Unwhole(tree, _) => self.index.forget_results(*tree)?,
                Fault::Folder(tree, _) if own.contains(&Pin::Tree(*tree)) => busy.push(*tree),
                Fault::Folder(tree, _) => drop(self.index.forget_tree(*tree)?),
            }
        }
        // No row comes back that would vouch for what is made in the place of what goes.
        self.sync()?;
        for fault in &faults {
            match fault {
                Fault::Altered(digest, executable)
                | Fault::Gone(digest, executable)
                | Fault::Unreadable(digest, executable, _) => {
                    fs::remove_file(&self.cas_path(*digest, *executable))?;
                }
                Fault::Folder(tree, _) if !busy.contains(tree) => {
                    fs::rename(&self.tree_path(*tree), &session.path("garbage"))?;
                }
                Fault::Message(_) | Fault::Unwhole(..) | Fault::Folder(..) => {}
            }
        }
        drop(closed);
        // Folders that were moved away are removed when nobody waits any more.
        session.clear("garbage")?;
        Ok(busy)
    }

    /// Those that are faults still: since they were found, builds went on.
    fn faults_left(&self, faults: &[Fault]) -> Result<Vec<Fault>> {
        let mut sound = Sound {
            store: self,
            files: self.index.files()?.into_iter().collect(),
            messages: self.index.message_digests()?.into_iter().collect(),
        };
        let mut left = Vec::new();
        // Trees and folders are judged by files and messages.
        for fault in faults {
            let now = match (fault.file(), fault) {
                (Some(file), _) if sound.files.contains(&file) => self.file_fault(file)?,
                (None, Fault::Message(digest)) if sound.messages.contains(digest) => {
                    self.message_fault(*digest)?
                }
                _ => None,
            };
            match now.as_ref().map(|now| (now.file(), now)) {
                Some((Some(file), _)) => drop(sound.files.remove(&file)),
                Some((None, Fault::Message(digest))) => drop(sound.messages.remove(digest)),
                _ => {}
            }
            left.extend(now);
        }
        let mut known = HashMap::new();
        for fault in faults {
            let stays = match fault {
                Fault::Unwhole(tree, _) => !sound.is_whole(*tree, &mut known)?,
                Fault::Folder(tree, _) => match self.materialized(*tree)? {
                    Some(folder) => sound.difference(*tree, &folder)?.is_some(),
                    None => false,
                },
                _ => false,
            };
            if stays {
                left.push(fault.clone());
            }
        }
        Ok(left)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::thread;
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_folder_that_somebody_is_about_to_use_stays() {
        let base = tempfile::tempdir().unwrap();
        let (root, source) = (base.path().join("store"), base.path().join("source"));
        fs::create_dir(&source).unwrap();
        fs::write(&source.join("file"), b"text").unwrap();
        let (tree, folder) = {
            let store = Store::open(&root).unwrap();
            let batch = store.batch();
            let tree = batch.ingest(&source, &|_, _| false).unwrap();
            store.publish_files(batch.finish()).unwrap();
            (tree, store.materialize(tree).unwrap())
        };
        fs::write(&folder.join("more"), b"").unwrap();
        let (user, store) = (Store::open(&root).unwrap(), Store::open(&root).unwrap());
        let faults = store.verify().unwrap().faults;
        let passage = user.gate.pass().unwrap();
        let session = user.session().unwrap();
        thread::scope(|scope| {
            let repairing = scope.spawn(|| store.repair(&faults).unwrap());
            thread::sleep(Duration::from_millis(100));
            session.pin(&passage, &[Pin::Tree(tree)]).unwrap();
            drop(passage);
            assert_eq!(repairing.join().unwrap(), [tree]);
        });
        assert!(folder.exists());
        drop(user);
        assert_eq!(store.repair(&faults).unwrap(), []);
        assert!(!folder.exists());
    }
}
