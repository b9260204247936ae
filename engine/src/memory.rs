//! What a request came to the last time: its graph, and the result of each step. Only what has changed since is looked up
//! again, and where nothing has, the answer stands.
//!
//! A request's digest stands for all that it depends on but the contents of local folders.

use std::path::{Path, PathBuf};
use std::time::Instant;

use pwb_cache::{ActionKey, Digest, Store, TreeDigest};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::graph::{Graph, StepId, Work};
use crate::plan::Plan;
use crate::realize::Realized;
use crate::work::import;

/// What is remembered of one request, and its local folders as they are now.
#[derive(Clone, Debug)]
pub struct Memory {
    request: Digest,
    outline: Option<Outline>,
    /// The outline's folders as they are now.
    folders: Vec<TreeDigest>,
    /// They were imported since.
    begin: Instant,
    before: Option<Before>,
}

/// How many goals a request has, and the local folders that its answer depends on: path, and what is left out.
#[derive(Clone, Debug, Deserialize, Serialize)]
struct Outline {
    goals: usize,
    folders: Vec<(PathBuf, Vec<String>)>,
}

/// What was known of the steps of a graph, by step.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
struct Before {
    trees: Vec<Option<TreeDigest>>,
    keys: Vec<Option<ActionKey>>,
}

const OUTLINE: &str = "outline";
const GRAPH: &str = "graph";
const BEFORE: &str = "before";

impl Memory {
    /// What is remembered of a request. Its local folders are imported.
    pub fn recall(store: &Store, request: Digest) -> Result<Memory> {
        let begin = Instant::now();
        let outline: Option<Outline> = read(store, request, OUTLINE)?;
        let folders = outline.iter().flat_map(|outline| &outline.folders);
        let folders = folders.map(|(path, ignore)| import(store, path, ignore));
        // What is wrong with a folder is said by the plan, which knows whose it is.
        let folders: Option<_> = folders.map(Result::ok).collect();
        Ok(Memory {
            request,
            outline: outline.filter(|_| folders.is_some()),
            folders: folders.unwrap_or_default(),
            begin,
            before: None,
        })
    }

    /// The answer that the request was given with these folders, if it still stands.
    pub fn answer(&self, store: &Store) -> Result<Option<Vec<Realized>>> {
        let Some(outline) = &self.outline else {
            return Ok(None);
        };
        let mut results = Vec::new();
        for goal in 0..outline.goals {
            let question = question(self.request, &self.folders, goal);
            let Some(tree) = store.realization(question)? else {
                return Ok(None);
            };
            let path = match store.materialized(tree)? {
                Some(path) => path,
                None => match store.materialize(tree).map_err(Error::from) {
                    Err(error) if error.is_lost() => return Ok(None),
                    path => path?,
                },
            };
            results.push(Realized { tree, path });
        }
        store.settle()?;
        Ok(Some(results))
    }

    /// The request's graph, if it is remembered; and what was known of its steps, for when it is realized.
    pub fn graph(&mut self, store: &Store) -> Result<Option<Graph>> {
        let graph: Option<Graph> = read(store, self.request, GRAPH)?;
        let steps = graph.as_ref().map(|graph| graph.steps.node_count());
        let before: Option<Before> = read(store, self.request, BEFORE)?;
        self.before = before.filter(|Before { trees, keys }| {
            Some(trees.len()) == steps && keys.len() == trees.len()
        });
        Ok(graph)
    }

    /// The moment from which on the local folders were imported.
    pub(crate) fn begin(&self) -> Instant {
        self.begin
    }

    /// A local folder as it is now.
    pub(crate) fn folder(&self, path: &Path, ignore: &[String]) -> Option<TreeDigest> {
        let folders = &self.outline.as_ref()?.folders;
        let place = folders
            .iter()
            .position(|one| one.0 == path && one.1 == ignore);
        Some(self.folders[place?])
    }

    /// The result that a step had the last time.
    pub(crate) fn tree(&self, step: StepId) -> Option<TreeDigest> {
        self.before.as_ref()?.trees[step.index()]
    }

    /// The key that it had.
    pub(crate) fn key(&self, step: StepId) -> Option<ActionKey> {
        self.before.as_ref()?.keys[step.index()]
    }

    /// Keeps what a request came to.
    pub(crate) fn keep(
        &self,
        store: &Store,
        graph: &Graph,
        plan: &Plan,
        results: &[Realized],
    ) -> Result<()> {
        let ids = || graph.steps.node_indices();
        let now = Before {
            trees: ids().map(|step| plan.tree(step)).collect(),
            keys: ids().map(|step| plan.key(step)).collect(),
        };
        let mut memos = Vec::new();
        if self.before.as_ref() != Some(&now) {
            memos.push((BEFORE, write(&now)));
        }
        let mut folders = Vec::new();
        let mut trees = Vec::new();
        for step in ids() {
            if let (Work::Source { path, ignore }, Some(tree)) =
                (&graph.steps[step].work, plan.tree(step))
            {
                folders.push((path.clone(), ignore.clone()));
                trees.push(tree);
            }
        }
        if self.before.is_none() {
            let goals = results.len();
            memos.push((OUTLINE, write(&Outline { goals, folders })));
            memos.push((GRAPH, write(graph)));
        }
        store.put_memos(self.request, memos)?;
        for (goal, result) in results.iter().enumerate() {
            store.put_realization(question(self.request, &trees, goal), result.tree)?;
        }
        Ok(())
    }
}

/// What the answer for one goal is kept by.
fn question(request: Digest, folders: &[TreeDigest], goal: usize) -> Digest {
    let folders = folders.iter().map(|tree| tree.digest().to_string());
    let parts = [request.to_string(), goal.to_string()];
    let text: Vec<String> = parts.into_iter().chain(folders).collect();
    Digest::of(text.join("\n").as_bytes())
}

/// What cannot be read any more is forgotten: it is made again.
fn read<T: DeserializeOwned>(store: &Store, request: Digest, part: &str) -> Result<Option<T>> {
    let bytes = store.memo(request, part)?;
    Ok(bytes.and_then(|bytes| postcard::from_bytes(&bytes).ok()))
}

/// Writing to memory does not fail; a note that says nothing is one that cannot be read.
fn write<T: Serialize>(what: &T) -> Vec<u8> {
    postcard::to_allocvec(what).unwrap_or_default()
}
