//! Directories that were decoded lately: a large one is asked for once by each of those who need a part of it.

use std::collections::HashMap;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::directory::{Directory, TreeDigest};
use crate::error::Result;
use crate::store::Store;

/// How much is kept, some 10 MB, and as much again of what was asked for before that.
const ROOM: usize = 50_000;
/// What a directory takes besides its names, in names.
const DIRECTORY: usize = 10;

/// What was decoded lately.
#[derive(Debug, Default)]
pub(crate) struct Directories(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    young: HashMap<TreeDigest, Arc<Directory>>,
    /// What is asked for here is young again; so one that is larger than there is room stays while it is in use.
    old: HashMap<TreeDigest, Arc<Directory>>,
    /// By the young ones.
    taken: usize,
}

impl Known {
    fn get(&mut self, tree: TreeDigest) -> Option<Arc<Directory>> {
        if let Some(known) = self.young.get(&tree) {
            return Some(known.clone());
        }
        let known = self.old.remove(&tree)?;
        self.put(tree, known.clone());
        Some(known)
    }

    fn put(&mut self, tree: TreeDigest, directory: Arc<Directory>) {
        let takes = DIRECTORY + directory.entries.len();
        if self.taken + takes > ROOM {
            self.old = mem::take(&mut self.young);
            self.taken = 0;
        }
        if self.young.insert(tree, directory).is_none() {
            self.taken += takes;
        }
    }
}

impl Directories {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store {
    /// A directory of a tree, decoded once for all who ask. That it was here once is all that this says.
    pub(crate) fn decoded(&self, tree: TreeDigest) -> Result<Arc<Directory>> {
        if let Some(known) = self.directories.known().get(tree) {
            return Ok(known);
        }
        let directory = Arc::new(self.directory(tree)?);
        self.directories.known().put(tree, directory.clone());
        Ok(directory)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::Digest;
    use crate::directory::Entry;

    #[test]
    fn one_that_is_larger_than_there_is_room_stays_while_it_is_in_use() {
        let tree = |name: &str| TreeDigest::from_digest(Digest::of(name.as_bytes()));
        let directory = |names: usize| {
            let link = |name: usize| (name.to_string(), Entry::Symlink("there".into()));
            Arc::new(Directory {
                entries: (0..names).map(link).collect(),
            })
        };
        let mut known = Known::default();
        known.put(tree("large"), directory(ROOM + 1));
        for part in 0..100 {
            known.put(tree(&part.to_string()), directory(1));
            assert!(known.get(tree("large")).is_some(), "{part}");
        }
        assert!(known.get(tree("0")).is_none(), "the others go");
        for part in 0..2 * ROOM {
            known.put(tree(&part.to_string()), directory(0));
        }
        assert!(known.get(tree("large")).is_none(), "nobody wants it now");
        assert!(known.young.len() + known.old.len() <= 2 * ROOM / DIRECTORY);
    }
}
