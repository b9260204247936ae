//! pwb itself, with a store of its own.

use std::path::Path;
use std::process::Command;

use crate::cost::{Cost, cost};
use crate::graph::Graph;
use crate::{Peer, recipe};

pub struct Pwb;

/// One action that takes the folder.
const FOLDER: &str = r#"Recipe(nodes: {
    "src": Source(path: "src"),
    "all": Run(
        root: "busybox/root",
        inputs: {"/in": "src"},
        run: ["sh", "-c", "find /in -type f | wc -l > /out/count"],
        outputs: ["/out"],
    ),
})"#;

fn realize(name: &str, folder: &Path) -> Cost {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pwb"));
    cost(recipe::in_folder(&mut command, folder).args(["realize", name]))
}

/// The others have a shell too.
fn write(text: &str, folder: &Path) {
    recipe::write(text, folder);
    realize("busybox/root", folder);
}

impl Peer for Pwb {
    fn name(&self) -> &'static str {
        "pwb"
    }

    fn sandboxed(&self) -> bool {
        true
    }

    fn write(&mut self, graph: &Graph, folder: &Path) {
        write(&recipe::of(graph), folder);
    }

    fn write_folder(&mut self, folder: &Path) -> bool {
        write(FOLDER, folder);
        true
    }

    fn build(&self, folder: &Path) -> Cost {
        realize("many/all", folder)
    }

    fn lose(&self, folder: &Path) -> bool {
        let trees = folder.join("store/trees");
        std::fs::remove_dir_all(trees).is_ok()
    }
}
