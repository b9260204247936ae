//! Nodes that cannot be right whatever else there is.

use insta::assert_snapshot;
use pwb_engine::recipe::NodeName;

use crate::{load, refused_nodes};

#[test]
fn digests() {
    let nodes = r#"
        "short": Fetch(from: [Url("https://example.org/a.tar")], sha256: "93e583"),
        "upper": Fetch(from: [Url("https://example.org/a.tar")], blake3: "93E583F243454E6E9E4588CA2C2662206AD961659863277AFCDB96801647D640"),
        "none": Fetch(from: [Url("https://example.org/a.tar")]),
        "both": Fetch(
            from: [Url("https://example.org/a.tar")],
            sha256: "93e583f243454e6e9e4588ca2c2662206ad961659863277afcdb96801647d640",
            blake3: "93e583f243454e6e9e4588ca2c2662206ad961659863277afcdb96801647d640",
        ),
"#;
    assert_snapshot!(refused_nodes(nodes), @r#"
    error: not a digest
     --> ports.ron:7:74
      |
    7 |         "short": Fetch(from: [Url("https://example.org/a.tar")], sha256: "93e583"),
      |                                                                          ^^^^^^^^ it has 6 characters, not 64

    error: not a digest
     --> ports.ron:8:74
      |
    8 | ...("https://example.org/a.tar")], blake3: "93E583F243454E6E9E4588CA2C2662206AD961659863277AFCDB9680164...),
      |                                            ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ `E` is no hexadecimal digit (write them in lower case)

    error: nothing says what the download must be
     --> ports.ron:9:17
      |
    9 |         "none": Fetch(from: [Url("https://example.org/a.tar")]),
      |                 ^^^^^ `sha256: "…"` or `blake3: "…"` is wanted in here
      = help: it is what upstream publishes, or what `sha256sum` says of the file

    error: two digests for one download
      --> ports.ron:13:21
       |
    13 |             blake3: "93e583f243454e6e9e4588ca2c2662206ad961659863277afcdb96801647d640",
       |                     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ one of them is enough
      ::: ports.ron:12:21
       |
    12 |             sha256: "93e583f243454e6e9e4588ca2c2662206ad961659863277afcdb96801647d640",
       |                     ------------------------------------------------------------------ the other
    "#);
}

