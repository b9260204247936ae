//! How a node stands: whether it would run, and against which of its earlier runs that is explained.

use std::collections::{BTreeMap, BTreeSet};

use petgraph::Direction;
use petgraph::graph::NodeIndex;
use pwb_cache::{Outcome, PastRun, Store, TreeDigest};

use super::manifest::Manifest;
use super::reason::{Finding, Reason, remade};
use crate::error::Result;
use crate::graph::{Graph, Input, StepId, Work};
use crate::lineage::lineage;
use crate::plan::{Known, Plan, part};
use crate::prepare::{Prepared, prepare};

/// How a node stands, and why.
#[derive(Clone, Debug)]
pub struct Explanation {
    /// How it stands.
    pub standing: Standing,
    /// The action as it is now, or as it was where a past run is explained. `None` if it is not known (yet).
    pub manifest: Option<Manifest>,
    /// The comparison with an earlier run; `None` if there is none.
    pub reason: Option<Reason>,
}

/// How a node stands.
#[derive(Clone, Debug)]
pub enum Standing {
    /// It is a local folder, which is read each time.
    Folder,
    /// Its result is there.
    UpToDate {
        /// The run that made it, if the history has it.
        made: Option<PastRun>,
        /// Why nodes that made its inputs have run since, which came out as before.
        spared: Vec<Reason>,
    },
    /// It would run: there is no result of its key.
    WouldRun,
    /// It would run: its result, made by this run, is gone.
    Lost(PastRun),
    /// It would run: this run of the very same action failed.
    Failed(PastRun),
    /// Its inputs are not known: other nodes have to run first.
    Waits {
        /// The nodes that have to run.
        first: Vec<StepId>,
        /// The nodes between them and this one.
        between: Vec<StepId>,
        /// Whether this one ever ran.
        ran: bool,
    },
    /// It is the past: this run is explained.
    Past(PastRun),
}

impl Explanation {
    /// Whether the node would run however the inputs that are not known come out.
    pub fn is_certain(&self) -> bool {
        match (
            &self.standing,
            self.reason.as_ref().map(|reason| &reason.finding),
        ) {
            (Standing::WouldRun | Standing::Lost(_) | Standing::Failed(_), _) => true,
            (Standing::Waits { .. }, Some(Finding::Different(difference))) => {
                !difference.is_empty()
            }
            _ => false,
        }
    }
}

/// Explains how a step of a graph stands. It is compared with `against`, or with the run that was most like it.
pub fn explain(
    store: &Store,
    graph: &Graph,
    plan: &Plan,
    step: StepId,
    against: Option<&PastRun>,
) -> Result<Explanation> {
    if let Work::Source { .. } = graph.steps[step].work {
        return Ok(Explanation {
            standing: Standing::Folder,
            manifest: None,
            reason: None,
        });
    }
    let runs = store.runs(graph.name(step))?;
    if plan.known(step) == Known::Unknown {
        return waiting(
            store,
            graph,
            plan,
            step,
            against.or(alike(&runs, graph, step)),
        );
    }
    let (manifest, prepared) = present(store, graph, plan, step, |input| {
        plan.input(store, graph, input)
    })?;
    let made = runs.iter().position(|past| past.run.key == manifest.key);
    let standing = match (plan.known(step), made.map(|place| &runs[place])) {
        (Known::Tree(_), past) => {
            let made = match past {
                Some(past) => Some(past.clone()),
                None => store.run_of(manifest.key)?,
            };
            let since = made.as_ref().map(|past| &past.run.lineage);
            let spared = since.map(|since| remade(store, since, &manifest.lineage));
            Standing::UpToDate {
                spared: spared.transpose()?.unwrap_or_default(),
                made,
            }
        }
        (_, None) => Standing::WouldRun,
        (_, Some(past)) => match past.run.outcome {
            Outcome::Built => Standing::Lost(past.clone()),
            Outcome::Failed => Standing::Failed(past.clone()),
        },
    };
    let before = match (&standing, made) {
        (Standing::UpToDate { .. }, Some(place)) => &runs[place + 1..],
        _ => &runs[..],
    };
    let others = before.iter().filter(|past| past.run.key != manifest.key);
    let earlier = against.or_else(|| nearest(others, graph.options(step)));
    let between = |earlier| Reason::between(store, earlier, &manifest, &prepared.messages);
    Ok(Explanation {
        reason: earlier.map(between).transpose()?,
        standing,
        manifest: Some(manifest),
    })
}

