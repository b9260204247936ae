//! A server of the Remote Execution API that stands before a real one and misbehaves, in one way at a time.

#![allow(dead_code, unused_imports, reason = "each file of tests uses a part")]

mod grpc;
mod line;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use tokio::net::TcpListener;
use tokio::runtime::Runtime;

pub use grpc::Fault;
pub use line::Line;

/// One that runs until it is dropped.
pub struct Proxy {
    port: u16,
    counts: Arc<Counts>,
    _runtime: Runtime,
}

/// What has passed.
#[derive(Default)]
struct Counts {
    /// By method.
    calls: Mutex<BTreeMap<&'static str, u64>>,
    up: AtomicU64,
    down: AtomicU64,
    faults: AtomicU64,
}

impl Proxy {
    /// Before the server at this port: it passes on all bytes of a connection, as far as the line lets them.
    pub fn tcp(port: u16, line: Line) -> Proxy {
        Proxy::start(|listener, counts| line::serve(listener, port, line, counts))
    }

    /// Before the server at this port: it answers calls with what the server says, but for the fault.
    pub fn grpc(port: u16, fault: Fault) -> Proxy {
        Proxy::start(|listener, counts| grpc::serve(listener, port, fault, counts))
    }

    /// A port that nobody listens on.
    pub fn nobody(_: u16) -> Proxy {
        let proxy = Proxy::start(|_, _| async {});
        proxy.counts.fault();
        proxy
    }

    fn start<F>(serve: impl FnOnce(TcpListener, Arc<Counts>) -> F) -> Proxy
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let listener = runtime
            .block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))
            .unwrap();
        let port = listener.local_addr().unwrap().port();
        let counts = Arc::new(Counts::default());
        runtime.spawn(serve(listener, counts.clone()));
        Proxy {
            port,
            counts,
            _runtime: runtime,
        }
    }

    /// Where clients find it.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Calls of one method; none if the proxy does not look into what it carries.
    pub fn calls(&self, method: &str) -> u64 {
        let calls = self.counts.calls.lock().unwrap();
        calls.get(method).copied().unwrap_or_default()
    }

    /// Bytes that went to the server: of the connection, or of the messages.
    pub fn up(&self) -> u64 {
        self.counts.up.load(Ordering::Relaxed)
    }

    /// Bytes that came from there.
    pub fn down(&self) -> u64 {
        self.counts.down.load(Ordering::Relaxed)
    }

    /// How often it has misbehaved.
    pub fn faults(&self) -> u64 {
        self.counts.faults.load(Ordering::Relaxed)
    }
}

impl Counts {
    /// Counts a call; how many there were before.
    fn call(&self, method: &'static str) -> u64 {
        let mut calls = self.calls.lock().unwrap();
        let before = calls.values().sum();
        *calls.entry(method).or_default() += 1;
        before
    }

    fn fault(&self) {
        self.faults.fetch_add(1, Ordering::Relaxed);
    }
}
