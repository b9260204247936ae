//! `pwb cache serve`: the store over the Remote Execution API.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use pwb_cache::Store;
use pwb_remote::server::{Access, Config, Ending, Limits, Server, Tls, run as serve};

use crate::cli::{CacheServe, Cli};
use crate::commands::say;
use crate::config;
use crate::report::{Failure, warn};

pub fn run(cli: &Cli, arguments: &CacheServe) -> Result<ExitCode, Failure> {
    let path = config::read()?.store(cli.store.as_deref())?;
    let access = access(arguments)?;
    let tls = tls(arguments)?;
    if tls.is_none() && arguments.token_file.is_some() && !arguments.listen.ip().is_loopback() {
        warn("the token crosses the network in the clear: use --tls-cert and --tls-key");
    }
    let scheme = if tls.is_some() { "grpcs" } else { "grpc" };
    let config = Config {
        listen: arguments.listen,
        metrics: arguments.metrics,
        tls,
        access,
        limits: Limits {
            max_blob_size: arguments.max_blob_size,
            max_requests: usize::from(arguments.max_requests),
            idle: Duration::from_secs(arguments.idle_timeout.into()),
        },
        report: Arc::new(warn),
    };
    let ending = serve(Store::open(&path)?, config, |server| ready(server, scheme))?;
    Ok(match ending {
        Ending::Graceful => ExitCode::SUCCESS,
        Ending::AtOnce => ExitCode::FAILURE,
    })
}

fn access(arguments: &CacheServe) -> Result<Access, Failure> {
    let mut access = Access::read_only();
    if let Some(file) = &arguments.token_file {
        access = access.with_token_file(file)?;
    }
    if arguments.client_ca.is_some() {
        access = access.with_certificates();
    }
    if arguments.allow_write && arguments.token_file.is_none() && arguments.client_ca.is_none() {
        let message = "--allow-write does not say who may write";
        return Err(Failure::new(
            message,
            "add --token-file FILE, or --client-ca FILE",
        ));
    }
    Ok(access)
}

fn tls(arguments: &CacheServe) -> Result<Option<Tls>, Failure> {
    let (Some(certificate), Some(key)) = (&arguments.tls_cert, &arguments.tls_key) else {
        return Ok(None);
    };
    let clients = arguments.client_ca.as_deref().map(Path::new);
    Ok(Some(Tls::read(certificate, key, clients)?))
}

fn ready(server: &Server, scheme: &str) {
    if let Some(address) = server.address() {
        say(format_args!("serving {scheme}://{address}"));
    }
    if let Some(address) = server.metrics_address() {
        say(format_args!("counters http://{address}/metrics"));
    }
}
