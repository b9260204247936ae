//! Any object of the store as bytes, whether the index keeps it (a message) or the content store (a file).

use std::path::PathBuf;

use crate::digest::Digest;
use crate::error::Result;
use crate::fs;
use crate::store::Store;

/// An object that is there.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Blob {
    /// The bytes themselves.
    Bytes(Vec<u8>),
    /// A file that has them. It may be gone when it is opened.
    File(PathBuf),
}

impl Blob {
    /// All bytes.
    pub fn read(self) -> Result<Vec<u8>> {
        match self {
            Blob::Bytes(bytes) => Ok(bytes),
            Blob::File(path) => fs::read(&path),
        }
    }
}

impl Store {
    /// The object of this digest, published or about to be. Nothing is always there.
    pub fn blob(&self, digest: Digest) -> Result<Option<Blob>> {
        if digest.size() == 0 && digest == Digest::of(b"") {
            return Ok(Some(Blob::Bytes(Vec::new())));
        }
        for executable in [false, true] {
            if self.has(digest, executable)? {
                return Ok(Some(Blob::File(self.cas_path(digest, executable))));
            }
        }
        Ok(self.message(digest)?.map(Blob::Bytes))
    }

    /// Whether a file has been published in this mode and is still there. The index alone can say that it is whole; the file
    /// system alone can say that it is there.
    pub fn has_published(&self, digest: Digest, executable: bool) -> Result<bool> {
        Ok(self.index.has_file(digest, executable)? && self.has_file(digest, executable))
    }
}
