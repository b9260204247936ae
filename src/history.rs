//! Runs of the past: how they are named, and how they look in a list.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use pwb_cache::{ActionKey, Again, Outcome, PastRerun, PastRun};
use pwb_engine::{Error, Store};
use serde_json::{Value, json};

use crate::context::Context;
use crate::progress::seconds;
use crate::report::Failure;
use crate::units::ago;

/// The node that a name stands for, and its runs, the latest first; an error if there are none.
pub fn of(context: &Context, store: &Store, name: &str) -> Result<(String, Vec<PastRun>), Failure> {
    // The history knows nodes that no recipe has any more, and packages of roots.
    let runs = store.runs(name)?;
    if !runs.is_empty() {
        return Ok((name.to_owned(), runs));
    }
    let library = context.library()?;
    let wanted = library.wanted(name).map_err(Error::Recipe)?;
    let node = wanted.reference().node.to_string();
    let runs = store.runs(&node)?;
    if runs.is_empty() {
        let message = format!("`{node}` has not run in this store");
        return Err(Failure::new(message, format!("pwb realize {name}")));
    }
    Ok((node, runs))
}

/// The run that a number from the latest or the beginning of a key names.
pub fn find<'a>(node: &str, runs: &'a [PastRun], name: &str) -> Result<&'a PastRun, Failure> {
    let place = name
        .strip_prefix('-')
        .and_then(|number| number.parse::<usize>().ok());
    let found = match place {
        Some(place) => place.checked_sub(1).and_then(|place| runs.get(place)),
        None => runs
            .iter()
            .find(|past| past.run.key.hex().starts_with(name)),
    };
    found.ok_or_else(|| {
        let message = format!("`{node}` has no run `{name}`");
        Failure::new(message, format!("pwb history {node}"))
    })
}

/// The runs of one node: number, key, outcome, time, age, and the options in which they differ.
pub fn lines(runs: &[PastRun]) -> Vec<String> {
    let value = |past: &PastRun, name: &str| past.run.lineage.options.get(name).cloned();
    let differs = |name: &&String| {
        let first = runs.first().and_then(|past| value(past, name));
        runs.iter().any(|past| value(past, name) != first)
    };
    let line = |(place, past): (usize, &PastRun)| {
        let options = past.run.lineage.options.iter();
        let options = options.filter(|(name, _)| differs(name));
        let options: Vec<String> = options
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let number = format!("-{}", place + 1);
        let line = format!("{number:>4}  {}  {}", facts(past), options.join(" "));
        line.trim_end().to_owned()
    };
    runs.iter().enumerate().map(line).collect()
}

/// The runs of all nodes: key, outcome, time, age, node.
pub fn lines_with_nodes(runs: &[PastRun]) -> Vec<String> {
    let line = |past: &PastRun| format!("{}  {}", facts(past), past.run.node);
    runs.iter().map(line).collect()
}

/// Those of one node that ran again over its results. They have no number: they made no result.
pub fn rerun_lines(reruns: &[PastRerun]) -> Vec<String> {
    let line = |past: &PastRerun| {
        let other = match past.rerun.again {
            Again::Differs(tree) => format!("other result: {}", &tree.digest().hex()[..16]),
            Again::Same | Again::Failed => String::new(),
        };
        let line = format!("      {}  {other}", rerun_facts(past));
        line.trim_end().to_owned()
    };
    reruns.iter().map(line).collect()
}

/// The same of all nodes.
pub fn rerun_lines_with_nodes(reruns: &[PastRerun]) -> Vec<String> {
    let line = |past: &PastRerun| format!("{}  {}", rerun_facts(past), past.rerun.node);
    reruns.iter().map(line).collect()
}

fn facts(PastRun { run, finished }: &PastRun) -> String {
    columns(run.key, outcome(run.outcome), run.wall, *finished)
}

fn rerun_facts(PastRerun { rerun, finished }: &PastRerun) -> String {
    columns(rerun.key, rerun.again.word(), rerun.wall, *finished)
}

fn columns(key: ActionKey, how: &str, wall: Duration, finished: SystemTime) -> String {
    let (key, wall, ago) = (&key.hex()[..16], seconds(wall), ago(finished));
    format!("{key}  {how:7}  {wall:>9}  {ago:14}")
}

/// All that is known of a run; times in seconds, the end's since 1970.
pub fn to_json(store: &Store, past: &PastRun) -> Result<Value, Failure> {
    let result = store.result(past.run.key)?;
    Ok(json!({
        "node": past.run.node,
        "key": past.run.key.hex(),
        "outcome": outcome(past.run.outcome),
        "wall": past.run.wall.as_secs_f64(),
        "finished": since_1970(past.finished),
        "options": past.run.lineage.options,
        "result": result.map(|result| result.tree.digest().hex()),
    }))
}

/// The same of one that ran again; `other` is what came of it, if that was not the result.
pub fn rerun_to_json(store: &Store, past: &PastRerun) -> Result<Value, Failure> {
    let rerun = &past.rerun;
    let result = store.result(rerun.key)?;
    let other = match rerun.again {
        Again::Differs(tree) => Some(tree.digest().hex()),
        Again::Same | Again::Failed => None,
    };
    Ok(json!({
        "node": rerun.node,
        "key": rerun.key.hex(),
        "outcome": rerun.again.word(),
        "wall": rerun.wall.as_secs_f64(),
        "finished": since_1970(past.finished),
        "result": result.map(|result| result.tree.digest().hex()),
        "other": other,
    }))
}

fn since_1970(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs()
}

fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Built => "built",
        Outcome::Failed => "failed",
    }
}
