//! `pwb stats`: what the history comes to. A report of sections, one a kind of cache.

use std::cmp::Reverse;
use std::process::ExitCode;
use std::time::Duration;

use pwb_cache::NodeStatistics;
use serde_json::{Value, json};

use super::say;
use crate::cli::{Cli, Stats};
use crate::context::Context;
use crate::progress::seconds;
use crate::report::Failure;

/// How many nodes are printed: roots have a node a package.
const LIMIT: usize = 40;

pub fn run(cli: &Cli, arguments: &Stats) -> Result<ExitCode, Failure> {
    let mut nodes = Context::new(cli)?.store()?.statistics()?;
    nodes.sort_by_key(|row| Reverse(row.spent + row.saved));
    let total = total(&nodes);
    if arguments.json {
        let rows: Vec<Value> = nodes.iter().map(to_json).collect();
        say(json!({"nodes": rows, "total": to_json(&total)}));
    } else {
        let shown = if arguments.all { nodes.len() } else { LIMIT };
        print_nodes(&nodes[..shown.min(nodes.len())], &total, nodes.len());
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
