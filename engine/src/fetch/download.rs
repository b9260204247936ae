//! One pinned file, from the first of its sources that has it. Knows how to ask each kind of source, and unpacks nothing.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use percent_encoding::percent_decode_str;
use tempfile::TempPath;

use super::apt;
use super::client;
use super::error::{Error, Result};
use super::failure::{Cause, Failure};
use super::http::Http;
use super::index;
use super::mirror::Mirror;
use super::partial::{CHUNK, Partial, Whole};
use super::places::{Place, Places};
use crate::recipe::{Origin, Pin, PypiFile};

/// What a [`Fetcher`] works with.
#[derive(Clone, Debug)]
pub struct Settings {
    /// An existing folder for the downloads, on the file system that they shall end on.
    pub scratch: PathBuf,
    /// Where to download from, as far as the user has set it.
    pub places: Places,
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
    /// Before it is asked again; each further time four times as long.
    pub pause: Duration,
}

impl Default for Timeouts {
    fn default() -> Timeouts {
        Timeouts {
            connect: Duration::from_secs(5),
            idle: Duration::from_secs(30),
            pause: Duration::from_millis(250),
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
    pub fn new(settings: Settings) -> Fetcher {
        Fetcher::over(Http::new(settings.timeouts), settings)
    }

    /// The same over connections of the caller's, given the configuration they are for: fuzzing has answers and no network.
    #[doc(hidden)]
    pub fn with_agent(
        settings: Settings,
        agent: impl FnOnce(ureq::config::Config) -> ureq::Agent,
    ) -> Result<Fetcher> {
        let http = Http::with(settings.timeouts, agent)?;
        Ok(Fetcher::over(http, settings))
    }

    fn over(http: Http, settings: Settings) -> Fetcher {
        Fetcher {
            settings,
            http,
            mirror: OnceLock::new(),
        }
    }

    /// Where Debian files come from; found out once.
    pub fn mirror(&self) -> Result<&Mirror> {
        if let Some(mirror) = self.mirror.get() {
            return Ok(mirror);
        }
        let mirror = Mirror::discover(self.settings.places.debian.as_deref())?;
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
            let whole = self.obtain(origin, pin, progress);
            match whole.and_then(|whole| whole.check(pin)) {
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

    /// The digest of what the first of these gives that gives anything, of the same kind as `pin`.
    pub(super) fn digest(&self, from: &[Origin], pin: Pin) -> Result<Pin> {
        let mut failures = Vec::new();
        for origin in from {
            match self.obtain(origin, pin, &mut |_| ()) {
                Ok(whole) => return Ok(whole.pin),
                Err(Cause::Local(error)) => return Err(*error),
                Err(cause) => failures.push(Failure {
                    origin: self.place(origin),
                    cause,
                }),
            }
        }
        let what = from.first().map_or_else(|| "nothing".into(), name);
        Err(Error::Sources { what, failures })
    }

    /// What an origin gives, whatever its digest.
    fn obtain(
        &self,
        origin: &Origin,
        pin: Pin,
        progress: &mut dyn FnMut(Progress),
    ) -> std::result::Result<Whole, Cause> {
        let scratch = &self.settings.scratch;
        let by_client = match (origin, self.url(origin)?) {
            (Origin::Debian(_), Some(url)) => {
                return match self.fetch_url(&url, pin, progress) {
                    Err(Cause::Status(404)) => Err(Cause::Gone {
                        answer: "HTTP status 404".into(),
                    }),
                    fetched => fetched,
                };
            }
            (_, Some(url)) => return self.fetch_url(&url, pin, progress),
            (origin, None) => {
                self.online(&name(origin))?;
                match origin {
                    Origin::Npm(file) => client::npm(file, scratch)?,
                    Origin::Pypi(file) => client::pip(file, scratch)?,
                    _ => {
                        let mut watch = |bytes| progress(Progress { bytes, total: None });
                        apt::download(&self.place(origin), scratch, &mut watch)?
                    }
                }
            }
        };
        Ok(Whole::of(by_client, pin)?)
    }

    /// The URL that pwb itself downloads from; none where a client of the host's does.
    fn url(&self, origin: &Origin) -> std::result::Result<Option<String>, Cause> {
        let unknown = |error| Cause::Mirror(Box::new(error));
        let places = &self.settings.places;
        Ok(match origin {
            Origin::Url(url) => Some(url.clone()),
            Origin::Debian(path) => match self.mirror().map_err(unknown)? {
                Mirror::Url(base) => Some(Mirror::quoted(base, path.as_str())),
                Mirror::Apt(_) => None,
            },
            Origin::Npm(file) => Place::Npm
                .url(places.npm.as_deref())
                .map_err(unknown)?
                .map(|base| format!("{base}/{file}")),
            Origin::Pypi(file) => match Place::Pypi.url(places.pypi.as_deref()).map_err(unknown)? {
                Some(base) => Some(self.link(&base, file)?),
                None => None,
            },
        })
    }

    /// Where the index at `base` says that a file is.
    fn link(&self, base: &str, file: &PypiFile) -> std::result::Result<String, Cause> {
        let url = format!("{base}/{}/", file.project);
        let (url, html) = match local_path(&url) {
            Some(path) => {
                let path = path.join("index.html");
                let html = std::fs::read_to_string(&path)
                    .map_err(|error| Cause::Other(format!("{}: {error}", path.display())))?;
                (url, html)
            }
            None => {
                self.online(&url)?;
                self.http.page(&url)?
            }
        };
        let link = index::link(&url, &html, file.name())
            .ok_or_else(|| Cause::Other(format!("{url} has no link to it")))?;
        match local_path(&link) {
            // A page of the network does not choose among this machine's files, some of which have no end.
            Some(_) if local_path(&url).is_none() => Err(Cause::Other(format!(
                "{url} has a link to a file of this machine"
            ))),
            _ => Ok(link),
        }
    }

    /// By HTTP, or from a local file.
    fn fetch_url(
        &self,
        url: &str,
        pin: Pin,
        progress: &mut dyn FnMut(Progress),
    ) -> std::result::Result<Whole, Cause> {
        let mut partial = Partial::create(&self.settings.scratch, pin)?;
        match local_path(url) {
            Some(path) => copy(&path, &mut partial, progress)?,
            None => {
                self.online(url)?;
                self.http.get(url, &mut partial, progress)?;
            }
        }
        Ok(partial.finish())
    }

    /// Whether it may be there without a connection. A mirror may be a local folder.
    fn is_local(&self, origin: &Origin) -> bool {
        let places = &self.settings.places;
        let url = match origin {
            Origin::Url(url) => Some(url),
            Origin::Debian(_) => places.debian.as_ref(),
            Origin::Npm(_) => places.npm.as_ref(),
            Origin::Pypi(_) => places.pypi.as_ref(),
        };
        url.is_some_and(|url| local_path(url.trim()).is_some())
    }

    /// The page at `url`.
    pub(super) fn page(&self, url: &str) -> std::result::Result<String, Cause> {
        self.http.page(url).map(|(_, text)| text)
    }

    pub(super) fn places(&self) -> &Places {
        &self.settings.places
    }

    pub(super) fn scratch(&self) -> &Path {
        &self.settings.scratch
    }

    pub(super) fn online(&self, what: &str) -> std::result::Result<(), Cause> {
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
            (Origin::Debian(path), None) => format!("{}, {path}", Place::Debian),
            (Origin::Npm(file), _) => format!("{}, {file}", Place::Npm),
            (Origin::Pypi(file), _) => format!("{}, {file}", Place::Pypi),
        }
    }
}

/// The file that a `file:` URL names.
pub(super) fn local_path(url: &str) -> Option<PathBuf> {
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

pub(super) fn name(origin: &Origin) -> String {
    let text = match origin {
        Origin::Url(url) => url.split(['?', '#']).next().unwrap_or(url),
        Origin::Debian(path) => path.as_str(),
        Origin::Npm(file) => file.path().as_str(),
        Origin::Pypi(file) => file.name(),
    };
    text.rsplit('/')
        .find(|part| !part.is_empty())
        .unwrap_or(text)
        .to_owned()
}
