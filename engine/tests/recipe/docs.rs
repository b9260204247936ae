//! The examples of `docs/recipes.md` are read as they stand there.

use pwb_engine::recipe::{Library, format, lock_schema, recipe_schema};
use serde_json::Value;

const DOCS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/recipes.md");

/// The fenced blocks that name a file: ```` ```ron name=ports.ron ````.
fn files(text: &str) -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let Some(name) = line.strip_prefix("```ron name=") else {
            continue;
        };
        let body: Vec<_> = lines.by_ref().take_while(|line| *line != "```").collect();
        files.push((name.to_owned(), body.join("\n").into_bytes()));
    }
    files
}

#[test]
fn examples_make_a_library() {
    let text = std::fs::read_to_string(DOCS).unwrap_or_else(|error| panic!("{DOCS}: {error}"));
    let mut files = files(&text);
    assert!(files.len() >= 5, "the examples are gone from {DOCS}");
    files.push(("patches/fix.patch".to_owned(), Vec::new()));
    let library = Library::load(files).unwrap_or_else(|errors| panic!("{errors}"));
    let warnings: Vec<_> = library.warnings().iter().map(ToString::to_string).collect();
    assert!(warnings.is_empty(), "{}", warnings.join("\n\n"));
    assert!(library.targets().count() > 0);
}

/// Every block of RON in the reference is one of the files, so that none goes untested.
#[test]
fn no_example_is_left_out() {
    let text = std::fs::read_to_string(DOCS).unwrap_or_else(|error| panic!("{DOCS}: {error}"));
    let all = text
        .lines()
        .filter(|line| line.starts_with("```ron"))
        .count();
    assert_eq!(all, files(&text).len());
}

/// Examples are laid out as `pwb fmt` would.
#[test]
fn examples_are_laid_out() {
    let text = std::fs::read_to_string(DOCS).unwrap_or_else(|error| panic!("{DOCS}: {error}"));
    for (name, bytes) in files(&text) {
        let laid = format(&name, &bytes).unwrap_or_else(|error| panic!("{error}"));
        let text = String::from_utf8(bytes).unwrap() + "\n";
        let differ = laid
            .lines()
            .zip(text.lines())
            .find(|(laid, text)| laid != text);
        assert!(
            laid == text || name.ends_with(".lock"),
            "{name}: {differ:?}"
        );
    }
}

/// The tables of fields between `<!-- fields of NAME -->` and `<!-- end -->` are the types' own words.
/// `PWB_BLESS=1` writes them anew.
#[test]
fn tables_are_those_of_the_types() {
    let text = std::fs::read_to_string(DOCS).unwrap_or_else(|error| panic!("{DOCS}: {error}"));
    let schemas = [recipe_schema(), lock_schema()].map(|schema| schema.to_value());
    let shape = |name: &str| {
        let of = |schema: &Value| {
            let shape = match schema["title"] == name {
                true => schema,
                false => schema["$defs"].get(name)?,
            };
            Some(shape.clone())
        };
        schemas
            .iter()
            .find_map(of)
            .unwrap_or_else(|| panic!("there is no type `{name}`"))
    };
    let mut made = String::new();
    let mut rest = text.as_str();
    let mut tables = 0;
    while let Some((before, after)) = rest.split_once("<!-- fields of ") {
        let (name, after) = after.split_once(" -->\n").unwrap();
        let (_, after) = after.split_once("<!-- end -->").unwrap();
        made += &format!(
            "{before}<!-- fields of {name} -->\n{}<!-- end -->",
            table(name, &shape(name))
        );
        rest = after;
        tables += 1;
    }
    made += rest;
    assert!(tables >= 13, "{tables} tables");
    if std::env::var_os("PWB_BLESS").is_some() {
        return std::fs::write(DOCS, &made).unwrap();
    }
    let stale = made
        .lines()
        .zip(text.lines())
        .find(|(made, text)| made != text);
    assert!(
        made == text,
        "docs/recipes.md is stale: PWB_BLESS=1 writes it anew: {stale:?}"
    );
}

/// Fields by name, those that must be there first.
fn table(name: &str, shape: &Value) -> String {
    let required: Vec<&str> = shape["required"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let mut rows: Vec<_> = shape["properties"].as_object().unwrap().iter().collect();
    rows.sort_by_key(|(name, _)| (!required.contains(&name.as_str()), (*name).clone()));
    let mut table = format!("\n| field of `{name}` | | |\n| --- | --- | --- |\n");
    for (name, field) in rows {
        let need = if required.contains(&name.as_str()) {
            "required"
        } else {
            "optional"
        };
        let about = field["description"]
            .as_str()
            .unwrap_or_else(|| panic!("{name}: {field}"));
        table += &format!(
            "| `{name}` | {need} | {} |\n",
            about.replace('|', "\\|").replace('\n', " ")
        );
    }
    table + "\n"
}

/// Nodes, options, items and all else that begins with a word of its own.
#[test]
fn every_word_of_the_language_is_in_the_schema() {
    let schema = recipe_schema().to_value().to_string();
    let everything = include_str!("everything.ron");
    let words = everything
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| word.starts_with(|c: char| c.is_ascii_uppercase()));
    let words = words.filter(|word| {
        everything.contains(&format!(" {word}(")) || everything.contains(&format!("[{word}("))
    });
    for word in words {
        assert!(schema.contains(&format!("\"{word}\"")), "{word}");
    }
}
