//! The recipe language from text to checked library, and what a person reads where it is wrong.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, missing_docs)]

mod broken;
mod checks;
mod docs;
mod format;
mod library;
mod mutation;
mod names;
mod nodes;
mod options;
mod roots;
mod size;
mod syntax;
mod values;

use pwb_engine::recipe::{Diagnostics, Library};

/// Loads files given as paths and texts.
fn load(files: &[(&str, &str)]) -> Result<Library, Diagnostics> {
    Library::load(
        files
            .iter()
            .map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec())),
    )
}

/// What a person reads of files that are refused.
fn refused(files: &[(&str, &str)]) -> String {
    match load(files) {
        Ok(_) => panic!("these files were not refused: {files:?}"),
        Err(errors) => errors.render(false),
    }
}

/// As [`refused`], for one recipe, `ports.ron`.
fn refused_recipe(text: &str) -> String {
    refused(&[("ports.ron", text)])
}

/// As [`refused`], for these nodes of one recipe that has a node `zlib` and options `debug`, `opt` and `args`, all used.
fn refused_nodes(nodes: &str) -> String {
    refused_recipe(&format!("{PREAMBLE}{nodes}\n    }},\n)\n"))
}

const PREAMBLE: &str = r#"Recipe(
    options: {"debug": Flag(), "opt": Choice(values: ["0", "3"], default: "3"), "args": List()},
    nodes: {
        "zlib": Source(path: "zlib"),
        "all": Run(root: "zlib", run: ["a", When("debug", ["b"]), When("opt=0", ["c"]), Each("args")], outputs: ["/out"]),
"#;
