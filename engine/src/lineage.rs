//! Where an action comes from: the names and option values behind its trees. The history keeps it beside the key, so
//! that a later process can tell why the key became another.

use pwb_cache::{Feed, Lineage};

use crate::graph::{Graph, StepId, Work};
use crate::plan::Plan;
use crate::prepare::layer_mount;

/// The lineage of a step. An input that is not known is fed without a key.
pub(crate) fn lineage(graph: &Graph, plan: &Plan, step: StepId) -> Lineage {
    let mounts: Vec<String> = match &graph.steps[step].work {
        Work::Fetch { .. } | Work::Source { .. } => Vec::new(),
        Work::Root { layers, .. } => (0..layers.len()).map(layer_mount).collect(),
        Work::Run { inputs, .. } => {
            let inputs = inputs.keys().map(|mount| mount.relative().to_owned());
            std::iter::once(String::new()).chain(inputs).collect()
        }
    };
    let feeds = mounts.iter().zip(graph.steps[step].inputs());
    Lineage {
        options: graph.options(step).clone(),
        feeds: feeds
            .map(|(mount, input)| {
                let key = plan.tree(input.step).and(plan.key(input.step));
                Feed::new(mount, graph.name(input.step), input.path.relative(), key)
            })
            .collect(),
    }
}
