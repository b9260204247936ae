//! The ByteStream service: blobs of any size, in parts.

use bazel_remote_apis::google::bytestream::byte_stream_server::ByteStream;
use bazel_remote_apis::google::bytestream::{
    QueryWriteStatusRequest, QueryWriteStatusResponse, ReadRequest, ReadResponse, WriteRequest,
    WriteResponse,
};
use tokio::time::timeout;
use tonic::{Code, Request, Response, Status, Streaming};

use super::error::gone;
use super::reader::Reader;
use super::resource::Resource;
use super::service::{Shared, check_size, find};
use super::stream::Parts;
use super::uploads::{Incoming, Sink};

/// Bytes that are gathered before they are written.
const BLOCK: usize = 1 << 20;

#[tonic::async_trait]
impl ByteStream for Shared {
    type ReadStream = Parts<ReadResponse>;

    async fn read(
        &self,
        request: Request<ReadRequest>,
    ) -> Result<Response<Self::ReadStream>, Status> {
        let request = request.into_inner();
        self.stream("Read", self.reader(request)).await
    }

    async fn write(
        &self,
        request: Request<Streaming<WriteRequest>>,
    ) -> Result<Response<WriteResponse>, Status> {
        let ticket = self.enter("Write").await?;
        let allowed = self.access.check(&request);
        let service = self.clone();
        // A client that goes away ends this call, and not what is to be done then.
        let work = tokio::spawn(async move {
            let outcome = match allowed {
                Ok(()) => service.receive(request.into_inner()).await,
                Err(status) => Err(status),
            };
            service.leave(ticket, &outcome);
            outcome
        });
        let outcome = work.await;
        let failed = |_| Err(Status::internal("a thread of the server has failed"));
        outcome.unwrap_or_else(failed).map(Response::new)
    }

    async fn query_write_status(
        &self,
        request: Request<QueryWriteStatusRequest>,
    ) -> Result<Response<QueryWriteStatusResponse>, Status> {
        self.answer("QueryWriteStatus", async {
            let text = request.into_inner().resource_name;
            let resource = Resource::to_write(&text)?;
            let complete = self.has(resource.name).await?;
            let committed = match complete {
                true => resource.name.size(),
                false => self.uploads.written(&text),
            };
            Ok(QueryWriteStatusResponse {
                committed_size: committed as i64,
                complete,
            })
        })
        .await
    }
}

impl Shared {
    async fn reader(&self, request: ReadRequest) -> Result<Reader, Status> {
        let Resource { name, compressed } = Resource::to_read(&request.resource_name)?;
        let Ok(limit) = u64::try_from(request.read_limit) else {
            return Err(Status::invalid_argument("the limit is negative"));
        };
        if compressed && limit > 0 {
            let why = "a compressed blob is read to its end: the limit is to be 0";
            return Err(Status::invalid_argument(why));
        }
        let offset = u64::try_from(request.read_offset).ok();
        let Some(offset) = offset.filter(|offset| *offset <= name.size()) else {
            let why = format!("the offset lies outside of blob {name}");
            return Err(Status::out_of_range(why));
        };
        let opened = self.blocking(move |store| {
            let found = find(store, &[name])?.pop().flatten();
            let digest = found.ok_or_else(|| gone(name))?;
            Reader::open(store, digest, compressed, offset, limit)
        });
        let opened = opened.await;
        if opened
            .as_ref()
            .is_err_and(|status| status.code() == Code::NotFound)
        {
            self.whole.clear();
        }
        opened
    }

    async fn receive(
        &self,
        mut messages: Streaming<WriteRequest>,
    ) -> Result<WriteResponse, Status> {
        let first = self.message(&mut messages).await?;
        let first = first.ok_or_else(|| Status::invalid_argument("nothing was sent"))?;
        let Resource { name, compressed } = Resource::to_write(&first.resource_name)?;
        check_size(name, self.limits.max_blob_size)?;
        if self.has(name).await? {
            let whole = if compressed { -1 } else { name.size() as i64 };
            return Ok(committed(whole));
        }
        let Ok(offset) = u64::try_from(first.write_offset) else {
            return Err(Status::invalid_argument("the offset is negative"));
        };
        let key = first.resource_name.clone();
        let incoming = match self.uploads.take(&key, offset) {
            Some(incoming) => incoming,
            None if offset == 0 => {
                self.blocking(move |store| Incoming::new(store, name))
                    .await?
            }
            None => {
                return Err(Status::invalid_argument(format!(
                    "{} bytes of `{key}` are here: go on there, or from 0",
                    self.uploads.written(&key)
                )));
            }
        };
        let mut transfer = Transfer {
            sink: Sink::new(incoming, compressed)?,
            offset: first.write_offset,
            gathered: Vec::new(),
        };
        let mut message = first;
        loop {
            if !message.resource_name.is_empty() && message.resource_name != key {
                return Err(Status::invalid_argument("the name changes on the way"));
            }
            let finish = message.finish_write;
            transfer.gather(message)?;
            if finish || transfer.gathered.len() >= BLOCK {
                transfer = self.write_out(transfer).await?;
            }
            if finish {
                break;
            }
            message = match self.message(&mut messages).await {
                Ok(Some(message)) => message,
                broken => {
                    let transfer = self.write_out(transfer).await?;
                    let incoming = transfer.sink.into_incoming()?;
                    let written = incoming.written();
                    self.uploads.keep(key, incoming);
                    return broken.map(|_| committed(written as i64));
                }
            };
        }
        let Transfer { sink, offset, .. } = transfer;
        let new = self
            .blocking(move |store| sink.into_incoming()?.finish(store))
            .await?;
        self.publisher.publish(new).await?;
        Ok(committed(offset))
    }

    /// The next message, if the client does not take too long over it.
    async fn message(
        &self,
        messages: &mut Streaming<WriteRequest>,
    ) -> Result<Option<WriteRequest>, Status> {
        match timeout(self.limits.idle, messages.message()).await {
            Ok(message) => message,
            Err(_) => Err(Status::deadline_exceeded("the client sends nothing")),
        }
    }

    async fn write_out(&self, mut transfer: Transfer) -> Result<Transfer, Status> {
        self.metrics.received.inc_by(transfer.gathered.len() as u64);
        self.blocking(move |_| {
            transfer.sink.write(&transfer.gathered)?;
            transfer.gathered.clear();
            Ok(transfer)
        })
        .await
    }
}

/// An upload under way.
struct Transfer {
    sink: Sink,
    /// What the next message has to say of where it stands: where the first one began, and the bytes that travelled since.
    offset: i64,
    gathered: Vec<u8>,
}

impl Transfer {
    fn gather(&mut self, message: WriteRequest) -> Result<(), Status> {
        if message.write_offset != self.offset {
            return Err(Status::invalid_argument(format!(
                "the offset is {} where {} comes next",
                message.write_offset, self.offset
            )));
        }
        self.offset += message.data.len() as i64;
        if self.gathered.is_empty() {
            self.gathered = message.data;
        } else {
            self.gathered.extend_from_slice(&message.data);
        }
        Ok(())
    }
}

fn committed(size: i64) -> WriteResponse {
    WriteResponse {
        committed_size: size,
    }
}
