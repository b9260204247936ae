//! One URL over HTTP: redirects, proxies, timeouts, TLS, retries that resume. Knows neither other sources nor digests.

use std::io::Read;
use std::sync::OnceLock;
use std::thread;

use ureq::Agent;
use ureq::ResponseExt;
use ureq::config::Config;
use ureq::http::header::{
    ACCEPT, CONTENT_LENGTH, CONTENT_RANGE, ETAG, HeaderName, IF_RANGE, RANGE,
};
use ureq::http::{Response, StatusCode};
use ureq::tls::{PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::{Body, Timeout};

use super::download::{Progress, Timeouts};
use super::error::{Error, Result};
use super::failure::Cause;
use super::partial::{CHUNK, Partial};

/// How often a source is asked when it fails in a way that may pass.
const TRIES: u32 = 3;

/// More than the longest pages of PyPI, in bytes.
const LARGEST_PAGE: u64 = 64 << 20;

/// An HTTP client that keeps its connections.
pub(super) struct Http {
    /// Made when something is asked of it.
    agent: OnceLock<Agent>,
    timeouts: Timeouts,
}

impl Http {
    /// A client that heeds the environment: the usual proxy variables, and SSL_CERT_FILE for a private authority.
    pub(super) fn new(timeouts: Timeouts) -> Http {
        Http {
            agent: OnceLock::new(),
            timeouts,
        }
    }

    /// The same over connections of the caller's.
    pub(super) fn with(timeouts: Timeouts, agent: impl FnOnce(Config) -> Agent) -> Result<Http> {
        Ok(Http {
            agent: OnceLock::from(agent(config(timeouts)?)),
            timeouts,
        })
    }

    fn agent(&self) -> Result<&Agent> {
        if let Some(agent) = self.agent.get() {
            return Ok(agent);
        }
        let agent = config(self.timeouts)?.new_agent();
        Ok(self.agent.get_or_init(|| agent))
    }

    /// Downloads `url` into `partial`, which is empty before and whole after.
    pub(super) fn get(
        &self,
        url: &str,
        partial: &mut Partial,
        progress: &mut dyn FnMut(Progress),
    ) -> std::result::Result<(), Cause> {
        let mut etag = None;
        self.persist(|| self.attempt(url, partial, &mut etag, progress))
    }

    /// The page at `url`, after the URL that redirects have led to.
    pub(super) fn page(&self, url: &str) -> std::result::Result<(String, String), Cause> {
        self.persist(|| {
            let request = self.agent()?.get(url).header(ACCEPT, "text/html");
            let response = request.call().map_err(|error| self.cause(error))?;
            if response.status() != StatusCode::OK {
                return Err(Cause::Status(response.status().as_u16()));
            }
            let at = response.get_uri().to_string();
            let mut body = response.into_body();
            let text = body.with_config().limit(LARGEST_PAGE).read_to_string();
            Ok((at, text.map_err(|error| self.cause(error))?))
        })
    }

    /// One request. A body that broke off is taken up where it ended, provided that the server says by its entity tag
    /// that it is the same file still (RFC 9110, 13.1.5).
    fn attempt(
        &self,
        url: &str,
        partial: &mut Partial,
        etag: &mut Option<String>,
        progress: &mut dyn FnMut(Progress),
    ) -> std::result::Result<(), Cause> {
        let mut request = self.agent()?.get(url);
        if let Some(tag) = etag.as_deref().filter(|_| partial.written() > 0) {
            request = request
                .header(RANGE, format!("bytes={}-", partial.written()))
                .header(IF_RANGE, tag);
        }
        let response = request.call().map_err(|error| self.cause(error))?;
        match response.status() {
            StatusCode::PARTIAL_CONTENT if resumes_at(&response, partial.written()) => {}
            StatusCode::OK => partial.restart()?,
            status => return Err(Cause::Status(status.as_u16())),
        }
        // A weak tag (`W/"…"`) promises the same meaning, not the same bytes.
        *etag = header(&response, ETAG)
            .filter(|tag| !tag.starts_with("W/"))
            .map(str::to_owned);
        let length: Option<u64> =
            header(&response, CONTENT_LENGTH).and_then(|text| text.parse().ok());
        let total = length.map(|length| partial.written().saturating_add(length));
        self.drain(response, partial, total, progress)
    }

    fn drain(
        &self,
        response: Response<Body>,
        partial: &mut Partial,
        total: Option<u64>,
        progress: &mut dyn FnMut(Progress),
    ) -> std::result::Result<(), Cause> {
        let mut body = response.into_body().into_reader();
        let mut buffer = vec![0; CHUNK];
        loop {
            progress(Progress {
                bytes: partial.written(),
                total,
            });
            match body.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => partial.append(&buffer[..count])?,
                Err(error) => {
                    let cause = self.cause(ureq::Error::from(error));
                    return Err(match total {
                        Some(expected) if matches!(cause, Cause::Broken(_)) => Cause::Truncated {
                            got: partial.written(),
                            expected,
                        },
                        _ => cause,
                    });
                }
            }
        }
        match total {
            Some(expected) if partial.written() < expected => Err(Cause::Truncated {
                got: partial.written(),
                expected,
            }),
            _ => Ok(()),
        }
    }

    fn cause(&self, error: ureq::Error) -> Cause {
        match error {
            ureq::Error::HostNotFound => Cause::Unreachable("there is no such host".into()),
            ureq::Error::Timeout(Timeout::Resolve) => {
                Cause::Unreachable("the name server does not answer".into())
            }
            ureq::Error::Timeout(Timeout::Connect) => {
                Cause::Unreachable("the host does not answer".into())
            }
            ureq::Error::Timeout(_) => Cause::Stalled(self.timeouts.idle.as_secs()),
            ureq::Error::ConnectProxyFailed(why) => {
                Cause::Unreachable(format!("the proxy refused: {why}"))
            }
            ureq::Error::ConnectionFailed => Cause::Broken("refused".into()),
            ureq::Error::Io(error) => io_cause(&error),
            ureq::Error::BodyStalled => Cause::Broken("the body stopped".into()),
            other => Cause::Other(other.to_string()),
        }
    }

    /// Tries again what may pass.
    fn persist<T>(
        &self,
        mut attempt: impl FnMut() -> std::result::Result<T, Cause>,
    ) -> std::result::Result<T, Cause> {
        let mut wait = self.timeouts.pause;
        for _ in 1..TRIES {
            match attempt() {
                Err(cause) if cause.is_transient() => thread::sleep(wait),
                done => return done,
            }
            wait *= 4;
        }
        attempt()
    }
}

