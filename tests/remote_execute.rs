//! Commands on the workers of other people's servers: what they come to is what it would be here, and where they cannot run they
//! run here.

#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

#[path = "support/peers/mod.rs"]
mod peers;

use std::fs;
use std::os::unix::fs::PermissionsExt;

use nix::sys::signal::Signal;
use peers::{Farm, Peer, Remote, Server, are_here, program};
use support::{Said, World, eventually, listing, nap, node, processes, read, walk};

/// Three commands: one makes things of all kinds, one changes them, one sees both.
fn nodes() -> Vec<String> {
    let things =
        "cd /out; echo text > file; echo '#!/bin/sh' > tool; chmod +x tool; mkdir -p sub/deep empty
        echo deep > sub/deep/file; ln -s ../file sub/link; ln -s /nowhere absolute; : > none
        echo said; echo complained >&2; ls -aF /bin/ > listing; id > id; ls / /tmp > root";
    let change = "cd /out; chmod u+w file; echo more >> file; rm -r sub/deep; mv tool sub/moved; chmod -x sub/moved; echo new > empty/new
        (echo > /bin/sh) 2>/dev/null || echo read-only > refused";
    let both = "cat /things/file /changed/file; cp -r /things/sub /out/copy; ls -F /changed > /out/changed; pwd > /out/pwd";
    vec![
        node("things", &[], things),
        node("changed", &[("/out", "things:/out")], change),
        node(
            "both",
            &[("/things", "things:/out"), ("/changed", "changed:/out")],
            both,
        ),
    ]
}

fn away(world: &World, remote: Remote, name: &str) -> Said {
    let url = remote.url();
    world.say(&["realize", "--remote", &url, "--remote-execute", name])
}

#[track_caller]
fn is_as_here(remote: Remote) {
    let here = World::new(&nodes());
    let there = World::new(&nodes());
    for name in ["t/things", "t/changed", "t/both"] {
        let expected = here.realize(name);
        let said = away(&there, remote, name);
        assert_eq!(said.code, Some(0), "{said:?}");
        assert!(!said.err.contains("warning"), "{}", said.err);
        let found = said.result();
        assert_eq!(listing(&found), listing(&expected), "{name}");
        // Trees are called by their digests.
        assert_eq!(found.file_name(), expected.file_name(), "{name}");
    }
    let log = there.well(&["log", "t/things"]);
    assert_eq!(log.out, "said\ncomplained\n");
}

/// With another one's results, or without any.
#[track_caller]
fn failure_is_as_here(remote: Remote) {
    let failing = [node("a", &[], "echo before; exit 7")];
    let world = World::new(&failing);
    for _ in 0..2 {
        let said = away(&world, remote, "t/a");
        assert_eq!(said.code, Some(1), "{said:?}");
        assert!(said.err.contains("exit code 7"), "{}", said.err);
        assert!(said.err.contains("before"), "{}", said.err);
        assert!(!said.err.contains("warning"), "{}", said.err);
    }
}

/// An interrupt reaches the worker.
#[track_caller]
fn interrupt_cancels(remote: Remote) {
    let nap = nap(9_876_500);
    let world = World::new(&[node("slow", &[], &format!("echo begun; sleep {nap}"))]);
    let url = remote.url();
    let pwb = world.start(&["realize", "--remote", &url, "--remote-execute", "t/slow"]);
    let is_asleep = || processes(&nap).iter().any(|one| one.contains(" sleep"));
    eventually("the command runs", is_asleep);
    pwb.signal(Signal::SIGINT);
    let said = pwb.end();
    assert_eq!((said.code, &*said.out), (None, ""), "{said:?}");
    eventually("the command is gone", || !is_asleep());
}

