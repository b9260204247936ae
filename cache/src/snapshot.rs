//! A folder of the user's as it was found: with the same stamps it is the same tree.

use serde::{Deserialize, Serialize};

use crate::checksum;
use crate::digest::Digest;
use crate::directory::{Directory, Entry, TreeDigest};
use crate::stamp::Stamp;

/// A folder. Stamps that were too fresh to be trusted are not kept.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) struct Snapshot {
    /// With this stamp the folder has the same names.
    pub stamp: Option<Stamp>,
    pub tree: TreeDigest,
    /// What is not left out, by name, in order.
    pub entries: Vec<(String, Seen)>,
}

/// What a name in a folder stands for.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) enum Seen {
    File {
        stamp: Option<Stamp>,
        digest: Digest,
        executable: bool,
    },
    Symlink {
        stamp: Option<Stamp>,
        target: String,
    },
    Folder(Snapshot),
}

impl Snapshot {
    /// The snapshot of a folder with these entries, and the message of its directory.
    pub fn new(stamp: Option<Stamp>, entries: Vec<(String, Seen)>) -> (Snapshot, Vec<u8>) {
        let entry = |(name, seen): &(String, Seen)| (name.clone(), seen.entry());
        let directory = Directory {
            entries: entries.iter().map(entry).collect(),
        };
        let message = directory.encode();
        let tree = TreeDigest::from_digest(Digest::of(&message));
        let snapshot = Snapshot {
            stamp,
            tree,
            entries,
        };
        (snapshot, message)
    }

    pub fn get(&self, name: &str) -> Option<&Seen> {
        let place = self
            .entries
            .binary_search_by(|(known, _)| known.as_str().cmp(name));
        Some(&self.entries[place.ok()?].1)
    }

    /// The form the index keeps, for an import of this name.
    pub fn to_row(&self, name: Digest) -> Vec<u8> {
        // Writing to memory does not fail; a row that says nothing is one that is made anew.
        checksum::add(
            &name.to_row(),
            postcard::to_allocvec(self).unwrap_or_default(),
        )
    }

    pub fn from_row(name: Digest, row: Vec<u8>) -> Option<Snapshot> {
        postcard::from_bytes(&checksum::verify(&name.to_row(), row)?).ok()
    }
}

impl Seen {
    fn entry(&self) -> Entry {
        match self {
            Seen::File {
                digest, executable, ..
            } => Entry::File {
                digest: *digest,
                executable: *executable,
            },
            Seen::Symlink { target, .. } => Entry::Symlink(target.clone()),
            Seen::Folder(folder) => Entry::Directory(folder.tree),
        }
    }
}
