//! `pwb check`, `pwb fmt`, `pwb schema`: recipes as a person edits them.

#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Stdio;

use serde_json::Value;
use support::{Said, World, read};

const RECIPE: &str = r#"Recipe(
    options: {"debug": Flag()},
    nodes: {
        "src": Source(path: "src"),
        "make": Run(root: "busybox/root", inputs: {"/src": "src"}, run: ["sh", When("debug", ["-x"])], outputs: ["/out"]),
    },
    targets: {"program": Target(node: "make:/out")},
)
"#;

/// A world with the recipe above, which is laid out as it should be.
fn world() -> World {
    let world = World::empty(&[]);
    world.recipe(RECIPE);
    world
}

#[test]
fn check_says_that_all_is_well() {
    let world = world();
    let said = world.well(&["check"]);
    insta::assert_snapshot!(said.out + &said.err, @"3 files: 0 errors, 0 warnings");
    // A recipe by itself, from where it is.
    let said = world.well(&["check", "recipes/t.ron"]);
    insta::assert_snapshot!(said.out + &said.err, @"1 file: 0 errors, 0 warnings");
}

#[test]
fn check_says_everything_that_is_wrong_at_once() {
    let world = world();
    let broken = RECIPE
        .replace("\"make:/out\"", "\"mke:/out\"")
        .replace("Flag()", "Flg()");
    world.recipe(&broken);
    fs::write(
        world.path("recipes/busybox.lock"),
        "Lock(suite: \"trixie\", architecture: 64, packages: [])",
    )
    .unwrap();
    let said = world.say(&["check"]);
    assert_eq!(said.code, Some(1));
    insta::assert_snapshot!(said.err + &said.out, @r#"
    error: `Flg` is not an option
     --> t.ron:2:24
      |
    2 |     options: {"debug": Flg()},
      |                        ^^^ one of `Flag`, `Choice` or `List`
      = help: did you mean `Flag`?

    error: unknown node `mke`
     --> t.ron:7:39
      |
    7 |     targets: {"program": Target(node: "mke:/out")},
      |                                       ^^^^^^^^^^ no node of this name
      = help: did you mean `make`?

    error: a string is wanted here
     --> busybox.lock:1:37
      |
    1 | Lock(suite: "trixie", architecture: 64, packages: [])
      |                                     ^^ not a string
      = help: `pwb lock busybox/package` writes it again

    3 files: 3 errors, 0 warnings
    "#);
    // Of one file, only what is wrong in it.
    let said = world.say(&["check", "recipes/t.ron", "recipes/busybox.lock"]);
    assert_eq!(said.code, Some(1));
    insta::assert_snapshot!(said.out, @"2 files: 3 errors, 0 warnings");
    assert!(
        said.err.contains("unknown node `mke`") && said.err.contains("busybox.lock"),
        "{}",
        said.err
    );
    let said = world.well(&["check", "recipes/busybox.ron"]);
    insta::assert_snapshot!(said.out + &said.err, @"1 file: 0 errors, 0 warnings");
}

#[test]
fn check_warns_of_what_nothing_needs() {
    let world = world();
    world.recipe(
        &RECIPE
            .replace("\"debug\": Flag()", "\"debug\": Flag(), \"idle\": Flag()")
            .replace(
                "\"src\": Source(path: \"src\"),",
                "\"src\": Source(path: \"src\"), \"alone\": Source(path: \"alone\"),",
            ),
    );
    fs::write(world.path("recipes/old.lock"), "Lock()").unwrap();
    let said = world.well(&["check"]);
    insta::assert_snapshot!(said.err + &said.out, @r#"
    warning: option `idle` is never used
     --> t.ron:2:32
      |
    2 |     options: {"debug": Flag(), "idle": Flag()},
      |                                ^^^^^^ nothing depends on it

    warning: no target needs the node `alone`
     --> t.ron:4:37
      |
    4 |         "src": Source(path: "src"), "alone": Source(path: "alone"),
      |                                     ^^^^^^^ only its own name makes it

    warning: no root has the lock file `old.lock`
     --> old.lock:1:1
      |
    1 | Lock()
      | ^

    4 files: 0 errors, 3 warnings
    "#);
}

#[test]
fn findings_as_json_have_their_places() {
    let world = world();
    world.recipe(
        &RECIPE
            .replace("\"make:/out\"", "\"mké:/out\"")
            .replace("\"src\": Source", "\"make\": Source"),
    );
    let said = world.say(&["check", "--json"]);
    assert_eq!((said.code, &*said.err), (Some(1), ""));
    let text = world.tidy(&said.out);
    let findings: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    insta::assert_snapshot!(serde_json::to_string_pretty(&findings).unwrap(), @r#"
    [
      {
        "code": "repeated",
        "help": [],
        "message": "node `make` is there twice",
        "place": {
          "end": {
            "byte": 104,
            "column": 15,
            "line": 5
          },
          "file": "[WORLD]/recipes/t.ron",
          "start": {
            "byte": 98,
            "column": 9,
            "line": 5
          },
          "text": "the second time"
        },
        "related": [
          {
            "end": {
              "byte": 67,
              "column": 15,
              "line": 4
            },
            "file": "[WORLD]/recipes/t.ron",
            "start": {
              "byte": 61,
              "column": 9,
              "line": 4
            },
            "text": "the first time"
          }
        ],
        "severity": "error"
      },
      {
        "code": "bad-name",
        "help": [
          "a name is made of ASCII letters, digits, `.`, `_`, `+` and `-`, and begins with a letter, a digit or `_`"
        ],
        "message": "`mké` cannot be the name of a node",
        "place": {
          "end": {
            "byte": 269,
            "column": 49,
            "line": 7
          },
          "file": "[WORLD]/recipes/t.ron",
          "start": {
            "byte": 258,
            "column": 39,
            "line": 7
          },
          "text": ""
        },
        "related": [],
        "severity": "error"
      }
    ]
    "#);
    // Bytes and columns mean the same place.
    let recipe = read(&world.path("recipes/t.ron"));
    for finding in &findings {
        let place = &finding["place"];
        let byte = usize::try_from(place["start"]["byte"].as_u64().unwrap()).unwrap();
        let line = recipe[..byte].matches('\n').count() + 1;
        assert_eq!(place["start"]["line"], line);
        let column = recipe[..byte].rsplit('\n').next().unwrap().chars().count() + 1;
        assert_eq!(place["start"]["column"], column);
    }
    // Other commands tell the same, on standard error.
    let said = world.say(&["realize", "program", "--message-format", "json"]);
    assert_eq!(
        (said.code, &*said.out, world.tidy(&said.err)),
        (Some(1), "", text)
    );
    // What is wrong elsewhere has no place.
    world.recipe(RECIPE);
    let said = world.say(&["realize", "progam", "--message-format", "json"]);
    insta::assert_snapshot!(said.err, @r#"{"code":"unknown-target","help":["did you mean `program`?"],"message":"unknown target `progam`","place":null,"related":[],"severity":"error"}"#);
    let said = world.say(&["cat", "program:x", "--message-format", "json"]);
    insta::assert_snapshot!(world.tidy(&said.err), @r#"{"code":null,"help":[],"message":"t/src: cannot import the folder [WORLD]/src: No such file or directory (os error 2)\n  hint: a path in a recipe is absolute, or relative to where pwb is run","place":null,"related":[],"severity":"error"}"#);
}

#[test]
fn check_looks_at_the_project_too() {
    let world = world();
    fs::write(world.path("pwb.ron"), r#"(set: {"t/debgu": "true"})"#).unwrap();
    insta::assert_snapshot!(world.tidy(&world.fails(&["check"])), @"
    error: [WORLD]/pwb.ron:1:8: unknown option `t/debgu`
     hint: did you mean `t/debug`?
    ");
    fs::write(
        world.path("pwb.ron"),
        r#"(set: {"t/debug": "true"}, recipes: "recipes")"#,
    )
    .unwrap();
    let said = world.well(&["check"]);
    assert_eq!(said.err, "");
    // Its recipes are read where the command line names none.
    fs::write(world.path("recipes/t.ron"), "Recipe(").unwrap();
    let mut pwb = world.pwb(&["check"]);
    let said = Said::from(pwb.env_remove("PWB_RECIPES").output().unwrap());
    assert!(
        said.code == Some(1) && said.err.contains(" --> t.ron:1:8"),
        "{said:?}"
    );
    let said = world.say(&["check", "nowhere.ron"]);
    insta::assert_snapshot!(said.err, @"error: nowhere.ron: No such file or directory (os error 2)");
}

#[test]
fn the_recipes_that_are_built_in_have_nothing_wrong() {
    let world = world();
    let mut pwb = world.pwb(&["check"]);
    let said = Said::from(pwb.env_remove("PWB_RECIPES").output().unwrap());
    assert!(
        said.err.is_empty() && said.out.ends_with(": 0 errors, 0 warnings\n"),
        "{said:?}"
    );
}

#[test]
fn fmt_lays_out_what_is_not() {
    let world = world();
    assert_eq!(world.well(&["fmt"]).out, "");
    let untidy = RECIPE.replace("    ", " ").replace(", ", " ,");
    world.recipe(&untidy);
    let said = world.say(&["fmt", "--check"]);
    assert_eq!(
        (said.code, world.tidy(&said.out), &*said.err),
        (Some(1), "[WORLD]/recipes/t.ron\n".to_owned(), "")
    );
    assert_eq!(read(&world.path("recipes/t.ron")), untidy);
    let said = world.well(&["fmt", "recipes/t.ron"]);
    assert_eq!(said.out, "recipes/t.ron\n");
    assert_eq!(read(&world.path("recipes/t.ron")), RECIPE);
    assert_eq!(world.well(&["fmt", "--check"]).out, "");
}

#[test]
fn fmt_leaves_what_is_no_ron() {
    let world = world();
    world.recipe("Recipe(nodes: {)\n");
    fs::write(world.path("recipes/u.ron"), "Recipe( )").unwrap();
    let said = world.say(&["fmt"]);
    assert_eq!(said.code, Some(1));
    insta::assert_snapshot!(world.tidy(&(said.out + &said.err)), @"
    [WORLD]/recipes/u.ron
    error: `)` does not close `{`
     --> [WORLD]/recipes/t.ron:1:16
      |
    1 | Recipe(nodes: {)
      |                ^
     ::: [WORLD]/recipes/t.ron:1:15
      |
    1 | Recipe(nodes: {)
      |               - opened here
    ");
    assert_eq!(read(&world.path("recipes/t.ron")), "Recipe(nodes: {)\n");
    assert_eq!(read(&world.path("recipes/u.ron")), "Recipe()\n");
    let mut pwb = world.pwb(&["fmt"]);
    let said = Said::from(pwb.env_remove("PWB_RECIPES").output().unwrap());
    insta::assert_snapshot!(said.err, @"
    error: the recipes are those built in: there is no file to lay out
     hint: name files or folders, or the folder of recipes: --recipes DIR
    ");
}

#[test]
fn fmt_is_a_filter_for_editors() {
    let world = world();
    let filter = |arguments: &[&str], text: &str| {
        let mut pwb = world.pwb(arguments);
        let mut child = pwb
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(text.as_bytes())
            .unwrap();
        Said::from(child.wait_with_output().unwrap())
    };
    let said = filter(&["fmt", "-"], "Recipe ( about : \"x\" , )");
    assert_eq!(
        (said.code, &*said.out, &*said.err),
        (Some(0), "Recipe(about: \"x\")\n", "")
    );
    let said = filter(&["fmt", "-", "--check"], "Recipe ( )");
    assert_eq!((said.code, &*said.out), (Some(1), ""));
    let said = filter(&["fmt", "-"], "Recipe(");
    assert_eq!((said.code, &*said.out), (Some(1), ""));
    assert!(said.err.contains(" --> -:1:8"), "{}", said.err);
}

/// Permissions stay, and so does a link.
#[test]
fn fmt_replaces_a_file_as_it_is() {
    use std::os::unix::fs::PermissionsExt;
    let world = world();
    let file = world.path("real.ron");
    fs::write(&file, "Recipe( )").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
    std::os::unix::fs::symlink(Path::new("../real.ron"), world.path("recipes/link.ron")).unwrap();
    world.well(&["fmt"]);
    assert_eq!(read(&file), "Recipe()\n");
    assert_eq!(
        fs::metadata(&file).unwrap().permissions().mode() & 0o777,
        0o640
    );
    assert!(
        fs::symlink_metadata(world.path("recipes/link.ron"))
            .unwrap()
            .is_symlink()
    );
}

#[test]
fn the_schema_is_one_of_json() {
    let world = world();
    let schema: Value = serde_json::from_str(&world.well(&["schema"]).out).unwrap();
    assert_eq!(schema["title"], "Recipe");
    assert_eq!(
        schema["$schema"],
        "https://json-schema.org/draft/2020-12/schema"
    );
    insta::assert_snapshot!(serde_json::to_string_pretty(&schema["$defs"]["Reference"]).unwrap(), @r#"
    {
      "anyOf": [
        {
          "additionalProperties": false,
          "description": "What some of the patterns match.",
          "properties": {
            "Only": {
              "maxItems": 2,
              "minItems": 2,
              "prefixItems": [
                {
                  "type": "string"
                },
                {
                  "items": {
                    "type": "string"
                  },
                  "type": "array"
                }
              ],
              "type": "array"
            }
          },
          "required": [
            "Only"
          ],
          "type": "object"
        },
        {
          "additionalProperties": false,
          "description": "What none of the patterns matches.",
          "properties": {
            "Except": {
              "maxItems": 2,
              "minItems": 2,
              "prefixItems": [
                {
                  "type": "string"
                },
                {
                  "items": {
                    "type": "string"
                  },
                  "type": "array"
                }
              ],
              "type": "array"
            }
          },
          "required": [
            "Except"
          ],
          "type": "object"
        },
        {
          "description": "`name`, `recipe/name`, `name:/path`",
          "type": "string"
        }
      ],
      "description": "A node's result, or a part of it."
    }
    "#);
    insta::assert_snapshot!(serde_json::to_string_pretty(&schema["$defs"]["Source"]).unwrap(), @r#"
    {
      "additionalProperties": false,
      "description": "A local folder.",
      "properties": {
        "ignore": {
          "description": "What to leave out: lines as of a [gitignore(5)](https://git-scm.com/docs/gitignore), from the folder's top.",
          "items": {
            "type": "string"
          },
          "type": "array"
        },
        "path": {
          "description": "The folder, absolute or relative to where `pwb` is run; with recipes that `pwb.ron` names, to the folder of that file.",
          "type": "string"
        }
      },
      "required": [
        "path"
      ],
      "type": "object"
    }
    "#);
    let schema: Value = serde_json::from_str(&world.well(&["schema", "lock"]).out).unwrap();
    assert_eq!(
        schema["required"],
        serde_json::json!(["suite", "architecture", "packages"])
    );
}
