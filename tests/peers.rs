//! That the other people's servers and clients, which other tests rely on, start and do what they are for.

#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "support/peers/mod.rs"]
mod peers;

use std::fs;
use std::os::unix::fs::PermissionsExt;

use peers::{Farm, Peer, Remote, Server, are_here, run};

#[test]
fn casd_keeps_what_it_is_given() {
    if are_here(&[Peer::BuildBox]) {
        let server = Server::casd();
        round_trip(server.remote());
        let log = server.log();
        assert_eq!(log, "", "it complains of nothing");
    }
}

#[test]
fn buildgrid_keeps_what_it_is_given() {
    if are_here(&[Peer::BuildBox, Peer::BuildGrid]) {
        round_trip(Server::buildgrid().remote());
    }
}

/// A tree with a large file, an executable one and a link goes there and comes back.
#[track_caller]
fn round_trip(remote: Remote) {
    let folder = tempfile::tempdir().unwrap();
    let (given, got) = (folder.path().join("given"), folder.path().join("got"));
    fs::create_dir_all(given.join("deep")).unwrap();
    let large: Vec<u8> = (0..2_000_000u32).flat_map(u32::to_le_bytes).collect();
    fs::write(given.join("deep/large"), &large).unwrap();
    fs::write(given.join("tool"), "#!/bin/sh\n").unwrap();
    fs::set_permissions(given.join("tool"), fs::Permissions::from_mode(0o755)).unwrap();
    std::os::unix::fs::symlink("deep/large", given.join("link")).unwrap();

    let root = remote.casupload(&given);
    remote.casdownload(&root, &got);
    assert!(fs::read(got.join("deep/large")).unwrap() == large);
    assert_ne!(
        fs::metadata(got.join("tool")).unwrap().permissions().mode() & 0o111,
        0
    );
    assert_eq!(
        fs::read_link(got.join("link")).unwrap().to_str(),
        Some("deep/large")
    );
}

#[test]
fn casd_executes() {
    if are_here(&[Peer::BuildBox]) {
        executes(Server::casd_with_execution().remote());
    }
}

#[test]
#[ignore = "takes long: .ci/run runs it"]
fn buildgrid_executes_with_a_worker() {
    if are_here(&[Peer::BuildBox, Peer::BuildGrid, Peer::Postgres]) {
        executes(Farm::start().remote());
    }
}

/// An action with an input and an output.
#[track_caller]
fn executes(remote: Remote) {
    let folder = tempfile::tempdir().unwrap();
    let (given, got) = (folder.path().join("given"), folder.path().join("got"));
    fs::write(&given, "given\n").unwrap();
    let said = run(remote
        .buildbox("trexe")
        .arg(format!("--input-path={}:in", given.display()))
        .arg(format!("--d={}", got.display()))
        .args([
            "--output-path=out",
            "/bin/sh",
            "-c",
            "cat in in > out; echo said",
        ]));
    assert_eq!(said, "said\n");
    assert_eq!(
        fs::read_to_string(got.join("out")).unwrap(),
        "given\ngiven\n"
    );
}

#[test]
fn recc_finds_what_another_recc_has_compiled() {
    if !are_here(&[Peer::BuildBox]) {
        return;
    }
    let server = Server::casd();
    let folder = tempfile::tempdir().unwrap();
    for (name, hits) in [("first", false), ("second", true)] {
        let folder = folder.path().join(name);
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("a.c"), "int main(void) { return 0; }\n").unwrap();
        let call = ["/usr/bin/cc", "-c", "a.c", "-o", "a.o"];
        let output = server.remote().recc(&folder, &call).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
        assert_eq!(said.contains("Action Cache hit"), hits, "{name}: {said}");
        assert!(folder.join("a.o").exists());
    }
}

#[test]
#[ignore = "takes long: .ci/run runs it"]
fn bazel_finds_what_another_bazel_has_built() {
    if !are_here(&[Peer::Bazel, Peer::BuildGrid]) {
        return;
    }
    let server = Server::buildgrid();
    let folder = tempfile::tempdir().unwrap();
    let workspace = folder.path().join("workspace");
    fs::create_dir(&workspace).unwrap();
    fs::write(workspace.join("WORKSPACE"), "").unwrap();
    let rule = r#"genrule(name = "a", outs = ["out"], cmd = "echo built > $@")"#;
    fs::write(workspace.join("BUILD"), rule).unwrap();
    for (own, hits) in [("first", false), ("second", true)] {
        let own = folder.path().join(own);
        let output = server
            .remote()
            .bazel(&workspace, &own, &["build", "//:a"])
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
        assert_eq!(said.contains("1 remote cache hit"), hits, "{said}");
        let built = fs::read_to_string(workspace.join("bazel-bin/out")).unwrap();
        assert_eq!(built, "built\n");
    }
}
