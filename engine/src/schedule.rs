//! In which order steps run: a state machine without clocks, threads or files.
//!
//! A step is `Waiting` for its inputs, `Ready`, `Running`, and then `Done`, `Failed`, or `Skipped` because something
//! before it failed. [`Schedule::start`], [`Schedule::put_back`] and [`Schedule::finish`] are the only transitions.

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
    /// The ready steps, by lane.
    ready: Vec<BinaryHeap<(Duration, StepId)>>,
    lanes: Vec<usize>,
}

impl<'g, N> Schedule<'g, N> {
    /// A schedule of an acyclic graph, in which the steps that `is_done` are done, and of the others the one with the
    /// longest chain of `durations` behind it goes first. What a done step needs is done. Each step waits in a lane for
    /// whatever steps of its kind are short of.
    pub fn new(
        graph: &'g DiGraph<N, ()>,
        is_done: impl Fn(StepId) -> bool,
        lane: impl Fn(StepId) -> usize,
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
            ready: Vec::new(),
            lanes: graph.node_indices().map(lane).collect(),
        };
        let lanes = schedule.lanes.iter().max().map_or(0, |last| last + 1);
        schedule.ready.resize(lanes, BinaryHeap::new());
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
        for step in graph.node_indices() {
            if schedule.states[step.index()] == State::Ready {
                schedule.make_ready(step);
            }
        }
        schedule
    }

    /// Hands out the ready step that the most depends on, of the lanes that are free: `Ready -> Running`.
    pub fn start(&mut self, is_free: impl Fn(usize) -> bool) -> Option<StepId> {
        let free = self.ready.iter_mut().enumerate();
        let free = free.filter(|(lane, _)| is_free(*lane));
        let (_, lane) = free.max_by_key(|(_, ready)| ready.peek().copied())?;
        let (_, step) = lane.pop()?;
        self.states[step.index()] = State::Running;
        Some(step)
    }

    /// Takes back a step that could not begin: `Running -> Ready`.
    pub fn put_back(&mut self, step: StepId) {
        self.make_ready(step);
    }

    fn make_ready(&mut self, step: StepId) {
        self.states[step.index()] = State::Ready;
        self.ready[self.lanes[step.index()]].push((self.remaining[step.index()], step));
    }

    /// Ends a running step: `Running -> Done`, which may make others `Ready`; or `Running -> Failed`, which makes all
    /// that need it `Skipped`.
    pub fn finish(&mut self, step: StepId, ending: Ending) {
        match ending {
            Ending::Done => {
                self.states[step.index()] = State::Done;
                for next in self.graph.neighbors(step) {
                    match &mut self.states[next.index()] {
                        State::Waiting(1) => self.make_ready(next),
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
            let mut schedule = Schedule::new(&graph, |_| false, |_| 0, seconds);
            while let Some(step) = schedule.start(|_| true) {
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
            let mut schedule = Schedule::new(&graph, |_| false, |step| step.index() % 3, |step| Duration::from_secs(graph[step]));
            let mut last = Duration::MAX;
            while let Some(step) = schedule.start(|_| true) {
                prop_assert!(schedule.remaining[step.index()] <= last);
                last = schedule.remaining[step.index()];
            }
        }
    }

    #[test]
    fn what_is_put_back_is_handed_out_again() {
        let mut graph = DiGraph::new();
        let (first, second) = (graph.add_node(()), graph.add_node(()));
        graph.add_edge(first, second, ());
        let mut schedule = Schedule::new(&graph, |_| false, |_| 0, |_| Duration::ZERO);
        assert_eq!(schedule.start(|_| true), Some(first));
        schedule.put_back(first);
        assert_eq!(schedule.state(first), State::Ready);
        assert_eq!(schedule.start(|_| true), Some(first));
        assert_eq!(schedule.start(|_| true), None);
        schedule.finish(first, Ending::Done);
        assert_eq!(schedule.start(|_| true), Some(second));
    }

    #[test]
    fn what_is_done_does_not_run() {
        let mut graph = DiGraph::new();
        let (first, second) = (graph.add_node(()), graph.add_node(()));
        graph.add_edge(first, second, ());
        let done = |step| step == first;
        let mut schedule = Schedule::new(&graph, done, |_| 0, |_| Duration::ZERO);
        assert_eq!(schedule.start(|_| true), Some(second));
        assert_eq!(schedule.start(|_| true), None);
    }

    #[test]
    fn a_lane_that_is_not_free_holds_nobody_else_up() {
        let mut graph = DiGraph::<(), ()>::new();
        let (long, short) = (graph.add_node(()), graph.add_node(()));
        let lane = |step: StepId| usize::from(step == short);
        let seconds = |step: StepId| Duration::from_secs(2 - step.index() as u64);
        let mut schedule = Schedule::new(&graph, |_| false, lane, seconds);
        assert_eq!(schedule.start(|lane| lane == 1), Some(short));
        assert_eq!(schedule.start(|lane| lane == 1), None);
        assert_eq!(schedule.start(|_| true), Some(long));
    }
}
