//! What an action has come to on the server, brought here: every byte is compared with the name that it came under.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;

use prost::Message;
use pwb_cache::{
    Batch, DEEPEST, Digest, Directory, Entry, Function, Hasher, Name, Sha256, Store, TreeDigest,
    fs, reapi,
};

use super::blobs::{Blobs, batches, size};
use super::{Client, TRANSFERS, parallel};

/// A file's name on the server, and whether it is executable.
type Wanted = (String, i64);

/// `Tree` with its directories as they were hashed.
#[derive(Clone, PartialEq, prost::Message)]
struct RawTree {
    #[prost(bytes = "vec", tag = "1")]
    root: Vec<u8>,
    #[prost(bytes = "vec", repeated, tag = "2")]
    children: Vec<Vec<u8>>,
}

/// What of it is here by now.
struct Arrivals<'a> {
    children: BTreeMap<Wanted, &'a [u8]>,
    files: BTreeMap<Wanted, Digest>,
}

/// Directories as they are called here.
#[derive(Default)]
struct Made {
    messages: Vec<(Digest, Vec<u8>)>,
    /// By their names on the server: a few that stand in each other many times over are a tree without end.
    trees: BTreeMap<Wanted, TreeDigest>,
}

impl Client {
    /// Brings the tree that a `Tree` message describes; its files are in `batch`. `None`: it is not whole, and that was told.
    pub(super) fn bring_output(
        &self,
        from: Blobs<'_>,
        store: &Store,
        batch: &Batch<'_>,
        tree: &reapi::Digest,
    ) -> pwb_cache::Result<Option<TreeDigest>> {
        let function = from.server.function;
        let Some(bytes) = self.bring_bytes(from, store, tree)? else {
            return Ok(self.say("it has lost what an action came to"));
        };
        let Ok(raw) = RawTree::decode(bytes.as_slice()) else {
            return Ok(
                self.say("it describes what an action came to in a way that nobody understands")
            );
        };
        let name = |bytes: &'_ Vec<u8>| key(&Name::of(function, bytes).to_message());
        let children: BTreeMap<Wanted, &[u8]> = raw
            .children
            .iter()
            .map(|child| (name(child), child.as_slice()))
            .collect();
        let mut files: BTreeMap<Wanted, BTreeSet<bool>> = BTreeMap::new();
        for bytes in raw.children.iter().chain([&raw.root]) {
            let directory = reapi::Directory::decode(bytes.as_slice()).unwrap_or_default();
            for file in directory.files {
                let name = key(&file.digest.unwrap_or_default());
                files.entry(name).or_default().insert(file.is_executable);
            }
        }
        let files = self.bring_output_files(from, store, batch, files)?;
        let arrivals = Arrivals { children, files };
        let mut made = Made::default();
        let Some(root) = arrivals.directory(&raw.root, 0, &mut made) else {
            return Ok(self.say("what an action came to is not whole there"));
        };
        batch.put_messages(&made.messages)?;
        Ok(Some(root))
    }

    /// Bytes of this name, in memory.
    pub(super) fn bring_bytes(
        &self,
        from: Blobs<'_>,
        store: &Store,
        name: &reapi::Digest,
    ) -> pwb_cache::Result<Option<Vec<u8>>> {
        let is_right =
            |bytes: &Vec<u8>| Name::of(from.server.function, bytes).to_message() == *name;
        if size(name) == 0 {
            return Ok(Some(Vec::new()));
        }
        if !from.is_large(size(name)) {
            let read = self.heed(from.read(std::slice::from_ref(name)));
            let mut read = read.unwrap_or_default().into_iter();
            return Ok(read.next().map(|(_, bytes)| bytes).filter(is_right));
        }
        let path = store.session()?.path("blob");
        let mut file = fs::create(&path)?;
        let fetched = self.heed(from.read_stream(name, &mut file));
        let bytes = fetched.map(|()| fs::read(&path)).transpose()?;
        fs::remove_file(&path)?;
        Ok(bytes.filter(is_right))
    }

    /// Files, each in the modes that are wanted; what they are called here.
    fn bring_output_files(
        &self,
        from: Blobs<'_>,
        store: &Store,
        batch: &Batch<'_>,
        wanted: BTreeMap<Wanted, BTreeSet<bool>>,
    ) -> pwb_cache::Result<BTreeMap<Wanted, Digest>> {
        let function = from.server.function;
        let mut found = BTreeMap::new();
        let mut absent = Vec::new();
        for (name, modes) in wanted {
            let message = message(&name);
            let known = match Name::from_message(function, &message) {
                Some(Name::Blake3(digest)) => Some(digest),
                Some(Name::Sha256(name)) => store.by_sha256(&[name])?.pop().flatten(),
                None => continue,
            };
            let here = match known {
                Some(digest) => {
                    store.has_published(digest, false)? || store.has_published(digest, true)?
                }
                None => false,
            };
            match known.filter(|_| here) {
                Some(digest) => drop(found.insert(name, digest)),
                None => absent.push((message, modes)),
            }
        }
        let named = batches(absent, from.server.batch, |(name, _)| size(name));
        let fetched = parallel::map(&named, TRANSFERS, |wanted| {
            self.bring_batch(from, store, batch, wanted)
        });
        let mut pairs = Vec::new();
        for fetched in fetched {
            for (name, digest) in fetched? {
                pairs.extend(Sha256::from_message(&name).map(|name| (digest, name)));
                found.insert(key(&name), digest);
            }
        }
        if function == Function::Sha256 {
            store.put_sha256(&pairs)?;
        }
        Ok(found)
    }

