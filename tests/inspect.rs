//! `pwb query`, `ls`, `cat`, `diff` and `history`: what they answer, and what they say where there is no answer.

#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use serde_json::Value;
use support::World;

const RECIPE: &str = r##"Recipe(
    options: {"debug": Flag(help: "-g")},
    nodes: {
        "src": Source(path: "src"),
        "object": Run(
            root: "busybox/root",
            inputs: {"/src": "src"},
            run: ["sh", "-euc", "cat /src/main.c > /out/object; echo $* >> /out/object", "sh", When("debug", ["-g"])],
            outputs: ["/out"],
        ),
        "program": Run(
            root: "busybox/root",
            inputs: {"/in": "object:/out", "/modules": "src"},
            run: ["sh", "-euc", r#"
                cd /out; mkdir -p bin lib/more; cat /in/object > lib/text; echo '#!/bin/sh' > bin/tool; chmod +x bin/tool
                ln -s ../lib/text bin/link; cat /modules/module.wasm > module.wasm; cat /modules/script >> script
                sh script
            "#],
            outputs: ["/out"],
        ),
        "alone": Run(root: "busybox/root", run: ["sh", "-c", "echo 1 > /out/one"], outputs: ["/out"]),
        "broken": Run(root: "busybox/root", run: ["sh", "-c", "exit 3"], outputs: ["/out"]),
    },
    targets: {
        "program": Target(node: "program:/out"),
        "program-debug": Target(node: "program:/out", set: {"debug": "true"}),
        "alone": Target(node: "alone"),
    },
)"##;

/// A module with one function of so many `nop`s.
fn module(nops: u8) -> String {
    let mut bytes = b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x03\x02\x01\0".to_vec();
    bytes.extend([10, nops + 4, 1, nops + 2, 0]);
    bytes.extend(std::iter::repeat_n(1, usize::from(nops)));
    bytes.push(0x0b);
    bytes.extend(b"\0\x0b\x04name\x01\x04\x01\0\x01f");
    String::from_utf8(bytes).unwrap()
}

fn world() -> World {
    let world = World::new(&[]);
    world.recipe(RECIPE);
    source(
        &world,
        "int main(void)\n{\n    return 0;\n}\n",
        1,
        "echo old > lib/old",
    );
    world
}

fn source(world: &World, main: &str, nops: u8, script: &str) {
    let module = module(nops);
    let files = [
        ("main.c", main),
        ("module.wasm", &*module),
        ("script", script),
    ];
    world.folder("src", &files);
}

/// A world with two runs of the program.
fn twice() -> World {
    let world = world();
    world.realize("program");
    source(
        &world,
        "int main(void)\n{\n    return 1;\n}\n",
        9,
        "mkdir lib/new; echo 12345 > lib/new/file; chmod -x bin/tool; rm bin/link; ln -s ../bin bin/link",
    );
    world.realize("program");
    world
}

impl World {
    #[track_caller]
    fn told(&self, arguments: &[&str]) -> String {
        let said = self.well(arguments);
        assert_eq!(said.err, "");
        self.tidy(&said.out)
    }

    #[track_caller]
    fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.well(arguments).out).unwrap()
    }

    #[track_caller]
    fn refused(&self, arguments: &[&str]) -> String {
        self.tidy(&self.fails(arguments))
    }

    /// What `diff` says of things that differ.
    #[track_caller]
    fn differ(&self, arguments: &[&str]) -> String {
        let said = self.say(&[&["diff"], arguments].concat());
        assert_eq!((said.code, &*said.err), (Some(1), ""), "{said:?}");
        self.tidy(&said.out)
    }
}

