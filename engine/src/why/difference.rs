//! What differs between two actions, in the words of recipes. A pure comparison: it knows neither history nor graph.

use std::collections::{BTreeMap, BTreeSet};

use pwb_cache::{Digest, Feed, PathChange, Store};

use super::manifest::{Manifest, Trees};
use super::paths::compare;
use crate::error::Result;

/// The setting that has a root's layers in their order.
const LAYERS: &str = "layers";
const SEPARATOR: &str = ", ";

/// What differs between two actions.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Difference {
    /// Options that the node or what it is made from uses.
    pub options: BTreeMap<String, Change>,
    /// The command's arguments, all of the old ones and all of the new ones.
    pub arguments: Option<(Vec<String>, Vec<String>)>,
    /// Environment variables.
    pub environment: BTreeMap<String, Change>,
    /// All else that a recipe or pwb says of it, by what it is: `working directory`, `pin`, `link /bin`.
    pub settings: BTreeMap<String, Change>,
    /// What it is fed.
    pub inputs: Vec<InputChange>,
}

/// A value that differs.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Change {
    /// What it was; `None` if it was not there.
    pub old: Option<String>,
    /// What it is; `None` if it is no longer there.
    pub new: Option<String>,
}

/// An input that differs, or that was made anew.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct InputChange {
    /// Where it is fed.
    pub place: Place,
    /// What fed it.
    pub old: Option<Feed>,
    /// What feeds it.
    pub new: Option<Feed>,
    /// What differs in it.
    pub fed: Fed,
}

/// Where an input is fed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Place {
    /// As the root that a command runs in.
    Root,
    /// Mounted here, from the root.
    Mount(String),
    /// As a layer of a root.
    Layer,
}

/// What differs in an input.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Fed {
    /// It was not there.
    Added,
    /// It is no longer there.
    Removed,
    /// These paths.
    Paths(Vec<PathChange>),
    /// Something that the store can no longer tell: its directories are gone.
    Forgotten,
    /// Nothing, although another action has made it.
    Same,
}

impl Difference {
    /// Compares two actions. `unsaved` has the messages of the new one if it has not run.
    pub fn between(
        store: &Store,
        old: &Manifest,
        new: &Manifest,
        unsaved: &[(Digest, Vec<u8>)],
    ) -> Result<Difference> {
        let is_command = !new.action.arguments.iter().any(|first| is_builtin(first));
        let arguments = (&old.action.arguments, &new.action.arguments);
        let options = if old.has_lineage() && new.has_lineage() {
            changes(&old.lineage.options, &new.lineage.options)
        } else {
            BTreeMap::new()
        };
        Ok(Difference {
            options,
            arguments: (is_command && arguments.0 != arguments.1)
                .then(|| (arguments.0.clone(), arguments.1.clone())),
            environment: changes(&old.action.environment, &new.action.environment),
            settings: {
                let mut settings = changes(&settings(old), &settings(new));
                settings.retain(|what, change| what != LAYERS || is_another_order(change));
                settings
            },
            inputs: inputs(&Trees::new(store, unsaved), old, new)?,
        })
    }

    /// Whether the keys can be told apart by it: inputs that were made anew and are the same make no other key.
    pub fn is_empty(&self) -> bool {
        self.arguments.is_none()
            && self.environment.is_empty()
            && self.settings.is_empty()
            && self.inputs.iter().all(|input| input.fed == Fed::Same)
    }
}

impl InputChange {
    /// What feeds it, or what did if nothing does.
    pub fn feed(&self) -> Option<&Feed> {
        self.new.as_ref().or(self.old.as_ref())
    }
}

fn changes(
    old: &BTreeMap<String, String>,
    new: &BTreeMap<String, String>,
) -> BTreeMap<String, Change> {
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let change = |name: &String| Change {
        old: old.get(name).cloned(),
        new: new.get(name).cloned(),
    };
    names
        .into_iter()
        .map(|name| (name.clone(), change(name)))
        .filter(|(_, change)| change.old != change.new)
        .collect()
}

/// Layers that are new or gone are inputs' business.
fn is_another_order(change: &Change) -> bool {
    let layers = |text: &Option<String>| -> BTreeSet<String> {
        let text = text.iter().flat_map(|text| text.split(SEPARATOR));
        text.map(str::to_owned).collect()
    };
    layers(&change.old) == layers(&change.new)
}

fn is_builtin(argument: &str) -> bool {
    argument.starts_with("pwb:")
}

