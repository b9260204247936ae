//! The graph as a recipe, and how pwb is run on it.

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::graph::{Graph, Node};

/// The recipe's text.
pub fn of(graph: &Graph) -> String {
    let (mut nodes, mut layers) = (String::new(), String::new());
    for (number, node) in graph.nodes.iter().enumerate() {
        let (inputs, run) = match node {
            Node::Leaf => (
                format!(r#""/in": "src:/{number}""#),
                format!("grep -v '#' /in/word > /out/{number}"),
            ),
            Node::Sum(parts) => {
                let parts = parts.clone();
                let inputs = parts.map(|part| format!(r#""/in/{part}": "n{part}:/out""#));
                (
                    inputs.collect::<Vec<_>>().join(", "),
                    format!("cat /in/*/* > /out/{number}"),
                )
            }
        };
        writeln!(
            nodes,
            r#""n{number}": Run(root: "busybox/root", inputs: {{{inputs}}}, run: ["sh", "-c", "{run}"], outputs: ["/out"]),"#
        )
        .unwrap();
        write!(layers, r#""n{number}:/out", "#).unwrap();
    }
    let src = r#""src": Source(path: "src")"#;
    format!(r#"Recipe(nodes: {{ {src}, {nodes} "all": Root(layers: [{layers}]) }})"#)
}

/// Writes a recipe `many`, beside that of a shell.
pub fn write(text: &str, folder: &Path) {
    let recipes = folder.join("recipes");
    fs::create_dir(&recipes).unwrap();
    for name in ["busybox.ron", "busybox.lock"] {
        fs::copy(Path::new("tests/recipes").join(name), recipes.join(name)).unwrap();
    }
    fs::write(recipes.join("many.ron"), text).unwrap();
}

/// Runs in a folder with its recipes and a store of its own.
pub fn in_folder<'a>(command: &'a mut Command, folder: &Path) -> &'a mut Command {
    command
        .current_dir(folder)
        .env("PWB_RECIPES", "recipes")
        .env("PWB_STORE", folder.join("store"))
}
