//! `pwb diff`: what differs between two results.

use std::process::ExitCode;

use pwb_cache::{Entry, PathChange};
use pwb_engine::Store;
use serde_json::Value;

use super::say;
use crate::artifact::Artifacts;
use crate::cli::{Cli, Diff};
use crate::comparison::{compare, summary};
use crate::report::Failure;

pub fn run(cli: &Cli, arguments: &Diff) -> Result<ExitCode, Failure> {
    let artifacts = Artifacts::begin(cli, &arguments.options, &arguments.sharing)?;
    let store = &artifacts.store;
    let old = artifacts.find(&arguments.old)?;
    let new = artifacts.find(&arguments.new)?;
    let compared = compare(store, changes(store, arguments, old, new)?, !arguments.stat)?;
    if arguments.json {
        say(Value::Array(
            compared.iter().map(|one| one.to_json()).collect(),
        ));
    } else if !compared.is_empty() {
        compared.iter().flat_map(|one| one.lines()).for_each(say);
        say(summary(&compared));
    }
    Ok(match compared.is_empty() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

fn changes(
    store: &Store,
    arguments: &Diff,
    old: Entry,
    new: Entry,
) -> Result<Vec<PathChange>, Failure> {
    if let (Entry::Directory(old), Entry::Directory(new)) = (&old, &new) {
        store.bring_directories(&[*old, *new])?;
        return Ok(store.changes(*old, *new)?);
    }
    if old == new {
        return Ok(Vec::new());
    }
    Ok(vec![PathChange {
        path: arguments.new.clone(),
        old: Some(old),
        new: Some(new),
    }])
}
