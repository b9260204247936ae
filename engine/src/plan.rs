//! What of a graph is in the store already. Nothing runs here; local folders are imported, since their contents are
//! what keys are made of.

use petgraph::visit::Topo;
use pwb_cache::{Store, TreeDigest};

use crate::error::{Error, Result};
use crate::graph::{Graph, Input, StepId, Work};
use crate::prepare::{in_tree, prepare};
use crate::work::import;

/// What is known of a step before anything runs.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Known {
    /// Its result is this tree.
    Tree(TreeDigest),
    /// Its inputs are known, and no result of theirs is in the store: it has to run.
    Missing,
    /// It depends on a step that has to run.
    Unknown,
}

/// What is known of each step of a graph.
#[derive(Clone, Debug)]
pub struct Plan {
    known: Vec<Known>,
}

impl Plan {
    /// A plan in which nothing is known yet.
    pub fn new(graph: &Graph) -> Plan {
        Plan {
            known: vec![Known::Unknown; graph.steps.node_count()],
        }
    }

    /// Looks every step up, as far as its inputs are known.
    pub fn look_up(&mut self, store: &Store, graph: &Graph) -> Result<()> {
        let mut order = Topo::new(&graph.steps);
        while let Some(id) = order.next(&graph.steps) {
            let step = &graph.steps[id];
            self.known[id.index()] = if let Work::Source { path, ignore } = &step.work {
                Known::Tree(import(store, path, ignore).map_err(|error| error.of(&step.name))?)
            } else if step
                .inputs()
                .iter()
                .any(|input| self.tree(input.step).is_none())
            {
                Known::Unknown
            } else {
                let prepared = prepare(store, step, |input| self.input(store, graph, input))
                    .map_err(|error| error.of(&step.name))?;
                store
                    .result(prepared.key)?
                    .map_or(Known::Missing, |result| Known::Tree(result.tree))
            };
        }
        Ok(())
    }

    /// What is known of a step.
    pub fn known(&self, step: StepId) -> Known {
        self.known[step.index()]
    }

    /// The result of a step, if it is known.
    pub fn tree(&self, step: StepId) -> Option<TreeDigest> {
        match self.known(step) {
            Known::Tree(tree) => Some(tree),
            Known::Missing | Known::Unknown => None,
        }
    }

    /// The steps that have no result.
    pub fn to_run(&self) -> usize {
        self.known
            .iter()
            .filter(|known| !matches!(known, Known::Tree(_)))
            .count()
    }

    /// The tree that an input stands for, saved. Its step must have a result.
    pub fn input(&self, store: &Store, graph: &Graph, input: &Input) -> Result<TreeDigest> {
        let path = || match input.path.is_root() {
            true => graph.name(input.step).to_owned(),
            false => format!("{}:{}", graph.name(input.step), input.path),
        };
        let tree = self.tree(input.step).ok_or_else(|| Error::Path {
            what: "input",
            path: path(),
            why: "its node has no result yet".into(),
        })?;
        let tree = store
            .subtree(tree, &in_tree(&input.path)?)
            .map_err(|error| match error {
                pwb_cache::Error::NoSuchPath { .. } => Error::Path {
                    what: "input",
                    path: path(),
                    why: "there is no such directory in the node's result".into(),
                },
                other => other.into(),
            })?;
        let Some(filter) = &input.filter else {
            return Ok(tree);
        };
        let part = store.filter(tree, filter)?;
        if part.entries().is_empty() {
            return Err(Error::NothingSelected {
                path: path(),
                filter: filter.to_string(),
            });
        }
        Ok(part.save(&store.batch())?)
    }

    /// Imports the local folders once more; for each that has changed since it was planned with, its step and the paths
    /// that differ.
    pub fn moved(&self, store: &Store, graph: &Graph) -> Result<Vec<(StepId, Vec<String>)>> {
        let mut moved = Vec::new();
        for id in graph.steps.node_indices() {
            let step = &graph.steps[id];
            let (Work::Source { path, ignore }, Some(planned)) = (&step.work, self.tree(id)) else {
                continue;
            };
            let now = import(store, path, ignore).map_err(|error| error.of(&step.name))?;
            if now != planned {
                moved.push((id, store.changes(planned, now)?));
            }
        }
        Ok(moved)
    }

    pub(crate) fn learn(&mut self, step: StepId, tree: TreeDigest) {
        self.known[step.index()] = Known::Tree(tree);
    }
}
