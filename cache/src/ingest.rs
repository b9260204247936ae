//! A folder of the user's becomes a tree.

use std::path::{Path, PathBuf};

use rayon::prelude::*;

use crate::batch::Batch;
use crate::directory::TreeDigest;
use crate::error::{Error, Result};
use crate::fs;
use crate::layer::{SPECIAL, is_executable, name_of, not_utf8, target_of};
use crate::tree::{Tree, TreeNode};

/// Says which paths, relative to the folder, stay out of the tree.
pub type Ignore<'a> = dyn Fn(&Path) -> bool + Sync + 'a;

impl Batch<'_> {
    /// Copies `folder` into the store.
    pub fn ingest(&self, folder: &Path, ignore: &Ignore<'_>) -> Result<TreeDigest> {
        self.ingest_at(folder, Path::new(""), ignore)?.save(self)
    }

    fn ingest_at(&self, root: &Path, at: &Path, ignore: &Ignore<'_>) -> Result<Tree> {
        let mut entries: Vec<_> = fs::read_dir(&root.join(at))?;
        entries.retain(|entry| !ignore(&at.join(entry.file_name())));
        let nodes: Vec<(String, TreeNode)> = entries
            .par_iter()
            .map(|entry| {
                let path = entry.path();
                let name = name_of(entry).ok_or_else(|| not_utf8(&path))?;
                Ok((
                    name.clone(),
                    self.ingest_entry(root, &at.join(name), path, ignore)?,
                ))
            })
            .collect::<Result<_>>()?;
        let mut tree = Tree::default();
        for (name, node) in nodes {
            tree.set(&name, node);
        }
        Ok(tree)
    }

    fn ingest_entry(
        &self,
        root: &Path,
        at: &Path,
        path: PathBuf,
        ignore: &Ignore<'_>,
    ) -> Result<TreeNode> {
        let metadata = fs::metadata(&path)?;
        if metadata.is_dir() {
            Ok(TreeNode::Directory(self.ingest_at(root, at, ignore)?))
        } else if metadata.is_symlink() {
            let target = target_of(&path)?.ok_or_else(|| not_utf8(&path))?;
            Ok(TreeNode::Symlink(target))
        } else if metadata.is_file() {
            let executable = is_executable(&metadata);
            let digest = self.put_file(&fs::read(&path)?, executable)?;
            Ok(TreeNode::File { digest, executable })
        } else {
            Err(Error::Unholdable { path, why: SPECIAL })
        }
    }
}
