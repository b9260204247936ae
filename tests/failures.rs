//! A failing command: what else runs, what is kept, and how many run at once.

#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use support::{Said, World, eventually, listing, nap, node, processes, read};

/// `bad` fails at once, while `slow` is running; `next` waits for `slow`.
fn failing() -> Vec<String> {
    vec![
        node(
            "bad",
            &[],
            "sleep 0.2; echo half > /out/half; echo not so; exit 3",
        ),
        node("slow", &[], "sleep 0.8; echo 1 > /out/slow"),
        node("next", &[("/in", "slow:/out")], "cp /in/slow /out/next"),
        node(
            "after-bad",
            &[("/in", "bad:/out")],
            "cp /in/half /out/after",
        ),
        r#""all": Root(layers: ["next", "after-bad"]),"#.into(),
    ]
}

#[test]
fn after_a_failure_nothing_new_starts() {
    let world = World::new(&failing());
    let said = world.say(&["realize", "t/all", "-j", "2"]);
    assert_eq!(
        (said.code, said.ran()),
        (Some(1), vec!["t/bad", "t/slow"]),
        "{said:?}"
    );
    // What was running was let finish, and is kept.
    assert_eq!(
        world.say(&["realize", "t/all", "-j", "2"]).ran(),
        ["t/bad", "t/next"]
    );
}

#[test]
fn keep_going_does_all_that_can_be_done() {
    let world = World::new(&failing());
    let said = world.say(&["realize", "t/all", "-j", "2", "--keep-going"]);
    assert_eq!(
        (said.code, said.ran()),
        (Some(1), vec!["t/bad", "t/next", "t/slow"]),
        "{said:?}"
    );
    assert!(
        said.err
            .contains("error: t/bad: the command ended with exit code 3"),
        "{said:?}"
    );
    assert_eq!(world.say(&["realize", "t/next"]).code, Some(0));
}

#[test]
fn every_failure_is_told() {
    let nodes = [
        node("one", &[], "exit 1"),
        node("two", &[], "exit 2"),
        r#""all": Root(layers: ["one", "two"]),"#.into(),
    ];
    let error = World::new(&nodes).fails(&["realize", "t/all", "--keep-going"]);
    for message in [
        "t/one: the command ended with exit code 1",
        "t/two: the command ended with exit code 2",
    ] {
        assert_eq!(error.matches(message).count(), 1, "{error}");
    }
}

#[test]
fn keep_failed_keeps_what_was_written() {
    for world in World::each(&failing()) {
        world.fails(&["realize", "t/bad"]);
        assert!(!world.path("store/failed").exists());
        for _ in 0..2 {
            let error = world.fails(&["realize", "t/bad", "--keep-failed"]);
            let kept = error
                .lines()
                .find_map(|line| line.trim().strip_prefix("files: "))
                .unwrap_or_else(|| panic!("{error}"));
            let files = listing(kept.as_ref());
            assert!(
                files
                    .iter()
                    .any(|(path, text)| path.ends_with("/half") && text == "half\n"),
                "{files:?}"
            );
        }
        assert!(listing(&world.path("store/tmp")).is_empty());
    }
}

