//! zstd for blobs in memory.

use pwb_cache::Name;
use tonic::Status;

use super::service::mismatch;

/// zstd's own default: more costs more time than it saves on a network of today.
pub const LEVEL: i32 = 3;

/// What is smaller than this is not worth the effort.
const SMALL: usize = 256;

/// Compresses one blob after another.
pub struct Packer(Option<zstd::bulk::Compressor<'static>>);

impl Packer {
    /// One for a client that understands zstd, or does not.
    pub fn new(zstd: bool) -> Packer {
        let compressor = zstd.then(|| zstd::bulk::Compressor::new(LEVEL));
        Packer(compressor.and_then(Result::ok))
    }

    /// The bytes compressed, where that makes them smaller.
    pub fn compress(&mut self, bytes: &[u8]) -> Option<Vec<u8>> {
        let compressor = self.0.as_mut().filter(|_| bytes.len() >= SMALL)?;
        let compressed = compressor.compress(bytes).ok()?;
        (compressed.len() < bytes.len()).then_some(compressed)
    }
}

/// The bytes of this blob; no more than its size of them.
pub fn decompress(bytes: &[u8], name: Name) -> Result<Vec<u8>, Status> {
    let size = usize::try_from(name.size()).map_err(|_| mismatch(name))?;
    zstd::bulk::decompress(bytes, size).map_err(|_| mismatch(name))
}
