//! Reads a `Fetch` node.

use super::super::code::Code;
use super::super::digest::{Blake3, DigestError, Pin, Sha256};
use super::super::node::{Fetch, Origin, Unpack, Written};
use super::super::path::RelativePath;
use super::super::reader::{Raw, Reader};
use super::super::registry::{NpmFile, PypiFile, RegistryError};
use super::super::source::{Span, Spanned};
use super::super::syntax::{
    DebSyntax, DebianPathSyntax, FetchSyntax, NpmSyntax, PageSyntax, PypiSyntax, TarSyntax,
    UrlSyntax, ZipSyntax,
};
use super::super::updates::Updates;

impl<'a> Reader<'a, '_> {
    pub(super) fn fetch(&mut self, raw: Raw<'a>) -> Option<Fetch> {
        let shape: FetchSyntax<'a> = self.read(raw)?;
        let from = self.origins(shape.from);
        let digest = shape.sha256.or(shape.blake3);
        let pin = self.pin(self.word(raw), shape.sha256, shape.blake3);
        let from = from?;
        let updates = match shape.updates {
            Some(updates) => Some(self.updates(updates, &from)?),
            None => None,
        };
        let unpack = match shape.unpack {
            Some(unpack) => self.unpack(unpack),
            None => self.file_name(from.first()?).map(Unpack::File),
        };
        let written = Written {
            from: from.iter().map(|origin| origin.span).collect(),
            pin: self.span(digest?),
        };
        let from = from.into_iter().map(|origin| origin.value).collect();
        Some(Fetch {
            from,
            pin: pin?,
            unpack: unpack?,
            updates,
            written,
        })
    }

    /// A page that tells of versions, and how the places say theirs.
    fn updates(&mut self, raw: Raw<'a>, from: &[Spanned<Origin>]) -> Option<Updates> {
        let PageSyntax { url, find, within } = self.read(raw)?;
        let within = match within {
            Some(within) => Some(self.filled(within, "the series")?.value),
            None => None,
        };
        let url = self.url(url)?;
        let find = self.text(find)?;
        let Some(updates) = Updates::new(url.value, &find, within.as_deref()) else {
            let message = format!("`{find}` does not say where the version is");
            let label = "`{version}` is wanted in here once, with something around it";
            self.error(Code::BadPattern, find.span, message, label);
            return None;
        };
        let has_version = |origin: &Spanned<Origin>| matches!(&origin.value, Origin::Url(url) if updates.version_in(url).is_some());
        if !from.iter().any(has_version) {
            let message = format!("no `Url` of this node has a version where `{find}` says");
            self.error(Code::BadPattern, find.span, message, "in none of them");
            return None;
        }
        Some(updates)
    }

    /// None where one could not be read.
    fn origins(&mut self, raw: Raw<'a>) -> Option<Vec<Spanned<Origin>>> {
        let list: Vec<Raw<'a>> = self.read(raw)?;
        if list.is_empty() {
            self.error(
                Code::Empty,
                self.span(raw),
                "nothing to fetch from",
                "at least one place, as `Url(…)` or `Debian(…)`, is wanted here",
            );
            return None;
        }
        let origins: Vec<_> = list.into_iter().map(|origin| self.origin(origin)).collect();
        origins.into_iter().collect()
    }

    fn origin(&mut self, raw: Raw<'a>) -> Option<Spanned<Origin>> {
        match raw.head() {
            "Url" => {
                let UrlSyntax(url) = self.read(raw)?;
                Some(self.url(url)?.map(Origin::Url))
            }
            "Debian" => {
                let DebianPathSyntax(path) = self.read(raw)?;
                Some(self.relative_path(path)?.map(Origin::Debian))
            }
            "Npm" => {
                let NpmSyntax(path) = self.read(raw)?;
                let file =
                    self.registry_file(path, NpmFile::parse, "the path of an npm package")?;
                Some(file.map(Origin::Npm))
            }
            "Pypi" => {
                let PypiSyntax(name) = self.read(raw)?;
                let file = self.registry_file(name, PypiFile::parse, "a file of a PyPI project")?;
                Some(file.map(Origin::Pypi))
            }
            _ => {
                let known = ["Url", "Debian", "Npm", "Pypi"];
                self.unknown_kind(raw, "a place to fetch from", &known);
                None
            }
        }
    }

    fn url(&mut self, raw: Raw<'a>) -> Option<Spanned<String>> {
        let url = self.text(raw)?;
        let schemes = ["https://", "http://", "file:///"];
        if schemes.iter().any(|scheme| has_rest(&url, scheme)) {
            return Some(url);
        }
        self.error(
            Code::BadPlace,
            url.span,
            format!("`{url}` is not a URL"),
            "`https://…`, `http://…` or `file:///…` is wanted",
        );
        None
    }

    fn registry_file<T>(
        &mut self,
        raw: Raw<'a>,
        parse: fn(&str) -> Result<T, RegistryError>,
        what: &str,
    ) -> Option<Spanned<T>> {
        let text = self.text(raw)?;
        match parse(&text) {
            Ok(file) => Some(Spanned::new(file, text.span)),
            Err(error) => {
                self.error(
                    Code::BadPlace,
                    text.span,
                    format!("`{text}` is not {what}"),
                    error.to_string(),
                );
                None
            }
        }
    }

    fn pin(&mut self, node: Span, sha256: Option<Raw<'a>>, blake3: Option<Raw<'a>>) -> Option<Pin> {
        match (sha256, blake3) {
            (Some(sha256), None) => self.digest(sha256, Sha256::parse).map(Pin::Sha256),
            (None, Some(blake3)) => self.digest(blake3, Blake3::parse).map(Pin::Blake3),
            (None, None) => {
                let message = "nothing says what the download must be";
                let label = "`sha256: \"…\"` or `blake3: \"…\"` is wanted in here";
                let error = self.sink.finding(Code::MissingField, node, message, label);
                let help = "it is what upstream publishes, or what `sha256sum` says of the file";
                self.sink.add(error.help(help.to_owned()));
                None
            }
            (Some(sha256), Some(blake3)) => {
                let other = self.sink.location(self.span(sha256));
                let error = self.sink.finding(
                    Code::Repeated,
                    self.span(blake3),
                    "two digests for one download",
                    "one of them is enough",
                );
                self.sink.add(error.related(other, "the other"));
                None
            }
        }
    }

    pub(super) fn digest<T>(
        &mut self,
        raw: Raw<'a>,
        parse: fn(&str) -> Result<T, DigestError>,
    ) -> Option<T> {
        let text = self.text(raw)?;
        match parse(&text) {
            Ok(digest) => Some(digest),
            Err(error) => {
                self.error(
                    Code::BadDigest,
                    text.span,
                    "not a digest",
                    error.to_string(),
                );
                None
            }
        }
    }

    fn unpack(&mut self, raw: Raw<'a>) -> Option<Unpack> {
        match raw.head() {
            "Tar" => {
                let TarSyntax { strip } = self.read(raw)?;
                self.strip(strip).map(|strip| Unpack::Tar { strip })
            }
            "Zip" => {
                let ZipSyntax { strip } = self.read(raw)?;
                self.strip(strip).map(|strip| Unpack::Zip { strip })
            }
            "Deb" => self.read(raw).map(|DebSyntax| Unpack::Deb),
            _ => {
                self.unknown_kind(raw, "a way to unpack", &["Tar", "Zip", "Deb"]);
                None
            }
        }
    }

    fn strip(&mut self, raw: Option<Raw<'a>>) -> Option<u32> {
        raw.map_or(Some(0), |raw| self.read(raw))
    }

    /// The name of a file that is not unpacked: the last part of the place it comes from.
    fn file_name(&mut self, origin: &Spanned<Origin>) -> Option<String> {
        let name = match &origin.value {
            Origin::Debian(path) => path.file_name(),
            Origin::Npm(file) => file.path().file_name(),
            Origin::Pypi(file) => file.name(),
            Origin::Url(url) => {
                let path = url.split(['?', '#']).next().unwrap_or_default();
                let path = path.split_once("://").map_or(path, |(_, rest)| rest);
                path.rsplit_once('/').map_or("", |(_, name)| name)
            }
        };
        // One part: a relative path without `/`.
        if RelativePath::parse(name).is_ok() {
            return Some(name.to_owned());
        }
        let message = "the file has no name";
        let error = self.sink.finding(
            Code::BadPlace,
            origin.span,
            message,
            "its last part is the name",
        );
        self.sink
            .add(error.help("if it is an archive, say `unpack: Tar(strip: 1)`".to_owned()));
        None
    }
}

fn has_rest(url: &str, scheme: &str) -> bool {
    url.strip_prefix(scheme)
        .is_some_and(|rest| !rest.is_empty() && !rest.contains(char::is_whitespace))
}
