//! What a user may set about where downloads come from, and what is wrong with a setting. Downloads nothing.

use std::fmt;

use super::error::{Error, Result};

/// The URLs that a user has set; where there is none, the host's own apt, npm or pip is asked.
#[derive(Clone, Debug, Default)]
pub struct Places {
    /// The Debian mirror: the folder that has `dists` and `pool`.
    pub debian: Option<String>,
    /// The npm registry: what packages' paths are below.
    pub npm: Option<String>,
    /// The index of PyPI or of a mirror of it: what projects' pages are below (PEP 503).
    pub pypi: Option<String>,
}

/// One of them.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Place {
    /// The Debian mirror.
    Debian,
    /// The npm registry.
    Npm,
    /// The index of PyPI.
    Pypi,
}

impl Place {
    /// How to set it.
    pub(super) fn advice(self) -> String {
        let (key, what) = match self {
            Place::Debian => (
                "debian_mirror",
                "a Debian mirror, the folder that has `dists` and `pool`",
            ),
            Place::Npm => ("npm_registry", "an npm registry, or install npm"),
            Place::Pypi => (
                "pypi_index",
                "a simple index of PyPI (PEP 503), or install python3 with pip",
            ),
        };
        let variable = key.to_uppercase();
        format!("set PWB_{variable} (or the config file's {key}) to the URL of {what}")
    }

    /// The URL that a user has set, without a trailing slash; an empty text sets nothing.
    pub(super) fn url(self, setting: Option<&str>) -> Result<Option<String>> {
        let Some(setting) = setting.map(str::trim).filter(|setting| !setting.is_empty()) else {
            return Ok(None);
        };
        let rest = ["http://", "https://", "file://"]
            .iter()
            .find_map(|scheme| setting.strip_prefix(scheme));
        let is_url = rest.is_some_and(|rest| {
            !rest.trim_start_matches('/').is_empty() && !setting.contains(char::is_whitespace)
        });
        // `file://host/path` names another machine's file, which no one can open.
        if !is_url || (setting.starts_with("file://") && !setting.starts_with("file:///")) {
            return Err(Error::BadPlace {
                place: self,
                setting: setting.to_owned(),
            });
        }
        Ok(Some(setting.trim_end_matches('/').to_owned()))
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Place::Debian => "Debian mirror",
            Place::Npm => "npm registry",
            Place::Pypi => "PyPI index",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_urls_and_lose_their_slashes() {
        let url = |setting| Place::Debian.url(Some(setting)).ok().flatten();
        assert_eq!(
            url(" https://mirror.example/debian// ").as_deref(),
            Some("https://mirror.example/debian")
        );
        assert_eq!(
            url("file:///srv/debian/").as_deref(),
            Some("file:///srv/debian")
        );
        for bad in [
            "mirror.example/debian",
            "/srv/debian",
            "file://srv/debian",
            "ftp://mirror.example",
            "http://",
            "http://a b",
        ] {
            assert!(
                matches!(Place::Npm.url(Some(bad)), Err(Error::BadPlace { .. })),
                "{bad}"
            );
        }
        assert_eq!(Place::Pypi.url(Some(" ")).ok(), Some(None));
    }
}
