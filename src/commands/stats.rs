//! `pwb stats`: what the history comes to. A report of sections, one a kind of cache.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Duration;

use pwb_cache::{CallCount, NodeStatistics};
use serde_json::{Value, json};

use super::say;
use crate::cli::{Cli, Stats};
use crate::context::Context;
use crate::progress::seconds;
use crate::report::Failure;

/// How many nodes are printed: roots have a node a package.
const LIMIT: usize = 40;

pub fn run(cli: &Cli, arguments: &Stats) -> Result<ExitCode, Failure> {
    let store = Context::new(cli)?.store()?;
    let mut nodes = store.statistics()?;
    let calls = store.call_counts()?;
    nodes.sort_by_key(|row| Reverse(row.spent + row.saved));
    let total = total(&nodes);
    if arguments.json {
        let rows: Vec<Value> = nodes.iter().map(to_json).collect();
        let calls: Vec<Value> = calls.iter().map(call_to_json).collect();
        say(json!({"nodes": rows, "total": to_json(&total), "calls": calls}));
    } else {
        let shown = if arguments.all { nodes.len() } else { LIMIT };
        print_nodes(&nodes[..shown.min(nodes.len())], &total, nodes.len());
        if !calls.is_empty() {
            print_calls(&calls);
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn total(nodes: &[NodeStatistics]) -> NodeStatistics {
    let mut total = NodeStatistics {
        node: "all".to_owned(),
        ..NodeStatistics::default()
    };
    for node in nodes {
        total.runs += node.runs;
        total.failed += node.failed;
        total.hits += node.hits;
        total.spent += node.spent;
        total.saved += node.saved;
    }
    total
}

fn print_nodes(nodes: &[NodeStatistics], total: &NodeStatistics, of: usize) {
    let rows = nodes.iter().chain([total]);
    let width = rows.clone().map(|row| row.node.len()).max().unwrap_or(0);
    let heads = ["runs", "failed", "hits", "spent", "saved", "last run"];
    let head = heads.map(|head| format!("{head:>10}")).concat();
    say(format_args!("{:width$}{head}", "node"));
    for row in rows {
        let counts = [row.runs, row.failed, row.hits].map(|count| format!("{count:>10}"));
        let times = [Some(row.spent), Some(row.saved), row.last_wall];
        let time = |wall: Option<Duration>| wall.map(seconds).unwrap_or_default();
        let times = times.map(|wall| format!("{:>10}", time(wall)));
        let line = format!("{:width$}{}{}", row.node, counts.concat(), times.concat());
        say(line.trim_end());
    }
    if of > nodes.len() {
        say(format_args!("and {} more nodes: --all", of - nodes.len()));
    }
}

/// Calls of compilers in the nodes' commands, and why some are not remembered.
fn print_calls(calls: &[CallCount]) {
    let mut rows: BTreeMap<&str, Calls> = BTreeMap::new();
    let mut reasons: BTreeMap<&str, u64> = BTreeMap::new();
    for call in calls {
        for node in [call.node.as_str(), "~all"] {
            rows.entry(node).or_default().add(call);
        }
        if !matches!(call.outcome.as_str(), CallCount::HIT | CallCount::MISS) {
            *reasons.entry(&call.outcome).or_default() += call.count;
        }
    }
    let width = rows
        .keys()
        .map(|node| node.len())
        .max()
        .unwrap_or(0)
        .max("compile cache".len());
    let heads =
        ["hits", "misses", "uncached", "hit rate", "saved"].map(|head| format!("{head:>10}"));
    say(format_args!(
        "\n{:width$}{}",
        "compile cache",
        heads.concat()
    ));
    for (node, row) in rows {
        let counts = [row.hits, row.misses, row.uncached].map(|count| format!("{count:>10}"));
        let of = (row.hits + row.misses + row.uncached).max(1);
        let rate = format!("{:.1} %", 100.0 * row.hits as f64 / of as f64);
        let node = node.trim_start_matches('~');
        say(format_args!(
            "{node:width$}{}{rate:>10}{:>10}",
            counts.concat(),
            seconds(row.saved)
        ));
    }
    for (reason, count) in reasons {
        say(format_args!("uncached, {count}: {reason}"));
    }
}

#[derive(Default)]
struct Calls {
    hits: u64,
    misses: u64,
    uncached: u64,
    saved: Duration,
}

impl Calls {
    fn add(&mut self, call: &CallCount) {
        self.saved += call.saved;
        match call.outcome.as_str() {
            CallCount::HIT => self.hits += call.count,
            CallCount::MISS => self.misses += call.count,
            _ => self.uncached += call.count,
        }
    }
}

fn call_to_json(call: &CallCount) -> Value {
    json!({
        "node": call.node,
        "outcome": call.outcome,
        "count": call.count,
        "saved": call.saved.as_secs_f64(),
    })
}

/// Times in seconds.
fn to_json(row: &NodeStatistics) -> Value {
    json!({
        "node": row.node,
        "runs": row.runs,
        "failed": row.failed,
        "hits": row.hits,
        "spent": row.spent.as_secs_f64(),
        "saved": row.saved.as_secs_f64(),
        "last_wall": row.last_wall.map(|wall| wall.as_secs_f64()),
    })
}
