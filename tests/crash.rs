//! Death at any instant, and several pwb on one store: nothing published is lost, nothing is built twice, nothing stays.

#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::fs;
use std::path::Path;
use std::thread;
use std::time::Duration;

use nix::sys::signal::Signal;
use pwb_cache::Digest;
use support::{Running, World, eventually, listing, mounts_below, nap, node, processes, read};

const RANDOM: &str = "cat /proc/sys/kernel/random/uuid > /out/id";

/// `first` is quick, `slow` sleeps for as long as the nap says, `last` needs both; whatever runs twice differs.
fn nodes(nap: &str) -> Vec<String> {
    vec![
        node("first", &[], RANDOM),
        node(
            "slow",
            &[("/in", "first")],
            &format!("{RANDOM}; sleep {nap} & sleep {nap}; wait"),
        ),
        node(
            "last",
            &[("/a", "first"), ("/b", "slow")],
            "cat /a/out/id /b/out/id > /out/ids",
        ),
    ]
}

/// The ids of the processes that take this nap; their shell, before it has become them, is none.
fn sleepers(nap: &str) -> Vec<i32> {
    let sleeper = |process: &String| {
        let (id, command) = process.split_once(' ')?;
        command.starts_with("sleep ").then(|| id.parse().unwrap())
    };
    processes(nap).iter().filter_map(sleeper).collect()
}

/// Starts a realization and waits until its slow node sleeps.
fn until_asleep(world: &World, nap: &str) -> Running {
    let running = world.start(&["realize", "t/last"]);
    eventually("the slow node sleeps", || sleepers(nap).len() == 2);
    running
}

/// That nothing of a dead pwb is left on the machine.
#[track_caller]
fn is_gone(world: &World, nap: &str) {
    eventually("its processes are gone", || processes(nap).is_empty());
    assert_eq!(mounts_below(&world.path("")), Vec::<String>::new());
}

#[test]
fn a_killed_pwb_takes_everything_along_and_loses_nothing() {
    for world in World::each(&[]) {
        let nap = nap(12);
        world.nodes(&nodes(&nap));
        let first = world.realize("t/first");
        let pwb = until_asleep(&world, &nap);
        pwb.signal(Signal::SIGKILL);
        let said = pwb.end();
        assert_eq!((said.code, said.ran()), (None, vec!["t/slow"]), "{said:?}");
        is_gone(&world, &nap);
        assert!(
            !names(&world.path("store/tmp")).is_empty(),
            "the killed run's files are still there"
        );

        let said = world.well(&["realize", "t/last"]);
        assert_eq!(said.ran(), ["t/last", "t/slow"]);
        assert!(read(&said.result().join("out/ids")).starts_with(&read(&first.join("out/id"))));
        assert_eq!(names(&world.path("store/tmp")), Vec::<String>::new());
    }
}

fn names(folder: &Path) -> Vec<String> {
    listing(folder).into_keys().collect()
}

#[test]
fn what_a_dead_run_leaves_is_swept_even_if_it_never_runs_again() {
    let nap = nap(9_876_500);
    let world = World::new(&nodes(&nap));
    let pwb = until_asleep(&world, &nap);
    pwb.signal(Signal::SIGKILL);
    pwb.end();
    is_gone(&world, &nap);
    world.nodes(&[node("other", &[], "echo other > /out/other")]);
    world.realize("t/other");
    for folder in ["store/tmp", "store/locks"] {
        assert_eq!(names(&world.path(folder)), Vec::<String>::new(), "{folder}");
    }
}

#[test]
fn an_interrupted_pwb_ends_at_once_and_cleanly() {
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
        let nap = nap(9_876_500);
        let world = World::new(&nodes(&nap));
        world.realize("t/first");
        let pwb = until_asleep(&world, &nap);
        pwb.signal(signal);
        let said = pwb.end();
        assert_ne!(said.code, Some(0), "{signal}: {said:?}");
        assert_eq!(said.out, "");
        is_gone(&world, &nap);
        // A new graph goes on from what there is.
        let mut shorter = nodes(&nap);
        shorter[1] = node("slow", &[("/in", "first")], RANDOM);
        world.nodes(&shorter);
        assert_eq!(
            world.well(&["realize", "t/last"]).ran(),
            ["t/last", "t/slow"]
        );
    }
}

#[test]
fn the_death_of_a_sandbox_is_told_and_mended() {
    let nap = nap(9_876_500);
    let world = World::new(&nodes(&nap));
    let pwb = until_asleep(&world, &nap);
    // Whatever kills what sleeps, as the kernel does where memory ends.
    for id in sleepers(&nap) {
        let _ = nix::sys::signal::kill(nix::unistd::Pid::from_raw(id), Signal::SIGKILL);
    }
    let said = pwb.end();
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(
        said.err
            .contains("error: t/slow: the command ended with exit code 137"),
        "{said:?}"
    );
    is_gone(&world, &nap);
}