#[test]
fn query_names_what_is_needed_and_what_needs_it() {
    let world = world();
    let query = |arguments: &[&str]| world.told(&[&["query"], arguments].concat());
    insta::assert_snapshot!(query(&["deps", "program"]), @"");
    insta::assert_snapshot!(query(&["deps", "t/program", "--depth", "1"]), @"");
    insta::assert_snapshot!(query(&["deps", "t/object", "--packages"]), @"");
    insta::assert_snapshot!(query(&["rdeps", "t/object"]), @"");
    insta::assert_snapshot!(query(&["rdeps", "t/src", "--of", "program", "--depth", "1"]), @"");
    insta::assert_snapshot!(query(&["rdeps", "busybox/package/busybox-static"]), @"");
    insta::assert_snapshot!(query(&["somepath", "program", "t/src"]), @"");
    insta::assert_snapshot!(query(&["somepath", "program", "busybox/package"]), @"");
    insta::assert_snapshot!(query(&["allpaths", "program", "t/src"]), @"");
    insta::assert_snapshot!(query(&["allpaths", "program", "t/src", "--format", "mermaid"]), @"");
    insta::assert_snapshot!(query(&["somepath", "program", "t/object", "--json"]), @"");
    let json = world.json(&["query", "rdeps", "t/object", "--json"]);
    assert_eq!(
        json["targets"],
        serde_json::json!(["program", "program-debug"])
    );
    // A folder in a node's place needs nothing.
    world.folder("mine", &[("object", "")]);
    insta::assert_snapshot!(query(&["deps", "program", "--override", "object=mine"]), @"");
}

#[test]
fn query_says_that_there_is_no_way_and_that_there_is_no_such_name() {
    let world = world();
    let none = world.well(&["query", "somepath", "program", "alone"]);
    insta::assert_snapshot!(none.out + &none.err, @"");
    let none = world.well(&["query", "allpaths", "program", "t/alone", "--json"]);
    insta::assert_snapshot!(none.out + &none.err, @"");
    let none = world.well(&["query", "rdeps", "t/broken"]);
    insta::assert_snapshot!(none.out + &none.err, @"");
    insta::assert_snapshot!(world.refused(&["query", "somepath", "program", "t/objekt"]), @"");
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

#[test]
fn ls_and_cat_look_into_results_of_now_and_then() {
    let world = world();
    insta::assert_snapshot!(world.refused(&["ls", "program"]), @"");
    insta::assert_snapshot!(world.refused(&["ls", "program@-1"]), @"");
    world.realize("program");
    insta::assert_snapshot!(world.told(&["ls", "program"]), @"");
    insta::assert_snapshot!(world.told(&["ls", "-lR", "program"]), @"");
    insta::assert_snapshot!(world.told(&["ls", "-l", "t/program:/out/bin/"]), @"");
    insta::assert_snapshot!(world.told(&["ls", "program:bin/tool"]), @"");
    let json = world.json(&["ls", "program:bin", "--json"]);
    let link = serde_json::json!({"path": "link", "kind": "link", "target": "../lib/text"});
    assert_eq!(json[0], link);
    assert_eq!(
        (&json[1]["size"], &json[1]["executable"]),
        (&10.into(), &true.into())
    );
    assert_eq!(world.told(&["cat", "program:bin/tool"]), "#!/bin/sh\n");
    // What has changed since is not there yet; what ran still is.
    source(&world, "", 1, "");
    world.refused(&["ls", "program"]);
    assert_eq!(world.told(&["cat", "program@-1:bin/tool"]), "#!/bin/sh\n");
}

#[test]
fn ls_and_cat_take_digests_and_what_realize_prints() {
    let world = world();
    let result = world.realize("program");
    let hash = result.file_name().unwrap().to_str().unwrap();
    let listing = world.told(&["ls", "-lR", "program"]);
    for name in [hash, &hash[..8], result.to_str().unwrap()] {
        assert_eq!(world.told(&["ls", "-lR", name]), listing, "{name}");
    }
    let json = world.json(&["ls", "program:bin", "--json"]);
    let tool = json[1]["digest"].as_str().unwrap();
    assert_eq!(world.told(&["cat", &tool[..16]]), "#!/bin/sh\n");
    assert_eq!(
        world.told(&["cat", &format!("{hash}:bin/tool")]),
        "#!/bin/sh\n"
    );
    insta::assert_snapshot!(world.refused(&["ls", &format!("{tool}:x")]), @"");
    insta::assert_snapshot!(world.refused(&["ls", "0123456789"]), @"");
}

#[test]
fn ls_and_cat_say_where_a_path_ends() {
    let world = world();
    world.realize("program");
    insta::assert_snapshot!(world.refused(&["cat", "program:bin/tol"]), @"");
    insta::assert_snapshot!(world.refused(&["cat", "program:bin/tool/x"]), @"");
    insta::assert_snapshot!(world.refused(&["cat", "program:bin/link"]), @"");
    insta::assert_snapshot!(world.refused(&["ls", "program:bin/link/x"]), @"");
    insta::assert_snapshot!(world.refused(&["cat", "program:bin"]), @"");
    insta::assert_snapshot!(world.refused(&["ls", "program:../x"]), @"");
    world.fails(&["realize", "t/broken"]);
    insta::assert_snapshot!(world.refused(&["ls", "t/broken@-1"]), @"");
    insta::assert_snapshot!(world.refused(&["ls", "program@-7"]), @"");
}

#[test]
fn diff_tells_files_lines_and_sections() {
    let world = twice();
    insta::assert_snapshot!(world.differ(&["program@-2", "program@-1"]), @"");
    insta::assert_snapshot!(world.differ(&["program@-2", "program", "--stat"]), @"");
    insta::assert_snapshot!(world.differ(&["program@-2:lib/text", "program:lib/text"]), @"");
    insta::assert_snapshot!(world.differ(&["program:lib", "program:bin", "--stat"]), @"");
    let said = world.say(&["diff", "program@-2", "program@-1", "--json"]);
    let json: Value = serde_json::from_str(&said.out).unwrap();
    let module = json
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["path"] == "module.wasm");
    insta::assert_snapshot!(module.unwrap()["module"], @"");
    let folder = json
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["path"] == "lib/new");
    assert_eq!(
        (&folder.unwrap()["new"]["files"], &folder.unwrap()["old"]),
        (&1.into(), &Value::Null)
    );
}

