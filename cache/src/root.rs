//! Links of the user's that lead to results: what they lead to stays.

use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use crate::directory::TreeDigest;
use crate::error::{Error, Result};
use crate::store::Store;

impl Store {
    /// Keeps a tree for as long as the link leads to its folder. Returns whether the folder is still there.
    pub fn put_root(&self, link: &Path, tree: TreeDigest) -> Result<bool> {
        let absolute = std::path::absolute(link).map_err(Error::io("resolve", link))?;
        self.pin_trees(&[tree])?;
        self.index.put_root(absolute.as_os_str().as_bytes(), tree)?;
        // After a loss of power too the link leads to what was promised to stay.
        self.sync()?;
        Ok(self.materialized(tree)?.is_some())
    }

    /// The links that were made, each with whether it still leads to its tree.
    pub(crate) fn roots(&self) -> Result<Vec<(PathBuf, TreeDigest, bool)>> {
        let roots = self.index.roots()?.into_iter();
        let look = |(link, tree): (Vec<u8>, TreeDigest)| {
            let link = PathBuf::from(std::ffi::OsString::from_vec(link));
            let leads = std::fs::read_link(&link).is_ok_and(|to| to == self.tree_path(tree));
            (link, tree, leads)
        };
        Ok(roots.map(look).collect())
    }
}
