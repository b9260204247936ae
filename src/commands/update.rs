//! `pwb update`: newer versions of what recipes pin, written into them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::ExitCode;

use indicatif::ProgressBar;
use pwb_engine::fetch::{self, Fetcher, Mirror, Newest};
use pwb_engine::recipe::{Debian, Library, Lock, Node, NodeKind, NodeName, Wanted};
use pwb_engine::{Error, Store};

use super::say;
use crate::changes::Changes;
use crate::cli::{Cli, Update};
use crate::context::Context;
use crate::edit;
use crate::progress::Ticker;
use crate::report::Failure;

pub fn run(cli: &Cli, arguments: &Update) -> Result<ExitCode, Failure> {
    let context = Context::new(cli)?;
    let Some(folder) = context.recipes.clone() else {
        return Err(Failure::new(
            "the recipes are those built in, which nobody can change",
            "name a folder of recipes: --recipes DIR",
        ));
    };
    let library = context.library()?;
    let nodes = nodes(&library, &arguments.nodes)?;
    let store = context.store()?;
    let mut update = Changes::new(&library);
    // Only a terminal sees it: some wait for a server, some for apt.
    let asking = ProgressBar::new_spinner();
    let ticker = Ticker::start();
    ticker.add(&asking);

    let fetcher = fetcher(&context, &store)?;
    for node in &nodes {
        let NodeKind::Fetch(fetch) = &node.kind else {
            continue;
        };
        asking.set_message(node.name.to_string());
        match fetcher.newest(fetch).map_err(Error::Fetch)? {
            Newest::Unknown => update.unknown.push(node.name.to_string()),
            Newest::Same(_) => update.current += 1,
            Newest::Newer(newer) => update.fetch(node, fetch, &newer),
        }
    }
    let lists = store.session()?.folder("lock")?;
    for (path, roots) in locks(&library, &nodes) {
        if let Some(first) = roots.first() {
            asking.set_message(path.to_owned());
            let lock = lock(&context, &lists, first, &roots)?;
            update.lock(path, &first.lock, &lock);
        }
    }

    asking.finish_and_clear();

    // All or nothing: whatever fails has failed before the first file is written.
    let files = update.apply(&context.files)?;
    if !arguments.dry_run {
        for (path, text) in &files {
            edit::replace(&folder.join(path), text)?;
        }
    }
    match arguments.json {
        true => say(update.json()),
        false => update.lines(arguments.dry_run).iter().for_each(say),
    }
    Ok(ExitCode::SUCCESS)
}

/// The nodes that are asked for; all that pin something, where none is.
fn nodes<'a>(library: &'a Library, names: &[String]) -> Result<Vec<&'a Node>, Failure> {
    let pins = |node: &&Node| matches!(node.kind, NodeKind::Fetch(_)) || debian(node).is_some();
    if names.is_empty() {
        return Ok(library.nodes().filter(pins).collect());
    }
    let node = |name: &String| match library.wanted(name).map_err(Error::Recipe)? {
        Wanted::Node(node) if pins(&node) => Ok(node),
        _ => Err(Failure::new(
            format!("`{name}` pins nothing: a Fetch does, and a Root of Debian packages"),
            "name nodes in full: recipe/node",
        )),
    };
    names.iter().map(node).collect()
}

fn fetcher(context: &Context, store: &Store) -> Result<Fetcher, Failure> {
    let settings = fetch::Settings {
        scratch: store.session()?.folder("update")?,
        places: context.config.places(),
        offline: false,
        timeouts: fetch::Timeouts::default(),
    };
    Ok(Fetcher::new(settings))
}

/// The lock files of these nodes, each with all roots that share it.
fn locks<'a>(library: &'a Library, nodes: &[&Node]) -> BTreeMap<&'a str, Vec<&'a Debian>> {
    let asked: BTreeSet<&NodeName> = nodes.iter().map(|node| &node.name).collect();
    let mut locks: BTreeMap<&str, Vec<&Debian>> = BTreeMap::new();
    let mut wanted = BTreeSet::new();
    for node in library.nodes() {
        if let Some(debian) = debian(node) {
            let path = debian.lock_path.value.as_str();
            locks.entry(path).or_default().push(debian);
            if asked.contains(&node.name) {
                wanted.insert(path);
            }
        }
    }
    locks.retain(|path, _| wanted.contains(path));
    locks
}

fn debian(node: &Node) -> Option<&Debian> {
    match &node.kind {
        NodeKind::Root(root) => root.debian.as_ref(),
        _ => None,
    }
}

/// The packages of roots that share a lock file, as they are now. `lists` is a folder for what apt knows.
fn lock(
    context: &Context,
    lists: &Path,
    first: &Debian,
    roots: &[&Debian],
) -> Result<Lock, Failure> {
    let want = roots.iter().flat_map(|debian| &debian.want);
    let want: BTreeSet<String> = want.map(|name| name.value.clone()).collect();
    let want: Vec<String> = want.into_iter().collect();
    let (suite, architecture) = (&first.suite.value, &first.architecture.value);
    let mirror = Mirror::discover(context.config.debian_mirror.as_deref()).map_err(Error::Fetch)?;
    // apt's lists of one suite serve all its lock files.
    let lists = lists.join(format!("{suite}-{architecture}"));
    pwb_cache::fs::create_dir_all(&lists)?;
    Ok(fetch::closure(&mirror, suite, architecture, &want, &lists).map_err(Error::Fetch)?)
}
