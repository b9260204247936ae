//! Recipes laid out: what changes and what never does.

use std::path::{Path, PathBuf};

use insta::assert_snapshot;
use proptest::prelude::*;
use pwb_engine::recipe::format;

fn laid(text: &str) -> String {
    format("ports.ron", text.as_bytes()).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn spaces_commas_and_indentation_are_not_the_authors() {
    let text = "// why\n#![enable(implicit_some)]\nRecipe(about:\"x\",\n\n\n  options : {\"a\":Flag() , \"b\" : List( )},\nnodes:{\n\n\"a\"\n:\nRun( root :\"b\",\n      run:[ \"a\",\"b\" , ] ,outputs:[\"/o\"\n]), // both\n  /* c */ \"b\": Root()\n   // the end\n}) // after\n";
    assert_snapshot!(laid(text), @r#"
    // why
    #![enable(implicit_some)]
    Recipe(
        about: "x",

        options: {"a": Flag(), "b": List()},
        nodes: {
            "a": Run(
                root: "b",
                run: ["a", "b"],
                outputs: ["/o"],
            ), // both
            /* c */
            "b": Root(),
            // the end
        },
    ) // after
    "#);
}

#[test]
fn long_lines_are_broken_and_short_ones_left() {
    let long = "a word that is long enough to fill most of a line by itself, if it is said twice";
    let text = format!(
        r#"Recipe(nodes: {{"a": Run(root: "b", run: ["sh", When("debug", ["{long}", "{long}"]), "x"], outputs: ["/o"]),
        "b": Root(layers: ["{long}", "x", "y", "{long}"], drop: ["{long}{long}"]), "c": Run(root: "b", run: ["sh", "-c", r"
 as it is
    written {long} {long}
", When("debug", [
   "x"])], outputs: ["/o"])}})"#
    );
    assert_snapshot!(laid(&text), @r#"
    Recipe(nodes: {
        "a": Run(
            root: "b",
            run: [
                "sh",
                When("debug", [
                    "a word that is long enough to fill most of a line by itself, if it is said twice",
                    "a word that is long enough to fill most of a line by itself, if it is said twice",
                ]),
                "x",
            ],
            outputs: ["/o"],
        ),
        "b": Root(
            layers: [
                "a word that is long enough to fill most of a line by itself, if it is said twice", "x", "y",
                "a word that is long enough to fill most of a line by itself, if it is said twice",
            ],
            drop: ["a word that is long enough to fill most of a line by itself, if it is said twicea word that is long enough to fill most of a line by itself, if it is said twice"],
        ),
        "c": Run(
            root: "b",
            run: [
                "sh",
                "-c",
                r"
     as it is
        written a word that is long enough to fill most of a line by itself, if it is said twice a word that is long enough to fill most of a line by itself, if it is said twice
    ",
                When("debug", [
                    "x",
                ]),
            ],
            outputs: ["/o"],
        ),
    })
    "#);
}

