//! Options that are not there, that are used as what they are not, or that nobody uses.

use insta::assert_snapshot;

use crate::{load, refused_nodes, refused_recipe};

#[test]
fn unknown_option() {
    assert_snapshot!(
        refused_nodes(r#"        "a": Run(root: "zlib", run: ["a", When("debgu", []), Each("toolchain/args")], outputs: ["/o"]),"#),
        @r#"
    error: unknown option `debgu`
     --> ports.ron:6:48
      |
    6 |         "a": Run(root: "zlib", run: ["a", When("debgu", []), Each("toolchain/args")], outputs: ["/o"]),
      |                                                ^^^^^^^ no option of this name
      = help: did you mean `debug`?

    error: unknown recipe `toolchain`
     --> ports.ron:6:67
      |
    6 |         "a": Run(root: "zlib", run: ["a", When("debgu", []), Each("toolchain/args")], outputs: ["/o"]),
      |                                                                   ^^^^^^^^^^^^^^^^ there is no `toolchain.ron`
      = help: there is only `ports`
    "#
    );
}

#[test]
fn options_of_the_wrong_kind() {
    assert_snapshot!(
        refused_nodes(r#"        "a": Run(root: "zlib", env: {"A": [Each("debug")]}, run: ["a", When("args", []), Unless("opt", [])], outputs: ["/o"]),"#),
        @r#"
    error: `Each` cannot be of the flag `debug`
     --> ports.ron:6:49
      |
    6 | ..."a": Run(root: "zlib", env: {"A": [Each("debug")]}, run: ["a", When("args", []), Unless("opt", [])], outputs: ["/o"])...
      |                                            ^^^^^^^ this is a flag
     ::: ports.ron:2:15
      |
    2 |     options: {"debug": Flag(), "opt": Choice(values: ["0", "3"], default: "3"), "args": List()},
      |               ------- declared here
      = help: write `When("debug", …)`

    error: a condition like this cannot be of the list `args`
     --> ports.ron:6:77
      |
    6 | ...{"A": [Each("debug")]}, run: ["a", When("args", []), Unless("opt", [])], outputs: ["/o"]),
      |                                            ^^^^^^ this is a list
     ::: ports.ron:2:81
      |
    2 |     options: {"debug": Flag(), "opt": Choice(values: ["0", "3"], default: "3"), "args": List()},
      |                                                                                 ------ declared here
      = help: `Each("args")` stands for the texts of a list

    error: a condition like this cannot be of the choice `opt`
     --> ports.ron:6:97
      |
    6 | ...]}, run: ["a", When("args", []), Unless("opt", [])], outputs: ["/o"]),
      |                                            ^^^^^ this is a choice
     ::: ports.ron:2:32
      |
    2 |     options: {"debug": Flag(), "opt": Choice(values: ["0", "3"], default: "3"), "args": List()},
      |                                ----- declared here
      = help: compare it: `When("opt=3", …)`
    "#
    );
    assert_snapshot!(refused_nodes(r#"        "a": Root(layers: [When("debug=true", []), When("opt=2", [])]),"#), @r#"
    error: a condition like this cannot be of the flag `debug`
     --> ports.ron:6:33
      |
    6 |         "a": Root(layers: [When("debug=true", []), When("opt=2", [])]),
      |                                 ^^^^^^^^^^^^ this is a flag
     ::: ports.ron:2:15
      |
    2 |     options: {"debug": Flag(), "opt": Choice(values: ["0", "3"], default: "3"), "args": List()},
      |               ------- declared here
      = help: write `When("debug", …)` or `Unless("debug", …)`

    error: `2` is not a value of the choice `opt`
     --> ports.ron:6:57
      |
    6 |         "a": Root(layers: [When("debug=true", []), When("opt=2", [])]),
      |                                                         ^^^^^^^ not a value of it
      = help: it may be `0` or `3`
    "#);
}

#[test]
fn bad_options() {
    assert_snapshot!(
        refused_recipe(r#"Recipe(options: {"a": Choice(values: ["x", "x"], default: "y"), "b": Choice(values: [], default: ""), "c": Flag(default: "no")})"#),
        @r#"
    error: value `x` is there twice
     --> ports.ron:1:44
      |
    1 | ...ipe(options: {"a": Choice(values: ["x", "x"], default: "y"), "b": Choice(values: [], default: ""), "c": Flag(default:...
      |                                            ^^^ the second time
     ::: ports.ron:1:39
      |
    1 | Recipe(options: {"a": Choice(values: ["x", "x"], default: "y"), "b": Choice(values: [], default: ""), "c": Flag(default:...
      |                                       --- the first time

    error: the default `y` is not one of the values
     --> ports.ron:1:59
      |
    1 | ...a": Choice(values: ["x", "x"], default: "y"), "b": Choice(values: [], default: ""), "c": Flag(default: "no")})
      |                                            ^^^
      = help: there are `x` and `x`

    error: a choice of nothing
     --> ports.ron:1:85
      |
    1 | ...x"], default: "y"), "b": Choice(values: [], default: ""), "c": Flag(default: "no")})
      |                                            ^^ at least one value is wanted here

    error: `true` or `false` is wanted here
     --> ports.ron:1:122
      |
    1 | ...s: [], default: ""), "c": Flag(default: "no")})
      |                                            ^^^^
    "#
    );
}

#[test]
fn unused_option_is_a_warning() {
    let recipe = r#"Recipe(options: {"debug": Flag(), "args": List()}, nodes: {"a": Root(layers: [Unless("debug", [])])})"#;
    let library = load(&[("ports.ron", recipe)]).unwrap();
    let warnings: Vec<_> = library
        .warnings()
        .iter()
        .map(|warning| warning.render(false))
        .collect();
    assert_snapshot!(warnings.join("\n\n"), @r#"
    warning: option `args` is never used
     --> ports.ron:1:35
      |
    1 | Recipe(options: {"debug": Flag(), "args": List()}, nodes: {"a": Root(layers: [Unless("debug", [])])})
      |                                   ^^^^^^ nothing depends on it
    "#);
}
