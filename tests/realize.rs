//! `pwb realize`: what runs again and what does not, and where the results are.

#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::fs;

use support::{World, listing, node, read};

/// Whatever runs twice gives two results.
const RANDOM: &str = "cat /proc/sys/kernel/random/uuid > /out/id";

fn chain() -> Vec<String> {
    vec![
        node("a", &[], "echo a > /out/a"),
        node(
            "b",
            &[("/in", "a:/out")],
            "cat /in/a > /out/b; echo b >> /out/b",
        ),
        node(
            "c",
            &[("/in", "b:/out")],
            "cat /in/b > /out/c; echo c >> /out/c",
        ),
    ]
}

#[test]
fn the_result_is_on_standard_output_and_all_else_is_not() {
    let world = World::new(&chain());
    let said = world.well(&["realize", "t/c"]);
    assert_eq!(said.out, format!("{}\n", said.result().display()));
    assert!(said.result().starts_with(world.path("store/trees")));
    assert_eq!(read(&said.result().join("out/c")), "a\nb\nc\n");
    assert_eq!(said.ran(), ["t/a", "t/b", "t/c"]);
}

#[test]
fn what_is_unchanged_does_not_run() {
    let world = World::new(&[
        node("a", &[], RANDOM),
        node("b", &[("/in", "a")], "cp /in/out/id /out/b"),
    ]);
    let first = world.well(&["realize", "t/b"]);
    fs::remove_dir_all(world.path("mirror")).unwrap();
    let second = world.well(&["realize", "t/b", "--offline"]);
    assert_eq!((&*second.out, &*second.err), (&*first.out, ""));

    // Another text with the same meaning is looked up node by node.
    let same = read(&world.path("recipes/t.ron")).replace("Recipe(", "// The same.\nRecipe(");
    world.recipe(&same);
    let third = world.well(&["realize", "t/b", "--offline"]);
    assert_eq!((third.out, third.err), (first.out, String::new()));
}

#[test]
fn a_failure_is_not_a_result() {
    let world = World::new(&[node("a", &[], "echo tried; exit 7")]);
    for _ in 0..2 {
        assert!(world.fails(&["realize", "t/a"]).contains("run t/a "));
    }
}

#[test]
fn a_changed_option_reruns_what_depends_on_it() {
    let world = World::new(&[]);
    let recipe = |count: u32| {
        format!(
            r#"Recipe(
            options: {{"loud": Flag(help: "shout")}},
            nodes: {{
                {}
                "b": Run(root: "busybox/root", inputs: {{"/in": "a:/out"}}, outputs: ["/out"],
                    run: ["sh", "-euc", "cat /in/a > /out/b; echo $1 >> /out/b", "sh", When("loud", ["HEY"]), Unless("loud", ["hey"])]),
                {}
                {}
                "all": Root(layers: ["c", "d"]),
            }},
            targets: {{"all": Target(node: "all"), "loud": Target(node: "all", set: {{"loud": "true"}})}},
        )"#,
            node("a", &[], &format!("echo {count} > /out/a")),
            node("c", &[("/in", "b:/out")], "cp /in/b /out/c"),
            node("d", &[("/in", "a:/out")], "cp /in/a /out/d"),
        )
    };
    world.recipe(&recipe(1));
    assert_eq!(
        world.well(&["realize", "all"]).ran(),
        ["t/a", "t/b", "t/c", "t/d"]
    );
    let loud = world.well(&["realize", "all", "--set", "t/loud=true"]);
    assert_eq!(loud.ran(), ["t/b", "t/c"]);
    assert_eq!(read(&loud.result().join("out/c")), "1\nHEY\n");
    let target = world.well(&["realize", "loud"]);
    assert_eq!((target.out.clone(), target.ran()), (loud.out, vec![]));
    // And back, and with another input.
    assert!(world.well(&["realize", "all"]).ran().is_empty());
    world.recipe(&recipe(2));
    assert_eq!(
        world.well(&["realize", "all"]).ran(),
        ["t/a", "t/b", "t/c", "t/d"]
    );
}

#[test]
fn the_same_bytes_cut_a_rebuild_off() {
    let world = World::new(&chain());
    let before = world.realize("t/c");
    let mut nodes = chain();
    nodes[0] = node("a", &[], "printf 'a\\n' > /out/a");
    world.nodes(&nodes);
    let said = world.well(&["realize", "t/c"]);
    assert_eq!((said.ran(), said.result()), (vec!["t/a"], before));
}

