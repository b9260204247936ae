//! A server in this process, and what tests ask of it over the network.

#![allow(
    dead_code,
    clippy::print_stderr,
    reason = "tests and the benchmark use a part each"
)]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bazel_remote_apis::google::bytestream::byte_stream_client::ByteStreamClient;
use bazel_remote_apis::google::bytestream::{
    QueryWriteStatusRequest, QueryWriteStatusResponse, ReadRequest, WriteRequest,
};
use pwb_cache::{Function, Name, Store, reapi};
use pwb_remote::server::{Access, Config, Limits, Result, Server};
use reapi::action_cache_client::ActionCacheClient;
use reapi::batch_update_blobs_request::Request as One;
use reapi::capabilities_client::CapabilitiesClient;
use reapi::content_addressable_storage_client::ContentAddressableStorageClient;
use reapi::digest_function::Value;
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tonic::metadata::MetadataValue;
use tonic::transport::Channel;
use tonic::{Code, Request, Status};

pub const TOKEN: &str = "let me in";

pub const BOTH: [Function; 2] = [Function::Blake3, Function::Sha256];

pub struct Served {
    _folder: TempDir,
    pub store: Arc<Store>,
    pub channel: Channel,
    pub address: std::net::SocketAddr,
    pub metrics: Option<std::net::SocketAddr>,
    pub stop: Option<oneshot::Sender<()>>,
    pub done: JoinHandle<Result<()>>,
}

impl Served {
    /// One that takes writes from those who know [`TOKEN`].
    pub async fn start() -> Served {
        Served::with(|_| {}).await
    }

    pub async fn with(change: impl FnOnce(&mut Config)) -> Served {
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(Store::open(&folder.path().join("store")).unwrap());
        let mut config = Config {
            listen: "127.0.0.1:0".parse().unwrap(),
            metrics: None,
            tls: None,
            access: Access::read_only().with_token(TOKEN),
            limits: Limits {
                max_blob_size: 64 << 20,
                idle: Duration::from_secs(20),
                ..Limits::default()
            },
            report: Arc::new(|what| eprintln!("reported: {what}")),
        };
        change(&mut config);
        let server = Server::bind(store.clone(), config).await.unwrap();
        let (address, metrics) = (server.address().unwrap(), server.metrics_address());
        let (stop, stopped) = oneshot::channel();
        let done = tokio::spawn(server.serve(async {
            let _ = stopped.await;
        }));
        let endpoint = Channel::from_shared(format!("http://{address}")).unwrap();
        Served {
            _folder: folder,
            store,
            channel: endpoint.connect_lazy(),
            address,
            metrics,
            stop: Some(stop),
            done,
        }
    }

    pub fn bytes(&self) -> ByteStreamClient<Channel> {
        ByteStreamClient::new(self.channel.clone())
    }

    pub fn blobs(&self) -> ContentAddressableStorageClient<Channel> {
        ContentAddressableStorageClient::new(self.channel.clone())
    }

    pub fn results(&self) -> ActionCacheClient<Channel> {
        ActionCacheClient::new(self.channel.clone())
    }

    pub fn capabilities(&self) -> CapabilitiesClient<Channel> {
        CapabilitiesClient::new(self.channel.clone())
    }

    /// The file that the store keeps of a blob.
    pub fn object(&self, bytes: &[u8]) -> std::path::PathBuf {
        let hex = pwb_cache::Digest::of(bytes).hex();
        self.store.root().join(format!("cas/{}/{hex}", &hex[..2]))
    }

    /// Uploads in one batch; the code for each.
    pub async fn update(&self, function: Function, blobs: &[&[u8]]) -> Vec<Code> {
        let requests = blobs
            .iter()
            .map(|bytes| One {
                digest: Some(Name::of(function, bytes).to_message()),
                data: bytes.to_vec(),
                compressor: 0,
            })
            .collect();
        self.update_raw(function, requests).await.unwrap()
    }

    pub async fn update_raw(
        &self,
        function: Function,
        requests: Vec<One>,
    ) -> Result<Vec<Code>, Status> {
        let request = allowed(reapi::BatchUpdateBlobsRequest {
            requests,
            digest_function: value(function),
            ..Default::default()
        });
        let response = self.blobs().batch_update_blobs(request).await?;
        let responses = response.into_inner().responses.into_iter();
        Ok(responses
            .map(|one| Code::from(one.status.unwrap().code))
            .collect())
    }

    /// Downloads one blob by the batch's way.
    pub async fn fetch(&self, name: Name, zstd: bool) -> Result<Vec<u8>, Code> {
        let request = reapi::BatchReadBlobsRequest {
            digests: vec![name.to_message()],
            digest_function: value(name.function()),
            acceptable_compressors: if zstd { vec![1] } else { vec![] },
            ..Default::default()
        };
        let response = self.blobs().batch_read_blobs(request).await;
        let one = response.unwrap().into_inner().responses.pop().unwrap();
        match Code::from(one.status.unwrap().code) {
            Code::Ok if one.compressor == 1 => {
                Ok(zstd::bulk::decompress(&one.data, name.size() as usize).unwrap())
            }
            Code::Ok => Ok(one.data),
            code => Err(code),
        }
    }

