//! `pwb shell`: the sandbox of a node, with a person in it.

use std::env;
use std::process::ExitCode;

use console::style;
use pwb_engine::recipe::Wanted;
use pwb_engine::{Error, Graph, Request, Shell};

use super::run::TERMINAL;
use crate::cli::{self, Cli};
use crate::exit;
use crate::making::Making;
use crate::report::{Failure, note};

pub fn run(cli: &Cli, arguments: &cli::Shell) -> Result<ExitCode, Failure> {
    let making = Making::begin(cli, &arguments.options, &arguments.building)?;
    let library = making.library()?;
    let request = making.request(&arguments.name)?;
    let node = match library.wanted(&arguments.name).map_err(Error::Recipe)? {
        Wanted::Node(node) => &node.name,
        Wanted::Target(target) => &target.node.value.node,
    };
    let node = library
        .node(node)
        .ok_or_else(|| Error::NoCommand(arguments.name.clone()))?;
    // All that it needs, and not itself.
    let needs = node.needs(&request.values).into_iter();
    let needs: Vec<Request> = needs
        .map(|(_, reference)| Request {
            reference: reference.value.clone(),
            values: request.values.clone(),
        })
        .collect();
    let requests = [request];
    let overrides = making.overrides(&requests)?;
    making.realize_graph(&[], &Graph::build(library, &needs, &overrides)?, None)?;

    let graph = Graph::build(library, &requests, &overrides)?;
    let plan = pwb_engine::plan(&making.store, &graph)?;
    let shell = Shell::new(&making.store, &graph, &plan, graph.goals[0].step)?;
    let kept = match arguments.failed {
        false => None,
        true => Some(shell.kept().ok_or_else(|| {
            Failure::new(
                format!(
                    "nothing is kept of a failed run of `{}` as it is now",
                    arguments.name
                ),
                format!("pwb realize {} --keep-failed", arguments.name),
            )
        })?),
    };
    let mut environment: Vec<(String, String)> = TERMINAL
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), env::var(name).ok()?)))
        .collect();
    let command = shell.command().iter().map(|word| quoted(word));
    environment.push(("COMMAND".to_owned(), command.collect::<Vec<_>>().join(" ")));
    let command = arguments.command.clone();
    let argv = match command.is_empty() {
        true => {
            greet(&arguments.name, kept.is_some());
            None
        }
        false => Some(command),
    };
    let ended = shell.enter(argv, environment, kept)?;
    Ok(exit::of_program(ended.status))
}

fn greet(name: &str, failed: bool) {
    let written = match failed {
        true => "with what the failed command has written",
        false => "before its command; what you write goes when you leave",
    };
    note(format_args!(
        "{} {name}, {written}\n      eval \"$COMMAND\" runs its command; exit leaves",
        style("shell").for_stderr().cyan()
    ));
}

/// A word as a shell reads it.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}
