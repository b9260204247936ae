//! The user's settings: `pwb/config.ron` in `$XDG_CONFIG_HOME` or `~/.config`, and the environment, which goes first.

use std::env;
use std::path::{Path, PathBuf};

use pwb_engine::fetch::Places;
use serde::Deserialize;

use crate::gc::Gc;
use crate::remote::Remote;
use crate::report::Failure;

/// What the file may say.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where Debian's packages come from: the URL that has `pool/` and `dists/` below it.
    pub debian_mirror: Option<String>,
    /// Where npm's packages come from.
    pub npm_registry: Option<String>,
    /// Where files of PyPI come from: the URL that has projects' pages below it.
    pub pypi_index: Option<String>,
    /// The store's folder.
    pub store: Option<PathBuf>,
    /// Actions at once.
    pub jobs: Option<u16>,
    /// A shared cache.
    pub remote: Remote,
    /// What of the store is kept.
    pub gc: Gc,
}

/// Reads the settings; no file is no settings.
pub fn read() -> Result<Config, Failure> {
    let mut config = match file() {
        Some(path) if path.exists() => parse(&path)?,
        _ => Config::default(),
    };
    for (variable, setting) in [
        ("PWB_DEBIAN_MIRROR", &mut config.debian_mirror),
        ("PWB_NPM_REGISTRY", &mut config.npm_registry),
        ("PWB_PYPI_INDEX", &mut config.pypi_index),
    ] {
        if let Some(url) = env::var(variable).ok().filter(|url| !url.is_empty()) {
            *setting = Some(url);
        }
    }
    Ok(config)
}

impl Config {
    /// Where downloads come from.
    pub fn places(&self) -> Places {
        Places {
            debian: self.debian_mirror.clone(),
            npm: self.npm_registry.clone(),
            pypi: self.pypi_index.clone(),
        }
    }

    /// The store's folder.
    pub fn store(&self, flag: Option<&Path>) -> Result<PathBuf, Failure> {
        let default = || Some(folder("XDG_CACHE_HOME", ".cache")?.join("pwb"));
        flag.map(Path::to_owned)
            .or_else(|| self.store.clone())
            .or_else(default)
            .ok_or_else(|| {
                Failure::new(
                    "there is no place for the store: HOME is not set",
                    "set PWB_STORE to a folder",
                )
            })
    }
}

fn parse(path: &Path) -> Result<Config, Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        Failure::Message(format!("cannot read {}: {error}", path.display()), None)
    })?;
    let options =
        ron::Options::default().with_default_extension(ron::extensions::Extensions::IMPLICIT_SOME);
    options.from_str(&text).map_err(|error| {
        let message = format!("{}:{}: {}", path.display(), error.span.start, error.code);
        Failure::new(
            message,
            "it knows debian_mirror, npm_registry, pypi_index, store, jobs, remote and gc, as (jobs: 4, remote: (url: \"grpc://host:8980\"))",
        )
    })
}

fn file() -> Option<PathBuf> {
    Some(folder("XDG_CONFIG_HOME", ".config")?.join("pwb/config.ron"))
}

fn folder(variable: &str, in_home: &str) -> Option<PathBuf> {
    let set = |name: &str| {
        env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    set(variable).or_else(|| Some(set("HOME")?.join(in_home)))
}
