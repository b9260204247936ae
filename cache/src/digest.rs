//! The digest of a blob: BLAKE3-256 and size.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::reapi;

/// A blob's BLAKE3-256 hash and its size in bytes (REAPI v2, `Digest`).
#[derive(Clone, Copy, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub struct Digest {
    hash: [u8; 32],
    size: u64,
}

impl Digest {
    /// The digest of these bytes.
    pub fn of(bytes: &[u8]) -> Digest {
        Digest::new(blake3::hash(bytes), bytes.len() as u64)
    }

    /// A digest from a hash that was computed over `size` bytes.
    pub fn new(hash: blake3::Hash, size: u64) -> Digest {
        Digest {
            hash: hash.into(),
            size,
        }
    }

    /// The size of the blob in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The hash in lower-case hexadecimal, 64 characters.
    pub fn hex(&self) -> String {
        blake3::Hash::from(self.hash).to_hex().to_string()
    }

    /// The hash alone, by which files are named.
    pub(crate) fn hash(&self) -> [u8; 32] {
        self.hash
    }

    /// The form the index keeps: the hash, then the size, big-endian.
    pub(crate) fn to_row(self) -> [u8; 40] {
        let mut row = [0; 40];
        row[..32].copy_from_slice(&self.hash);
        row[32..].copy_from_slice(&self.size.to_be_bytes());
        row
    }

    pub(crate) fn from_row(row: [u8; 40]) -> Digest {
        let (mut hash, mut size) = ([0; 32], [0; 8]);
        hash.copy_from_slice(&row[..32]);
        size.copy_from_slice(&row[32..]);
        Digest {
            hash,
            size: u64::from_be_bytes(size),
        }
    }

    /// The message that stands for it on the wire.
    pub fn to_message(self) -> reapi::Digest {
        reapi::Digest {
            hash: self.hex(),
            size_bytes: self.size as i64,
        }
    }

    /// The digest a message stands for, if it is one.
    pub fn from_message(message: &reapi::Digest) -> Option<Digest> {
        let hash = blake3::Hash::from_hex(&message.hash).ok()?;
        Some(Digest {
            hash: hash.into(),
            size: u64::try_from(message.size_bytes).ok()?,
        })
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.hex(), self.size)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", &self.hex()[..12], self.size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_of_nothing_is_blake3s_published_one() {
        let empty = "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262/0";
        assert_eq!(Digest::of(b"").to_string(), empty);
    }

    #[test]
    fn rows_and_messages_give_the_digest_back() {
        let digest = Digest::of(b"pwb");
        assert_eq!(Digest::from_row(digest.to_row()), digest);
        assert_eq!(Digest::from_message(&digest.to_message()), Some(digest));
    }
}
