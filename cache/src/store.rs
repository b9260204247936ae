//! The store: a folder with a content store, its index, materialized trees, logs and locks.
//!
//! ```text
//! index.sqlite   what is published; messages (directories, actions) are kept in it
//! cas/ab/ab…     files by digest, read-only; `.x` at the end where executable
//! trees/         materialized trees, hard links into cas/
//! logs/          the output of the latest run of each action
//! locks/  tmp/   one lock a running action; one folder a running process
//! failed/        what failed commands wrote, where that was asked for
//! gate           see gate.rs; `collected`: its time says when garbage was last collected
//! ```

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, utimensat};

use crate::digest::Digest;
use crate::directories::Directories;
use crate::directory::{Directory, TreeDigest};
use crate::disk::Disk;
use crate::error::{Error, Result};
use crate::fs;
use crate::gate::Gate;
use crate::history::{CallCount, NodeStatistics, PastRun, Run};
use crate::index::{Asked, Durability, Index, Uses, chain_to_row};
use crate::key::ActionKey;
use crate::lock::Lock;
use crate::materialize::Unsettled;
use crate::origin::Origin;
use crate::presence::Place;
use crate::result::ActionResult;
use crate::session::Session;
use crate::upstream::Upstream;
use crate::workers::Workers;

/// The one modification time of every file in the store, in seconds since 1970: `make` sees no file as older than another.
pub const MTIME: i64 = 1_749_600_000;

/// An open store.
#[derive(Debug)]
pub struct Store {
    root: PathBuf,
    pub(crate) disk: Disk,
    pub(crate) index: Index,
    session: OnceLock<Session>,
    starting: Mutex<()>,
    pub(crate) unsettled: Mutex<Unsettled>,
    /// Files that this process has written: whole, but not published yet.
    pub(crate) fresh: Mutex<HashSet<(Digest, bool)>>,
    pub(crate) upstream: Option<Arc<dyn Upstream>>,
    pub(crate) workers: Option<Arc<dyn Workers>>,
    pub(crate) directories: Directories,
    pub(crate) gate: Gate,
    /// What was asked for, and is to be told to the index.
    pub(crate) uses: Mutex<Uses>,
}

impl Store {
    /// Opens the store at `root`, made if it is not there.
    pub fn open(root: &Path) -> Result<Store> {
        let index = root.join("index.sqlite");
        for folder in ["trees", "logs", "locks", "tmp"] {
            fs::create_dir_all(&root.join(folder))?;
        }
        let disk = Disk::open(root)?;
        // The last of them is made last: where it is, all are.
        if !root.join("cas/ff").is_dir() {
            for byte in 0..=255_u8 {
                fs::create_dir_all(&root.join(format!("cas/{byte:02x}")))?;
            }
        }
        let root = root.canonicalize().map_err(Error::io("resolve", root))?;
        Ok(Store {
            disk,
            index: Index::open(&index, Durability::Process)?,
            directories: Directories::default(),
            gate: Gate::new(&root),
            uses: Mutex::default(),
            root,
            session: OnceLock::new(),
            starting: Mutex::new(()),
            unsettled: Mutex::default(),
            fresh: Mutex::default(),
            upstream: None,
            workers: None,
        })
    }

    /// The store's folder, absolute.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// This process's folder for temporary files; starting it sweeps what dead processes left.
    pub fn session(&self) -> Result<&Session> {
        if let Some(session) = self.session.get() {
            return Ok(session);
        }
        let _one_at_a_time = self.starting.lock().unwrap_or_else(PoisonError::into_inner);
        if self.session.get().is_none() {
            let session = Session::start(&self.root)?;
            return Ok(self.session.get_or_init(|| session));
        }
        self.session()
    }

    /// How many bytes the store's file system has left for this user.
    pub fn free_bytes(&self) -> Result<u64> {
        let found = rustix::fs::statvfs(&self.root)
            .map_err(|error| Error::io("ask the size of", &self.root)(error.into()))?;
        Ok(found.f_bavail * found.f_frsize)
    }

    /// Waits until no other process runs this action, and keeps them from it.
    pub fn lock(&self, key: ActionKey) -> Result<Lock> {
        Lock::acquire(&self.root.join("locks").join(key.hex()))
    }

    /// Takes the lock of this action if no other process has it.
    pub fn try_lock(&self, key: ActionKey) -> Result<Option<Lock>> {
        Lock::try_acquire(&self.root.join("locks").join(key.hex()))
    }