    fn bring_batch(
        &self,
        from: Blobs<'_>,
        store: &Store,
        batch: &Batch<'_>,
        wanted: &[(reapi::Digest, BTreeSet<bool>)],
    ) -> pwb_cache::Result<Vec<(reapi::Digest, Digest)>> {
        if let [(name, modes)] = wanted
            && from.is_large(size(name))
        {
            let digest = self.bring_large(from, store, batch, name, modes)?;
            return Ok(digest
                .map(|digest| (name.clone(), digest))
                .into_iter()
                .collect());
        }
        let names: Vec<reapi::Digest> = wanted.iter().map(|(name, _)| name.clone()).collect();
        let mut here = Vec::new();
        // What has no bytes need not be asked for.
        let (empty, names): (Vec<_>, Vec<_>) = names.into_iter().partition(|name| size(name) == 0);
        let mut read: Vec<_> = empty.into_iter().map(|name| (name, Vec::new())).collect();
        if !names.is_empty() {
            read.extend(self.heed(from.read(&names)).unwrap_or_default());
        }
        for (name, bytes) in read {
            let Some((_, modes)) = wanted.iter().find(|(wanted, _)| *wanted == name) else {
                continue;
            };
            if Name::of(from.server.function, &bytes).to_message() != name {
                self.mistrust();
                continue;
            }
            for executable in modes {
                batch.put_file(&bytes, *executable)?;
            }
            here.push((name, Digest::of(&bytes)));
        }
        Ok(here)
    }

    fn bring_large(
        &self,
        from: Blobs<'_>,
        store: &Store,
        batch: &Batch<'_>,
        name: &reapi::Digest,
        modes: &BTreeSet<bool>,
    ) -> pwb_cache::Result<Option<Digest>> {
        let path = store.session()?.path("blob");
        let mut file = fs::create(&path)?;
        let fetched = self.heed(from.read_stream(name, &mut file));
        drop(file);
        let mut found = None;
        if fetched.is_some() {
            let (digest, real) =
                hash(from.server.function, fs::open(&path)?).map_err(|source| {
                    pwb_cache::Error::Io {
                        verb: "read",
                        path: path.clone(),
                        source,
                    }
                })?;
            match real.to_message() == *name {
                true => found = Some(digest),
                false => self.mistrust(),
            }
        }
        if found.is_some() {
            for executable in modes {
                let copy = store.session()?.path("blob");
                fs::copy(&path, &copy)?;
                batch.take_file(&copy, *executable)?;
            }
        }
        fs::remove_file(&path)?;
        Ok(found)
    }

    fn mistrust(&self) {
        self.say::<()>("it has sent bytes that are not what their digest says; they are not used");
    }
}

impl Arrivals<'_> {
    /// A directory as it is called here, with those below it.
    fn directory(&self, bytes: &[u8], depth: usize, made: &mut Made) -> Option<TreeDigest> {
        if depth > DEEPEST {
            return None;
        }
        let message = reapi::Directory::decode(bytes).ok()?;
        let mut directory = Directory::default();
        for file in message.files {
            let digest = *self.files.get(&key(&file.digest?))?;
            let executable = file.is_executable;
            directory
                .entries
                .insert(file.name, Entry::File { digest, executable });
        }
        for below in message.directories {
            let name = below.digest?;
            let known = made.trees.get(&key(&name)).copied();
            let tree = match (known, self.children.get(&key(&name))) {
                (Some(tree), _) => tree,
                (None, Some(bytes)) => self.directory(bytes, depth + 1, made)?,
                // An empty directory is known to all.
                (None, None) if size(&name) == 0 => self.directory(&[], depth + 1, made)?,
                (None, None) => return None,
            };
            made.trees.insert(key(&name), tree);
            directory.entries.insert(below.name, Entry::Directory(tree));
        }
        for link in message.symlinks {
            directory
                .entries
                .insert(link.name, Entry::Symlink(link.target));
        }
        let bytes = directory.encode();
        let digest = Digest::of(&bytes);
        // Names that leave the directory are found here.
        Directory::decode(digest, &bytes).ok()?;
        made.messages.push((digest, bytes));
        Some(TreeDigest::from_digest(digest))
    }
}

fn key(name: &reapi::Digest) -> Wanted {
    (name.hash.clone(), name.size_bytes)
}

fn message((hash, size_bytes): &Wanted) -> reapi::Digest {
    reapi::Digest {
        hash: hash.clone(),
        size_bytes: *size_bytes,
    }
}

fn hash(function: Function, mut file: File) -> std::io::Result<(Digest, Name)> {
    use std::io::Read;
    let mut hasher = Hasher::new(function);
    let mut buffer = vec![0; 1 << 16];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hasher.finish()),
            count => hasher.update(&buffer[..count]),
        }
    }
}
