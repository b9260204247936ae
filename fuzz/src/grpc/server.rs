//! A server that says what it is told to. One for the process; each input changes what it says.

use std::pin::Pin;
use std::sync::{Mutex, OnceLock, PoisonError};

use bazel_remote_apis::google::bytestream::byte_stream_server::{ByteStream, ByteStreamServer};
use bazel_remote_apis::google::bytestream::{
    QueryWriteStatusRequest, QueryWriteStatusResponse, ReadRequest, ReadResponse, WriteRequest,
    WriteResponse,
};
use bazel_remote_apis::google::longrunning::Operation;
use bazel_remote_apis::google::rpc;
use prost::Message;
use pwb_cache::reapi;
use reapi::action_cache_server::{ActionCache, ActionCacheServer};
use reapi::capabilities_server::{Capabilities, CapabilitiesServer};
use reapi::content_addressable_storage_server::{
    ContentAddressableStorage, ContentAddressableStorageServer,
};
use reapi::execution_server::{Execution, ExecutionServer};
use tokio_stream::{Stream, StreamExt};
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status, Streaming};

use super::said::Said;

type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;
type Answer<T> = Result<Response<T>, Status>;

static SAID: Mutex<Option<Said>> = Mutex::new(None);

/// Says this from now on; where the server is.
pub(crate) fn says(said: Said) -> &'static str {
    *SAID.lock().unwrap_or_else(PoisonError::into_inner) = Some(said);
    static URL: OnceLock<String> = OnceLock::new();
    URL.get_or_init(|| {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("grpc://{}", listener.local_addr().unwrap());
        listener.set_nonblocking(true).unwrap();
        std::thread::spawn(move || serve(listener));
        url
    })
}

fn serve(listener: std::net::TcpListener) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let serving = runtime.unwrap().block_on(async {
        let listener = tokio::net::TcpListener::from_std(listener).unwrap();
        tonic::transport::Server::builder()
            .add_service(CapabilitiesServer::new(Server))
            .add_service(ActionCacheServer::new(Server))
            .add_service(ContentAddressableStorageServer::new(Server))
            .add_service(ByteStreamServer::new(Server))
            .add_service(ExecutionServer::new(Server))
            .serve_with_incoming(TcpIncoming::from(listener))
            .await
    });
    serving.unwrap();
}

fn said() -> Said {
    let said = SAID.lock().unwrap_or_else(PoisonError::into_inner);
    said.clone().unwrap_or_default()
}

fn answer<T>(message: T) -> Answer<T> {
    Ok(Response::new(message))
}

fn answers<T: Send + 'static>(messages: Vec<T>) -> Answer<Answers<T>> {
    answer(Box::pin(tokio_stream::iter(messages.into_iter().map(Ok))))
}

fn absent<T>() -> Answer<T> {
    Err(Status::not_found(""))
}

fn unknown<T>() -> Answer<T> {
    Err(Status::unimplemented(""))
}

struct Server;

#[tonic::async_trait]
impl Capabilities for Server {
    async fn get_capabilities(
        &self,
        _: Request<reapi::GetCapabilitiesRequest>,
    ) -> Answer<reapi::ServerCapabilities> {
        answer(said().capabilities)
    }
}

#[tonic::async_trait]
impl ActionCache for Server {
    async fn get_action_result(
        &self,
        _: Request<reapi::GetActionResultRequest>,
    ) -> Answer<reapi::ActionResult> {
        match said() {
            said if said.lacks => absent(),
            said => answer(said.result),
        }
    }

    async fn update_action_result(
        &self,
        _: Request<reapi::UpdateActionResultRequest>,
    ) -> Answer<reapi::ActionResult> {
        answer(said().result)
    }
}

#[tonic::async_trait]
impl Execution for Server {
    type ExecuteStream = Answers<Operation>;
    type WaitExecutionStream = Answers<Operation>;

    async fn execute(&self, _: Request<reapi::ExecuteRequest>) -> Answer<Answers<Operation>> {
        let stream = tokio_stream::iter(said().operations.into_iter().map(Ok));
        // It does not end, so that nobody waits for more.
        answer(Box::pin(
            stream.chain(tokio_stream::once(Err(Status::aborted("")))),
        ))
    }

    async fn wait_execution(
        &self,
        _: Request<reapi::WaitExecutionRequest>,
    ) -> Answer<Answers<Operation>> {
        unknown()
    }
}

#[tonic::async_trait]
impl ContentAddressableStorage for Server {
    type GetTreeStream = Answers<reapi::GetTreeResponse>;
    type GetChunkMappingStream = Answers<reapi::GetChunkMappingResponse>;

