//! Files from the server, verified before they are published.

use std::collections::{BTreeSet, HashMap, HashSet};

use pwb_cache::{Batch, Digest, Store, fs, reapi};

use super::blobs::{Blobs, batches};
use super::{Client, TRANSFERS, names, parallel};

/// Files on their way into a batch.
struct Files<'a> {
    client: &'a Client,
    blobs: Blobs<'a>,
    store: &'a Store,
    batch: Batch<'a>,
    /// In which modes each is wanted.
    modes: HashMap<Digest, BTreeSet<bool>>,
}

impl Client {
    pub(super) fn bring_files(
        &self,
        blobs: Blobs<'_>,
        store: &Store,
        wanted: &[(Digest, bool)],
    ) -> pwb_cache::Result<()> {
        let mut modes: HashMap<Digest, BTreeSet<bool>> = HashMap::new();
        for (digest, executable) in wanted {
            modes.entry(*digest).or_default().insert(*executable);
        }
        let files = Files {
            client: self,
            blobs,
            store,
            batch: store.batch(),
            modes,
        };
        let digests: Vec<Digest> = files.modes.keys().copied().collect();
        let names = names::names(blobs.server.function, store, &digests)?;
        let named = digests.iter().copied().zip(names);
        let named: Vec<(reapi::Digest, Digest)> = named
            .filter_map(|(digest, name)| Some((name?, digest)))
            .collect();
        let named = batches(named, blobs.server.batch, |(_, digest)| digest.size());
        let mut lost: HashSet<Digest> = digests.into_iter().collect();
        for taken in parallel::map(&named, TRANSFERS, |wanted| files.take(wanted)) {
            for digest in taken? {
                lost.remove(&digest);
            }
        }
        self.lose(lost);
        store.publish_files(files.batch.finish())
    }
}

impl Files<'_> {
    /// Takes what comes of a batch, or of one large blob.
    fn take(&self, wanted: &[(reapi::Digest, Digest)]) -> pwb_cache::Result<Vec<Digest>> {
        match wanted {
            [(name, digest)] if self.blobs.is_large(digest.size()) => {
                self.take_large(name, *digest)
            }
            wanted => self.take_small(wanted),
        }
    }

    fn take_small(&self, wanted: &[(reapi::Digest, Digest)]) -> pwb_cache::Result<Vec<Digest>> {
        let digests: HashMap<_, _> = wanted.iter().cloned().collect();
        // What has no bytes need not be asked for.
        let names = digests.keys().filter(|name| name.size_bytes > 0);
        let names: Vec<reapi::Digest> = names.cloned().collect();
        let mut found = match names.as_slice() {
            [] => Vec::new(),
            names => self.client.heed(self.blobs.read(names)).unwrap_or_default(),
        };
        let empty = wanted.iter().filter(|(name, _)| name.size_bytes == 0);
        found.extend(empty.map(|(name, _)| (name.clone(), Vec::new())));
        let mut taken = Vec::with_capacity(found.len());
        for (name, bytes) in found {
            match digests.get(&name) {
                Some(digest) if Digest::of(&bytes) == *digest => {
                    for executable in &self.modes[digest] {
                        self.batch.put_file(&bytes, *executable)?;
                    }
                    taken.push(*digest);
                }
                Some(digest) => self.client.damaged(self.store, *digest)?,
                None => {}
            }
        }
        Ok(taken)
    }

    fn take_large(&self, name: &reapi::Digest, digest: Digest) -> pwb_cache::Result<Vec<Digest>> {
        if digest.size() > self.store.free_bytes()? {
            return Ok(Vec::new());
        }
        let path = self.store.session()?.path("blob");
        let mut file = fs::create(&path)?;
        let found = self.client.heed(self.blobs.read_stream(name, &mut file));
        drop(file);
        let mut taken = Vec::new();
        if found.is_some() {
            let modes = &self.modes[&digest];
            for executable in modes {
                // Taking a file takes it away.
                let copy = match modes.len() {
                    1 => path.clone(),
                    _ => self.store.session()?.path("blob"),
                };
                if copy != path {
                    fs::copy(&path, &copy)?;
                }
                match self.batch.take_file(&copy, *executable)? {
                    it if it == digest => taken.push(it),
                    _ => self.client.damaged(self.store, digest)?,
                }
                fs::remove_file(&copy)?;
            }
        }
        fs::remove_file(&path)?;
        Ok(taken)
    }
}