/// The command is run, here, and a word is said.
#[track_caller]
fn runs_here(remote: Remote, platform: &str, why: &str) {
    // Commands that the server does not know yet.
    let mut nodes = nodes();
    nodes[0] = nodes[0].replace("echo text", &format!("echo {}", nap(0)));
    let world = World::new(&nodes);
    let config = world.path("home/.config/pwb");
    fs::create_dir_all(&config).unwrap();
    let settings = format!("(remote: (queue_seconds: 2, platform: {platform}))");
    fs::write(config.join("config.ron"), settings).unwrap();
    let said = away(&world, remote, "t/both");
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(said.err.matches("warning").count(), 1, "{}", said.err);
    assert!(said.err.contains(why), "{}", said.err);
    assert_eq!(said.ran(), ["t/both", "t/changed", "t/things"]);
    let here = World::new(&nodes);
    let (found, expected) = (said.result(), here.realize("t/both"));
    assert_eq!(found.file_name(), expected.file_name());
}

#[test]
fn casd_runs_them_as_they_run_here() {
    if are_here(&[Peer::BuildBox]) {
        let server = Server::casd_with_execution();
        is_as_here(server.remote());
        failure_is_as_here(server.remote());
        interrupt_cancels(server.remote());
    }
}

#[test]
#[ignore = "takes long: .ci/run runs it"]
fn buildgrid_with_a_worker_runs_them_as_they_run_here() {
    if are_here(&[Peer::BuildBox, Peer::BuildGrid, Peer::Postgres]) {
        let farm = Farm::start();
        is_as_here(farm.remote());
        failure_is_as_here(farm.remote());
        interrupt_cancels(farm.remote());
        runs_here(farm.remote(), r#"{"OSFamily": "plan9"}"#, "no worker");
    }
}

#[test]
fn inputs_that_the_server_has_do_not_travel() {
    const SIZE: u64 = 4 << 20;
    if !are_here(&[Peer::BuildBox]) {
        return;
    }
    let large = "cd /out; echo -n 12345678 > a; for n in $(busybox seq 19); do cat a a > b; busybox mv b a; done";
    let nodes = [
        node("large", &[], large),
        node(
            "small",
            &[("/in", "large:/out")],
            "ls -l /in | grep -o 4194304 > /out/size",
        ),
    ];
    let server = Server::casd_with_execution();
    let url = server.remote().url();
    let one = World::new(&nodes);
    one.well(&[
        "realize",
        "--remote",
        &url,
        "--remote-upload=success",
        "t/large",
    ]);
    let other = World::new(&nodes);
    let said = away(&other, server.remote(), "t/small");
    assert_eq!(
        (said.code, said.ran()),
        (Some(0), vec!["t/small"]),
        "{said:?}"
    );
    assert_eq!(read(&said.result().join("out/size")), "4194304\n");
    let mut largest = 0;
    walk(&other.path("store/cas"), &mut |_, file| {
        largest = largest.max(if file.is_file() { file.len() } else { 0 });
    });
    assert!(largest < SIZE, "{largest}");
}

#[test]
fn a_server_that_runs_nothing_is_no_obstacle() {
    if are_here(&[Peer::BuildBox]) {
        let server = Server::casd();
        runs_here(server.remote(), "{}", "it runs no actions");
    }
}

#[test]
fn a_worker_that_cannot_isolate_is_no_obstacle() {
    if !are_here(&[Peer::BuildBox]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let runner = folder.path().join("runner");
    let script = format!(
        "#!/bin/sh\nexec unshare --user --map-root-user sh -euc '
            echo 0 > /proc/sys/user/max_user_namespaces
            exec \"$@\"' sh {} \"$@\"\n",
        program("buildbox-run-hosttools").display()
    );
    fs::write(&runner, script).unwrap();
    fs::set_permissions(&runner, fs::Permissions::from_mode(0o755)).unwrap();
    let runner = format!("--buildbox-run={}", runner.display());
    let server = Server::casd_with(&["--jobs=2", &runner]);
    runs_here(
        server.remote(),
        "{}",
        "a worker cannot isolate commands: cannot make namespaces",
    );
}
