//! A site on a port of this machine, until a signal ends it.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use tokio::net::TcpListener;
use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};

use super::answer::answer;
use super::files::Files;
use super::packed::Packed;
use crate::report::Failure;

/// How long answers that are under way may take after the end.
const GRACE: Duration = Duration::from_millis(500);

/// Where browsers are to find a site.
#[derive(Clone, Copy, Debug)]
pub struct Address {
    pub ip: IpAddr,
    /// 0 is any that is free.
    pub port: u16,
}

/// Serves until SIGINT or SIGTERM; compressed files are kept in the folder meanwhile. `ready` is told the URL once browsers can connect.
pub fn serve(
    files: Files,
    folder: PathBuf,
    address: Address,
    ready: impl FnOnce(&str),
) -> Result<(), Failure> {
    let failed = |error| Failure::Message(format!("cannot start the server: {error}"), None);
    let runtime = Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(failed)?;
    let outcome = runtime.block_on(async {
        let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
        let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
        let at = SocketAddr::new(address.ip, address.port);
        let listener = TcpListener::bind(at).await.map_err(|error| in_use(at, &error))?;
        ready(&url(listener.local_addr().map_err(failed)?));

        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let served = axum::serve(listener, router(files, Packed::new(folder))).with_graceful_shutdown(async {
            // A sender that is gone means the same.
            let _ = stopped.await;
        });
        let mut served = tokio::spawn(served.into_future());
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            ended = &mut served => return ended.map_err(std::io::Error::other).flatten().map_err(failed),
        }
        drop(stop);
        // A browser that takes nothing more holds nothing up.
        let _ = tokio::time::timeout(GRACE, served).await;
        Ok(())
    });
    runtime.shutdown_background();
    outcome
}

fn router(files: Files, packed: Packed) -> Router {
    let site = Arc::new((files, packed));
    Router::new().fallback(move |request: Request| {
        let site = site.clone();
        async move { answer(&site.0, &site.1, request).await }
    })
}

/// The URL by which this machine's own browsers reach it.
fn url(at: SocketAddr) -> String {
    let own = match at {
        SocketAddr::V4(_) => IpAddr::from([127, 0, 0, 1]),
        SocketAddr::V6(_) => IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1]),
    };
    let ip = if at.ip().is_unspecified() {
        own
    } else {
        at.ip()
    };
    format!("http://{}/", SocketAddr::new(ip, at.port()))
}

fn in_use(at: SocketAddr, error: &std::io::Error) -> Failure {
    let message = format!("cannot listen on {at}: {error}");
    match error.kind() {
        std::io::ErrorKind::AddrInUse => Failure::new(
            message,
            "take another port: --port 0 finds one that is free",
        ),
        std::io::ErrorKind::PermissionDenied => Failure::new(message, "take a port from 1024 on"),
        std::io::ErrorKind::AddrNotAvailable => {
            Failure::new(message, "it is no address of this machine")
        }
        _ => Failure::Message(message, None),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_those_of_this_machine() {
        for (at, text) in [
            ("127.0.0.1:8000", "http://127.0.0.1:8000/"),
            ("0.0.0.0:80", "http://127.0.0.1:80/"),
            ("[::]:8000", "http://[::1]:8000/"),
            ("192.0.2.1:8000", "http://192.0.2.1:8000/"),
        ] {
            assert_eq!(url(at.parse().unwrap()), text);
        }
    }
}
