//! Which paths of two trees differ. Only directories that differ are loaded.

use std::collections::BTreeSet;

use pwb_cache::{Directory, Entry, TreeDigest};

use super::manifest::Trees;
use crate::error::Result;

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

/// The paths in which two trees differ, in order, without what lies at or below the paths of `skip`; `None` if a
/// directory that it takes to tell is no longer in the store.
pub(super) fn compare(
    trees: &Trees<'_>,
    old: TreeDigest,
    new: TreeDigest,
    skip: &BTreeSet<&str>,
) -> Result<Option<Vec<PathChange>>> {
    let mut found = Vec::new();
    let walk = Walk { trees, skip };
    let complete = walk.compare("", Some(old), Some(new), &mut found)?;
    Ok(complete.then_some(found))
}

struct Walk<'a> {
    trees: &'a Trees<'a>,
    skip: &'a BTreeSet<&'a str>,
}

impl Walk<'_> {
    /// Compares two directories, of which one may be absent; false if one is no longer there to be compared.
    fn compare(
        &self,
        at: &str,
        old: Option<TreeDigest>,
        new: Option<TreeDigest>,
        found: &mut Vec<PathChange>,
    ) -> Result<bool> {
        if old == new {
            return Ok(true);
        }
        let load = |tree: Option<TreeDigest>| match tree {
            Some(tree) => self.trees.directory(tree),
            None => Ok(Some(Directory::default())),
        };
        let (Some(old), Some(new)) = (load(old)?, load(new)?) else {
            return Ok(false);
        };
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
                if !self.compare(&path, directory(old), directory(new), found)? {
                    return Ok(false);
                }
            } else {
                found.push(PathChange {
                    path,
                    old: old.cloned(),
                    new: new.cloned(),
                });
            }
        }
        Ok(true)
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
