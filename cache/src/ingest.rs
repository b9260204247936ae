//! A folder of the user's becomes a tree. What has not changed since the last time is neither listed nor read.

use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use rayon::prelude::*;
use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat, open, statat};

use crate::batch::Batch;
use crate::crew;
use crate::digest::Digest;
use crate::directory::TreeDigest;
use crate::error::{Error, Result};
use crate::fs;
use crate::layer::{SPECIAL, check_depth, not_utf8, target_of};
use crate::snapshot::{Seen, Snapshot};
use crate::stamp::Stamp;
use crate::store::Store;

/// Says which paths, relative to the folder, stay out of the tree; the second argument is whether it is a folder.
pub type Ignore<'a> = dyn Fn(&Path, bool) -> bool + Sync + 'a;

/// How often a file is read that is written to meanwhile.
const ATTEMPTS: usize = 3;
/// So few entries of a folder that is known are one thread's work.
const FEW: usize = 64;
/// What is deeper is one thread's work: to hand work on takes more of its stack than to go on.
const DEEP: usize = 12;

impl Store {
    /// Copies `folder` into the store and returns once its files are durable. What has the status that it had at the
    /// last import by this `name`, which stands for what is ignored too, is not read; nothing is written where nothing has
    /// changed.
    pub fn import(&self, folder: &Path, name: Digest, ignore: &Ignore<'_>) -> Result<TreeDigest> {
        let found = self.find_pinned(|| self.index.import(name), |found| found.0)?;
        let (known, stale) = match found {
            Some((tree, row, stale)) if self.index.message(tree.digest())?.is_some() => {
                let known = Snapshot::from_row(name, row);
                (known.filter(|known| known.tree == tree), stale)
            }
            _ => (None, false),
        };
        let batch = self.batch();
        let intake = Intake::new(&batch, folder, ignore)?;
        let now = intake.all(known.as_ref())?;
        batch.put_messages(&intake.messages())?;
        self.publish_files(batch.finish())?;
        match (now, known) {
            (None, Some(known)) => {
                if stale {
                    self.index.note_import(name)?;
                }
                Ok(known.tree)
            }
            (Some(now), _) => {
                self.index.put_import(name, now.tree, &now.to_row(name))?;
                Ok(now.tree)
            }
            (None, None) => Err(Error::Changing(folder.to_owned())),
        }
    }
}

impl Batch<'_> {
    /// Copies `folder` into the store, every file anew.
    pub fn ingest(&self, folder: &Path, ignore: &Ignore<'_>) -> Result<TreeDigest> {
        let intake = Intake::new(self, folder, ignore)?;
        let now = intake.all(None)?;
        self.put_messages(&intake.messages())?;
        let tree = now.map(|now| now.tree);
        tree.ok_or_else(|| Error::Changing(folder.to_owned()))
    }
}

struct Intake<'a> {
    batch: &'a Batch<'a>,
    root: &'a Path,
    /// The root, open: what is below it is found without the way to it.
    top: OwnedFd,
    ignore: &'a Ignore<'a>,
    begin: SystemTime,
    /// The directories that are not as they were known.
    messages: Mutex<Vec<(Digest, Vec<u8>)>>,
}

impl<'a> Intake<'a> {
    fn new(batch: &'a Batch<'a>, root: &'a Path, ignore: &'a Ignore<'a>) -> Result<Self> {
        let top = open(root, OFlags::PATH | OFlags::CLOEXEC, Mode::empty());
        Ok(Intake {
            batch,
            root,
            top: top.map_err(|error| gone(Error::io("open", root)(error.into())))?,
            ignore,
            begin: SystemTime::now(),
            messages: Mutex::default(),
        })
    }

    fn messages(self) -> Vec<(Digest, Vec<u8>)> {
        let messages = self.messages.into_inner();
        messages.unwrap_or_else(PoisonError::into_inner)
    }

    fn all(&self, known: Option<&Snapshot>) -> Result<Option<Snapshot>> {
        crew::start()?;
        let at = Path::new("");
        self.folder(at, &self.stat(at)?, known)
    }

