//! GNU make.

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread::available_parallelism;

use crate::Peer;
use crate::cost::{Cost, cost};
use crate::graph::Graph;

pub struct Make;

impl Peer for Make {
    fn name(&self) -> &'static str {
        "make"
    }

    fn sandboxed(&self) -> bool {
        false
    }

    fn write(&mut self, graph: &Graph, folder: &Path) {
        fs::create_dir(folder.join("out")).unwrap();
        let mut text = format!("all: out/{}\n", graph.nodes.len() - 1);
        for (number, command) in graph.commands().enumerate() {
            let inputs = graph.inputs(number).join(" ");
            let command = command.replace('#', "\\#");
            writeln!(text, "out/{number}: {inputs}\n\t@{command}").unwrap();
        }
        fs::write(folder.join("Makefile"), text).unwrap();
    }

    fn write_folder(&mut self, _: &Path) -> bool {
        false
    }

    fn build(&self, folder: &Path) -> Cost {
        let jobs = available_parallelism().map_or(1, usize::from);
        cost(
            Command::new("make")
                .arg(format!("-j{jobs}"))
                .current_dir(folder),
        )
    }

    fn lose(&self, _: &Path) -> bool {
        false
    }
}
