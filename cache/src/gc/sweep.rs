//! Rows and files that nothing reaches are removed.

use std::collections::HashSet;
use std::fs::DirEntry;
use std::path::Path;
use std::time::{Duration, SystemTime};

use super::{Amount, Collection, Node, Part, TRACES};
use crate::digest::Digest;
use crate::directory::TreeDigest;
use crate::error::Result;
use crate::fs;
use crate::index::Entry;
use crate::lock::Lock;
use crate::pin::Pin;
use crate::store::Store;

impl Collection<'_> {
    /// Removes what is not reached, rows first, and counts it.
    pub fn sweep(&mut self, dry_run: bool) -> Result<()> {
        let index = &self.store.index;
        let (mut kept_trees, mut trees) = (Vec::new(), Vec::new());
        for tree in index.trees()? {
            match self.reach.has_whole(tree)? {
                true => kept_trees.push(tree),
                false => trees.push(tree),
            }
        }
        let (kept_files, files): (Vec<_>, Vec<_>) = index
            .files()?
            .into_iter()
            .partition(|(digest, _)| self.reach.has(Node::File(*digest)));
        let messages = self.reach.messages.iter().copied();
        let messages: Vec<Digest> = messages
            .filter(|digest| !self.reach.has(Node::Message(*digest)))
            .collect();
        for digest in &messages {
            self.count(Part::Messages, digest.size());
        }
        for (digest, _) in &files {
            self.count(Part::Objects, digest.size());
        }
        if !dry_run {
            let mut names = index.named()?;
            names.retain(|digest| !self.reach.has_object(*digest));
            index.remove_trees(&trees)?;
            index.remove_names(&names)?;
            index.remove_messages(&messages)?;
            index.remove_files(&files)?;
            // After a loss of power too no row is left of what has gone: it would vouch for what is made in its place.
            self.store.sync()?;
        }
        self.sweep_trees(&kept_trees, dry_run)?;
        let evicted = files
            .iter()
            .map(|(digest, executable)| (digest.hash(), *executable));
        self.sweep_files(&kept_files, &evicted.collect(), dry_run)?;
        self.sweep_traces(dry_run)
    }

    /// Moves folders away of which no row is kept, and which nobody is about to make one of.
    fn sweep_trees(&mut self, kept: &[TreeDigest], dry_run: bool) -> Result<()> {
        let pinned = self.pins.iter().filter_map(|pin| match pin {
            Pin::Tree(tree) => Some(tree),
            Pin::Object(_) => None,
        });
        let kept: HashSet<String> = kept
            .iter()
            .chain(pinned)
            .map(|tree| tree.digest().hex())
            .collect();
        for entry in fs::read_dir(&self.store.root().join("trees"))? {
            if kept.contains(&*entry.file_name().to_string_lossy()) {
                continue;
            }
            self.count(Part::Trees, 0);
            if !dry_run {
                let away = self.store.session()?.path("garbage");
                fs::rename(&entry.path(), &away)?;
            }
        }
        Ok(())
    }

    /// Removes files that have no row any more, or never had one, and that nobody is about to publish.
    fn sweep_files(
        &mut self,
        kept: &[(Digest, bool)],
        evicted: &HashSet<([u8; 32], bool)>,
        dry_run: bool,
    ) -> Result<()> {
        let kept: HashSet<([u8; 32], bool)> = kept
            .iter()
            .map(|(digest, executable)| (digest.hash(), *executable))
            .collect();
        let held = self.pins.iter().filter_map(|pin| match pin {
            Pin::Object(digest) => Some(digest.hash()),
            Pin::Tree(_) => None,
        });
        let held: HashSet<[u8; 32]> = held.collect();
        for folder in fs::read_dir(&self.store.root().join("cas"))? {
            for entry in fs::read_dir(&folder.path())? {
                let name = entry.file_name();
                let file = file_of(&name.to_string_lossy());
                if file.is_some_and(|file| kept.contains(&file) || held.contains(&file.0)) {
                    continue;
                }
                if !file.is_some_and(|file| evicted.contains(&file)) {
                    self.count(Part::Leftovers, size_of(&entry));
                }
                if !dry_run {
                    fs::remove_file(&entry.path())?;
                }
            }
        }
        Ok(())
    }

    /// Removes old output of commands without results, and what failed ones wrote.
    fn sweep_traces(&mut self, dry_run: bool) -> Result<()> {
        let age = self.policy.older_than.map_or(TRACES, |age| age.min(TRACES));
        let results = self.held.iter().filter_map(|one| match one.entry {
            Entry::Result(key) => Some(key.hex()),
            _ => None,
        });
        let results: HashSet<String> = results.collect();
        let root = self.store.root();
        for entry in fs::read_dir(&root.join("logs"))? {
            let name = entry.file_name().to_string_lossy().into_owned();
            let key = name.trim_end_matches(".log");
            if results.contains(key) || !is_older(&entry, age) {
                continue;
            }
            // One that is written to belongs to whoever has the action's lock.
            let Some(_lock) = Lock::try_acquire(&root.join("locks").join(key))? else {
                continue;
            };
            self.count(Part::Logs, size_of(&entry));
            if !dry_run {
                fs::remove_file(&entry.path())?;
            }
        }
        for entry in below(&root.join("failed"))? {
            if is_older(&entry, age) {
                self.count(Part::Failed, size_below(&entry.path())?);
                if !dry_run {
                    fs::remove_tree(&entry.path())?;
                }
            }
        }
        Ok(())
    }

    fn count(&mut self, part: Part, bytes: u64) {
        *self.collected.freed.entry(part).or_default() += Amount::one(bytes);
    }
}

