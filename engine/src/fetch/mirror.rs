//! Where Debian files come from: the user's setting, else the host's own apt. Downloads nothing.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::apt;
use super::error::{Error, Result};
use super::places::Place;

/// What may stand unquoted in a path. `+` and `~` may, by RFC 3986, but some mirrors take a plain `+` for a space.
const QUOTED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'/')
    .remove(b'-')
    .remove(b'.')
    .remove(b'_');

/// A Debian archive: the folder that has `dists` and `pool`, without a trailing slash.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Mirror {
    /// Over HTTP or from a local folder, by pwb itself: an http, https or file URL.
    Url(String),
    /// By the host's apt, with its transports and proxies: a URI as apt's sources give it.
    Apt(String),
}

impl Mirror {
    /// The mirror of `setting`, else of the host's own apt.
    pub fn discover(setting: Option<&str>) -> Result<Mirror> {
        match Place::Debian.url(setting)? {
            Some(url) => Ok(Mirror::Url(url)),
            None => Mirror::of_host(),
        }
    }

    /// The archive's URI.
    pub fn base(&self) -> &str {
        match self {
            Mirror::Url(base) | Mirror::Apt(base) => base,
        }
    }

    /// The URL of the file at `path` below `base`.
    pub(super) fn quoted(base: &str, path: &str) -> String {
        format!("{base}/{}", utf8_percent_encode(path, QUOTED))
    }

    fn of_host() -> Result<Mirror> {
        if !apt::is_here() {
            return Err(Error::NoPlace {
                place: Place::Debian,
                why: "this host has no apt".into(),
            });
        }
        let main = main_archive(&apt::sources(true)?).or_else(|| {
            // Before the first `apt-get update` apt has no release files: then the URI must do.
            main_archive(&apt::sources(false).ok()?)
        });
        match main {
            Some(uri) if uri.starts_with("file:") => {
                Ok(Mirror::Url(base_of(&uri.replacen("file:/", "file:///", 1))))
            }
            Some(uri) => Ok(Mirror::Apt(base_of(&uri))),
            None => Err(Error::NoPlace {
                place: Place::Debian,
                why: "this host's apt has no source of Debian's main archive".into(),
            }),
        }
    }
}

/// A source of the host's apt.
#[derive(Debug, Default)]
pub(super) struct Source {
    pub(super) uri: String,
    pub(super) component: String,
    /// The suite as the sources list names it.
    pub(super) release: String,
    /// `Debian`; empty where the release file has not been downloaded.
    pub(super) origin: String,
    /// `Debian`, `Debian-Security`.
    pub(super) label: String,
}

/// The URI of the archive with all suites' `pool/main`, not a security, partial or third party's one.
fn main_archive(sources: &[Source]) -> Option<String> {
    let of_debian = sources.iter().find(|source| {
        let named = source.origin == "Debian" && source.label == "Debian";
        // Debian's own archives end so, under whatever host; third parties' end otherwise or have other components.
        let likely =
            source.origin.is_empty() && source.uri.trim_end_matches('/').ends_with("/debian");
        let partial = source.release.contains("-security") || source.uri.starts_with("cdrom:");
        source.component == "main" && !partial && (named || likely)
    });
    of_debian.map(|source| source.uri.clone())
}

fn base_of(uri: &str) -> String {
    uri.trim_end_matches('/').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(uri: &str, component: &str, release: &str, origin: &str, label: &str) -> Source {
        let [uri, component, release] = [uri, component, release].map(str::to_owned);
        Source {
            uri,
            component,
            release,
            origin: origin.into(),
            label: label.into(),
        }
    }

    #[test]
    fn the_main_archive_is_debians_whatever_stands_before_it() {
        let sources = [
            source(
                "https://third.example/apt/",
                "main",
                "stable",
                "Third",
                "Third",
            ),
            source(
                "http://mirror.example/debian-security/",
                "main",
                "x-security",
                "Debian",
                "Debian-Security",
            ),
            source(
                "http://mirror.example/debian/",
                "contrib",
                "x",
                "Debian",
                "Debian",
            ),
            source(
                "http://mirror.example/remote-deb/",
                "main",
                "x",
                "Debian",
                "Debian",
            ),
        ];
        assert_eq!(
            main_archive(&sources).as_deref(),
            Some("http://mirror.example/remote-deb/")
        );
        assert_eq!(main_archive(&sources[..3]), None);
    }

    #[test]
    fn without_release_files_the_uri_must_look_like_debians() {
        let sources = [
            source(
                "http://mirror.example/debian-security/",
                "main",
                "x-security",
                "",
                "",
            ),
            source("https://third.example/node/", "main", "x", "", ""),
            source("http://mirror.example/debian/", "main", "x", "", ""),
        ];
        assert_eq!(
            main_archive(&sources).as_deref(),
            Some("http://mirror.example/debian/")
        );
        assert_eq!(main_archive(&sources[..2]), None);
    }

    #[test]
    fn plus_and_tilde_are_quoted() {
        assert_eq!(
            Mirror::quoted("http://m/d", "pool/a+b~1_2-3.deb"),
            "http://m/d/pool/a%2Bb%7E1_2-3.deb"
        );
    }
}
