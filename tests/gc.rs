//! The collection of garbage through the program: what it says, what stays, and that nothing that goes on beside it suffers.

#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::fs;
use std::process::Command;
use std::thread;
use std::time::Duration;

use nix::sys::signal::Signal;
use rusqlite::Connection;
use support::{Said, World, eventually, listing, nap, node, processes, read};

const RANDOM: &str = "cat /proc/sys/kernel/random/uuid > /out/id";

fn nodes() -> Vec<String> {
    vec![
        node("a", &[], "echo a > /out/a; echo both > /out/both"),
        node(
            "b",
            &[("/in", "a:/out")],
            "cp /in/both /out/both; echo b > /out/b",
        ),
    ]
}

/// Makes all that the store has so many hours older.
fn age(world: &World, hours: u32) {
    let db = Connection::open(world.path("store/index.sqlite")).unwrap();
    for table in [
        "results",
        "calls",
        "call_paths",
        "imports",
        "realizations",
        "action_results",
    ] {
        let sql = format!("UPDATE {table} SET used_at = used_at - {hours} * 3600");
        db.execute(&sql, []).unwrap();
    }
    let sql = format!("UPDATE runs SET finished_at = finished_at - {hours} * 3600");
    db.execute(&sql, []).unwrap();
}

fn files(world: &World) -> usize {
    let cas = listing(&world.path("store/cas"));
    cas.values().filter(|what| *what != "/").count()
}