fn io_cause(error: &std::io::Error) -> Cause {
    use std::io::ErrorKind::{HostUnreachable, NetworkUnreachable};
    match error.kind() {
        HostUnreachable | NetworkUnreachable => Cause::Unreachable(error.to_string()),
        // getaddrinfo's failures, which std does not class: no name server, as in a sandbox.
        _ if error.to_string().contains("lookup address") => Cause::Unreachable(error.to_string()),
        _ => Cause::Broken(error.to_string()),
    }
}

fn header(response: &Response<Body>, name: HeaderName) -> Option<&str> {
    response.headers().get(name)?.to_str().ok()
}

fn resumes_at(response: &Response<Body>, offset: u64) -> bool {
    let range = header(response, CONTENT_RANGE).and_then(|range| range.strip_prefix("bytes "));
    range
        .and_then(|range| range.split('-').next())
        .and_then(|start| start.parse().ok())
        == Some(offset)
}

fn config(timeouts: Timeouts) -> Result<Config> {
    let tls = TlsConfig::builder().root_certs(roots()?).build();
    let config = Agent::config_builder()
        .user_agent(concat!("pwb/", env!("CARGO_PKG_VERSION")))
        .http_status_as_error(false)
        .tls_config(tls)
        .timeout_resolve(Some(timeouts.connect))
        .timeout_connect(Some(timeouts.connect))
        .timeout_recv_response(Some(timeouts.idle))
        .timeout_per_read(Some(timeouts.idle));
    Ok(config.build())
}

fn roots() -> Result<RootCerts> {
    let Some(path) = std::env::var_os("SSL_CERT_FILE").filter(|path| !path.is_empty()) else {
        return Ok(RootCerts::WebPki);
    };
    let path = std::path::PathBuf::from(path);
    let pem = std::fs::read(&path).map_err(Error::io("read", &path))?;
    let certificates = parse_pem(&pem).filter_map(|item| match item {
        Ok(PemItem::Certificate(certificate)) => Some(certificate),
        _ => None,
    });
    Ok(RootCerts::from(certificates.collect::<Vec<_>>()))
}
