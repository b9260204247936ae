//! From a graph to results: plan, run what is missing, and again if objects turn out to be gone.

use std::path::PathBuf;

use pwb_cache::{ActionKey, Digest, Store, TreeDigest};

use crate::compile::Compiles;
use crate::error::{Error, Result};
use crate::event::{Event, Happening, Observer};
use crate::executor::Executor;
use crate::fetch::{self, Fetcher};
use crate::graph::Graph;
use crate::jobserver::Jobserver;
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
        })?;
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

/// Realizes the goals of a graph, in their order.
pub fn realize(
    store: &Store,
    graph: &Graph,
    settings: &Settings,
    observe: &Observer<'_>,
) -> Result<Vec<Realized>> {
    let mut tools = None;
    let refusals = match store.has_upstream() {
        true => graph.steps.node_count(),
        false => 0,
    };
    for _ in 0..ATTEMPTS + refusals {
        let mut plan = Plan::new(graph);
        match attempt(store, graph, settings, observe, &mut plan, &mut tools) {
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
    let mut plan = Plan::new(graph);
    plan.look_up(store, graph)?;
    Ok(plan)
}

/// The answer that an unchanged request was given, if it still stands.
pub fn remembered(store: &Store, request: Digest) -> Result<Option<Realized>> {
    let Some(tree) = store.realization(request)? else {
        return Ok(None);
    };
    Ok(store
        .materialized(tree)?
        .map(|path| Realized { tree, path }))
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
            // They say what is wrong, also where it is the store.
            if let Ok(results) = plan.results(store) {
                store.share(&results);
            }
            return Err(Error::Failed(failures));
        }
        counted?;
        shared?;
        for (step, changed) in plan.moved(store, graph)? {
            observe(Event::Step(step, Happening::Moved(changed)));
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
    if !graph.has_folders() {
        // Such a request is answered without a plan from now on: its steps are asked for by that.
        let keys: Vec<ActionKey> = plan.keys().collect();
        for result in &results {
            store.put_chain(result.tree, &keys)?;
        }
    }
    store.settle()?;
    store.share(&plan.results(store)?);
    Ok(results)
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
