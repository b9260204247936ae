//! An action with the names behind it, from the graph or from the history: what is compared.

use std::collections::HashMap;

use pwb_cache::{Action, ActionKey, Digest, Directory, Entry, Lineage, Store, TreeDigest};

use crate::error::Result;

/// An action with the names behind it.
#[derive(Clone, Debug)]
pub struct Manifest {
    /// The node.
    pub node: String,
    /// Its key.
    pub key: ActionKey,
    /// What the key was made of.
    pub action: Action,
    /// Where that came from. Empty if an older pwb recorded it.
    pub lineage: Lineage,
}

impl Manifest {
    /// What the store has of an action that ran; `None` if its messages are no longer there.
    pub fn past(store: &Store, node: &str, key: ActionKey) -> Result<Option<Manifest>> {
        let Some(action) = Action::load(store, key)? else {
            return Ok(None);
        };
        let run = store.run_of(key)?;
        Ok(Some(Manifest {
            node: node.to_owned(),
            key,
            action,
            lineage: run.map(|past| past.run.lineage).unwrap_or_default(),
        }))
    }

    /// Whether it is known what fed it, and under which options.
    pub(super) fn has_lineage(&self) -> bool {
        self.lineage != Lineage::default()
    }
}

/// Directories of the store, and those of an action that has not run, which nobody has saved.
pub(super) struct Trees<'a> {
    store: &'a Store,
    unsaved: HashMap<Digest, &'a [u8]>,
}

impl<'a> Trees<'a> {
    pub fn new(store: &'a Store, unsaved: &'a [(Digest, Vec<u8>)]) -> Trees<'a> {
        let unsaved = unsaved
            .iter()
            .map(|(digest, bytes)| (*digest, bytes.as_slice()));
        Trees {
            store,
            unsaved: unsaved.collect(),
        }
    }

    /// A directory; `None` if it is no longer there.
    pub fn directory(&self, tree: TreeDigest) -> Result<Option<Directory>> {
        let digest = tree.digest();
        let stored = match self.unsaved.get(&digest) {
            Some(bytes) => Some(bytes.to_vec()),
            None => self.store.message(digest)?,
        };
        let decode = |bytes: Vec<u8>| Directory::decode(digest, &bytes);
        Ok(stored.map(decode).transpose()?)
    }

    /// The directory at a path like `usr/lib`; `None` if it is not or no longer there.
    pub fn subtree(&self, root: TreeDigest, path: &str) -> Result<Option<TreeDigest>> {
        let mut here = root;
        for name in path.split('/').filter(|name| !name.is_empty()) {
            let directory = self.directory(here)?;
            match directory.and_then(|mut found| found.entries.remove(name)) {
                Some(Entry::Directory(tree)) => here = tree,
                _ => return Ok(None),
            }
        }
        Ok(Some(here))
    }
}
