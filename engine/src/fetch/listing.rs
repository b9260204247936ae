//! What an archive holds once its files' contents have digests: paths and what is at them. Here the entries are checked
//! against each other.

use std::collections::btree_map::Entry as Slot;
use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use pwb_cache::{Digest, TreePath};

use super::error::{Error, Result};

/// The entries of an archive by path. A directory that has no entry of its own is there by the paths below it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Listing(BTreeMap<TreePath, Item>);

/// What is at a path.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Item {
    /// A directory, perhaps empty.
    Directory,
    /// A file.
    File {
        /// Its contents, as the caller stored them.
        digest: Digest,
        /// Whether its owner may execute it.
        executable: bool,
    },
    /// A symbolic link, with its target as the archive has it.
    Symlink(String),
}

/// An entry as it was read: a file's contents are known by the number under which they were given to be stored.
pub(super) enum Found {
    Directory,
    File { executable: bool, number: usize },
    Symlink(String),
    HardLink(TreePath),
}

impl Listing {
    /// By path: parents come before what is in them.
    pub fn iter(&self) -> impl Iterator<Item = (&TreePath, &Item)> {
        self.0.iter()
    }

    /// What is at `path`.
    pub fn get(&self, path: &TreePath) -> Option<&Item> {
        self.0.get(path)
    }

    /// The number of entries.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// `found` in the archive's order; `digests` by number.
    pub(super) fn new(
        archive: &Path,
        found: Vec<(TreePath, Found)>,
        digests: &[Digest],
    ) -> Result<Listing> {
        let refused = |path: &TreePath, why: String| Error::Refused {
            archive: archive.to_owned(),
            entry: path.to_string(),
            why,
        };
        let mut items: BTreeMap<TreePath, Item> = BTreeMap::new();
        for (path, found) in found {
            let item = match found {
                Found::Directory => Item::Directory,
                Found::File { executable, number } => match digests.get(number) {
                    Some(&digest) => Item::File { digest, executable },
                    None => return Err(refused(&path, "its contents were not stored".into())),
                },
                Found::Symlink(target) => Item::Symlink(target),
                Found::HardLink(to) => match items.get(&to) {
                    Some(item) if *item != Item::Directory => item.clone(),
                    _ => {
                        return Err(refused(
                            &path,
                            format!("it is a link to `{to}`, which is no file before it"),
                        ));
                    }
                },
            };
            match items.entry(path) {
                Slot::Vacant(slot) => drop(slot.insert(item)),
                Slot::Occupied(slot) if *slot.get() == item => {}
                Slot::Occupied(slot) => {
                    return Err(refused(slot.key(), "it is there twice, and differs".into()));
                }
            }
        }
        check_parents(&items)
            .map_err(|(path, parent)| refused(path, format!("`{parent}` is no directory")))?;
        Ok(Listing(items))
    }
}

impl IntoIterator for Listing {
    type Item = (TreePath, Item);
    type IntoIter = std::collections::btree_map::IntoIter<TreePath, Item>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

/// Finds a path that leads through a file or a link.
fn check_parents(items: &BTreeMap<TreePath, Item>) -> std::result::Result<(), (&TreePath, &str)> {
    let leaves = items.iter().filter(|(_, item)| **item != Item::Directory);
    let leaves: HashSet<&str> = leaves.map(|(path, _)| path.as_str()).collect();
    for path in items.keys() {
        let parents = path
            .as_str()
            .match_indices('/')
            .map(|(end, _)| &path.as_str()[..end]);
        if let Some(parent) = parents.into_iter().find(|parent| leaves.contains(parent)) {
            return Err((path, parent));
        }
    }
    Ok(())
}
