//! `realize --check`: commands that run again, and what is said of those that come out otherwise.

#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "support/sample.rs"]
mod sample;
mod support;

use serde_json::Value;
use support::{World, listing, node};

/// One that is reproducible, and others that are not: by chance, by the number of jobs, and in a file of many.
fn nodes() -> Vec<String> {
    vec![
        node("steady", &[], "echo 1 > /out/one; ln -s one /out/link"),
        node(
            "chance",
            &[("/in", "steady:/out")],
            "cat /in/one > /out/kept; date +%s > /out/time; cat /proc/sys/kernel/random/uuid > /out/id",
        ),
        node(
            "jobs",
            &[],
            r"case $MAKEFLAGS in -j7*) printf '\0\1\2many jobs' > /out/data ;; *) printf '\0\1\3many jobs' > /out/data ;; esac",
        ),
        node(
            "flaky",
            &[],
            "case $MAKEFLAGS in -j7*) touch /out/made ;; *) echo no more; exit 1 ;; esac",
        ),
        node(
            "above",
            &[("/jobs", "jobs:/out")],
            "cat /jobs/data > /out/copy",
        ),
    ]
}

/// What `--check` says, with its exit code.
#[track_caller]
fn check(world: &World, arguments: &[&str], code: i32) -> String {
    let said = world.say(&[&["realize", "--check"], arguments].concat());
    assert_eq!(said.code, Some(code), "{said:?}");
    world.tidy(&said.out)
}

#[test]
fn what_comes_out_the_same_is_said_and_kept_in_the_history() {
    let world = World::new(&nodes());
    insta::assert_snapshot!(check(&world, &["t/steady"], 0), @"1 command ran again: 1 came out the same");
    insta::assert_snapshot!(world.told(&["history", "t/steady"]), @"
        [HASH]  same         [TIME] s  a moment ago
    -1  [HASH]  built        [TIME] s  a moment ago
    ");
    let json = world.json(&["history", "t/steady", "--json"]);
    let outcomes: Vec<&Value> = json
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["outcome"])
        .collect();
    assert_eq!(outcomes, ["same", "built"]);
    // It made no result: the latest one is still the first.
    assert_eq!(world.told(&["diff", "t/steady@-1", "t/steady"]), "");
    world.refused(&["ls", "t/steady@-2"]);
}

#[test]
fn what_comes_out_otherwise_is_shown_down_to_the_bytes() {
    let world = World::new(&nodes());
    world.well(&["realize", "t/above", "t/chance", "-j", "7"]);
    insta::assert_snapshot!(check(&world, &["t/above", "-j", "2"], 3), @"
    t/jobs: 1 changed; 12 bytes as before
      ~ out/data (12 bytes as before)
        byte 2 differs
        -00000000  00 01 02 6d 61 6e 79 20 6a 6f 62 73              |...many jobs|
        +00000000  00 01 03 6d 61 6e 79 20 6a 6f 62 73              |...many jobs|
      pwb diff [HASH] [HASH]
    2 commands ran again: 1 came out the same, 1 differs
    ");
    let history = world.told(&["history", "-n", "2"]);
    insta::assert_snapshot!(history, @"
    [HASH]  same         [TIME] s  a moment ago    t/above
    [HASH]  differs      [TIME] s  a moment ago    t/jobs
    ");
    let said = world.say(&["realize", "--check", "t/chance", "--only", "t/chance"]);
    assert_eq!(said.code, Some(3));
    let text = world.tidy(&said.out);
    assert!(
        text.contains("t/chance: 2 changed") && text.contains("~ out/id (37 bytes as before)"),
        "{text}"
    );
    assert!(!text.contains("out/kept"), "{text}");

    // What came out can be looked into, and the result is what it was.
    let other = world.json(&["history", "t/chance", "--json"])[0]["other"].clone();
    let other = other.as_str().unwrap();
    assert_eq!(world.told(&["cat", &format!("{other}:out/kept")]), "1\n");
    let differ = world.say(&["diff", "t/chance", other]);
    assert_eq!(differ.code, Some(1), "{differ:?}");
    assert_eq!(
        listing(&world.realize("t/jobs"))["out/data"],
        "\0\u{1}\u{2}many jobs"
    );
}

#[test]
fn a_command_that_fails_this_time_is_told_with_its_output() {
    let world = World::new(&nodes());
    world.well(&["realize", "t/flaky", "-j", "7"]);
    insta::assert_snapshot!(check(&world, &["t/flaky", "t/steady", "-j", "1"], 3), @"
    t/flaky failed, after [TIME] s: [WORLD]/store/logs/[HASH].again.log
    2 commands ran again: 1 came out the same, 1 failed this time
    ");
    let json = world.say(&["realize", "--check", "t/flaky", "-j", "1", "--json"]);
    assert_eq!(json.code, Some(3), "{json:?}");
    let json: Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!(
        (&json[0]["again"], &json[0]["other"]),
        (&"broke".into(), &Value::Null)
    );
    assert_eq!(
        support::read(json[0]["log"].as_str().unwrap().as_ref()),
        "no more\n"
    );
    // The result is still there, and so is its log.
    assert_eq!(world.well(&["realize", "t/flaky"]).ran(), [""; 0]);
    assert_eq!(world.told(&["log", "t/flaky"]), "");
}

#[test]
fn what_cannot_run_again_is_refused() {
    let world = World::new(&nodes());
    insta::assert_snapshot!(world.refused(&["realize", "--check", "t/steady", "--only", "t/chance"]), @"
    error: `t/chance` is no node of what is realized
     hint: `pwb query deps` lists them
    ");
    world.realize("t/steady");
    let said = world.say(&["realize", "--check", "t/steady", "--only", "busybox/root"]);
    insta::assert_snapshot!(world.tidy(&said.err), @"
    error: `busybox/root` runs no command
     hint: `pwb list --nodes` lists the nodes, `pwb show` says what they do
    ");
    insta::assert_snapshot!(check(&world, &["busybox/root"], 0), @"0 commands ran again");
    let said = world.say(&["realize", "t/steady", "--only", "t/steady"]);
    assert_eq!(said.code, Some(2), "{said:?}");
}
