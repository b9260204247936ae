//! What of the store is as it should be; by it, whether a tree is whole, and whether a folder is its tree.

use std::collections::{HashMap, HashSet};
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::batch::digest_by_reading;
use crate::digest::Digest;
use crate::directory::{Directory, Entry, TreeDigest};
use crate::error::Result;
use crate::fs;
use crate::store::Store;

/// Files and messages that are what their names say.
pub(crate) struct Sound<'a> {
    pub store: &'a Store,
    pub files: HashSet<(Digest, bool)>,
    pub messages: HashSet<Digest>,
}

impl Sound<'_> {
    /// Whether all that a tree names is here. `known` is what earlier questions came to.
    pub fn is_whole(
        &self,
        tree: TreeDigest,
        known: &mut HashMap<TreeDigest, bool>,
    ) -> Result<bool> {
        if let Some(known) = known.get(&tree) {
            return Ok(*known);
        }
        let mut whole = false;
        if let Some(directory) = self.directory(tree)? {
            whole = true;
            for entry in directory.entries.values() {
                whole &= match entry {
                    Entry::File { digest, .. } => self.has_file(*digest),
                    Entry::Directory(below) => self.is_whole(*below, known)?,
                    Entry::Symlink(_) => true,
                };
            }
        }
        known.insert(tree, whole);
        Ok(whole)
    }

    /// The first path of a folder that is not as in its tree; empty for the folder itself.
    pub fn difference(&self, tree: TreeDigest, folder: &Path) -> Result<Option<String>> {
        let Some(directory) = self.directory(tree)? else {
            return Ok(Some(String::new()));
        };
        let Some(there) = if_readable(fs::read_dir(folder))? else {
            return Ok(Some(String::new()));
        };
        for entry in there {
            let name = entry.file_name().to_string_lossy().into_owned();
            if !directory.entries.contains_key(&name) {
                return Ok(Some(format!("/{name}")));
            }
        }
        for (name, entry) in &directory.entries {
            let path = folder.join(name);
            let Ok(there) = std::fs::symlink_metadata(&path) else {
                return Ok(Some(format!("/{name}")));
            };
            let differs = match entry {
                Entry::Directory(below) if there.is_dir() => {
                    if let Some(deeper) = self.difference(*below, &path)? {
                        return Ok(Some(format!("/{name}{deeper}")));
                    }
                    false
                }
                Entry::Symlink(target) => {
                    !there.is_symlink()
                        || if_readable(fs::read_link(&path))?.as_deref() != Some(Path::new(target))
                }
                Entry::File { digest, executable } if there.is_file() => {
                    !self.is_linked(&there, *digest, *executable)
                        && if_readable(digest_by_reading(&path))? != Some(*digest)
                }
                _ => true,
            };
            if differs {
                return Ok(Some(format!("/{name}")));
            }
        }
        Ok(None)
    }

    fn directory(&self, tree: TreeDigest) -> Result<Option<Directory>> {
        let digest = tree.digest();
        let bytes = match self.messages.contains(&digest) {
            true => self.store.index.message(digest)?,
            // One that was uploaded is a file.
            false if self.files.contains(&(digest, false)) => {
                if_readable(fs::read(&self.store.cas_path(digest, false)))?
            }
            false => None,
        };
        Ok(bytes.and_then(|bytes| Directory::decode(digest, &bytes).ok()))
    }

    fn has_file(&self, digest: Digest) -> bool {
        [false, true]
            .into_iter()
            .any(|executable| self.files.contains(&(digest, executable)))
    }

    /// Whether a file is the very object, which has been hashed.
    fn is_linked(&self, there: &Metadata, digest: Digest, executable: bool) -> bool {
        let object = std::fs::metadata(self.store.cas_path(digest, executable));
        self.files.contains(&(digest, executable))
            && object.is_ok_and(|object| object.ino() == there.ino())
    }
}

/// `None` if the disk does not give it back: that is a damage, like any other.
fn if_readable<T>(outcome: Result<T>) -> Result<Option<T>> {
    match outcome {
        Err(error) if error.is_unreadable() => Ok(None),
        other => other.map(Some),
    }
}
