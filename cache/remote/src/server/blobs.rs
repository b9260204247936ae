//! The content store, many small blobs at a time; and trees.

use std::collections::HashSet;

use bazel_remote_apis::google::rpc;
use pwb_cache::{Function, Name, New, Store, reapi};
use reapi::batch_read_blobs_response::Response as ReadOne;
use reapi::batch_update_blobs_request::Request as UpdateOne;
use reapi::batch_update_blobs_response::Response as UpdatedOne;
use reapi::compressor::Value as Compressor;
use reapi::content_addressable_storage_server::ContentAddressableStorage;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Request, Response, Status, Streaming};

use super::codec::{Packer, decompress};
use super::error::{gone, to_status};
use super::limits::MAX_BATCH;
use super::metrics::Metrics;
use super::pages::Pages;
use super::service::{Shared, check_size, find, function, mismatch, name, read};

type Answer<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl ContentAddressableStorage for Shared {
    async fn find_missing_blobs(
        &self,
        request: Request<reapi::FindMissingBlobsRequest>,
    ) -> Answer<reapi::FindMissingBlobsResponse> {
        self.answer("FindMissingBlobs", async {
            let request = request.into_inner();
            let function = function(request.digest_function)?;
            let digests = request.blob_digests;
            let names = names(function, &digests)?;
            let found = self.blocking(move |store| find(store, &names)).await?;
            let missing = digests.into_iter().zip(found);
            Ok(reapi::FindMissingBlobsResponse {
                missing_blob_digests: missing
                    .filter(|(_, found)| found.is_none())
                    .map(|(digest, _)| digest)
                    .collect(),
            })
        })
        .await
    }

    async fn batch_update_blobs(
        &self,
        request: Request<reapi::BatchUpdateBlobsRequest>,
    ) -> Answer<reapi::BatchUpdateBlobsResponse> {
        self.answer("BatchUpdateBlobs", async {
            self.access.check(&request)?;
            let request = request.into_inner();
            let function = function(request.digest_function)?;
            let sizes = request.requests.iter().map(|one| &one.digest);
            check_total(sizes.flatten())?;
            let bytes: usize = request.requests.iter().map(|one| one.data.len()).sum();
            self.metrics.received.inc_by(bytes as u64);
            let limit = self.limits.max_blob_size;
            let (new, responses) = self
                .blocking(move |store| take(store, function, limit, request.requests))
                .await?;
            self.publisher.publish(new).await?;
            Ok(reapi::BatchUpdateBlobsResponse { responses })
        })
        .await
    }

    async fn batch_read_blobs(
        &self,
        request: Request<reapi::BatchReadBlobsRequest>,
    ) -> Answer<reapi::BatchReadBlobsResponse> {
        self.answer("BatchReadBlobs", async {
            let request = request.into_inner();
            let function = function(request.digest_function)?;
            check_total(request.digests.iter())?;
            let names = names(function, &request.digests)?;
            let zstd = request.acceptable_compressors;
            let zstd = zstd.contains(&Compressor::Zstd.into());
            let metrics = self.metrics.clone();
            let responses = self
                .blocking(move |store| give(store, &metrics, &names, zstd))
                .await?;
            if responses.iter().any(is_gone) {
                self.whole.clear();
            }
            let bytes: usize = responses.iter().map(|one| one.data.len()).sum();
            self.metrics.sent.inc_by(bytes as u64);
            Ok(reapi::BatchReadBlobsResponse { responses })
        })
        .await
    }

    type GetTreeStream = ReceiverStream<Result<reapi::GetTreeResponse, Status>>;

    async fn get_tree(
        &self,
        request: Request<reapi::GetTreeRequest>,
    ) -> Answer<Self::GetTreeStream> {
        let request = request.into_inner();
        self.stream("GetTree", Pages::begin(self, request)).await
    }

    type GetChunkMappingStream = ReceiverStream<Result<reapi::GetChunkMappingResponse, Status>>;

    async fn get_chunk_mapping(
        &self,
        _: Request<reapi::GetChunkMappingRequest>,
    ) -> Answer<Self::GetChunkMappingStream> {
        Err(no_chunks())
    }

    async fn register_chunk_mapping(
        &self,
        _: Request<Streaming<reapi::RegisterChunkMappingRequest>>,
    ) -> Answer<reapi::RegisterChunkMappingResponse> {
        Err(no_chunks())
    }

    async fn split_blob(
        &self,
        _: Request<reapi::SplitBlobRequest>,
    ) -> Answer<reapi::SplitBlobResponse> {
        Err(no_chunks())
    }

    async fn splice_blob(
        &self,
        _: Request<reapi::SpliceBlobRequest>,
    ) -> Answer<reapi::SpliceBlobResponse> {
        Err(no_chunks())
    }
}

