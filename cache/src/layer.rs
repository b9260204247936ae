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
use crate::crew;
use crate::directory::TreeDigest;
use crate::error::{Error, Result};
use crate::fs;
use crate::path::DEEPEST;
use crate::tree::{Tree, TreeNode};

impl Batch<'_> {
    /// Takes the files of the layer at `upper` away and returns `base` with the layer applied. A file that no tree can
    /// hold is named from the layer's top.
    pub fn take_layer(&self, upper: &Path, base: Option<TreeDigest>) -> Result<TreeDigest> {
        let mut files = Vec::new();
        let tree = match base {
            Some(base) => Tree::load(self.store, base)?,
            None => Tree::default(),
        };
        let mut layer = self.apply(upper, tree, &mut Vec::new(), &mut files)?;
        crew::start()?;
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
            let path = entry.path();
            let shown = || at.iter().collect::<PathBuf>().join(entry.file_name());
            let name = name_of(&entry).ok_or_else(|| not_utf8(&shown()))?;
            let metadata = fs::metadata(&path)?;
            if metadata.is_dir() {
                let top = || at.iter().take(3).collect::<PathBuf>().join("…");
                check_depth(at.len() + 1, top)?;
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
                let target = target_of(&path)?.ok_or_else(|| not_utf8(&shown()))?;
                tree.set(&name, TreeNode::Symlink(target));
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
                return Err(Error::Unholdable {
                    path: shown(),
                    why: SPECIAL,
                });
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

/// Why a tree cannot hold a device, a socket or a fifo.
pub(crate) const SPECIAL: &str = "is neither a file, a folder nor a symbolic link";

/// The entry's name, if it is UTF-8.
pub(crate) fn name_of(entry: &DirEntry) -> Option<String> {
    entry.file_name().into_string().ok()
}

/// The link's target, if it is UTF-8.
pub(crate) fn target_of(path: &Path) -> Result<Option<String>> {
    Ok(fs::read_link(path)?.into_os_string().into_string().ok())
}

/// Refuses a folder that is deeper than trees are.
pub(crate) fn check_depth(depth: usize, path: impl FnOnce() -> PathBuf) -> Result<()> {
    match depth > DEEPEST {
        true => Err(Error::Unholdable {
            path: path(),
            why: "is in more than 128 folders",
        }),
        false => Ok(()),
    }
}

pub(crate) fn is_executable(metadata: &Metadata) -> bool {
    metadata.mode() & 0o100 != 0
}

pub(crate) fn not_utf8(path: &Path) -> Error {
    Error::Unholdable {
        path: path.to_owned(),
        why: "has a name, or a target, that is not UTF-8",
    }
}
