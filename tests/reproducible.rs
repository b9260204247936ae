//! The same recipe gives the same bytes: in another store, as another user, from another folder, with other habits.

#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::path::PathBuf;

use support::{Said, World, node, read};

/// Commands that write down what they see of the world.
fn curious() -> Vec<String> {
    vec![
        node("made", &[], "cd /out; for n in 3 1 2; do echo $n > $n; done; mkdir deep; cp 1 deep/one; ln -s deep link; echo '#!' > tool; chmod +x tool"),
        node(
            "seen",
            &[("/in", "made:/out")],
            "cd /in; stat -c '%n %a %u %g %s %Y' 1 2 3 tool deep/one > /out/files; stat -c '%n %a %u %g %Y' . deep /usr /usr/bin/busybox > /out/folders
            env | grep -v MAKEFLAGS | sort > /out/env; { id; uname -mns; hostname; pwd; umask; echo $$; } > /out/who
            date -r 1 +%F_%T > /out/time",
        ),
        node("archive", &[("/in", "made:/out")], "cd /in; tar cf /out/a.tar deep tool 1 2 3 link; gzip -c 1 > /out/1.gz"),
        node("changed", &[("/out", "archive:/out"), ("/in", "seen:/out")], "rm /out/1.gz; cp /in/files /in/folders /in/env /in/who /in/time /out"),
    ]
}

const NAMES: [&str; 6] = [
    "busybox/package",
    "busybox/root",
    "t/made",
    "t/seen",
    "t/archive",
    "t/changed",
];

/// The names of the results' folders, which say what is in them.
fn names(results: &[PathBuf]) -> Vec<String> {
    results
        .iter()
        .map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
        .collect()
}

#[test]
fn stores_users_and_folders_make_no_difference() {
    let nodes = curious();
    let mut all = Vec::new();
    for world in World::each(&nodes) {
        let mut arguments = vec!["realize"];
        arguments.extend(NAMES);
        all.push((
            names(&world.well(&arguments).results()),
            "in the world's folder",
        ));
    }
    let world = World::empty(&nodes);
    let script = format!("cd /; exec $PWB realize -j 1 {}", NAMES.join(" "));
    let mut pwb = world.shell(&script);
    pwb.env("PWB_STORE", world.path("home/another/store"))
        .envs([
            ("LANG", "fr_FR.UTF-8"),
            ("USER", "someone"),
            ("CFLAGS", "-O3"),
        ]);
    let said = Said::from(pwb.output().unwrap());
    assert_eq!(said.code, Some(0), "{said:?}");
    all.push((names(&said.results()), "from nothing, one at a time, in /"));
    for (found, how) in &all[1..] {
        for ((name, found), first) in NAMES.iter().zip(found).zip(&all[0].0) {
            assert_eq!(found, first, "{name} {how}");
        }
    }
}

#[test]
fn another_result_has_another_name() {
    let world = World::new(&curious());
    let before = names(&[world.realize("t/made")]);
    let mut nodes = curious();
    nodes[0] = nodes[0].replace("chmod +x tool", "chmod -x tool");
    world.nodes(&nodes);
    assert_ne!(names(&[world.realize("t/made")]), before);
}

#[test]
fn the_callers_umask_makes_no_difference() {
    let script = "mkdir /out/deep; stat -c '%a %n' / /usr /usr/bin /in /in/made /in/made/out/deep /out /out/deep /tmp > /tmp/modes
        cp /tmp/modes /out; cat /tmp/modes";
    let mut all = Vec::new();
    for umask in ["022", "077", "000"] {
        let world = World::empty(&[
            curious().remove(0),
            node("modes", &[("/in/made", "made")], script),
        ]);
        let mut pwb = world.shell(&format!("umask {umask}; exec $PWB realize t/modes"));
        let said = Said::from(pwb.output().unwrap());
        assert_eq!(said.code, Some(0), "{said:?}");
        all.push((umask, read(&said.result().join("out/modes"))));
    }
    for (umask, modes) in &all {
        assert_eq!(modes, &all[0].1, "{umask}");
    }
}

#[test]
fn everything_that_a_command_finds_has_one_time() {
    let script = "stat -c '%Y %n' / /in /in/made /in/made/out /in/made/out/link /in/made/out/1 /opt /opt/a /usr /bin > /out/times";
    let mut nodes = curious();
    nodes.push(node(
        "times",
        &[("/in/made", "made"), ("/opt/a/b", "made")],
        script,
    ));
    let world = World::new(&nodes);
    let times = read(&world.realize("t/times").join("out/times"));
    let wrong: Vec<&str> = times
        .lines()
        .filter(|line| !line.starts_with("1749600000 "))
        .collect();
    assert_eq!(wrong, Vec::<&str>::new());
}
