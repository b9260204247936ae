//! All that a tree holds, by path.

use std::collections::BTreeMap;

use crate::directory::{Entry, TreeDigest};
use crate::error::Result;
use crate::store::Store;

impl Store {
    /// Everything below a tree's root by its path there, as in `lib/os.py`. A directory comes before what is in it.
    pub fn entries(&self, tree: TreeDigest) -> Result<BTreeMap<String, Entry>> {
        let mut found = BTreeMap::new();
        let mut open = vec![(String::new(), tree)];
        while let Some((above, tree)) = open.pop() {
            for (name, entry) in self.directory(tree)?.entries {
                let path = format!("{above}{name}");
                if let Entry::Directory(tree) = entry {
                    open.push((format!("{path}/"), tree));
                }
                found.insert(path, entry);
            }
        }
        Ok(found)
    }
}
