//! Blobs to and from BuildBox's casd: pwb's client beside BuildBox's own, on the same server in the same run.
//!
//! `cargo bench --bench remote`. A file of 1 GiB, and 10,000 files of 4 KiB; none of them compresses. pwb hashes, stores
//! and publishes what it fetches; casdownload writes files. What counts are ratios of the best rounds within one run.

#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

#[path = "../tests/support/peers/mod.rs"]
mod peers;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use peers::{Peer, Server, are_here};
use pwb_cache::{Action, ActionResult, Store, TreePath, Upstream};
use pwb_remote::{Client, Notice, Settings, Url};

const ROUNDS: usize = 4;

fn main() {
    if !are_here(&[Peer::BuildBox]) {
        return;
    }
    let scratch = tempfile::tempdir().unwrap();
    let mut servers = Vec::new();
    println!(
        "{:20} {:>12} {:>12} {:>12} {:>14}",
        "", "pwb, up", "casupload", "pwb, down", "casdownload"
    );
    for (what, count, size) in [("1 GiB", 1, 1 << 30), ("10,000 x 4 KiB", 10_000, 4096)] {
        let mut best = [Duration::MAX; 4];
        for round in 0..ROUNDS {
            let folder = scratch.path().join(format!("{count}-{round}"));
            let source = random_files(&folder.join("source"), count, size);
            let [one, other] = [Server::casd(), Server::casd()];
            // Whoever comes later finds the disk busier.
            let (ours, theirs) = match round % 2 {
                0 => {
                    let ours = pwb(&one, &source, &folder);
                    (ours, buildbox(&other, &source, &folder))
                }
                _ => {
                    let theirs = buildbox(&one, &source, &folder);
                    (pwb(&other, &source, &folder), theirs)
                }
            };
            let times = [ours[0], theirs[0], ours[1], theirs[1]];
            row(what, times);
            // What is removed slows down what is made next (ext4): they stay until the end.
            servers.extend([one, other]);
            best = std::array::from_fn(|at| best[at].min(times[at]));
        }
        row("    best", best);
    }
}

fn row(what: &str, times: [Duration; 4]) {
    let [up, casupload, down, casdownload] =
        times.map(|wall| format!("{:.2} s", wall.as_secs_f64()));
    println!("{what:20} {up:>12} {casupload:>12} {down:>12} {casdownload:>14}");
}

fn random_files(source: &Path, count: usize, size: usize) -> PathBuf {
    fs::create_dir_all(source).unwrap();
    let mut random = File::open("/dev/urandom").unwrap();
    for number in 0..count {
        let mut file = File::create(source.join(number.to_string())).unwrap();
        let mut left = size;
        while left > 0 {
            let mut bytes = vec![0; left.min(1 << 20)];
            random.read_exact(&mut bytes).unwrap();
            file.write_all(&bytes).unwrap();
            left -= bytes.len();
        }
    }
    source.to_owned()
}

/// Up and down.
fn pwb(casd: &Server, source: &Path, folder: &Path) -> [Duration; 2] {
    let client = || client(casd);
    let (here, there) = (folder.join("here"), folder.join("there"));
    let store = Store::open(&here).unwrap();
    let tree = store
        .import(source, pwb_cache::Digest::of(b"bench"), &|_, _| false)
        .unwrap();
    let action = Action {
        arguments: vec!["bench".into()],
        environment: BTreeMap::new(),
        working_directory: TreePath::default(),
        outputs: BTreeSet::new(),
        platform: BTreeMap::new(),
        timeout: None,
        input_root: tree,
    };
    let (key, _) = action.encode();
    let result = ActionResult {
        tree,
        wall: Duration::ZERO,
        user: Duration::ZERO,
        system: Duration::ZERO,
        max_rss: 0,
    };
    let up = time(|| client().share(&store, &[(key, result)]));
    let store = Store::open(&there)
        .unwrap()
        .with_upstream(Arc::new(client()));
    let down = time(|| {
        assert_eq!(store.ask(&[key]).unwrap(), [Some(result)]);
        store.materialize(tree).unwrap();
    });
    [up, down]
}

/// Up and down, by BuildBox's own clients.
fn buildbox(casd: &Server, source: &Path, folder: &Path) -> [Duration; 2] {
    let casd = casd.remote();
    let mut digest = String::new();
    let up = time(|| digest = casd.casupload(source));
    let down = time(|| casd.casdownload(&digest, &folder.join("into")));
    [up, down]
}

fn client(casd: &Server) -> Client {
    let settings = Settings {
        url: Url::parse(&casd.remote().url()).unwrap(),
        upload: true,
        ..Settings::default()
    };
    Client::new(settings, |notice| {
        if let Notice::Warning(warning) = notice {
            panic!("{warning}");
        }
    })
    .unwrap()
}

/// Nothing of what came before waits to be written when the clock starts.
fn time(work: impl FnOnce()) -> Duration {
    assert!(Command::new("sync").status().unwrap().success());
    let begin = Instant::now();
    work();
    begin.elapsed()
}