/// The size of what a store keeps: files, messages, logs, and what failed commands wrote. In bytes.
pub(crate) fn size(store: &Store) -> Result<u64> {
    let files = store.index.files()?.into_iter().map(|(digest, _)| digest);
    let objects = files.chain(store.index.message_digests()?);
    Ok(objects.map(|digest| digest.size()).sum::<u64>() + traces(store)?)
}

/// The size of logs, and of what failed commands wrote, in bytes.
pub(crate) fn traces(store: &Store) -> Result<u64> {
    let logs = below(&store.root().join("logs"))?;
    let logs: u64 = logs.iter().map(size_of).sum();
    Ok(logs + size_below(&store.root().join("failed"))?)
}

/// A folder's entries; one that is not there has none.
pub(crate) fn below(folder: &Path) -> Result<Vec<DirEntry>> {
    match folder.is_dir() {
        true => fs::read_dir(folder),
        false => Ok(Vec::new()),
    }
}

/// The size of all files below a folder, in bytes. What cannot be read, as a command may leave it, counts nothing.
pub(crate) fn size_below(folder: &Path) -> Result<u64> {
    let mut size = 0;
    for entry in below(folder).unwrap_or_default() {
        size += match entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            true => size_below(&entry.path())?,
            false => size_of(&entry),
        };
    }
    Ok(size)
}

pub(crate) fn size_of(entry: &DirEntry) -> u64 {
    entry.metadata().map_or(0, |found| found.len())
}

fn is_older(entry: &DirEntry, age: Duration) -> bool {
    let modified = entry.metadata().and_then(|found| found.modified());
    modified.is_ok_and(|when| {
        let since = SystemTime::now().duration_since(when);
        since.is_ok_and(|since| since >= age)
    })
}

/// The file that a name in `cas/` stands for, if it is one.
pub(crate) fn file_of(name: &str) -> Option<([u8; 32], bool)> {
    let hex = name.strip_suffix(".x");
    let hash = blake3::Hash::from_hex(hex.unwrap_or(name)).ok()?;
    Some((hash.into(), hex.is_some()))
}
