//! Names that are not there, are there twice, or go round in a circle.

use insta::assert_snapshot;

use crate::{refused, refused_nodes, refused_recipe};

#[test]
fn unknown_node() {
    assert_snapshot!(refused_nodes(r#"        "a": Run(root: "zlib", inputs: {"/zlib": "zlibb"}, run: ["a"], outputs: ["/o"]),"#), @r#"
    error: unknown node `zlibb`
     --> ports.ron:6:50
      |
    6 |         "a": Run(root: "zlib", inputs: {"/zlib": "zlibb"}, run: ["a"], outputs: ["/o"]),
      |                                                  ^^^^^^^ no node of this name
      = help: did you mean `zlib`?
    "#);
}

#[test]
fn unknown_node_that_another_recipe_has() {
    let user = r#"Recipe(nodes: {"a": Root(layers: ["zlib", "portz/zlib", "ports/zlip:/x"])})"#;
    assert_snapshot!(refused(&[("ports.ron", r#"Recipe(nodes: {"zlib": Source(path: ".")})"#), ("user.ron", user)]), @r#"
    error: unknown node `zlib`
     --> user.ron:1:35
      |
    1 | Recipe(nodes: {"a": Root(layers: ["zlib", "portz/zlib", "ports/zlip:/x"])})
      |                                   ^^^^^^ no node of this name
      = help: did you mean `ports/zlib`?

    error: unknown recipe `portz`
     --> user.ron:1:43
      |
    1 | Recipe(nodes: {"a": Root(layers: ["zlib", "portz/zlib", "ports/zlip:/x"])})
      |                                           ^^^^^^^^^^^^ there is no `portz.ron`
      = help: did you mean `ports`?

    error: unknown node `ports/zlip`
     --> user.ron:1:57
      |
    1 | Recipe(nodes: {"a": Root(layers: ["zlib", "portz/zlib", "ports/zlip:/x"])})
      |                                                         ^^^^^^^^^^^^^^^ no node of this name
      = help: did you mean `ports/zlib`?
    "#);
}

#[test]
fn names_that_are_none() {
    let recipe = r#"Recipe(
    options: {"a=b": Flag()},
    nodes: {
        "a/b": Source(path: "."),
        "": Source(path: "."),
        "c": Root(layers: ["-x", "a//b", ""]),
    },
    targets: {"x y": Target(node: "c")},
)"#;
    assert_snapshot!(refused_recipe(recipe), @r#"
    error: `a=b` cannot be the name of an option
     --> ports.ron:2:15
      |
    2 |     options: {"a=b": Flag()},
      |               ^^^^^
      = help: a name is made of ASCII letters, digits, `.`, `_`, `+` and `-`, and begins with a letter, a digit or `_`

    error: `a/b` cannot be the name of a node
     --> ports.ron:4:9
      |
    4 |         "a/b": Source(path: "."),
      |         ^^^^^
      = help: a name is made of ASCII letters, digits, `.`, `_`, `+` and `-`, and begins with a letter, a digit or `_`

    error: `` cannot be the name of a node
     --> ports.ron:5:9
      |
    5 |         "": Source(path: "."),
      |         ^^
      = help: a name is made of ASCII letters, digits, `.`, `_`, `+` and `-`, and begins with a letter, a digit or `_`

    error: `-x` cannot be the name of a node
     --> ports.ron:6:28
      |
    6 |         "c": Root(layers: ["-x", "a//b", ""]),
      |                            ^^^^
      = help: a name is made of ASCII letters, digits, `.`, `_`, `+` and `-`, and begins with a letter, a digit or `_`

    error: `a//b` cannot be the name of a node
     --> ports.ron:6:34
      |
    6 |         "c": Root(layers: ["-x", "a//b", ""]),
      |                                  ^^^^^^
      = help: a name is made of ASCII letters, digits, `.`, `_`, `+` and `-`, and begins with a letter, a digit or `_`

    error: `` cannot be the name of a node
     --> ports.ron:6:42
      |
    6 |         "c": Root(layers: ["-x", "a//b", ""]),
      |                                          ^^
      = help: a name is made of ASCII letters, digits, `.`, `_`, `+` and `-`, and begins with a letter, a digit or `_`

    error: `x y` cannot be the name of a target
     --> ports.ron:8:15
      |
    8 |     targets: {"x y": Target(node: "c")},
      |               ^^^^^
      = help: a name is made of ASCII letters, digits, `.`, `_`, `+` and `-`, and begins with a letter, a digit or `_`
    "#);
    assert_snapshot!(refused(&[("my recipe.ron", "Recipe()")]), @"
    error: `my recipe` cannot be the name of a recipe
     --> my recipe.ron:1:1
      |
    1 | Recipe()
      | ^
      = help: a name is made of ASCII letters, digits, `.`, `_`, `+` and `-`, and begins with a letter, a digit or `_`
    ");
}

#[test]
fn duplicates() {
    let recipe = r#"Recipe(
    options: {"a": Flag(), "a": List()},
    nodes: {
        "zlib": Source(path: "zlib"),
        "a": Run(root: "zlib", inputs: {"/a": "zlib", "/a": "zlib"}, env: {"A": "", "A": ""}, run: ["a"], outputs: ["/o"]),
        "zlib": Source(path: "zlib2"),
    },
    targets: {"t": Target(node: "a"), "t": Target(node: "a")},
)"#;
    assert_snapshot!(refused_recipe(recipe), @r#"
    error: option `a` is there twice
     --> ports.ron:2:28
      |
    2 |     options: {"a": Flag(), "a": List()},
      |                            ^^^ the second time
     ::: ports.ron:2:15
      |
    2 |     options: {"a": Flag(), "a": List()},
      |               --- the first time

    error: mount point `/a` is there twice
     --> ports.ron:5:55
      |
    5 | ...un(root: "zlib", inputs: {"/a": "zlib", "/a": "zlib"}, env: {"A": "", "A": ""}, run: ["a"], outputs: ["/o"]),
      |                                            ^^^^ the second time
     ::: ports.ron:5:41
      |
    5 |         "a": Run(root: "zlib", inputs: {"/a": "zlib", "/a": "zlib"}, env: {"A": "", "A": ""}, run: ["a"], outputs: ["/o"...
      |                                         ---- the first time

    error: variable `A` is there twice
     --> ports.ron:5:85
      |
    5 | ...: "zlib", "/a": "zlib"}, env: {"A": "", "A": ""}, run: ["a"], outputs: ["/o"]),
      |                                            ^^^ the second time
     ::: ports.ron:5:76
      |
    5 | ...ts: {"/a": "zlib", "/a": "zlib"}, env: {"A": "", "A": ""}, run: ["a"], outputs: ["/o"]),
      |                                            --- the first time

    error: node `zlib` is there twice
     --> ports.ron:6:9
      |
    6 |         "zlib": Source(path: "zlib2"),
      |         ^^^^^^ the second time
     ::: ports.ron:4:9
      |
    4 |         "zlib": Source(path: "zlib"),
      |         ------ the first time

    error: target `t` is there twice
     --> ports.ron:8:39
      |
    8 |     targets: {"t": Target(node: "a"), "t": Target(node: "a")},
      |                                       ^^^ the second time
     ::: ports.ron:8:15
      |
    8 |     targets: {"t": Target(node: "a"), "t": Target(node: "a")},
      |               --- the first time
    "#);
}

#[test]
fn targets_are_one_space() {
    let text = r#"Recipe(nodes: {"n": Source(path: ".")}, targets: {"t": Target(node: "n")})"#;
    assert_snapshot!(refused(&[("a.ron", text), ("b.ron", text)]), @r#"
    error: target `t` is there twice
     --> b.ron:1:51
      |
    1 | Recipe(nodes: {"n": Source(path: ".")}, targets: {"t": Target(node: "n")})
      |                                                   ^^^ the second time
     ::: a.ron:1:51
      |
    1 | Recipe(nodes: {"n": Source(path: ".")}, targets: {"t": Target(node: "n")})
      |                                                   --- the first time
    "#);
}

#[test]
fn bad_targets() {
    let recipe = r#"Recipe(
    options: {"debug": Flag(), "opt": Choice(values: ["0", "3"], default: "3")},
    nodes: {
        "n": Source(path: "."),
        "o": Run(root: "n", run: ["a", When("debug", []), When("opt=0", [])], outputs: ["/build"]),
    },
    targets: {
        "t": Target(node: "m", set: {"debug": "yes", "opt": "2", "pot": "3", "debug": "true"}),
        "u": Target(node: "o:/bild", run: Exec(root: "x", mount: "/tmp/x", command: [])),
        "v": Target(node: "o:/build/bin", run: Exec(root: "n", mount: "/", command: [When("debug", ["a"])])),
        "w": Target(nod: "n"),
        "x": Target(node: "n", site: Site(index: "a/b.html")),
        "y": Target(node: "n", site: Site(index: "/b.html")),
        "z": Target(node: "n", site: "b.html"),
    },
)"#;
    assert_snapshot!(refused_recipe(recipe), @r#"
    error: unknown node `m`
     --> ports.ron:8:27
      |
    8 |         "t": Target(node: "m", set: {"debug": "yes", "opt": "2", "pot": "3", "debug": "true"}),
      |                           ^^^ no node of this name
      = help: there are `n` and `o`

    error: `yes` is not a value of the flag `debug`
     --> ports.ron:8:47
      |
    8 |         "t": Target(node: "m", set: {"debug": "yes", "opt": "2", "pot": "3", "debug": "true"}),
      |                                               ^^^^^ not a value of it
      = help: it may be `true` or `false`

    error: `2` is not a value of the choice `opt`
     --> ports.ron:8:61
      |
    8 |         "t": Target(node: "m", set: {"debug": "yes", "opt": "2", "pot": "3", "debug": "true"}),
      |                                                             ^^^ not a value of it
      = help: it may be `0` or `3`

    error: unknown option `pot`
     --> ports.ron:8:66
      |
    8 |         "t": Target(node: "m", set: {"debug": "yes", "opt": "2", "pot": "3", "debug": "true"}),
      |                                                                  ^^^^^ no option of this name
      = help: did you mean `opt`?

    error: setting of option `debug` is there twice
     --> ports.ron:8:78
      |
    8 |         "t": Target(node: "m", set: {"debug": "yes", "opt": "2", "pot": "3", "debug": "true"}),
      |                                                                              ^^^^^^^ the second time
     ::: ports.ron:8:38
      |
    8 |         "t": Target(node: "m", set: {"debug": "yes", "opt": "2", "pot": "3", "debug": "true"}),
      |                                      ------- the first time

    error: node `o` has no output `/bild`
     --> ports.ron:9:27
      |
    9 |         "u": Target(node: "o:/bild", run: Exec(root: "x", mount: "/tmp/x", command: [])),
      |                           ^^^^^^^^^ not an output, nor in one
     ::: ports.ron:5:9
      |
    5 |         "o": Run(root: "n", run: ["a", When("debug", []), When("opt=0", [])], outputs: ["/build"]),
      |         --- the node
      = help: its outputs: `/build`

    error: unknown node `x`
     --> ports.ron:9:54
      |
    9 |         "u": Target(node: "o:/bild", run: Exec(root: "x", mount: "/tmp/x", command: [])),
      |                                                      ^^^ no node of this name
      = help: there are `n` and `o`

    error: the mount point cannot be in `/tmp`
     --> ports.ron:9:66
      |
    9 |         "u": Target(node: "o:/bild", run: Exec(root: "x", mount: "/tmp/x", command: [])),
      |                                                                  ^^^^^^^^ every sandbox has its own

    error: the command is empty
     --> ports.ron:9:85
      |
    9 |         "u": Target(node: "o:/bild", run: Exec(root: "x", mount: "/tmp/x", command: [])),
      |                                                                                     ^^ a program is wanted here

    error: the mount point cannot be `/` itself
      --> ports.ron:10:71
       |
    10 |         "v": Target(node: "o:/build/bin", run: Exec(root: "n", mount: "/", command: [When("debug", ["a"])])),
       |                                                                       ^^^ a directory below it is wanted

    error: the command has no program
      --> ports.ron:10:86
       |
    10 |         "v": Target(node: "o:/build/bin", run: Exec(root: "n", mount: "/", command: [When("debug", ["a"])])),
       |                                                                                      ^^^^^^^^^^^^^^^^^^^^ the first item must be a text, the program's

    error: unknown field `nod` in `Target`
      --> ports.ron:11:21
       |
    11 |         "w": Target(nod: "n"),
       |                     ^^^ no field of this name
       = help: did you mean `node`?

    error: `a/b.html` cannot be the index of a site
      --> ports.ron:12:50
       |
    12 |         "x": Target(node: "n", site: Site(index: "a/b.html")),
       |                                                  ^^^^^^^^^^ a file at the top of the result is wanted
       = help: a name is made of ASCII letters, digits, `.`, `_`, `+` and `-`, and begins with a letter, a digit or `_`

    error: `/b.html` cannot be the index of a site
      --> ports.ron:13:50
       |
    13 |         "y": Target(node: "n", site: Site(index: "/b.html")),
       |                                                  ^^^^^^^^^ a file at the top of the result is wanted
       = help: a name is made of ASCII letters, digits, `.`, `_`, `+` and `-`, and begins with a letter, a digit or `_`

    error: `Site(…)` is wanted here
      --> ports.ron:14:38
       |
    14 |         "z": Target(node: "n", site: "b.html"),
       |                                      ^
    "#);
}

#[test]
fn cycles() {
    assert_snapshot!(refused_nodes(r#"        "a": Root(layers: ["a"]),"#), @r#"
    error: nodes need each other: ports/a -> ports/a
     --> ports.ron:6:28
      |
    6 |         "a": Root(layers: ["a"]),
      |                            ^^^ `ports/a` needs `ports/a`
    "#);
    let nodes = r#"
        "a": Root(layers: ["zlib", "b:/x"]),
        "b": Root(layers: [When("debug", ["c"])]),
        "c": Root(layers: ["a", "b"]),
        "d": Root(layers: ["c"]),
"#;
    assert_snapshot!(refused_nodes(nodes), @r#"
    error: nodes need each other: ports/a -> ports/b -> ports/c -> ports/a
     --> ports.ron:7:36
      |
    7 |         "a": Root(layers: ["zlib", "b:/x"]),
      |                                    ^^^^^^ `ports/a` needs `ports/b`
     ::: ports.ron:8:43
      |
    8 |         "b": Root(layers: [When("debug", ["c"])]),
      |                                           --- `ports/b` needs `ports/c`
     ::: ports.ron:9:28
      |
    9 |         "c": Root(layers: ["a", "b"]),
      |                            --- `ports/c` needs `ports/a`
    "#);
    let one = r#"Recipe(nodes: {"a": Root(layers: ["two/b"])})"#;
    let two = r#"Recipe(nodes: {"b": Root(layers: ["one/a"])})"#;
    assert_snapshot!(refused(&[("one.ron", one), ("two.ron", two)]), @r#"
    error: nodes need each other: one/a -> two/b -> one/a
     --> one.ron:1:35
      |
    1 | Recipe(nodes: {"a": Root(layers: ["two/b"])})
      |                                   ^^^^^^^ `one/a` needs `two/b`
     ::: two.ron:1:35
      |
    1 | Recipe(nodes: {"b": Root(layers: ["one/a"])})
      |                                   ------- `two/b` needs `one/a`
    "#);
}

#[test]
fn what_could_not_be_read_is_not_unknown() {
    let user =
        r#"Recipe(nodes: {"a": Root(layers: ["ports/zlib", "broken/x", When("broken/o", [])])})"#;
    let text = refused(&[
        ("broken.ron", "Recipe("),
        ("ports.ron", r#"Recipe(nodes: {"zlib": Source()})"#),
        ("user.ron", user),
    ]);
    assert_snapshot!(text, @r#"
    error: the file ends in the middle of a value
     --> broken.ron:1:8
      |
    1 | Recipe(
      |        ^
     ::: broken.ron:1:7
      |
    1 | Recipe(
      |       - `(` is never closed

    error: field `path` is missing in `Source`
     --> ports.ron:1:24
      |
    1 | Recipe(nodes: {"zlib": Source()})
      |                        ^^^^^^ `path: …` is wanted in here
    "#);
}
