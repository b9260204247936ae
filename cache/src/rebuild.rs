//! A new index in the place of a damaged one: what the old one still says, and what the content store has.

use std::path::{Path, PathBuf};

use rayon::prelude::*;

use crate::batch::digest_of;
use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::fs;
use crate::gc::file_of;
use crate::index::{Durability, Index, is_damaged};
use crate::lock::Lock;
use crate::session;

/// What a new index was made of.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Rebuilt {
    /// Files that are what their names say.
    pub files: u64,
    /// Rows that could be read.
    pub rows: u64,
    /// The damaged index, put aside.
    pub old: PathBuf,
}

/// Makes the index of the store at `root` anew, if it is damaged. Nobody may use the store meanwhile.
pub fn rebuild(root: &Path) -> Result<Option<Rebuilt>> {
    let path = root.join("index.sqlite");
    if !path.exists() || !is_damaged(&path) {
        return Ok(None);
    }
    fs::create_dir_all(&root.join("locks"))?;
    fs::create_dir_all(&root.join("tmp"))?;
    let _no_collector = Lock::acquire(&root.join("locks/gc"))?;
    session::sweep(root)?;
    if !fs::read_dir(&root.join("tmp"))?.is_empty() {
        return Err(Error::InUse(root.to_owned()));
    }
    let old = root.join("index.sqlite.damaged");
    for end in ["-wal", "-shm", ""] {
        let (from, to) = (with_end(&path, end), with_end(&old, end));
        fs::remove_file(&to)?;
        if from.exists() {
            fs::rename(&from, &to)?;
        }
    }
    let index = Index::open(&path, Durability::Power)?;
    let rows = index.salvage(&old)?;
    let files = sound_files(root)?;
    index.publish(&files, &[], &[])?;
    Ok(Some(Rebuilt {
        files: files.len() as u64,
        rows,
        old,
    }))
}

fn with_end(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    name.into()
}

/// The files of the content store that are what their names say.
fn sound_files(root: &Path) -> Result<Vec<(Digest, bool)>> {
    let mut paths = Vec::new();
    for shard in fs::read_dir(&root.join("cas"))? {
        paths.extend(fs::read_dir(&shard.path())?);
    }
    let look = |entry: &std::fs::DirEntry| {
        let Some((hash, executable)) = file_of(&entry.file_name().to_string_lossy()) else {
            return Ok(None);
        };
        let digest = digest_of(&entry.path())?;
        Ok((digest.hash() == hash).then_some((digest, executable)))
    };
    let found: Vec<_> = paths.par_iter().map(look).collect::<Result<_>>()?;
    Ok(found.into_iter().flatten().collect())
}
