//! `pwb query` and the picture of `pwb graph`: what they answer, and what they say where there is no answer.

#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "support/sample.rs"]
mod sample;
mod support;

use sample::world;

#[test]
fn query_names_what_is_needed_and_what_needs_it() {
    let world = world();
    let query = |arguments: &[&str]| world.told(&[&["query"], arguments].concat());
    insta::assert_snapshot!(query(&["deps", "program"]), @"
    t/src
    busybox/package
    busybox/root
    t/object
    t/program
    ");
    insta::assert_snapshot!(query(&["deps", "t/program", "--depth", "1"]), @"
    t/src
    busybox/root
    t/object
    t/program
    ");
    insta::assert_snapshot!(query(&["deps", "t/object", "--packages"]), @"
    t/src
    busybox/package/busybox-static
    busybox/package
    busybox/root
    t/object
    ");
    insta::assert_snapshot!(query(&["rdeps", "t/object"]), @"
    t/object
    t/program
    program
    program-debug
    ");
    insta::assert_snapshot!(query(&["rdeps", "t/src", "--of", "program", "--depth", "1"]), @"
    t/src
    t/object
    t/program
    program
    ");
    insta::assert_snapshot!(query(&["rdeps", "busybox/package/busybox-static"]), @"
    busybox/package/busybox-static
    busybox/package
    busybox/root
    t/alone
    t/object
    t/program
    alone
    program
    program-debug
    ");
    insta::assert_snapshot!(query(&["somepath", "program", "t/src"]), @"
    t/program
    t/src      input /modules
    ");
    insta::assert_snapshot!(query(&["somepath", "program", "busybox/package"]), @"
    t/program
    busybox/root     root
    busybox/package  layer
    ");
    insta::assert_snapshot!(query(&["allpaths", "program", "t/src"]), @"
    t/src
    t/object
    t/program
    ");
    insta::assert_snapshot!(query(&["allpaths", "program", "t/src", "--format", "mermaid"]), @r#"
    flowchart LR
        n0["t/src (source)"]
        n4["t/object (run)"]
        n5["t/program (run)"]
        n0 --> n4
        n4 --> n5
        n0 --> n5
    "#);
    insta::assert_snapshot!(query(&["somepath", "program", "t/object", "--json"]), @r#"{"edges":[{"from":"t/object","to":"t/program"}],"nodes":[{"kind":"run","name":"t/program"},{"kind":"run","name":"t/object"}]}"#);
    let json = world.json(&["query", "rdeps", "t/object", "--json"]);
    assert_eq!(
        json["targets"],
        serde_json::json!(["program", "program-debug"])
    );
    // A folder in a node's place needs nothing.
    world.folder("mine", &[("object", "")]);
    insta::assert_snapshot!(query(&["deps", "program", "--override", "object=mine"]), @"
    t/src
    t/object
    busybox/package
    busybox/root
    t/program
    ");
}

#[test]
fn query_says_that_there_is_no_way_and_that_there_is_no_such_name() {
    let world = world();
    let none = world.well(&["query", "somepath", "program", "alone"]);
    insta::assert_snapshot!(none.out + &none.err, @"`program` does not need `alone`");
    let none = world.well(&["query", "allpaths", "program", "t/alone", "--json"]);
    insta::assert_snapshot!(none.out + &none.err, @r#"
    {"edges":[],"nodes":[]}
    `program` does not need `t/alone`
    "#);
    let none = world.well(&["query", "rdeps", "t/broken"]);
    insta::assert_snapshot!(none.out + &none.err, @"nothing of that is made from `t/broken`");
    insta::assert_snapshot!(world.refused(&["query", "somepath", "program", "t/objekt"]), @"
    error: unknown node `t/objekt`
     = help: did you mean `t/object`?
    ");
}

#[test]
fn graph_draws_a_picture_itself() {
    let world = world();
    let before = world.well(&["graph", "program", "--format", "svg"]).out;
    assert!(
        before.contains("<title>t/program (depends on what runs before)"),
        "{before}"
    );
    world.realize("t/object");
    let after = world.well(&["graph", "program", "--format", "svg"]).out;
    assert_eq!(
        after,
        world.well(&["graph", "program", "--format", "svg"]).out
    );
    for node in ["busybox/root", "busybox/package", "t/src", "t/object"] {
        assert!(
            after.contains(&format!("<title>{node} (in the store)\n")),
            "{node}: {after}"
        );
    }
    assert!(after.contains("<title>t/program (to run)\n"), "{after}");
    assert!(
        after.contains("<title>t/program: input /in t/object</title>"),
        "{after}"
    );
    assert!(after.contains(">root, 1 package</text>"), "{after}");
    let picture = roxmltree::Document::parse(&after).unwrap();
    let count = |name: &str| {
        picture
            .descendants()
            .filter(|node| node.has_tag_name(("http://www.w3.org/2000/svg", name)))
            .count()
    };
    // Five nodes and six uses, of which the arrow's own path is none; each has a title.
    assert_eq!((count("path"), count("title")), (6 + 1, 5 + 6));
    // What cannot be planned is drawn all the same.
    std::fs::remove_dir_all(world.path("src")).unwrap();
    let unplanned = world.well(&["graph", "program", "--format", "svg"]).out;
    assert!(unplanned.contains("<title>t/program\n"), "{unplanned}");
}