#[test]
fn two_at_once_build_everything_once() {
    for world in World::each(&[]) {
        let nap = nap(10);
        world.nodes(&nodes(&nap));
        let one = until_asleep(&world, &nap);
        let two = world.start(&["realize", "t/last"]);
        let (one, two) = (one.end(), two.end());
        assert_eq!((one.code, two.code), (Some(0), Some(0)), "{one:?} {two:?}");
        assert_eq!(one.result(), two.result());
        let mut ran = [one.ran(), two.ran()].concat();
        ran.sort_unstable();
        assert_eq!(ran, ["t/first", "t/last", "t/slow"], "{one:?} {two:?}");
        assert!(
            two.err.contains("waiting for another pwb: t/slow\n"),
            "{two:?}"
        );
        assert!(
            !one.err.contains("waiting for another pwb: t/slow"),
            "{one:?}"
        );
    }
}

#[test]
fn many_at_once_from_nothing_agree() {
    let nodes: Vec<String> = (0..6)
        .map(|number| node(&format!("n{number}"), &[], &format!("{RANDOM}; : {number}")))
        .collect();
    let world = World::empty(&nodes);
    let names: Vec<String> = (0..6).map(|number| format!("t/n{number}")).collect();
    let mut arguments = vec!["realize"];
    arguments.extend(names.iter().map(String::as_str));
    let all: Vec<Running> = (0..4).map(|_| world.start(&arguments)).collect();
    let all: Vec<_> = all.into_iter().map(Running::end).collect();
    for said in &all {
        assert_eq!((said.code, &said.out), (Some(0), &all[0].out), "{said:?}");
    }
    let mut ran: Vec<&str> = all.iter().flat_map(|said| said.ran()).collect();
    ran.sort_unstable();
    assert_eq!(ran, names);
    // A download that happened twice would be said twice.
    let downloads = all.iter().map(|said| {
        said.err
            .matches("built busybox/package/busybox-static")
            .count()
    });
    assert_eq!(downloads.sum::<usize>(), 1);
}

#[test]
fn many_at_once_make_one_store() {
    let world = World::new(&nodes("1"));
    for round in 0..3 {
        let store = format!("store-{round}");
        let arguments = ["realize", "t/last", "--dry-run", "--store", &store];
        let all: Vec<Running> = (0..8).map(|_| world.start(&arguments)).collect();
        for said in all.into_iter().map(Running::end) {
            assert_eq!(said.code, Some(0), "{said:?}");
        }
    }
}

#[test]
fn who_waits_takes_over_from_who_dies() {
    let nap = nap(9);
    let world = World::new(&nodes(&nap));
    world.realize("t/first");
    let one = until_asleep(&world, &nap);
    let mut two = world.start(&["realize", "t/last"]);
    thread::sleep(Duration::from_millis(300));
    assert!(two.is_alive());
    one.signal(Signal::SIGKILL);
    let (one, two) = (one.end(), two.end());
    assert_eq!((one.code, two.code), (None, Some(0)), "{two:?}");
    assert_eq!(two.ran(), ["t/last", "t/slow"]);
    assert!(
        two.err.contains("waiting for another pwb: t/slow\n"),
        "{two:?}"
    );
}

/// That every file of the store is what its name says.
#[track_caller]
fn is_consistent(store: &Path) {
    let mut count = 0;
    support::walk(&store.join("cas"), &mut |path, metadata| {
        if metadata.is_file() {
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            assert_eq!(Digest::of(&fs::read(path).unwrap()).hex(), name);
            count += 1;
        }
    });
    assert!(count > 0);
}

#[test]
fn deaths_at_any_instant_cost_nothing_but_time() {
    let mut nodes = vec![node("n0", &[], "echo 0 > /out/all")];
    for number in 1..8 {
        let script = format!(
            "cat /in/out/all > /out/all; echo {number} >> /out/all; dd if=/dev/zero bs=1k count=64 2>/dev/null > /out/zeros; echo {number} >> /out/zeros"
        );
        nodes.push(node(
            &format!("n{number}"),
            &[("/in", &format!("n{}", number - 1))],
            &script,
        ));
    }
    let world = World::empty(&nodes);
    let mut before = 0;
    for round in 1..=10 {
        let pwb = world.start(&["realize", "t/n7"]);
        thread::sleep(Duration::from_millis(round * 45));
        pwb.signal(Signal::SIGKILL);
        pwb.end();
        eventually("no mount is left", || {
            mounts_below(&world.path("")).is_empty()
        });
        let dry = world.well(&["realize", "t/n7", "--dry-run"]).out;
        let cached: u32 = dry
            .lines()
            .last()
            .unwrap()
            .split(' ')
            .next()
            .unwrap()
            .parse()
            .unwrap();
        assert!(cached >= before, "round {round} lost a result: {dry}");
        before = cached;
    }
    let result = world.realize("t/n7");
    assert_eq!(read(&result.join("out/all")), "0\n1\n2\n3\n4\n5\n6\n7\n");
    is_consistent(&world.path("store"));
    // Whatever has work to do sweeps first.
    nodes.push(node("more", &[], "echo more > /out/more"));
    world.nodes(&nodes);
    world.realize("t/more");
    assert_eq!(names(&world.path("store/tmp")), Vec::<String>::new());
    let undisturbed = World::new(&nodes).realize("t/n7");
    assert_eq!(result.file_name(), undisturbed.file_name());
}
