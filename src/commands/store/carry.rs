//! `pwb store export` and `pwb store import`: results as one file, for a machine that no network reaches.

use std::process::ExitCode;

use pwb_engine::{Known, Plan, StepId};
use pwb_remote::archive::{self, Carried, Contents};

use crate::cli::{Cli, StoreExport, StoreImport};
use crate::commands::say;
use crate::context::Context;
use crate::report::Failure;
use crate::units::{bytes, many};

pub fn export(cli: &Cli, arguments: &StoreExport) -> Result<ExitCode, Failure> {
    let context = Context::new(cli)?;
    if arguments.output.exists() {
        let message = format!("{} is there already", arguments.output.display());
        return Err(Failure::new(message, "name another file, or remove it"));
    }
    let store = context.store()?;
    let library = context.library()?;
    let graph = context.graph(&library, &arguments.names, &arguments.options)?;
    let plan = pwb_engine::plan(&store, &graph)?;
    let goals: Vec<StepId> = graph.goals.iter().map(|goal| goal.step).collect();
    for (goal, name) in goals.iter().zip(&arguments.names) {
        if carried(&plan, *goal, true).is_none() {
            return Err(Failure::new(
                format!("`{name}` is not in the store as a result"),
                format!("pwb realize {name}"),
            ));
        }
    }
    let steps = graph.steps.node_indices();
    let all: Vec<Carried> = steps
        .filter_map(|step| carried(&plan, step, arguments.inputs || goals.contains(&step)))
        .collect();
    let remote = &context.config.remote;
    let (signing, trusted) = (remote.signing_key()?, remote.trusted()?);
    let contents = archive::write(&store, &arguments.output, &all, signing.as_ref(), &trusted);
    let contents = contents.inspect_err(|_| {
        // A part of an archive is of no use to anybody.
        let _ = std::fs::remove_file(&arguments.output);
    })?;
    say(format_args!(
        "{}: {}{}",
        arguments.output.display(),
        told(&contents),
        if signing.is_some() { ", signed" } else { "" }
    ));
    Ok(ExitCode::SUCCESS)
}

/// A local folder has no key: whoever has it imports it.
fn carried(plan: &Plan, step: StepId, whole: bool) -> Option<Carried> {
    match (plan.known(step), plan.key(step)) {
        (Known::Tree(_), Some(key)) => Some(Carried { key, whole }),
        _ => None,
    }
}

pub fn import(cli: &Cli, arguments: &StoreImport) -> Result<ExitCode, Failure> {
    let context = Context::new(cli)?;
    let trusted = context.config.remote.trusted()?;
    let contents = archive::read(&context.store()?, &arguments.file, &trusted)?;
    say(format_args!("taken: {}", told(&contents)));
    Ok(ExitCode::SUCCESS)
}

fn told(contents: &Contents) -> String {
    format!(
        "{}, {}, {}",
        many(contents.results, "result"),
        many(contents.files, "file"),
        bytes(contents.bytes)
    )
}