#[test]
fn two_names_are_two_lines_and_share_what_they_share() {
    let mut nodes = chain();
    nodes.push(node("d", &[("/in", "b:/out")], "cp /in/b /out/d"));
    let world = World::new(&nodes);
    let said = world.well(&["realize", "t/d", "t/c"]);
    assert_eq!(said.ran(), ["t/a", "t/b", "t/c", "t/d"]);
    let [d, c] = &said.results()[..] else {
        panic!("{said:?}")
    };
    assert!(d.join("out/d").is_file() && c.join("out/c").is_file());
    assert_eq!(said.out, world.well(&["realize", "t/d", "t/c"]).out);
}

#[test]
fn out_makes_links() {
    let world = World::new(&chain());
    let result = world.well(&["realize", "t/a", "--out", "result"]).result();
    assert_eq!(fs::read_link(world.path("result")).unwrap(), result);
    // It is replaced by the next one, also where nothing had to run.
    for name in ["t/b", "t/a", "t/b"] {
        let result = world.well(&["realize", name, "--out", "result"]).result();
        assert_eq!(fs::read_link(world.path("result")).unwrap(), result);
    }
    let both = world
        .well(&["realize", "t/a", "t/b", "--out", "each"])
        .results();
    for (name, result) in ["each-t-a", "each-t-b"].iter().zip(both) {
        assert_eq!(fs::read_link(world.path(name)).unwrap(), result);
    }
    fs::write(world.path("mine"), "precious").unwrap();
    let error = world.fails(&["realize", "t/a", "--out", "mine"]);
    assert!(error.contains("cannot make the link mine"), "{error}");
    assert_eq!(read(&world.path("mine")), "precious");
}

#[test]
fn a_dry_run_runs_nothing() {
    let world = World::new(&chain());
    let dry = || world.well(&["realize", "t/c", "--dry-run"]);
    let before = listing(&world.path("store"));
    assert_eq!(
        dry().out,
        "would run    t/a: it never ran\nmay follow   t/b, t/c\n3 of 6 nodes are in the store\n"
    );
    assert_eq!(dry().err, "");
    assert_eq!(listing(&world.path("store")).len(), before.len());
    world.realize("t/b");
    assert_eq!(
        dry().out,
        "would run    t/c: it never ran\n5 of 6 nodes are in the store\n"
    );
}

#[test]
fn an_override_takes_a_nodes_place() {
    let world = World::new(&chain());
    world.realize("t/c");
    world.folder("mine", &[("out/a", "mine\n")]);
    for written in ["t/a=mine", "a=mine"] {
        let said = world.well(&["realize", "t/c", "--override", written]);
        assert_eq!(read(&said.result().join("out/c")), "mine\nb\nc\n");
        assert!(!said.ran().contains(&"t/a"));
    }
    world.folder("mine", &[("out/a", "edited\n")]);
    let said = world.well(&["realize", "t/c", "--override", "a=mine"]);
    assert_eq!(
        (read(&said.result().join("out/c")), said.ran()),
        ("edited\nb\nc\n".into(), vec!["t/b", "t/c"])
    );
    // Nothing of it stays behind.
    assert_eq!(read(&world.realize("t/c").join("out/c")), "a\nb\nc\n");

    let unknown = world.fails(&["realize", "t/c", "--override", "t/aa=mine"]);
    assert!(
        unknown.contains("unknown node `t/aa`") && unknown.contains("did you mean `t/a`?"),
        "{unknown}"
    );
    let missing = world.fails(&["realize", "t/c", "--override", "a=nowhere"]);
    assert!(
        missing.contains("nowhere: No such file or directory"),
        "{missing}"
    );
}

#[test]
fn a_source_is_read_again_when_it_changes() {
    let world = World::new(&[]);
    let folder = world.folder(
        "source",
        &[
            ("kept", "1"),
            ("left.o", "out"),
            ("deep/left.o", "out"),
            ("deep/kept", "2"),
        ],
    );
    world.recipe(&format!(
        r#"Recipe(nodes: {{ "source": Source(path: "{}", ignore: ["*.o"]), {} }})"#,
        folder.display(),
        node("n", &[("/in", "source")], "cp -r /in/. /out")
    ));
    assert_eq!(world.well(&["realize", "t/n"]).ran(), ["t/n"]);
    world.folder("source", &[("left.o", "changed")]);
    assert!(world.well(&["realize", "t/n"]).ran().is_empty());
    world.folder("source", &[("deep/kept", "3")]);
    let said = world.well(&["realize", "t/n"]);
    assert_eq!(said.ran(), ["t/n"]);
    let found: Vec<(String, String)> = listing(&said.result().join("out")).into_iter().collect();
    let expected = [("deep", "/"), ("deep/kept", "3"), ("kept", "1")];
    assert_eq!(
        found,
        expected.map(|(path, what)| (path.to_owned(), what.to_owned()))
    );
}
