//! One pinned file, from the first of its sources that has it. Knows how to ask each kind of source, and unpacks nothing.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use percent_encoding::percent_decode_str;
use tempfile::TempPath;

use super::apt;
use super::error::{Error, Result};
use super::failure::{Cause, Failure};
use super::http::Http;
use super::mirror::Mirror;
use super::partial::{CHUNK, Partial, verify};
use crate::recipe::{Origin, Pin};

/// What a [`Fetcher`] works with.
#[derive(Clone, Debug)]
pub struct Settings {
    /// An existing folder for the downloads, on the file system that they shall end on.
    pub scratch: PathBuf,
    /// The Debian mirror's URL, if the user has set one.
    pub mirror: Option<String>,
    /// Refuse whatever needs a connection.
    pub offline: bool,
    /// How long to wait.
    pub timeouts: Timeouts,
}

/// How long to wait for a server.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// For its name and for its connection, each.
    pub connect: Duration,
    /// For its next byte.
    pub idle: Duration,
}

impl Default for Timeouts {
    fn default() -> Timeouts {
        Timeouts {
            connect: Duration::from_secs(5),
            idle: Duration::from_secs(30),
        }
    }
}

/// How far a download is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Progress {
    /// Bytes that have come. Fewer than before when a download has to begin anew.
    pub bytes: u64,
    /// The whole size, where that is known.
    pub total: Option<u64>,
}

/// A file that has the pinned digest.
#[derive(Debug)]
pub struct Fetched {
    /// The file, removed when this is dropped.
    pub file: TempPath,
    /// Its size in bytes.
    pub size: u64,
    /// The sources that were tried before the one that had it.
    pub failures: Vec<Failure>,
}

/// Downloads pinned files. Shared by threads.
pub struct Fetcher {
    settings: Settings,
    http: Http,
    mirror: OnceLock<Mirror>,
}

impl Fetcher {
    /// Opens no connection yet.
    pub fn new(settings: Settings) -> Result<Fetcher> {
        let http = Http::new(settings.timeouts)?;
        Ok(Fetcher {
            settings,
            http,
            mirror: OnceLock::new(),
        })
    }

    /// Where Debian files come from; found out once.
    pub fn mirror(&self) -> Result<&Mirror> {
        if let Some(mirror) = self.mirror.get() {
            return Ok(mirror);
        }
        let mirror = Mirror::discover(self.settings.mirror.as_deref())?;
        Ok(self.mirror.get_or_init(|| mirror))
    }

    /// Tries the sources in order. `progress` is told of every piece that comes.
    pub fn fetch(
        &self,
        from: &[Origin],
        pin: Pin,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Fetched> {
        let what = from.first().map_or_else(|| "nothing".into(), name);
        if self.settings.offline && !from.iter().any(|origin| self.is_local(origin)) {
            return Err(Error::Offline { what });
        }
        let mut failures = Vec::new();
        for origin in from {
            match self.fetch_one(origin, pin, progress) {
                Ok((file, size)) => {
                    return Ok(Fetched {
                        file,
                        size,
                        failures,
                    });
                }
                Err(Cause::Local(error)) => return Err(*error),
                Err(cause) => failures.push(Failure {
                    origin: self.place(origin),
                    cause,
                }),
            }
        }
        Err(Error::Sources { what, failures })
    }

    fn fetch_one(
        &self,
        origin: &Origin,
        pin: Pin,
        progress: &mut dyn FnMut(Progress),
    ) -> std::result::Result<(TempPath, u64), Cause> {
        let url = match origin {
            Origin::Url(url) => url.clone(),
            Origin::Debian(path) => match self
                .mirror()
                .map_err(|error| Cause::Mirror(Box::new(error)))?
            {
                Mirror::Url(base) => Mirror::quoted(base, path.as_str()),
                Mirror::Apt(base) => {
                    self.online(path.as_str())?;
                    return self.fetch_by_apt(&format!("{base}/{}", path.as_str()), pin, progress);
                }
            },
        };
        let fetched = self.fetch_url(&url, pin, progress);
        match (origin, fetched) {
            (Origin::Debian(_), Err(Cause::Status(404))) => Err(Cause::Gone {
                answer: "HTTP status 404".into(),
            }),
            (_, fetched) => fetched,
        }
    }

    /// By HTTP, or from a local file.
    fn fetch_url(
        &self,
        url: &str,
        pin: Pin,
        progress: &mut dyn FnMut(Progress),
    ) -> std::result::Result<(TempPath, u64), Cause> {
        let mut partial = Partial::create(&self.settings.scratch, pin)?;
        match local_path(url) {
            Some(path) => copy(&path, &mut partial, progress)?,
            None => {
                self.online(url)?;
                self.http.get(url, &mut partial, progress)?;
            }
        }
        partial.finish()
    }

    fn fetch_by_apt(
        &self,
        uri: &str,
        pin: Pin,
        progress: &mut dyn FnMut(Progress),
    ) -> std::result::Result<(TempPath, u64), Cause> {
        let mut watch = |bytes| progress(Progress { bytes, total: None });
        let file = apt::download(uri, &self.settings.scratch, &mut watch)?;
        let size = verify(&file, pin)?;
        Ok((file, size))
    }

    /// Whether it may be there without a connection. A mirror may be a local folder.
    fn is_local(&self, origin: &Origin) -> bool {
        let url = match origin {
            Origin::Url(url) => Some(url),
            Origin::Debian(_) => self.settings.mirror.as_ref(),
        };
        url.is_some_and(|url| local_path(url.trim()).is_some())
    }

    fn online(&self, what: &str) -> std::result::Result<(), Cause> {
        match self.settings.offline {
            true => Err(Cause::Other(format!(
                "not asked for {what}: this is an offline run"
            ))),
            false => Ok(()),
        }
    }

    fn place(&self, origin: &Origin) -> String {
        match (origin, self.mirror.get()) {
            (Origin::Url(url), _) => url.clone(),
            (Origin::Debian(path), Some(mirror)) => format!("{}/{}", mirror.base(), path.as_str()),
            (Origin::Debian(path), None) => format!("Debian mirror, {}", path.as_str()),
        }
    }
}

/// The file that a `file:` URL names.
fn local_path(url: &str) -> Option<PathBuf> {
    let path = url
        .strip_prefix("file://")
        .or_else(|| url.strip_prefix("file:"))?;
    Some(PathBuf::from(
        percent_decode_str(path).decode_utf8_lossy().into_owned(),
    ))
}

fn copy(
    path: &Path,
    partial: &mut Partial,
    progress: &mut dyn FnMut(Progress),
) -> std::result::Result<(), Cause> {
    let broken = |error: std::io::Error| Cause::Other(error.to_string());
    let mut file = File::open(path).map_err(broken)?;
    let total = file.metadata().map_err(broken)?.len();
    let mut buffer = vec![0; CHUNK];
    loop {
        progress(Progress {
            bytes: partial.written(),
            total: Some(total),
        });
        match file.read(&mut buffer).map_err(broken)? {
            0 => return Ok(()),
            count => partial.append(&buffer[..count])?,
        }
    }
}

fn name(origin: &Origin) -> String {
    let text = match origin {
        Origin::Url(url) => url.split(['?', '#']).next().unwrap_or(url),
        Origin::Debian(path) => path.as_str(),
    };
    text.rsplit('/')
        .find(|part| !part.is_empty())
        .unwrap_or(text)
        .to_owned()
}
