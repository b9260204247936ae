//! The main target on a machine that has nothing, from a shared cache: how long it takes and what travels, through each server.
//!
//! `cargo bench --bench share`; the first time it builds the main target. The servers are on loopback, so it is the
//! work of both ends that is measured.

#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

#[path = "../tests/support/peers/mod.rs"]
mod peers;

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use peers::{Peer, Server, are_here};

const TARGET: &str = "wasm32-emscripten-node";
const ROUNDS: usize = 3;

fn main() {
    let (result, _, _) = realize(Command::new(env!("CARGO_BIN_EXE_pwb")).env("PWB_REMOTE", ""));
    let (files, packed) = sizes(&result);
    println!("the artifact: {files:.2} MB of files, {packed:.2} MB with each packed by zstd -3");
    measure("pwb cache serve", packed, || {
        Server::start(|port, folder| {
            std::fs::write(folder.join("token"), "token").unwrap();
            let mut command = Command::new(env!("CARGO_BIN_EXE_pwb"));
            command
                .args(["cache", "serve", "--allow-write"])
                .arg(format!("--listen=127.0.0.1:{port}"))
                .arg(format!("--token-file={}", folder.join("token").display()))
                .arg(format!("--store={}", folder.join("store").display()));
            command
        })
    });
    if are_here(&[Peer::BuildBox]) {
        measure("casd", files, Server::casd);
    }
    if are_here(&[Peer::BuildGrid]) {
        // The toolchain is larger than what tests need.
        let config = include_str!("../tests/support/peers/cache.yml").replace("2048M", "6G");
        measure("BuildGrid", files, || Server::buildgrid_with(&config));
    }
}

/// `least` is what has to travel, in MB.
fn measure(name: &str, least: f64, start: impl FnOnce() -> Server) {
    let server = start();
    let pwb = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pwb"));
        command
            .env("PWB_REMOTE", server.remote().url())
            .env("PWB_REMOTE_TOKEN", "token");
        command
    };
    let (_, wall, said) = realize(pwb().env("PWB_REMOTE_UPLOAD", "success"));
    println!("{name}: uploaded in {:.1} s; {said}", wall.as_secs_f64());
    // What the server has just taken is not what is measured, nor is how ext4 makes files while it avoids those that were
    // removed in the last half minute: the folder of the server before this one.
    assert!(Command::new("sync").status().unwrap().success());
    std::thread::sleep(Duration::from_secs(40));
    let stores: Vec<_> = (0..ROUNDS).map(|_| tempfile::tempdir().unwrap()).collect();
    for empty in &stores {
        let (_, wall, said) = realize(pwb().env("PWB_STORE", empty.path()));
        let received: f64 = said.split_whitespace().nth(2).unwrap().parse().unwrap();
        let received = received * f64::from(1 << 20) / 1e6;
        println!(
            "{name}: an empty store has it in {:.2} s; {received:.2} MB received, {:+.1} % over the artifact",
            wall.as_secs_f64(),
            (received / least - 1.0) * 100.0
        );
    }
}

/// The result, how long it took, and what pwb said of the shared cache.
fn realize(command: &mut Command) -> (PathBuf, Duration, String) {
    let begin = Instant::now();
    let output = command.args(["realize", TARGET]).output().unwrap();
    let wall = begin.elapsed();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{said}");
    let carried = said.lines().find(|line| line.starts_with("shared cache"));
    let carried = carried.unwrap_or_default().to_owned();
    let result = String::from_utf8(output.stdout).unwrap();
    (PathBuf::from(result.trim()), wall, carried)
}

/// MB of a tree's files, each content once: as they are, and packed.
fn sizes(tree: &Path) -> (f64, f64) {
    let (mut seen, mut folders) = (std::collections::HashSet::new(), vec![tree.to_owned()]);
    let (mut files, mut packed) = (0, 0);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let metadata = path.symlink_metadata().unwrap();
            if metadata.is_dir() {
                folders.push(path);
            } else if metadata.is_file() && seen.insert(metadata.ino()) {
                let bytes = std::fs::read(&path).unwrap();
                files += bytes.len();
                packed += pack(&bytes).min(bytes.len());
            }
        }
    }
    (files as f64 / 1e6, packed as f64 / 1e6)
}

fn pack(bytes: &[u8]) -> usize {
    zstd::bulk::compress(bytes, 3).unwrap().len()
}
