//! The user's settings: `pwb/config.ron` in `$XDG_CONFIG_HOME` or `~/.config`, and the environment, which goes first.

use std::collections::BTreeSet;
use std::env;
use std::path::{Path, PathBuf};

use pwb_engine::fetch::Places;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::gc::Gc;
use crate::remote::Remote;
use crate::report::Failure;

/// What the file may say.
#[derive(Debug, Default, Deserialize, Serialize)]
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

/// The keys that the file has, as in `remote.url`.
pub fn named(path: &Path) -> Result<BTreeSet<String>, Failure> {
    let mut named = BTreeSet::new();
    for (key, value) in keys(parse(path)?) {
        match value {
            ron::Value::Map(_) => {
                let within = keys(value).into_iter();
                named.extend(within.map(|(name, _)| format!("{key}.{name}")));
            }
            _ => drop(named.insert(key)),
        }
    }
    Ok(named)
}

fn keys(value: ron::Value) -> Vec<(String, ron::Value)> {
    let ron::Value::Map(map) = value else {
        return Vec::new();
    };
    let named = |(key, value)| match key {
        ron::Value::String(key) => Some((key, value)),
        _ => None,
    };
    map.into_iter().filter_map(named).collect()
}

/// How many actions run at once where nobody says it.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

fn parse<T: DeserializeOwned>(path: &Path) -> Result<T, Failure> {
    let text = std::fs::read_to_string(path);
    let text = text.map_err(|error| Failure::io("read", path, &error))?;
    let options =
        ron::Options::default().with_default_extension(ron::extensions::Extensions::IMPLICIT_SOME);
    options.from_str(&text).map_err(|error| {
        let message = format!("{}:{}: {}", path.display(), error.span.start, error.code);
        Failure::new(
            message,
            "it is like (jobs: 4, remote: (url: \"grpc://host:8980\")); docs/config.md has all keys",
        )
    })
}

/// Where the file is, or would be.
pub fn file() -> Option<PathBuf> {
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