/// Takes the blobs of a batch that are what their digests say.
fn take(
    store: &Store,
    function: Function,
    limit: u64,
    requests: Vec<UpdateOne>,
) -> Result<(New, Vec<UpdatedOne>), Status> {
    let batch = store.batch();
    let named = requests.iter().filter_map(|one| one.digest.as_ref());
    let named: Vec<Name> = named
        .filter_map(|digest| Name::from_message(function, digest))
        .collect();
    let found = find(store, &named)?;
    let there = named.into_iter().zip(found);
    let there: HashSet<Name> = there
        .filter(|(_, found)| found.is_some())
        .map(|(name, _)| name)
        .collect();
    let mut names = Vec::new();
    let mut take_one = |digest: Option<&reapi::Digest>, data: Vec<u8>, compressor: i32| {
        let name = name(function, digest)?;
        check_size(name, limit)?;
        let data = match Compressor::try_from(compressor) {
            Ok(Compressor::Identity) => data,
            Ok(Compressor::Zstd) => decompress(&data, name)?,
            _ => return Err(Status::invalid_argument("this cache knows zstd alone")),
        };
        if Name::of(function, &data) != name {
            return Err(mismatch(name));
        }
        if there.contains(&name) {
            return Ok(());
        }
        let put = batch.put_file(&data, false);
        let digest = put.map_err(|error| to_status(&error))?;
        if let Name::Sha256(name) = name {
            names.push((digest, name));
        }
        Ok(())
    };
    let responses = requests
        .into_iter()
        .map(|one| {
            let outcome = take_one(one.digest.as_ref(), one.data, one.compressor);
            let status = outcome.err().unwrap_or_else(|| Status::ok(""));
            UpdatedOne {
                digest: one.digest,
                status: Some(to_message(&status)),
            }
        })
        .collect();
    let named = store.put_sha256(&names);
    named.map_err(|error| to_status(&error))?;
    Ok((batch.finish(), responses))
}

/// Reads the blobs of a batch.
fn give(
    store: &Store,
    metrics: &Metrics,
    names: &[Name],
    zstd: bool,
) -> Result<Vec<ReadOne>, Status> {
    let found = find(store, names)?;
    let mut packer = Packer::new(zstd);
    let mut give_one = |name: &Name, found: Option<_>| {
        let bytes = match found {
            Some(digest) => read(store, metrics, digest),
            None => Ok(None),
        };
        let mut response = ReadOne {
            digest: Some(name.to_message()),
            ..Default::default()
        };
        let status = match bytes {
            Ok(Some(bytes)) => {
                (response.data, response.compressor) = match packer.compress(&bytes) {
                    Some(smaller) => (smaller, Compressor::Zstd.into()),
                    None => (bytes, Compressor::Identity.into()),
                };
                Status::ok("")
            }
            Ok(None) => gone(name),
            Err(status) => status,
        };
        response.status = Some(to_message(&status));
        response
    };
    let pairs = names.iter().zip(found);
    Ok(pairs.map(|(name, found)| give_one(name, found)).collect())
}

fn is_gone(response: &ReadOne) -> bool {
    let status = response.status.as_ref();
    status.is_some_and(|status| status.code == i32::from(Code::NotFound))
}

fn names(function: Function, digests: &[reapi::Digest]) -> Result<Vec<Name>, Status> {
    let names = digests.iter().map(|digest| name(function, Some(digest)));
    names.collect()
}

/// Refuses a batch whose blobs are too large together.
fn check_total<'a>(digests: impl Iterator<Item = &'a reapi::Digest>) -> Result<(), Status> {
    let size = |digest: &reapi::Digest| u64::try_from(digest.size_bytes).unwrap_or(0);
    let total = digests.map(size).fold(0, u64::saturating_add);
    if total <= MAX_BATCH {
        return Ok(());
    }
    Err(Status::invalid_argument(format!(
        "the blobs have {total} bytes together, and a batch takes {MAX_BATCH}: use the ByteStream service"
    )))
}

fn to_message(status: &Status) -> rpc::Status {
    rpc::Status {
        code: status.code().into(),
        message: status.message().to_owned(),
        ..Default::default()
    }
}

fn no_chunks() -> Status {
    Status::unimplemented("this cache neither splits blobs nor puts them together")
}
