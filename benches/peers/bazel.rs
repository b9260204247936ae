//! Bazel with its sandbox for Linux, a disk cache, and a server that runs already.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Peer;
use crate::cost::{Cost, cost, of_process};
use crate::graph::Graph;

pub struct Bazel {
    program: PathBuf,
    /// Where servers run.
    folders: Vec<PathBuf>,
}

impl Bazel {
    /// The one that `.ci/peers` has installed.
    pub fn found() -> Option<Bazel> {
        let folder = std::env::var_os("PWB_PEERS").map_or("target/peers".into(), PathBuf::from);
        let program = folder.join("bin/bazel").canonicalize().ok()?;
        Some(Bazel {
            program,
            folders: Vec::new(),
        })
    }

    fn command(&self, folder: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.current_dir(folder).arg("--nohome_rc").arg(format!(
            "--output_user_root={}",
            folder.join("bazel").display()
        ));
        command.args(arguments);
        command
    }

    fn workspace(&mut self, text: &str, folder: &Path) {
        fs::write(folder.join("WORKSPACE"), "").unwrap();
        fs::write(folder.join(".bazelignore"), "bazel\ncache\n").unwrap();
        fs::write(folder.join("BUILD"), text).unwrap();
        self.server(folder);
        self.folders.push(folder.to_owned());
    }

    fn server(&self, folder: &Path) -> u32 {
        let output = self
            .command(folder, &["info", "server_pid", "--noenable_bzlmod"])
            .output()
            .unwrap();
        String::from_utf8_lossy(&output.stdout)
            .trim()
            .parse()
            .unwrap()
    }
}

impl Peer for Bazel {
    fn name(&self) -> &'static str {
        "bazel"
    }

    fn sandboxed(&self) -> bool {
        true
    }

    fn write(&mut self, graph: &Graph, folder: &Path) {
        let mut text = String::new();
        for (number, command) in graph.commands().enumerate() {
            let inputs: Vec<String> = graph
                .inputs(number)
                .iter()
                .map(|input| format!("\"{input}\""))
                .collect();
            let command = command
                .split(" > ")
                .next()
                .unwrap()
                .replace(&format!("src/{number}/word"), "$(SRCS)");
            let command = if command.starts_with("cat") {
                "cat $(SRCS)".to_owned()
            } else {
                command
            };
            let inputs = inputs.join(", ");
            writeln!(text, "genrule(name = \"n{number}\", srcs = [{inputs}], outs = [\"out/{number}\"], cmd = \"{command} > $@\")").unwrap();
        }
        self.workspace(&text, folder);
    }

    fn write_folder(&mut self, folder: &Path) -> bool {
        self.workspace(
            r#"genrule(name = "all", srcs = glob(["src/**"]), outs = ["count"], cmd = "find . -type l | wc -l > $@")"#,
            folder,
        );
        true
    }

    fn build(&self, folder: &Path) -> Cost {
        let server = self.server(folder);
        let before = of_process(server);
        let disk = format!("--disk_cache={}", folder.join("cache").display());
        let mut cost = cost(&mut self.command(
            folder,
            &[
                "build",
                "//:all",
                "--noenable_bzlmod",
                "--spawn_strategy=linux-sandbox",
                &disk,
            ],
        ));
        cost.cpu += of_process(server) - before;
        cost
    }

    fn lose(&self, folder: &Path) -> bool {
        let clean = self
            .command(folder, &["clean", "--noenable_bzlmod"])
            .output();
        clean.unwrap().status.success()
    }
}

impl Drop for Bazel {
    fn drop(&mut self) {
        // A server whose folder is gone ends by itself.
        for folder in self.folders.iter().filter(|folder| folder.exists()) {
            let _ = self.command(folder, &["shutdown"]).output();
        }
    }
}
