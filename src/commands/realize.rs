//! `pwb realize`: results on standard output, a path a line; everything else on standard error.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use pwb_engine::{Realized, Store};

use super::{dry_run, rerun, say};
use crate::cli::{Cli, Options, Realize};
use crate::context::Context;
use crate::making::Making;
use crate::report::Failure;

pub fn run(cli: &Cli, arguments: &Realize) -> Result<ExitCode, Failure> {
    let making = Making::begin(cli, &arguments.options, &arguments.building)?;
    let (context, store) = (&making.context, &making.store);
    if arguments.dry_run {
        return dry_run::run(context, store, arguments);
    }
    if arguments.rerunning.check {
        return rerun::run(&making, arguments);
    }
    let wanted = arguments.building.wanted();
    // What is here may not be in the shared cache yet, and what is written down is all that happened.
    let results = match store.shares() || wanted.any() {
        true => None,
        false => unchanged(context, store, &arguments.names, &arguments.options)?,
    };
    let results = match results {
        Some(results) => results,
        None => realize(&making, arguments)?,
    };
    for (name, result) in arguments.names.iter().zip(&results) {
        if let Some(out) = &arguments.out {
            let out = out_link(out, name, arguments.names.len());
            link(&out, &result.path)?;
            // What the user has a link to is not garbage.
            if !store.put_root(&out, result.tree)? {
                let message = format!("{name} was collected as garbage in this very moment");
                return Err(Failure::new(message, "run the command again"));
            }
        }
        // There they are among the events.
        if !wanted.events_on_stdout() {
            say(result.path.display());
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The results of requests that were answered before and of which nothing has changed since.
fn unchanged(
    context: &Context,
    store: &Store,
    names: &[String],
    options: &Options,
) -> Result<Option<Vec<Realized>>, Failure> {
    if !options.overrides.is_empty() || context.project.has_overrides() {
        return Ok(None);
    }
    let answer = |name: &String| pwb_engine::remembered(store, context.identity(name, options));
    Ok(names
        .iter()
        .map(answer)
        .collect::<Result<Option<Vec<_>>, _>>()?)
}

fn realize(making: &Making<'_>, arguments: &Realize) -> Result<Vec<Realized>, Failure> {
    let (context, store) = (&making.context, &making.store);
    let graph = making.graph(&arguments.names)?;
    let results = making.realize_graph(&arguments.names, &graph)?;
    if !graph.has_folders() {
        for (name, result) in arguments.names.iter().zip(&results) {
            store.put_realization(context.identity(name, &arguments.options), result.tree)?;
        }
    }
    Ok(results)
}

fn out_link(out: &Path, name: &str, of: usize) -> PathBuf {
    if of == 1 {
        return out.to_owned();
    }
    let mut link = out.as_os_str().to_owned();
    link.push(format!("-{}", name.replace('/', "-")));
    link.into()
}

/// Makes or replaces the link; anything else that is there stays.
fn link(link: &Path, target: &Path) -> Result<(), Failure> {
    let failed = |error| {
        Failure::Message(
            format!("cannot make the link {}: {error}", link.display()),
            None,
        )
    };
    if link.is_symlink() {
        std::fs::remove_file(link).map_err(failed)?;
    }
    symlink(target, link).map_err(failed)
}
