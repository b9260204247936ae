//! Trees for the server, as input of what is to run there: all directories, and the files that it lacks.
//!
//! Its directories have no properties, whatever its digests are: some workers refuse those that they do not know. So to a server
//! without BLAKE3 they are other directories than those that results name ([`twin`](super::twin)).
//!
//! What the server has need not be here: a result that came from there by name alone stays there. What it was seen to have
//! is not asked about again by this process, so that the next action over the same root costs nothing.

use std::collections::{HashMap, HashSet};

use prost::Message;
use pwb_cache::{Blob, Digest, Directory, Entry, Function, Store, TreeDigest, reapi};

use super::blobs::Blobs;
use super::wire::Trouble;
use super::{Client, names};

/// Directories that the server has not been seen to have, those below before those above, and their files.
#[derive(Default)]
struct Wanted {
    directories: Vec<(TreeDigest, Directory)>,
    seen: HashSet<TreeDigest>,
}

/// What blobs are called on the server, with what they are here.
enum Source {
    File(Digest),
    Directory(Vec<u8>),
}

impl Client {
    /// Sees to it that the server has a tree; what its root is called there. `Missing`: neither side has all of it.
    pub(super) fn send_tree(
        &self,
        to: Blobs<'_>,
        store: &Store,
        root: TreeDigest,
    ) -> pwb_cache::Result<Result<reapi::Digest, Trouble>> {
        store.bring_directories(&[root])?;
        // The next one finds sent what both want.
        let mut present = self.lock(&self.present);
        let mut wanted = Wanted::default();
        wanted.collect(store, &present, root)?;
        let files = wanted.files();
        let named = match file_names(to.server.function, store, &files)? {
            Ok(named) => named,
            Err(lost) => return Err(pwb_cache::Error::Missing(lost)),
        };
        let mut sources = HashMap::new();
        let mut trees = HashMap::new();
        for (tree, directory) in &wanted.directories {
            let name_of = |below: &TreeDigest| trees.get(below).or_else(|| present.get(below));
            let Some(bytes) = plain(directory, &named, name_of) else {
                return Ok(Err(Trouble::NotFound));
            };
            let name = names::name_of(to.server.function, &bytes);
            trees.insert(*tree, name.clone());
            sources.insert(name, Source::Directory(bytes));
        }
        for (file, name) in named {
            sources.insert(name, Source::File(file));
        }
        let all: Vec<reapi::Digest> = sources.keys().cloned().collect();
        let missing = match to.missing(&all) {
            Ok(missing) => missing,
            Err(trouble) => return Ok(Err(trouble)),
        };
        let mut blobs = Vec::with_capacity(missing.len());
        for name in missing {
            let blob = match sources.remove(&name) {
                None => continue,
                Some(Source::Directory(bytes)) => Blob::Bytes(bytes),
                Some(Source::File(file)) => {
                    store.blob(file)?.ok_or(pwb_cache::Error::Missing(file))?
                }
            };
            blobs.push((name, blob));
        }
        if let Err(trouble) = self.send_missing(to, blobs) {
            return Ok(Err(trouble));
        }
        present.extend(trees);
        Ok(present.get(&root).cloned().ok_or(Trouble::NotFound))
    }

    /// Forgets what the server was seen to have: it has said otherwise.
    pub(super) fn doubt(&self) {
        self.lock(&self.present).clear();
    }
}

impl Wanted {
    fn collect(
        &mut self,
        store: &Store,
        present: &HashMap<TreeDigest, reapi::Digest>,
        tree: TreeDigest,
    ) -> pwb_cache::Result<()> {
        if present.contains_key(&tree) || !self.seen.insert(tree) {
            return Ok(());
        }
        let directory = store.directory(tree)?;
        for entry in directory.entries.values() {
            if let Entry::Directory(below) = entry {
                self.collect(store, present, *below)?;
            }
        }
        self.directories.push((tree, directory));
        Ok(())
    }

    fn files(&self) -> Vec<Digest> {
        let entries = self.directories.iter().map(|(_, it)| it.entries.values());
        let files = entries.flatten().filter_map(|entry| match entry {
            Entry::File { digest, .. } => Some(*digest),
            _ => None,
        });
        let files: HashSet<Digest> = files.collect();
        files.into_iter().collect()
    }
}

/// What files are called on the server; those whose names are not known are hashed, and have to be here.
fn file_names(
    function: Function,
    store: &Store,
    files: &[Digest],
) -> pwb_cache::Result<Result<HashMap<Digest, reapi::Digest>, Digest>> {
    let pairs = files.iter().zip(names::names(function, store, files)?);
    let (known, unknown): (Vec<_>, Vec<_>) = pairs.partition(|(_, name)| name.is_some());
    let unknown: Vec<Digest> = unknown.into_iter().map(|(file, _)| *file).collect();
    let Some(hashed) = super::upload::named(function, store, &unknown)? else {
        for file in unknown {
            if store.blob(file)?.is_none() {
                return Ok(Err(file));
            }
        }
        return Ok(Ok(HashMap::new()));
    };
    let known = known
        .into_iter()
        .filter_map(|(file, name)| Some((*file, name?)));
    let hashed = hashed.into_iter().map(|(file, name, _)| (file, name));
    Ok(Ok(known.chain(hashed).collect()))
}

/// A directory with the names that its entries have on the server; `None` if one of them is not known.
fn plain<'a>(
    directory: &Directory,
    files: &HashMap<Digest, reapi::Digest>,
    name_of: impl Fn(&TreeDigest) -> Option<&'a reapi::Digest>,
) -> Option<Vec<u8>> {
    let mut message = reapi::Directory::default();
    for (name, entry) in &directory.entries {
        let name = name.clone();
        match entry {
            Entry::File { digest, executable } => message.files.push(reapi::FileNode {
                name,
                digest: Some(files.get(digest)?.clone()),
                is_executable: *executable,
                ..Default::default()
            }),
            Entry::Directory(tree) => message.directories.push(reapi::DirectoryNode {
                name,
                digest: Some(name_of(tree)?.clone()),
            }),
            Entry::Symlink(target) => message.symlinks.push(reapi::SymlinkNode {
                name,
                target: target.clone(),
                ..Default::default()
            }),
        }
    }
    Some(message.encode_to_vec())
}
