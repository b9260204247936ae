//! The services of a cache, each call passed on to a real server, and the answers spoiled. Knows nothing of pwb.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bazel_remote_apis::build::bazel::remote::execution::v2 as reapi;
use bazel_remote_apis::google::bytestream::{
    QueryWriteStatusRequest, QueryWriteStatusResponse, ReadRequest, ReadResponse, WriteRequest,
    WriteResponse,
};
use bazel_remote_apis::google::bytestream::{byte_stream_client as bytes_at, byte_stream_server};
use bazel_remote_apis::google::rpc;
use prost::Message;
use reapi::{
    action_cache_client, action_cache_server, batch_read_blobs_response, capabilities_client,
    capabilities_server, content_addressable_storage_client, content_addressable_storage_server,
};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_stream::wrappers::{ReceiverStream, TcpListenerStream};
use tonic::transport::{Channel, Endpoint, Server};
use tonic::{Code, Request, Response, Status, Streaming};

use super::Counts;

/// What is wrong with a server. `every` is how many blobs there are to one that is spoiled.
#[derive(Clone, Debug)]
pub enum Fault {
    /// Nothing.
    None,
    /// The second half of blobs is missing.
    Truncated { every: u64 },
    /// A bit of blobs is another.
    Flipped { every: u64 },
    /// Blobs have a byte too much.
    Longer { every: u64 },
    /// A bit of results is another, in what clients have put into them for themselves.
    Results,
    /// Blobs are said to be there and are not.
    Missing { every: u64 },
    /// These calls, counted from 0, find it unavailable.
    Unavailable { calls: Range<u64> },
    /// It takes nothing.
    Full,
    /// After so many calls it wants another token.
    Expired { after: u64 },
}

pub(super) async fn serve(listener: TcpListener, port: u16, fault: Fault, counts: Arc<Counts>) {
    let channel = Endpoint::from_shared(format!("http://127.0.0.1:{port}"))
        .unwrap()
        .connect_lazy();
    let relay = Relay {
        channel,
        fault,
        counts,
        blobs: Arc::default(),
    };
    let cas =
        content_addressable_storage_server::ContentAddressableStorageServer::new(relay.clone())
            .max_decoding_message_size(usize::MAX);
    let bytes = byte_stream_server::ByteStreamServer::new(relay.clone())
        .max_decoding_message_size(usize::MAX);
    Server::builder()
        .add_service(capabilities_server::CapabilitiesServer::new(relay.clone()))
        .add_service(action_cache_server::ActionCacheServer::new(relay))
        .add_service(cas)
        .add_service(bytes)
        .serve_with_incoming(TcpListenerStream::new(listener))
        .await
        .unwrap();
}

#[derive(Clone)]
struct Relay {
    channel: Channel,
    fault: Fault,
    counts: Arc<Counts>,
    blobs: Arc<AtomicU64>,
}

impl Relay {
    /// What every call begins with.
    fn enter(&self, method: &'static str, length: usize) -> Result<(), Status> {
        let before = self.counts.call(method);
        self.went(length);
        let status = match &self.fault {
            Fault::Unavailable { calls } if calls.contains(&before) => {
                Status::unavailable("try again")
            }
            Fault::Expired { after } if before >= *after => {
                Status::unauthenticated("the token has expired")
            }
            _ => return Ok(()),
        };
        self.counts.fault();
        Err(status)
    }

    fn went(&self, length: usize) {
        self.counts.up.fetch_add(length as u64, Ordering::Relaxed);
    }

    fn came(&self, message: &impl Message) {
        let length = message.encoded_len() as u64;
        self.counts.down.fetch_add(length, Ordering::Relaxed);
    }

    /// Whether the next blob is to be spoiled.
    fn is_due(&self) -> bool {
        let every = match self.fault {
            Fault::Truncated { every }
            | Fault::Flipped { every }
            | Fault::Longer { every }
            | Fault::Missing { every } => every,
            _ => return false,
        };
        let is_due = self.blobs.fetch_add(1, Ordering::Relaxed) % every == every - 1;
        if is_due {
            self.counts.fault();
        }
        is_due
    }

    fn is_missing(&self) -> bool {
        matches!(self.fault, Fault::Missing { .. }) && self.is_due()
    }

    /// Nothing is taken by a server that is full.
    fn takes(&self) -> Result<(), Status> {
        if !matches!(self.fault, Fault::Full) {
            return Ok(());
        }
        self.counts.fault();
        Err(full())
    }

    fn spoil(&self, data: &mut Vec<u8>) {
        if data.is_empty() || matches!(self.fault, Fault::Missing { .. }) || !self.is_due() {
            return;
        }
        let half = data.len() / 2;
        match self.fault {
            Fault::Truncated { .. } => data.truncate(half),
            Fault::Flipped { .. } => data[half] ^= 1,
            Fault::Longer { .. } => data.push(0),
            _ => {}
        }
    }

