//! The same graph of trivial actions in pwb and in its peers: made, found made, changed, restored. And a large local folder.
//!
//! `cargo bench --bench peers [-- NODES|folder [PEER…]]` (1,000 nodes and all peers that are there unless given). Processor time is
//! user and system time of the tool, its server and all that they started. Bazel's server runs before anything is measured.

#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout)]

mod bazel;
mod cost;
mod folder;
mod graph;
mod make;
mod ninja;
mod nix_build;
mod pwb;
mod recipe;
mod shell;

use std::fs;
use std::path::Path;
use std::process::Command;

use cost::Cost;
use graph::Graph;

/// A tool that builds graphs.
trait Peer {
    fn name(&self) -> &'static str;
    /// Whether it runs each action in a sandbox.
    fn sandboxed(&self) -> bool;
    /// Writes the graph down in the tool's way, in a folder that has its sources.
    fn write(&mut self, graph: &Graph, folder: &Path);
    /// The same with one action that takes a folder `src` and says how many files are in it; `false` if the tool takes no folders.
    fn write_folder(&mut self, folder: &Path) -> bool;
    /// Builds all of it.
    fn build(&self, folder: &Path) -> Cost;
    /// Removes what is built, but not what is kept for later; `false` if nothing is.
    fn lose(&self, folder: &Path) -> bool;
}

fn main() {
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with('-'))
        .collect();
    let chosen = |peer: &dyn Peer| {
        arguments.len() < 2 || arguments[1..].iter().any(|name| name == peer.name())
    };
    let peers: Vec<Option<Box<dyn Peer>>> = vec![
        Some(Box::new(shell::Shell)),
        Some(Box::new(pwb::Pwb)),
        has("ninja").then(|| Box::new(ninja::Ninja) as Box<dyn Peer>),
        has("make").then(|| Box::new(make::Make) as Box<dyn Peer>),
        bazel::Bazel::found().map(|bazel| Box::new(bazel) as Box<dyn Peer>),
        has("nix-build").then(|| Box::new(nix_build::Nix) as Box<dyn Peer>),
    ];
    let peers = peers.into_iter().flatten();
    let mut peers: Vec<Box<dyn Peer>> = peers.filter(|peer| chosen(&**peer)).collect();
    if arguments.first().is_some_and(|first| first == "folder") {
        return folder::measure(&mut peers);
    }
    let size = arguments.first().map(|size| size.parse().unwrap());
    let graph = Graph::new(size.unwrap_or(1000));
    println!(
        "{} nodes; seconds of processor time / on the wall\n",
        graph.nodes.len()
    );
    println!("| | sandbox | cold | no-op | same output | other output | restored |");
    println!("| --- | --- | --- | --- | --- | --- | --- |");
    for mut peer in peers {
        let folder = tempfile::tempdir().unwrap();
        let costs = measure(&mut *peer, &graph, folder.path());
        let cells: Vec<String> = costs
            .iter()
            .map(|cost| cost.map_or("–".to_owned(), cell))
            .collect();
        let sandbox = if peer.sandboxed() { "yes" } else { "no" };
        println!("| {} | {sandbox} | {} |", peer.name(), cells.join(" | "));
        unlock(folder.path());
    }
}

/// Lets a folder be removed: Bazel and Nix make what they have read-only.
fn unlock(folder: &Path) {
    let mut command = Command::new("chmod");
    let _ = command.args(["-R", "u+w"]).arg(folder).status();
}

fn measure(peer: &mut dyn Peer, graph: &Graph, folder: &Path) -> [Option<Cost>; 5] {
    graph.write_sources(folder);
    peer.write(graph, folder);
    let cold = peer.build(folder);
    // A tool that keeps nothing has nothing to find.
    if peer.name() == "sh" {
        return [Some(cold), None, None, None, None];
    }
    let quick = |change: &dyn Fn(usize)| {
        let costs = (0..ROUNDS).map(|round| {
            change(round);
            peer.build(folder)
        });
        costs.min_by_key(|cost| cost.cpu)
    };
    let word = folder.join("src/0/word");
    let nothing = quick(&|_| {});
    let same = quick(&|round| fs::write(&word, format!("# comment {round}\n0\n")).unwrap());
    let other = quick(&|round| fs::write(&word, format!("# a comment\nword {round}\n")).unwrap());
    let restored = peer.lose(folder).then(|| peer.build(folder));
    [Some(cold), nothing, same, other, restored]
}

/// How often what is quick is done; the least counts.
const ROUNDS: usize = 5;

fn cell(cost: Cost) -> String {
    format!(
        "{:.3} / {:.3}",
        cost.cpu.as_secs_f64(),
        cost.wall.as_secs_f64()
    )
}

fn has(program: &str) -> bool {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&paths).any(|folder| folder.join(program).exists())
}
