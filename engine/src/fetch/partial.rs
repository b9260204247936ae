//! A download in the making: a temporary file that is hashed while it is written. Knows nothing of where bytes come from.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use sha2::Digest as _;
use tempfile::{NamedTempFile, TempPath};

use super::error::{Error, Result};
use super::failure::Cause;
use crate::recipe::{Blake3, Pin, Sha256};

/// How much is read at once.
pub(super) const CHUNK: usize = 128 << 10;

/// A file that grows until it has the pinned digest.
pub(super) struct Partial {
    file: NamedTempFile,
    pin: Pin,
    hasher: Hasher,
    written: u64,
}

enum Hasher {
    Sha256(sha2::Sha256),
    Blake3(Box<blake3::Hasher>),
}

impl Partial {
    pub(super) fn create(scratch: &Path, pin: Pin) -> Result<Partial> {
        let file = NamedTempFile::with_prefix_in("download-", scratch)
            .map_err(Error::io("create a file in", scratch))?;
        Ok(Partial {
            file,
            pin,
            hasher: Hasher::new(pin),
            written: 0,
        })
    }

    /// The bytes so far.
    pub(super) fn written(&self) -> u64 {
        self.written
    }

    /// Forgets all bytes.
    pub(super) fn restart(&mut self) -> Result<()> {
        let path = self.file.path().to_owned();
        self.file
            .as_file()
            .set_len(0)
            .map_err(Error::io("truncate", &path))?;
        self.file
            .seek(SeekFrom::Start(0))
            .map_err(Error::io("seek in", &path))?;
        self.hasher = Hasher::new(self.pin);
        self.written = 0;
        Ok(())
    }

    pub(super) fn append(&mut self, bytes: &[u8]) -> Result<()> {
        let path = self.file.path().to_owned();
        // Not by the temporary file's own writer, whose errors name the path too.
        self.file
            .as_file_mut()
            .write_all(bytes)
            .map_err(Error::io("write", &path))?;
        self.hasher.update(bytes);
        self.written += bytes.len() as u64;
        Ok(())
    }

    /// The finished file.
    pub(super) fn finish(self) -> Whole {
        Whole {
            pin: self.hasher.finish(),
            size: self.written,
            file: self.file.into_temp_path(),
        }
    }
}

/// A downloaded file, and what its digest is.
pub(super) struct Whole {
    pub(super) file: TempPath,
    pub(super) size: u64,
    pub(super) pin: Pin,
}

impl Whole {
    /// Hashes a file; the digest is of the same kind as `pin`.
    pub(super) fn of(file: TempPath, pin: Pin) -> Result<Whole> {
        let (pin, size) = hash(&file, pin)?;
        Ok(Whole { file, size, pin })
    }

    /// The file and its size, if this is its digest.
    pub(super) fn check(self, expected: Pin) -> std::result::Result<(TempPath, u64), Cause> {
        if expected == self.pin {
            return Ok((self.file, self.size));
        }
        Err(Cause::Mismatch {
            expected: expected.to_string(),
            got: self.pin.to_string(),
            size: self.size,
        })
    }
}

fn hash(path: &Path, pin: Pin) -> Result<(Pin, u64)> {
    let mut file = File::open(path).map_err(Error::io("open", path))?;
    let mut hasher = Hasher::new(pin);
    let mut buffer = vec![0; CHUNK];
    let mut size = 0;
    loop {
        match file.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => {
                hasher.update(&buffer[..count]);
                size += count as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(Error::io("read", path)(error)),
        }
    }
    Ok((hasher.finish(), size))
}

impl Hasher {
    fn new(pin: Pin) -> Hasher {
        match pin {
            Pin::Sha256(_) => Hasher::Sha256(sha2::Sha256::new()),
            Pin::Blake3(_) => Hasher::Blake3(Box::default()),
        }
    }

    fn update(&mut self, bytes: &[u8]) {
        match self {
            Hasher::Sha256(hasher) => hasher.update(bytes),
            Hasher::Blake3(hasher) => drop(hasher.update(bytes)),
        }
    }

    fn finish(self) -> Pin {
        match self {
            Hasher::Sha256(hasher) => Pin::Sha256(Sha256(hasher.finalize().into())),
            Hasher::Blake3(hasher) => Pin::Blake3(Blake3(hasher.finalize().into())),
        }
    }
}