/// Explains a run of the past, one of `runs`, by the run before it that was most like it, or by `against`.
pub fn explain_run(
    store: &Store,
    runs: &[PastRun],
    past: &PastRun,
    against: Option<&PastRun>,
) -> Result<Explanation> {
    let manifest = Manifest::past(store, &past.run.node, past.run.key)?;
    let place = runs.iter().position(|one| one == past);
    let before = runs.iter().skip(place.map_or(0, |place| place + 1));
    let others = before.filter(|one| one.run.key != past.run.key);
    let earlier = against.or_else(|| nearest(others, &past.run.lineage.options));
    let reason = match (&manifest, earlier) {
        (Some(new), Some(earlier)) => Some(Reason::between(store, earlier, new, &[])?),
        _ => None,
    };
    Ok(Explanation {
        standing: Standing::Past(past.clone()),
        manifest,
        reason,
    })
}

/// The latest of the runs in which the fewest options differ: the same variant, where it ever ran.
fn nearest<'a>(
    runs: impl Iterator<Item = &'a PastRun>,
    options: &BTreeMap<String, String>,
) -> Option<&'a PastRun> {
    runs.min_by_key(|past| {
        let theirs = &past.run.lineage.options;
        let names: BTreeSet<&String> = theirs.keys().chain(options.keys()).collect();
        let differing = names
            .iter()
            .filter(|&&name| theirs.get(name) != options.get(name));
        differing.count()
    })
}

fn alike<'a>(runs: &'a [PastRun], graph: &Graph, step: StepId) -> Option<&'a PastRun> {
    nearest(runs.iter(), graph.options(step))
}

fn present(
    store: &Store,
    graph: &Graph,
    plan: &Plan,
    step: StepId,
    tree_of: impl Fn(&Input) -> Result<TreeDigest>,
) -> Result<(Manifest, Prepared)> {
    let prepared = prepare(store, &graph.steps[step], tree_of)?;
    let manifest = Manifest {
        node: graph.name(step).to_owned(),
        key: prepared.key,
        action: prepared.action.clone(),
        lineage: lineage(graph, plan, step),
    };
    Ok((manifest, prepared))
}

/// A step whose inputs are not known is compared as if those came out as before: what then differs makes it run in any
/// case.
fn waiting(
    store: &Store,
    graph: &Graph,
    plan: &Plan,
    step: StepId,
    earlier: Option<&PastRun>,
) -> Result<Explanation> {
    let (mut first, mut between, mut seen) = (Vec::new(), Vec::new(), BTreeSet::new());
    let mut stack = vec![step];
    while let Some(at) = stack.pop() {
        if !seen.insert(at) {
            continue;
        }
        match plan.known(at) {
            Known::Tree(_) => {}
            Known::Missing => first.push(at),
            Known::Unknown => {
                between.push(at);
                let inputs = graph.steps.neighbors_directed(at, Direction::Incoming);
                stack.extend(inputs);
            }
        }
    }
    between.retain(|&at| at != step);
    between.sort_unstable_by_key(|at: &NodeIndex| at.index());
    first.sort_unstable_by_key(|at: &NodeIndex| at.index());
    let assumed = |input: &Input| match plan.known(input.step) {
        Known::Tree(_) => plan.input(store, graph, input),
        _ => as_before(store, graph, input, earlier),
    };
    // What cannot be assumed cannot be compared, and need not be: the nodes that run first are explained.
    let compared = match earlier {
        Some(earlier) => present(store, graph, plan, step, assumed)
            .and_then(|(manifest, prepared)| {
                let reason = Reason::between(store, earlier, &manifest, &prepared.messages)?;
                Ok((manifest, reason))
            })
            .ok(),
        None => None,
    };
    let (manifest, reason) = compared.unzip();
    Ok(Explanation {
        standing: Standing::Waits {
            first,
            between,
            ran: earlier.is_some(),
        },
        manifest,
        reason,
    })
}

/// What an input was in an earlier run.
fn as_before(
    store: &Store,
    graph: &Graph,
    input: &Input,
    earlier: Option<&PastRun>,
) -> Result<TreeDigest> {
    let gone = || crate::Error::Path {
        what: "input",
        path: input.path.to_string(),
        why: "its earlier result is not known".into(),
    };
    let feeds = earlier.map_or(&[][..], |past| &past.run.lineage.feeds);
    let same = |feed: &&pwb_cache::Feed| {
        feed.node == graph.name(input.step) && feed.path == input.path.relative()
    };
    let key = feeds.iter().find(same).and_then(pwb_cache::Feed::key);
    let result = key.map(|key| store.result(key)).transpose()?.flatten();
    let tree = result.ok_or_else(gone)?.tree;
    part(store, graph, input, tree)
}
