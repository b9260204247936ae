//! Newer versions of what recipes fetch, as far as somebody tells of them: a page that the recipe names, npm, PyPI.

use super::client;
use super::download::{Fetcher, local_path};
use super::error::{Error, Result};
use super::failure::{Cause, Failure};
use super::index;
use super::places::Place;
use crate::recipe::{
    Fetch, NpmFile, Origin, Pin, PypiFile, RelativePath, Version, replace_version,
};

/// What is known of newer versions.
#[derive(Debug)]
pub enum Newest {
    /// Nobody tells.
    Unknown,
    /// It is this one.
    Same(String),
    /// There is a newer one.
    Newer(Newer),
}

/// A newer version.
#[derive(Debug)]
pub struct Newer {
    /// The version that the recipe has.
    pub old: String,
    /// The newest one.
    pub new: String,
    /// What the new download's digest is, of the kind that the recipe has.
    pub pin: Pin,
}

impl Fetcher {
    /// Asks for a newer version, and downloads it for its digest: what comes is believed, for nothing is known of it yet.
    pub fn newest(&self, fetch: &Fetch) -> Result<Newest> {
        let Some((old, new)) = self.versions(fetch)? else {
            return Ok(Newest::Unknown);
        };
        let Some(new) = new else {
            return Ok(Newest::Same(old));
        };
        let moved = fetch.from.iter().map(|origin| moved(origin, &old, &new));
        let from: Vec<Origin> = moved.collect::<Option<_>>().ok_or_else(|| {
            let what = format!("version {new}");
            failed(
                what,
                "its place cannot be named as the old one's is".to_owned(),
            )
        })?;
        let pin = self.digest(&from, fetch.pin)?;
        Ok(Newest::Newer(Newer { old, new, pin }))
    }

    /// The version that there is, and a newer one.
    fn versions(&self, fetch: &Fetch) -> Result<Option<(String, Option<String>)>> {
        if let Some(updates) = &fetch.updates {
            let urls = fetch.from.iter().map(|origin| match origin {
                Origin::Url(url) => updates.version_in(url),
                _ => None,
            });
            let Some(old) = urls.flatten().next() else {
                return Ok(None);
            };
            let page = self.text(&updates.page)?;
            let new = updates.newer(&page, old).map(str::to_owned);
            return Ok(Some((old.to_owned(), new)));
        }
        for origin in &fetch.from {
            let (old, newest) = match origin {
                Origin::Npm(file) => (&file.version, self.newest_npm(file)?),
                Origin::Pypi(file) => (&file.version, self.newest_pypi(file)?),
                Origin::Url(_) | Origin::Debian(_) => continue,
            };
            let new = newest.filter(|new| Version::new(new) > Version::new(old));
            return Ok(Some((old.clone(), new)));
        }
        Ok(None)
    }

    /// What the registry calls the latest.
    fn newest_npm(&self, file: &NpmFile) -> Result<Option<String>> {
        let Some(base) = Place::Npm.url(self.places().npm.as_deref())? else {
            let asked = client::npm_latest(&file.package, self.scratch());
            return asked.map(Some).map_err(|cause| at(&file.package, cause));
        };
        let url = format!("{base}/{}", file.package);
        let text = self.text(&url)?;
        let package: serde_json::Value =
            serde_json::from_str(&text).map_err(|error| failed(url.clone(), error.to_string()))?;
        let latest = package["dist-tags"]["latest"].as_str().map(str::to_owned);
        latest.map(Some).ok_or_else(|| {
            failed(
                url,
                "it does not say which version is the latest".to_owned(),
            )
        })
    }

    /// The newest release of the same kind of file: for the same Python and platform, or of sources.
    fn newest_pypi(&self, file: &PypiFile) -> Result<Option<String>> {
        let files = match Place::Pypi.url(self.places().pypi.as_deref())? {
            Some(base) => index::names(&self.text(&format!("{base}/{}/", file.project))?),
            None => vec![
                client::pip_latest(file, self.scratch())
                    .map_err(|cause| at(&file.project, cause))?,
            ],
        };
        let same =
            |other: &PypiFile| moved_name(file, &other.version).as_deref() == Some(other.name());
        let files = files.iter().filter_map(|name| PypiFile::parse(name).ok());
        let versions = files
            .filter(same)
            .map(|other| (Version::new(&other.version), other.version));
        let releases = versions.filter(|(version, _)| !version.is_early());
        Ok(releases.max().map(|(_, text)| text))
    }

    /// A text of the network, or of a file.
    fn text(&self, url: &str) -> Result<String> {
        if let Some(path) = local_path(url) {
            return std::fs::read_to_string(&path).map_err(Error::io("read", &path));
        }
        self.online(url)
            .and_then(|()| self.page(url))
            .map_err(|cause| at(url, cause))
    }
}

/// The same place for another version.
fn moved(origin: &Origin, old: &str, new: &str) -> Option<Origin> {
    Some(match origin {
        Origin::Url(url) => Origin::Url(replace_version(url, old, new)),
        Origin::Debian(path) => {
            Origin::Debian(RelativePath::parse(&replace_version(path.as_str(), old, new)).ok()?)
        }
        Origin::Npm(file) => {
            Origin::Npm(NpmFile::parse(&replace_version(&file.to_string(), old, new)).ok()?)
        }
        Origin::Pypi(file) => Origin::Pypi(PypiFile::parse(&moved_name(file, new)?).ok()?),
    })
}

fn moved_name(file: &PypiFile, version: &str) -> Option<String> {
    file.name()
        .contains(&file.version)
        .then(|| replace_version(file.name(), &file.version, version))
}

fn at(place: &str, cause: Cause) -> Error {
    match cause {
        Cause::Local(error) => *error,
        cause => Error::Sources {
            what: "a list of versions".to_owned(),
            failures: vec![Failure {
                origin: place.to_owned(),
                cause,
            }],
        },
    }
}

fn failed(what: String, why: String) -> Error {
    at(&what, Cause::Other(why))
}
