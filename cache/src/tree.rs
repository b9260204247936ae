//! A tree under construction: what is changed is in memory, what is not is a digest.
//!
//! Grafting and union load only the directories on the way to where two trees meet, so they cost the size of the
//! change and not of the tree.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry as Slot;

use crate::batch::Batch;
use crate::digest::Digest;
use crate::directory::{Directory, Entry, TreeDigest};
use crate::error::{Error, Result};
use crate::path::TreePath;
use crate::store::Store;

/// A directory of a tree under construction.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Tree {
    entries: BTreeMap<String, TreeNode>,
}

/// What a name stands for in a [`Tree`].
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum TreeNode {
    /// A file.
    File {
        /// Its contents.
        digest: Digest,
        /// Its only mode bit.
        executable: bool,
    },
    /// A symbolic link.
    Symlink(String),
    /// A directory as the store has it.
    Stored(TreeDigest),
    /// A directory that has been loaded or changed.
    Directory(Tree),
}

/// Who gets a path that two trees claim with different contents.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Conflict {
    /// What was there before.
    Keep,
    /// What is laid over it.
    Replace,
}

impl Store {
    /// The tree at `path` inside `tree`.
    pub fn subtree(&self, tree: TreeDigest, path: &TreePath) -> Result<TreeDigest> {
        let mut here = tree;
        for name in path.components() {
            match self.decoded(here)?.entries.get(name) {
                Some(Entry::Directory(found)) => here = *found,
                _ => {
                    return Err(Error::NoSuchPath {
                        path: path.to_string(),
                        tree: tree.digest(),
                    });
                }
            }
        }
        Ok(here)
    }
}

impl Tree {
    /// The tree of this digest, with one level loaded.
    pub fn load(store: &Store, tree: TreeDigest) -> Result<Tree> {
        let directory = store.decoded(tree)?;
        let entries = directory.entries.iter();
        Ok(Tree {
            entries: entries
                .map(|(name, entry)| (name.clone(), entry.clone().into()))
                .collect(),
        })
    }

    /// Saves every directory that was changed and returns the digest of the whole.
    pub fn save(self, batch: &Batch<'_>) -> Result<TreeDigest> {
        let mut messages = Vec::new();
        let tree = self.encode(&mut messages);
        batch.put_messages(&messages)?;
        Ok(tree)
    }

    /// The digest of the whole; the directories that were changed are added to `messages`, which nobody has saved yet.
    pub fn encode(self, messages: &mut Vec<(Digest, Vec<u8>)>) -> TreeDigest {
        let mut directory = Directory::default();
        for (name, node) in self.entries {
            let entry = match node {
                TreeNode::File { digest, executable } => Entry::File { digest, executable },
                TreeNode::Symlink(target) => Entry::Symlink(target),
                TreeNode::Stored(tree) => Entry::Directory(tree),
                TreeNode::Directory(tree) => Entry::Directory(tree.encode(messages)),
            };
            directory.entries.insert(name, entry);
        }
        let bytes = directory.encode();
        let digest = Digest::of(&bytes);
        messages.push((digest, bytes));
        TreeDigest::from_digest(digest)
    }

    /// What is at `path`; `None` also where a component on the way is no directory.
    pub fn get(&self, store: &Store, path: &TreePath) -> Result<Option<TreeNode>> {
        let mut here = self;
        let mut names = path.components();
        while let Some(name) = names.next() {
            match here.entries.get(name) {
                Some(TreeNode::Directory(tree)) => here = tree,
                Some(node) => return stored(store, node.clone(), names),
                None => return Ok(None),
            }
        }
        Ok(Some(TreeNode::Directory(here.clone())))
    }

    /// Puts `node` at `path`, in place of what is there; directories on the way are made. A file or a link on the way is
    /// an error that names it.
    pub fn put(&mut self, store: &Store, path: &TreePath, node: TreeNode) -> Result<()> {
        let mut names: Vec<&str> = path.components().collect();
        let Some(last) = names.pop() else {
            *self = match node {
                TreeNode::Directory(tree) => tree,
                TreeNode::Stored(tree) => Tree::load(store, tree)?,
                _ => return Err(not_a_directory(path)),
            };
            return Ok(());
        };
        let mut here = self;
        for name in names {
            let slot = here
                .entries
                .entry(name.to_owned())
                .or_insert_with(|| TreeNode::Directory(Tree::default()));
            here = slot.open(store)?.ok_or_else(|| not_a_directory(path))?;
        }
        here.entries.insert(last.to_owned(), node);
        Ok(())
    }

