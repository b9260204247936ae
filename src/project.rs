//! `pwb.ron`: the recipes, options and local folders of a piece of work, kept beside it. The command line goes first.

use std::collections::BTreeMap;
use std::env;
use std::path::{Path, PathBuf};

use pwb_engine::recipe::{Diagnostics, Library, NodeName, Wanted};
use ron::extensions::Extensions;
use serde::Deserialize;

use crate::report::Failure;

const NAME: &str = "pwb.ron";

/// What the file of the working directory, or of the nearest folder above it, says.
#[derive(Debug, Default)]
pub struct Project {
    path: PathBuf,
    text: String,
    said: Said,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename = "Project")]
struct Said {
    recipes: Option<PathBuf>,
    #[serde(rename = "override")]
    overrides: BTreeMap<String, PathBuf>,
    set: BTreeMap<String, Value>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "a text or a list of texts")]
enum Value {
    One(String),
    List(Vec<String>),
}

impl Project {
    /// Reads the file; none is an empty one.
    pub fn find() -> Result<Project, Failure> {
        let found = env::current_dir().ok().and_then(|folder| {
            let mut places = folder.ancestors().map(|folder| folder.join(NAME));
            places.find(|path| path.is_file())
        });
        found.map_or_else(|| Ok(Project::default()), Project::read)
    }

    fn read(path: PathBuf) -> Result<Project, Failure> {
        let text = std::fs::read_to_string(&path);
        let text = text.map_err(|error| Failure::io("read", &path, &error))?;
        let options = ron::Options::default().with_default_extension(Extensions::IMPLICIT_SOME);
        let said = options.from_str(&text).map_err(|error| {
            let message = format!("{}:{}: {}", path.display(), error.span.start, error.code);
            Failure::new(
                message,
                r#"it knows recipes, override and set, as (recipes: "recipes", override: {"recipe/node": "../folder"}, set: {"recipe/option": "value"})"#,
            )
        })?;
        Ok(Project { path, text, said })
    }

    /// All of the file; nothing if there is none.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The file, if there is one.
    pub fn path(&self) -> Option<&Path> {
        (!self.text.is_empty()).then_some(&self.path)
    }

    /// Its folder, if there is one.
    pub fn folder(&self) -> Option<&Path> {
        self.path().and_then(Path::parent)
    }

    /// The folder of its recipes, if it has some of its own.
    pub fn recipes(&self) -> Option<PathBuf> {
        Some(self.folder()?.join(self.said.recipes.as_ref()?))
    }

    /// Whether it has local folders.
    pub fn has_overrides(&self) -> bool {
        !self.said.overrides.is_empty()
    }

    /// All that it says: `set.OPTION` and `override.NODE`, with the values as texts.
    pub fn said(&self) -> Vec<(String, String)> {
        let sets = self.said.set.iter().map(|(name, value)| match value {
            Value::One(text) => (format!("set.{name}"), text.clone()),
            Value::List(texts) => (format!("set.{name}"), texts.join(" ")),
        });
        let overrides = self.said.overrides.iter().map(|(name, path)| {
            let path = path.display().to_string();
            (format!("override.{name}"), path)
        });
        sets.chain(overrides).collect()
    }

    /// Its options as `--set` has them.
    pub fn sets(&self) -> Vec<(String, String)> {
        let mut sets = Vec::new();
        for (name, value) in &self.said.set {
            match value {
                Value::One(text) => sets.push((name.clone(), text.clone())),
                Value::List(texts) if texts.is_empty() => sets.push((name.clone(), String::new())),
                Value::List(texts) => {
                    sets.extend(texts.iter().map(|text| (name.clone(), text.clone())));
                }
            }
        }
        sets
    }

    /// Refuses options, and values of theirs, that the recipes do not have.
    pub fn check(&self, library: &Library, wanted: Wanted<'_>) -> Result<(), Failure> {
        for (name, value) in self.sets() {
            self.full(&name, "option")?;
            let set = [(name.clone(), value)];
            let checked = library.values(wanted, &[&set]);
            checked.map_err(|errors| self.at(&name, errors))?;
        }
        Ok(())
    }

    /// Its local folders, absolute, by the nodes whose places they take.
    pub fn overrides(&self, library: &Library) -> Result<BTreeMap<NodeName, PathBuf>, Failure> {
        let folder = self.path.parent().unwrap_or(Path::new(""));
        let mut overrides = BTreeMap::new();
        for (name, path) in &self.said.overrides {
            self.full(name, "node")?;
            let node = library
                .wanted(name)
                .map_err(|errors| self.at(name, errors))?;
            let path = folder.join(path);
            path.metadata().map_err(|error| {
                let message = format!(
                    "{}: cannot override `{name}`: {}: {error}",
                    self.place(name),
                    path.display()
                );
                Failure::new(message, format!("paths in {NAME} start in its own folder"))
            })?;
            overrides.insert(node.reference().node, path);
        }
        Ok(overrides)
    }

    /// A short name would mean another thing for each target.
    fn full(&self, name: &str, what: &str) -> Result<(), Failure> {
        if name.contains('/') {
            return Ok(());
        }
        Err(Failure::new(
            format!("{}: `{name}` is no {what}'s full name", self.place(name)),
            format!("write it with its recipe: \"cpython/{name}\""),
        ))
    }

    fn at(&self, name: &str, errors: Diagnostics) -> Failure {
        let place = self.place(name);
        let mut errors = errors.iter();
        let Some(error) = errors.next() else {
            return Failure::Message(place, None);
        };
        Failure::Message(
            format!("{place}: {}", error.message),
            error.help.first().cloned(),
        )
    }

    /// Where a name stands in the file.
    fn place(&self, name: &str) -> String {
        let at = self.text.find(&format!("\"{name}\"")).unwrap_or_default();
        let before = &self.text[..at];
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
        format!("{}:{line}:{column}", self.path.display())
    }
}
