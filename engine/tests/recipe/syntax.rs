//! Texts that are not RON, or not a recipe.

use insta::assert_snapshot;

use crate::{load, refused, refused_nodes, refused_recipe};

#[test]
fn empty_file() {
    assert_snapshot!(refused_recipe(""), @"
    error: the recipe is empty
     --> ports.ron:1:1
      |
    1 |
      | ^ `Recipe(…)` is wanted here
    ");
    assert_snapshot!(refused_recipe(" \n\n"), @"
    error: the recipe is empty
     --> ports.ron:1:1
      |
    1 |
      | ^ `Recipe(…)` is wanted here
    ");
}

#[test]
fn not_utf8() {
    let error = pwb_engine::recipe::Library::load([(
        "ports.ron".to_owned(),
        b"Recipe(\n  about: \"\xff\")".to_vec(),
    )]);
    assert_snapshot!(error.unwrap_err().render(false), @r#"
    error: `ports.ron` is not UTF-8
     --> ports.ron:2:11
      |
    2 |   about: "�")
      |           ^ the first bytes that are not
    "#);
}

#[test]
fn byte_order_mark_does_not_count() {
    assert!(load(&[("ports.ron", "\u{feff}Recipe()")]).is_ok());
    assert_snapshot!(refused_recipe("\u{feff}Recipe(abot: \"\")"), @r#"
    error: unknown field `abot` in `Recipe`
     --> ports.ron:1:8
      |
    1 | Recipe(abot: "")
      |        ^^^^ no field of this name
      = help: did you mean `about`?
    "#);
}

#[test]
fn carriage_returns() {
    assert_snapshot!(refused_recipe("Recipe(\r\n\tabot: \"x\",\r\n)\r\n"), @r#"
    error: unknown field `abot` in `Recipe`
     --> ports.ron:2:2
      |
    2 |     abot: "x",
      |     ^^^^ no field of this name
      = help: did you mean `about`?
    "#);
}

#[test]
fn wide_characters_and_tabs() {
    assert_snapshot!(refused_recipe("Recipe(about: \"日本語\te\u{301}\", abot: \"\")"), @r#"
    error: unknown field `abot` in `Recipe`
     --> ports.ron:1:25
      |
    1 | Recipe(about: "日本語    é", abot: "")
      |                              ^^^^ no field of this name
      = help: did you mean `about`?
    "#);
}

#[test]
fn control_characters_do_not_reach_the_terminal() {
    assert_snapshot!(refused_recipe("Recipe(about: \"\u{1b}[31m\", abot: \"\")"), @r#"
    error: unknown field `abot` in `Recipe`
     --> ports.ron:1:24
      |
    1 | Recipe(about: "�[31m", abot: "")
      |                        ^^^^ no field of this name
      = help: did you mean `about`?
    "#);
}

#[test]
fn long_line() {
    let comment = "x".repeat(300);
    assert_snapshot!(refused_recipe(&format!("Recipe(/*{comment}*/ abot: /*{comment}*/ \"\")")), @"
    error: unknown field `abot` in `Recipe`
     --> ports.ron:1:313
      |
    1 | ...xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx*/ abot: /*xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...
      |                                            ^^^^ no field of this name
      = help: did you mean `about`?
    ");
}

#[test]
fn color() {
    let error = load(&[("ports.ron", "Recipe(abot: \"\")")]).unwrap_err();
    assert_snapshot!(error.render(true).replace('\x1b', "ESC"), @r#"
    ESC[1;31merrorESC[0mESC[1m: unknown field `abot` in `Recipe`ESC[0m
     ESC[1;34m-->ESC[0m ports.ron:1:8
    ESC[1;34m  |ESC[0m
    ESC[1;34m1 |ESC[0m Recipe(abot: "")
    ESC[1;34m  |ESC[0m        ESC[1;31m^^^^ no field of this nameESC[0m
      ESC[1;34m= help:ESC[0m did you mean `about`?
    "#);
}

#[test]
fn unfinished() {
    assert_snapshot!(refused_recipe("Recipe(\n    nodes: {\n\n"), @"
    error: the file ends in the middle of a value
     --> ports.ron:2:13
      |
    2 |     nodes: {
      |             ^
     ::: ports.ron:2:12
      |
    2 |     nodes: {
      |            - `{` is never closed
    ");
    assert_snapshot!(refused_recipe("Recipe(about: \"x)\n"), @r#"
    error: the file ends in the middle of a text
     --> ports.ron:1:15
      |
    1 | Recipe(about: "x)
      |               ^ it begins here; if it should not, a quote is missing before
    "#);
    assert_snapshot!(refused_recipe("Recipe() /* x"), @"
    error: unclosed block comment
     --> ports.ron:1:14
      |
    1 | Recipe() /* x
      |              ^
    ");
}

#[test]
fn punctuation() {
    assert_snapshot!(refused_recipe(r#"Recipe(about: "x" nodes: {})"#), @r#"
    error: `,` is missing
     --> ports.ron:1:19
      |
    1 | Recipe(about: "x" nodes: {})
      |                   ^^^^^ before this
    "#);
    assert_snapshot!(refused_recipe(r#"Recipe(nodes: {"a" "b"})"#), @r#"
    error: `:` is missing
     --> ports.ron:1:20
      |
    1 | Recipe(nodes: {"a" "b"})
      |                    ^ before this
    "#);
    assert_snapshot!(refused_recipe(r#"Recipe(nodes: {"a": Fetch(from: ["x")})"#), @r#"
    error: `)` does not close `[`
     --> ports.ron:1:37
      |
    1 | Recipe(nodes: {"a": Fetch(from: ["x")})
      |                                     ^
     ::: ports.ron:1:33
      |
    1 | Recipe(nodes: {"a": Fetch(from: ["x")})
      |                                 - opened here
    "#);
    assert_snapshot!(refused_recipe(r#"Recipe(about: "\q")"#), @r#"
    error: the backslash escapes nothing
     --> ports.ron:1:16
      |
    1 | Recipe(about: "\q")
      |                ^^ no such escape
      = help: write `\\` for a backslash, or the text as it is: `r"…"`
    "#);
    assert_snapshot!(refused_recipe("Recipe() Recipe()"), @"
    error: the file goes on after its end
     --> ports.ron:1:10
      |
    1 | Recipe() Recipe()
      |          ^^^^^^ one value is all that is wanted
    ");
}

#[test]
fn another_thing_than_a_recipe() {
    assert_snapshot!(refused_recipe("Recpe()"), @"
    error: `Recipe(…)` is wanted here, not `Recpe`
     --> ports.ron:1:1
      |
    1 | Recpe()
      | ^^^^^
      = help: did you mean `Recipe`?
    ");
    assert_snapshot!(refused_recipe("Recipe"), @"
    error: `Recipe(…)` is wanted here
     --> ports.ron:1:7
      |
    1 | Recipe
      |       ^
    ");
    assert_snapshot!(refused_recipe("[]"), @"
    error: `Recipe(…)` is wanted here
     --> ports.ron:1:1
      |
    1 | []
      | ^
    ");
}

#[test]
fn unknown_fields() {
    assert_snapshot!(refused_recipe("Recipe(\n    tragets: {},\n)"), @"
    error: unknown field `tragets` in `Recipe`
     --> ports.ron:2:5
      |
    2 |     tragets: {},
      |     ^^^^^^^ no field of this name
      = help: did you mean `targets`?
    ");
    assert_snapshot!(refused_nodes(r#"        "a": Run(root: "zlib", run: ["a"], outputs: ["/o"], input: {}),"#), @r#"
    error: unknown field `input` in `Run`
     --> ports.ron:6:61
      |
    6 |         "a": Run(root: "zlib", run: ["a"], outputs: ["/o"], input: {}),
      |                                                             ^^^^^ no field of this name
      = help: did you mean `inputs`?
    "#);
    assert_snapshot!(refused_nodes(r#"        "a": Fetch(from: [], checksum: "", unpack: Tar(strp: 1)),"#), @r#"
    error: unknown field `checksum` in `Fetch`
     --> ports.ron:6:30
      |
    6 |         "a": Fetch(from: [], checksum: "", unpack: Tar(strp: 1)),
      |                              ^^^^^^^^ no field of this name
      = help: there are `from`, `sha256`, `blake3`, `unpack` and `updates`
    "#);
}

#[test]
fn missing_and_repeated_fields() {
    assert_snapshot!(refused_nodes("        // why\n        \"a\": Run(root: \"zlib\", run: [\"a\"]),"), @r#"
    error: field `outputs` is missing in `Run`
     --> ports.ron:7:14
      |
    7 |         "a": Run(root: "zlib", run: ["a"]),
      |              ^^^ `outputs: …` is wanted in here
    "#);
    assert_snapshot!(refused_recipe("Recipe(nodes: {}, nodes: {})"), @"
    error: field `nodes` is there twice in `Recipe`
     --> ports.ron:1:19
      |
    1 | Recipe(nodes: {}, nodes: {})
      |                   ^^^^^ the second time
    ");
}

#[test]
fn wrong_types() {
    assert_snapshot!(refused_recipe(r#"Recipe(about: 5, options: [], nodes: {5: "x"}, targets: {"t": 5})"#), @r#"
    error: a string is wanted here
     --> ports.ron:1:15
      |
    1 | Recipe(about: 5, options: [], nodes: {5: "x"}, targets: {"t": 5})
      |               ^ not a string

    error: a map `{…}` is wanted here
     --> ports.ron:1:27
      |
    1 | Recipe(about: 5, options: [], nodes: {5: "x"}, targets: {"t": 5})
      |                           ^^ not a map

    error: a string is wanted here
     --> ports.ron:1:39
      |
    1 | Recipe(about: 5, options: [], nodes: {5: "x"}, targets: {"t": 5})
      |                                       ^ not a string

    error: `Target(…)` is wanted here
     --> ports.ron:1:63
      |
    1 | Recipe(about: 5, options: [], nodes: {5: "x"}, targets: {"t": 5})
      |                                                               ^
    "#);
    assert_snapshot!(
        refused_nodes(r#"        "a": Run(root: ["zlib"], run: "make", outputs: {}, timeout: "1h", env: {"A": 5}),"#),
        @r#"
    error: a string is wanted here
     --> ports.ron:6:24
      |
    6 |         "a": Run(root: ["zlib"], run: "make", outputs: {}, timeout: "1h", env: {"A": 5}),
      |                        ^^^^^^^^ not a string

    error: a list `[…]` is wanted here
     --> ports.ron:6:39
      |
    6 |         "a": Run(root: ["zlib"], run: "make", outputs: {}, timeout: "1h", env: {"A": 5}),
      |                                       ^^^^^^ not a list

    error: a list `[…]` is wanted here
     --> ports.ron:6:56
      |
    6 |         "a": Run(root: ["zlib"], run: "make", outputs: {}, timeout: "1h", env: {"A": 5}),
      |                                                        ^^ not a list

    error: a whole number is wanted here
     --> ports.ron:6:69
      |
    6 |         "a": Run(root: ["zlib"], run: "make", outputs: {}, timeout: "1h", env: {"A": 5}),
      |                                                                     ^^^^ not a number

    error: a string is wanted here
     --> ports.ron:6:86
      |
    6 |         "a": Run(root: ["zlib"], run: "make", outputs: {}, timeout: "1h", env: {"A": 5}),
      |                                                                                      ^ not a string
    "#
    );
}

#[test]
fn unknown_kinds() {
    assert_snapshot!(
        refused_recipe(r#"Recipe(options: {"a": Flg(), "b": String()}, nodes: {"a": Fetc(), "b": "zlib"})"#),
        @r#"
    error: `Flg` is not an option
     --> ports.ron:1:23
      |
    1 | Recipe(options: {"a": Flg(), "b": String()}, nodes: {"a": Fetc(), "b": "zlib"})
      |                       ^^^ one of `Flag`, `Choice` or `List`
      = help: did you mean `Flag`?

    error: `String` is not an option
     --> ports.ron:1:35
      |
    1 | Recipe(options: {"a": Flg(), "b": String()}, nodes: {"a": Fetc(), "b": "zlib"})
      |                                   ^^^^^^ one of `Flag`, `Choice` or `List`

    error: `Fetc` is not a node
     --> ports.ron:1:59
      |
    1 | Recipe(options: {"a": Flg(), "b": String()}, nodes: {"a": Fetc(), "b": "zlib"})
      |                                                           ^^^^ one of `Fetch`, `Source`, `Root`, `Run` or `Check`
      = help: did you mean `Fetch`?

    error: a node is wanted here
     --> ports.ron:1:72
      |
    1 | Recipe(options: {"a": Flg(), "b": String()}, nodes: {"a": Fetc(), "b": "zlib"})
      |                                                                        ^^^^^^ one of `Fetch`, `Source`, `Root`, `Run` or `Check`
    "#
    );
    assert_snapshot!(
        refused_nodes(r#"        "a": Run(root: "zlib", run: ["a", Whenn("debug", ["b"]), 5, When("debug"), Each("args", "x")], outputs: ["/o"]),"#),
        @r#"
    error: `Whenn` is not an item
     --> ports.ron:6:43
      |
    6 |         "a": Run(root: "zlib", run: ["a", Whenn("debug", ["b"]), 5, When("debug"), Each("args", "x")], outputs: ["/o"]),
      |                                           ^^^^^ one of `"text"`, `When`, `Unless` or `Each`
      = help: did you mean `When`?

    error: an item is wanted here
     --> ports.ron:6:66
      |
    6 |         "a": Run(root: "zlib", run: ["a", Whenn("debug", ["b"]), 5, When("debug"), Each("args", "x")], outputs: ["/o"]),
      |                                                                  ^ one of `"text"`, `When`, `Unless` or `Each`

    error: `When(option, […])` is wanted here
     --> ports.ron:6:69
      |
    6 |         "a": Run(root: "zlib", run: ["a", Whenn("debug", ["b"]), 5, When("debug"), Each("args", "x")], outputs: ["/o"]),
      |                                                                     ^^^^

    error: `)` is missing
     --> ports.ron:6:97
      |
    6 |         "a": Run(root: "zlib", run: ["a", Whenn("debug", ["b"]), 5, When("debug"), Each("args", "x")], outputs: ["/o"]),
      |                                                                                                 ^ before this
    "#
    );
    assert_snapshot!(refused_nodes(r#"        "a": Root(layers: ["zlib", Each("args")], files: {"/a": "text"}),"#), @r#"
    error: `Each` is not a layer
     --> ports.ron:6:36
      |
    6 |         "a": Root(layers: ["zlib", Each("args")], files: {"/a": "text"}),
      |                                    ^^^^ one of `"node"`, `Only`, `Except`, `When` or `Unless`

    error: a file's content is wanted here
     --> ports.ron:6:65
      |
    6 |         "a": Root(layers: ["zlib", Each("args")], files: {"/a": "text"}),
      |                                                                 ^^^^^^ one of `Text` or `File`
    "#);
}

#[test]
fn strings_of_all_kinds_have_places() {
    let nodes = r##"
        "escaped": Run(root: "zl\u{69}b", run: ["a"], outputs: ["/a\n/../b"]),
        "raw": Run(root: r#"zlib"#, /* here */ run: [/* and */ r"a", ], outputs: [r#"o"#]),
"##;
    assert_snapshot!(refused_nodes(nodes), @r##"
    error: `/a\n/../b` is not an absolute path without `.`, `..` and empty parts
     --> ports.ron:7:65
      |
    7 |         "escaped": Run(root: "zl\u{69}b", run: ["a"], outputs: ["/a\n/../b"]),
      |                                                                 ^^^^^^^^^^^ it has a part `.` or `..`

    error: `o` is not an absolute path without `.`, `..` and empty parts
     --> ports.ron:8:83
      |
    8 |         "raw": Run(root: r#"zlib"#, /* here */ run: [/* and */ r"a", ], outputs: [r#"o"#]),
      |                                                                                   ^^^^^^ it does not begin with `/`
    "##);
}

#[test]
fn many_errors_are_cut_off() {
    let nodes: String = (0..30)
        .map(|i| format!("\"n{i}\": Source(path: \"\"),"))
        .collect();
    let text = refused(&[("ports.ron", &format!("Recipe(nodes: {{{nodes}}})"))]);
    let errors = text
        .lines()
        .filter(|line| line.starts_with("error"))
        .count();
    assert_eq!(errors, 21);
    assert!(
        text.ends_with("error: 10 more errors are not shown"),
        "{text}"
    );
}
