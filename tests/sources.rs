//! Local folders: what of them is taken, what an edit runs again, and what is said when they change on the way.

#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use support::{World, listing, node, read};

/// A node over a part of another.
fn over_part(name: &str, part: &str) -> String {
    node(name, &[], "cp -r /in /out").replace("inputs: {}", &format!("inputs: {{\"/in\": {part}}}"))
}

fn source(world: &World, name: &str) -> String {
    format!(
        "\"{name}\": Source(path: \"{}\"),",
        world.path(name).display()
    )
}

#[test]
fn a_change_outside_of_a_part_runs_nothing() {
    let world = World::new(&[]);
    world.folder(
        "src",
        &[("lib/a.py", "1"), ("lib/deep/b.py", "2"), ("doc/a", "3")],
    );
    world.nodes(&[
        source(&world, "src"),
        over_part("only", r#"Only("src", ["lib/**"])"#),
        over_part("except", r#"Except("src:/lib", ["deep"])"#),
        node("a", &[("/a", "only")], "cp -r /a/out /out"),
        node("b", &[("/b", "except")], "cp -r /b/out /out"),
    ]);
    let run = || world.well(&["realize", "t/a", "t/b"]);
    let first = run();
    assert_eq!(first.ran(), ["t/a", "t/b", "t/except", "t/only"]);
    let [a, b] = &first.results()[..] else {
        panic!("{first:?}")
    };
    let files = |path| listing(path).into_iter().filter(|(_, what)| what != "/");
    assert_eq!(files(a).count(), 2, "{:?}", listing(a));
    assert_eq!(files(b).count(), 1, "{:?}", listing(b));

    world.folder("src", &[("doc/a", "changed"), ("new/file", "new")]);
    assert!(run().ran().is_empty());
    world.folder("src", &[("lib/deep/b.py", "changed")]);
    assert_eq!(run().ran(), ["t/a", "t/only"]);
    world.folder("src", &[("lib/a.py", "changed")]);
    assert_eq!(run().ran().len(), 4);
}

#[test]
fn a_part_with_nothing_in_it_is_an_error() {
    let world = World::new(&[]);
    world.folder("src", &[("lib/a.py", "1")]);
    let nodes = |of: &str| {
        [
            source(&world, "src"),
            node("copy", &[("/in", "src")], "cp -r /in/lib /out"),
            over_part("part", of),
        ]
    };
    world.nodes(&nodes(r#"Only("src:/lib", ["lib/**"])"#));
    let error = world.fails(&["realize", "t/part"]);
    assert!(
        error.contains("error: t/part: `Only([\"lib/**\"])` selects nothing of `t/src:/lib`\n  hint: patterns are paths from the top of `t/src:/lib`; `pwb realize t/src` shows"),
        "{error}"
    );
    // The same where the tree is known only once something has run.
    world.nodes(&nodes(r#"Except("copy:/out", ["**"])"#));
    let error = world.fails(&["realize", "t/part"]);
    assert!(
        error.contains("t/part: `Except([\"**\"])` selects nothing of `t/copy:/out`"),
        "{error}"
    );
}

#[test]
fn a_target_may_be_a_part() {
    let world = World::new(&[]);
    world.recipe(&format!(
        r#"Recipe(nodes: {{ {} }}, targets: {{"part": Target(node: Only("a:/out", ["*.h"]))}})"#,
        node("a", &[], "echo 1 > /out/a.h; echo 2 > /out/a.c")
    ));
    for _ in 0..2 {
        let result = world.realize("part");
        assert_eq!(listing(&result).len(), 1);
        assert_eq!(read(&result.join("a.h")), "1\n");
    }
}
