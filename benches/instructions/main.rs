//! How many instructions pwb itself spends where nothing has to run: a count that is the same on a busy machine, and so a guard
//! against getting slower unnoticed.
//!
//! `cargo bench --bench instructions` wants valgrind. It fails if a count is a tenth above what `benches/instructions/known.ron` has;
//! with PWB_BLESS=1 it writes the counts there.

#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout, clippy::panic)]

#[path = "../peers/graph.rs"]
#[allow(dead_code, reason = "peers want more of it")]
mod graph;
#[path = "../peers/recipe.rs"]
mod recipe;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};

use graph::Graph;

const KNOWN: &str = "benches/instructions/known.ron";
/// Of the graph.
const NODES: usize = 1000;
/// A count may be so much larger than the known one, in percent.
const MORE: u64 = 10;

fn main() -> ExitCode {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let graph = Graph::new(NODES);
    graph.write_sources(folder);
    recipe::write(&recipe::of(&graph), folder);
    pwb(folder, &["realize", "many/all"]);
    // What was written just now is read again.
    std::thread::sleep(std::time::Duration::from_secs(3));
    pwb(folder, &["realize", "many/all"]);

    let mut counts = BTreeMap::new();
    let mut count = |what: &str, arguments: &[&str]| {
        counts.insert(what.to_owned(), instructions(folder, arguments));
    };
    count("read the recipes", &["check", "recipes"]);
    count("nothing has changed", &["realize", "many/all"]);
    count(
        "plan without a memory",
        &["realize", "--dry-run", "many/all"],
    );
    fs::remove_dir_all(folder.join("store/trees")).unwrap();
    count("restore the result", &["realize", "many/all"]);

    let known = fs::read_to_string(KNOWN).unwrap_or_default();
    let known: BTreeMap<String, u64> = ron::from_str(&known).unwrap_or_default();
    println!("{NODES} nodes; millions of instructions\n");
    println!("| | now | known |\n| --- | --- | --- |");
    let mut good = true;
    for (what, now) in &counts {
        let before = known.get(what).copied().unwrap_or(0);
        good &= *now <= before + before * MORE / 100;
        println!(
            "| {what} | {:.1} | {:.1} |",
            millions(*now),
            millions(before)
        );
    }
    if std::env::var_os("PWB_BLESS").is_some() {
        let text = ron::ser::to_string_pretty(&counts, ron::ser::PrettyConfig::default());
        fs::write(KNOWN, text.unwrap() + "\n").unwrap();
    } else if !good {
        println!(
            "\nmore than {MORE} % above what was known: if that is right, PWB_BLESS=1 writes it down"
        );
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

fn millions(count: u64) -> f64 {
    count as f64 / 1e6
}

fn pwb(folder: &Path, arguments: &[&str]) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pwb"));
    run(recipe::in_folder(&mut command, folder).args(arguments));
}

/// What pwb's own process executes, libraries included, the kernel not.
fn instructions(folder: &Path, arguments: &[&str]) -> u64 {
    let mut command = Command::new("valgrind");
    command.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]);
    command.arg(env!("CARGO_BIN_EXE_pwb")).args(arguments);
    // Threads that wait for work spin.
    command.env("RAYON_NUM_THREADS", "1");
    let said = run(recipe::in_folder(&mut command, folder));
    let line = said
        .lines()
        .find_map(|line| line.split_once("Collected : "));
    let (_, count) = line.unwrap_or_else(|| panic!("valgrind: {said}"));
    count.trim().parse().unwrap()
}

fn run(command: &mut Command) -> String {
    let output = command.output();
    let output = output.unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{command:?}: {said}");
    said
}
