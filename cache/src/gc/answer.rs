//! What a result names that somebody has put here over the Remote Execution API.

use prost::Message;

use super::reach::Node;
use crate::digest::Digest;
use crate::error::Result;
use crate::name::{Function, Name};
use crate::reapi;
use crate::store::Store;

/// All blobs that a result of this function names, as far as they are known here.
pub(crate) fn nodes(store: &Store, function: Function, result: &[u8]) -> Result<Vec<Node>> {
    let mut found = Found {
        store,
        function,
        blobs: Vec::new(),
    };
    // What is no result names nothing, and is of no use.
    let result = reapi::ActionResult::decode(result).unwrap_or_default();
    for file in &result.output_files {
        found.add(file.digest.as_ref())?;
    }
    found.add(result.stdout_digest.as_ref())?;
    found.add(result.stderr_digest.as_ref())?;
    for output in &result.output_directories {
        found.tree(output.tree_digest.as_ref())?;
        found.directories(output.root_directory_digest.as_ref())?;
    }
    let node = |digest: Digest| [Node::File(digest), Node::Message(digest)];
    found.blobs.sort_unstable();
    found.blobs.dedup();
    Ok(found.blobs.into_iter().flat_map(node).collect())
}

struct Found<'a> {
    store: &'a Store,
    function: Function,
    blobs: Vec<Digest>,
}

impl Found<'_> {
    fn add(&mut self, named: Option<&reapi::Digest>) -> Result<Option<Digest>> {
        let name = named.and_then(|named| Name::from_message(self.function, named));
        let digest = match name {
            Some(Name::Blake3(digest)) => Some(digest),
            Some(Name::Sha256(name)) => self.store.by_sha256(&[name])?.pop().flatten(),
            None => None,
        };
        self.blobs.extend(digest);
        Ok(digest)
    }

    /// A `Tree` message and all that is in it; the directories may be blobs too.
    fn tree(&mut self, named: Option<&reapi::Digest>) -> Result<()> {
        let Some(digest) = self.add(named)? else {
            return Ok(());
        };
        let bytes = self.bytes(digest)?;
        let tree = reapi::Tree::decode(bytes.as_slice()).unwrap_or_default();
        for directory in tree.root.iter().chain(&tree.children) {
            let name = Name::of(self.function, &directory.encode_to_vec());
            self.add(Some(&name.to_message()))?;
            for file in &directory.files {
                self.add(file.digest.as_ref())?;
            }
        }
        Ok(())
    }

    /// A directory and all below it, each a blob.
    fn directories(&mut self, root: Option<&reapi::Digest>) -> Result<()> {
        let mut open: Vec<Digest> = self.add(root)?.into_iter().collect();
        let mut seen = std::collections::HashSet::new();
        while let Some(digest) = open.pop() {
            if !seen.insert(digest) {
                continue;
            }
            let bytes = self.bytes(digest)?;
            let directory = reapi::Directory::decode(bytes.as_slice()).unwrap_or_default();
            for file in &directory.files {
                self.add(file.digest.as_ref())?;
            }
            for below in &directory.directories {
                open.extend(self.add(below.digest.as_ref())?);
            }
        }
        Ok(())
    }

    /// Its bytes; what is gone or not to be read names nothing.
    fn bytes(&self, digest: Digest) -> Result<Vec<u8>> {
        Ok(match self.store.index.message(digest)? {
            Some(bytes) => bytes,
            None => std::fs::read(self.store.cas_path(digest, false)).unwrap_or_default(),
        })
    }
}
