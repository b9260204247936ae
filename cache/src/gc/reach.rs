//! What is reached from what is kept: references counted over the graph of objects, so that to let go of one thing costs what
//! only it had reached.

use std::collections::{HashMap, HashSet};

use prost::Message;

use crate::digest::Digest;
use crate::directory::{Directory, Entry, TreeDigest};
use crate::error::Result;
use crate::key::ActionKey;
use crate::reapi;
use crate::store::Store;

/// Something that names others.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) enum Node {
    /// A directory with all that it names.
    Tree(TreeDigest),
    /// A directory and those below it, without files: what a key is explained by.
    Frame(TreeDigest),
    /// The messages that a key was hashed from, with the frame of its input root.
    Manifest(ActionKey),
    /// A file, in whatever mode.
    File(Digest),
    /// A message.
    Message(Digest),
}

/// What is reached, and how large that is.
pub(crate) struct Reach<'a> {
    store: &'a Store,
    /// In how many modes each published file is there.
    pub files: HashMap<Digest, u8>,
    pub messages: HashSet<Digest>,
    counts: HashMap<Node, u32>,
    bytes: u64,
}

impl<'a> Reach<'a> {
    /// Nothing yet, of all that the index has.
    pub fn new(store: &'a Store) -> Result<Reach<'a>> {
        let mut files = HashMap::new();
        for (digest, _) in store.index.files()? {
            *files.entry(digest).or_default() += 1;
        }
        Ok(Reach {
            store,
            files,
            messages: store.index.message_digests()?.into_iter().collect(),
            counts: HashMap::new(),
            bytes: 0,
        })
    }

    /// The size of all that is reached, in bytes.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Whether it is reached.
    pub fn has(&self, node: Node) -> bool {
        self.counts.contains_key(&node)
    }

    /// Whether a file or a message is.
    pub fn has_object(&self, digest: Digest) -> bool {
        self.has(Node::File(digest)) || self.has(Node::Message(digest))
    }

    /// Whether a directory is, and all files in it and below: a folder of it would else keep what goes.
    pub fn has_whole(&self, tree: TreeDigest) -> Result<bool> {
        if self.has(Node::Tree(tree)) || !self.has(Node::Frame(tree)) {
            return Ok(self.has(Node::Tree(tree)));
        }
        let (mut seen, mut open) = (HashSet::new(), vec![tree]);
        while let Some(tree) = open.pop() {
            // What is reached with its files need not be looked into.
            if self.has(Node::Tree(tree)) || !seen.insert(tree) {
                continue;
            }
            let Some(directory) = self.directory(tree.digest())? else {
                return Ok(false);
            };
            for entry in directory.entries.into_values() {
                match entry {
                    Entry::File { digest, .. } if !self.has(Node::File(digest)) => {
                        return Ok(false);
                    }
                    Entry::Directory(below) => open.push(below),
                    Entry::File { .. } | Entry::Symlink(_) => {}
                }
            }
        }
        Ok(true)
    }

    /// Reaches these from one place more.
    pub fn add(&mut self, nodes: impl IntoIterator<Item = Node>) -> Result<()> {
        let mut open: Vec<Node> = nodes.into_iter().collect();
        while let Some(node) = open.pop() {
            let count = self.counts.entry(node).or_default();
            *count += 1;
            if *count == 1 {
                self.bytes += self.size(node);
                open.extend(self.below(node)?);
            }
        }
        Ok(())
    }

    /// Reaches these from one place less: the reverse of [`Reach::add`].
    pub fn remove(&mut self, nodes: impl IntoIterator<Item = Node>) -> Result<()> {
        let mut open: Vec<Node> = nodes.into_iter().collect();
        while let Some(node) = open.pop() {
            match self.counts.get_mut(&node) {
                Some(count) if *count > 1 => *count -= 1,
                Some(_) => {
                    self.counts.remove(&node);
                    self.bytes -= self.size(node);
                    open.extend(self.below(node)?);
                }
                None => {}
            }
        }
        Ok(())
    }

    /// How many bytes these alone reach: what would be free without them.
    pub fn own(&mut self, nodes: &[Node]) -> Result<u64> {
        let before = self.bytes;
        self.remove(nodes.iter().copied())?;
        let own = before - self.bytes;
        self.add(nodes.iter().copied())?;
        Ok(own)
    }
    /// The size of all that these reach, each object once, in bytes.
    pub fn size_of(&self, nodes: &[Node]) -> Result<u64> {
        let (mut seen, mut open, mut bytes) = (HashSet::new(), nodes.to_vec(), 0);
        while let Some(node) = open.pop() {
            if seen.insert(node) {
                bytes += self.size(node);
                open.extend(self.below(node)?);
            }
        }
        Ok(bytes)
    }

    fn size(&self, node: Node) -> u64 {
        match node {
            Node::File(digest) => {
                let modes = self.files.get(&digest).copied().unwrap_or_default();
                digest.size() * u64::from(modes)
            }
            Node::Message(digest) if self.messages.contains(&digest) => digest.size(),
            _ => 0,
        }
    }

    /// What a node names. What is not here names nothing.
    fn below(&self, node: Node) -> Result<Vec<Node>> {
        let (digest, with_files) = match node {
            Node::Tree(tree) => (tree.digest(), true),
            Node::Frame(tree) => (tree.digest(), false),
            Node::Manifest(key) => return self.manifest(key),
            Node::File(_) | Node::Message(_) => return Ok(Vec::new()),
        };
        let mut below = vec![self.place(digest)];
        let Some(directory) = self.directory(digest)? else {
            return Ok(below);
        };
        for entry in directory.entries.into_values() {
            match entry {
                Entry::File { digest, .. } if with_files => below.push(Node::File(digest)),
                Entry::Directory(tree) if with_files => below.push(Node::Tree(tree)),
                Entry::Directory(tree) => below.push(Node::Frame(tree)),
                Entry::File { .. } | Entry::Symlink(_) => {}
            }
        }
        Ok(below)
    }

    fn manifest(&self, key: ActionKey) -> Result<Vec<Node>> {
        let mut below = vec![Node::Message(key.digest())];
        let Some(bytes) = self.store.index.message(key.digest())? else {
            return Ok(below);
        };
        // What is no action explains nothing.
        let action = reapi::Action::decode(bytes.as_slice()).unwrap_or_default();
        let digest =
            |message: Option<reapi::Digest>| message.as_ref().and_then(Digest::from_message);
        below.extend(digest(action.command_digest).map(Node::Message));
        let root = digest(action.input_root_digest).map(TreeDigest::from_digest);
        below.extend(root.map(Node::Frame));
        Ok(below)
    }

    /// A message is in the index, or a file that somebody has uploaded.
    fn place(&self, digest: Digest) -> Node {
        match self.messages.contains(&digest) || !self.files.contains_key(&digest) {
            true => Node::Message(digest),
            false => Node::File(digest),
        }
    }

    fn directory(&self, digest: Digest) -> Result<Option<Directory>> {
        let bytes = match self.place(digest) {
            Node::File(_) => std::fs::read(self.store.cas_path(digest, false)).ok(),
            _ => self.store.index.message(digest)?,
        };
        // What is no directory, or damaged, names nothing: whoever needs it has it made again.
        Ok(bytes.and_then(|bytes| Directory::decode(digest, &bytes).ok()))
    }
}
