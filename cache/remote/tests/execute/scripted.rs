//! A server whose blobs are in memory and whose operations go as a test says.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use bazel_remote_apis::google::bytestream::byte_stream_server::{ByteStream, ByteStreamServer};
use bazel_remote_apis::google::bytestream::{
    QueryWriteStatusRequest, QueryWriteStatusResponse, ReadRequest, ReadResponse, WriteRequest,
    WriteResponse,
};
use bazel_remote_apis::google::longrunning::operations_server::{Operations, OperationsServer};
use bazel_remote_apis::google::longrunning::{self, Operation};
use pwb_cache::{Sha256, google, reapi};
use reapi::capabilities_server::{Capabilities, CapabilitiesServer};
use reapi::content_addressable_storage_server::{
    ContentAddressableStorage, ContentAddressableStorageServer,
};
use reapi::execution_server::{Execution, ExecutionServer};
use tokio_stream::Stream;
use tonic::{Request, Response, Status, Streaming};

type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;
type Answer<T> = Result<Response<T>, Status>;

/// What the server is asked.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Asked {
    /// To run an action, from memory or not.
    Execute {
        skip_cache_lookup: bool,
    },
    /// To tell of an operation.
    Wait(String),
    Cancel(String),
    /// To keep so many blobs.
    Upload(usize),
}

/// What it answers to being asked to run or to tell, by how often it was asked that before. A stream that is to stay open ends in
/// `None`.
pub type Script = fn(&Scripted, &Asked, usize) -> Vec<Option<Result<Operation, Status>>>;

/// The server.
#[derive(Clone)]
pub struct Scripted {
    pub blobs: Arc<Mutex<HashMap<String, Vec<u8>>>>,
    pub asked: Arc<Mutex<Vec<Asked>>>,
    script: Script,
}

impl Scripted {
    pub fn new(script: Script) -> Scripted {
        Scripted {
            blobs: Arc::default(),
            asked: Arc::default(),
            script,
        }
    }

    /// Serves on a free port, on threads of its own; its URL.
    pub fn serve(&self) -> String {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("grpc://{}", listener.local_addr().unwrap());
        listener.set_nonblocking(true).unwrap();
        let server = self.clone();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Runtime::new().unwrap();
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                let incoming = tonic::transport::server::TcpIncoming::from(listener);
                tonic::transport::Server::builder()
                    .add_service(CapabilitiesServer::new(server.clone()))
                    .add_service(ContentAddressableStorageServer::new(server.clone()))
                    .add_service(ByteStreamServer::new(server.clone()))
                    .add_service(OperationsServer::new(server.clone()))
                    .add_service(ExecutionServer::new(server))
                    .serve_with_incoming(incoming)
                    .await
            })
        });
        url
    }

    /// Keeps a blob; what it is called.
    pub fn keep(&self, bytes: Vec<u8>) -> reapi::Digest {
        let name = Sha256::of(&bytes).to_message();
        self.blobs.lock().unwrap().insert(name.hash.clone(), bytes);
        name
    }

    pub fn was_asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    fn answer(&self, asked: Asked) -> Answer<Answers<Operation>> {
        let mut all = self.asked.lock().unwrap();
        let kind = std::mem::discriminant(&asked);
        let before = all
            .iter()
            .filter(|one| std::mem::discriminant(*one) == kind)
            .count();
        all.push(asked.clone());
        drop(all);
        let mut answers = (self.script)(self, &asked, before);
        let open = matches!(answers.last(), Some(None));
        answers.retain(Option::is_some);
        let answers = tokio_stream::iter(answers.into_iter().flatten());
        Ok(Response::new(match open {
            true => Box::pin(tokio_stream::StreamExt::chain(
                answers,
                tokio_stream::pending(),
            )),
            false => Box::pin(answers),
        }))
    }
}

#[tonic::async_trait]
impl Execution for Scripted {
    type ExecuteStream = Answers<Operation>;
    type WaitExecutionStream = Answers<Operation>;

    async fn execute(&self, request: Request<reapi::ExecuteRequest>) -> Answer<Answers<Operation>> {
        let skip_cache_lookup = request.into_inner().skip_cache_lookup;
        self.answer(Asked::Execute { skip_cache_lookup })
    }

    async fn wait_execution(
        &self,
        request: Request<reapi::WaitExecutionRequest>,
    ) -> Answer<Answers<Operation>> {
        self.answer(Asked::Wait(request.into_inner().name))
    }
}

#[tonic::async_trait]
impl Capabilities for Scripted {
    async fn get_capabilities(
        &self,
        _: Request<reapi::GetCapabilitiesRequest>,
    ) -> Answer<reapi::ServerCapabilities> {
        let sha256 = reapi::digest_function::Value::Sha256.into();
        Ok(Response::new(reapi::ServerCapabilities {
            cache_capabilities: Some(reapi::CacheCapabilities {
                digest_functions: vec![sha256],
                ..Default::default()
            }),
            execution_capabilities: Some(reapi::ExecutionCapabilities {
                digest_function: sha256,
                exec_enabled: true,
                ..Default::default()
            }),
            ..Default::default()
        }))
    }
}

