//! What differs between two trees. Only directories that differ are loaded.

use std::collections::BTreeSet;

use crate::directory::{Entry, TreeDigest};
use crate::error::Result;
use crate::store::Store;

impl Store {
    /// The paths, from the top, of what is in one of two trees only, or differs; a directory that is in one only is
    /// named as a whole.
    pub fn changes(&self, one: TreeDigest, two: TreeDigest) -> Result<Vec<String>> {
        let mut changes = Vec::new();
        self.changes_at(one, two, "", &mut changes)?;
        Ok(changes)
    }

    fn changes_at(
        &self,
        one: TreeDigest,
        two: TreeDigest,
        at: &str,
        changes: &mut Vec<String>,
    ) -> Result<()> {
        let (one, two) = (self.directory(one)?.entries, self.directory(two)?.entries);
        let names: BTreeSet<&String> = one.keys().chain(two.keys()).collect();
        for name in names {
            match (one.get(name), two.get(name)) {
                (one, two) if one == two => {}
                (Some(&Entry::Directory(one)), Some(&Entry::Directory(two))) => {
                    self.changes_at(one, two, &format!("{at}{name}/"), changes)?;
                }
                _ => changes.push(format!("{at}{name}")),
            }
        }
        Ok(())
    }
}
