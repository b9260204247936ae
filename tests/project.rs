//! `pwb.ron`, and `pwb watch`: what is kept beside one's work, and what happens while one works.

#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::fs;
use std::path::Path;
use std::process::Command;

use nix::sys::signal::Signal;
use support::{Said, World, eventually, node, read};

/// A world with an option, a node that a folder can replace, and one that depends on both.
fn world() -> World {
    let world = World::new(&[]);
    world.recipe(&format!(
        r#"Recipe(
            options: {{
                "loud": Flag(help: "shout"),
                "words": List(default: ["none"]),
            }},
            nodes: {{
                {}
                "say": Run(root: "busybox/root", inputs: {{"/in": "src:/out"}}, outputs: ["/out"],
                    run: ["sh", "-euc", "cat /in/a > /out/said; echo $* >> /out/said", "sh", When("loud", ["HEY"]), Each("words")]),
            }},
        )"#,
        node("src", &[], "echo fetched > /out/a"),
    ));
    world.folder("mine/out", &[("a", "mine\n")]);
    world.folder("work/deep", &[("x", "")]);
    world
}

fn pwb(world: &World, arguments: &[&str]) -> Said {
    let mut command: Command = world.pwb(arguments);
    command.current_dir(world.path("work/deep"));
    Said::from(command.output().unwrap())
}

#[track_caller]
fn said(world: &World, arguments: &[&str]) -> String {
    let all = [&["realize", "t/say"], arguments].concat();
    read(&pwb(world, &all).result().join("out/said"))
}

#[test]
fn pwb_ron_is_found_above_and_the_command_line_goes_first() {
    let world = world();
    assert_eq!(said(&world, &[]), "fetched\nnone\n");
    let file = world.path("work/pwb.ron");
    fs::write(&file, r#"(set: {"t/loud": "true", "t/words": ["a", "b"]})"#).unwrap();
    assert_eq!(said(&world, &[]), "fetched\nHEY a b\n");
    assert_eq!(
        said(&world, &["--set", "words=c", "--set", "loud=false"]),
        "fetched\nc\n"
    );
    fs::write(
        &file,
        r#"(override: {"t/src": "../mine"}, set: {"t/words": []})"#,
    )
    .unwrap();
    assert_eq!(said(&world, &[]), "mine\n\n");
    world.folder("other/out", &[("a", "other\n")]);
    assert_eq!(
        said(&world, &["--override", "src=../../other"]),
        "other\n\n"
    );
    // The nearest counts.
    fs::write(world.path("work/deep/pwb.ron"), "()").unwrap();
    assert_eq!(said(&world, &[]), "fetched\nnone\n");
}

#[test]
fn what_pwb_ron_says_wrong_has_its_place() {
    let world = world();
    let file = world.path("work/pwb.ron");
    let cases = [
        (
            "(\n  sets: {})",
            "2:3: Unexpected field named `sets` in `Project`",
        ),
        (
            "(set: {\n  \"loud\": \"true\"})",
            "2:3: `loud` is no option's full name\n hint: write it with its recipe",
        ),
        (
            "(set: {\"t/lod\": \"true\"})",
            "1:8: unknown option `t/lod`\n hint: did you mean `t/loud`?",
        ),
        (
            "(set: {\"t/loud\": \"x\"})",
            "1:8: `x` is not a value of the flag `loud`",
        ),
        (
            "(override: {\"src\": \".\"})",
            "1:13: `src` is no node's full name",
        ),
        (
            "(override: {\"t/sorc\": \".\"})",
            "1:13: unknown node `t/sorc`",
        ),
        (
            "(override: {\"t/src\": \"nowhere\"})",
            "1:13: cannot override `t/src`: ",
        ),
    ];
    for (text, expected) in cases {
        fs::write(&file, text).unwrap();
        let said = pwb(&world, &["realize", "t/say"]);
        let expected = format!("error: {}:{expected}", file.display());
        assert!(
            said.code == Some(1) && said.err.starts_with(&expected),
            "{expected}\n{}",
            said.err
        );
    }
}

#[test]
fn watch_builds_again_what_is_edited() {
    let world = world();
    world.folder("mine", &[(".pwbignore", "*.log\n")]);
    let file = world.path("heard");
    let arguments = ["watch", "t/say", "--override", "src=mine"];
    let mut pwb = world.start_into(&arguments, &file);
    let rounds = || -> Vec<String> {
        let lines = read(&file);
        let lines = lines.lines().filter(|line| line.contains(" s  "));
        lines.map(str::to_owned).collect()
    };
    let round = |count: usize| {
        eventually("a round", || rounds().len() == count);
        rounds().pop().unwrap()
    };
    let result = |line: &str| {
        let path = line.rsplit(' ').next().unwrap();
        read(&Path::new(path).join("out/said"))
    };
    let first = round(1);
    assert!(first.starts_with("first: "), "{first}");
    assert_eq!(result(&first), "mine\nnone\n");

    // What is ignored makes no round: the edit after it is the second.
    fs::write(world.path("mine/out/x.log"), "").unwrap();
    std::thread::sleep(std::time::Duration::from_millis(300));
    fs::write(world.path("mine/out/a"), "edited\n").unwrap();
    let second = round(2);
    assert!(second.starts_with("out/a: "), "{second}");
    assert_eq!(result(&second), "edited\nnone\n");

    // A recipe that is broken is shown, and mended.
    let recipe = read(&world.path("recipes/t.ron"));
    world.recipe(&recipe.replace("Run(", "Rum("));
    assert!(round(3).ends_with("failed"));
    assert!(read(&file).contains("did you mean `Run`?"));
    world.recipe(&recipe);
    assert_eq!(result(&round(4)), "edited\nnone\n");
    assert!(pwb.is_alive());
    pwb.signal(Signal::SIGINT);
    pwb.end();
    let last = read(&file);
    assert_eq!(rounds().len(), 4, "{last}");
    assert!(last.ends_with(&format!("{}\n", rounds()[3])), "{last}");
}

#[test]
fn a_name_that_is_wrong_ends_the_watch() {
    let world = world();
    let mut command = world.pwb(&["watch", "t/nothing"]);
    let said = Said::from(command.output().unwrap());
    assert!(said.err.contains("unknown node `t/nothing`"), "{said:?}");
}
