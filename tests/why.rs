//! `pwb why`, `realize --dry-run` and `stats`: each case names the true cause.

#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::fs;

use support::{World, node};

/// A compiler of sorts, what is made by it, and what is made of that.
struct Recipe {
    flags: &'static str,
    script: &'static str,
    layers: &'static str,
    extra: &'static str,
}

const RECIPE: Recipe = Recipe {
    flags: "-O2 -pipe",
    script: "cat /src/main.c > /out/object; cat /src/*.h >> /out/object 2> /dev/null || true",
    layers: r#""tool""#,
    extra: "",
};

impl Recipe {
    fn text(&self) -> String {
        let Recipe {
            flags,
            script,
            layers,
            extra,
        } = self;
        format!(
            r##"Recipe(
    options: {{"debug": Flag(help: "-g"), "words": List(help: "said at the end")}},
    nodes: {{
        "src": Source(path: "src", ignore: ["*.o"]),
        "tool": Source(path: "tool"),
        "base": Root(layers: [{layers}], links: {{"/cc": "tool"}}),
        "object": Run(
            root: "busybox/root",
            inputs: {{"/src": "src", "/base": "base"}},
            env: {{"CFLAGS": "{flags}"}},
            run: ["sh", "-euc", r#"{script}; echo $* >> /out/object"#, "sh", When("debug", ["-g"])],
            outputs: ["/out"],
        ),
        "program": Run(
            root: "busybox/root",
            inputs: {{"/in": "object:/out"}},
            run: ["sh", "-euc", "cat /in/object > /out/program; echo $* >> /out/program", "sh", Each("words")],
            outputs: ["/out"],
        ),
        {extra}
    }},
    targets: {{
        "program": Target(node: "program:/out"),
        "program-debug": Target(node: "program:/out", set: {{"debug": "true"}}),
    }},
)"##
        )
    }
}

fn world() -> World {
    let world = World::new(&[]);
    world.folder(
        "src",
        &[("main.c", "int main(void)\n{\n    return 0;\n}\n")],
    );
    world.folder("tool", &[("tool", "#!/bin/sh\n")]);
    world.recipe(&RECIPE.text());
    world
}

/// A world in which the program has been built.
fn built() -> World {
    let world = world();
    world.realize("program");
    world
}

impl World {
    fn why(&self, arguments: &[&str]) -> String {
        let said = self.well(&[&["why"], arguments].concat());
        assert_eq!(said.err, "");
        self.tidy(&said.out)
    }

    fn dry(&self, name: &str) -> String {
        self.tidy(&self.well(&["realize", "--dry-run", name]).out)
    }
}

#[test]
fn a_node_that_never_ran_is_new() {
    let world = world();
    insta::assert_snapshot!("never", world.why(&["t/object"]));
    insta::assert_snapshot!("never-dry", world.dry("program"));
}

#[test]
fn an_edited_file_is_told_by_its_lines_before_and_after_it_ran() {
    let world = built();
    world.folder(
        "src",
        &[
            ("main.c", "int main(void)\n{\n    return 1;\n}\n"),
            ("new.h", "x\n"),
            ("junk.o", ""),
        ],
    );
    insta::assert_snapshot!("edited", world.why(&["t/object"]));
    insta::assert_snapshot!("edited-follows", world.why(&["program"]));
    insta::assert_snapshot!("edited-dry", world.dry("program"));

    world.realize("program");
    insta::assert_snapshot!("edited-built", world.why(&["t/program"]));

    // The folder has changed again: what ran is explained by what it saw.
    let ran = world.why(&["t/program", "--of", "-1"]);
    world.folder("src", &[("main.c", "int main(void);\n")]);
    assert_eq!(world.why(&["t/program", "--of", "-1"]), ran);
    insta::assert_snapshot!("edited-past", ran);
    insta::assert_snapshot!(
        "edited-against",
        world.why(&["t/object", "--against", "-2"])
    );
    insta::assert_snapshot!("edited-list", world.why(&["t/object", "--list"]));
    let runs = world.well(&["why", "t/object", "--list"]).out;
    let key = runs
        .lines()
        .nth(1)
        .unwrap()
        .split_whitespace()
        .nth(1)
        .unwrap();
    assert_eq!(
        world.why(&["t/object", "--against", &key[..8]]),
        world.why(&["t/object", "--against", "-2"])
    );
    let unknown = world.fails(&["why", "t/object", "--against", "-7"]);
    insta::assert_snapshot!("no-such-run", unknown);
}

#[test]
fn a_recipes_change_is_told_in_the_recipes_words() {
    let world = built();
    world.recipe(
        &Recipe {
            flags: "-O3 -pipe",
            script: "cat /src/main.c > /out/object; true",
            ..RECIPE
        }
        .text(),
    );
    insta::assert_snapshot!("command", world.why(&["t/object"]));
}

#[test]
fn an_option_is_the_cause_and_variants_are_kept_apart() {
    let world = built();
    insta::assert_snapshot!("option", world.why(&["t/object", "--set", "debug=true"]));
    insta::assert_snapshot!("option-dry", world.dry("program-debug"));
    world.realize("program-debug");
    // The latest run is the other variant's; the cause is the file all the same.
    world.folder(
        "src",
        &[("main.c", "int main(void)\n{\n    return 2;\n}\n")],
    );
    insta::assert_snapshot!("variant", world.why(&["t/object"]));
    // It runs in any case, whatever becomes of its inputs.
    insta::assert_snapshot!(
        "option-anyway",
        world.why(&["program", "--set", "words=bye"])
    );
}

