//! An action's output becomes a tree: the upper layer that it wrote, applied to the tree below it.
//!
//! Only what the action changed is read; the rest keeps the digests it has. The marks are overlayfs's own
//! (<https://docs.kernel.org/filesystems/overlayfs.html>): a character device 0/0 is a whiteout, a directory with the
//! attribute `user.overlay.opaque` hides what is below it.

use std::fs::{DirEntry, Metadata};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use crate::batch::Batch;
use crate::directory::TreeDigest;
use crate::error::{Error, Result};
use crate::fs;
use crate::path::TreePathError;
use crate::tree::{Tree, TreeNode};

impl Batch<'_> {
    /// Takes the files of the layer at `upper` away and returns `base` with the layer applied.
    pub fn take_layer(&self, upper: &Path, base: Option<TreeDigest>) -> Result<TreeDigest> {
        let mut files = Vec::new();
        let tree = match base {
            Some(base) => Tree::load(self.store, base)?,
            None => Tree::default(),
        };
        let mut layer = self.apply(upper, tree, &mut Vec::new(), &mut files)?;
        let taken: Vec<TreeNode> = files
            .par_iter()
            .map(|file| {
                let digest = self.take_file(&file.path, file.executable)?;
                Ok(TreeNode::File {
                    digest,
                    executable: file.executable,
                })
            })
            .collect::<Result<_>>()?;
        for (file, node) in files.iter().zip(taken) {
            let mut here = &mut layer;
            for name in &file.folders {
                here = here.directory_mut(self.store, name)?;
            }
            here.set(&file.name, node);
        }
        layer.save(self)
    }

    /// Applies all but the files, which are collected to be hashed in parallel.
    fn apply(
        &self,
        upper: &Path,
        mut tree: Tree,
        at: &mut Vec<String>,
        files: &mut Vec<Pending>,
    ) -> Result<Tree> {
        for entry in fs::read_dir(upper)? {
            let (name, path) = (name_of(&entry)?, entry.path());
            let metadata = fs::metadata(&path)?;
            if metadata.is_dir() {
                if metadata.mode() & 0o700 != 0o700 {
                    fs::chmod(&path, 0o755)?;
                }
                let opaque =
                    rustix::fs::lgetxattr(&path, "user.overlay.opaque", &mut [0_u8; 1][..]).is_ok();
                if opaque {
                    tree.unset(&name);
                }
                let below = std::mem::take(tree.directory_mut(self.store, &name)?);
                at.push(name.clone());
                let below = self.apply(&path, below, at, files)?;
                at.pop();
                tree.set(&name, TreeNode::Directory(below));
            } else if metadata.is_symlink() {
                tree.set(&name, TreeNode::Symlink(target_of(&path)?));
            } else if metadata.is_file() {
                if metadata.mode() & 0o400 == 0 {
                    fs::chmod(&path, 0o600)?;
                }
                tree.unset(&name);
                files.push(Pending {
                    path,
                    folders: at.clone(),
                    name,
                    executable: is_executable(&metadata),
                });
            } else if metadata.file_type().is_char_device() && metadata.rdev() == 0 {
                tree.unset(&name);
            } else {
                return Err(Error::Special(path));
            }
        }
        Ok(tree)
    }
}

struct Pending {
    path: PathBuf,
    folders: Vec<String>,
    name: String,
    executable: bool,
}

pub(crate) fn name_of(entry: &DirEntry) -> Result<String> {
    entry
        .file_name()
        .into_string()
        .map_err(|name| not_utf8(&name.to_string_lossy()))
}

pub(crate) fn target_of(path: &Path) -> Result<String> {
    fs::read_link(path)?
        .into_os_string()
        .into_string()
        .map_err(|target| not_utf8(&target.to_string_lossy()))
}

pub(crate) fn is_executable(metadata: &Metadata) -> bool {
    metadata.mode() & 0o100 != 0
}

fn not_utf8(text: &str) -> Error {
    Error::Path(TreePathError {
        text: text.to_owned(),
        why: "it is not UTF-8",
    })
}