#[test]
fn diff_ends_with_0_for_the_same_and_2_for_trouble() {
    let world = twice();
    assert_eq!(world.told(&["diff", "program", "program@-1"]), "");
    assert_eq!(
        world.told(&["diff", "program", "program", "--json"]),
        "[]\n"
    );
    let trouble = world.say(&["diff", "program", "program-debug"]);
    assert_eq!((trouble.code, &*trouble.out), (Some(2), ""), "{trouble:?}");
    insta::assert_snapshot!(trouble.err, @"");
}

#[test]
fn history_lists_the_runs_of_a_node_or_of_all() {
    let world = twice();
    world.fails(&["realize", "t/broken"]);
    insta::assert_snapshot!(world.told(&["history", "program"]), @"");
    assert_eq!(
        world.told(&["why", "program", "--list"]),
        world.told(&["history", "t/program"])
    );
    insta::assert_snapshot!(world.told(&["history", "-n", "3"]), @"");
    let json = world.json(&["history", "program", "--json", "-n", "1"]);
    let [run] = &json.as_array().unwrap()[..] else {
        panic!("{json}")
    };
    assert_eq!(
        (&run["node"], &run["outcome"]),
        (&"t/program".into(), &"built".into())
    );
    assert!(
        run["finished"].as_u64().unwrap() > 1_700_000_000 && run["wall"].as_f64().unwrap() > 0.0,
        "{run}"
    );
    let result = world.realize("t/program");
    assert_eq!(run["result"], result.file_name().unwrap().to_str().unwrap());
    insta::assert_snapshot!(world.refused(&["history", "t/alone"]), @"");
    insta::assert_snapshot!(world.refused(&["history", "progam"]), @"");
}
