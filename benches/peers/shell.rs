//! No tool at all: a loop of shells.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::Peer;
use crate::cost::{Cost, cost};
use crate::graph::Graph;

pub struct Shell;

impl Peer for Shell {
    fn name(&self) -> &'static str {
        "sh"
    }

    fn sandboxed(&self) -> bool {
        false
    }

    fn write(&mut self, graph: &Graph, folder: &Path) {
        fs::create_dir(folder.join("out")).unwrap();
        let quoted = |command: String| format!("sh -c \"{command}\"\n");
        let script: String = graph.commands().map(quoted).collect();
        fs::write(folder.join("all.sh"), script).unwrap();
    }

    fn write_folder(&mut self, _: &Path) -> bool {
        false
    }

    fn build(&self, folder: &Path) -> Cost {
        cost(
            Command::new("sh")
                .args(["-eu", "all.sh"])
                .current_dir(folder),
        )
    }

    fn lose(&self, _: &Path) -> bool {
        false
    }
}