    async fn find_missing_blobs(
        &self,
        request: Request<reapi::FindMissingBlobsRequest>,
    ) -> Answer<reapi::FindMissingBlobsResponse> {
        let said = said();
        if said.lies {
            return answer(said.missing);
        }
        let mut missing_blob_digests = request.into_inner().blob_digests;
        missing_blob_digests.retain(|name| said.blob(&name.hash).is_none());
        answer(reapi::FindMissingBlobsResponse {
            missing_blob_digests,
        })
    }

    async fn batch_update_blobs(
        &self,
        request: Request<reapi::BatchUpdateBlobsRequest>,
    ) -> Answer<reapi::BatchUpdateBlobsResponse> {
        let said = said();
        let status = said.lies.then(|| rpc::Status {
            code: 3,
            ..Default::default()
        });
        let requests = request.into_inner().requests.into_iter();
        let responses = requests.map(|one| reapi::batch_update_blobs_response::Response {
            digest: one.digest,
            status: status.clone(),
        });
        answer(reapi::BatchUpdateBlobsResponse {
            responses: responses.collect(),
        })
    }

    async fn batch_read_blobs(
        &self,
        request: Request<reapi::BatchReadBlobsRequest>,
    ) -> Answer<reapi::BatchReadBlobsResponse> {
        let said = said();
        let read = |name: reapi::Digest| {
            let blob = said.blob(&name.hash)?;
            let packed = said.zstd.then(|| packed(blob));
            Some(reapi::batch_read_blobs_response::Response {
                digest: Some(name),
                compressor: packed.is_some().into(),
                data: packed.unwrap_or_else(|| blob.clone()),
                ..Default::default()
            })
        };
        let names = request.into_inner().digests.into_iter();
        answer(reapi::BatchReadBlobsResponse {
            responses: names.filter_map(read).collect(),
        })
    }

    async fn get_tree(
        &self,
        _: Request<reapi::GetTreeRequest>,
    ) -> Answer<Answers<reapi::GetTreeResponse>> {
        let said = said();
        if said.lacks {
            return unknown();
        }
        let blobs = said.blobs.iter();
        let directories = blobs.filter_map(|blob| Message::decode(blob.as_slice()).ok());
        answers(vec![reapi::GetTreeResponse {
            directories: directories.collect(),
            ..Default::default()
        }])
    }

    async fn split_blob(
        &self,
        _: Request<reapi::SplitBlobRequest>,
    ) -> Answer<reapi::SplitBlobResponse> {
        unknown()
    }

    async fn get_chunk_mapping(
        &self,
        _: Request<reapi::GetChunkMappingRequest>,
    ) -> Answer<Answers<reapi::GetChunkMappingResponse>> {
        unknown()
    }

    async fn splice_blob(
        &self,
        _: Request<reapi::SpliceBlobRequest>,
    ) -> Answer<reapi::SpliceBlobResponse> {
        unknown()
    }

    async fn register_chunk_mapping(
        &self,
        _: Request<Streaming<reapi::RegisterChunkMappingRequest>>,
    ) -> Answer<reapi::RegisterChunkMappingResponse> {
        unknown()
    }
}

#[tonic::async_trait]
impl ByteStream for Server {
    type ReadStream = Answers<ReadResponse>;

    async fn read(&self, request: Request<ReadRequest>) -> Answer<Answers<ReadResponse>> {
        let (said, request) = (said(), request.into_inner());
        let hash = request.resource_name.rsplit('/').nth(1).unwrap_or_default();
        let Some(blob) = said.blob(hash) else {
            return absent();
        };
        let offset = usize::try_from(request.read_offset).unwrap_or(usize::MAX);
        let mut bytes = blob.get(offset..).unwrap_or_default().to_vec();
        if request.resource_name.contains("zstd") && !said.lies {
            bytes = packed(&bytes);
        }
        let chunks = bytes.chunks(7).map(|data| ReadResponse {
            data: data.to_vec(),
        });
        answers(chunks.collect())
    }

    async fn write(&self, request: Request<Streaming<WriteRequest>>) -> Answer<WriteResponse> {
        let mut stream = request.into_inner();
        let mut committed_size = 0;
        while let Some(part) = stream.message().await? {
            committed_size += part.data.len() as i64;
        }
        answer(WriteResponse { committed_size })
    }

    async fn query_write_status(
        &self,
        _: Request<QueryWriteStatusRequest>,
    ) -> Answer<QueryWriteStatusResponse> {
        answer(QueryWriteStatusResponse::default())
    }
}

fn packed(bytes: &[u8]) -> Vec<u8> {
    zstd::bulk::compress(bytes, 1).unwrap_or_default()
}
