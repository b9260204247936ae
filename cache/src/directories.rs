//! Directories that were decoded lately: a large one is asked for once by each of those who need a part of it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::directory::{Directory, TreeDigest};
use crate::error::Result;
use crate::store::Store;

/// How much is kept, some 10 MB; with more all of it goes.
const ROOM: usize = 50_000;
/// What a directory takes besides its names, in names.
const DIRECTORY: usize = 10;

/// What was decoded lately.
#[derive(Debug, Default)]
pub(crate) struct Directories(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    directories: HashMap<TreeDigest, Arc<Directory>>,
    taken: usize,
}

impl Directories {
    fn get(&self, tree: TreeDigest) -> Option<Arc<Directory>> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.directories.get(&tree).cloned()
    }

    fn put(&self, tree: TreeDigest, directory: Arc<Directory>) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let takes = DIRECTORY + directory.entries.len();
        if known.taken + takes > ROOM {
            *known = Known::default();
        }
        if known.directories.insert(tree, directory).is_none() {
            known.taken += takes;
        }
    }
}

impl Store {
    /// A directory of a tree, decoded once for all who ask. That it was here once is all that this says.
    pub(crate) fn decoded(&self, tree: TreeDigest) -> Result<Arc<Directory>> {
        if let Some(known) = self.directories.get(tree) {
            return Ok(known);
        }
        let directory = Arc::new(self.directory(tree)?);
        self.directories.put(tree, directory.clone());
        Ok(directory)
    }
}