#[test]
fn a_root_differs_by_layers_links_and_files() {
    let world = built();
    world.folder("more", &[("bin/more", "")]);
    world.recipe(
        &Recipe {
            layers: r#""tool", "more""#,
            extra: r#""more": Source(path: "more"),"#,
            ..RECIPE
        }
        .text()
        .replace(r#""/cc": "tool""#, r#""/cc": "bin/more", "/ld": "tool""#),
    );
    insta::assert_snapshot!("layer", world.why(&["t/base"]));
    world.realize("program");
    insta::assert_snapshot!("layer-chain", world.why(&["t/object"]));
}

#[test]
fn a_download_differs_by_its_pin() {
    let world = World::new(&[]);
    let recipe = |file: &str| {
        let path = world.folder("files", &[(file, file)]).join(file);
        let sum = world
            .command("/usr/bin/sha256sum".as_ref())
            .arg(&path)
            .output()
            .unwrap()
            .stdout;
        let sum = String::from_utf8(sum).unwrap();
        let get = format!(
            r#""get": Fetch(from: [Url("file://{}")], sha256: "{}"),"#,
            path.display(),
            &sum[..64]
        );
        world.nodes(&[
            get,
            node("use", &[("/in", "get")], "echo /in/* > /out/names"),
        ]);
    };
    recipe("one");
    world.realize("t/use");
    recipe("two");
    insta::assert_snapshot!("pin", world.why(&["t/get"]));
    insta::assert_snapshot!("pin-dry", world.dry("t/use"));
    world.realize("t/get");
    insta::assert_snapshot!("pin-use", world.why(&["t/use"]));
}

#[test]
fn what_came_out_as_before_makes_nothing_run() {
    let world = built();
    world.recipe(
        &Recipe {
            flags: "-O3",
            ..RECIPE
        }
        .text(),
    );
    let said = world.well(&["realize", "program"]);
    assert_eq!(said.ran(), ["t/object"]);
    insta::assert_snapshot!("cutoff", world.why(&["program"]));
    insta::assert_snapshot!("up-to-date-first", built().why(&["t/object"]));
}

#[test]
fn a_failure_and_a_lost_result_run_again_for_no_other_reason() {
    let world = built();
    world.recipe(
        &Recipe {
            script: "exit 3",
            ..RECIPE
        }
        .text(),
    );
    world.fails(&["realize", "program"]);
    insta::assert_snapshot!("failed", world.why(&["t/object"]));
    insta::assert_snapshot!("failed-dry", world.dry("program"));

    let world = built();
    let index = world.path("store/index.sqlite");
    let gone = "DELETE FROM results WHERE key IN (SELECT key FROM runs WHERE node = 't/object')";
    rusqlite::Connection::open(index)
        .unwrap()
        .execute(gone, [])
        .unwrap();
    insta::assert_snapshot!("lost", world.why(&["t/object"]));
}

#[test]
fn a_node_that_is_not_reproducible_is_named() {
    let random = node("a", &[], "cat /proc/sys/kernel/random/uuid > /out/id");
    let world = World::new(&[random, node("b", &[("/in", "a:/out")], "cp /in/id /out")]);
    world.realize("t/b");
    let index = rusqlite::Connection::open(world.path("store/index.sqlite")).unwrap();
    let gone = "DELETE FROM results WHERE key IN (SELECT key FROM runs WHERE node = 't/a')";
    index.execute(gone, []).unwrap();
    world.realize("t/a");
    insta::assert_snapshot!("unstable", world.why(&["t/b"]));
}

#[test]
fn what_is_no_longer_stored_is_said_to_be_so() {
    let world = built();
    world.folder("src", &[("main.c", "")]);
    let index = rusqlite::Connection::open(world.path("store/index.sqlite")).unwrap();
    index
        .execute(
            "DELETE FROM messages WHERE digest IN (SELECT key FROM runs WHERE node = 't/object')",
            [],
        )
        .unwrap();
    insta::assert_snapshot!("forgotten", world.why(&["t/object"]));
    // A run that an older pwb recorded is compared all the same.
    let world = built();
    world.folder("src", &[("main.c", "")]);
    let index = rusqlite::Connection::open(world.path("store/index.sqlite")).unwrap();
    index
        .execute("UPDATE runs SET provenance = NULL", [])
        .unwrap();
    insta::assert_snapshot!("old-history", world.why(&["t/object"]));
}

#[test]
fn statistics_count_runs_hits_and_time() {
    let world = built();
    // A request that finds everything made counts nothing.
    world.realize("program");
    // Nor does a step that is remembered to be as it was; but of another request nothing is remembered.
    world.folder("src", &[("main.c", "")]);
    world.well(&["realize", "program", "t/base"]);
    let said = world.well(&["stats", "--json"]).out;
    let stats: serde_json::Value = serde_json::from_str(&said).unwrap();
    let nodes = stats["nodes"].as_array().unwrap();
    let of = |name: &str| {
        let node = nodes.iter().find(|node| node["node"] == name).unwrap();
        (
            node["runs"].as_u64().unwrap(),
            node["hits"].as_u64().unwrap(),
            node["saved"] == 0.0,
        )
    };
    assert_eq!(of("t/object"), (2, 0, true));
    assert_eq!(of("t/base"), (1, 1, false));
    assert_eq!(of("busybox/root"), (1, 2, false));
    let text = world.well(&["stats"]).out;
    assert!(text.starts_with("node "), "{text}");
    assert!(text.lines().last().unwrap().starts_with("all "), "{text}");
    fs::remove_dir_all(world.path("store")).unwrap();
    assert_eq!(world.well(&["stats"]).out.lines().count(), 2);
}
