//! What a person reads: listings, drawings, errors. Whole texts, as snapshots.

#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::fs::File;
use std::io::Read;
use std::process::Stdio;

use support::{Said, World, node, read};

/// One target of everything, with options.
const RECIPE: &str = r##"Recipe(
    about: "for the eyes",
    options: {
        "loud": Flag(help: "shout"),
        "level": Choice(values: ["0", "3"], default: "3", help: "how well"),
        "words": List(help: "what to say"),
    },
    nodes: {
        "source": Source(path: "source"),
        "greet": Run(
            root: "busybox/root",
            inputs: {"/in": "source"},
            run: ["sh", "-euc", "cat /in/file > /out/greeting; echo $* >> /out/greeting", "sh", When("loud", ["HEY"]), Each("words")],
            outputs: ["/out"],
        ),
        "both": Root(layers: ["greet:/out", "source"]),
        "broken": Run(
            root: "busybox/root",
            run: ["sh", "-c", "for n in $(busybox seq 1 30); do echo line $n; done; echo the cause >&2; exit 3"],
            outputs: ["/out"],
        ),
    },
    targets: {
        "greeting": Target(node: "both", about: "a greeting", set: {"level": "0"}),
        "broken": Target(node: "broken"),
    },
)"##;

fn world() -> World {
    let world = World::new(&[]);
    world.recipe(RECIPE);
    world.folder("source", &[("file", "hello\n")]);
    world
}

#[test]
fn graph_speaks_three_notations() {
    let world = world();
    insta::assert_snapshot!("graph-dot", world.well(&["graph", "greeting"]).out);
    insta::assert_snapshot!(
        "graph-mermaid",
        world
            .well(&["graph", "greeting", "--format", "mermaid"])
            .out
    );
    let json = world
        .well(&["graph", "t/greet", "--format", "json", "--packages"])
        .out;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    let mut edges: Vec<String> = json["edges"]
        .as_array()
        .unwrap()
        .iter()
        .map(|edge| {
            format!(
                "{} -> {}",
                edge["from"].as_str().unwrap(),
                edge["to"].as_str().unwrap()
            )
        })
        .collect();
    edges.sort();
    let expected = [
        "busybox/package -> busybox/root",
        "busybox/package/busybox-static -> busybox/package",
        "busybox/root -> t/greet",
        "t/source -> t/greet",
    ];
    assert_eq!(edges, expected);
    let mut kinds: Vec<(&str, &str)> = json["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|node| {
            (
                node["name"].as_str().unwrap(),
                node["kind"].as_str().unwrap(),
            )
        })
        .collect();
    kinds.sort_unstable();
    let expected = [
        ("busybox/package", "root"),
        ("busybox/package/busybox-static", "fetch"),
        ("busybox/root", "root"),
        ("t/greet", "run"),
        ("t/source", "source"),
    ];
    assert_eq!(kinds, expected);
}

#[test]
fn a_failed_command_ends_with_its_own_last_words_and_where_to_look() {
    let world = world();
    let error = world.fails(&["realize", "broken"]);
    insta::assert_snapshot!("broken", world.tidy(&error));
    let log = world.well(&["log", "t/broken"]).out;
    assert!(
        log.starts_with("line 1\n") && log.ends_with("line 30\nthe cause\n"),
        "{log}"
    );
    let path = world.well(&["log", "t/broken", "--path"]).out;
    assert!(error.contains(&format!("log:   {path}")), "{error}\n{path}");
    assert_eq!(read(path.trim_end().as_ref()), log);
}

#[test]
fn a_build_is_told_line_by_line() {
    insta::assert_snapshot!("built", {
        let world = world();
        world.tidy(&world.well(&["realize", "greeting"]).err)
    });
}

#[test]
fn a_recipes_error_points_at_its_place() {
    let world = world();
    world.recipe(
        &RECIPE
            .replace("\"greet:/out\"", "\"gret:/out\"")
            .replace("about: \"for", "abuot: \"for"),
    );
    insta::assert_snapshot!(
        "recipe-error",
        world.tidy(&world.fails(&["realize", "greeting"]))
    );
    let mut pwb = world.pwb(&["list", "--recipes", "nowhere"]);
    insta::assert_snapshot!("no-recipes", Said::from(pwb.output().unwrap()).err);
}

#[test]
fn there_are_no_colours_where_nobody_sees_them() {
    let world = world();
    for arguments in [
        &["realize", "greeting", "broken"][..],
        &["show", "greeting"],
        &["realize", "greting"],
        &["--help"],
    ] {
        let said = world.say(arguments);
        assert!(
            !said.out.contains('\x1b') && !said.err.contains('\x1b'),
            "{said:?}"
        );
    }
}

/// Everything that pwb writes to a terminal.
fn on_a_terminal(world: &World, arguments: &[&str], no_color: bool) -> String {
    let terminal = nix::pty::openpty(None, None).unwrap();
    let mut pwb = world.pwb(arguments);
    pwb.env("TERM", "xterm")
        .stdout(Stdio::null())
        .stderr(Stdio::from(terminal.slave));
    if no_color {
        pwb.env("NO_COLOR", "1");
    }
    let mut child = pwb.spawn().unwrap();
    // The command holds the other end as long as it lives.
    drop(pwb);
    let mut shown = Vec::new();
    // A terminal that nobody holds any more is an error to read.
    let _ = File::from(terminal.master).read_to_end(&mut shown);
    child.wait().unwrap();
    String::from_utf8_lossy(&shown).into_owned()
}

#[test]
fn a_terminal_has_colours_unless_the_user_does_not_want_them() {
    let world = world();
    let coloured = |text: &str| {
        text.split("\x1b[").skip(1).any(|rest| {
            rest.find(|character: char| character.is_ascii_alphabetic())
                .is_some_and(|end| rest[end..].starts_with('m'))
        })
    };
    let shown = on_a_terminal(&world, &["realize", "broken"], false);
    assert!(coloured(&shown) && shown.contains("the cause"), "{shown:?}");
    let shown = on_a_terminal(&world, &["realize", "broken"], true);
    assert!(
        !coloured(&shown) && shown.contains("the cause"),
        "{shown:?}"
    );
}

#[test]
fn a_reader_that_goes_away_ends_it_quietly() {
    let world = world();
    let said = Said::from(
        world
            .shell("{ sleep 0.2; $PWB list --nodes; } | true")
            .output()
            .unwrap(),
    );
    assert_eq!((said.code, &*said.err), (Some(0), ""), "{said:?}");
}

#[test]
fn a_log_may_hold_any_bytes() {
    let script = "printf '\\377\\000\\033[31mred\\n'; exit 1";
    let world = World::new(&[node("a", &[], script)]);
    let output = world.pwb(&["realize", "t/a"]).output().unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.contains("red"), "{error}");
    let log = world.pwb(&["log", "t/a"]).output().unwrap().stdout;
    assert_eq!(log, b"\xff\0\x1b[31mred\n");
}
