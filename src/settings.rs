//! All settings, their values, and where each comes from: the defaults, the file, the environment, the command line, in rising
//! order of weight. Beside them what `pwb.ron` says.

use std::collections::BTreeSet;
use std::env;

use clap::ArgMatches;
use clap::parser::ValueSource;
use serde_json::{Map, Value, json};

use crate::cli::{Cli, Sharing};
use crate::config::{self, Config};
use crate::project::Project;
use crate::report::Failure;

/// What stands in the place of a secret.
const HIDDEN: &str = "(hidden)";

/// The settings that a variable goes before, and the flag that goes before that.
const VARIABLES: [(&str, &str, Option<&str>); 9] = [
    ("debian_mirror", "PWB_DEBIAN_MIRROR", None),
    ("npm_registry", "PWB_NPM_REGISTRY", None),
    ("pypi_index", "PWB_PYPI_INDEX", None),
    ("recipes", "PWB_RECIPES", Some("recipes")),
    (
        "remote.execute",
        "PWB_REMOTE_EXECUTE",
        Some("remote_execute"),
    ),
    ("remote.token", "PWB_REMOTE_TOKEN", None),
    ("remote.upload", "PWB_REMOTE_UPLOAD", Some("remote_upload")),
    ("remote.url", "PWB_REMOTE", Some("remote")),
    ("store", "PWB_STORE", Some("store")),
];

/// A setting as it is now.
pub struct Setting {
    /// As in `remote.url`.
    pub key: String,
    pub value: Value,
    /// `default`, a file, a `$VARIABLE` or a `--flag`.
    pub from: String,
    /// The variable that sets it.
    pub variable: Option<&'static str>,
}

/// All settings, by key.
pub fn all(cli: &Cli, sharing: &Sharing) -> Result<Vec<Setting>, Failure> {
    let config = config::read()?;
    let file = config::file().filter(|path| path.exists());
    let said = Said {
        matches: Cli::matches(),
        named: match &file {
            Some(path) => config::named(path)?,
            None => BTreeSet::new(),
        },
        file: file.map_or_else(String::new, |path| path.display().to_string()),
        executes: sharing.remote_execute,
    };
    let mut settings: Vec<Setting> = values(&config, cli, sharing)?
        .into_iter()
        .map(|(key, value)| Setting {
            from: said.from(&key),
            variable: variable(&key).map(|(variable, _)| variable),
            key,
            value,
        })
        .collect();
    let project = Project::find()?;
    let path = project.path().map(|path| path.display().to_string());
    for (key, value) in project.said() {
        settings.push(Setting {
            key,
            value: value.into(),
            from: path.clone().unwrap_or_default(),
            variable: None,
        });
    }
    Ok(settings)
}

/// The values that count.
fn values(config: &Config, cli: &Cli, sharing: &Sharing) -> Result<Map<String, Value>, Failure> {
    let failed = |error| Failure::Message(format!("cannot print the settings: {error}"), None);
    let mut values = Map::new();
    for (key, value) in sections(serde_json::to_value(config).map_err(failed)?) {
        values.insert(key, value);
    }
    let mut set = |key: &str, value: Value| values.insert(key.to_owned(), value);
    set("store", json!(config.store(cli.store.as_deref())?));
    set("recipes", json!(cli.recipes));
    if config.jobs.is_none() {
        set("jobs", json!(config::cores()));
    }
    let remote = &config.remote;
    set("remote.url", json!(remote.url(sharing)));
    set("remote.upload", json!(remote.upload(sharing)));
    set("remote.execute", json!(remote.executes(sharing)));
    let token = env::var("PWB_REMOTE_TOKEN").is_ok_and(|token| !token.is_empty());
    set("remote.token", json!(token.then_some(HIDDEN)));
    let headers = remote.headers.keys();
    set(
        "remote.headers",
        headers.map(|name| (name.clone(), json!(HIDDEN))).collect(),
    );
    Ok(values)
}

/// The keys of a value, those of its sections behind the section's name.
fn sections(value: Value) -> Vec<(String, Value)> {
    let mut all = Vec::new();
    let Value::Object(top) = value else {
        return all;
    };
    for (key, value) in top {
        match value {
            Value::Object(section) => {
                let within = section.into_iter();
                all.extend(within.map(|(name, value)| (format!("{key}.{name}"), value)));
            }
            value => all.push((key, value)),
        }
    }
    all
}

fn variable(key: &str) -> Option<(&'static str, Option<&'static str>)> {
    let mut all = VARIABLES.into_iter();
    let (_, variable, flag) = all.find(|(of, ..)| *of == key)?;
    Some((variable, flag))
}

/// Who said something.
struct Said {
    matches: ArgMatches,
    /// The keys that the file has.
    named: BTreeSet<String>,
    file: String,
    /// Whether the command line or the environment wants workers: neither can say that it does not.
    executes: bool,
}

impl Said {
    fn from(&self, key: &str) -> String {
        if let Some(from) = self.outside(key) {
            return from;
        }
        match self.named.contains(key) {
            true => self.file.clone(),
            false => "default".to_owned(),
        }
    }

    fn outside(&self, key: &str) -> Option<String> {
        let (variable, flag) = variable(key)?;
        if key == "remote.execute" && !self.executes {
            return None;
        }
        let Some(flag) = flag else {
            let set = env::var_os(variable).is_some_and(|value| !value.is_empty());
            return set.then(|| format!("${variable}"));
        };
        let matches = self
            .matches
            .subcommand()
            .map_or(&self.matches, |(_, below)| below);
        match matches.value_source(flag)? {
            ValueSource::CommandLine => Some(format!("--{}", flag.replace('_', "-"))),
            ValueSource::EnvVariable => Some(format!("${variable}")),
            _ => None,
        }
    }
}
