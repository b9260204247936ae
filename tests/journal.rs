//! What is written down of builds, and what is made of it: events, traces, reports, logs that are followed; and shells in the
//! place of commands.

#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::io::Write;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use serde_json::Value;
use support::{Said, World, eventually, nap, node, processes, read};

/// `first` and `second` run at once, `last` needs both.
fn world() -> World {
    World::new(&[
        node("first", &[], "echo one; echo 1 > /out/file"),
        node("second", &[], "sleep 0.5; echo two; echo 2 > /out/file"),
        node(
            "last",
            &[("/a", "first:/out"), ("/b", "second:/out")],
            "cat /a/file /b/file > /out/sum",
        ),
        node(
            "broken",
            &[],
            "echo 'half done' > /out/part; echo 'the cause <&>' >&2; exit 3",
        ),
    ])
}

fn lines(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// The events' names with the names of their nodes.
fn told(events: &[Value]) -> Vec<String> {
    let planned = events
        .iter()
        .find(|event| event["event"] == "planned")
        .unwrap();
    let told = events.iter().map(|event| {
        let what = event["event"].as_str().unwrap();
        let name = event["step"].as_u64().map(|step| {
            let node = &planned["nodes"][usize::try_from(step).unwrap()];
            format!(" {}", node["name"].as_str().unwrap())
        });
        format!("{what}{}", name.unwrap_or_default())
    });
    told.collect()
}

#[test]
fn events_are_lines_of_json_from_begin_to_end() {
    let world = world();
    let said = world.well(&["realize", "t/last", "--events", "events", "-j", "1"]);
    let events = lines(&read(&world.path("events")));
    assert_eq!(events[0]["version"], 1);
    assert_eq!(events[0]["arguments"][1], "t/last");
    let mut told = told(&events);
    // Which of the two goes first is not said, and a result is durable some time after its command has ended.
    told.sort();
    insta::assert_snapshot!(told.join("\n"), @r"
    begin
    built t/first
    built t/last
    built t/second
    end
    planned
    result
    started t/first
    started t/last
    started t/second
    ");
    let last = events.last().unwrap();
    assert_eq!(
        (&last["event"], &last["outcome"]),
        (&"end".into(), &"succeeded".into())
    );
    let result = events
        .iter()
        .find(|event| event["event"] == "result")
        .unwrap();
    assert_eq!(
        result["path"].as_str().unwrap(),
        said.result().to_str().unwrap()
    );
}

#[test]
fn on_standard_output_there_is_nothing_but_events() {
    let world = world();
    world.realize("t/first");
    let events = lines(&world.well(&["realize", "t/first", "--events", "-"]).out);
    assert_eq!(told(&events), ["begin", "planned", "result", "end"]);
}

#[test]
fn a_build_that_runs_nothing_is_not_kept() {
    let world = world();
    world.realize("t/first");
    world.realize("t/first");
    world.well(&["realize", "t/first", "--dry-run"]);
    let list = world.well(&["report", "--list"]).out;
    assert_eq!(list.lines().count(), 1, "{list}");
    assert!(
        list.contains("succeeded") && list.contains("1 built  pwb realize t/first"),
        "{list}"
    );
}

#[test]
fn a_trace_has_each_step_and_the_critical_path() {
    let world = world();
    world.well(&["realize", "t/last", "--trace", "trace.json"]);
    let trace: Value = serde_json::from_str(&read(&world.path("trace.json"))).unwrap();
    let events = trace["traceEvents"].as_array().unwrap();
    let slices = |critical: bool| {
        let slices = events.iter().filter(|event| event["ph"] == "X");
        let names = slices.filter(|event| (event["tid"] == 0) == critical);
        let mut names: Vec<&str> = names.map(|event| event["name"].as_str().unwrap()).collect();
        names.sort_unstable();
        names
    };
    assert_eq!(slices(false), ["t/first", "t/last", "t/second"]);
    assert_eq!(slices(true), ["t/last", "t/second"], "{trace}");
    let slow = events
        .iter()
        .find(|event| event["name"] == "t/second")
        .unwrap();
    assert!(slow["dur"].as_u64().unwrap() >= 500_000, "{slow}");
}

#[test]
fn a_report_is_one_page_with_the_failure_in_it() {
    let world = world();
    world.fails(&["realize", "t/last", "t/broken", "--keep-going"]);
    assert_eq!(world.well(&["report"]).out, "pwb-report.html\n");
    let page = read(&world.path("pwb-report.html"));
    for part in [
        "t/broken failed",
        "the cause &lt;&amp;&gt;",
        "<svg",
        "t/second",
        "Critical path",
    ] {
        assert!(page.contains(part), "{part} is not in {page}");
    }
    assert!(
        !page.contains("http://") && !page.contains("https://"),
        "it wants something of elsewhere"
    );
}

#[test]
fn what_is_not_there_is_said() {
    let world = world();
    let mut all = String::new();
    for arguments in [
        &["report"][..],
        &["report", "--journal", "nowhere"],
        &["realize", "t/first", "--events", "no/such/folder"],
        &["realize", "t/first", "--trace", "no/such/folder"],
        &["shell", "busybox/root"],
        &["shell", "t/broken", "--failed"],
    ] {
        all += &format!(
            "$ pwb {}\n{}",
            arguments.join(" "),
            world.tidy(&world.fails(arguments))
        );
    }
    insta::assert_snapshot!(all, @r"
    $ pwb report
    error: nothing has been built in this store that was written down
     hint: builds that ran something are: `pwb realize TARGET`
    $ pwb report --journal nowhere
    error: cannot read nowhere: No such file or directory (os error 2)
     hint: is the path right, and its folder there?
    $ pwb realize t/first --events no/such/folder
    error: cannot write no/such/folder: No such file or directory (os error 2)
     hint: is the path right, and its folder there?
    $ pwb realize t/first --trace no/such/folder
    error: cannot write no/such/folder: No such file or directory (os error 2)
     hint: is the path right, and its folder there?
    $ pwb shell busybox/root
    error: `busybox/root` runs no command
     hint: `pwb list --nodes` lists the nodes, `pwb show` says what they do
    $ pwb shell t/broken --failed
    error: nothing is kept of a failed run of `t/broken` as it is now
     hint: pwb realize t/broken --keep-failed
    ");
}

#[test]
fn an_interrupt_leaves_nothing_behind_but_what_was_done() {
    let nap = nap(600);
    let world = World::new(&[
        node("quick", &[], "echo done > /out/file"),
        node("slow", &[("/in", "quick:/out")], &format!("sleep {nap}")),
    ]);
    let said = world.path("said");
    let running = world.start_into(&["realize", "t/slow"], &said);
    eventually("the command runs", || {
        !processes(&nap).is_empty() && read(&said).contains("built t/quick")
    });
    let begin = Instant::now();
    running.signal(Signal::SIGINT);
    assert_eq!(running.end().code, None, "the signal ended it");
    assert!(begin.elapsed() < Duration::from_secs(1));
    let said = read(&said);
    let last =
        "interrupted: 1 node built and kept, 1 node stopped; the same command goes on from here\n";
    assert!(said.ends_with(last), "{said}");
    eventually("nothing of it is left", || processes(&nap).is_empty());
    let list = world.well(&["report", "--list"]).out;
    assert!(list.contains("interrupted"), "{list}");
    assert!(
        world
            .well(&["show", "t/quick"])
            .out
            .contains("run     t/quick  (in the store)")
    );
}

#[test]
fn who_cannot_be_told_anything_changes_nothing() {
    let nap = nap(600);
    let world = World::new(&[
        node("quick", &[], "echo done > /out/file"),
        node("slow", &[("/in", "quick:/out")], &format!("sleep {nap}")),
    ]);
    // What is written to it fails, as where a reader has gone.
    let deaf = Path::new("/dev/full");
    let running = world.start_into(&["realize", "t/slow"], deaf);
    eventually("the command runs", || !processes(&nap).is_empty());
    running.signal(Signal::SIGTERM);
    assert_eq!(running.end().code, None, "the signal ended it");
    eventually("nothing of it is left", || processes(&nap).is_empty());
    let said = world.shell("$PWB realize t/quick 2> /dev/full").output();
    let said = Said::from(said.unwrap());
    assert_eq!((said.code, said.results().len()), (Some(0), 1), "{said:?}");
    let refused = world.shell("$PWB realize t/none 2> /dev/full").status();
    assert_eq!(refused.unwrap().code(), Some(1));
}

#[test]
fn a_log_is_followed_until_its_command_ends() {
    let script = "echo first words; sleep 1.5; echo last words; echo > /out/file";
    let world = World::new(&[node("talks", &[], script)]);
    let build = world.start(&["realize", "t/talks"]);
    let journal = world.path("store/builds");
    eventually("it has started", || {
        std::fs::read_dir(&journal)
            .is_ok_and(|mut all| all.any(|one| read(&one.unwrap().path()).contains("started")))
    });
    let followed = world.well(&["log", "--follow", "t/talks"]).out;
    assert_eq!(followed, "first words\nlast words\n");
    assert_eq!(build.end().code, Some(0));
    assert_eq!(
        world.well(&["log", "--follow", "t/talks"]).out,
        followed,
        "after its end too"
    );
}

#[test]
fn a_shell_sees_what_the_command_sees() {
    let world = world();
    let said = world.well(&[
        "shell",
        "t/last",
        "--",
        "sh",
        "-c",
        "cat /a/file /b/file; ls /out; pwd; id -u",
    ]);
    assert_eq!(said.out, "1\n2\n/\n1000\n");
    // What it writes is nobody's result.
    world.well(&["shell", "t/last", "--", "sh", "-c", "echo mine > /out/sum"]);
    assert_eq!(read(&world.realize("t/last").join("out/sum")), "1\n2\n");
    assert_eq!(
        world
            .say(&["shell", "t/last", "--", "sh", "-c", "exit 7"])
            .code,
        Some(7)
    );
}

#[test]
fn a_shell_after_a_failure_has_what_the_command_wrote() {
    for world in World::each(&[node("broken", &[], "echo 'half done' > /out/part; exit 3")]) {
        let error = world.fails(&["realize", "t/broken", "--keep-failed"]);
        assert!(error.contains("pwb shell t/broken --failed"), "{error}");
        let said = world.well(&["shell", "t/broken", "--failed", "--", "cat", "/out/part"]);
        assert_eq!(said.out, "half done\n");
        // The command itself, in its place.
        let said = world.say(&[
            "shell",
            "t/broken",
            "--failed",
            "--",
            "sh",
            "-c",
            "eval \"$COMMAND\"",
        ]);
        assert_eq!(said.code, Some(3), "{said:?}");
    }
}

#[test]
fn an_interactive_shell_reads_commands() {
    let world = world();
    let mut pwb = world.pwb(&["shell", "t/first"]);
    let mut child = pwb
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(b"eval \"$COMMAND\"\ncat /out/file\nexit 4\n")
        .unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(4), "{output:?}");
    assert!(
        String::from_utf8_lossy(&output.stdout).contains("one\n1\n"),
        "{output:?}"
    );
}
