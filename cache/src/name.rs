//! What a client calls a blob: a digest by one of two functions. Bytes on their way in are hashed here.

use std::fmt;

use sha2::Digest as _;

use crate::digest::Digest;
use crate::reapi;
use crate::sha256::Sha256;

/// A digest function.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Function {
    /// BLAKE3-256, by which the store knows everything.
    Blake3,
    /// SHA-256, of which the store knows what it has been told.
    Sha256,
}

/// A blob's digest by either function.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Name {
    /// The store's own.
    Blake3(Digest),
    /// The same bytes by SHA-256.
    Sha256(Sha256),
}

impl Name {
    /// What these bytes are called.
    pub fn of(function: Function, bytes: &[u8]) -> Name {
        match function {
            Function::Blake3 => Name::Blake3(Digest::of(bytes)),
            Function::Sha256 => Name::Sha256(Sha256::of(bytes)),
        }
    }

    /// The name a message stands for, if it is one.
    pub fn from_message(function: Function, message: &reapi::Digest) -> Option<Name> {
        match function {
            Function::Blake3 => Digest::from_message(message).map(Name::Blake3),
            Function::Sha256 => Sha256::from_message(message).map(Name::Sha256),
        }
    }

    /// The message that stands for it on the wire.
    pub fn to_message(self) -> reapi::Digest {
        match self {
            Name::Blake3(digest) => digest.to_message(),
            Name::Sha256(name) => name.to_message(),
        }
    }

    /// The function it was made by.
    pub fn function(&self) -> Function {
        match self {
            Name::Blake3(_) => Function::Blake3,
            Name::Sha256(_) => Function::Sha256,
        }
    }

    /// The size of the blob in bytes.
    pub fn size(&self) -> u64 {
        match self {
            Name::Blake3(digest) => digest.size(),
            Name::Sha256(name) => name.size(),
        }
    }

    /// The form the index keeps: the digest's, then the function.
    pub(crate) fn to_row(self) -> [u8; 41] {
        let (digest, function) = match self {
            Name::Blake3(digest) => (digest.to_row(), 0),
            Name::Sha256(name) => (name.to_row(), 1),
        };
        let mut row = [function; 41];
        row[..40].copy_from_slice(&digest);
        row
    }

    pub(crate) fn from_row(row: [u8; 41]) -> Name {
        let mut digest = [0; 40];
        digest.copy_from_slice(&row[..40]);
        match row[40] {
            0 => Name::Blake3(Digest::from_row(digest)),
            _ => Name::Sha256(Sha256::from_row(digest)),
        }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Name::Blake3(digest) => digest.fmt(f),
            Name::Sha256(name) => name.fmt(f),
        }
    }
}

/// Hashes bytes as they come: by BLAKE3 always, by SHA-256 where that is what they are called.
#[derive(Clone, Debug)]
pub struct Hasher {
    blake3: blake3::Hasher,
    sha256: Option<sha2::Sha256>,
}

impl Hasher {
    /// For bytes that are named by this function.
    pub fn new(function: Function) -> Hasher {
        Hasher {
            blake3: blake3::Hasher::new(),
            sha256: (function == Function::Sha256).then(sha2::Sha256::new),
        }
    }

    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.blake3.update(bytes);
        if let Some(sha256) = &mut self.sha256 {
            sha256.update(bytes);
        }
    }

    /// The digest of all bytes, and what they are called by the function.
    pub fn finish(self) -> (Digest, Name) {
        let digest = Digest::new(self.blake3.finalize(), self.blake3.count());
        let name = match self.sha256 {
            Some(sha256) => Name::Sha256(Sha256::new(sha256.finalize().into(), digest.size())),
            None => Name::Blake3(digest),
        };
        (digest, name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_in_parts_are_called_what_the_whole_is() {
        for function in [Function::Blake3, Function::Sha256] {
            let mut hasher = Hasher::new(function);
            hasher.update(b"p");
            hasher.update(b"wb");
            let name = Name::of(function, b"pwb");
            assert_eq!(hasher.finish(), (Digest::of(b"pwb"), name));
            assert_eq!(Name::from_message(function, &name.to_message()), Some(name));
        }
    }
}
