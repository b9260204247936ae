//! Any object of the store as bytes, whether the index keeps it (a message) or the content store (a file).

use std::path::PathBuf;

use crate::digest::Digest;
use crate::error::Result;
use crate::fs;
use crate::presence::Place;
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
        Ok(self.blobs(&[digest])?.pop().flatten())
    }

    /// The same for many, in their order.
    pub fn blobs(&self, digests: &[Digest]) -> Result<Vec<Option<Blob>>> {
        let empty = Digest::of(b"");
        let places = self.places(digests)?.into_iter();
        let blob = |(digest, place): (&Digest, Option<Place>)| match place {
            _ if *digest == empty => Ok(Some(Blob::Bytes(Vec::new()))),
            None => Ok(None),
            Some(Place::File { executable }) => {
                Ok(Some(Blob::File(self.cas_path(*digest, executable))))
            }
            Some(Place::Message) => Ok(self.message(*digest)?.map(Blob::Bytes)),
        };
        digests.iter().zip(places).map(blob).collect()
    }

    /// Whether a file has been published in this mode and is still there. The index alone can say that it is whole; the file
    /// system alone can say that it is there.
    pub fn has_published(&self, digest: Digest, executable: bool) -> Result<bool> {
        Ok(self.index.has_file(digest, executable)? && self.has_file(digest, executable))
    }
}
