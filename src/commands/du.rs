//! `pwb du`: what takes the room, by node.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::SystemTime;

use pwb_cache::{ActionKey, Store, Usage};
use serde_json::{Value, json};

use super::say;
use crate::cli::{Cli, Du};
use crate::context::Context;
use crate::report::Failure;
use crate::units::{ago, bytes};

/// How many nodes are printed: roots have a node a package.
const LIMIT: usize = 40;

/// Results that came from another machine have no name here.
const ELSEWHERE: &str = "(made elsewhere)";

pub fn run(cli: &Cli, arguments: &Du) -> Result<ExitCode, Failure> {
    let context = Context::new(cli)?;
    let store = context.store()?;
    let groups = match &arguments.name {
        None => by_node(&store)?,
        Some(name) => of_target(&context, &store, name, arguments)?,
    };
    let mut keys: Vec<Vec<ActionKey>> = groups.values().cloned().collect();
    keys.push(keys.concat());
    let mut usages = store.usage(&keys)?;
    // The last group is all of them.
    let total = usages.pop().unwrap_or_default();
    let mut rows: Vec<(&String, Usage)> = groups.keys().zip(usages).collect();
    rows.retain(|(_, usage)| usage.results > 0);
    rows.sort_by_key(|(name, usage)| (Reverse(usage.own), Reverse(usage.bytes), (*name).clone()));
    if arguments.json {
        let nodes: Vec<Value> = rows
            .iter()
            .map(|(name, usage)| to_json(name, usage))
            .collect();
        say(json!({"nodes": nodes, "total": to_json("all", &total)}));
        return Ok(ExitCode::SUCCESS);
    }
    say(format_args!(
        "{:>12}{:>12}{:>12}{:>16}  node",
        "own", "shared", "results", "last used"
    ));
    let shown = if arguments.all { rows.len() } else { LIMIT };
    for (name, usage) in rows.iter().take(shown) {
        print(name, usage);
    }
    if rows.len() > shown {
        say(format_args!("and {} more nodes: --all", rows.len() - shown));
    }
    print("all", &total);
    Ok(ExitCode::SUCCESS)
}

fn by_node(store: &Store) -> Result<BTreeMap<String, Vec<ActionKey>>, Failure> {
    let mut groups: BTreeMap<String, Vec<ActionKey>> = BTreeMap::new();
    for (key, node) in store.results()? {
        let name = node.unwrap_or_else(|| ELSEWHERE.to_owned());
        groups.entry(name).or_default().push(key);
    }
    Ok(groups)
}

/// The nodes of a target, each with the result that it has now.
fn of_target(
    context: &Context,
    store: &Store,
    name: &String,
    arguments: &Du,
) -> Result<BTreeMap<String, Vec<ActionKey>>, Failure> {
    let library = context.library()?;
    let graph = context.graph(&library, std::slice::from_ref(name), &arguments.options)?;
    let plan = pwb_engine::plan(store, &graph)?;
    let mut groups: BTreeMap<String, Vec<ActionKey>> = BTreeMap::new();
    for step in graph.steps.node_indices() {
        if let Some(key) = plan.key(step) {
            groups
                .entry(graph.name(step).to_owned())
                .or_default()
                .push(key);
        }
    }
    Ok(groups)
}

fn print(name: &str, usage: &Usage) {
    let shared = usage.bytes.saturating_sub(usage.own);
    say(format_args!(
        "{:>12}{:>12}{:>12}{:>16}  {name}",
        bytes(usage.own),
        bytes(shared),
        usage.results,
        usage.used.map(ago).unwrap_or_default(),
    ));
}

/// Sizes in bytes, times in seconds since 1970.
fn to_json(name: &str, usage: &Usage) -> Value {
    let used = usage
        .used
        .and_then(|when| when.duration_since(SystemTime::UNIX_EPOCH).ok());
    json!({
        "node": name,
        "results": usage.results,
        "own": usage.own,
        "shared": usage.bytes.saturating_sub(usage.own),
        "last_used": used.map(|since| since.as_secs()),
    })
}
