//! A folder of the user's becomes a tree. What has not changed since the last time is not read.

use std::fs::{DirEntry, Metadata};
use std::io;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use rayon::prelude::*;

use crate::batch::Batch;
use crate::digest::Digest;
use crate::directory::TreeDigest;
use crate::error::{Error, Result};
use crate::fs;
use crate::layer::{SPECIAL, check_depth, is_executable, name_of, not_utf8, target_of};
use crate::stamp::{Stamp, Stamps};
use crate::store::Store;
use crate::tree::{Tree, TreeNode};

/// Says which paths, relative to the folder, stay out of the tree; the second argument is whether it is a folder.
pub type Ignore<'a> = dyn Fn(&Path, bool) -> bool + Sync + 'a;

/// How often a file is read that is written to meanwhile.
const ATTEMPTS: usize = 3;

impl Store {
    /// Copies `folder` into the store and returns once its files are durable. Files with the status that they had at the
    /// last import by this `name` are not read; nothing is written where nothing has changed.
    pub fn import(&self, folder: &Path, name: Digest, ignore: &Ignore<'_>) -> Result<TreeDigest> {
        let found = self.find_pinned(|| self.index.import(name), |found| found.0)?;
        let (last, row, stale) = match found {
            Some((tree, row, stale)) => (Some(tree), Some(row), stale),
            None => (None, None, false),
        };
        let known = Stamps::from_row(row.as_deref().unwrap_or_default());
        let batch = self.batch();
        let intake = Intake::new(&batch, folder, ignore, known);
        let mut messages = Vec::new();
        let tree = intake.folder(Path::new(""))?.encode(&mut messages);
        let now = intake.stamps().to_row();
        if last != Some(tree) || self.message(tree.digest())?.is_none() {
            batch.put_messages(&messages)?;
        }
        self.publish_files(batch.finish())?;
        if stale || last != Some(tree) || row.as_ref() != Some(&now) {
            self.index.put_import(name, tree, &now)?;
        }
        Ok(tree)
    }
}

impl Batch<'_> {
    /// Copies `folder` into the store, every file anew.
    pub fn ingest(&self, folder: &Path, ignore: &Ignore<'_>) -> Result<TreeDigest> {
        Intake::new(self, folder, ignore, Stamps::default())
            .folder(Path::new(""))?
            .save(self)
    }
}

struct Intake<'a> {
    batch: &'a Batch<'a>,
    root: &'a Path,
    ignore: &'a Ignore<'a>,
    known: Stamps,
    begin: SystemTime,
    /// The stamps that can be trusted the next time.
    settled: Mutex<Vec<(Stamp, Digest)>>,
}

impl<'a> Intake<'a> {
    fn new(batch: &'a Batch<'a>, root: &'a Path, ignore: &'a Ignore<'a>, known: Stamps) -> Self {
        Intake {
            batch,
            root,
            ignore,
            known,
            begin: SystemTime::now(),
            settled: Mutex::default(),
        }
    }

    fn stamps(self) -> Stamps {
        let settled = self.settled.into_inner();
        let settled = settled.unwrap_or_else(PoisonError::into_inner);
        settled.into_iter().collect()
    }

    fn folder(&self, at: &Path) -> Result<Tree> {
        let nodes: Vec<Option<(String, TreeNode)>> = fs::read_dir(&self.root.join(at))
            .map_err(gone)?
            .par_iter()
            .map(|entry| self.entry(entry, at))
            .collect::<Result<_>>()?;
        let mut tree = Tree::default();
        for (name, node) in nodes.into_iter().flatten() {
            tree.set(&name, node);
        }
        Ok(tree)
    }

    fn entry(&self, entry: &DirEntry, at: &Path) -> Result<Option<(String, TreeNode)>> {
        let at = at.join(entry.file_name());
        let path = self.root.join(&at);
        let metadata = entry.metadata().map_err(Error::io("stat", &path));
        let metadata = metadata.map_err(gone)?;
        if (self.ignore)(&at, metadata.is_dir()) {
            return Ok(None);
        }
        let name = name_of(entry).ok_or_else(|| not_utf8(&path))?;
        let node = if metadata.is_dir() {
            check_depth(at.components().count(), || path.clone())?;
            TreeNode::Directory(self.folder(&at)?)
        } else if metadata.is_symlink() {
            let target = target_of(&path).map_err(gone)?;
            TreeNode::Symlink(target.ok_or_else(|| not_utf8(&path))?)
        } else if metadata.is_file() {
            self.file(&path, metadata)?
        } else {
            return Err(Error::Unholdable { path, why: SPECIAL });
        };
        Ok(Some((name, node)))
    }

    fn file(&self, path: &Path, mut metadata: Metadata) -> Result<TreeNode> {
        for _ in 0..ATTEMPTS {
            let stamp = Stamp::of(&metadata);
            let executable = is_executable(&metadata);
            let digest = match self.known.get(&stamp) {
                Some(digest) => digest,
                None => {
                    let contents = fs::read(path).map_err(gone)?;
                    metadata = fs::metadata(path).map_err(gone)?;
                    if Stamp::of(&metadata) != stamp || contents.len() as u64 != metadata.len() {
                        continue;
                    }
                    self.batch.put_file(&contents, executable)?
                }
            };
            if stamp.is_settled(self.begin) {
                let mut settled = self.settled.lock().unwrap_or_else(PoisonError::into_inner);
                settled.push((stamp, digest));
            }
            return Ok(TreeNode::File { digest, executable });
        }
        Err(Error::Changing(path.to_owned()))
    }
}

/// What was listed a moment ago and is not there any more has changed.
fn gone(error: Error) -> Error {
    match error {
        Error::Io { path, source, .. } if source.kind() == io::ErrorKind::NotFound => {
            Error::Changing(path)
        }
        other => other,
    }
}
