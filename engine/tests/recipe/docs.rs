//! The examples of `docs/recipes.md` are read as they stand there.

use pwb_engine::recipe::Library;

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