#[test]
fn origins() {
    let nodes = r#"
        "nothing": Fetch(from: [], sha256: "93e583f243454e6e9e4588ca2c2662206ad961659863277afcdb96801647d640"),
        "places": Fetch(
            from: [Url("example.org"), Debian("../a"), Mirror("x"), "https://example.org/a"],
            sha256: "93e583f243454e6e9e4588ca2c2662206ad961659863277afcdb96801647d640",
            unpack: Rar,
        ),
        "registries": Fetch(
            from: [Npm("xterm-1.0.0.tgz"), Npm("../x"), Pypi("a-1.0.whl"), Pypi("a b")],
            sha256: "93e583f243454e6e9e4588ca2c2662206ad961659863277afcdb96801647d640",
            unpack: Tar(),
        ),
        "nameless": Fetch(
            from: [Url("https://example.org/?x=/y")],
            sha256: "93e583f243454e6e9e4588ca2c2662206ad961659863277afcdb96801647d640",
        ),
"#;
    assert_snapshot!(refused_nodes(nodes), @r#"
    error: nothing to fetch from
     --> ports.ron:7:32
      |
    7 |         "nothing": Fetch(from: [], sha256: "93e583f243454e6e9e4588ca2c2662206ad961659863277afcdb96801647d640"),
      |                                ^^ at least one place, as `Url(…)` or `Debian(…)`, is wanted here

    error: `example.org` is not a URL
     --> ports.ron:9:24
      |
    9 |             from: [Url("example.org"), Debian("../a"), Mirror("x"), "https://example.org/a"],
      |                        ^^^^^^^^^^^^^ `https://…`, `http://…` or `file:///…` is wanted

    error: `../a` is not a relative path without `.`, `..` and empty parts
     --> ports.ron:9:47
      |
    9 |             from: [Url("example.org"), Debian("../a"), Mirror("x"), "https://example.org/a"],
      |                                               ^^^^^^ it has a part `.` or `..`

    error: `Mirror` is not a place to fetch from
     --> ports.ron:9:56
      |
    9 |             from: [Url("example.org"), Debian("../a"), Mirror("x"), "https://example.org/a"],
      |                                                        ^^^^^^ one of `Url`, `Debian`, `Npm` or `Pypi`

    error: a place to fetch from is wanted here
     --> ports.ron:9:69
      |
    9 |             from: [Url("example.org"), Debian("../a"), Mirror("x"), "https://example.org/a"],
      |                                                                     ^^^^^^^^^^^^^^^^^^^^^^^ one of `Url`, `Debian`, `Npm` or `Pypi`

    error: `xterm-1.0.0.tgz` is not the path of an npm package
      --> ports.ron:14:24
       |
    14 |             from: [Npm("xterm-1.0.0.tgz"), Npm("../x"), Pypi("a-1.0.whl"), Pypi("a b")],
       |                        ^^^^^^^^^^^^^^^^^ `NAME/-/NAME-VERSION.tgz` is wanted, or `@SCOPE/NAME/-/NAME-VERSION.tgz`

    error: `../x` is not the path of an npm package
      --> ports.ron:14:48
       |
    14 |             from: [Npm("xterm-1.0.0.tgz"), Npm("../x"), Pypi("a-1.0.whl"), Pypi("a b")],
       |                                                ^^^^^^ it has a part `.` or `..`

    error: `a-1.0.whl` is not a file of a PyPI project
      --> ports.ron:14:62
       |
    14 |             from: [Npm("xterm-1.0.0.tgz"), Npm("../x"), Pypi("a-1.0.whl"), Pypi("a b")],
       |                                                              ^^^^^^^^^^^ `NAME-VERSION-PYTHON-ABI-PLATFORM.whl` is wanted, or `NAME-VERSION.tar.gz`

    error: `a b` is not a file of a PyPI project
      --> ports.ron:14:81
       |
    14 |             from: [Npm("xterm-1.0.0.tgz"), Npm("../x"), Pypi("a-1.0.whl"), Pypi("a b")],
       |                                                                                 ^^^^^ it has the character ` `

    error: the file has no name
      --> ports.ron:19:24
       |
    19 |             from: [Url("https://example.org/?x=/y")],
       |                        ^^^^^^^^^^^^^^^^^^^^^^^^^^^ its last part is the name
       = help: if it is an archive, say `unpack: Tar(strip: 1)`
    "#);
}

#[test]
fn sources() {
    assert_snapshot!(refused_nodes(r#"        "a": Source(path: "", ignore: ["", 5]),"#), @r#"
    error: the path is empty
     --> ports.ron:6:27
      |
    6 |         "a": Source(path: "", ignore: ["", 5]),
      |                           ^^

    error: the pattern is empty
     --> ports.ron:6:40
      |
    6 |         "a": Source(path: "", ignore: ["", 5]),
      |                                        ^^

    error: a string is wanted here
     --> ports.ron:6:44
      |
    6 |         "a": Source(path: "", ignore: ["", 5]),
      |                                            ^ not a string
    "#);
}

#[test]
fn commands() {
    let nodes = r#"
        "empty": Run(root: "zlib", run: [], outputs: ["/o"]),
        "blank": Run(root: "zlib", run: [""], outputs: ["/o"]),
        "maybe": Run(root: "zlib", run: [When("debug", ["a"])], outputs: ["/o"]),
        "nul": Run(root: "zlib", run: ["a", "b\u{0}c"], outputs: ["/o"]),
        "env": Run(root: "zlib", env: {"A=B": "", "": ""}, run: ["a"], outputs: ["/o"]),
        "time": Run(root: "zlib", run: ["a"], outputs: ["/o"], timeout: 0),
        "ever": Run(root: "zlib", run: ["a"], outputs: ["/o"], timeout: 99999999999),
        "nothing": Run(root: "zlib", run: ["a"], outputs: []),
"#;
    assert_snapshot!(refused_nodes(nodes), @r#"
    error: the command is empty
     --> ports.ron:7:41
      |
    7 |         "empty": Run(root: "zlib", run: [], outputs: ["/o"]),
      |                                         ^^ a program is wanted here

    error: the command has no program
     --> ports.ron:8:42
      |
    8 |         "blank": Run(root: "zlib", run: [""], outputs: ["/o"]),
      |                                          ^^ the first item must be a text, the program's

    error: the command has no program
     --> ports.ron:9:42
      |
    9 |         "maybe": Run(root: "zlib", run: [When("debug", ["a"])], outputs: ["/o"]),
      |                                          ^^^^^^^^^^^^^^^^^^^^ the first item must be a text, the program's

    error: a NUL character cannot be in here
      --> ports.ron:10:45
       |
    10 |         "nul": Run(root: "zlib", run: ["a", "b\u{0}c"], outputs: ["/o"]),
       |                                             ^^^^^^^^^

    error: `A=B` cannot be the name of a variable
      --> ports.ron:11:40
       |
    11 |         "env": Run(root: "zlib", env: {"A=B": "", "": ""}, run: ["a"], outputs: ["/o"]),
       |                                        ^^^^^

    error: `` cannot be the name of a variable
      --> ports.ron:11:51
       |
    11 |         "env": Run(root: "zlib", env: {"A=B": "", "": ""}, run: ["a"], outputs: ["/o"]),
       |                                                   ^^

    error: a timeout of 0 seconds
      --> ports.ron:12:73
       |
    12 |         "time": Run(root: "zlib", run: ["a"], outputs: ["/o"], timeout: 0),
       |                                                                         ^ leave it out for no limit

    error: the number is out of range
      --> ports.ron:13:73
       |
    13 |         "ever": Run(root: "zlib", run: ["a"], outputs: ["/o"], timeout: 99999999999),
       |                                                                         ^^^^^^^^^^^

    error: nothing comes of this
      --> ports.ron:14:59
       |
    14 |         "nothing": Run(root: "zlib", run: ["a"], outputs: []),
       |                                                           ^^ at least one directory is wanted here
    "#);
}

#[test]
fn paths() {
    let nodes = r#"
        "unclean": Run(root: "zlib:/a/../b", inputs: {"/a//b": "zlib"}, cwd: "/a/", run: ["a"], outputs: ["build", ""]),
        "whole": Run(root: "zlib:/", run: ["a"], outputs: ["/o"]),
        "reserved": Run(root: "zlib", inputs: {"/": "zlib", "/proc": "zlib"}, run: ["a"], outputs: ["/dev/shm/x"]),
"#;
    assert_snapshot!(refused_nodes(nodes), @r#"
    error: `/a/../b` is not an absolute path without `.`, `..` and empty parts
     --> ports.ron:7:30
      |
    7 |         "unclean": Run(root: "zlib:/a/../b", inputs: {"/a//b": "zlib"}, cwd: "/a/", run: ["a"], outputs: ["build", ""]),
      |                              ^^^^^^^^^^^^^^ it has a part `.` or `..`

    error: `/a//b` is not an absolute path without `.`, `..` and empty parts
     --> ports.ron:7:55
      |
    7 |         "unclean": Run(root: "zlib:/a/../b", inputs: {"/a//b": "zlib"}, cwd: "/a/", run: ["a"], outputs: ["build", ""]),
      |                                                       ^^^^^^^ it has an empty part

    error: `/a/` is not an absolute path without `.`, `..` and empty parts
     --> ports.ron:7:78
      |
    7 |         "unclean": Run(root: "zlib:/a/../b", inputs: {"/a//b": "zlib"}, cwd: "/a/", run: ["a"], outputs: ["build", ""]),
      |                                                                              ^^^^^ it has an empty part

    error: `build` is not an absolute path without `.`, `..` and empty parts
     --> ports.ron:7:107
      |
    7 |         "unclean": Run(root: "zlib:/a/../b", inputs: {"/a//b": "zlib"}, cwd: "/a/", run: ["a"], outputs: ["build", ""]),
      |                                                                                                           ^^^^^^^ it does not begin with `/`

    error: `` is not an absolute path without `.`, `..` and empty parts
     --> ports.ron:7:116
      |
    7 |         "unclean": Run(root: "zlib:/a/../b", inputs: {"/a//b": "zlib"}, cwd: "/a/", run: ["a"], outputs: ["build", ""]),
      |                                                                                                                    ^^ it does not begin with `/`

    error: `:/` selects everything
     --> ports.ron:8:28
      |
    8 |         "whole": Run(root: "zlib:/", run: ["a"], outputs: ["/o"]),
      |                            ^^^^^^^^
      = help: for the whole result write `zlib`

    error: an input cannot be `/` itself
     --> ports.ron:9:48
      |
    9 |         "reserved": Run(root: "zlib", inputs: {"/": "zlib", "/proc": "zlib"}, run: ["a"], outputs: ["/dev/shm/x"]),
      |                                                ^^^ a directory below it is wanted

    error: an input cannot be in `/proc`
     --> ports.ron:9:61
      |
    9 |         "reserved": Run(root: "zlib", inputs: {"/": "zlib", "/proc": "zlib"}, run: ["a"], outputs: ["/dev/shm/x"]),
      |                                                             ^^^^^^^ every sandbox has its own

    error: an output cannot be in `/dev`
     --> ports.ron:9:101
      |
    9 |         "reserved": Run(root: "zlib", inputs: {"/": "zlib", "/proc": "zlib"}, run: ["a"], outputs: ["/dev/shm/x"]),
      |                                                                                                     ^^^^^^^^^^^^ every sandbox has its own
    "#);
}

#[test]
fn outputs_that_collide() {
    assert_snapshot!(refused_nodes(r#"        "a": Run(root: "zlib", run: ["a"], outputs: ["/o", "/x/y", "/o", "/x"]),"#), @r#"
    error: outputs collide: `/o` is the same as `/o`
     --> ports.ron:6:68
      |
    6 |         "a": Run(root: "zlib", run: ["a"], outputs: ["/o", "/x/y", "/o", "/x"]),
      |                                                                    ^^^^ the same as the other
     ::: ports.ron:6:54
      |
    6 |         "a": Run(root: "zlib", run: ["a"], outputs: ["/o", "/x/y", "/o", "/x"]),
      |                                                      ---- the other

    error: outputs collide: `/x` is around `/x/y`
     --> ports.ron:6:74
      |
    6 |         "a": Run(root: "zlib", run: ["a"], outputs: ["/o", "/x/y", "/o", "/x"]),
      |                                                                          ^^^^ around the other
     ::: ports.ron:6:60
      |
    6 |         "a": Run(root: "zlib", run: ["a"], outputs: ["/o", "/x/y", "/o", "/x"]),
      |                                                            ------ the other
    "#);
}

#[test]
fn inputs_that_nest() {
    let nodes = r#"
        "a": Run(root: "zlib", inputs: {"/a": "zlib", "/a/b": "zlib"}, run: ["a"], outputs: ["/o"]),
        "b": Run(root: "zlib", inputs: {"/build/src": "zlib"}, run: ["a"], outputs: ["/build"]),
"#;
    assert_snapshot!(refused_nodes(nodes), @r#"
    error: inputs collide: `/a/b` is inside `/a`
     --> ports.ron:7:55
      |
    7 |         "a": Run(root: "zlib", inputs: {"/a": "zlib", "/a/b": "zlib"}, run: ["a"], outputs: ["/o"]),
      |                                                       ^^^^^^ inside the other
     ::: ports.ron:7:41
      |
    7 |         "a": Run(root: "zlib", inputs: {"/a": "zlib", "/a/b": "zlib"}, run: ["a"], outputs: ["/o"]),
      |                                         ---- the other

    error: input `/build/src` is inside output `/build`
     --> ports.ron:8:41
      |
    8 |         "b": Run(root: "zlib", inputs: {"/build/src": "zlib"}, run: ["a"], outputs: ["/build"]),
      |                                         ^^^^^^^^^^^^ mounted inside the output
     ::: ports.ron:8:86
      |
    8 |         "b": Run(root: "zlib", inputs: {"/build/src": "zlib"}, run: ["a"], outputs: ["/build"]),
      |                                                                                      -------- the output
      = help: an input may be at the output itself (which then starts with it), around it or beside it
    "#);
}

#[test]
fn an_output_may_be_at_an_input_or_in_one() {
    let text = r#"Recipe(nodes: {
        "zlib": Source(path: "."),
        "a": Run(root: "zlib", inputs: {"/build": "zlib", "/src": "zlib", "/srcs": "zlib"}, run: ["a"], outputs: ["/build", "/src/out"]),
        "b": Run(root: "a:/build", inputs: {"/x": "a:/src", "/y": "a:/src/out/deep"}, run: ["a"], outputs: ["/o"]),
    })"#;
    load(&[("ports.ron", text)]).unwrap();
}

#[test]
fn parts_that_no_output_has() {
    assert_snapshot!(refused_nodes(r#"        "a": Root(layers: ["all:/outt"]),"#), @r#"
    error: node `all` has no output `/outt`
     --> ports.ron:6:28
      |
    6 |         "a": Root(layers: ["all:/outt"]),
      |                            ^^^^^^^^^^^ not an output, nor in one
     ::: ports.ron:5:9
      |
    5 |         "all": Run(root: "zlib", run: ["a", When("debug", ["b"]), When("opt=0", ["c"]), Each("args")], outputs: ["/out"]...
      |         ----- the node
      = help: its outputs: `/out`
    "#);
}

#[test]
fn parts() {
    let nodes = r#"
        "a": Run(
            root: "zlib",
            inputs: {
                "/a": Only("zlib", ["a[", "/b", "c//d", "fine/**", "fine/**"]),
                "/b": Except("zlibb:/x", []),
                "/c": Olny("zlib", ["a"]),
                "/d": Only("zlib"),
                "/e": Only("zlib", "a"),
                "/f": Only(Only("zlib", ["a"]), ["b"]),
            },
            run: ["a"],
            outputs: ["/o"],
        ),
"#;
    assert_snapshot!(refused_nodes(nodes), @r#"
    error: `a[` is not a pattern of paths
      --> ports.ron:10:37
       |
    10 |                 "/a": Only("zlib", ["a[", "/b", "c//d", "fine/**", "fine/**"]),
       |                                     ^^^^ unclosed character class; missing ']'

    error: `/b` is not a pattern of paths
      --> ports.ron:10:43
       |
    10 |                 "/a": Only("zlib", ["a[", "/b", "c//d", "fine/**", "fine/**"]),
       |                                           ^^^^ it starts with `/`; paths are from the tree's top

    error: `c//d` is not a pattern of paths
      --> ports.ron:10:49
       |
    10 |                 "/a": Only("zlib", ["a[", "/b", "c//d", "fine/**", "fine/**"]),
       |                                                 ^^^^^^ it has a part that is empty, `.` or `..`

    error: unknown node `zlibb`
      --> ports.ron:11:30
       |
    11 |                 "/b": Except("zlibb:/x", []),
       |                              ^^^^^^^^^^ no node of this name
       = help: did you mean `zlib`?

    error: no patterns
      --> ports.ron:11:42
       |
    11 |                 "/b": Except("zlibb:/x", []),
       |                                          ^^ at least one is wanted here

    error: `Olny` is not a reference
      --> ports.ron:12:23
       |
    12 |                 "/c": Olny("zlib", ["a"]),
       |                       ^^^^ one of `"node"`, `Only` or `Except`
       = help: did you mean `Only`?

    error: `Only(node, […])` is wanted here
      --> ports.ron:13:23
       |
    13 |                 "/d": Only("zlib"),
       |                       ^^^^

    error: a list `[…]` is wanted here
      --> ports.ron:14:36
       |
    14 |                 "/e": Only("zlib", "a"),
       |                                    ^^^ not a list

    error: a string is wanted here
      --> ports.ron:15:28
       |
    15 |                 "/f": Only(Only("zlib", ["a"]), ["b"]),
       |                            ^^^^^^^^^^^^^^^^^^^ not a string
    "#);
}

/// Patterns in another order, or there twice, are the same part.
#[test]
fn equal_parts_are_one() {
    let of = |patterns: &str| {
        let text = format!(
            r#"Recipe(nodes: {{"a": Source(path: "a"), "r": Root(layers: [When("f", [Only("a:/x", {patterns})])])}}, options: {{"f": Flag()}})"#
        );
        let library = load(&[("ports.ron", &text)]).unwrap();
        let node = NodeName::parse("ports/r").unwrap();
        library.node(&node).unwrap().may_need()[0].1.value.clone()
    };
    assert_eq!(of(r#"["a", "b/**"]"#), of(r#"["b/**", "a", "a"]"#));
    assert_ne!(of(r#"["a"]"#), of(r#"["b"]"#));
    assert_eq!(
        of(r#"["a"]"#).to_string(),
        "ports/a:/x",
        "as `wins` names it"
    );
}
