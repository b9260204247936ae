//! `pwb history`: the runs that the history knows, and those that were to show whether results come out the same.

use std::process::ExitCode;
use std::time::SystemTime;

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
    let default = match arguments.name {
        Some(_) => usize::MAX,
        None => LIMIT,
    };
    let limit = arguments.number.unwrap_or(default);
    let (node, runs) = match &arguments.name {
        Some(name) => {
            let (node, runs) = history::of(&context, &store, name)?;
            (Some(node), runs)
        }
        None => (None, store.latest_runs(limit)?),
    };
    let reruns = store.reruns(node.as_deref(), limit)?;
    let ended = runs.iter().map(|past| past.finished);
    let ended = reruns.iter().map(|past| past.finished).chain(ended);
    if arguments.json {
        let runs = runs.iter().map(|past| history::to_json(&store, past));
        let reruns = reruns
            .iter()
            .map(|past| history::rerun_to_json(&store, past));
        let all = reruns.chain(runs).collect::<Result<Vec<_>, _>>()?;
        say(Value::Array(latest(ended.zip(all), limit)));
        return Ok(ExitCode::SUCCESS);
    }
    let (mut all, runs) = match node {
        Some(_) => (history::rerun_lines(&reruns), history::lines(&runs)),
        None => (
            history::rerun_lines_with_nodes(&reruns),
            history::lines_with_nodes(&runs),
        ),
    };
    all.extend(runs);
    latest(ended.zip(all), limit).iter().for_each(say);
    Ok(ExitCode::SUCCESS)
}

/// The latest first; of what ended in one second, that first which is first here.
fn latest<T>(all: impl Iterator<Item = (SystemTime, T)>, limit: usize) -> Vec<T> {
    let mut all: Vec<(SystemTime, T)> = all.collect();
    all.sort_by_key(|(ended, _)| std::cmp::Reverse(*ended));
    let latest = all.into_iter().take(limit);
    latest.map(|(_, one)| one).collect()
}
