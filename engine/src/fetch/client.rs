//! Files of npm and PyPI through the host's own npm and pip: with the registries, proxies and credentials they are set up
//! with. Knows nothing of pins.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::{TempDir, TempPath};

use super::apt;
use super::error::{Error, Result};
use super::failure::{Cause, complaints};
use super::places::Place;
use crate::recipe::{NpmFile, PypiFile};

/// A package as the host's npm gets it.
pub(super) fn npm(file: &NpmFile, scratch: &Path) -> std::result::Result<TempPath, Cause> {
    let mut command = Command::new("npm");
    command.args(["pack", "--loglevel=error", "--ignore-scripts"]);
    command.arg(format!("{}@{}", file.package, file.version));
    download(command, Place::Npm, scratch)
}

/// The version of a package that the host's npm calls the latest.
pub(super) fn npm_latest(package: &str, scratch: &Path) -> std::result::Result<String, Cause> {
    let mut command = Command::new("npm");
    command.args(["view", "--loglevel=error", package, "dist-tags.latest"]);
    let (_, said) = run(command, Place::Npm, scratch)?;
    match said.trim() {
        "" => Err(Cause::Other(
            "npm does not say which version is the latest".into(),
        )),
        version => Ok(version.to_owned()),
    }
}

/// A wheel as the host's pip gets it. An archive of sources pip would run to learn what it is.
pub(super) fn pip(file: &PypiFile, scratch: &Path) -> std::result::Result<TempPath, Cause> {
    let exactly = format!("{}=={}", file.project, file.version);
    download(pip_download(file, &exactly)?, Place::Pypi, scratch)
}

/// The name of the wheel that the host's pip gets when it is not told a version.
pub(super) fn pip_latest(file: &PypiFile, scratch: &Path) -> std::result::Result<String, Cause> {
    let (folder, _) = run(pip_download(file, &file.project)?, Place::Pypi, scratch)?;
    let file = only_entry(folder.path())?;
    Ok(file
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned())
}

fn pip_download(file: &PypiFile, what: &str) -> std::result::Result<Command, Cause> {
    let Some(wheel) = &file.wheel else {
        return Err(missing(Place::Pypi, "this host's pip gives wheels only"));
    };
    let split = wheel.python.find(|one: char| one.is_ascii_digit());
    let (implementation, version) = wheel.python.split_at(split.unwrap_or(wheel.python.len()));
    let mut command = Command::new("python3");
    command.args([
        "-m",
        "pip",
        "download",
        "--quiet",
        "--no-input",
        "--disable-pip-version-check",
    ]);
    command.args([
        "--no-deps",
        "--ignore-requires-python",
        "--only-binary=:all:",
    ]);
    command.args([
        "--implementation",
        implementation,
        "--python-version",
        version,
    ]);
    command.args(["--abi", &wheel.abi, "--platform", &wheel.platform]);
    command.arg(what);
    Ok(command)
}

/// Runs a client in an empty folder; the one file that it leaves there.
fn download(
    command: Command,
    place: Place,
    scratch: &Path,
) -> std::result::Result<TempPath, Cause> {
    let (folder, _) = run(command, place, scratch)?;
    Ok(apt::take(&only_entry(folder.path())?, scratch)?)
}

/// Runs a client in an empty folder; that, and what it said on standard output.
fn run(
    mut command: Command,
    place: Place,
    scratch: &Path,
) -> std::result::Result<(TempDir, String), Cause> {
    let folder = tempfile::Builder::new()
        .prefix("client-")
        .tempdir_in(scratch)
        .map_err(Error::io("write in", scratch))?;
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command
        .env("LC_ALL", "C.UTF-8")
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .output();
    let output = match output {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(missing(place, &format!("this host has no {program}")));
        }
        output => output.map_err(Error::io("run", Path::new(&program)))?,
    };
    let log = String::from_utf8_lossy(&output.stderr);
    if log.contains("No module named pip") {
        return Err(missing(place, "this host's python3 has no pip"));
    }
    if !output.status.success() {
        let client = match place {
            Place::Pypi => "pip",
            _ => "npm",
        };
        return Err(Cause::Client {
            client,
            words: complaints(&log),
        });
    }
    Ok((folder, String::from_utf8_lossy(&output.stdout).into_owned()))
}

fn only_entry(folder: &Path) -> Result<PathBuf> {
    let mut files = std::fs::read_dir(folder).map_err(Error::io("read", folder))?;
    let file = files
        .next()
        .unwrap_or_else(|| Err(std::io::ErrorKind::NotFound.into()))
        .map_err(Error::io("find the download in", folder))?;
    Ok(file.path())
}

fn missing(place: Place, why: &str) -> Cause {
    Cause::Mirror(Box::new(Error::NoPlace {
        place,
        why: why.to_owned(),
    }))
}
