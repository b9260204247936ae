//! An archive's way into a store: one thread reads and decompresses, others take the contents, and what is in between is
//! bounded. Knows neither formats nor stores.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::Builder;
use std::{panic, thread};

use pwb_cache::{Digest, TreePath};

use super::budget::{Budget, Share};
use super::error::{Error, Result};
use super::intake::{Entry, Intake, Limits, Member, Sink};
use super::listing::{Found, Listing};
use super::{deb, tar, zip};
use crate::recipe::Unpack;

const BUFFER: usize = 1 << 20;
/// Files on their way, besides the limit of their bytes.
const QUEUE: usize = 1024;

/// Contents to store.
struct Job {
    number: usize,
    executable: bool,
    contents: Vec<u8>,
    _share: Share,
}

/// Unpacks `archive`. `put` stores a file's contents, told whether it is executable, and answers with their digest; it is
/// called from several threads. Any error ends the whole: nothing is partly unpacked.
pub fn unpack<E: From<Error> + Send>(
    archive: &Path,
    how: &Unpack,
    limits: &Limits,
    put: impl Fn(Vec<u8>, bool) -> std::result::Result<Digest, E> + Sync,
) -> std::result::Result<Listing, E> {
    let limits = &bounded(archive, limits)?;
    let budget = Budget::new(limits.in_flight);
    let failed = AtomicBool::new(false);
    let (sender, receiver) = sync_channel(QUEUE);
    // Owned by the workers alone, so that a send fails when all of them are gone.
    let receiver = Arc::new(Mutex::new(receiver));
    thread::scope(|scope| {
        let workers: Vec<_> = (0..limits.threads.max(1))
            .map(|_| {
                let (receiver, put, failed) = (Arc::clone(&receiver), &put, &failed);
                let work = move || work(&receiver, put, failed);
                let started = Builder::new().spawn_scoped(scope, work);
                started.map_err(Error::io("start a thread that unpacks", archive))
            })
            .collect::<Result<_>>()?;
        drop(receiver);
        let mut found: Vec<(TreePath, Found)> = Vec::new();
        let mut files = 0;
        let mut sink = |Member { path, entry }| {
            let entry = match entry {
                Entry::Directory => Found::Directory,
                Entry::Symlink { target } => Found::Symlink(target),
                Entry::HardLink { to } => Found::HardLink(to),
                Entry::File {
                    executable,
                    contents,
                } => {
                    let (number, share) = (files, budget.take(contents.len() as u64));
                    files += 1;
                    if failed.load(Ordering::Relaxed)
                        || sender
                            .send(Job {
                                number,
                                executable,
                                contents,
                                _share: share,
                            })
                            .is_err()
                    {
                        return false;
                    }
                    Found::File { executable, number }
                }
            };
            found.push((path, entry));
            true
        };
        let read = read(archive, how, limits, &mut sink);
        drop(sender);
        let mut stored = Vec::with_capacity(files);
        let mut outcome = Ok(());
        for worker in workers {
            match worker.join() {
                Ok(Ok(digests)) => stored.extend(digests),
                Ok(Err(error)) => outcome = Err(error),
                Err(panic) => panic::resume_unwind(panic),
            }
        }
        // A worker's error comes first: it is what stopped the reading.
        outcome?;
        read?;
        stored.sort_unstable_by_key(|(number, _)| *number);
        let digests: Vec<Digest> = stored.into_iter().map(|(_, digest)| digest).collect();
        Ok(Listing::new(archive, found, &digests)?)
    })
}

/// The limits of this very archive: what stands for much more than itself is made to fill a disk.
fn bounded(archive: &Path, limits: &Limits) -> Result<Limits> {
    let size = std::fs::metadata(archive)
        .map_err(Error::io("read", archive))?
        .len();
    let most = size.saturating_mul(limits.ratio).max(limits.free);
    Ok(Limits {
        total: limits.total.min(most),
        ..limits.clone()
    })
}

/// Stores what comes, until nothing comes any more. After an error the rest is let go, so that no one waits for room.
fn work<E>(
    receiver: &Mutex<Receiver<Job>>,
    put: &(impl Fn(Vec<u8>, bool) -> std::result::Result<Digest, E> + Sync),
    failed: &AtomicBool,
) -> std::result::Result<Vec<(usize, Digest)>, E> {
    let next = || {
        receiver
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .recv()
    };
    let mut stored = Ok(Vec::new());
    while let Ok(Job {
        number,
        executable,
        contents,
        _share,
    }) = next()
    {
        let Ok(digests) = &mut stored else { continue };
        match put(contents, executable) {
            Ok(digest) => digests.push((number, digest)),
            Err(error) => {
                failed.store(true, Ordering::Relaxed);
                stored = Err(error);
            }
        }
    }
    stored
}

/// Reads all entries in the archive's order.
fn read<'a>(
    archive: &'a Path,
    how: &Unpack,
    limits: &'a Limits,
    sink: &'a mut Sink<'a>,
) -> Result<()> {
    let file = File::open(archive).map_err(Error::io("open", archive))?;
    let size = file.metadata().map_err(Error::io("read", archive))?.len();
    let mut reader = BufReader::with_capacity(BUFFER, file);
    let strip = match how {
        Unpack::Tar { strip } | Unpack::Zip { strip } => *strip,
        Unpack::Deb | Unpack::File(_) => 0,
    };
    let mut intake = Intake::new(archive, strip, limits, sink);
    match how {
        Unpack::Tar { .. } => tar::read(reader, &mut intake),
        Unpack::Zip { .. } => zip::read(reader, &mut intake),
        Unpack::Deb => tar::read(deb::data(reader, archive)?, &mut intake),
        Unpack::File(name) => intake.file(name.as_bytes(), false, size, &mut reader),
    }
}
