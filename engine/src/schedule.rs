//! In which order steps run: a state machine without clocks, threads or files.
//!
//! A step is `Waiting` for its inputs, `Ready`, `Running`, and then `Done`, `Failed`, or `Skipped` because something
//! before it failed. [`Schedule::start`] and [`Schedule::finish`] are the only transitions.

use std::collections::BinaryHeap;
use std::time::Duration;

use petgraph::Direction;
use petgraph::graph::DiGraph;
use petgraph::visit::Topo;

use crate::graph::StepId;

/// Where a step is on its way.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum State {
    /// This many inputs are not done yet; at least one.
    Waiting(usize),
    /// All inputs are done.
    Ready,
    /// It has been handed out.
    Running,
    /// It has a result.
    Done,
    /// It ran and has none.
    Failed,
    /// It cannot run: something it needs has failed.
    Skipped,
}

/// How a running step ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Ending {
    /// With a result.
    Done,
    /// Without.
    Failed,
}

/// The states of all steps of a graph.
#[derive(Debug)]
pub struct Schedule<'g, N> {
    graph: &'g DiGraph<N, ()>,
    states: Vec<State>,
    /// How long it takes from a step's start to the end of the longest chain behind it.
    remaining: Vec<Duration>,
    ready: BinaryHeap<(Duration, StepId)>,
}

impl<'g, N> Schedule<'g, N> {
    /// A schedule of an acyclic graph, in which the steps that `is_done` are done, and of the others the one with the
    /// longest chain of `durations` behind it goes first. What a done step needs is done.
    pub fn new(
        graph: &'g DiGraph<N, ()>,
        is_done: impl Fn(StepId) -> bool,
        duration: impl Fn(StepId) -> Duration,
    ) -> Schedule<'g, N> {
        let mut schedule = Schedule {
            graph,
            states: graph
                .node_indices()
                .map(|step| {
                    match graph
                        .neighbors_directed(step, Direction::Incoming)
                        .filter(|&need| !is_done(need))
                        .count()
                    {
                        _ if is_done(step) => State::Done,
                        0 => State::Ready,
                        missing => State::Waiting(missing),
                    }
                })
                .collect(),
            remaining: vec![Duration::ZERO; graph.node_count()],
            ready: BinaryHeap::new(),
        };
        let mut order = Vec::with_capacity(graph.node_count());
        let mut topological = Topo::new(graph);
        while let Some(step) = topological.next(graph) {
            order.push(step);
        }
        for step in order.into_iter().rev() {
            let behind = graph
                .neighbors(step)
                .map(|next| schedule.remaining[next.index()])
                .max()
                .unwrap_or_default();
            schedule.remaining[step.index()] = behind.saturating_add(duration(step));
        }
        let ready = graph
            .node_indices()
            .filter(|step| schedule.states[step.index()] == State::Ready);
        schedule.ready = ready
            .map(|step| (schedule.remaining[step.index()], step))
            .collect();
        schedule
    }

    /// Hands out the ready step that the most depends on: `Ready -> Running`.
    pub fn start(&mut self) -> Option<StepId> {
        let (_, step) = self.ready.pop()?;
        self.states[step.index()] = State::Running;
        Some(step)
    }

    /// Puts a step that was handed out, and cannot run just now, back: `Running -> Ready`.
    pub fn put_back(&mut self, step: StepId) {
        self.states[step.index()] = State::Ready;
        self.ready.push((self.remaining[step.index()], step));
    }

    /// Ends a running step: `Running -> Done`, which may make others `Ready`; or `Running -> Failed`, which makes all
    /// that need it `Skipped`.
    pub fn finish(&mut self, step: StepId, ending: Ending) {
        match ending {
            Ending::Done => {
                self.states[step.index()] = State::Done;
                for next in self.graph.neighbors(step) {
                    match &mut self.states[next.index()] {
                        State::Waiting(1) => self.put_back(next),
                        State::Waiting(missing) => *missing -= 1,
                        _ => {}
                    }
                }
            }
            Ending::Failed => {
                self.states[step.index()] = State::Failed;
                let mut behind: Vec<StepId> = self.graph.neighbors(step).collect();
                while let Some(next) = behind.pop() {
                    if matches!(self.states[next.index()], State::Waiting(_)) {
                        self.states[next.index()] = State::Skipped;
                        behind.extend(self.graph.neighbors(next));
                    }
                }
            }
        }
    }

    /// The state of a step.
    #[cfg(test)]
    fn state(&self, step: StepId) -> State {
        self.states[step.index()]
    }
}

#[cfg(test)]
mod tests {
    use petgraph::graph::NodeIndex;
    use proptest::prelude::*;

    use super::*;

    /// Edges only lead from lower to higher numbers, so every such graph is acyclic.
    fn graphs() -> impl Strategy<Value = (DiGraph<u64, ()>, Vec<bool>)> {
        (1_usize..24).prop_flat_map(|size| {
            let edges = prop::collection::vec((0..size, 0..size), 0..size * 2);
            let durations = prop::collection::vec(0_u64..100, size);
            (
                edges,
                durations,
                prop::collection::vec(prop::bool::weighted(0.8), size),
            )
                .prop_map(|(edges, durations, succeeds)| {
                    let mut graph = DiGraph::new();
                    for duration in durations {
                        graph.add_node(duration);
                    }
                    for (from, to) in edges {
                        if from < to {
                            graph.update_edge(NodeIndex::new(from), NodeIndex::new(to), ());
                        }
                    }
                    (graph, succeeds)
                })
        })
    }

    proptest! {
        #[test]
        fn every_step_runs_once_after_its_inputs_or_is_skipped_for_cause((graph, succeeds) in graphs()) {
            let seconds = |step: StepId| Duration::from_secs(graph[step]);
            let mut schedule = Schedule::new(&graph, |_| false, seconds);
            while let Some(step) = schedule.start() {
                for need in graph.neighbors_directed(step, Direction::Incoming) {
                    prop_assert_eq!(schedule.state(need), State::Done);
                }
                prop_assert_eq!(schedule.state(step), State::Running);
                schedule.finish(step, if succeeds[step.index()] { Ending::Done } else { Ending::Failed });
            }
            for step in graph.node_indices() {
                let mut needs = graph.neighbors_directed(step, Direction::Incoming);
                match schedule.state(step) {
                    State::Done => prop_assert!(succeeds[step.index()]),
                    State::Failed => prop_assert!(!succeeds[step.index()]),
                    State::Skipped => {
                        prop_assert!(needs.any(|need| matches!(schedule.state(need), State::Failed | State::Skipped)));
                    }
                    other => prop_assert!(false, "left {:?}", other),
                }
            }
        }

        #[test]
        fn of_two_ready_steps_the_longer_chain_goes_first((graph, _) in graphs()) {
            let mut schedule = Schedule::new(&graph, |_| false, |step| Duration::from_secs(graph[step]));
            let mut last = Duration::MAX;
            while let Some(step) = schedule.start() {
                prop_assert!(schedule.remaining[step.index()] <= last);
                last = schedule.remaining[step.index()];
            }
        }
    }

    #[test]
    fn what_is_done_does_not_run() {
        let mut graph = DiGraph::new();
        let (first, second) = (graph.add_node(()), graph.add_node(()));
        graph.add_edge(first, second, ());
        let mut schedule = Schedule::new(&graph, |step| step == first, |_| Duration::ZERO);
        assert_eq!(schedule.start(), Some(second));
        assert_eq!(schedule.start(), None);
    }
}