    /// The published result of an action. One that was made elsewhere counts if the shared cache that is used trusts its
    /// origin.
    pub fn result(&self, key: ActionKey) -> Result<Option<ActionResult>> {
        let found = self.find_result(key)?;
        let found = found.filter(|found| self.trusts(found.origin));
        Ok(found.map(|found| found.what))
    }

    /// The result of an action that ran here.
    pub fn own_result(&self, key: ActionKey) -> Result<Option<ActionResult>> {
        let found = self.find_result(key)?;
        let found = found.filter(|found| found.origin.is_none());
        Ok(found.map(|found| found.what))
    }

    /// The published result of an action, whoever made it, with its origin.
    pub fn result_with_origin(
        &self,
        key: ActionKey,
    ) -> Result<Option<(ActionResult, Option<Origin>)>> {
        let found = self.find_result(key)?;
        Ok(found.map(|found| (found.what, found.origin)))
    }

    /// Takes results of others; what was made here stays as it is. Nothing of what they name needs to be here.
    pub fn take_results(&self, results: &[(ActionKey, ActionResult, Origin)]) -> Result<()> {
        let trees: Vec<_> = results.iter().map(|(_, result, _)| result.tree).collect();
        self.pin_trees(&trees)?;
        self.index.put_results(results)
    }

    /// A result, held for as long as this process lives.
    fn find_result(&self, key: ActionKey) -> Result<Option<Asked<ActionResult>>> {
        let found = self.find_pinned(|| self.index.result(key), |found| found.what.tree)?;
        if found.as_ref().is_some_and(|found| found.stale) {
            self.note_use(|uses| uses.results.push(key))?;
        }
        Ok(found)
    }

    /// Forgets every result that is this tree: its objects have been found missing.
    pub fn forget_results(&self, tree: TreeDigest) -> Result<()> {
        if let Some(upstream) = &self.upstream {
            upstream.refuse(tree);
        }
        self.index.forget_results(tree)
    }

    /// The file that the output of an action goes to.
    pub fn log_path(&self, key: ActionKey) -> PathBuf {
        self.root.join("logs").join(format!("{key}.log"))
    }

    /// Adds a run that published nothing to the history.
    pub fn record_run(&self, run: &Run) -> Result<()> {
        self.index.record_run(run)
    }

    /// Adds to the counts of calls of compilers.
    pub fn count_calls(&self, counts: &[CallCount]) -> Result<()> {
        self.index.count_calls(counts)
    }

    /// How the calls of compilers were attended to so far, by node and outcome.
    pub fn call_counts(&self) -> Result<Vec<CallCount>> {
        self.index.call_counts()
    }

    /// Counts results that were there, each with the wall time that it had taken to make.
    pub fn record_hits(&self, hits: &[(String, Duration)]) -> Result<()> {
        self.index.record_hits(hits)
    }

    /// All runs of a node, the latest first.
    pub fn runs(&self, node: &str) -> Result<Vec<PastRun>> {
        self.index.runs(node)
    }

    /// The latest runs of all nodes, at most so many, the latest first.
    pub fn latest_runs(&self, limit: usize) -> Result<Vec<PastRun>> {
        self.index.latest_runs(limit)
    }

    /// The latest run of an action, under whatever name.
    pub fn run_of(&self, key: ActionKey) -> Result<Option<PastRun>> {
        self.index.run_of(key)
    }

    /// What the history has of every node, by name.
    pub fn statistics(&self) -> Result<Vec<NodeStatistics>> {
        self.index.statistics()
    }

    /// How long the latest successful run of a node took.
    pub fn last_wall(&self, node: &str) -> Result<Option<Duration>> {
        self.index.last_wall(node)
    }

    /// The tree that an unchanged request was answered with.
    pub fn realization(&self, request: Digest) -> Result<Option<TreeDigest>> {
        let Some((tree, stale)) = self.index.realization(request)? else {
            return Ok(None);
        };
        // What was asked for within the hour is not collected now, and so the common answer writes nothing.
        if !stale {
            return Ok(Some(tree));
        }
        let found = self.find_pinned(|| self.index.realization(request), |found| found.0)?;
        self.index.note_realization(request)?;
        Ok(found.map(|(tree, _)| tree))
    }

    /// Remembers by which keys' results a tree was found: they are of use for as long as it is asked for.
    pub fn put_chain(&self, tree: TreeDigest, keys: &[ActionKey]) -> Result<()> {
        let row = chain_to_row(keys);
        match self.index.chain(tree)? {
            Some(known) if known == row => Ok(()),
            _ => self.index.put_chain(tree, &row),
        }
    }

