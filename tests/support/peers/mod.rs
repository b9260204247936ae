//! Real servers and clients of the Remote Execution API, which `.ci/peers` installs. Knows nothing of pwb.

#![allow(dead_code, unused_imports, reason = "each file of tests uses a part")]

mod clients;
mod farm;
mod process;
mod server;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

pub use clients::Remote;
pub use farm::Farm;
pub use server::Server;

/// What `.ci/peers` installs.
#[derive(Clone, Copy, Debug)]
pub enum Peer {
    /// casd, recc, trexe, casupload, casdownload, worker.
    BuildBox,
    BuildGrid,
    /// Which BuildGrid wants in order to execute.
    Postgres,
    Bazel,
    /// What reads SBOMs and provenance.
    Validators,
}

impl Peer {
    fn name(self) -> &'static str {
        match self {
            Peer::BuildBox => "buildbox",
            Peer::BuildGrid => "buildgrid",
            Peer::Postgres => "postgres",
            Peer::Bazel => "bazel",
            Peer::Validators => "validators",
        }
    }
}

/// Whether all of them are installed, which takes a while the first time. Where one cannot be had on this machine, the reason is printed, past the test's capture.
#[track_caller]
pub fn are_here(peers: &[Peer]) -> bool {
    for peer in peers.iter().map(|peer| peer.name()) {
        if folder().join(format!("{peer}.done")).exists() {
            continue;
        }
        let absent = folder().join(format!("{peer}.absent"));
        if !absent.exists() {
            // One at a time installs; the others wait for it and find what is there.
            let status = Command::new(".ci/peers")
                .arg(peer)
                .stdout(Stdio::null())
                .status();
            assert!(status.is_ok(), "cannot run .ci/peers: {status:?}");
        }
        if folder().join(format!("{peer}.done")).exists() {
            continue;
        }
        let why = fs::read_to_string(&absent).unwrap_or_else(|error| error.to_string());
        let test = std::thread::current().name().unwrap_or("?").to_owned();
        let said = format!("{test} skipped, without {peer}: {}\n", why.trim());
        std::io::stderr().write_all(said.as_bytes()).unwrap();
        return false;
    }
    true
}

fn folder() -> PathBuf {
    match std::env::var_os("PWB_PEERS") {
        Some(folder) => folder.into(),
        None => Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("peers"),
    }
}

/// A program of a peer.
pub fn program(name: &str) -> PathBuf {
    folder().join("bin").join(name)
}

/// Runs to the end; what it wrote to standard output. It must succeed.
#[track_caller]
pub fn run(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(
        output.status.success(),
        "{command:?}: {}\n{}{}",
        output.status,
        text(&output.stdout),
        text(&output.stderr)
    );
    text(&output.stdout)
}
