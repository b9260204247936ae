//! `pwb cache`: the store, shared.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::units::size;

/// `pwb cache`
#[derive(Debug, Subcommand)]
pub enum Cache {
    /// Offer the store to Bazel, Buck2, recc and other pwbs over the Remote Execution API.
    ///
    /// Everybody who can connect may read. SIGINT and SIGTERM end it once what is under way is done, a second one ends it at once.
    Serve(CacheServe),
}

/// `pwb cache serve`
#[derive(Args, Debug)]
pub struct CacheServe {
    /// Listen on this address; port 0 is any that is free.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8980")]
    pub listen: SocketAddr,
    /// Let those write who have the token or a client certificate.
    #[arg(long)]
    pub allow_write: bool,
    /// The file with the token, which writers send as `authorization: Bearer TOKEN`.
    #[arg(long, value_name = "FILE", requires = "allow_write")]
    pub token_file: Option<PathBuf>,
    /// The certificates, in PEM, of the authority whose clients may write.
    #[arg(long, value_name = "FILE", requires_all = ["allow_write", "tls_cert"])]
    pub client_ca: Option<PathBuf>,
    /// Use TLS with this certificate, in PEM.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,
    /// The certificate's key, in PEM.
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,
    /// Take no blob larger than this; K, M and G stand for powers of 1024.
    #[arg(long, value_name = "BYTES", default_value = "8G", value_parser = size)]
    pub max_blob_size: u64,
    /// Attend to this many requests at once; others wait.
    #[arg(long, value_name = "N", default_value_t = 256, value_parser = clap::value_parser!(u16).range(1..))]
    pub max_requests: u16,
    /// Drop clients that send or take nothing for so many seconds in the middle of a blob.
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u16).range(1..))]
    pub idle_timeout: u16,
    /// Show counters to Prometheus on this address, at /metrics.
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub metrics: Option<SocketAddr>,
}
