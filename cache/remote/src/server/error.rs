//! What keeps a server from starting, and how the store's errors look to a client.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use tonic::{Code, Status};

/// The server's result.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a server cannot be started, or has ended.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address cannot be listened on.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The system's answer.
        source: io::Error,
    },
    /// A file cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// The file that should hold a token is empty.
    #[error("there is no token in {}", .0.display())]
    NoToken(PathBuf),
    /// The certificates are not good.
    #[error("the certificates cannot be used")]
    Certificates(#[source] tonic::transport::Error),
    /// The server broke off.
    #[error("the server has ended")]
    Ended(#[source] tonic::transport::Error),
    /// Threads or signals cannot be had.
    #[error("cannot {verb}")]
    Process {
        /// What was tried.
        verb: &'static str,
        /// The system's answer.
        source: io::Error,
    },
    /// The store's own error.
    #[error(transparent)]
    Store(#[from] pwb_cache::Error),
}

impl Error {
    /// What to do next, where that is known.
    pub fn hint(&self) -> Option<String> {
        match self {
            Error::Listen { source, .. } if source.kind() == io::ErrorKind::AddrInUse => {
                Some("another program listens there: choose another port, or 0 for any".into())
            }
            Error::NoToken(path) => Some(format!(
                "write one: head -c 32 /dev/urandom | base64 > {}",
                path.display()
            )),
            Error::Certificates(_) => Some(
                "they are to be PEM files: a certificate, its key, the authority's certificate"
                    .into(),
            ),
            Error::Store(error) => error.hint(),
            _ => None,
        }
    }

    pub(super) fn reading(path: &Path) -> impl FnOnce(io::Error) -> Error {
        let path = path.to_owned();
        move |source| Error::Read { path, source }
    }
}

/// A store's error as a client sees it. What has gone meanwhile is simply not there.
pub fn to_status(error: &pwb_cache::Error) -> Status {
    use pwb_cache::Error as Store;
    match error {
        Store::Missing(digest) => gone(digest),
        Store::Io { source, .. } if source.kind() == io::ErrorKind::NotFound => {
            Status::not_found("it has been removed meanwhile")
        }
        Store::Io { source, .. } if is_full(source.kind()) => {
            Status::resource_exhausted("the server's disk is full")
        }
        other => Status::internal(with_cause(other)),
    }
}

/// The status of a blob that is not there.
pub fn gone(name: impl std::fmt::Display) -> Status {
    Status::not_found(format!("blob {name} is not in the store"))
}

/// Whether it is the server's fault, and so something its owner wants to know.
pub fn is_ours(status: &Status) -> bool {
    matches!(
        status.code(),
        Code::Internal | Code::Unknown | Code::DataLoss | Code::ResourceExhausted
    )
}

pub fn is_full(kind: io::ErrorKind) -> bool {
    matches!(
        kind,
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    )
}

fn with_cause(error: &pwb_cache::Error) -> String {
    match std::error::Error::source(error) {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}
