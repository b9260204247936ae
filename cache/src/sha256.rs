//! What an object is called where BLAKE3 is not known: the store keeps which SHA-256 belongs to which digest.

use std::fmt;

use sha2::Digest as _;

use crate::digest::Digest;
use crate::directory::TreeDigest;
use crate::error::Result;
use crate::reapi;
use crate::store::Store;

/// A blob's SHA-256 hash and its size in bytes.
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Sha256 {
    hash: [u8; 32],
    size: u64,
}

impl Sha256 {
    /// The digest of these bytes.
    pub fn of(bytes: &[u8]) -> Sha256 {
        Sha256::new(sha2::Sha256::digest(bytes).into(), bytes.len() as u64)
    }

    /// A digest from a hash that was computed over `size` bytes.
    pub fn new(hash: [u8; 32], size: u64) -> Sha256 {
        Sha256 { hash, size }
    }

    /// The size of the blob in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The hash in lower-case hexadecimal, 64 characters.
    pub fn hex(&self) -> String {
        self.hash.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The message that stands for it on the wire.
    pub fn to_message(self) -> reapi::Digest {
        reapi::Digest {
            hash: self.hex(),
            size_bytes: self.size as i64,
        }
    }

    /// The digest a message stands for, if it is one.
    pub fn from_message(message: &reapi::Digest) -> Option<Sha256> {
        // Hexadecimal is hexadecimal, and as long for either function.
        let hash = blake3::Hash::from_hex(&message.hash).ok()?;
        Some(Sha256 {
            hash: hash.into(),
            size: u64::try_from(message.size_bytes).ok()?,
        })
    }

    pub(crate) fn to_row(self) -> [u8; 40] {
        let mut row = [0; 40];
        row[..32].copy_from_slice(&self.hash);
        row[32..].copy_from_slice(&self.size.to_be_bytes());
        row
    }

    pub(crate) fn from_row(row: [u8; 40]) -> Sha256 {
        let (mut hash, mut size) = ([0; 32], [0; 8]);
        hash.copy_from_slice(&row[..32]);
        size.copy_from_slice(&row[32..]);
        Sha256 {
            hash,
            size: u64::from_be_bytes(size),
        }
    }
}

impl fmt::Display for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.hex(), self.size)
    }
}

impl fmt::Debug for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", &self.hex()[..12], self.size)
    }
}

impl Store {
    /// The SHA-256 digests of blobs, as far as they are known, in the order of `blobs`.
    pub fn sha256(&self, blobs: &[Digest]) -> Result<Vec<Option<Sha256>>> {
        self.index.sha256(blobs)
    }

    /// The blobs that have these SHA-256 digests, as far as they are known.
    pub fn by_sha256(&self, names: &[Sha256]) -> Result<Vec<Option<Digest>>> {
        self.index.by_sha256(names)
    }

    /// Remembers which SHA-256 digests blobs have. The bytes were hashed both ways.
    pub fn put_sha256(&self, pairs: &[(Digest, Sha256)]) -> Result<()> {
        match pairs {
            [] => Ok(()),
            pairs => self.index.put_sha256(pairs),
        }
    }

    /// The SHA-256 digests that servers say blobs have: good for asking a server, and for nothing else.
    pub fn heard(&self, blobs: &[Digest]) -> Result<Vec<Option<Sha256>>> {
        self.index.heard(blobs)
    }

    /// Remembers what a server says.
    pub fn put_heard(&self, pairs: &[(Digest, Sha256)]) -> Result<()> {
        match pairs {
            [] => Ok(()),
            pairs => self.index.put_heard(pairs),
        }
    }

    /// Forgets what servers have said of an object.
    pub fn forget_names(&self, digest: Digest) -> Result<()> {
        self.index.forget_names(digest)
    }

    /// What directories are called where they are written with SHA-256 digests: a directory's own bytes name other objects, so
    /// that there it is another message.
    pub fn twins(&self, directories: &[TreeDigest]) -> Result<Vec<Option<Sha256>>> {
        self.index.twins(directories)
    }

    /// Remembers what directories are called where they are written with SHA-256 digests.
    pub fn put_twins(&self, pairs: &[(TreeDigest, Sha256)]) -> Result<()> {
        match pairs {
            [] => Ok(()),
            pairs => self.index.put_twins(pairs),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_of_nothing_is_the_published_one() {
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855/0";
        assert_eq!(Sha256::of(b"").to_string(), empty);
        let some = Sha256::of(b"pwb");
        assert_eq!(Sha256::from_message(&some.to_message()), Some(some));
        assert_eq!(Sha256::from_row(some.to_row()), some);
    }
}
