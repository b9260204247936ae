//! What this process holds in the store, and what it has asked for.

use std::sync::PoisonError;

use crate::digest::Digest;
use crate::directory::TreeDigest;
use crate::error::Result;
use crate::index::Uses;
use crate::pin::Pin;
use crate::store::Store;

/// So many are told to the index at once; what fewer a process that is killed takes with it are no loss.
const MANY: usize = 1000;

impl Store {
    /// Keeps objects, as far as they are there, until this process ends. Looked for after that they do not go any more.
    pub(crate) fn pin(&self, objects: &[Digest]) -> Result<()> {
        let pins: Vec<Pin> = objects.iter().map(|digest| Pin::Object(*digest)).collect();
        self.pin_all(&pins)
    }

    /// The same for trees with all that they name.
    pub(crate) fn pin_trees(&self, trees: &[TreeDigest]) -> Result<()> {
        let pins: Vec<Pin> = trees.iter().map(|tree| Pin::Tree(*tree)).collect();
        self.pin_all(&pins)
    }

    /// Keeps what is there of trees until this process ends.
    pub fn hold(&self, trees: &[TreeDigest]) -> Result<()> {
        match trees {
            [] => Ok(()),
            trees => self.pin_trees(trees),
        }
    }

    fn pin_all(&self, pins: &[Pin]) -> Result<()> {
        let session = self.session()?;
        match session.has_pinned(pins) {
            true => Ok(()),
            false => session.pin(&self.gate.pass()?, pins),
        }
    }

    /// Looks for something that has a tree, and keeps the tree from then on.
    pub(crate) fn find_pinned<T>(
        &self,
        find: impl FnOnce() -> Result<Option<T>>,
        tree: impl FnOnce(&T) -> TreeDigest,
    ) -> Result<Option<T>> {
        let session = self.session()?;
        let passage = self.gate.pass()?;
        let found = find()?;
        if let Some(found) = &found {
            session.pin(&passage, &[Pin::Tree(tree(found))])?;
        }
        Ok(found)
    }

    /// Notes that something was asked for.
    pub(crate) fn note_use(&self, note: impl FnOnce(&mut Uses)) -> Result<()> {
        let many = {
            let mut uses = self.uses.lock().unwrap_or_else(PoisonError::into_inner);
            note(&mut uses);
            uses.count() >= MANY
        };
        match many {
            true => self.tell_uses(),
            false => Ok(()),
        }
    }

    /// Tells the index what was asked for.
    pub(crate) fn tell_uses(&self) -> Result<()> {
        let mut uses = self.uses.lock().unwrap_or_else(PoisonError::into_inner);
        let uses = std::mem::take(&mut *uses);
        match uses.count() {
            0 => Ok(()),
            _ => self.index.note_uses(&uses),
        }
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        // What was used goes a little earlier than it should; nothing else is lost.
        let _ = self.tell_uses();
    }
}
