//! `pwb realize --dry-run`: what would run, and why. Nothing is run.

use std::process::ExitCode;

use pwb_engine::why::explain;
use pwb_engine::{Graph, StepId, Store, Work};

use super::{say, why};
use crate::cli::Realize;
use crate::context::Context;
use crate::progress::mebibytes;
use crate::report::Failure;
use crate::units::many;

pub fn run(context: &Context, store: &Store, arguments: &Realize) -> Result<ExitCode, Failure> {
    let library = context.library()?;
    let graph = context.graph(&library, &arguments.names, &arguments.options)?;
    let plan = pwb_engine::plan(store, &graph)?;
    let steps = || graph.steps.node_indices();
    let is_download = |step: &StepId| matches!(graph.steps[*step].work, Work::Fetch { .. });
    let (downloads, others): (Vec<_>, Vec<_>) = steps()
        .filter(|&step| plan.tree(step).is_none())
        .partition(is_download);
    if !downloads.is_empty() {
        say(format_args!("would fetch  {}", summary(&graph, &downloads)));
    }
    let mut follow = Vec::new();
    for step in others {
        let explanation = explain(store, &graph, &plan, step, None)?;
        let name = graph.name(step);
        if explanation.is_certain() {
            say(format_args!(
                "would run    {name}: {}",
                why::in_short(&explanation)
            ));
        } else {
            follow.push(name);
        }
    }
    if !follow.is_empty() {
        say(format_args!("may follow   {}", follow.join(", ")));
    }
    let nodes = graph.steps.node_count();
    say(format_args!(
        "{} of {nodes} nodes are in the store",
        nodes - plan.to_run()
    ));
    Ok(ExitCode::SUCCESS)
}

/// `3 packages, 1.5 MiB`
fn summary(graph: &Graph, downloads: &[StepId]) -> String {
    let size = |&step: &StepId| match graph.steps[step].work {
        Work::Fetch { size, .. } => size,
        _ => None,
    };
    let known: Vec<u64> = downloads.iter().filter_map(size).collect();
    let unknown = downloads.len() - known.len();
    let mut parts = Vec::new();
    if !known.is_empty() {
        let packages = many(known.len() as u64, "package");
        parts.push(format!("{packages}, {}", mebibytes(known.iter().sum())));
    }
    if unknown > 0 {
        let downloads = many(unknown as u64, "download");
        parts.push(format!("{downloads} of unknown size"));
    }
    parts.join("; ")
}
