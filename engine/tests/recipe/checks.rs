//! Checks, and what they expect.

use insta::assert_snapshot;

use crate::{refused_nodes, refused_recipe};

#[test]
fn expectations() {
    let nodes = r#"
        "root": Root(),
        "a": Check(root: "root", run: ["t"], expected: [
            Fails(why: "all"), Fails(tests: ["x"], why: ""), Fails(cases: ["[a"], why: "so"), "x", Fail(tests: []),
        ]),
        "b": Check(root: "root", run: [], outputs: ["/x"]),
"#;
    assert_snapshot!(refused_nodes(nodes), @r#"
    error: this expects everything to fail
     --> ports.ron:9:13
      |
    9 |             Fails(why: "all"), Fails(tests: ["x"], why: ""), Fails(cases: ["[a"], why: "so"), "x", Fail(tests: []),
      |             ^^^^^^^^^^^^^^^^^ `tests: […]` or `cases: […]` is wanted in here

    error: the reason is empty
     --> ports.ron:9:57
      |
    9 |             Fails(why: "all"), Fails(tests: ["x"], why: ""), Fails(cases: ["[a"], why: "so"), "x", Fail(tests: []),
      |                                                         ^^

    error: `[a` is not a pattern of names
     --> ports.ron:9:76
      |
    9 |             Fails(why: "all"), Fails(tests: ["x"], why: ""), Fails(cases: ["[a"], why: "so"), "x", Fail(tests: []),
      |                                                                            ^^^^ unclosed character class; missing ']'

    error: an expectation is wanted here
     --> ports.ron:9:95
      |
    9 |             Fails(why: "all"), Fails(tests: ["x"], why: ""), Fails(cases: ["[a"], why: "so"), "x", Fail(tests: []),
      |                                                                                               ^^^ one of `Fails`, `When` or `Unless`

    error: `Fail` is not an expectation
     --> ports.ron:9:100
      |
    9 |             Fails(why: "all"), Fails(tests: ["x"], why: ""), Fails(cases: ["[a"], why: "so"), "x", Fail(tests: []),
      |                                                                                                    ^^^^ one of `Fails`, `When` or `Unless`
      = help: did you mean `Fails`?

    error: unknown field `outputs` in `Check`
      --> ports.ron:11:43
       |
    11 |         "b": Check(root: "root", run: [], outputs: ["/x"]),
       |                                           ^^^^^^^ no field of this name
       = help: there are `root`, `inputs`, `cwd`, `env`, `run`, `timeout`, `tests` and `expected`
    "#);
}

#[test]
fn a_check_has_no_files_and_nothing_else_is_a_check() {
    let recipe = r#"Recipe(
    nodes: {
        "root": Root(layers: ["check"]),
        "check": Check(root: "toor", run: ["t"], tests: "check"),
    },
    targets: {"t": Target(node: "root", checks: ["check", "root", "chek", ""])},
)"#;
    assert_snapshot!(refused_recipe(recipe), @r#"
    error: `check` is a check: it has no files
     --> ports.ron:3:31
      |
    3 |         "root": Root(layers: ["check"]),
      |                               ^^^^^^^ a node with files is wanted here
     ::: ports.ron:4:9
      |
    4 |         "check": Check(root: "toor", run: ["t"], tests: "check"),
      |         ------- the check
      = help: a target names its checks in `checks: […]`

    error: unknown node `toor`
     --> ports.ron:4:30
      |
    4 |         "check": Check(root: "toor", run: ["t"], tests: "check"),
      |                              ^^^^^^ no node of this name
      = help: there are `check` and `root`

    error: `check` is a check: it has no files
     --> ports.ron:4:57
      |
    4 |         "check": Check(root: "toor", run: ["t"], tests: "check"),
      |                                                         ^^^^^^^ a node with files is wanted here
     ::: ports.ron:4:9
      |
    4 |         "check": Check(root: "toor", run: ["t"], tests: "check"),
      |         ------- the check
      = help: a target names its checks in `checks: […]`

    error: `root` is not a check
     --> ports.ron:6:59
      |
    6 |     targets: {"t": Target(node: "root", checks: ["check", "root", "chek", ""])},
      |                                                           ^^^^^^ `Check(…)` is wanted
     ::: ports.ron:3:9
      |
    3 |         "root": Root(layers: ["check"]),
      |         ------ the node

    error: unknown node `chek`
     --> ports.ron:6:67
      |
    6 |     targets: {"t": Target(node: "root", checks: ["check", "root", "chek", ""])},
      |                                                                   ^^^^^^ no node of this name
      = help: did you mean `check`?

    error: `` cannot be the name of a check
     --> ports.ron:6:75
      |
    6 |     targets: {"t": Target(node: "root", checks: ["check", "root", "chek", ""])},
      |                                                                           ^^
      = help: a name is made of ASCII letters, digits, `.`, `_`, `+` and `-`, and begins with a letter, a digit or `_`
    "#);
}
