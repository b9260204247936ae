//! The local store, offered over the network: Capabilities, ContentAddressableStorage, ByteStream and ActionCache of the
//! Remote Execution API. An embedded cache for a machine or a team, not a cluster.
//!
//! Builds may use the store meanwhile, and objects may go at any time: what has gone is not found, and never an error.

mod access;
mod blobs;
mod bytes;
mod capabilities;
mod codec;
mod complete;
mod error;
mod limits;
mod metrics;
mod own;
mod pages;
mod publisher;
mod reader;
mod resource;
mod results;
mod run;
mod service;
mod stream;
mod tls;
mod uploads;
mod walk;
mod whole;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bazel_remote_apis::google::bytestream::byte_stream_server::ByteStreamServer;
use pwb_cache::{Store, reapi};
use reapi::action_cache_server::ActionCacheServer;
use reapi::capabilities_server::CapabilitiesServer;
use reapi::content_addressable_storage_server::ContentAddressableStorageServer;
use tonic::transport::server::{Router, TcpIncoming};

pub use access::Access;
pub use error::{Error, Result};
pub use limits::Limits;
pub use run::{Ending, run};
pub use service::Report;
pub use tls::Tls;

use limits::MAX_MESSAGE;
use metrics::Page;
use service::{Service, Shared};

/// What is asked of a silent connection, and how long its answer may take.
const KEEPALIVE: Duration = Duration::from_secs(30);

/// Bytes that a client may send before they are taken: on one stream, and on a connection.
const WINDOWS: [u32; 2] = [1 << 20, 8 << 20];

/// The largest HTTP/2 frame that is read.
const FRAME: u32 = 256 << 10;

/// How a server is to be.
pub struct Config {
    /// Where clients find it; port 0 is any that is free.
    pub listen: SocketAddr,
    /// Where Prometheus finds its counters.
    pub metrics: Option<SocketAddr>,
    /// Its certificate, and the authority of its clients'.
    pub tls: Option<Tls>,
    /// Who may write.
    pub access: Access,
    /// What a client may ask for.
    pub limits: Limits,
    /// Is told what the owner should know.
    pub report: Report,
}

/// A server that listens.
pub struct Server {
    incoming: TcpIncoming,
    page: Option<Page>,
    service: Shared,
    tls: Option<Tls>,
}

impl Server {
    /// Begins to listen. Nobody is answered before [`Server::serve`].
    pub async fn bind(store: Arc<Store>, config: Config) -> Result<Server> {
        let address = config.listen;
        let incoming = TcpIncoming::bind(address);
        let incoming = incoming.map_err(|source| Error::Listen { address, source })?;
        let page = match config.metrics {
            Some(address) => Some(Page::bind(address).await?),
            None => None,
        };
        let Config { access, limits, .. } = config;
        Ok(Server {
            incoming: incoming.with_nodelay(Some(true)),
            page,
            service: Service::new(store, access, limits, config.report).into(),
            tls: config.tls,
        })
    }

    /// Where clients find it.
    pub fn address(&self) -> Option<SocketAddr> {
        self.incoming.local_addr().ok()
    }

    /// Where its counters are.
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        self.page.as_ref().and_then(Page::address)
    }

    /// Answers until `stop`, and then what has been asked before that.
    pub async fn serve(self, stop: impl Future<Output = ()>) -> Result<()> {
        let router = router(&self.service, self.tls)?;
        let page = self
            .page
            .map(|page| tokio::spawn(page.show(self.service.metrics.clone())));
        let served = router
            .serve_with_incoming_shutdown(self.incoming, stop)
            .await;
        self.service.publisher.flush().await;
        if let Some(page) = page {
            page.abort();
        }
        served.map_err(Error::Ended)
    }
}

fn router(service: &Shared, tls: Option<Tls>) -> Result<Router> {
    let [stream, connection] = WINDOWS;
    let mut server = tonic::transport::Server::builder()
        .initial_stream_window_size(stream)
        .initial_connection_window_size(connection)
        .max_frame_size(FRAME)
        .max_concurrent_streams(u32::try_from(service.limits.max_requests).ok())
        .http2_keepalive_interval(Some(KEEPALIVE))
        .http2_keepalive_timeout(Some(KEEPALIVE));
    if let Some(tls) = tls {
        server = server.tls_config(tls.0).map_err(Error::Certificates)?;
    }
    let blobs = ContentAddressableStorageServer::new(service.clone());
    let bytes = ByteStreamServer::new(service.clone());
    let results = ActionCacheServer::new(service.clone());
    Ok(server
        .add_service(CapabilitiesServer::new(service.clone()))
        .add_service(blobs.max_decoding_message_size(MAX_MESSAGE))
        .add_service(bytes.max_decoding_message_size(MAX_MESSAGE))
        .add_service(results.max_decoding_message_size(MAX_MESSAGE)))
}