    fn cas(&self) -> content_addressable_storage_client::ContentAddressableStorageClient<Channel> {
        content_addressable_storage_client::ContentAddressableStorageClient::new(
            self.channel.clone(),
        )
        .max_decoding_message_size(usize::MAX)
    }

    fn bytes(&self) -> bytes_at::ByteStreamClient<Channel> {
        bytes_at::ByteStreamClient::new(self.channel.clone()).max_decoding_message_size(usize::MAX)
    }

    fn actions(&self) -> action_cache_client::ActionCacheClient<Channel> {
        action_cache_client::ActionCacheClient::new(self.channel.clone())
    }
}

fn full() -> Status {
    Status::resource_exhausted("no space left on device")
}

/// The request for the real server: the same message and headers.
fn onward<T>(request: Request<T>) -> Request<T> {
    let (metadata, _, message) = request.into_parts();
    Request::from_parts(metadata, tonic::Extensions::new(), message)
}

type Answer<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl capabilities_server::Capabilities for Relay {
    async fn get_capabilities(
        &self,
        request: Request<reapi::GetCapabilitiesRequest>,
    ) -> Answer<reapi::ServerCapabilities> {
        self.enter("GetCapabilities", request.get_ref().encoded_len())?;
        let mut client = capabilities_client::CapabilitiesClient::new(self.channel.clone());
        let answer = client.get_capabilities(onward(request)).await?;
        self.came(answer.get_ref());
        Ok(answer)
    }
}

#[tonic::async_trait]
impl action_cache_server::ActionCache for Relay {
    async fn get_action_result(
        &self,
        request: Request<reapi::GetActionResultRequest>,
    ) -> Answer<reapi::ActionResult> {
        self.enter("GetActionResult", request.get_ref().encoded_len())?;
        let mut answer = self.actions().get_action_result(onward(request)).await?;
        if matches!(self.fault, Fault::Results) {
            let metadata = answer.get_mut().execution_metadata.iter_mut();
            for own in metadata.flat_map(|metadata| &mut metadata.auxiliary_metadata) {
                let half = own.value.len() / 2;
                own.value[half] ^= 1;
                self.counts.fault();
            }
        }
        self.came(answer.get_ref());
        Ok(answer)
    }

    async fn update_action_result(
        &self,
        request: Request<reapi::UpdateActionResultRequest>,
    ) -> Answer<reapi::ActionResult> {
        self.enter("UpdateActionResult", request.get_ref().encoded_len())?;
        self.takes()?;
        self.actions().update_action_result(onward(request)).await
    }
}

#[tonic::async_trait]
impl content_addressable_storage_server::ContentAddressableStorage for Relay {
    type GetTreeStream = ReceiverStream<Result<reapi::GetTreeResponse, Status>>;
    type GetChunkMappingStream = ReceiverStream<Result<reapi::GetChunkMappingResponse, Status>>;

    async fn find_missing_blobs(
        &self,
        request: Request<reapi::FindMissingBlobsRequest>,
    ) -> Answer<reapi::FindMissingBlobsResponse> {
        self.enter("FindMissingBlobs", request.get_ref().encoded_len())?;
        if matches!(self.fault, Fault::Missing { .. }) {
            self.counts.fault();
            return Ok(Response::new(reapi::FindMissingBlobsResponse::default()));
        }
        let answer = self.cas().find_missing_blobs(onward(request)).await?;
        self.came(answer.get_ref());
        Ok(answer)
    }

    async fn batch_update_blobs(
        &self,
        request: Request<reapi::BatchUpdateBlobsRequest>,
    ) -> Answer<reapi::BatchUpdateBlobsResponse> {
        self.enter("BatchUpdateBlobs", request.get_ref().encoded_len())?;
        if self.takes().is_err() {
            // Servers say it blob by blob.
            let refused = |request: reapi::batch_update_blobs_request::Request| {
                reapi::batch_update_blobs_response::Response {
                    digest: request.digest,
                    status: Some(refusal(&full())),
                }
            };
            let requests = request.into_inner().requests.into_iter();
            let responses = requests.map(refused).collect();
            return Ok(Response::new(reapi::BatchUpdateBlobsResponse { responses }));
        }
        self.cas().batch_update_blobs(onward(request)).await
    }

    async fn batch_read_blobs(
        &self,
        request: Request<reapi::BatchReadBlobsRequest>,
    ) -> Answer<reapi::BatchReadBlobsResponse> {
        self.enter("BatchReadBlobs", request.get_ref().encoded_len())?;
        let mut answer = self.cas().batch_read_blobs(onward(request)).await?;
        for response in &mut answer.get_mut().responses {
            if self.is_missing() {
                *response = batch_read_blobs_response::Response {
                    digest: response.digest.take(),
                    status: Some(refusal(&Status::not_found("no such blob"))),
                    ..Default::default()
                };
            }
            self.spoil(&mut response.data);
        }
        self.came(answer.get_ref());
        Ok(answer)
    }

