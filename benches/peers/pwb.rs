//! pwb itself, with a store of its own.

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::Peer;
use crate::cost::{Cost, cost};
use crate::graph::{Graph, Node};

pub struct Pwb;

impl Pwb {
    fn realize(&self, name: &str, folder: &Path) -> Cost {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pwb"));
        command.args(["realize", name]).current_dir(folder);
        command
            .env("PWB_RECIPES", "recipes")
            .env("PWB_STORE", folder.join("store"));
        cost(&mut command)
    }
}

impl Peer for Pwb {
    fn name(&self) -> &'static str {
        "pwb"
    }

    fn sandboxed(&self) -> bool {
        true
    }

    fn write(&mut self, graph: &Graph, folder: &Path) {
        let recipes = folder.join("recipes");
        fs::create_dir(&recipes).unwrap();
        for name in ["busybox.ron", "busybox.lock"] {
            fs::copy(Path::new("tests/recipes").join(name), recipes.join(name)).unwrap();
        }
        let (mut nodes, mut layers) = (String::new(), String::new());
        for (number, node) in graph.nodes.iter().enumerate() {
            let (inputs, run) = match node {
                Node::Leaf => (
                    format!(r#""/in": "src:/{number}""#),
                    format!("grep -v '#' /in/word > /out/{number}"),
                ),
                Node::Sum(parts) => {
                    let inputs = parts
                        .clone()
                        .map(|part| format!(r#""/in/{part}": "n{part}:/out""#));
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
        let src = r#""src": Source(path: "../src")"#;
        let text =
            format!(r#"Recipe(nodes: {{ {src}, {nodes} "all": Root(layers: [{layers}]) }})"#);
        fs::write(recipes.join("many.ron"), text).unwrap();
        // The others have a shell too.
        self.realize("busybox/root", folder);
    }

    fn build(&self, folder: &Path) -> Cost {
        self.realize("many/all", folder)
    }

    fn lose(&self, folder: &Path) -> bool {
        let trees = folder.join("store/trees");
        let status = Command::new("rm").arg("-rf").arg(trees).status();
        status.unwrap().success()
    }
}
