//! What differs between two trees. Only directories that differ are loaded.

use std::collections::BTreeSet;

use crate::directory::{Directory, Entry, TreeDigest};
use crate::error::Result;
use crate::store::Store;

/// A path that two trees do not have in common. A folder that only one of them has is one change.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PathChange {
    /// From the root of the trees.
    pub path: String,
    /// What was there.
    pub old: Option<Entry>,
    /// What is there.
    pub new: Option<Entry>,
}

impl Store {
    /// The paths in which two trees differ, in order.
    pub fn changes(&self, old: TreeDigest, new: TreeDigest) -> Result<Vec<PathChange>> {
        changes(&|tree| self.directory(tree), old, new, &BTreeSet::new())
    }
}

/// The paths in which two trees differ, in order, without what lies at or below the paths of `skip`. Directories come from
/// `load`, and its errors are the only ones.
pub fn changes<E>(
    load: &dyn Fn(TreeDigest) -> Result<Directory, E>,
    old: TreeDigest,
    new: TreeDigest,
    skip: &BTreeSet<&str>,
) -> Result<Vec<PathChange>, E> {
    let mut found = Vec::new();
    let walk = Walk { load, skip };
    walk.compare("", Some(old), Some(new), &mut found)?;
    Ok(found)
}

struct Walk<'a, E> {
    load: &'a dyn Fn(TreeDigest) -> Result<Directory, E>,
    skip: &'a BTreeSet<&'a str>,
}

impl<E> Walk<'_, E> {
    /// Compares two directories, of which one may be absent.
    fn compare(
        &self,
        at: &str,
        old: Option<TreeDigest>,
        new: Option<TreeDigest>,
        found: &mut Vec<PathChange>,
    ) -> Result<(), E> {
        if old == new {
            return Ok(());
        }
        let load = |tree: Option<TreeDigest>| match tree {
            Some(tree) => (self.load)(tree),
            None => Ok(Directory::default()),
        };
        let (old, new) = (load(old)?, load(new)?);
        let names: BTreeSet<&String> = old.entries.keys().chain(new.entries.keys()).collect();
        for name in names {
            let path = if at.is_empty() {
                name.clone()
            } else {
                format!("{at}/{name}")
            };
            let (old, new) = (old.entries.get(name), new.entries.get(name));
            if old == new || self.skip.contains(&*path) {
                continue;
            }
            let directory = |entry: Option<&Entry>| match entry {
                Some(Entry::Directory(tree)) => Some(*tree),
                _ => None,
            };
            let both = directory(old).is_some() && directory(new).is_some();
            if both || self.leads_to_skipped(&path) {
                self.compare(&path, directory(old), directory(new), found)?;
            } else {
                found.push(PathChange {
                    path,
                    old: old.cloned(),
                    new: new.cloned(),
                });
            }
        }
        Ok(())
    }

    fn leads_to_skipped(&self, path: &str) -> bool {
        let below = |skipped: &&str| {
            skipped
                .strip_prefix(path)
                .is_some_and(|rest| rest.starts_with('/'))
        };
        self.skip.iter().any(below)
    }
}
