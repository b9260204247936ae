//! `pwb ls`: what is in a result, read from its directories alone.

use std::collections::BTreeMap;
use std::process::ExitCode;

use pwb_cache::Entry;
use serde_json::{Value, json};

use super::say;
use crate::artifact::Artifacts;
use crate::cli::{Cli, Ls};
use crate::paths::entry_to_json;
use crate::report::Failure;

pub fn run(cli: &Cli, arguments: &Ls) -> Result<ExitCode, Failure> {
    let artifacts = Artifacts::begin(cli, &arguments.options, &arguments.sharing)?;
    let store = &artifacts.store;
    let text = &arguments.artifact;
    let entries = match artifacts.find(text)? {
        Entry::Directory(tree) if arguments.recursive => {
            store.bring_directories(&[tree])?;
            store.entries(tree)?
        }
        Entry::Directory(tree) => store.directory(tree)?.entries,
        other => BTreeMap::from([(text.clone(), other)]),
    };
    if arguments.json {
        let entry = |(path, entry): (&String, &Entry)| {
            let mut object = entry_to_json(entry);
            object["path"] = json!(path);
            object
        };
        say(Value::Array(entries.iter().map(entry).collect()));
    } else if arguments.long {
        let size = |entry: &Entry| match entry {
            Entry::File { digest, .. } => digest.size().to_string(),
            _ => String::new(),
        };
        let width = entries.values().map(|entry| size(entry).len()).max();
        let width = width.unwrap_or(0);
        for (path, entry) in &entries {
            let (kind, digest) = (letter(entry), short(entry));
            let (size, name) = (size(entry), name(path, entry));
            let target = match entry {
                Entry::Symlink(target) => format!(" -> {target}"),
                _ => String::new(),
            };
            say(format_args!(
                "{kind}  {size:>width$}  {digest:16}  {name}{target}"
            ));
        }
    } else {
        for (path, entry) in &entries {
            say(name(path, entry));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn letter(entry: &Entry) -> char {
    match entry {
        Entry::File {
            executable: false, ..
        } => '-',
        Entry::File {
            executable: true, ..
        } => 'x',
        Entry::Directory(_) => 'd',
        Entry::Symlink(_) => 'l',
    }
}

/// The beginning of its digest, long enough to name it.
fn short(entry: &Entry) -> String {
    let digest = match entry {
        Entry::File { digest, .. } => *digest,
        Entry::Directory(tree) => tree.digest(),
        Entry::Symlink(_) => return String::new(),
    };
    digest.hex()[..16].to_owned()
}

/// `lib/`, `README`
fn name(path: &str, entry: &Entry) -> String {
    match entry {
        Entry::Directory(_) => format!("{path}/"),
        _ => path.to_owned(),
    }
}
