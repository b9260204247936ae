//! What the server can do, said to those who ask.

use bazel_remote_apis::build::bazel::semver::SemVer;
use pwb_cache::reapi;
use reapi::capabilities_server::Capabilities;
use reapi::{compressor, digest_function, symlink_absolute_path_strategy};
use tonic::{Request, Response, Status};

use super::limits::MAX_BATCH;
use super::service::Shared;

/// The newest minor version of the API that the messages are of. Bazel 7 speaks 2.0, and older ones are not to be met.
const NEWEST: i32 = 13;

#[tonic::async_trait]
impl Capabilities for Shared {
    async fn get_capabilities(
        &self,
        request: Request<reapi::GetCapabilitiesRequest>,
    ) -> Result<Response<reapi::ServerCapabilities>, Status> {
        let may_write = self.access.may_write(&request);
        let zstd = compressor::Value::Zstd.into();
        let version = |minor| {
            Some(SemVer {
                major: 2,
                minor,
                ..Default::default()
            })
        };
        let cache = reapi::CacheCapabilities {
            digest_functions: vec![
                digest_function::Value::Sha256.into(),
                digest_function::Value::Blake3.into(),
            ],
            action_cache_update_capabilities: Some(reapi::ActionCacheUpdateCapabilities {
                update_enabled: may_write,
            }),
            max_batch_total_size_bytes: MAX_BATCH as i64,
            symlink_absolute_path_strategy: symlink_absolute_path_strategy::Value::Allowed.into(),
            supported_compressors: vec![zstd],
            supported_batch_update_compressors: vec![zstd],
            max_cas_blob_size_bytes: self.limits.max_blob_size as i64,
            ..Default::default()
        };
        let capabilities = reapi::ServerCapabilities {
            cache_capabilities: Some(cache),
            low_api_version: version(0),
            high_api_version: version(NEWEST),
            ..Default::default()
        };
        self.answer("GetCapabilities", async { Ok(capabilities) })
            .await
    }
}
