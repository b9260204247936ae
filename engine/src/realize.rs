//! From a graph to results: plan, run what is missing, and again if objects turn out to be gone.

use std::path::PathBuf;
use std::time::Duration;

use pwb_cache::{ActionKey, Store, TreeDigest};

use crate::compile::Compiles;
use crate::error::{Error, Result};
use crate::event::{Event, Happening, Observer};
use crate::executor::Executor;
use crate::fetch::{self, Fetcher};
use crate::graph::Graph;
use crate::jobserver::Jobserver;
use crate::memory::Memory;
use crate::plan::Plan;
use crate::planned::planned;
use crate::settings::Settings;

/// A result, on this machine.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Realized {
    /// What it is.
    pub tree: TreeDigest,
    /// Where it is: a folder in the store, not to be written to.
    pub path: PathBuf,
}

/// What the steps of one realization share; started when the first of them has to run.
pub(crate) struct Tools {
    pub jobserver: Jobserver,
    pub fetcher: Fetcher,
    pub compiles: Compiles,
}

impl Tools {
    pub fn start(store: &Store, settings: &Settings) -> Result<Tools> {
        let session = store.session()?;
        let jobserver = Jobserver::start(session.path("jobserver"), settings.jobs)?;
        let fetcher = Fetcher::new(fetch::Settings {
            scratch: session.folder("downloads")?,
            places: settings.places.clone(),
            offline: settings.offline,
            timeouts: fetch::Timeouts::default(),
        });
        Ok(Tools {
            jobserver,
            fetcher,
            compiles: Compiles::new(),
        })
    }
}

/// How often a build is planned anew because objects were gone. Each time at least the results that named them have
/// been forgotten, so more than a few mean that something eats the store. What another store has named and does not have
/// is no such sign: every step may have a result there that does not hold, and be found out one after the other.
const ATTEMPTS: usize = 5;

/// What takes less is not worth a second look at its folders, which could cost as much as the build.
const LONG: Duration = Duration::from_secs(1);

/// Realizes the goals of a graph, in their order. With the memory of the request that it is the graph of, only what has
/// changed is looked up, and what comes out is remembered.
pub fn realize(
    store: &Store,
    graph: &Graph,
    memory: Option<&Memory>,
    settings: &Settings,
    observe: &Observer<'_>,
) -> Result<Vec<Realized>> {
    let mut tools = None;
    let refusals = match store.has_upstream() {
        true => graph.steps.node_count(),
        false => 0,
    };
    let mut known = memory.cloned();
    for _ in 0..ATTEMPTS + refusals {
        let mut plan = Plan::new(graph, known.take());
        match attempt(store, graph, settings, observe, &mut plan, &mut tools) {
            Ok(results) => {
                if let Some(memory) = memory {
                    memory.keep(store, graph, &plan, &results)?;
                }
                return Ok(results);
            }
            Err(error) if error.is_lost() => {
                let nodes = forget_incomplete(store, graph, &plan)?;
                if !nodes.is_empty() {
                    observe(Event::Repairing { nodes });
                }
            }
            other => return other,
        }
    }
    Err(Error::Losing(store.root().to_owned()))
}

/// What realizing would find in the store.
pub fn plan(store: &Store, graph: &Graph) -> Result<Plan> {
    let mut plan = Plan::new(graph, None);
    plan.look_up(store, graph)?;
    Ok(plan)
}

fn attempt(
    store: &Store,
    graph: &Graph,
    settings: &Settings,
    observe: &Observer<'_>,
    plan: &mut Plan,
    tools: &mut Option<Tools>,
) -> Result<Vec<Realized>> {
    plan.look_up(store, graph)?;
    observe(Event::Planned(planned(store, graph, plan)));
    if plan.to_run() > 0 {
        let Tools {
            jobserver,
            fetcher,
            compiles,
        } = match tools {
            Some(started) => started,
            None => tools.insert(Tools::start(store, settings)?),
        };
        let mut failures = Executor {
            store,
            graph,
            settings,
            observe,
            jobserver,
            fetcher,
            compiles,
        }
        .execute(plan)?;
        if let Some(lost) = failures.iter().position(|failure| failure.error.is_lost()) {
            return Err(failures.swap_remove(lost).error);
        }
        // One that finds everything counts nothing: it writes nothing at all.
        let counted = store.record_hits(&plan.hits(graph));
        let shared = compiles.share(store);
        if !failures.is_empty() {
            // They say what is wrong, also where it is the store: no other error is put before them.
            let _ = share(store, plan);
            return Err(Error::Failed(failures));
        }
        counted?;
        shared?;
        if plan.begin().elapsed() >= LONG {
            for (step, changed) in plan.moved(store, graph)? {
                observe(Event::Step(step, Happening::Moved(changed)));
            }
        }
    }
    let goal = |goal| {
        let tree = plan.input(store, graph, goal)?;
        Ok(Realized {
            tree,
            path: store.materialize(tree)?,
        })
    };
    let results = graph
        .goals
        .iter()
        .map(goal)
        .collect::<Result<Vec<Realized>>>()?;
    // From now on the request may be answered without a plan: its steps are asked for by that.
    let keys: Vec<ActionKey> = plan.keys().collect();
    for result in &results {
        store.put_chain(result.tree, &keys)?;
    }
    store.settle()?;
    share(store, plan)?;
    Ok(results)
}

/// Gives what was made here to the store behind this one, if there is one.
fn share(store: &Store, plan: &Plan) -> Result<()> {
    if store.shares() {
        store.share(&plan.results(store)?);
    }
    Ok(())
}

/// Forgets every result that is no longer whole; returns the names of what will run again.
fn forget_incomplete(store: &Store, graph: &Graph, plan: &Plan) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for step in graph.steps.node_indices() {
        let Some(tree) = plan.tree(step) else {
            continue;
        };
        if !store.is_complete(tree)? {
            store.forget_results(tree)?;
            names.push(graph.name(step).to_owned());
        }
    }
    Ok(names)
}