    /// Takes `path` out, if it is there.
    pub fn remove(&mut self, store: &Store, path: &TreePath) -> Result<()> {
        if self.get(store, path)?.is_none() {
            return Ok(());
        }
        let mut names: Vec<&str> = path.components().collect();
        let Some(last) = names.pop() else {
            self.entries.clear();
            return Ok(());
        };
        let mut here = self;
        for name in names {
            match here.entries.get_mut(name) {
                Some(node) => here = node.open(store)?.ok_or_else(|| not_a_directory(path))?,
                None => return Ok(()),
            }
        }
        here.entries.remove(last);
        Ok(())
    }

    /// Lays `upper` over this tree. Directories merge; where anything else differs, `conflict` is asked with the path.
    pub fn overlay(
        &mut self,
        store: &Store,
        upper: Tree,
        conflict: &mut dyn FnMut(&str) -> Result<Conflict>,
    ) -> Result<()> {
        self.overlay_at(store, upper, "", conflict)
    }

    fn overlay_at(
        &mut self,
        store: &Store,
        upper: Tree,
        at: &str,
        conflict: &mut dyn FnMut(&str) -> Result<Conflict>,
    ) -> Result<()> {
        for (name, node) in upper.entries {
            let path = format!("{at}/{name}");
            match self.entries.entry(name) {
                Slot::Vacant(slot) => drop(slot.insert(node)),
                Slot::Occupied(slot) if *slot.get() == node => {}
                Slot::Occupied(mut slot) => {
                    match (slot.get_mut().open(store)?, node.is_directory()) {
                        (Some(here), true) => {
                            here.overlay_at(store, node.into_tree(store)?, &path, conflict)?
                        }
                        _ if conflict(&path)? == Conflict::Replace => drop(slot.insert(node)),
                        _ => {}
                    }
                }
            }
        }
        Ok(())
    }

    /// The entries of this directory by name.
    pub fn entries(&self) -> &BTreeMap<String, TreeNode> {
        &self.entries
    }

    /// The directory `name` below this one, made or put in place of whatever else has the name.
    pub(crate) fn directory_mut(&mut self, store: &Store, name: &str) -> Result<&mut Tree> {
        let slot = self
            .entries
            .entry(name.to_owned())
            .or_insert_with(|| TreeNode::Directory(Tree::default()));
        if !slot.is_directory() {
            *slot = TreeNode::Directory(Tree::default());
        }
        slot.open(store)?
            .ok_or_else(|| not_a_directory(&TreePath::default()))
    }

    pub(crate) fn set(&mut self, name: &str, node: TreeNode) {
        self.entries.insert(name.to_owned(), node);
    }

    pub(crate) fn unset(&mut self, name: &str) {
        self.entries.remove(name);
    }
}

impl TreeNode {
    /// Whether it is a directory, loaded or not.
    pub fn is_directory(&self) -> bool {
        matches!(self, TreeNode::Stored(_) | TreeNode::Directory(_))
    }

    /// The directory inside, loaded if need be; `None` for a file or a link.
    fn open(&mut self, store: &Store) -> Result<Option<&mut Tree>> {
        if let TreeNode::Stored(tree) = *self {
            *self = TreeNode::Directory(Tree::load(store, tree)?);
        }
        Ok(match self {
            TreeNode::Directory(tree) => Some(tree),
            _ => None,
        })
    }

    fn into_tree(self, store: &Store) -> Result<Tree> {
        match self {
            TreeNode::Directory(tree) => Ok(tree),
            TreeNode::Stored(tree) => Tree::load(store, tree),
            _ => Ok(Tree::default()),
        }
    }
}

impl From<Entry> for TreeNode {
    fn from(entry: Entry) -> TreeNode {
        match entry {
            Entry::File { digest, executable } => TreeNode::File { digest, executable },
            Entry::Directory(tree) => TreeNode::Stored(tree),
            Entry::Symlink(target) => TreeNode::Symlink(target),
        }
    }
}

/// What is at a path below a node that was not loaded.
fn stored<'a>(
    store: &Store,
    mut node: TreeNode,
    names: impl Iterator<Item = &'a str>,
) -> Result<Option<TreeNode>> {
    for name in names {
        let TreeNode::Stored(tree) = node else {
            return Ok(None);
        };
        match store.decoded(tree)?.entries.get(name) {
            Some(found) => node = found.clone().into(),
            None => return Ok(None),
        }
    }
    Ok(Some(node))
}

fn not_a_directory(path: &TreePath) -> Error {
    Error::NotADirectory {
        path: path.to_string(),
    }
}