#[test]
fn comments_stay_where_they_are() {
    let text = "Recipe( // opens\n  nodes: { // more\n \"a\": // key\n Root(layers: [\"b\" /* in */, /* before */ \"c\", // last\n ], // list\n drop: [\"/x\" // why\n , \"/y\"]),\n \"b\" /* name */: Root(/* nothing */), \"c\" // d\n : Root() /* one */ // two\n }\n)\n/* a\n   block */\n";
    assert_snapshot!(laid(text), @r#"
    Recipe(
        // opens
        nodes: {
            // more
            "a": // key
                Root(
                    layers: [
                        "b", /* in */ /* before */ "c", // last
                    ], // list
                    drop: [
                        "/x", // why
                        "/y",
                    ],
                ),
            "b" /* name */: Root(/* nothing */),
            "c" // d
                : Root(), /* one */ // two
        },
    )
    /* a
       block */
    "#);
}

#[test]
fn what_is_no_ron_is_refused_in_its_place() {
    assert_snapshot!(format("ports.ron", b"Recipe(\n    nodes: {\"a\": Root(]},\n)").unwrap_err(), @r#"
    error: `]` does not close `(`
     --> ports.ron:2:23
      |
    2 |     nodes: {"a": Root(]},
      |                       ^
     ::: ports.ron:2:22
      |
    2 |     nodes: {"a": Root(]},
      |                      - opened here
    "#);
    assert_snapshot!(format("ports.ron", b"Recipe() /* never ends").unwrap_err(), @"
    error: unclosed block comment
     --> ports.ron:1:23
      |
    1 | Recipe() /* never ends
      |                       ^
    ");
    assert_snapshot!(format("ports.ron", b"Recipe(about: \"\xff\")").unwrap_err(), @r#"
    error: `ports.ron` is not UTF-8
     --> ports.ron:1:16
      |
    1 | Recipe(about: "�")
      |                ^ the first bytes that are not
    "#);
}

/// The house's own recipes are laid out already. `PWB_BLESS=1` lays them out.
#[test]
fn the_recipes_of_this_repository_are_laid_out() {
    let mut seen = 0;
    for folder in [
        "recipes",
        "tests/recipes",
        "benches/recipes",
        "templates/hello",
        "templates/c",
    ] {
        let folder = format!("{}/../{folder}", env!("CARGO_MANIFEST_DIR"));
        for path in ron_files(folder.as_ref()) {
            let text = std::fs::read_to_string(&path).unwrap();
            let laid = laid(&text);
            if std::env::var_os("PWB_BLESS").is_some() {
                std::fs::write(&path, &laid).unwrap();
            }
            let differ = laid
                .lines()
                .zip(text.lines())
                .find(|(laid, text)| laid != text);
            assert!(laid == text, "{}: {differ:?}", path.display());
            seen += 1;
        }
    }
    assert!(seen > 8, "{seen} recipes");
}

fn ron_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(ron_files(&path));
        } else if path.extension().is_some_and(|end| end == "ron") {
            files.push(path);
        }
    }
    files
}

/// What can stand between two tokens; a line comment needs its line's end.
fn gap() -> impl Strategy<Value = &'static str> {
    proptest::sample::select(vec![
        "",
        "",
        "",
        " ",
        " ",
        "\n",
        "\n\n\n",
        "\t",
        "\r\n",
        " // c\n",
        "\n// d\n",
        "/* b */",
        " /* e\n f */ ",
    ])
}

/// Tokens of a value, with the places between them.
fn value() -> impl Strategy<Value = Vec<String>> {
    let text = proptest::sample::select(vec![
        "\"a\"",
        "\"a longer text, of some words\"",
        "\"\\\"\"",
        "r#\"a\n  \"b\n\"#",
        "r\"//\"",
        "1",
        "-2.5",
        "true",
        "'x'",
        "'\\''",
        "\"日本\"",
        "Unit",
        "b\"x\"",
    ]);
    let leaf = text.prop_map(|text| vec![text.to_owned()]);
    leaf.prop_recursive(5, 64, 6, |inner| {
        let many = proptest::collection::vec(inner, 0..6);
        (many, 0..4_usize, any::<bool>()).prop_map(|(items, kind, comma)| {
            // To ron::Value `( )` is a list and `()` is not.
            let kind = if items.is_empty() { 0 } else { kind };
            let (open, close) = [("[", "]"), ("(", ")"), ("(", ")"), ("{", "}")][kind];
            let mut tokens = Vec::new();
            if kind == 1 {
                tokens.push("Name".to_owned());
            }
            tokens.push(open.to_owned());
            let count = items.len();
            for (index, item) in items.into_iter().enumerate() {
                match kind {
                    1 => tokens.extend([format!("field{index}"), ":".to_owned()]),
                    3 => tokens.extend([format!("\"key {index}\""), ":".to_owned()]),
                    _ => {}
                }
                tokens.extend(item);
                if comma || index + 1 < count {
                    tokens.push(",".to_owned());
                }
            }
            tokens.push(close.to_owned());
            tokens
        })
    })
}

fn written() -> impl Strategy<Value = String> {
    value().prop_flat_map(|tokens| {
        let gaps = proptest::collection::vec(gap(), tokens.len() + 1);
        gaps.prop_map(move |gaps| {
            let mut text = gaps[0].to_owned();
            for (token, gap) in tokens.iter().zip(&gaps[1..]) {
                text += token;
                text += gap;
            }
            text
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn twice_is_once_and_nothing_else_is_said(text in written()) {
        let before: ron::Value = ron::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
        let once = laid(&text);
        prop_assert_eq!(&ron::from_str::<ron::Value>(&once).unwrap(), &before, "{}\n{}", text, once);
        prop_assert_eq!(&laid(&once), &once, "{}", text);
        for line in once.lines() {
            prop_assert!(!line.ends_with(' ') || line.contains('"') || line.contains("/*"), "{:?}", line);
        }
    }

    #[test]
    fn anything_is_laid_out_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(once) = format("x.ron", &bytes) {
            prop_assert_eq!(laid(&once), once);
        }
    }
}
