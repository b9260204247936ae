//! `pwb realize`: results on standard output, a path a line; everything else on standard error.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use pwb_engine::{Memory, Realized};

use super::{dry_run, rerun, say};
use crate::cli::{Cli, Realize};
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
    let results = results(&making, arguments)?;
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

fn results(making: &Making<'_>, arguments: &Realize) -> Result<Vec<Realized>, Failure> {
    let (store, names) = (&making.store, &arguments.names);
    let request = making.context.identity(names, &arguments.options);
    let mut memory = Memory::recall(store, request)?;
    // What is here may not be in the shared cache yet, and what is written down is all that happened.
    if !store.shares()
        && !arguments.building.wanted().any()
        && let Some(results) = memory.answer(store)?
    {
        return Ok(results);
    }
    // With another store behind this one there may be more to find than the last time.
    let graph = match store.has_upstream() {
        true => None,
        false => memory.graph(store)?,
    };
    let graph = match graph {
        Some(graph) => graph,
        // The recipes are not needed any more once there is a graph.
        None => {
            let library = making.context.library()?;
            making.context.graph(&library, names, &arguments.options)?
        }
    };
    making.realize_graph(names, &graph, Some(&memory))
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
