//! Which paths of two trees differ, where directories may be gone.

use std::collections::BTreeSet;

use pwb_cache::{PathChange, TreeDigest, changes};

use super::manifest::Trees;
use crate::error::{Error, Result};

/// The paths in which two trees differ, in order, without what lies at or below the paths of `skip`; `None` if a
/// directory that it takes to tell is no longer in the store.
pub(super) fn compare(
    trees: &Trees<'_>,
    old: TreeDigest,
    new: TreeDigest,
    skip: &BTreeSet<&str>,
) -> Result<Option<Vec<PathChange>>> {
    let load = |tree: TreeDigest| {
        let gone = || Error::from(pwb_cache::Error::Missing(tree.digest()));
        trees.directory(tree)?.ok_or_else(gone)
    };
    match changes(&load, old, new, skip) {
        Err(error) if error.is_lost() => Ok(None),
        found => found.map(Some),
    }
}
