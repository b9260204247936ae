//! Blobs over the wire: which are missing, and many small ones in a message.

use std::collections::HashSet;
use std::io::Read;

use pwb_cache::reapi;
use pwb_cache::reapi::compressor::Value as Compressor;
use tonic::{Code, Status};

use super::Notice;
use super::names;
use super::server::Server;
use super::wire::{Trouble, Wire};

/// What a blob costs in a message besides its bytes.
const OVERHEAD: u64 = 128;
/// Blobs asked about in one message: it stays well below 4 MiB.
const ASKED_AT_ONCE: usize = 20_000;
/// How hard blobs are compressed on their way.
pub(super) const LEVEL: i32 = 3;

/// The blobs of a server.
#[derive(Clone, Copy)]
pub(crate) struct Blobs<'a> {
    pub wire: &'a Wire,
    pub server: Server,
}

/// Splits blobs into batches; what is too large for any is a batch by itself.
pub(crate) fn batches<T>(blobs: Vec<T>, limit: u64, size: impl Fn(&T) -> u64) -> Vec<Vec<T>> {
    let (mut batches, mut open, mut filled) = (Vec::new(), Vec::new(), 0);
    for blob in blobs {
        let size = size(&blob).saturating_add(OVERHEAD);
        if size > limit {
            batches.push(vec![blob]);
            continue;
        }
        if filled + size > limit {
            batches.push(std::mem::take(&mut open));
            filled = 0;
        }
        filled += size;
        open.push(blob);
    }
    if !open.is_empty() {
        batches.push(open);
    }
    batches
}

impl Blobs<'_> {
    /// Whether a blob fits no batch.
    pub fn is_large(&self, size: u64) -> bool {
        size.saturating_add(OVERHEAD) > self.server.batch
    }

    /// Which of these the server lacks.
    pub fn missing(&self, names: &[reapi::Digest]) -> Result<Vec<reapi::Digest>, Trouble> {
        let mut missing = Vec::new();
        for names in names.chunks(ASKED_AT_ONCE) {
            let answer = self.wire.call(names.len() as u64 * OVERHEAD, || {
                let mut client = self.wire.cas();
                let request = self.wire.request(reapi::FindMissingBlobsRequest {
                    instance_name: self.wire.instance(),
                    blob_digests: names.to_vec(),
                    digest_function: names::value(self.server.function),
                });
                async move { client.find_missing_blobs(request).await }
            })?;
            missing.extend(answer.into_inner().missing_blob_digests);
        }
        Ok(missing)
    }

    /// Reads a batch; what the server does not give is left out. Nothing is verified but the size.
    pub fn read(&self, names: &[reapi::Digest]) -> Result<Vec<(reapi::Digest, Vec<u8>)>, Trouble> {
        let compressors = match self.server.zstd {
            true => vec![Compressor::Zstd.into()],
            false => Vec::new(),
        };
        let answer = self.wire.call(total(names), || {
            let mut client = self.wire.cas();
            let request = self.wire.request(reapi::BatchReadBlobsRequest {
                instance_name: self.wire.instance(),
                digests: names.to_vec(),
                acceptable_compressors: compressors.clone(),
                digest_function: names::value(self.server.function),
            });
            async move { client.batch_read_blobs(request).await }
        })?;
        let responses = answer.into_inner().responses;
        let asked: HashSet<&reapi::Digest> = names.iter().collect();
        let carried = responses.iter().map(|response| response.data.len() as u64);
        self.wire.tell(Notice::Received(carried.sum()));
        Ok(responses
            .into_iter()
            .filter(|response| {
                response
                    .status
                    .as_ref()
                    .is_none_or(|status| status.code == 0)
            })
            .filter_map(|response| {
                let name = response.digest.filter(|name| asked.contains(name))?;
                let bytes = match response.compressor {
                    0 => response.data,
                    _ => unpack(&response.data, size(&name))?,
                };
                Some((name, bytes))
            })
            .collect())
    }

    /// Writes a batch; the names of those that the server has not taken come back.
    pub fn write(
        &self,
        blobs: Vec<(reapi::Digest, Vec<u8>)>,
    ) -> Result<Vec<(reapi::Digest, Status)>, Trouble> {
        let pack = |(name, bytes): (reapi::Digest, Vec<u8>)| {
            let packed = match self.server.zstd_updates {
                true => zstd::bulk::compress(&bytes, LEVEL).ok(),
                false => None,
            };
            // What does not shrink travels as it is.
            let packed = packed.filter(|packed| packed.len() < bytes.len());
            let compressor = match packed {
                Some(_) => Compressor::Zstd,
                None => Compressor::Identity,
            };
            reapi::batch_update_blobs_request::Request {
                digest: Some(name),
                data: packed.unwrap_or(bytes),
                compressor: compressor.into(),
            }
        };
        let requests: Vec<_> = blobs.into_iter().map(pack).collect();
        let carried = requests.iter().map(|request| request.data.len() as u64);
        let carried: u64 = carried.sum();
        let answer = self.wire.call(carried, || {
            let mut client = self.wire.cas();
            let request = self.wire.request(reapi::BatchUpdateBlobsRequest {
                instance_name: self.wire.instance(),
                requests: requests.clone(),
                digest_function: names::value(self.server.function),
            });
            async move { client.batch_update_blobs(request).await }
        })?;
        self.wire.tell(Notice::Sent(carried));
        let responses = answer.into_inner().responses.into_iter();
        Ok(responses
            .filter_map(|response| {
                let status = response.status.filter(|status| status.code != 0)?;
                Some((
                    response.digest?,
                    Status::new(Code::from_i32(status.code), status.message),
                ))
            })
            .collect())
    }
}

/// Unpacks what should be `size` bytes; `None` if it is not.
fn unpack(packed: &[u8], size: u64) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut decoder = zstd::Decoder::new(packed).ok()?.take(size + 1);
    decoder.read_to_end(&mut bytes).ok()?;
    (bytes.len() as u64 == size).then_some(bytes)
}

pub(crate) fn size(name: &reapi::Digest) -> u64 {
    u64::try_from(name.size_bytes).unwrap_or_default()
}

fn total(names: &[reapi::Digest]) -> u64 {
    names.iter().map(size).fold(0, u64::saturating_add)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_are_filled_and_never_too_full() {
        let sizes = [10, 5000, 400, 500, 600, 20];
        let limit = 1000 + 2 * OVERHEAD;
        let batches = batches(sizes.to_vec(), limit, |size| *size);
        assert_eq!(
            batches,
            [vec![5000], vec![10, 400], vec![500], vec![600, 20]]
        );
    }

    #[test]
    fn what_unpacks_to_another_size_is_refused() {
        let Ok(packed) = zstd::bulk::compress(&[7; 5000], LEVEL) else {
            panic!("it compresses");
        };
        assert_eq!(unpack(&packed, 5000), Some(vec![7; 5000]));
        assert_eq!(unpack(&packed, 4999), None);
        assert_eq!(unpack(&packed, 5001), None);
        assert_eq!(unpack(b"nothing of the kind", 5), None);
    }
}
