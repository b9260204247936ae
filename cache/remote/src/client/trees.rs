//! Directories from the server, in its form or in ours, verified before they are kept.

use std::collections::{HashMap, HashSet};

use prost::Message;
use pwb_cache::{Digest, Directory, Function, Sha256, Store, TreeDigest, reapi};

use super::blobs::{Blobs, batches, size};
use super::names;
use super::wire::Trouble;
use super::{Client, Notice, TRANSFERS, parallel, twin};

/// Bytes of directories that are taken of one tree.
const LARGEST_TREE: u64 = 256 << 20;

/// Directories that have arrived.
#[derive(Default)]
struct Arrived {
    messages: Vec<(Digest, Vec<u8>)>,
    /// What they call their entries.
    files: Vec<(Digest, Sha256)>,
    twins: Vec<(TreeDigest, Sha256)>,
}

impl Client {
    pub(super) fn bring_directories(
        &self,
        blobs: Blobs<'_>,
        store: &Store,
        wanted: &[TreeDigest],
    ) -> pwb_cache::Result<()> {
        let named = names::of_trees(blobs.server.function, store, wanted)?;
        let named = batches(named, blobs.server.batch, |(name, _)| size(name));
        let fetch = |wanted: &Vec<(reapi::Digest, TreeDigest)>| {
            let names: Vec<reapi::Digest> = wanted.iter().map(|(name, _)| name.clone()).collect();
            let trees: HashMap<_, _> = wanted.iter().cloned().collect();
            let mut arrived = Arrived::default();
            for (name, bytes) in self.heed(blobs.read(&names)).unwrap_or_default() {
                let Some(&tree) = trees.get(&name) else {
                    continue;
                };
                let directory = reapi::Directory::decode(bytes.as_slice()).ok();
                let mut one = Arrived::default();
                match directory.and_then(|it| one.take(blobs.server.function, it)) {
                    Some(taken) if taken == tree => arrived.extend(one),
                    _ => self.damaged(store, tree.digest())?,
                }
            }
            Ok::<_, pwb_cache::Error>(arrived)
        };
        let mut lost: HashSet<Digest> = wanted.iter().map(|tree| tree.digest()).collect();
        for arrived in parallel::map(&named, TRANSFERS, fetch) {
            let arrived = arrived?;
            for (digest, _) in &arrived.messages {
                lost.remove(digest);
            }
            arrived.keep(store)?;
        }
        self.lose(lost);
        Ok(())
    }

    /// Whole trees, where the server can give them in one answer; what it leaves out is asked for by others.
    pub(super) fn bring_trees(
        &self,
        blobs: Blobs<'_>,
        store: &Store,
        roots: &[TreeDigest],
    ) -> pwb_cache::Result<()> {
        let named = names::of_trees(blobs.server.function, store, roots)?;
        let fetch = |(name, _): &(reapi::Digest, TreeDigest)| {
            let mut arrived = Arrived::default();
            // A server that knows no such call is no news to the user: there is another way.
            let found = match blobs.tree(name) {
                Err(Trouble::Refused(_)) => None,
                other => self.heed(other),
            };
            for directory in found.unwrap_or_default() {
                arrived.take(blobs.server.function, directory);
            }
            arrived
        };
        for arrived in parallel::map(&named, TRANSFERS, fetch) {
            arrived.keep(store)?;
        }
        Ok(())
    }
}

impl Blobs<'_> {
    /// All directories of a tree, as far as the server has them.
    fn tree(&self, root: &reapi::Digest) -> Result<Vec<reapi::Directory>, Trouble> {
        let begin = std::time::Instant::now();
        let mut directories = Vec::new();
        let mut carried = 0;
        let mut page_token = String::new();
        loop {
            let mut stream = self
                .wire
                .call(0, || {
                    let mut client = self.wire.cas();
                    let request = self.wire.request(reapi::GetTreeRequest {
                        instance_name: self.wire.instance(),
                        root_digest: Some(root.clone()),
                        page_size: 0,
                        page_token: page_token.clone(),
                        digest_function: names::value(self.server.function),
                    });
                    async move { client.get_tree(request).await }
                })?
                .into_inner();
            page_token.clear();
            while let Some(answer) = self.wire.next(&mut stream, begin, carried)? {
                let length = answer.encoded_len() as u64;
                if carried > LARGEST_TREE {
                    return Err(Trouble::NotFound);
                }
                self.wire.tell(Notice::Received(length));
                carried += length;
                directories.extend(answer.directories);
                page_token = answer.next_page_token;
            }
            if page_token.is_empty() {
                return Ok(directories);
            }
        }
    }
}

impl Arrived {
    /// Takes a directory and says which it is: whatever its digest is, it is that of these very entries.
    fn take(&mut self, function: Function, message: reapi::Directory) -> Option<TreeDigest> {
        let directory = match function {
            Function::Blake3 => {
                let bytes = message.encode_to_vec();
                Directory::decode(Digest::of(&bytes), &bytes).ok()?
            }
            Function::Sha256 => {
                let name = Sha256::of(&message.encode_to_vec());
                let read = twin::read(message)?;
                let digest = Digest::of(&read.directory.encode());
                self.files.extend(read.files);
                self.twins.extend(read.directories);
                self.twins.push((TreeDigest::from_digest(digest), name));
                read.directory
            }
        };
        let bytes = directory.encode();
        let digest = Digest::of(&bytes);
        // Names that leave the directory are found here.
        Directory::decode(digest, &bytes).ok()?;
        self.messages.push((digest, bytes));
        Some(TreeDigest::from_digest(digest))
    }

    fn extend(&mut self, other: Arrived) {
        self.messages.extend(other.messages);
        self.files.extend(other.files);
        self.twins.extend(other.twins);
    }

    fn keep(self, store: &Store) -> pwb_cache::Result<()> {
        store.put_heard(&self.files)?;
        store.put_twins(&self.twins)?;
        store.batch().put_messages(&self.messages)
    }
}
