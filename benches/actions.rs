//! A graph of trivial sandboxed actions: what an action costs, and what finding nothing to do costs.
//!
//! `cargo bench --bench actions [-- N]` (N = 1000 actions unless given). CPU is user and system time of pwb and all it
//! started, from the kernel's own accounts.

#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout)]

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};

fn main() {
    let actions = std::env::args()
        .filter_map(|argument| argument.parse().ok())
        .next()
        .unwrap_or(1000);
    let folder = tempfile::tempdir().unwrap();
    let recipes = folder.path().join("recipes");
    fs::create_dir(&recipes).unwrap();
    for name in ["busybox.ron", "busybox.lock"] {
        fs::copy(Path::new("tests/recipes").join(name), recipes.join(name)).unwrap();
    }
    fs::write(recipes.join("many.ron"), recipe(actions)).unwrap();
    let realize = |name: &str| {
        let before = cpu();
        let begin = Instant::now();
        let status = Command::new(env!("CARGO_BIN_EXE_pwb"))
            .args(["realize", name])
            .env("PWB_RECIPES", &recipes)
            .env("PWB_STORE", folder.path().join("store"))
            .output()
            .unwrap();
        assert!(
            status.status.success(),
            "{}",
            String::from_utf8_lossy(&status.stderr)
        );
        (begin.elapsed(), cpu() - before)
    };
    realize("busybox/root");
    let (wall, cpu) = realize("many/all");
    let each = |time: Duration| time.as_secs_f64() * 1e3 / f64::from(actions);
    println!(
        "{actions} actions, cold: {:.2} ms CPU and {:.2} ms wall an action",
        each(cpu),
        each(wall)
    );
    let mut walls: Vec<Duration> = (0..20).map(|_| realize("many/all").0).collect();
    walls.sort();
    println!(
        "no-op: {:.1} ms wall (median of 20)",
        walls[10].as_secs_f64() * 1e3
    );
    // A name that was not asked for before: every key is computed and looked up.
    let (wall, _) = realize("many/again");
    println!(
        "all {actions} looked up: {:.1} ms wall",
        wall.as_secs_f64() * 1e3
    );
}

/// Independent actions, and a root that needs them all.
fn recipe(actions: u32) -> String {
    let (mut nodes, mut layers) = (String::new(), String::new());
    for number in 0..actions {
        writeln!(
            nodes,
            r#""n{number}": Run(root: "busybox/root", run: ["sh", "-c", "echo {number} > /out/{number}"], outputs: ["/out"]),"#
        )
        .unwrap();
        write!(layers, r#""n{number}","#).unwrap();
    }
    format!(
        r#"Recipe(nodes: {{ {nodes} "all": Root(layers: [{layers}]), "again": Root(layers: ["all"]) }})"#
    )
}

/// User and system time of all finished children and theirs.
fn cpu() -> Duration {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).unwrap();
    [usage.user_time(), usage.system_time()]
        .iter()
        .map(|time| Duration::new(time.tv_sec() as u64, time.tv_usec() as u32 * 1000))
        .sum()
}
