//! Certificates: the server's own, and the authority that signs those of clients who may write.

use std::path::Path;
use std::time::Duration;

use tonic::transport::{Certificate, Identity, ServerTlsConfig};

use super::error::{Error, Result};

/// How long a client may take to begin.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a server shows of itself, and wants to see of its clients.
#[derive(Clone, Debug)]
pub struct Tls(pub(super) ServerTlsConfig);

impl Tls {
    /// From PEM files. A client without a certificate may still read.
    pub fn read(certificate: &Path, key: &Path, clients: Option<&Path>) -> Result<Tls> {
        let read = |path: &Path| std::fs::read(path).map_err(Error::reading(path));
        let identity = Identity::from_pem(read(certificate)?, read(key)?);
        let mut tls = ServerTlsConfig::new().identity(identity).timeout(PATIENCE);
        if let Some(clients) = clients {
            let authority = Certificate::from_pem(read(clients)?);
            tls = tls.client_ca_root(authority).client_auth_optional(true);
        }
        Ok(Tls(tls))
    }
}
