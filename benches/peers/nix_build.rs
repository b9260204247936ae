//! Nix, with its sandbox, a store of its own and busybox (Debian: busybox-static) as every builder's shell.

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::Peer;
use crate::cost::{Cost, cost};
use crate::graph::{Graph, Node};

pub struct Nix;

/// What every expression begins with.
const RUN: &str = r#"let tools = builtins.path { path = ./tools; name = "tools"; };
  run = name: script: derivation { inherit name; system = "x86_64-linux";
    builder = "${tools}/bin/sh"; args = [ "-euc" script ]; PATH = "${tools}/bin"; };
in rec {
"#;

/// Writes an expression, beside the shell and the settings that it wants.
fn expression(text: &str, folder: &Path) {
    let tools = folder.join("tools/bin");
    fs::create_dir_all(&tools).unwrap();
    fs::copy("/bin/busybox", tools.join("busybox")).unwrap();
    for name in ["sh", "grep", "cat", "find", "wc"] {
        std::os::unix::fs::symlink("busybox", tools.join(name)).unwrap();
    }
    fs::create_dir_all(folder.join("nix/conf")).unwrap();
    let settings = "sandbox = true\nsandbox-fallback = false\nbuild-users-group =\nsubstituters =\nmax-jobs = auto\n";
    fs::write(folder.join("nix/conf/nix.conf"), settings).unwrap();
    fs::write(folder.join("default.nix"), text).unwrap();
}

impl Peer for Nix {
    fn name(&self) -> &'static str {
        "nix-build"
    }

    fn sandboxed(&self) -> bool {
        true
    }

    fn write(&mut self, graph: &Graph, folder: &Path) {
        let mut text = String::from(RUN);
        let mut all = String::new();
        for (number, node) in graph.nodes.iter().enumerate() {
            let script = match node {
                Node::Leaf => format!("grep -v '#' ${{./src/{number}/word}} > $out"),
                Node::Sum(parts) => {
                    let parts: Vec<String> =
                        parts.clone().map(|part| format!("${{n{part}}}")).collect();
                    format!("cat {} > $out", parts.join(" "))
                }
            };
            writeln!(text, "  n{number} = run \"n{number}\" \"{script}\";").unwrap();
            write!(all, " n{number}").unwrap();
        }
        writeln!(text, "  all = [{all} ];\n}}").unwrap();
        expression(&text, folder);
    }

    fn write_folder(&mut self, folder: &Path) -> bool {
        let script = "find ${./src} -type f | wc -l > $out";
        expression(
            &format!("{RUN}  all = run \"all\" \"{script}\";\n}}"),
            folder,
        );
        true
    }

    fn build(&self, folder: &Path) -> Cost {
        let mut command = Command::new("nix-build");
        command
            .args(["-A", "all", "--no-out-link"])
            .current_dir(folder);
        for (name, path) in [
            ("STORE_DIR", "store"),
            ("STATE_DIR", "var"),
            ("LOG_DIR", "log"),
            ("CONF_DIR", "conf"),
        ] {
            command.env(format!("NIX_{name}"), folder.join("nix").join(path));
        }
        cost(&mut command)
    }

    fn lose(&self, _: &Path) -> bool {
        false
    }
}
