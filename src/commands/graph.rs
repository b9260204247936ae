//! `pwb graph`: the graph in a notation that other tools draw.

use std::process::ExitCode;

use pwb_engine::{StepId, Work};
use serde_json::json;

use super::say;
use crate::cli::{Cli, Format, Graph};
use crate::context::Context;
use crate::report::Failure;

pub fn run(cli: &Cli, arguments: &Graph) -> Result<ExitCode, Failure> {
    let context = Context::new(cli)?;
    let library = context.library()?;
    let graph = context.graph(
        &library,
        std::slice::from_ref(&arguments.name),
        &arguments.options,
    )?;
    let drawn = |step: StepId| {
        arguments.packages || !matches!(graph.steps[step].work, Work::Fetch { size: Some(_), .. })
    };
    let nodes: Vec<(StepId, &str)> = graph
        .steps
        .node_indices()
        .filter(|&step| drawn(step))
        .map(|step| {
            let shape = match graph.steps[step].work {
                Work::Fetch { .. } => "fetch",
                Work::Source { .. } => "source",
                Work::Root { .. } => "root",
                Work::Run { .. } => "run",
            };
            (step, shape)
        })
        .collect();
    let edges: Vec<(StepId, StepId)> = graph
        .steps
        .edge_indices()
        .filter_map(|edge| graph.steps.edge_endpoints(edge))
        .filter(|&(from, to)| drawn(from) && drawn(to))
        .collect();

    match arguments.format {
        Format::Dot => {
            say("digraph {\n    rankdir=LR;\n    node [shape=box];");
            for (step, kind) in nodes {
                say(format_args!(
                    "    n{} [label=\"{}\\n{kind}\"];",
                    step.index(),
                    graph.name(step)
                ));
            }
            for (from, to) in edges {
                say(format_args!("    n{} -> n{};", from.index(), to.index()));
            }
            say("}");
        }
        Format::Mermaid => {
            say("flowchart LR");
            for (step, kind) in nodes {
                say(format_args!(
                    "    n{}[\"{} ({kind})\"]",
                    step.index(),
                    graph.name(step)
                ));
            }
            for (from, to) in edges {
                say(format_args!("    n{} --> n{}", from.index(), to.index()));
            }
        }
        Format::Json => {
            let nodes: Vec<_> = nodes
                .iter()
                .map(|&(step, kind)| json!({"name": graph.name(step), "kind": kind}))
                .collect();
            let edges: Vec<_> = edges
                .iter()
                .map(|&(from, to)| json!({"from": graph.name(from), "to": graph.name(to)}))
                .collect();
            say(json!({"nodes": nodes, "edges": edges}));
        }
    }
    Ok(ExitCode::SUCCESS)
}