    /// Downloads a batch; how many blobs have come.
    pub async fn fetch_all(&self, names: &[Name]) -> usize {
        let request = reapi::BatchReadBlobsRequest {
            digests: names.iter().map(|name| name.to_message()).collect(),
            digest_function: value(names[0].function()),
            ..Default::default()
        };
        let response = self.blobs().batch_read_blobs(request).await;
        let responses = response.unwrap().into_inner().responses.into_iter();
        let codes = responses.map(|one| one.status.unwrap().code);
        codes.filter(|code| *code == 0).count()
    }

    /// Downloads a blob and keeps nothing of it; how many bytes have come.
    pub async fn count(&self, resource: &str) -> usize {
        let request = ReadRequest {
            resource_name: resource.to_owned(),
            ..Default::default()
        };
        let mut stream = self.bytes().read(request).await.unwrap().into_inner();
        let mut bytes = 0;
        while let Some(part) = stream.message().await.unwrap() {
            bytes += part.data.len();
        }
        bytes
    }

    /// The names that the server lacks.
    pub async fn missing(&self, names: &[Name]) -> Vec<reapi::Digest> {
        let request = reapi::FindMissingBlobsRequest {
            blob_digests: names.iter().map(|name| name.to_message()).collect(),
            digest_function: value(names[0].function()),
            ..Default::default()
        };
        let response = self.blobs().find_missing_blobs(request).await.unwrap();
        response.into_inner().missing_blob_digests
    }

    pub async fn read(&self, resource: &str, offset: i64, limit: i64) -> Result<Vec<u8>, Status> {
        let request = ReadRequest {
            resource_name: resource.to_owned(),
            read_offset: offset,
            read_limit: limit,
        };
        let mut stream = self.bytes().read(request).await?.into_inner();
        let mut bytes = Vec::new();
        while let Some(part) = stream.message().await? {
            bytes.extend(part.data);
        }
        Ok(bytes)
    }

    /// Sends all from an offset on, in parts.
    pub async fn write(&self, resource: &str, begin: i64, bytes: &[u8]) -> Result<i64, Status> {
        let parts = parts(resource, begin, bytes, true);
        let request = allowed(tokio_stream::iter(parts));
        let response = self.bytes().write(request).await?;
        Ok(response.into_inner().committed_size)
    }

    pub async fn status(&self, resource: &str) -> QueryWriteStatusResponse {
        let request = QueryWriteStatusRequest {
            resource_name: resource.to_owned(),
        };
        let response = self.bytes().query_write_status(request).await;
        response.unwrap().into_inner()
    }
}

/// Bytes in messages of 100,000.
pub fn parts(resource: &str, begin: i64, bytes: &[u8], finish: bool) -> Vec<WriteRequest> {
    let mut parts: Vec<WriteRequest> = bytes
        .chunks(100_000)
        .enumerate()
        .map(|(n, part)| WriteRequest {
            resource_name: if n == 0 {
                resource.to_owned()
            } else {
                String::new()
            },
            write_offset: begin + n as i64 * 100_000,
            finish_write: false,
            data: part.to_vec(),
        })
        .collect();
    if parts.is_empty() {
        parts.push(WriteRequest {
            resource_name: resource.to_owned(),
            write_offset: begin,
            ..Default::default()
        });
    }
    parts.last_mut().unwrap().finish_write = finish;
    parts
}

/// A request with the token.
pub fn allowed<T>(message: T) -> Request<T> {
    let mut request = Request::new(message);
    let value: MetadataValue<_> = format!("Bearer {TOKEN}").parse().unwrap();
    request.metadata_mut().insert("authorization", value);
    request
}

pub fn value(function: Function) -> i32 {
    match function {
        Function::Blake3 => Value::Blake3.into(),
        Function::Sha256 => Value::Sha256.into(),
    }
}

/// What the ByteStream service calls a blob.
pub fn resource(name: Name, compressed: bool) -> String {
    let function = match name.function() {
        Function::Blake3 => "blake3/",
        Function::Sha256 => "",
    };
    let form = if compressed {
        "compressed-blobs/zstd"
    } else {
        "blobs"
    };
    format!("{form}/{function}{name}")
}

pub fn upload(name: Name, compressed: bool) -> String {
    format!("uploads/0a1b2c3d/{}", resource(name, compressed))
}

/// Bytes that compress a little.
pub fn noise(size: usize) -> Vec<u8> {
    let mut state = 1_u32;
    let step = |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 26) as u8
    };
    (0..size).map(step).collect()
}

/// Spoils a byte of a file without changing its size.
pub fn spoil(path: &Path) {
    let mut bytes = std::fs::read(path).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::remove_file(path).unwrap();
    std::fs::write(path, bytes).unwrap();
}
