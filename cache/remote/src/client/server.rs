//! What the server says it can do.

use pwb_cache::reapi::compressor::Value as Compressor;
use pwb_cache::{Function, reapi};

use super::names;
use super::wire::{Trouble, Wire};

/// What a message may carry besides blobs, and what gRPC servers take unless they are told otherwise: 4 MiB.
const LARGEST_BATCH: u64 = 4_000_000;

/// A server that can be used.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Server {
    pub function: Function,
    /// Bytes in one batch.
    pub batch: u64,
    /// Whether blobs may travel compressed with zstd: as streams and to this machine; and in batches to the server.
    pub zstd: bool,
    pub zstd_updates: bool,
    /// Whether it takes results.
    pub updates: bool,
}

impl Server {
    /// Asks. `Ok(Err)` says why it is of no use.
    pub fn ask(wire: &Wire) -> Result<Result<Server, String>, Trouble> {
        let answer = wire.call(0, || {
            let mut client = wire.capabilities();
            let request = wire.request(reapi::GetCapabilitiesRequest {
                instance_name: wire.instance(),
            });
            async move { client.get_capabilities(request).await }
        })?;
        let Some(cache) = answer.into_inner().cache_capabilities else {
            return Ok(Err("it offers no cache".to_owned()));
        };
        let Some(function) = names::best(&cache.digest_functions) else {
            return Ok(Err("it knows neither BLAKE3 nor SHA-256".to_owned()));
        };
        let zstd = i32::from(Compressor::Zstd);
        Ok(Ok(Server {
            function,
            batch: match u64::try_from(cache.max_batch_total_size_bytes) {
                Ok(0) | Err(_) => LARGEST_BATCH,
                Ok(limit) => limit.min(LARGEST_BATCH),
            },
            zstd: cache.supported_compressors.contains(&zstd),
            zstd_updates: cache.supported_batch_update_compressors.contains(&zstd),
            updates: cache
                .action_cache_update_capabilities
                .is_none_or(|updates| updates.update_enabled),
        }))
    }
}
