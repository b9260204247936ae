//! Results for others: first all blobs that the server lacks, then the result that names them.

use std::collections::{HashMap, HashSet};
use std::io::Read;
use std::sync::atomic::{AtomicU64, Ordering};

use prost::Message;
use pwb_cache::{
    Action, ActionKey, ActionResult, Blob, Digest, Directory, Entry, Function, Sha256, Store,
    TreeDigest, fs, reapi,
};
use rayon::prelude::*;
use sha2::Digest as _;
use tonic::Code;

use super::blobs::{Blobs, batches, size};
use super::names;
use super::wire::{Trouble, said};
use super::{Client, LOOKUPS, TRANSFERS, parallel, twin};
use crate::record;

/// Batches of one result under way at once.
const BATCHES: usize = 4;
/// Files of at most so many bytes are kept in memory once they were read to be hashed, so many bytes of them in all.
const SMALL: u64 = 1 << 18;
const KEPT: u64 = 1 << 26;

/// All that a result names, under its names on the server.
pub(super) struct Parcel {
    pub blobs: HashMap<reapi::Digest, Blob>,
    pub message: reapi::ActionResult,
}

impl Client {
    pub(super) fn upload(
        &self,
        blobs: Blobs<'_>,
        store: &Store,
        results: &[(ActionKey, ActionResult)],
    ) -> pwb_cache::Result<()> {
        if !self.takes_results(blobs) {
            return Ok(());
        }
        let known = parallel::map(results, LOOKUPS, |(key, _)| {
            let found = self.result(blobs.server, *key);
            found.is_some_and(|(found, _, _)| !self.state().refused.contains(&found.tree))
        });
        let unknown: Vec<_> = results
            .iter()
            .zip(known)
            .filter_map(|(result, known)| (!known).then_some(*result))
            .collect();
        let sent = parallel::map(&unknown, TRANSFERS, |(key, result)| {
            if self.state().full || !self.wire.is_up() {
                return Ok(());
            }
            if let Some(parcel) = self.pack(blobs.server.function, store, *key, result)? {
                self.send(blobs, *key, parcel);
            }
            Ok(())
        });
        sent.into_iter().collect()
    }

    /// Whether the server takes results, as far as is known.
    pub(super) fn takes_results(&self, blobs: Blobs<'_>) -> bool {
        if !blobs.server.updates {
            self.say::<()>("it takes no results from us; nothing is uploaded");
        }
        blobs.server.updates && !self.state().full && self.wire.is_up()
    }

    /// Sends a parcel; a server that takes nothing more is not bothered again.
    pub(super) fn send(&self, blobs: Blobs<'_>, key: ActionKey, parcel: Parcel) {
        let outcome = self.send_blobs(blobs, parcel.blobs).and_then(|()| {
            self.wire.call(0, || {
                let mut client = self.wire.actions();
                let request = self.wire.request(reapi::UpdateActionResultRequest {
                    instance_name: self.wire.instance(),
                    action_digest: Some(key.digest().to_message()),
                    action_result: Some(parcel.message.clone()),
                    results_cache_policy: None,
                    digest_function: names::value(blobs.server.function),
                });
                async move { client.update_action_result(request).await.map(drop) }
            })
        });
        match outcome {
            Err(Trouble::Refused(status)) => {
                let topic = status.code().description();
                let ends = [
                    Code::ResourceExhausted,
                    Code::PermissionDenied,
                    Code::Unimplemented,
                ];
                if ends.contains(&status.code()) {
                    self.state().full = true;
                    self.say_of::<()>(
                        topic,
                        &format!("{}; nothing more is uploaded", said(&status)),
                    );
                } else {
                    self.say_of::<()>(topic, &format!("{}; not all is uploaded", said(&status)));
                }
            }
            other => drop(self.heed(other)),
        }
    }

    fn send_blobs(
        &self,
        to: Blobs<'_>,
        mut blobs: HashMap<reapi::Digest, Blob>,
    ) -> Result<(), Trouble> {
        let names: Vec<reapi::Digest> = blobs.keys().cloned().collect();
        let missing = to.missing(&names)?;
        let missing: Vec<(reapi::Digest, Blob)> = missing
            .into_iter()
            .filter_map(|name| blobs.remove_entry(&name))
            .collect();
        self.send_missing(to, missing)
    }

    /// Sends blobs that the server lacks.
    pub(super) fn send_missing(
        &self,
        to: Blobs<'_>,
        missing: Vec<(reapi::Digest, Blob)>,
    ) -> Result<(), Trouble> {
        let batches = batches(missing, to.server.batch, |(name, _)| size(name));
        Trouble::of_all(parallel::map(&batches, BATCHES, |batch| {
            send_batch(to, batch)
        }))
    }

