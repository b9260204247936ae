//! `pwb ls`, `cat`, `diff` and `history`: what they answer, and what they say where there is no answer.

#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "support/sample.rs"]
mod sample;
mod support;

use sample::{source, twice, world};
use serde_json::Value;

#[test]
fn ls_and_cat_look_into_results_of_now_and_then() {
    let world = world();
    insta::assert_snapshot!(world.refused(&["ls", "program"]), @"
    error: the result of `program` is not in the store
     hint: pwb realize program; or look at an earlier one: program@-1, as `pwb history program` lists them
    ");
    insta::assert_snapshot!(world.refused(&["ls", "program@-1"]), @"
    error: `t/program` has not run in this store
     hint: pwb realize program
    ");
    world.realize("program");
    insta::assert_snapshot!(world.told(&["ls", "program"]), @"
    bin/
    lib/
    module.wasm
    script
    ");
    insta::assert_snapshot!(world.told(&["ls", "-lR", "program"]), @"
    d      [HASH]  bin/
    l                        bin/link -> ../lib/text
    x  10  [HASH]  bin/tool
    d      [HASH]  lib/
    d      [HASH]  lib/more/
    -   4  [HASH]  lib/old
    -  34  [HASH]  lib/text
    -  38  [HASH]  module.wasm
    -  18  [HASH]  script
    ");
    insta::assert_snapshot!(world.told(&["ls", "-l", "t/program:/out/bin/"]), @"
    l                        link -> ../lib/text
    x  10  [HASH]  tool
    ");
    insta::assert_snapshot!(world.told(&["ls", "program:bin/tool"]), @"program:bin/tool");
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
    let result = world
        .well(&["realize", "program", "--out", "link"])
        .result();
    let hash = result.file_name().unwrap().to_str().unwrap();
    let listing = world.told(&["ls", "-lR", "program"]);
    for name in [hash, &hash[..8], result.to_str().unwrap(), "./link"] {
        assert_eq!(world.told(&["ls", "-lR", name]), listing, "{name}");
    }
    let json = world.json(&["ls", "program:bin", "--json"]);
    let tool = json[1]["digest"].as_str().unwrap();
    assert_eq!(world.told(&["cat", &tool[..16]]), "#!/bin/sh\n");
    assert_eq!(
        world.told(&["cat", &format!("{hash}:bin/tool")]),
        "#!/bin/sh\n"
    );
    insta::assert_snapshot!(world.refused(&["ls", &format!("{tool}:x")]), @"error: `[HASH]` is a file, and has no `x`");
    insta::assert_snapshot!(world.refused(&["ls", "./src"]), @"
    error: `./src` is no result in [WORLD]/store
     hint: name a target or node: `pwb list --nodes` lists them
    ");
    insta::assert_snapshot!(world.refused(&["ls", "0123456789"]), @"
    error: no target has the name `0123456789`, and nothing in the store begins so
     hint: `pwb list` lists the targets
    ");
}

#[test]
fn a_beginning_that_two_hashes_have_names_neither() {
    let world = world();
    // Found by trial: the hashes of these contents begin alike.
    world.folder("src", &[("one", "1643"), ("other", "4447")]);
    world.realize("t/src");
    insta::assert_snapshot!(world.refused(&["cat", "8babd1"]), @"
    error: several objects begin with `8babd1`
     hint: [HASH]  a file
           [HASH]  a file
    ");
    let json = world.json(&["ls", "t/src", "--json"]);
    let one = json
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["path"] == "one");
    let digest = one.unwrap()["digest"].as_str().unwrap();
    assert_eq!(world.told(&["cat", &digest[..12]]), "1643");
}

#[test]
fn ls_and_cat_say_where_a_path_ends() {
    let world = world();
    world.realize("program");
    insta::assert_snapshot!(world.refused(&["cat", "program:bin/tol"]), @"
    error: `program` has no `bin/tol`
     hint: pwb ls program:bin
    ");
    insta::assert_snapshot!(world.refused(&["cat", "program:bin/tool/x"]), @"
    error: `program` has no `bin/tool/x`: `program:bin/tool` is a file
     hint: pwb ls program:bin/tool
    ");
    insta::assert_snapshot!(world.refused(&["cat", "program:bin/link"]), @"
    error: `program:bin/link` is a link to `../lib/text`
     hint: name the path that it leads to
    ");
    insta::assert_snapshot!(world.refused(&["ls", "program:bin/link/x"]), @"
    error: `program` has no `bin/link/x`: `program:bin/link` is a link to `../lib/text`, and links are not followed
     hint: pwb ls program:bin/link
    ");
    insta::assert_snapshot!(world.refused(&["cat", "program:bin"]), @"
    error: `program:bin` is a folder
     hint: pwb ls program:bin
    ");
    insta::assert_snapshot!(world.refused(&["ls", "program:../x"]), @"error: `program:../x`: `..` cannot stand in a tree: `.` and `..` are not names");
    world.fails(&["realize", "t/broken"]);
    insta::assert_snapshot!(world.refused(&["ls", "t/broken@-1"]), @"
    error: that run of `t/broken` failed: it has no result
     hint: pwb log t/broken
    ");
    insta::assert_snapshot!(world.refused(&["ls", "program@-7"]), @"
    error: `t/program` has no run `-7`
     hint: pwb history t/program
    ");
}

#[test]
fn diff_tells_files_lines_and_sections() {
    let world = twice();
    insta::assert_snapshot!(world.differ(&["program@-2", "program@-1"]), @r"
    ~ bin/link (link: ../lib/text -> ../bin)
    ~ bin/tool (no longer executable)
    + lib/new/ (1 file, 6 bytes)
    - lib/old (4 bytes)
    ~ lib/text (34 bytes as before)
      @@ -1,5 +1,5 @@
       int main(void)
       {
      -    return 0;
      +    return 1;
       }
       
    ~ module.wasm (38 -> 46 bytes, +8)
      section code: 5 -> 13 bytes, +8
      function f: 3 -> 11 bytes, +8
    ~ script (18 -> 95 bytes, +77)
      @@ -1 +1 @@
      -echo old > lib/old
      \ No newline at end of file
      +mkdir lib/new; echo 12345 > lib/new/file; chmod -x bin/tool; rm bin/link; ln -s ../bin bin/link
      \ No newline at end of file
    1 added, 1 removed, 5 changed; 104 -> 191 bytes, +87
    ");
    insta::assert_snapshot!(world.differ(&["program@-2", "program", "--stat"]), @"
    ~ bin/link (link: ../lib/text -> ../bin)
    ~ bin/tool (no longer executable)
    + lib/new/ (1 file, 6 bytes)
    - lib/old (4 bytes)
    ~ lib/text (34 bytes as before)
    ~ module.wasm (38 -> 46 bytes, +8)
    ~ script (18 -> 95 bytes, +77)
    1 added, 1 removed, 5 changed; 104 -> 191 bytes, +87
    ");
    insta::assert_snapshot!(world.differ(&["program@-2:lib/text", "program:lib/text"]), @"
    ~ program:lib/text (34 bytes as before)
      @@ -1,5 +1,5 @@
       int main(void)
       {
      -    return 0;
      +    return 1;
       }
       
    1 changed; 34 bytes as before
    ");
    insta::assert_snapshot!(world.differ(&["program:lib", "program:bin", "--stat"]), @"
    + link
    - more/ (0 files, 0 bytes)
    - new/ (1 file, 6 bytes)
    - text (34 bytes)
    + tool (10 bytes)
    2 added, 3 removed; 40 -> 10 bytes, -30
    ");
    let said = world.say(&["diff", "program@-2", "program@-1", "--json"]);
    let json: Value = serde_json::from_str(&said.out).unwrap();
    let module = json
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["path"] == "module.wasm");
    insta::assert_snapshot!(module.unwrap()["module"], @r#"{"functions":[{"name":"f","new":11,"old":3}],"numbers":[],"sections":[{"name":"code","new":13,"old":5}]}"#);
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
    insta::assert_snapshot!(trouble.err, @"
    error: the result of `program-debug` is not in the store
     hint: pwb realize program-debug; or look at an earlier one: program-debug@-1, as `pwb history program-debug` lists them
    ");
}

#[test]
fn history_lists_the_runs_of_a_node_or_of_all() {
    let world = twice();
    world.fails(&["realize", "t/broken"]);
    insta::assert_snapshot!(world.told(&["history", "program"]), @"
    -1  [HASH]  built        [TIME] s  a moment ago
    -2  [HASH]  built        [TIME] s  a moment ago
    ");
    assert_eq!(
        world.told(&["why", "program", "--list"]),
        world.told(&["history", "t/program"])
    );
    insta::assert_snapshot!(world.told(&["history", "-n", "3"]), @"
    [HASH]  failed       [TIME] s  a moment ago    t/broken
    [HASH]  built        [TIME] s  a moment ago    t/program
    [HASH]  built        [TIME] s  a moment ago    t/object
    ");
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
    insta::assert_snapshot!(world.refused(&["history", "t/alone"]), @"
    error: `t/alone` has not run in this store
     hint: pwb realize t/alone
    ");
    insta::assert_snapshot!(world.refused(&["history", "progam"]), @"
    error: unknown target `progam`
     = help: did you mean `program`?
    ");
}