#[tonic::async_trait]
impl ContentAddressableStorage for Scripted {
    type GetTreeStream = Answers<reapi::GetTreeResponse>;
    type GetChunkMappingStream = Answers<reapi::GetChunkMappingResponse>;

    async fn find_missing_blobs(
        &self,
        request: Request<reapi::FindMissingBlobsRequest>,
    ) -> Answer<reapi::FindMissingBlobsResponse> {
        let blobs = self.blobs.lock().unwrap();
        let mut names = request.into_inner().blob_digests;
        names.retain(|name| !blobs.contains_key(&name.hash));
        Ok(Response::new(reapi::FindMissingBlobsResponse {
            missing_blob_digests: names,
        }))
    }

    async fn batch_update_blobs(
        &self,
        request: Request<reapi::BatchUpdateBlobsRequest>,
    ) -> Answer<reapi::BatchUpdateBlobsResponse> {
        let requests = request.into_inner().requests;
        self.asked
            .lock()
            .unwrap()
            .push(Asked::Upload(requests.len()));
        for one in requests {
            assert_eq!(self.keep(one.data), one.digest.unwrap());
        }
        Ok(Response::new(Default::default()))
    }

    async fn batch_read_blobs(
        &self,
        request: Request<reapi::BatchReadBlobsRequest>,
    ) -> Answer<reapi::BatchReadBlobsResponse> {
        let blobs = self.blobs.lock().unwrap();
        let read = |name: reapi::Digest| {
            let data = blobs.get(&name.hash)?.clone();
            Some(reapi::batch_read_blobs_response::Response {
                digest: Some(name),
                data,
                ..Default::default()
            })
        };
        let names = request.into_inner().digests.into_iter();
        Ok(Response::new(reapi::BatchReadBlobsResponse {
            responses: names.filter_map(read).collect(),
        }))
    }

    async fn get_tree(
        &self,
        _: Request<reapi::GetTreeRequest>,
    ) -> Answer<Answers<reapi::GetTreeResponse>> {
        Err(Status::unimplemented(""))
    }

    async fn split_blob(
        &self,
        _: Request<reapi::SplitBlobRequest>,
    ) -> Answer<reapi::SplitBlobResponse> {
        Err(Status::unimplemented(""))
    }

    async fn get_chunk_mapping(
        &self,
        _: Request<reapi::GetChunkMappingRequest>,
    ) -> Answer<Answers<reapi::GetChunkMappingResponse>> {
        Err(Status::unimplemented(""))
    }

    async fn splice_blob(
        &self,
        _: Request<reapi::SpliceBlobRequest>,
    ) -> Answer<reapi::SpliceBlobResponse> {
        Err(Status::unimplemented(""))
    }

    async fn register_chunk_mapping(
        &self,
        _: Request<Streaming<reapi::RegisterChunkMappingRequest>>,
    ) -> Answer<reapi::RegisterChunkMappingResponse> {
        Err(Status::unimplemented(""))
    }
}

/// Has one stream, the log.
#[tonic::async_trait]
impl ByteStream for Scripted {
    type ReadStream = Answers<ReadResponse>;

    async fn read(&self, request: Request<ReadRequest>) -> Answer<Answers<ReadResponse>> {
        assert_eq!(request.into_inner().resource_name, "log");
        let data = b"first\n".to_vec();
        let answers = tokio_stream::once(Ok(ReadResponse { data }));
        Ok(Response::new(Box::pin(answers)))
    }

    async fn write(&self, _: Request<Streaming<WriteRequest>>) -> Answer<WriteResponse> {
        Err(Status::unimplemented(""))
    }

    async fn query_write_status(
        &self,
        _: Request<QueryWriteStatusRequest>,
    ) -> Answer<QueryWriteStatusResponse> {
        Err(Status::unimplemented(""))
    }
}

#[tonic::async_trait]
impl Operations for Scripted {
    async fn list_operations(
        &self,
        _: Request<longrunning::ListOperationsRequest>,
    ) -> Answer<longrunning::ListOperationsResponse> {
        Err(Status::unimplemented(""))
    }

    async fn get_operation(
        &self,
        _: Request<longrunning::GetOperationRequest>,
    ) -> Answer<Operation> {
        Err(Status::unimplemented(""))
    }

    async fn delete_operation(
        &self,
        _: Request<longrunning::DeleteOperationRequest>,
    ) -> Answer<google::Empty> {
        Err(Status::unimplemented(""))
    }

    async fn cancel_operation(
        &self,
        request: Request<longrunning::CancelOperationRequest>,
    ) -> Answer<google::Empty> {
        let cancel = Asked::Cancel(request.into_inner().name);
        self.asked.lock().unwrap().push(cancel);
        Ok(Response::new(google::Empty::default()))
    }

    async fn wait_operation(
        &self,
        _: Request<longrunning::WaitOperationRequest>,
    ) -> Answer<Operation> {
        Err(Status::unimplemented(""))
    }
}