    /// The folder at a path as it is now; `None` if that is as it is known.
    fn folder(&self, at: &Path, stat: &Stat, known: Option<&Snapshot>) -> Result<Option<Snapshot>> {
        check_depth(at.components().count(), || self.root.join(at))?;
        let stamp = Stamp::of(stat).settled(self.begin);
        let entries = match known.filter(|known| stamp.is_some() && known.stamp == stamp) {
            // It has the names that it had.
            Some(known) => {
                let again = |(name, seen): &(String, Seen)| {
                    let at = at.join(name);
                    self.entry(&at, &self.stat(&at)?, Some(seen))
                };
                let now: Vec<Option<Seen>> = match is_deep(at) {
                    true => known.entries.iter().map(again).collect::<Result<_>>()?,
                    false => {
                        let entries = known.entries.par_iter().with_min_len(FEW);
                        entries.map(again).collect::<Result<_>>()?
                    }
                };
                if now.iter().all(Option::is_none) {
                    return Ok(None);
                }
                let entries = known.entries.iter().zip(now);
                let entry = |((name, seen), now): (&(String, Seen), Option<Seen>)| {
                    (name.clone(), now.unwrap_or_else(|| seen.clone()))
                };
                entries.map(entry).collect()
            }
            None => {
                let entry = |(name, stat): (String, Stat)| {
                    let known = known.and_then(|known| known.get(&name));
                    let now = self.entry(&at.join(&name), &stat, known)?;
                    Ok(now.or_else(|| known.cloned()).map(|seen| (name, seen)))
                };
                let listed = self.list(at)?;
                let entries: Vec<_> = match is_deep(at) {
                    true => listed.into_iter().map(entry).collect::<Result<_>>()?,
                    false => listed.into_par_iter().map(entry).collect::<Result<_>>()?,
                };
                entries.into_iter().flatten().collect::<Vec<_>>()
            }
        };
        if known.is_some_and(|known| known.stamp == stamp && known.entries == entries) {
            return Ok(None);
        }
        let (snapshot, message) = Snapshot::new(stamp, entries);
        let mut messages = self.messages.lock().unwrap_or_else(PoisonError::into_inner);
        messages.push((snapshot.tree.digest(), message));
        Ok(Some(snapshot))
    }

    /// What is in a folder and not ignored, by name.
    fn list(&self, at: &Path) -> Result<Vec<(String, Stat)>> {
        let mut listed = Vec::new();
        for entry in fs::read_dir(&self.root.join(at)).map_err(gone)? {
            let at = at.join(entry.file_name());
            let stat = self.stat(&at)?;
            if (self.ignore)(&at, kind(&stat) == FileType::Directory) {
                continue;
            }
            let name = entry.file_name().into_string();
            listed.push((name.map_err(|_| not_utf8(&self.root.join(&at)))?, stat));
        }
        listed.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
        Ok(listed)
    }

    fn stat(&self, at: &Path) -> Result<Stat> {
        let flags = AtFlags::SYMLINK_NOFOLLOW | AtFlags::EMPTY_PATH;
        statat(&self.top, at, flags)
            .map_err(|error| gone(Error::io("stat", &self.root.join(at))(error.into())))
    }

    /// What is at a path now; `None` if that is as it is known.
    fn entry(&self, at: &Path, stat: &Stat, known: Option<&Seen>) -> Result<Option<Seen>> {
        let now = Stamp::of(stat);
        let path = || self.root.join(at);
        match (kind(stat), known) {
            (FileType::Directory, Some(Seen::Folder(known))) => {
                Ok(self.folder(at, stat, Some(known))?.map(Seen::Folder))
            }
            (FileType::Directory, _) => Ok(self.folder(at, stat, None)?.map(Seen::Folder)),
            (
                FileType::RegularFile,
                Some(Seen::File {
                    stamp: Some(stamp), ..
                }),
            )
            | (
                FileType::Symlink,
                Some(Seen::Symlink {
                    stamp: Some(stamp), ..
                }),
            ) if *stamp == now => Ok(None),
            (FileType::RegularFile, _) => self.file(at, stat).map(Some),
            (FileType::Symlink, _) => {
                let target = target_of(&path()).map_err(gone)?;
                Ok(Some(Seen::Symlink {
                    stamp: now.settled(self.begin),
                    target: target.ok_or_else(|| not_utf8(&path()))?,
                }))
            }
            _ => Err(Error::Unholdable {
                path: path(),
                why: SPECIAL,
            }),
        }
    }

    fn file(&self, at: &Path, stat: &Stat) -> Result<Seen> {
        let (path, mut stat) = (&self.root.join(at), *stat);
        for _ in 0..ATTEMPTS {
            let stamp = Stamp::of(&stat);
            let contents = fs::read(path).map_err(gone)?;
            stat = self.stat(at)?;
            if Stamp::of(&stat) == stamp && contents.len() as i64 == stat.st_size {
                let executable = stat.st_mode & Mode::XUSR.bits() != 0;
                return Ok(Seen::File {
                    stamp: stamp.settled(self.begin),
                    digest: self.batch.put_file(&contents, executable)?,
                    executable,
                });
            }
        }
        Err(Error::Changing(path.to_owned()))
    }
}

fn is_deep(at: &Path) -> bool {
    at.components().count() > DEEP
}

fn kind(stat: &Stat) -> FileType {
    FileType::from_raw_mode(stat.st_mode)
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