#[test]
fn a_signal_and_a_missing_command_are_told_apart() {
    let run = |name: &str, command: &str| {
        format!(r#""{name}": Run(root: "busybox/root", run: [{command}], outputs: ["/out"]),"#)
    };
    let world = World::new(&[
        run("signal", r#""sh", "-c", "kill -9 $$""#),
        run("missing", r#""gcc", "x.c""#),
        run("not-a-program", r#""/etc/passwd""#),
    ]);
    let error = world.fails(&["realize", "t/signal"]);
    assert!(
        error.contains("t/signal: the command was killed by signal 9"),
        "{error}"
    );
    let error = world.fails(&["realize", "t/missing"]);
    assert!(
        error.contains("t/missing: command not found: gcc"),
        "{error}"
    );
    assert!(
        error.contains("hint: PATH inside the sandbox is \"/usr/local/bin:/usr/bin:"),
        "{error}"
    );
    let error = world.fails(&["realize", "t/not-a-program"]);
    assert!(error.contains("cannot execute /etc/passwd"), "{error}");
}

#[test]
fn a_timeout_ends_all_that_was_started() {
    let nap = nap(987_650);
    let script = format!("sleep {nap} & (setsid sleep {nap} &) ; sleep {nap}");
    for world in World::each(&[
        node("a", &[], &script).replace("outputs:", "timeout: 1, outputs:"),
        node("quick", &[], "echo 1 > /out/a").replace("outputs:", "timeout: 60, outputs:"),
    ]) {
        let error = world.fails(&["realize", "t/a"]);
        assert!(
            error.contains("t/a: the command ran longer than its timeout"),
            "{error}"
        );
        eventually("nothing is left", || processes(&nap).is_empty());
        world.realize("t/quick");
    }
}

#[test]
fn jobs_bounds_what_runs_at_once_and_make_is_told() {
    let script = "read up rest < /proc/uptime; echo $up > /out/begin; sleep 0.4; read up rest < /proc/uptime; echo $up > /out/end
        echo \"$MAKEFLAGS\" > /out/flags; ls -l /dev/pwb-jobserver > /out/fifo";
    let nodes: Vec<String> = (0..2)
        .map(|number| node(&format!("n{number}"), &[], &format!("{script}; : {number}")))
        .collect();
    for (jobs, together) in [("1", false), ("2", true)] {
        let world = World::new(&nodes);
        let results = world
            .well(&["realize", "-j", jobs, "t/n0", "t/n1"])
            .results();
        let hundredths = |result: usize, name: &str| {
            let text = read(&results[result].join("out").join(name));
            text.trim().replace('.', "").parse::<u64>().unwrap()
        };
        let begin = hundredths(0, "begin").max(hundredths(1, "begin"));
        let end = hundredths(0, "end").min(hundredths(1, "end"));
        assert_eq!(begin < end, together, "-j {jobs}: {begin} {end}");
        let flags = format!("-j{jobs} --jobserver-auth=fifo:/dev/pwb-jobserver\n");
        assert_eq!(read(&results[0].join("out/flags")), flags);
        assert!(read(&results[0].join("out/fifo")).starts_with("prw"));
    }
    let error = World::new(&nodes).say(&["realize", "-j", "0", "t/n0"]);
    assert_eq!(
        (error.code, error.err.contains("0 is not in 1..=1024")),
        (Some(2), true),
        "{error:?}"
    );
}

#[test]
fn offline_says_what_is_not_there() {
    let world = World::empty(&[]);
    let mut pwb = world.pwb(&["realize", "busybox/root", "--offline"]);
    let said = Said::from(
        pwb.env("PWB_DEBIAN_MIRROR", "http://127.0.0.1:9/debian")
            .output()
            .unwrap(),
    );
    assert_eq!((said.code, &*said.out), (Some(1), ""));
    insta::assert_snapshot!("offline", world.tidy(&said.err));
}

#[test]
fn authorities_that_cannot_be_read_stand_in_the_way_of_downloads_only() {
    let download = r#""f": Fetch(from: [Url("https://localhost:9/f")], sha256: "ab326f16dec533ba65139949246581c016b9d4c77d0de0046e65f48e575372a3"),"#;
    let world = World::new(&[node("a", &[], "echo a > /out/a"), download.to_owned()]);
    let realize = |name: &str| {
        let mut pwb = world.pwb(&["realize", name]);
        Said::from(pwb.env("SSL_CERT_FILE", "/absent.pem").output().unwrap())
    };
    let said = realize("t/a");
    assert_eq!(said.code, Some(0), "{said:?}");
    let said = realize("t/f");
    assert_eq!((said.code, &*said.out), (Some(1), ""), "{said:?}");
    assert!(said.err.contains("cannot read /absent.pem"), "{said:?}");
}
