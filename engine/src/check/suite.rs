//! Runs the tests of a graph, and says how each ended.

use std::collections::HashMap;
use std::path::PathBuf;

use pwb_cache::Store;

use super::outcome::Outcome;
use crate::error::{Error, Failure, Result};
use crate::event::Observer;
use crate::graph::{Goal, Graph};
use crate::realize::{plan, realize};
use crate::settings::Settings;

/// How a test ended.
#[derive(Debug)]
pub struct Ended {
    /// Its status and its cases.
    pub outcome: Outcome,
    /// That it is not what was expected.
    pub unexpected: Option<Unexpected>,
}

/// An end that was not expected, and where to look further.
#[derive(Debug)]
pub struct Unexpected {
    /// How the command ended, as a sentence.
    pub status: String,
    /// All of its output.
    pub log: PathBuf,
    /// Where its files were kept, if that was asked for.
    pub kept: Option<PathBuf>,
}

/// Runs the tests that are the goals of a graph, as far as their verdicts are not known. How each ended, in the goals' order;
/// only ends that were expected are remembered.
pub fn check(
    store: &Store,
    graph: &Graph,
    settings: &Settings,
    observe: &Observer<'_>,
) -> Result<Vec<Ended>> {
    let failures = match realize(store, graph, None, settings, observe) {
        Ok(_) => Vec::new(),
        Err(Error::Failed(failures)) => failures,
        Err(error) => return Err(error),
    };
    let mut failed = HashMap::new();
    let mut others = Vec::new();
    for Failure { node, error } in failures {
        match error {
            Error::Test {
                outcome,
                unexpected,
            } => drop(failed.insert(node, (outcome, unexpected))),
            error => others.push(Failure { node, error }),
        }
    }
    // Without what tests are made of there are no verdicts.
    if !others.is_empty() {
        return Err(Error::Failed(others));
    }
    let plan = plan(store, graph)?;
    let ended = |goal: &Goal| {
        if let Some((outcome, unexpected)) = failed.remove(graph.name(goal.step)) {
            let unexpected = Some(unexpected);
            return Ok(Ended {
                outcome,
                unexpected,
            });
        }
        let tree = plan.tree(goal.step).ok_or(Error::Unpublished)?;
        Ok(Ended {
            outcome: Outcome::read(&store.materialize(tree)?)?,
            unexpected: None,
        })
    };
    graph.goals.iter().map(ended).collect()
}
