//! `pwb realize`: results on standard output, a path a line; everything else on standard error.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use pwb_engine::{Realized, Store, Work};

use super::{dry_run, say};
use crate::cli::{Cli, Options, Realize};
use crate::context::Context;
use crate::progress::Progress;
use crate::report::Failure;

pub fn run(cli: &Cli, arguments: &Realize) -> Result<ExitCode, Failure> {
    let context = Context::new(cli)?;
    let progress = Arc::new(Progress::new());
    let store = context.shared_store(&arguments.building.sharing(), &progress)?;
    if arguments.dry_run {
        return dry_run::run(&context, &store, arguments);
    }
    let results = match unchanged(&context, &store, &arguments.names, &arguments.options)? {
        // What is here may not be there yet.
        Some(results) if !store.shares() => results,
        _ => realize(&context, &store, arguments, &progress)?,
    };
    for (name, result) in arguments.names.iter().zip(&results) {
        if let Some(out) = &arguments.out {
            link(&out_link(out, name, arguments.names.len()), &result.path)?;
        }
        say(result.path.display());
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

fn realize(
    context: &Context,
    store: &Store,
    arguments: &Realize,
    progress: &Progress,
) -> Result<Vec<Realized>, Failure> {
    let library = context.library()?;
    let graph = context.graph(&library, &arguments.names, &arguments.options)?;
    let outcome = pwb_engine::realize(
        store,
        &graph,
        &context.settings(&arguments.building),
        &|event| progress.tell(event),
    );
    progress.finish();
    let results = outcome?;
    if !graph
        .steps
        .node_weights()
        .any(|step| matches!(step.work, Work::Source { .. }))
    {
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
