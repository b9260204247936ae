//! Directories as a server without BLAKE3 has them: the same entries, named by SHA-256.
//!
//! The BLAKE3 digests stand in the node properties, so that trees can be followed, and keys made of them, without a byte of their
//! files: a file has its own in the property `blake3`, the directories below are listed in the directory's `blake3:NAME`.

use std::collections::HashMap;

use pwb_cache::{Digest, Directory, Entry, Sha256, TreeDigest, reapi};

const PROPERTY: &str = "blake3";

/// A directory that was read, and what its entries are called on the server.
#[derive(Debug)]
pub(crate) struct Read {
    pub directory: Directory,
    pub files: Vec<(Digest, Sha256)>,
    pub directories: Vec<(TreeDigest, Sha256)>,
}

/// Writes a directory for the server; `None` if a name is not known.
pub(crate) fn write(
    directory: &Directory,
    files: &HashMap<Digest, Sha256>,
    directories: &HashMap<TreeDigest, Sha256>,
) -> Option<reapi::Directory> {
    let mut twin = reapi::Directory::default();
    let mut below = Vec::new();
    for (name, entry) in &directory.entries {
        let name = name.clone();
        match entry {
            Entry::File { digest, executable } => twin.files.push(reapi::FileNode {
                name,
                digest: Some(files.get(digest)?.to_message()),
                is_executable: *executable,
                node_properties: Some(properties(vec![property(PROPERTY.into(), *digest)])),
            }),
            Entry::Directory(tree) => {
                below.push(property(format!("{PROPERTY}:{name}"), tree.digest()));
                twin.directories.push(reapi::DirectoryNode {
                    name,
                    digest: Some(directories.get(tree)?.to_message()),
                });
            }
            Entry::Symlink(target) => twin.symlinks.push(reapi::SymlinkNode {
                name,
                target: target.clone(),
                ..Default::default()
            }),
        }
    }
    // A directory without others below has no properties: it is then as anybody else would write it.
    twin.node_properties = (!below.is_empty()).then(|| properties(below));
    Some(twin)
}

/// Reads a directory of the server; `None` if it does not say what it stands for.
pub(crate) fn read(twin: reapi::Directory) -> Option<Read> {
    let mut read = Read {
        directory: Directory::default(),
        files: Vec::new(),
        directories: Vec::new(),
    };
    for file in twin.files {
        let name = Sha256::from_message(&file.digest?)?;
        let digest = blake3(&file.node_properties?, PROPERTY)?;
        // The same bytes have one size.
        if digest.size() != name.size() {
            return None;
        }
        read.files.push((digest, name));
        let executable = file.is_executable;
        let entry = Entry::File { digest, executable };
        read.directory.entries.insert(file.name, entry);
    }
    let below = twin.node_properties.unwrap_or_default();
    for directory in twin.directories {
        let name = Sha256::from_message(&directory.digest?)?;
        let property = format!("{PROPERTY}:{}", directory.name);
        let tree = TreeDigest::from_digest(blake3(&below, &property)?);
        read.directories.push((tree, name));
        let entry = Entry::Directory(tree);
        read.directory.entries.insert(directory.name, entry);
    }
    for link in twin.symlinks {
        let entry = Entry::Symlink(link.target);
        read.directory.entries.insert(link.name, entry);
    }
    Some(read)
}

fn property(name: String, digest: Digest) -> reapi::NodeProperty {
    let value = digest.to_string();
    reapi::NodeProperty { name, value }
}

/// The specification wants them sorted by name; entries come sorted.
fn properties(properties: Vec<reapi::NodeProperty>) -> reapi::NodeProperties {
    reapi::NodeProperties {
        properties,
        ..Default::default()
    }
}

fn blake3(properties: &reapi::NodeProperties, name: &str) -> Option<Digest> {
    let mut properties = properties.properties.iter();
    let property = properties.find(|property| property.name == name)?;
    let (hash, size) = property.value.split_once('/')?;
    Digest::from_message(&reapi::Digest {
        hash: hash.to_owned(),
        size_bytes: size.parse().ok()?,
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_twin_gives_the_directory_back() {
        let (file, below) = (
            Digest::of(b"file"),
            TreeDigest::from_digest(Digest::of(b"below")),
        );
        let mut directory = Directory::default();
        let mut add = |name: &str, entry| directory.entries.insert(name.to_owned(), entry);
        add(
            "a.c",
            Entry::File {
                digest: file,
                executable: true,
            },
        );
        add("below", Entry::Directory(below));
        add("link", Entry::Symlink("../x".into()));
        let files = HashMap::from([(file, Sha256::of(b"file"))]);
        let directories = HashMap::from([(below, Sha256::of(b"other bytes"))]);
        let twin = write(&directory, &files, &directories).unwrap();
        let read = read(twin).unwrap();
        assert_eq!(read.directory, directory);
        assert_eq!(read.files, [(file, Sha256::of(b"file"))]);
        assert_eq!(read.directories, [(below, Sha256::of(b"other bytes"))]);
        assert!(write(&directory, &HashMap::new(), &directories).is_none());
    }

    #[test]
    fn a_directory_that_somebody_else_wrote_is_not_read() {
        let file = reapi::FileNode {
            name: "x".into(),
            digest: Some(Sha256::of(b"x").to_message()),
            ..Default::default()
        };
        let directory = reapi::Directory {
            files: vec![file],
            ..Default::default()
        };
        assert!(read(directory).is_none());
    }
}
