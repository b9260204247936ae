//! A new index in the place of a damaged one: what the old one still says, and what the content store has.
//!
//! The old one stays where it is until the new one is whole and on the disk: whatever ends this can be begun again.

use std::fs::DirEntry;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use crate::batch::digest_by_reading;
use crate::crew;
use crate::digest::Digest;
use crate::disk::Disk;
use crate::error::{Error, Result};
use crate::fs;
use crate::gc::file_of;
use crate::index::{Durability, Index, fold, is_damaged};
use crate::lock::Lock;
use crate::session;

/// What a new index was made of.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Rebuilt {
    /// Files that are what their names say.
    pub files: u64,
    /// Rows that could be read.
    pub rows: u64,
    /// Files that the disk does not give back, each with what the system says.
    pub unreadable: Vec<String>,
    /// The damaged index, put aside.
    pub old: PathBuf,
}

/// Makes the index of the store at `root` anew, if it is damaged. Nobody may use the store meanwhile.
pub fn rebuild(root: &Path) -> Result<Option<Rebuilt>> {
    let path = root.join("index.sqlite");
    if !path.exists() {
        return Ok(None);
    }
    fs::create_dir_all(&root.join("locks"))?;
    fs::create_dir_all(&root.join("tmp"))?;
    let _no_collector = Lock::acquire(&root.join("locks/gc"))?;
    let old = root.join("index.sqlite.damaged");
    take_back(&path, &old)?;
    // Asked under the lock: who held it may have mended the index.
    if !is_damaged(&path) {
        return Ok(None);
    }
    session::sweep(root)?;
    if !fs::read_dir(&root.join("tmp"))?.is_empty() {
        return Err(Error::InUse(root.to_owned()));
    }
    let disk = Disk::open(root)?;
    let new = root.join("index.sqlite.new");
    remove_index(&new)?;
    let made = make(root, &path, &new, &old);
    let replaced = made.and_then(|made| replace(&disk, &path, &new, &old).map(|()| made));
    if replaced.is_err() {
        // It takes room; and what cannot be removed now, the next one removes.
        let _ = remove_index(&new);
    }
    replaced.map(Some)
}

/// Makes the new index, in one file.
fn make(root: &Path, path: &Path, new: &Path, old: &Path) -> Result<Rebuilt> {
    let index = Index::open(new, Durability::Power)?;
    let rows = index.salvage(path)?;
    let files = files(root)?;
    index.publish(&files.sound, &[], &[])?;
    index.close()?;
    Ok(Rebuilt {
        files: files.sound.len() as u64,
        rows,
        unreadable: files.unreadable,
        old: old.to_owned(),
    })
}

/// Puts the new index in the place of the one at `path`, which is kept as `old`. SQLite finds a log by its name: that of the
/// old index must be gone before the new one has the name, and nothing that is in it be lost before that.
fn replace(disk: &Disk, path: &Path, new: &Path, old: &Path) -> Result<()> {
    remove_index(old)?;
    if !fold(path)? {
        return Err(Error::InUse(disk.root().to_owned()));
    }
    fs::hard_link(path, old)?;
    // One is left if SQLite finds the index too damaged to fold it in.
    let log = with_end(path, "-wal");
    if log.exists() {
        fs::rename(&log, &with_end(old, "-wal"))?;
    }
    fs::remove_file(&with_end(path, "-shm"))?;
    disk.sync()?;
    fs::rename(new, path)?;
    disk.sync()
}

/// Undoes what was done of a replacement that did not come to its end: an index that has both names has its log back.
fn take_back(path: &Path, old: &Path) -> Result<()> {
    let file = |path: &Path| std::fs::metadata(path).map(|found| found.ino());
    if !matches!((file(path), file(old)), (Ok(one), Ok(other)) if one == other) {
        return Ok(());
    }
    let (log, aside) = (with_end(path, "-wal"), with_end(old, "-wal"));
    // One that is there is newer.
    if aside.exists() && !log.exists() {
        fs::rename(&aside, &log)?;
    }
    fs::remove_file(old)
}

fn remove_index(path: &Path) -> Result<()> {
    ["", "-wal", "-shm", "-journal"]
        .iter()
        .try_for_each(|end| fs::remove_file(&with_end(path, end)))
}

fn with_end(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    name.into()
}

/// What the content store has.
#[derive(Default)]
struct Files {
    /// Those that are what their names say.
    sound: Vec<(Digest, bool)>,
    /// Those that the disk does not give back.
    unreadable: Vec<String>,
}

fn files(root: &Path) -> Result<Files> {
    let mut paths = Vec::new();
    for shard in fs::read_dir(&root.join("cas"))? {
        paths.extend(fs::read_dir(&shard.path())?);
    }
    let look = |entry: &DirEntry| match file_of(&entry.file_name().to_string_lossy()) {
        Some(file) => Ok(Some((file, readable(&entry.path())?))),
        None => Ok(None),
    };
    crew::start()?;
    let looked: Vec<_> = paths.par_iter().map(look).collect::<Result<_>>()?;
    let mut files = Files::default();
    for ((hash, executable), read) in looked.into_iter().flatten() {
        match read {
            Ok(digest) if digest.hash() == hash => files.sound.push((digest, executable)),
            Ok(_) => {}
            Err(told) => files.unreadable.push(told),
        }
    }
    Ok(files)
}

/// A file's digest, or what the system says if the disk does not give it back.
fn readable(path: &Path) -> Result<Result<Digest, String>> {
    match digest_by_reading(path) {
        Err(error) if error.is_unreadable() => Ok(Err(error.told())),
        read => read.map(Ok),
    }
}
