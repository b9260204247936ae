//! Which shared cache to use, and how.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use tonic::metadata::{Ascii, AsciiMetadataKey, MetadataValue};

use crate::error::{Error, Result};
use crate::key::{PublicKey, SecretKey};

/// A shared cache, and what this machine may do there.
#[derive(Debug, Default)]
pub struct Settings {
    /// Where it is.
    pub url: Url,
    /// Sent with every request. Their values are secrets: they stand in no message, no log and no key.
    pub headers: Headers,
    /// PEM files.
    pub tls: Tls,
    /// Whether results that were made here are put there.
    pub upload: bool,
    /// If any are given, results count that one of them has signed, and no others.
    pub trusted: Vec<PublicKey>,
    /// Signs what is put there.
    pub signing: Option<SecretKey>,
    /// What workers must be that run actions, in the server's words.
    pub platform: BTreeMap<String, String>,
    /// How long an action may wait for a worker before it runs here.
    pub queue: Duration,
}

/// Files of certificates and keys, in PEM. What is not given is the system's, or not used.
#[derive(Clone, Debug, Default)]
pub struct Tls {
    /// Certificates that may vouch for the server, in place of the system's.
    pub ca: Option<PathBuf>,
    /// What the server is shown, and its key.
    pub identity: Option<(PathBuf, PathBuf)>,
}

/// `grpc://HOST:PORT[/INSTANCE]`, or `grpcs://` for TLS.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Url {
    /// Whether TLS is spoken.
    pub tls: bool,
    /// `HOST:PORT`.
    pub authority: String,
    /// The instance name: one of several caches behind an address; often empty.
    pub instance: String,
}

impl Url {
    /// Parses it.
    pub fn parse(text: &str) -> Result<Url> {
        // What stands before an `@` may be a secret.
        let shown = text.rsplit('@').next().unwrap_or_default();
        let wrong = |why: &str| Error::Url {
            url: shown.to_owned(),
            why: why.to_owned(),
        };
        let (scheme, rest) = text
            .split_once("://")
            .ok_or_else(|| wrong("there is no `://` in it"))?;
        let tls = match scheme {
            "grpc" | "http" => false,
            "grpcs" | "https" => true,
            _ => return Err(wrong("it begins with neither grpc:// nor grpcs://")),
        };
        let (authority, instance) = rest.split_once('/').unwrap_or((rest, ""));
        if authority.contains('@') {
            return Err(wrong("secrets do not belong into it; use a token"));
        }
        let (host, port) = authority.rsplit_once(':').unwrap_or((authority, ""));
        if host.is_empty() {
            return Err(wrong("it names no host"));
        }
        let authority = match (port, tls) {
            ("", true) => format!("{host}:443"),
            ("", false) => return Err(wrong("it names no port")),
            (port, _) if port.parse::<u16>().is_err() => {
                return Err(wrong("its port is no number"));
            }
            _ => authority.to_owned(),
        };
        Ok(Url {
            tls,
            authority,
            instance: instance.trim_end_matches('/').to_owned(),
        })
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls { "grpcs" } else { "grpc" };
        write!(f, "{scheme}://{}", self.authority)?;
        match self.instance.as_str() {
            "" => Ok(()),
            instance => write!(f, "/{instance}"),
        }
    }
}

/// Headers, whose values are never shown.
#[derive(Clone, Default)]
pub struct Headers(Vec<(AsciiMetadataKey, MetadataValue<Ascii>)>);

impl Headers {
    /// Adds one.
    pub fn add(&mut self, name: &str, value: &str) -> Result<()> {
        let wrong = |what: &str| Error::Header {
            name: name.to_owned(),
            why: format!("its {what} cannot be sent"),
        };
        let key = AsciiMetadataKey::from_bytes(name.to_ascii_lowercase().as_bytes())
            .map_err(|_| wrong("name"))?;
        let mut value: MetadataValue<Ascii> = value.parse().map_err(|_| wrong("value"))?;
        value.set_sensitive(true);
        self.0.push((key, value));
        Ok(())
    }

    /// Adds a bearer token.
    pub fn bearer(&mut self, token: &str) -> Result<()> {
        self.add("authorization", &format!("Bearer {token}"))
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &(AsciiMetadataKey, MetadataValue<Ascii>)> {
        self.0.iter()
    }
}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.0.iter().map(|(name, _)| name))
            .finish()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_read_and_written() {
        for text in [
            "grpc://127.0.0.1:8980",
            "grpcs://cache.example:443/main/one",
        ] {
            assert_eq!(Url::parse(text).unwrap().to_string(), text);
        }
        let short = Url::parse("grpcs://cache.example/").unwrap();
        assert_eq!(short.to_string(), "grpcs://cache.example:443");
    }

    #[test]
    fn urls_that_cannot_be_meant_are_refused() {
        for text in [
            "cache:80",
            "ftp://x:1",
            "grpc://x",
            "grpc://:80",
            "grpc://x:y",
            "grpc://t@x:1",
        ] {
            assert!(Url::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn no_secret_is_shown() {
        let mut headers = Headers::default();
        headers.bearer("s3cret").unwrap();
        let shown = format!("{headers:?} {:?}", headers.0);
        assert!(!shown.contains("s3cret"), "{shown}");
        assert!(headers.add("x", "line\nbreak").is_err());
    }
}