    /// Remembers the answer to a request.
    pub fn put_realization(&self, request: Digest, tree: TreeDigest) -> Result<()> {
        self.index.put_realization(request, tree)
    }

    /// The bytes of a message. One that a client has uploaded is a file like any blob, since nothing says what it is.
    pub fn message(&self, digest: Digest) -> Result<Option<Vec<u8>>> {
        match self.index.message(digest)? {
            None if self.is_file(digest)? => self.contents(digest),
            found => Ok(found),
        }
    }

    /// A directory of a tree.
    pub fn directory(&self, tree: TreeDigest) -> Result<Directory> {
        let directory = self.directories(&[tree])?.pop().flatten();
        directory.ok_or(Error::Missing(tree.digest()))
    }

    /// Directories, in the order of their digests, as far as they are here or to be had.
    pub(crate) fn directories(&self, trees: &[TreeDigest]) -> Result<Vec<Option<Directory>>> {
        let load = |tree: &TreeDigest| match self.message(tree.digest())? {
            // What is no directory, or another one, is as good as gone: whoever named it is made again.
            Some(bytes) if Digest::of(&bytes) == tree.digest() => {
                Ok(Directory::decode(tree.digest(), &bytes).ok())
            }
            _ => Ok(None),
        };
        let found: Vec<_> = trees.iter().map(load).collect::<Result<_>>()?;
        let Some(upstream) = self.upstream.as_ref().filter(|_| found.contains(&None)) else {
            return Ok(found);
        };
        let pairs = trees.iter().zip(&found);
        let missing = pairs.filter(|(_, found)| found.is_none());
        let missing: Vec<_> = missing.map(|(tree, _)| *tree).collect();
        upstream.directories(self, &missing)?;
        trees.iter().map(load).collect()
    }

    /// Where a file of this digest lies. The two modes are two inodes, since a hard link shares its mode.
    pub(crate) fn cas_path(&self, digest: Digest, executable: bool) -> PathBuf {
        let hex = digest.hex();
        let suffix = if executable { ".x" } else { "" };
        self.root.join(format!("cas/{}/{hex}{suffix}", &hex[..2]))
    }

    /// A file's contents, whatever its mode; `None` if it is not there.
    pub fn file(&self, digest: Digest) -> Result<Option<Vec<u8>>> {
        match self.places(&[digest])?[..] {
            [Some(Place::File { executable })] => {
                fs::read(&self.cas_path(digest, executable)).map(Some)
            }
            _ => Ok(None),
        }
    }

    /// Whether a file is there in this mode and has its full size. It may be torn: only a row says that it is whole, or
    /// that this process has written it.
    pub(crate) fn has_file(&self, digest: Digest, executable: bool) -> bool {
        std::fs::metadata(self.cas_path(digest, executable))
            .is_ok_and(|found| found.len() == digest.size())
    }

    /// Whether an object is a file that is not executable, as others upload them.
    fn is_file(&self, digest: Digest) -> Result<bool> {
        let plain = Place::File { executable: false };
        Ok(self.places(&[digest])? == [Some(plain)])
    }

    /// Removes an object that is not what its name says; returns the error to report.
    pub(crate) fn discard(&self, digest: Digest) -> Result<Error> {
        self.drop_files(&[(digest, false), (digest, true)])?;
        Ok(Error::Missing(digest))
    }

    /// Forgets files and removes them. After a loss of power too no row is left of them: it would vouch for what is made in
    /// their place.
    pub(crate) fn drop_files(&self, files: &[(Digest, bool)]) -> Result<()> {
        self.index.remove_files(files)?;
        self.sync()?;
        for (digest, executable) in files {
            fs::remove_file(&self.cas_path(*digest, *executable))?;
        }
        Ok(())
    }
}

/// Gives a file the mode and time that every file in the store has.
pub(crate) fn normalize(path: &Path, executable: bool) -> Result<()> {
    fs::chmod(path, if executable { 0o555 } else { 0o444 })?;
    set_mtime(path)
}

/// Sets the modification time of a file, a folder or a link itself to the store's.
pub(crate) fn set_mtime(path: &Path) -> Result<()> {
    let time = Timespec {
        tv_sec: MTIME,
        tv_nsec: 0,
    };
    let times = Timestamps {
        last_access: time,
        last_modification: time,
    };
    utimensat(CWD, path, &times, AtFlags::SYMLINK_NOFOLLOW)
        .map_err(|error| Error::io("set the time of", path)(error.into()))
}
