//! What the server has done, counted, and the page on which Prometheus reads it.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::CONTENT_TYPE;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;
use tokio::net::TcpListener;
use tonic::Code;

use super::error::{Error, Result};

/// How long a reader of the page may take over its request.
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct Ended {
    method: &'static str,
    code: String,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct Method {
    method: &'static str,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct Outcome {
    outcome: &'static str,
}

/// All counters.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    requests: Family<Ended, Counter>,
    seconds: Family<Method, Histogram>,
    under_way: Gauge,
    results: Family<Outcome, Counter>,
    /// Bytes of blobs that came in, as they travelled.
    pub received: Counter,
    /// Bytes of blobs that went out, as they travelled.
    pub sent: Counter,
    /// Blobs that were found damaged, and removed.
    pub damaged: Counter,
}

impl Metrics {
    pub fn new() -> Metrics {
        let seconds = || Histogram::new(exponential_buckets(0.001, 4.0, 9));
        let mut metrics = Metrics {
            registry: Registry::with_prefix("pwb_cache"),
            requests: Family::default(),
            seconds: Family::new_with_constructor(seconds),
            under_way: Gauge::default(),
            results: Family::default(),
            received: Counter::default(),
            sent: Counter::default(),
            damaged: Counter::default(),
        };
        let registry = &mut metrics.registry;
        registry.register(
            "requests",
            "Requests that have ended",
            metrics.requests.clone(),
        );
        registry.register(
            "request_seconds",
            "How long requests took",
            metrics.seconds.clone(),
        );
        registry.register(
            "requests_under_way",
            "Requests under way",
            metrics.under_way.clone(),
        );
        registry.register("results", "Results asked for", metrics.results.clone());
        registry.register(
            "received_bytes",
            "Bytes of blobs received",
            metrics.received.clone(),
        );
        registry.register("sent_bytes", "Bytes of blobs sent", metrics.sent.clone());
        registry.register(
            "damaged_blobs",
            "Damaged blobs removed",
            metrics.damaged.clone(),
        );
        metrics
    }

    /// Counts a result that was asked for.
    pub fn result(&self, found: bool) {
        let outcome = if found { "hit" } else { "miss" };
        self.results.get_or_create(&Outcome { outcome }).inc();
    }

    fn page(&self) -> Response<Full<Bytes>> {
        let mut text = String::new();
        let mut response = match encode(&mut text, &self.registry) {
            Ok(()) => Response::new(Full::from(text)),
            Err(_) => return empty(StatusCode::INTERNAL_SERVER_ERROR),
        };
        let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
        let kind = hyper::header::HeaderValue::from_static(kind);
        response.headers_mut().insert(CONTENT_TYPE, kind);
        response
    }
}

/// A request under way. One that is dropped before it ended was given up by its client.
#[derive(Debug)]
pub struct Timed {
    metrics: Arc<Metrics>,
    method: &'static str,
    begin: Instant,
    code: Code,
}

impl Timed {
    pub fn new(metrics: &Arc<Metrics>, method: &'static str) -> Timed {
        metrics.under_way.inc();
        Timed {
            metrics: metrics.clone(),
            method,
            begin: Instant::now(),
            code: Code::Cancelled,
        }
    }

    pub fn end(mut self, code: Code) {
        self.code = code;
    }
}

impl Drop for Timed {
    fn drop(&mut self) {
        let (method, metrics) = (self.method, &self.metrics);
        let code = format!("{:?}", self.code);
        metrics.under_way.dec();
        metrics
            .requests
            .get_or_create(&Ended { method, code })
            .inc();
        let seconds = self.begin.elapsed().as_secs_f64();
        metrics
            .seconds
            .get_or_create(&Method { method })
            .observe(seconds);
    }
}

/// The page's own socket.
#[derive(Debug)]
pub struct Page {
    listener: TcpListener,
}

impl Page {
    pub async fn bind(address: SocketAddr) -> Result<Page> {
        let listener = TcpListener::bind(address).await;
        let listener = listener.map_err(|source| Error::Listen { address, source })?;
        Ok(Page { listener })
    }

    pub fn address(&self) -> Option<SocketAddr> {
        self.listener.local_addr().ok()
    }

    /// Shows the page to whoever asks, for ever.
    pub async fn show(self, metrics: Arc<Metrics>) {
        loop {
            let Ok((stream, _)) = self.listener.accept().await else {
                // Out of file descriptors, for one: some will be free again.
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            };
            let metrics = metrics.clone();
            tokio::spawn(async move {
                let service = service_fn(|request: Request<Incoming>| {
                    let response = match request.uri().path() {
                        "/metrics" => metrics.page(),
                        _ => empty(StatusCode::NOT_FOUND),
                    };
                    async { Ok::<_, Infallible>(response) }
                });
                let mut http = http1::Builder::new();
                http.timer(TokioTimer::new()).header_read_timeout(PATIENCE);
                // A reader that breaks off is its own affair.
                let _ = http.serve_connection(TokioIo::new(stream), service).await;
            });
        }
    }
}

fn empty(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = status;
    response
}
