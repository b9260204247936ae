//! New objects on their way into the store: written, not yet published.

use std::collections::HashSet;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use rustix::fs::{llistxattr, lremovexattr};
use rustix::io::Errno;

use crate::crew;
use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::fs;
use crate::store::{Store, normalize};

/// Takes files from any thread and remembers which of them have to be published.
#[derive(Debug)]
pub struct Batch<'s> {
    pub(crate) store: &'s Store,
    taken: Mutex<HashSet<(Digest, bool)>>,
}

/// The files of a finished batch. They count as there once a [`Publication`](crate::Publication) has named them: what a
/// crash left unnamed may be torn and is written again.
#[derive(Debug, Default)]
pub struct New(pub(crate) Vec<(Digest, bool)>);

impl New {
    /// Adds the files of another batch.
    pub fn extend(&mut self, other: New) {
        self.0.extend(other.0);
    }
}

impl Store {
    /// Writes messages, which this process holds from now on.
    pub(crate) fn put_messages(&self, messages: &[(Digest, Vec<u8>)]) -> Result<()> {
        let digests: Vec<Digest> = messages.iter().map(|(digest, _)| *digest).collect();
        self.pin(&digests)?;
        self.index.put_messages(messages)
    }

    /// Starts a batch of new objects.
    pub fn batch(&self) -> Batch<'_> {
        Batch {
            store: self,
            taken: Mutex::default(),
        }
    }
}

impl Batch<'_> {
    /// Takes a file's contents.
    pub fn put_file(&self, contents: &[u8], executable: bool) -> Result<Digest> {
        let digest = Digest::of(contents);
        if let Some(fresh) = self.fresh(digest, executable)? {
            let temporary = self.store.session()?.path("file");
            fs::write(&temporary, contents)?;
            self.adopt(&temporary, fresh)?;
        }
        Ok(digest)
    }

    /// Takes the file at `path` away. It must be on the store's file system and no longer written to.
    pub fn take_file(&self, path: &Path, executable: bool) -> Result<Digest> {
        let digest = digest_of(path)?;
        if let Some(fresh) = self.fresh(digest, executable)? {
            self.adopt(path, fresh)?;
        }
        Ok(digest)
    }

    /// Takes the file at `path` away, as [`Batch::take_file`] does; its digest was computed while it was written.
    pub fn take_hashed(&self, path: &Path, digest: Digest, executable: bool) -> Result<()> {
        if let Some(fresh) = self.fresh(digest, executable)? {
            self.adopt(path, fresh)?;
        }
        Ok(())
    }

    /// Writes messages. They are in the store at once: nothing refers to them until a result is published.
    pub fn put_messages(&self, messages: &[(Digest, Vec<u8>)]) -> Result<()> {
        self.store.put_messages(messages)
    }

    /// Ends the batch.
    pub fn finish(self) -> New {
        let taken = self
            .taken
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        New(taken.into_iter().collect())
    }

    /// The file, if it has to be written: it is not in this batch yet, and not in the store.
    fn fresh(&self, digest: Digest, executable: bool) -> Result<Option<Fresh>> {
        self.store.pin(&[digest])?;
        let promised = self.store.index.has_file(digest, executable)?;
        if promised && self.store.has_file(digest, executable) {
            return Ok(None);
        }
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(taken.insert((digest, executable)).then_some(Fresh {
            digest,
            executable,
            promised,
        }))
    }

    fn adopt(&self, path: &Path, file: Fresh) -> Result<()> {
        let (digest, executable) = (file.digest, file.executable);
        strip(path)?;
        normalize(path, executable)?;
        if file.promised {
            fs::sync(path)?;
        }
        fs::rename(path, &self.store.cas_path(digest, executable))?;
        let mut fresh = self
            .store
            .fresh
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        fresh.insert((digest, executable));
        Ok(())
    }
}

/// A file that has to be written.
struct Fresh {
    digest: Digest,
    executable: bool,
    /// Its row is there: somebody has removed the file alone. The row vouches for it from the moment that it is in its place.
    promised: bool,
}

/// Removes what a command has hung on a file besides its contents: no digest tells of it, and everybody would see it who is
/// given the file.
fn strip(path: &Path) -> Result<()> {
    /// The longest list of names that Linux gives (`XATTR_LIST_MAX`).
    const LONGEST: usize = 65536;
    let failed = |error: Errno| Error::io("read the attributes of", path)(error.into());
    let mut names = vec![0; 1024];
    let length = match llistxattr(path, &mut names[..]) {
        Err(Errno::RANGE) => {
            names.resize(LONGEST, 0);
            llistxattr(path, &mut names[..]).map_err(failed)?
        }
        // The file system has none.
        Err(Errno::NOTSUP) => 0,
        listed => listed.map_err(failed)?,
    };
    // Others are the system's own.
    let theirs = |name: &&[u8]| name.starts_with(b"user.") || name.starts_with(b"system.posix_acl");
    let mut open = false;
    for name in names[..length].split(|byte| *byte == 0).filter(theirs) {
        if !std::mem::replace(&mut open, true) {
            fs::chmod(path, 0o600)?;
        }
        lremovexattr(path, name)
            .map_err(|error| Error::io("remove the attributes of", path)(error.into()))?;
    }
    Ok(())
}

/// Hashes a file, a large one on all cores.
pub(crate) fn digest_of(path: &Path) -> Result<Digest> {
    const LARGE: u64 = 1 << 20;
    let size = fs::metadata(path)?.len();
    if size < LARGE {
        return Ok(Digest::of(&fs::read(path)?));
    }
    crew::start()?;
    let mut hasher = blake3::Hasher::new();
    hasher
        .update_mmap_rayon(path)
        .map_err(Error::io("read", path))?;
    Ok(Digest::new(hasher.finalize(), hasher.count()))
}

/// Hashes a file without mapping it: what a disk does not give back is an error then, and else a signal that ends the process.
pub(crate) fn digest_by_reading(path: &Path) -> Result<Digest> {
    let mut hasher = blake3::Hasher::new();
    hasher
        .update_reader(fs::open(path)?)
        .map_err(Error::io("read", path))?;
    Ok(Digest::new(hasher.finalize(), hasher.count()))
}
