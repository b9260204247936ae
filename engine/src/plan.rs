//! What of a graph is in the store already. Nothing runs here; local folders are imported, since their contents are
//! what keys are made of.

use std::time::{Duration, Instant};

use petgraph::visit::{Topo, Walker};
use pwb_cache::{ActionKey, ActionResult, Store, TreeDigest};

use crate::error::{Error, Result};
use crate::graph::{Graph, Input, StepId, Work};
use crate::memory::Memory;
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
    /// The keys of the steps whose inputs are known.
    keys: Vec<Option<ActionKey>>,
    /// The steps that were looked up and found, each with the wall time that its result had taken.
    hits: Vec<(StepId, Duration)>,
    /// What is remembered of the graph's request.
    memory: Option<Memory>,
    /// Local folders were imported since.
    begin: Instant,
}

impl Plan {
    /// A plan in which nothing is known yet but what is remembered.
    pub(crate) fn new(graph: &Graph, memory: Option<Memory>) -> Plan {
        Plan {
            known: vec![Known::Unknown; graph.steps.node_count()],
            keys: vec![None; graph.steps.node_count()],
            hits: Vec::new(),
            begin: memory.as_ref().map_or_else(Instant::now, Memory::begin),
            memory,
        }
    }

    /// Looks every step up, as far as its inputs are known: here, and then where the store may ask. What is found there may
    /// make more keys known, so it goes in waves.
    pub fn look_up(&mut self, store: &Store, graph: &Graph) -> Result<()> {
        let topo = Topo::new(&graph.steps).iter(&graph.steps);
        let mut unknown: Vec<StepId> = topo.collect();
        let mut held = Vec::new();
        loop {
            let (mut steps, mut keys) = (Vec::new(), Vec::new());
            for &id in &unknown {
                if let Some(tree) = self.as_before(store, graph, id) {
                    self.learn(id, tree);
                    held.push(tree);
                    continue;
                }
                self.known[id.index()] = self.look_up_step(store, graph, id)?;
                if let (Known::Missing, Some(key)) = (self.known(id), self.key(id)) {
                    steps.push(id);
                    keys.push(key);
                }
            }
            store.hold(&std::mem::take(&mut held))?;
            let mut found = false;
            for (id, result) in steps.into_iter().zip(store.ask(&keys)?) {
                if let Some(result) = result {
                    self.learn_hit(id, result.wall);
                    self.learn(id, result.tree);
                    found = true;
                }
            }
            if !found {
                return Ok(());
            }
            unknown.retain(|id| self.known(*id) == Known::Unknown);
        }
    }

    /// The result that a step had the last time, with its key, if its inputs are what they were. It need not be there any
    /// more: whoever misses it plans without a memory.
    pub(crate) fn as_before(
        &mut self,
        store: &Store,
        graph: &Graph,
        id: StepId,
    ) -> Option<TreeDigest> {
        let memory = self.memory.as_ref()?;
        let (tree, key) = (memory.tree(id)?, memory.key(id)?);
        let same = |input: &Input| {
            let (then, now) = (memory.tree(input.step), self.tree(input.step));
            let part = |result: Option<TreeDigest>| part(store, graph, input, result?).ok();
            now.is_some() && (now == then || part(now).is_some_and(|now| part(then) == Some(now)))
        };
        if !graph.steps[id].inputs().into_iter().all(same) {
            return None;
        }
        self.learn_key(id, key);
        Some(tree)
    }

    fn look_up_step(&mut self, store: &Store, graph: &Graph, id: StepId) -> Result<Known> {
        let step = &graph.steps[id];
        if let Work::Source { path, ignore } = &step.work {
            let memory = self.memory.as_ref();
            let tree = match memory.and_then(|memory| memory.folder(path, ignore)) {
                Some(tree) => tree,
                None => import(store, path, ignore).map_err(|error| error.of(&step.name))?,
            };
            return Ok(Known::Tree(tree));
        }
        let unknown = |input: &Input| self.tree(input.step).is_none();
        if step.inputs().into_iter().any(unknown) {
            return Ok(Known::Unknown);
        }
        let prepared = prepare(store, step, |input| self.input(store, graph, input))
            .map_err(|error| error.of(&step.name))?;
        self.learn_key(id, prepared.key);
        Ok(match store.result(prepared.key)? {
            None => Known::Missing,
            Some(result) => {
                self.learn_hit(id, result.wall);
                Known::Tree(result.tree)
            }
        })
    }

    /// The results of this machine's own of the steps whose keys are known.
    pub(crate) fn results(&self, store: &Store) -> Result<Vec<(ActionKey, ActionResult)>> {
        let result = |key| Ok(store.own_result(key)?.map(|result| (key, result)));
        self.keys()
            .filter_map(|key| result(key).transpose())
            .collect()
    }

    /// All keys that are known.
    pub fn keys(&self) -> impl Iterator<Item = ActionKey> {
        self.keys.iter().flatten().copied()
    }

    /// What is known of a step.
    pub fn known(&self, step: StepId) -> Known {
        self.known[step.index()]
    }

    /// The moment from which on the local folders were imported.
    pub(crate) fn begin(&self) -> Instant {
        self.begin
    }

    /// The result of a step, if it is known.
    pub fn tree(&self, step: StepId) -> Option<TreeDigest> {
        match self.known(step) {
            Known::Tree(tree) => Some(tree),
            Known::Missing | Known::Unknown => None,
        }
    }

    /// The key of a step, if its inputs are known. A local folder has none.
    pub fn key(&self, step: StepId) -> Option<ActionKey> {
        self.keys[step.index()]
    }

    /// What was found, by node, with the wall time that each had taken.
    pub(crate) fn hits(&self, graph: &Graph) -> Vec<(String, Duration)> {
        let named = |&(step, wall): &(StepId, Duration)| (graph.name(step).to_owned(), wall);
        self.hits.iter().map(named).collect()
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
        let tree = self.tree(input.step).ok_or_else(|| Error::Path {
            what: "input",
            path: shown(graph, input),
            why: "its node has no result yet".into(),
        })?;
        part(store, graph, input, tree)
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
                let changes = store.changes(planned, now)?.into_iter();
                moved.push((id, changes.map(|change| change.path).collect()));
            }
        }
        Ok(moved)
    }

    pub(crate) fn learn_key(&mut self, step: StepId, key: ActionKey) {
        self.keys[step.index()] = Some(key);
    }

    pub(crate) fn learn_hit(&mut self, step: StepId, wall: Duration) {
        self.hits.push((step, wall));
    }

    pub(crate) fn learn(&mut self, step: StepId, tree: TreeDigest) {
        self.known[step.index()] = Known::Tree(tree);
    }
}

/// What of its step's result, that of now or of the past, an input stands for; saved.
pub fn part(store: &Store, graph: &Graph, input: &Input, result: TreeDigest) -> Result<TreeDigest> {
    let tree = store
        .subtree(result, &in_tree(&input.path)?)
        .map_err(|error| match error {
            pwb_cache::Error::NoSuchPath { .. } => Error::Path {
                what: "input",
                path: shown(graph, input),
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
            path: shown(graph, input),
            filter: filter.to_string(),
        });
    }
    Ok(part.save(&store.batch())?)
}

fn shown(graph: &Graph, input: &Input) -> String {
    match input.path.is_root() {
        true => graph.name(input.step).to_owned(),
        false => format!("{}:{}", graph.name(input.step), input.path),
    }
}
