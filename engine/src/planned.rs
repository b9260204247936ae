//! A graph as it is told of: its steps by name, and what was known of each before anything ran.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use petgraph::Direction;
use pwb_cache::{Store, TreeDigest};

use crate::graph::{Graph, Options, StepId};
use crate::plan::Plan;

/// A step of the graph, before anything runs.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Planned {
    /// The node's name.
    pub node: String,
    /// The options in which it differs from others of this name in the graph.
    pub variant: BTreeMap<String, String>,
    /// What it does, in a word: see [`crate::Work::kind`].
    pub kind: &'static str,
    /// The steps that it needs the results of.
    pub needs: Vec<StepId>,
    /// Its result, if that is there.
    pub tree: Option<TreeDigest>,
    /// How long it took the last time, where it may have to run.
    pub expected: Option<Duration>,
}

/// All steps, in the order of their ids.
pub(crate) fn planned(store: &Store, graph: &Graph, plan: &Plan) -> Vec<Planned> {
    let mut namesakes: HashMap<&str, Vec<StepId>> = HashMap::new();
    for step in graph.steps.node_indices() {
        namesakes.entry(graph.name(step)).or_default().push(step);
    }
    let describe = |step: StepId| {
        let tree = plan.tree(step);
        let name = graph.name(step);
        Planned {
            node: name.to_owned(),
            variant: variant(graph, step, &namesakes[name]),
            kind: graph.steps[step].work.kind(),
            needs: graph
                .steps
                .neighbors_directed(step, Direction::Incoming)
                .collect(),
            tree,
            // A history that cannot be read costs the estimate and nothing else.
            expected: match tree {
                Some(_) => None,
                None => store.last_wall(name).ok().flatten(),
            },
        }
    };
    graph.steps.node_indices().map(describe).collect()
}

/// The options of a step that some step of the same name has with another value, or not at all.
fn variant(graph: &Graph, step: StepId, namesakes: &[StepId]) -> Options {
    let others = || namesakes.iter().filter(|other| **other != step);
    let differs = |(name, value): &(&String, &String)| {
        others().any(|other| graph.options(*other).get(*name) != Some(*value))
    };
    let own = graph.options(step).iter();
    own.filter(differs)
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}