    async fn get_tree(
        &self,
        request: Request<reapi::GetTreeRequest>,
    ) -> Answer<Self::GetTreeStream> {
        self.enter("GetTree", request.get_ref().encoded_len())?;
        let from = self.cas().get_tree(onward(request)).await?.into_inner();
        let relay = self.clone();
        Ok(relayed(from, move |answer: &mut reapi::GetTreeResponse| {
            answer.directories.retain(|_| !relay.is_missing());
            for directory in &mut answer.directories {
                let mut bytes = directory.encode_to_vec();
                relay.spoil(&mut bytes);
                // A directory is what can be read of its bytes.
                *directory = reapi::Directory::decode(&*bytes).unwrap_or_default();
            }
            relay.came(answer);
            true
        }))
    }

    async fn split_blob(
        &self,
        _: Request<reapi::SplitBlobRequest>,
    ) -> Answer<reapi::SplitBlobResponse> {
        Err(Status::unimplemented("SplitBlob"))
    }

    async fn splice_blob(
        &self,
        _: Request<reapi::SpliceBlobRequest>,
    ) -> Answer<reapi::SpliceBlobResponse> {
        Err(Status::unimplemented("SpliceBlob"))
    }

    async fn get_chunk_mapping(
        &self,
        _: Request<reapi::GetChunkMappingRequest>,
    ) -> Answer<Self::GetChunkMappingStream> {
        Err(Status::unimplemented("GetChunkMapping"))
    }

    async fn register_chunk_mapping(
        &self,
        _: Request<Streaming<reapi::RegisterChunkMappingRequest>>,
    ) -> Answer<reapi::RegisterChunkMappingResponse> {
        Err(Status::unimplemented("RegisterChunkMapping"))
    }
}

#[tonic::async_trait]
impl byte_stream_server::ByteStream for Relay {
    type ReadStream = ReceiverStream<Result<ReadResponse, Status>>;

    async fn read(&self, request: Request<ReadRequest>) -> Answer<Self::ReadStream> {
        self.enter("Read", request.get_ref().encoded_len())?;
        if self.is_missing() {
            return Err(Status::not_found("no such blob"));
        }
        let from = self.bytes().read(onward(request)).await?.into_inner();
        let (relay, mut is_first) = (self.clone(), true);
        Ok(relayed(from, move |answer: &mut ReadResponse| {
            let whole = answer.data.len();
            // A stream is spoiled in its first message: it ends there, or goes on.
            if std::mem::take(&mut is_first) {
                relay.spoil(&mut answer.data);
            }
            relay.came(answer);
            answer.data.len() >= whole
        }))
    }

    async fn write(&self, request: Request<Streaming<WriteRequest>>) -> Answer<WriteResponse> {
        self.enter("Write", 0)?;
        self.takes()?;
        let (metadata, _, mut from) = request.into_parts();
        let (sender, receiver) = mpsc::channel(4);
        let relay = self.clone();
        tokio::spawn(async move {
            while let Ok(Some(message)) = from.message().await {
                relay.went(message.encoded_len());
                if sender.send(message).await.is_err() {
                    return;
                }
            }
        });
        let stream = ReceiverStream::new(receiver);
        let request = Request::from_parts(metadata, tonic::Extensions::new(), stream);
        self.bytes().write(request).await
    }

    async fn query_write_status(
        &self,
        request: Request<QueryWriteStatusRequest>,
    ) -> Answer<QueryWriteStatusResponse> {
        self.enter("QueryWriteStatus", request.get_ref().encoded_len())?;
        self.bytes().query_write_status(onward(request)).await
    }
}

fn refusal(status: &Status) -> rpc::Status {
    rpc::Status {
        code: status.code().into(),
        message: status.message().to_owned(),
        details: Vec::new(),
    }
}

/// A stream of the real server's, each message changed; it ends after the one for which `change` says no.
fn relayed<T: Send + 'static>(
    mut from: Streaming<T>,
    mut change: impl FnMut(&mut T) -> bool + Send + 'static,
) -> Response<ReceiverStream<Result<T, Status>>> {
    let (sender, receiver) = mpsc::channel(4);
    tokio::spawn(async move {
        loop {
            let message = match from.message().await {
                Ok(Some(message)) => Ok(message),
                Ok(None) => return,
                Err(status) => Err(status),
            };
            let mut goes_on = message.is_ok();
            let message = message.map(|mut message| {
                goes_on = change(&mut message);
                message
            });
            if sender.send(message).await.is_err() || !goes_on {
                return;
            }
        }
    });
    Response::new(ReceiverStream::new(receiver))
}
