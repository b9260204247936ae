//! One directory of a tree in REAPI's canonical encoding.

use std::collections::BTreeMap;

use prost::Message;
use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::path::check_name;
use crate::reapi;

/// The digest of a tree's root [`Directory`]: it stands for the whole tree.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub struct TreeDigest(Digest);

impl TreeDigest {
    /// A digest that is known to be a directory's.
    pub fn from_digest(digest: Digest) -> TreeDigest {
        TreeDigest(digest)
    }

    /// The digest of the encoded root directory.
    pub fn digest(&self) -> Digest {
        self.0
    }
}

/// What a name in a directory stands for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Entry {
    /// A file.
    File {
        /// Its contents.
        digest: Digest,
        /// Its only mode bit.
        executable: bool,
    },
    /// A directory.
    Directory(TreeDigest),
    /// A symbolic link, with its target as written.
    Symlink(String),
}

/// A directory: names, each with what it stands for. It has no times, owners or extended attributes.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Directory {
    /// The entries by name.
    pub entries: BTreeMap<String, Entry>,
}

impl Directory {
    /// The canonical encoding.
    pub fn encode(&self) -> Vec<u8> {
        let mut message = reapi::Directory::default();
        for (name, entry) in &self.entries {
            let name = name.clone();
            match entry {
                Entry::File { digest, executable } => message.files.push(reapi::FileNode {
                    name,
                    digest: Some(digest.to_message()),
                    is_executable: *executable,
                    ..Default::default()
                }),
                Entry::Directory(tree) => {
                    message.directories.push(reapi::DirectoryNode {
                        name,
                        digest: Some(tree.0.to_message()),
                    });
                }
                Entry::Symlink(target) => {
                    message.symlinks.push(reapi::SymlinkNode {
                        name,
                        target: target.clone(),
                        ..Default::default()
                    });
                }
            }
        }
        message.encode_to_vec()
    }

    /// The directory that `bytes`, whose digest is `digest`, encode.
    pub fn decode(digest: Digest, bytes: &[u8]) -> Result<Directory> {
        let malformed = |why: String| Error::Malformed {
            digest,
            what: "Directory",
            why,
        };
        let message =
            reapi::Directory::decode(bytes).map_err(|error| malformed(error.to_string()))?;
        let of = |message: Option<reapi::Digest>| {
            message
                .as_ref()
                .and_then(Digest::from_message)
                .ok_or_else(|| malformed("an entry has no digest".into()))
        };
        let mut entries = Vec::new();
        for file in message.files {
            entries.push((
                file.name,
                Entry::File {
                    digest: of(file.digest)?,
                    executable: file.is_executable,
                },
            ));
        }
        for directory in message.directories {
            entries.push((
                directory.name,
                Entry::Directory(TreeDigest(of(directory.digest)?)),
            ));
        }
        for link in message.symlinks {
            let target = link.target;
            if target.is_empty() || target.contains('\0') || target.len() > 4095 {
                return Err(malformed(format!("`{}` leads nowhere", link.name)));
            }
            entries.push((link.name, Entry::Symlink(target)));
        }
        let mut directory = Directory::default();
        for (name, entry) in entries {
            check_name(&name).map_err(|error| malformed(error.to_string()))?;
            if directory.entries.insert(name.clone(), entry).is_some() {
                return Err(malformed(format!("`{name}` stands in it twice")));
            }
        }
        Ok(directory)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn entry() -> impl Strategy<Value = Entry> {
        let digest = any::<Vec<u8>>().prop_map(|bytes| Digest::of(&bytes));
        prop_oneof![
            (digest.clone(), any::<bool>())
                .prop_map(|(digest, executable)| Entry::File { digest, executable }),
            digest.prop_map(|digest| Entry::Directory(TreeDigest(digest))),
            "[a-z/.]{1,9}".prop_map(Entry::Symlink),
        ]
    }

    proptest! {
        #[test]
        fn decoding_gives_back_what_was_encoded(entries in prop::collection::btree_map("[a-z]{1,5}", entry(), 0..9)) {
            let directory = Directory { entries };
            let bytes = directory.encode();
            prop_assert_eq!(Directory::decode(Digest::of(&bytes), &bytes).unwrap(), directory);
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes: Vec<u8>) {
            let _ = Directory::decode(Digest::of(&bytes), &bytes);
        }
    }

    #[test]
    fn a_name_that_leaves_the_directory_is_refused() {
        let link = reapi::SymlinkNode {
            name: "../up".into(),
            target: "x".into(),
            ..Default::default()
        };
        let bytes = reapi::Directory {
            symlinks: vec![link],
            ..Default::default()
        }
        .encode_to_vec();
        assert!(matches!(
            Directory::decode(Digest::of(&bytes), &bytes),
            Err(Error::Malformed { .. })
        ));
    }
}
