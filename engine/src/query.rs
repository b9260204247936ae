//! Who needs whom in a graph, and by which way. Pure: it knows neither recipes nor results.

use petgraph::algo::{astar, dijkstra};
use petgraph::visit::{IntoEdges, Reversed, Visitable};

use crate::graph::{Graph, StepId};

/// Steps are answered in the graph's order: each after all that it needs.
impl Graph {
    /// The steps of this name: none, or one a variant.
    pub fn named(&self, name: &str) -> Vec<StepId> {
        let steps = self.steps.node_indices();
        steps.filter(|step| self.name(*step) == name).collect()
    }

    /// These steps and what they are made from, as far as it is at most so many steps away.
    pub fn deps(&self, of: &[StepId], depth: Option<usize>) -> Vec<StepId> {
        near(Reversed(&self.steps), of, depth)
    }

    /// These steps and all that is made from them, as far as it is at most so many steps away.
    pub fn rdeps(&self, of: &[StepId], depth: Option<usize>) -> Vec<StepId> {
        near(&self.steps, of, depth)
    }

    /// A shortest way down from one of some steps to one of others that it is made from, both included; empty if there is
    /// none.
    pub fn some_path(&self, from: &[StepId], to: &[StepId]) -> Vec<StepId> {
        let is_end = |step| to.contains(&step);
        let path = |&start: &StepId| {
            let down = Reversed(&self.steps);
            astar(down, start, is_end, |_| 1_usize, |_| 0)
        };
        let shortest = from.iter().filter_map(path).min_by_key(|(cost, _)| *cost);
        shortest.map(|(_, path)| path).unwrap_or_default()
    }

    /// The steps that lie on any way down from some steps to others, both included.
    pub fn all_paths(&self, from: &[StepId], to: &[StepId]) -> Vec<StepId> {
        let above = self.rdeps(to, None);
        let mut between = self.deps(from, None);
        between.retain(|step| above.binary_search(step).is_ok());
        between
    }
}

/// The steps that can be reached from these in so many steps, in the graph's order.
fn near<G>(graph: G, of: &[StepId], depth: Option<usize>) -> Vec<StepId>
where
    G: IntoEdges<NodeId = StepId> + Visitable + Copy,
{
    let reached = |&start: &StepId| dijkstra(graph, start, None, |_| 1_usize);
    let distances = of.iter().flat_map(reached);
    let near = distances.filter(|(_, distance)| depth.is_none_or(|depth| *distance <= depth));
    let mut steps: Vec<StepId> = near.map(|(step, _)| step).collect();
    steps.sort_unstable();
    steps.dedup();
    steps
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use petgraph::algo::{all_simple_paths, has_path_connecting};
    use proptest::prelude::*;

    use super::*;
    use crate::graph::{Step, Work};

    /// A graph of so many steps; each pair of numbers is an edge from the smaller to the greater, as graphs are built.
    fn graph(count: usize, edges: &[(usize, usize)]) -> Graph {
        let mut graph = Graph::default();
        for number in 0..count {
            graph.steps.add_node(Step {
                name: format!("t/{number}"),
                work: Work::Source {
                    path: PathBuf::new(),
                    ignore: Vec::new(),
                },
            });
        }
        for &(one, other) in edges {
            let (one, other) = (one % count, other % count);
            if one != other {
                let (from, to) = (one.min(other), one.max(other));
                graph.steps.update_edge(id(from), id(to), ());
            }
        }
        graph
    }

    fn id(number: usize) -> StepId {
        StepId::new(number)
    }

    #[test]
    fn depth_counts_steps() {
        let chain = graph(4, &[(0, 1), (1, 2), (2, 3)]);
        assert_eq!(chain.deps(&[id(2)], Some(0)), [id(2)]);
        assert_eq!(chain.deps(&[id(2)], Some(1)), [id(1), id(2)]);
        assert_eq!(chain.rdeps(&[id(0)], Some(2)), [id(0), id(1), id(2)]);
        assert_eq!(chain.named("t/3"), [id(3)]);
        assert!(chain.named("t/4").is_empty());
    }

    proptest! {
        #[test]
        fn answers_are_those_of_the_definition(
            edges in prop::collection::vec((0..9_usize, 0..9_usize), 0..20),
            (from, to) in (0..9_usize, 0..9_usize),
        ) {
            let graph = graph(9, &edges);
            let (from, to) = (id(from), id(to));
            let needs = |one, other| has_path_connecting(&graph.steps, other, one, None);
            let steps = || graph.steps.node_indices();

            let deps: Vec<StepId> = steps().filter(|step| needs(from, *step)).collect();
            prop_assert_eq!(graph.deps(&[from], None), deps);
            let rdeps: Vec<StepId> = steps().filter(|step| needs(*step, to)).collect();
            prop_assert_eq!(graph.rdeps(&[to], None), rdeps);

            let between = |step: &StepId| needs(from, *step) && needs(*step, to);
            prop_assert_eq!(graph.all_paths(&[from], &[to]), steps().filter(between).collect::<Vec<_>>());

            let path = graph.some_path(&[from], &[to]);
            let all = all_simple_paths::<Vec<_>, _, std::hash::RandomState>(&graph.steps, to, from, 0, None);
            let shortest = match from == to {
                true => Some(1),
                false => all.map(|path| path.len()).min(),
            };
            prop_assert_eq!(path.len(), shortest.unwrap_or(0));
            if let (Some(first), Some(last)) = (path.first(), path.last()) {
                prop_assert_eq!((*first, *last), (from, to));
            }
            for pair in path.windows(2) {
                prop_assert!(graph.steps.find_edge(pair[1], pair[0]).is_some());
            }
        }
    }
}