    /// Gathers what a result names; `None` if it is not all here.
    fn pack(
        &self,
        function: Function,
        store: &Store,
        key: ActionKey,
        result: &ActionResult,
    ) -> pwb_cache::Result<Option<Parcel>> {
        let Some(directories) = store.local_directories(result.tree)? else {
            return Ok(None);
        };
        let mut blobs = HashMap::new();
        let mut files = HashSet::new();
        for directory in directories.iter().map(|(_, directory)| directory) {
            for entry in directory.entries.values() {
                if let Entry::File { digest, .. } = entry {
                    files.insert(*digest);
                }
            }
        }
        let files: Vec<Digest> = files.into_iter().collect();
        let Some(found) = named(function, store, &files)? else {
            return Ok(None);
        };
        let tree = match function {
            Function::Blake3 => plain(&directories),
            Function::Sha256 => {
                let sha256 = |(file, name, _): &(Digest, reapi::Digest, Blob)| {
                    Some((*file, Sha256::from_message(name)?))
                };
                twins(
                    store,
                    &directories,
                    &found.iter().filter_map(sha256).collect(),
                )?
            }
        };
        blobs.extend(found.into_iter().map(|(_, name, blob)| (name, blob)));
        let Some(tree) = tree else {
            return Ok(None);
        };
        let mut add = |bytes: Vec<u8>| {
            let name = names::name_of(function, &bytes);
            blobs.insert(name.clone(), Blob::Bytes(bytes));
            name
        };
        let directories = tree.root.iter().chain(&tree.children);
        let names: Vec<_> = directories.map(|one| add(one.encode_to_vec())).collect();
        let tree_digest = add(tree.encode_to_vec());
        if let Some(action) = Action::load(store, key)? {
            let (_, messages) = action.encode();
            messages.into_iter().for_each(|(_, bytes)| drop(add(bytes)));
        }
        let mut message = reapi::ActionResult {
            output_directories: vec![reapi::OutputDirectory {
                tree_digest: Some(tree_digest),
                root_directory_digest: names.into_iter().next(),
                ..Default::default()
            }],
            ..Default::default()
        };
        let record = record::write(result);
        record::seal(&mut message, key, record, self.settings.signing.as_ref());
        Ok(Some(Parcel { blobs, message }))
    }
}

fn send_batch(to: Blobs<'_>, batch: &[(reapi::Digest, Blob)]) -> Result<(), Trouble> {
    if let [(name, blob)] = batch
        && to.is_large(size(name))
    {
        return to.write_stream(name, blob);
    }
    let read =
        |(name, blob): &(reapi::Digest, Blob)| Some((name.clone(), blob.clone().read().ok()?));
    // A file that has gone from the store in the meantime: the result cannot be shared.
    let blobs: Option<Vec<_>> = batch.iter().map(read).collect();
    let refused = to.write(blobs.ok_or(Trouble::NotFound)?)?;
    match refused.into_iter().next() {
        Some((_, status)) => Err(Trouble::Refused(status)),
        None => Ok(()),
    }
}

/// The tree as it is. `directories` begins with the root.
fn plain(directories: &[(TreeDigest, Directory)]) -> Option<reapi::Tree> {
    let decode = |(_, directory): &(TreeDigest, Directory)| {
        reapi::Directory::decode(directory.encode().as_slice()).ok()
    };
    let mut all = directories.iter().map(decode);
    Some(reapi::Tree {
        root: Some(all.next()??),
        children: all.collect::<Option<_>>()?,
    })
}

/// The tree with SHA-256 names. A directory comes before those below it, so the last are written first.
fn twins(
    store: &Store,
    directories: &[(TreeDigest, Directory)],
    files: &HashMap<Digest, Sha256>,
) -> pwb_cache::Result<Option<reapi::Tree>> {
    let mut names = HashMap::new();
    let mut written = Vec::with_capacity(directories.len());
    for (tree, directory) in directories.iter().rev() {
        let Some(twin) = twin::write(directory, files, &names) else {
            return Ok(None);
        };
        names.insert(*tree, Sha256::of(&twin.encode_to_vec()));
        written.push(twin);
    }
    store.put_twins(&names.into_iter().collect::<Vec<_>>())?;
    let root = written.pop();
    written.reverse();
    Ok(root.map(|root| reapi::Tree {
        root: Some(root),
        children: written,
    }))
}

/// Files with their names on the server; `None` if they are not all here.
pub(super) fn named(
    function: Function,
    store: &Store,
    files: &[Digest],
) -> pwb_cache::Result<Option<Vec<(Digest, reapi::Digest, Blob)>>> {
    // Only what was hashed here: a name that was heard is good for asking.
    let names: Vec<Option<reapi::Digest>> = match function {
        Function::Blake3 => names::names(function, store, files)?,
        Function::Sha256 => {
            let names = store.sha256(files)?.into_iter();
            names.map(|name| name.map(Sha256::to_message)).collect()
        }
    };
    let mut found = Vec::with_capacity(files.len());
    for ((file, name), blob) in files.iter().zip(names).zip(store.blobs(files)?) {
        let Some(blob) = blob else {
            return Ok(None);
        };
        found.push((*file, name, blob));
    }
    pwb_cache::crew::start()?;
    // BLAKE3 names are always known.
    let kept = AtomicU64::new(0);
    let unknown = found.par_iter_mut().filter(|(_, name, _)| name.is_none());
    let computed: Vec<(Digest, Sha256)> = unknown
        .filter_map(|(file, name, blob)| {
            let sha256 = hash(blob, &kept)?;
            *name = Some(sha256.to_message());
            Some((*file, sha256))
        })
        .collect();
    store.put_sha256(&computed)?;
    // One that has gone in the meantime is not here.
    let named = found.into_iter();
    Ok(named
        .map(|(file, name, blob)| Some((file, name?, blob)))
        .collect())
}

/// `None` if the file has gone. A small one's bytes are kept, since they are likely to be sent next.
fn hash(blob: &mut Blob, kept: &AtomicU64) -> Option<Sha256> {
    let path = match blob {
        Blob::Bytes(bytes) => return Some(Sha256::of(bytes)),
        Blob::File(path) => path,
    };
    let mut file = fs::open(path).ok()?;
    let size = file.metadata().ok()?.len();
    if size <= SMALL && kept.fetch_add(size, Ordering::Relaxed) < KEPT {
        let mut bytes = Vec::with_capacity(size as usize);
        file.read_to_end(&mut bytes).ok()?;
        let sha256 = Sha256::of(&bytes);
        *blob = Blob::Bytes(bytes);
        return Some(sha256);
    }
    let mut hasher = sha2::Sha256::new();
    let size = std::io::copy(&mut file, &mut hasher).ok()?;
    Some(Sha256::new(hasher.finalize().into(), size))
}
