//! No room, and no more files: wherever in a build that happens it is said, nothing is lost, and with room the build goes on.

use std::collections::BTreeMap;
use std::fs;
use std::time::Instant;

use crate::host::{Mount, is_root, run};
use crate::project::Project;
use crate::support::World;
use crate::table::{detail, row};

/// What there is too little of, as the option of a tmpfs, with the amounts that a campaign tries.
struct Scarce {
    option: &'static str,
    plenty: &'static str,
    amounts: Vec<u32>,
}

fn bytes(amounts: impl Iterator<Item = u32>) -> Scarce {
    Scarce {
        option: "size",
        plenty: "512m",
        amounts: amounts.map(|kilobytes| kilobytes * 1024).collect(),
    }
}

fn files(amounts: impl Iterator<Item = u32>) -> Scarce {
    Scarce {
        option: "nr_inodes",
        plenty: "100000",
        amounts: amounts.collect(),
    }
}

#[test]
fn a_disk_that_fills_anywhere_in_a_build_costs_nothing() {
    if !is_root("a tmpfs") {
        return;
    }
    runs_out(&bytes([300, 1500, 3000, 4500, 6000].into_iter()));
    runs_out(&files([265, 290, 310, 330].into_iter()));
}

#[test]
#[ignore = "takes minutes, and wants root: .ci/faults runs it"]
fn disks_of_every_size() {
    campaign("disk full", &bytes((0..80).map(|number| 40 + number * 97)));
}

#[test]
#[ignore = "takes minutes, and wants root: .ci/faults runs it"]
fn inodes_of_every_number() {
    campaign(
        "no more inodes",
        &files((0..60).map(|number| 4 + number * 6)),
    );
}

fn campaign(what: &str, scarce: &Scarce) {
    let begin = Instant::now();
    let (tried, refused) = runs_out(scarce);
    row(
        what,
        &format!(
            "{tried} amounts of room, too little {} times",
            refused.values().sum::<u32>()
        ),
        "a clear error each time, nothing lost; with room it went on",
        begin,
    );
    detail(&refused);
}

/// Builds with each of these amounts, and then with plenty. Returns how many there were, and the errors seen.
fn runs_out(scarce: &Scarce) -> (usize, BTreeMap<String, u32>) {
    let (mut refused, mut unclear) = (BTreeMap::new(), Vec::new());
    for amount in &scarce.amounts {
        let mut project = Project::on_busybox(World::empty(&[]));
        let store = project.world.path("store");
        fs::create_dir_all(&store).unwrap();
        let _mount = Mount::memory(&format!("mode=755,{}={amount}", scarce.option), &store);
        let said = project.run();
        if said.code != Some(0) {
            let told = project.world.tidy(&said.err);
            if !is_clear(&told) {
                unclear.push(told.clone());
            }
            let error = told.lines().find(|line| line.starts_with("error: "));
            *refused
                .entry(error.unwrap_or(&told).to_owned())
                .or_default() += 1;
        }
        project.learn();
        // The same again: it is no worse for having been tried.
        project.run();
        project.learn();
        let options = format!("remount,{}={}", scarce.option, scarce.plenty);
        run("mount", &["-o", &options, store.to_str().unwrap()]);
        project.tick(1);
        project.is_whole();
    }
    assert!(unclear.is_empty(), "{}", unclear.join("\n\n"));
    (scarce.amounts.len(), refused)
}

/// Whether it says what there is none of, and what to do.
fn is_clear(told: &str) -> bool {
    let said = [
        ("No space left on device", "hint: free some disk"),
        ("database or disk is full", "hint: free some disk"),
        // All that SQLite knows.
        ("unable to open database file", "whether its disk has room"),
        ("disk I/O error", "whether its disk has room"),
        // What a command says is its own.
        ("No space left on device", "next:  pwb log"),
    ];
    let mut said = said.into_iter();
    said.any(|(what, next)| told.contains(what) && told.contains(next))
}
