//! Trees for the server, as input of what is to run there: all directories, and the files that it lacks.
//!
//! What the server has need not be here: a result that came from there by name alone stays there. What it was seen to have
//! is not asked about again by this process, so that the next action over the same root costs nothing.

use std::collections::{HashMap, HashSet};

use prost::Message;
use pwb_cache::{Blob, Digest, Directory, Entry, Function, Sha256, Store, TreeDigest, reapi};

use super::blobs::Blobs;
use super::wire::Trouble;
use super::{Client, names, twin};

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
        for (name, bytes) in directory_names(to.server.function, store, &wanted, &named)? {
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
        present.extend(wanted.directories.iter().map(|(tree, _)| *tree));
        Ok(Ok(match to.server.function {
            Function::Blake3 => root.digest().to_message(),
            Function::Sha256 => match store.twins(&[root])?.pop().flatten() {
                Some(name) => name.to_message(),
                None => return Ok(Err(Trouble::NotFound)),
            },
        }))
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
        present: &HashSet<TreeDigest>,
        tree: TreeDigest,
    ) -> pwb_cache::Result<()> {
        if present.contains(&tree) || !self.seen.insert(tree) {
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

/// What directories are called on the server, with their bytes as it has them.
fn directory_names(
    function: Function,
    store: &Store,
    wanted: &Wanted,
    files: &HashMap<Digest, reapi::Digest>,
) -> pwb_cache::Result<Vec<(reapi::Digest, Vec<u8>)>> {
    let plain = |(tree, directory): &(TreeDigest, Directory)| {
        (tree.digest().to_message(), directory.encode())
    };
    if function == Function::Blake3 {
        return Ok(wanted.directories.iter().map(plain).collect());
    }
    let of = |(file, name): (&Digest, &reapi::Digest)| Some((*file, Sha256::from_message(name)?));
    let files: HashMap<Digest, Sha256> = files.iter().filter_map(of).collect();
    // Those that the server has been seen to have were given their names then.
    let entries = wanted.directories.iter().map(|(_, it)| it.entries.values());
    let below: Vec<TreeDigest> = entries
        .flatten()
        .filter_map(|entry| match entry {
            Entry::Directory(tree) if !wanted.seen.contains(tree) => Some(*tree),
            _ => None,
        })
        .collect();
    let known = below.iter().copied().zip(store.twins(&below)?);
    let mut names: HashMap<TreeDigest, Sha256> = known
        .filter_map(|(tree, name)| Some((tree, name?)))
        .collect();
    let mut written = Vec::new();
    let mut new = Vec::new();
    for (tree, directory) in &wanted.directories {
        // All that it names was named before.
        let Some(twin) = twin::write(directory, &files, &names) else {
            continue;
        };
        let bytes = twin.encode_to_vec();
        let name = Sha256::of(&bytes);
        names.insert(*tree, name);
        new.push((*tree, name));
        written.push((name.to_message(), bytes));
    }
    store.put_twins(&new)?;
    Ok(written)
}
