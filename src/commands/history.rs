//! `pwb history`: the runs that the history knows.

use std::process::ExitCode;

use serde_json::Value;

use super::say;
use crate::cli::{Cli, History};
use crate::context::Context;
use crate::history;
use crate::report::Failure;

/// How many runs of all nodes are listed: a root has a node a package.
const LIMIT: usize = 40;

pub fn run(cli: &Cli, arguments: &History) -> Result<ExitCode, Failure> {
    let context = Context::new(cli)?;
    let store = context.store()?;
    let runs = match &arguments.name {
        Some(name) => {
            let (_, mut runs) = history::of(&context, &store, name)?;
            runs.truncate(arguments.number.unwrap_or(usize::MAX));
            runs
        }
        None => store.latest_runs(arguments.number.unwrap_or(LIMIT))?,
    };
    if arguments.json {
        let runs = runs.iter().map(|past| history::to_json(&store, past));
        say(Value::Array(runs.collect::<Result<_, _>>()?));
        return Ok(ExitCode::SUCCESS);
    }
    let lines = match arguments.name {
        Some(_) => history::lines(&runs),
        None => history::lines_with_nodes(&runs),
    };
    lines.iter().for_each(say);
    Ok(ExitCode::SUCCESS)
}
