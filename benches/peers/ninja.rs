//! Ninja, with `restat`, so that an output that stays the same ends it.

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::Peer;
use crate::cost::{Cost, cost};
use crate::graph::Graph;

pub struct Ninja;

impl Peer for Ninja {
    fn name(&self) -> &'static str {
        "ninja"
    }

    fn sandboxed(&self) -> bool {
        false
    }

    fn write(&mut self, graph: &Graph, folder: &Path) {
        // It looks at times: a file that would be the same again must not be written.
        let mut text = String::from(
            "rule r\n  command = if [ -e $out ]; then $run > $out.new; cmp -s $out.new $out && rm $out.new || mv $out.new $out; else $run > $out; fi\n  restat = 1\n",
        );
        for (number, command) in graph.commands().enumerate() {
            let inputs = graph.inputs(number).join(" ");
            let (run, _) = command.split_once(" > ").unwrap();
            writeln!(text, "build out/{number}: r {inputs}\n  run = {run}").unwrap();
        }
        fs::write(folder.join("build.ninja"), text).unwrap();
    }

    fn write_folder(&mut self, _: &Path) -> bool {
        false
    }

    fn build(&self, folder: &Path) -> Cost {
        cost(Command::new("ninja").current_dir(folder))
    }

    fn lose(&self, _: &Path) -> bool {
        false
    }
}