#[test]
fn what_goes_is_told_and_before_that_what_would() {
    let world = World::new(&nodes());
    let result = world.realize("t/b");
    age(&world, 24 * 20);
    let before = files(&world);
    let dry = world.well(&["gc", "--older-than", "7d", "--dry-run"]);
    assert_eq!(files(&world), before);
    assert!(result.exists());
    let said = world.well(&["gc", "--older-than", "7d"]);
    assert_eq!(dry.out.replace("would have freed", "freed"), said.out);
    let lines: Vec<&str> = said.out.lines().collect();
    let names: Vec<&str> = lines
        .iter()
        .map(|line| line.split("  ").next().unwrap())
        .collect();
    insta::assert_snapshot!(names[..names.len() - 1].join("\n"), @"
    results
    objects
    messages
    trees
    ");
    assert!(
        lines[lines.len() - 1].ends_with("the store has 0 B"),
        "{said:?}"
    );
    assert_eq!((files(&world), result.exists()), (0, false));
    // The logs of what has gone are read for some days.
    assert_eq!(listing(&world.path("store/logs")).len(), 2);
    // All of it is made again, from what a build starts with.
    let again = world.well(&["realize", "t/b"]);
    assert_eq!(again.ran(), ["t/a", "t/b"]);
    assert_eq!(again.result(), result);
}

#[test]
fn why_still_explains_what_has_gone() {
    let source = r#""src": Source(path: "src"),"#.to_owned();
    let world = World::new(&[node("a", &[("/in", "src")], "cp /in/file /out"), source]);
    let realize = |text: &str| {
        world.folder("src", &[("file", text)]);
        world.well(&["realize", "t/a"])
    };
    realize("one\n");
    realize("two\n");
    world.well(&["gc", "--older-than", "0s"]);
    assert_eq!(files(&world), 0);
    realize("three\n");
    let said = world.well(&["why", "t/a"]);
    assert!(
        said.out
            .contains("input /in (t/src) changed:\n    ~ file\n"),
        "{said:?}"
    );
}

#[test]
fn nothing_goes_that_need_not_and_json_says_it_too() {
    let world = World::new(&nodes());
    world.realize("t/b");
    let before = files(&world);
    let said = world.well(&["gc", "--json"]);
    let told: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(told["freed"]["results"], serde_json::Value::Null, "{told}");
    assert_eq!(files(&world), before);
    assert!(world.well(&["realize", "t/b"]).err.is_empty());
    let wrong = world.say(&["gc", "--max-size", "much"]);
    assert_eq!(wrong.code, Some(2));
    insta::assert_snapshot!(wrong.err.lines().next().unwrap(), @"error: invalid value 'much' for '--max-size <SIZE>': it is to be like 500M");
    let wrong = world.say(&["gc", "--keep", "long"]);
    insta::assert_snapshot!(wrong.err.lines().next().unwrap(), @"error: invalid value 'long' for '--keep <AGE>': it is to be like 14d, 12h, 30m or 0s");
}

#[test]
fn a_link_keeps_its_result_until_it_leads_elsewhere() {
    let world = World::new(&nodes());
    world.well(&["realize", "t/b", "--out", "link"]);
    let a = world.realize("t/a");
    age(&world, 24 * 20);
    world.well(&["gc", "--older-than", "0s"]);
    assert_eq!(read(&world.path("link/out/b")), "b\n");
    assert!(!a.exists());
    let said = world.well(&["realize", "t/b"]);
    assert!(said.err.is_empty(), "{said:?}");
    fs::remove_file(world.path("link")).unwrap();
    std::os::unix::fs::symlink("elsewhere", world.path("link")).unwrap();
    world.well(&["gc", "--older-than", "0s"]);
    assert_eq!(files(&world), 0);
}

#[test]
fn a_build_that_runs_loses_nothing() {
    let nap = nap(20);
    let world = World::new(&[
        node("first", &[], RANDOM),
        node(
            "slow",
            &[("/in", "first")],
            &format!("{RANDOM}; sleep {nap}; cat /in/out/id > /out/first"),
        ),
        node(
            "last",
            &[("/b", "slow"), ("/a", "first")],
            "cat /a/out/id /b/out/id /b/out/first > /out/ids",
        ),
    ]);
    let first = read(&world.realize("t/first").join("out/id"));
    age(&world, 24 * 20);
    let build = world.start(&["realize", "t/last"]);
    let asleep = |process: &String| process.contains(" sleep ");
    eventually("the slow node sleeps", || {
        processes(&nap).iter().any(asleep)
    });
    for _ in 0..3 {
        world.well(&["gc", "--older-than", "0s"]);
    }
    let said = build.end();
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(said.ran(), ["t/last", "t/slow"]);
    let ids = read(&said.result().join("out/ids"));
    assert_eq!(ids.matches(&first).count(), 2, "{ids}");
    assert!(!said.err.contains("missing"), "{said:?}");
    // Once it has ended it is garbage like any other.
    world.well(&["gc", "--older-than", "0s"]);
    assert_eq!(files(&world), 0);
}

#[test]
fn a_collector_that_is_killed_leaves_nothing_half_done() {
    let nodes: Vec<String> = (0..4)
        .map(|number| {
            let script = format!(
                "for i in $(seq 60); do echo {number} $i > /out/$i; done; echo same > /out/same"
            );
            node(&format!("n{number}"), &[], &script)
        })
        .collect();
    let world = World::new(&nodes);
    let names: Vec<String> = (0..4).map(|number| format!("t/n{number}")).collect();
    let mut killed = 0;
    for round in 0..12 {
        for name in &names {
            world.realize(name);
        }
        age(&world, 24 * 20);
        // `n0` was used, and is to stay.
        world.realize("t/n0");
        let gc = world.start(&["gc", "--older-than", "7d"]);
        thread::sleep(Duration::from_millis(4 + round * 4));
        gc.signal(Signal::SIGKILL);
        killed += usize::from(gc.end().code.is_none());
        let said = world.well(&["store", "verify"]);
        assert!(said.out.ends_with("all as they should be\n"), "{said:?}");
        let said = world.well(&["realize", "t/n0"]);
        assert!(said.ran().is_empty(), "round {round}: {said:?}");
        assert_eq!(read(&said.result().join("out/60")), "0 60\n");
    }
    assert!(killed > 2, "{killed} of 12 were killed before their end");
    world.well(&["gc", "--older-than", "0s"]);
    assert_eq!(files(&world), 0);
    assert_eq!(listing(&world.path("store/tmp")).len(), 0);
}

#[test]
fn a_store_that_is_too_large_loses_what_was_not_used_for_the_longest_time() {
    let large = |name: &str| {
        let script = format!("dd if=/dev/zero bs=1M count=1 | tr '\\0' '{name}' > /out/large");
        node(name, &[], &script)
    };
    let world = World::new(&[large("x"), large("y"), large("z")]);
    for name in ["t/x", "t/y", "t/z"] {
        world.realize(name);
        age(&world, 5);
    }
    world.realize("t/x");
    let size = |said: &Said| -> serde_json::Value { serde_json::from_str(&said.out).unwrap() };
    let stats = size(&world.well(&["store", "stats", "--json"]));
    let all = stats["bytes"].as_u64().unwrap();
    let limit = (all - (1 << 20)).to_string();
    let done = size(&world.well(&["gc", "--max-size", &limit, "--json"]));
    assert!(done["after"].as_u64().unwrap() <= all - (1 << 20), "{done}");
    // The toolchain's root was used for each; `y` is the oldest of the others.
    let would_run = |name| {
        let dry = world.well(&["realize", name, "--dry-run"]).out;
        let words: Vec<&str> = dry.lines().last().unwrap().split(' ').collect();
        words[0] != words[2]
    };
    let would = ["t/x", "t/y", "t/z"].map(would_run);
    assert_eq!(would, [false, true, false], "{done}");
    let said = world.well(&["gc", "--max-size", "1K", "--keep", "30d"]);
    let warning = said.err.split("has ").next().unwrap();
    insta::assert_snapshot!(warning, @"warning: the store ");
    assert!(
        said.err
            .contains("more than 1.00 KiB: the rest is in use, linked to, or was used lately"),
        "{said:?}"
    );
}

#[test]
fn a_build_looks_once_a_day_whether_the_store_is_too_large() {
    let world = World::new(&nodes());
    let config = world.path("home/.config/pwb");
    fs::create_dir_all(&config).unwrap();
    let settings = |text: &str| fs::write(config.join("config.ron"), text).unwrap();
    settings(r#"(gc: (auto: false, max_size: "1K", keep: "0s"))"#);
    let said = world.well(&["realize", "t/a"]);
    assert!(!said.err.contains("gc:"), "{said:?}");
    // What the store came from has looked already.
    fs::remove_file(world.path("store/collected")).unwrap();
    age(&world, 48);
    settings(r#"(gc: (max_size: "1K", keep: "0s"))"#);
    let said = world.well(&["realize", "t/b"]);
    assert!(said.err.contains("\ngc: freed "), "{said:?}");
    assert!(said.result().join("out/b").exists());
    world.nodes(&[node("c", &[], "echo c > /out/c")]);
    let said = world.well(&["realize", "t/c"]);
    assert!(!said.err.contains("gc:"), "{said:?}");
    settings(r#"(gc: (max_size: "plenty"))"#);
    insta::assert_snapshot!(world.tidy(&world.fails(&["gc"])), @r#"
    error: [WORLD]/home/.config/pwb/config.ron:1:18: `plenty` is no size: it is to be like 500M
     hint: it is like (jobs: 4, remote: (url: "grpc://host:8980")); docs/config.md has all keys
    "#);
}

#[test]
fn who_uploads_to_a_server_beside_a_collector_loses_nothing() {
    let (server, a, b) = (
        World::new(&[]),
        World::new(&nodes()),
        World::empty(&nodes()),
    );
    fs::write(server.path("token"), "s3cret").unwrap();
    let said = server.path("said");
    let serving = server.start_into(
        &[
            "cache",
            "serve",
            "--listen=127.0.0.1:0",
            "--allow-write",
            "--token-file=token",
        ],
        &said,
    );
    eventually("it serves", || read(&said).starts_with("serving "));
    let url = read(&said).lines().next().unwrap().replace("serving ", "");
    let shared = |world: &World, arguments: &[&str]| -> Command {
        let mut command = world.pwb(arguments);
        command
            .env("PWB_REMOTE", &url)
            .env("PWB_REMOTE_TOKEN", "s3cret");
        command
    };
    // What was uploaded and is not yet named by a result is nobody's; the server holds it.
    let upload = shared(&a, &["realize", "t/b", "--remote-upload=success"]);
    let uploaded = thread::scope(|scope| {
        let mut upload = upload;
        let upload = scope.spawn(move || Said::from(upload.output().unwrap()));
        while !upload.is_finished() {
            server.well(&["gc", "--older-than", "1h"]);
        }
        upload.join().unwrap()
    });
    assert_eq!(uploaded.code, Some(0), "{uploaded:?}");
    assert!(!uploaded.err.contains("warning"), "{uploaded:?}");
    server.well(&["gc", "--older-than", "1h"]);
    let fetched = Said::from(shared(&b, &["realize", "t/b"]).output().unwrap());
    assert_eq!(
        (fetched.code, fetched.ran().len()),
        (Some(0), 0),
        "{fetched:?}"
    );
    serving.signal(Signal::SIGTERM);
    serving.end();
    // Results of others are results: they stay as long as they are used.
    age(&server, 50);
    let done = server.well(&["gc", "--older-than", "1d"]);
    assert!(done.out.contains("uploaded results"), "{done:?}");
    assert_eq!(files(&server), 0);
}