/// What an action has besides arguments, environment and inputs; the arguments of what pwb does itself are such too.
fn settings(manifest: &Manifest) -> BTreeMap<String, String> {
    let action = &manifest.action;
    let mut found = BTreeMap::new();
    let mut add = |what: String, value: String| drop(found.insert(what, value));
    for (name, value) in &action.platform {
        add(format!("platform {name}"), value.clone());
    }
    if let Some(limit) = action.timeout {
        add("timeout".into(), format!("{} s", limit.as_secs_f64()));
    }
    for output in &action.outputs {
        add(format!("output /{output}"), String::new());
    }
    match action
        .arguments
        .iter()
        .map(String::as_str)
        .collect::<Vec<_>>()[..]
    {
        ["pwb:fetch", pin, unpack, ref from @ ..] => {
            add("pin".into(), pin.into());
            add("unpack".into(), unpack.into());
            add("from".into(), from.join(" "));
        }
        ["pwb:root", ref parts @ ..] => {
            for part in parts {
                let (what, value) = root_part(manifest, part);
                add(what, value);
            }
            let layers: Vec<String> = manifest.lineage.feeds.iter().map(name).collect();
            add(LAYERS.into(), layers.join(SEPARATOR));
        }
        _ => add(
            "working directory".into(),
            format!("/{}", action.working_directory),
        ),
    }
    found
}

/// An argument of `pwb:root`: `link PATH\nTARGET`, `file PATH DIGEST`, `drop PATH`, `wins PATH LAYER`.
fn root_part(manifest: &Manifest, part: &str) -> (String, String) {
    let split = part.split_once('\n').or_else(|| part.rsplit_once(' '));
    match split {
        Some((what, place)) if what.starts_with("wins ") => {
            let mut feeds = manifest.lineage.feeds.iter();
            let layer = feeds.find(|feed| feed.mount == place).map(name);
            (what.to_owned(), layer.unwrap_or_else(|| place.to_owned()))
        }
        Some((what, value)) if what.contains(' ') => (what.to_owned(), value.to_owned()),
        _ => (part.to_owned(), String::new()),
    }
}

/// `recipe/node:/path`, as a recipe refers to it.
fn name(feed: &Feed) -> String {
    match &*feed.path {
        "" => feed.node.clone(),
        path => format!("{}:/{path}", feed.node),
    }
}

fn inputs(trees: &Trees<'_>, old: &Manifest, new: &Manifest) -> Result<Vec<InputChange>> {
    // A mount point names an input of a command; a layer's is a mere number, and a layer is who it is.
    let by_mount = !new.action.arguments.iter().any(|first| first == "pwb:root");
    let label = |feed: &Feed| {
        if by_mount {
            feed.mount.clone()
        } else {
            name(feed)
        }
    };
    let named = |feeds: &[Feed]| -> BTreeMap<String, Feed> {
        feeds
            .iter()
            .map(|feed| (label(feed), feed.clone()))
            .collect()
    };
    let news = named(&new.lineage.feeds);
    // What an older pwb ran is taken to have been fed by the same nodes.
    let olds = if old.has_lineage() {
        named(&old.lineage.feeds)
    } else {
        let keyless = |feed: &Feed| Feed::new(&feed.mount, &feed.node, &feed.path, None);
        news.iter()
            .map(|(label, feed)| (label.clone(), keyless(feed)))
            .collect()
    };
    // Grafting made the directories on the way to mount points and to the working directory.
    let directories = [&old.action.working_directory, &new.action.working_directory];
    let mounts = olds.values().chain(news.values()).map(|feed| &*feed.mount);
    let skip: BTreeSet<&str> = mounts
        .chain(directories.map(|path| path.as_str()))
        .filter(|path| !path.is_empty())
        .collect();

    let labels: BTreeSet<&String> = olds.keys().chain(news.keys()).collect();
    let mut found = Vec::new();
    for label in labels {
        let (old_feed, new_feed) = (olds.get(label), news.get(label));
        let fed = match (old_feed, new_feed) {
            (None, _) => Fed::Added,
            (_, None) => Fed::Removed,
            (Some(before), Some(after)) => {
                let old_tree = trees.subtree(old.action.input_root, &before.mount)?;
                let new_tree = trees.subtree(new.action.input_root, &after.mount)?;
                let skip = match &*after.mount {
                    "" => &skip,
                    _ => &BTreeSet::new(),
                };
                let paths = match (old_tree, new_tree) {
                    (Some(old), Some(new)) => compare(trees, old, new, skip)?,
                    _ => None,
                };
                let made_anew = before.key().is_some() && before.key() != after.key();
                match paths {
                    None => Fed::Forgotten,
                    Some(paths) if !paths.is_empty() => Fed::Paths(paths),
                    Some(_) if made_anew && after.key().is_some() => Fed::Same,
                    Some(_) => continue,
                }
            }
        };
        let place = match &**label {
            _ if !by_mount => Place::Layer,
            "" => Place::Root,
            mount => Place::Mount(mount.to_owned()),
        };
        found.push(InputChange {
            place,
            old: old_feed.cloned(),
            new: new_feed.cloned(),
            fed,
        });
    }
    Ok(found)
}

#[cfg(test)]
mod tests;
