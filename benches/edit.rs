//! One C file of CPython changes: pwb beside `make` by hand in a kept build folder, and a rebuild in which every compile is
//! known, beside ccache.
//!
//! `cargo bench --bench edit [-- edits | known]`; the first time it builds the main target. Both run in the same kind of
//! sandbox, with the same toolchain, on all cores. What counts are ratios within one run.

#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use pwb_sandbox::{Mount, Source, Spec, Status, Stdio};

const EDITED: &str = "Modules/mathmodule.c";
const CONSTANT: &str = "static const double pi = 3.";

fn main() {
    pwb_sandbox::enter_if_asked();
    let bench = Bench::new();
    let asked = |part: &str| std::env::args().any(|argument| argument == part);
    if !asked("known") {
        edits(&bench);
    }
    if !asked("edits") {
        known(&bench);
    }
}

fn edits(bench: &Bench) {
    println!(
        "kept folder, first make: {:.1} s",
        bench.by_hand("/root", &[]).as_secs_f64()
    );
    bench.pwb(&[]);
    bench.pwb(&["--set", "profile=dev"]);
    println!(
        "{:24} {:>10} {:>10} {:>10}",
        "edit", "by hand", "pwb", "pwb, dev"
    );
    for number in 0..3 {
        bench.compare("a comment", &|text| format!("/* {number} */ {text}"));
    }
    for number in 0..3 {
        let constant = |text: String| text.replacen(CONSTANT, &format!("{CONSTANT}{number}"), 1);
        bench.compare("a constant", &constant);
    }
    bench.compare("a header (Include/pymath.h)", &|text| text);
}

fn known(bench: &Bench) {
    // A file that nothing is made of and configure does not see: make runs anew in a clean sandbox, and every compile is known.
    let mut known = Vec::new();
    for number in 0..3 {
        fs::write(bench.checkout.join(format!("Modules/unused{number}.c")), "").unwrap();
        known.push(bench.pwb_node("cpython/make-host"));
    }
    let known = *known.iter().min().unwrap();
    let wrapper = [
        ("EM_COMPILER_WRAPPER", "/usr/bin/ccache"),
        ("CCACHE_DIR", "/ccache"),
    ];
    bench.clean();
    let cold = bench.by_hand("/ccache-root", &wrapper);
    bench.clean();
    let warm = bench.by_hand("/ccache-root", &wrapper);
    println!(
        "every compile known: pwb {:.1} s; ccache {:.1} s (filling it: {:.1} s), the link aside",
        known.as_secs_f64(),
        warm.as_secs_f64(),
        cold.as_secs_f64()
    );
}

struct Bench {
    folder: tempfile::TempDir,
    /// What pwb is given.
    checkout: PathBuf,
    /// The same for make.
    sources: PathBuf,
    roots: [PathBuf; 2],
    build_python: PathBuf,
    deps: PathBuf,
    fresh: PathBuf,
}

impl Bench {
    fn new() -> Bench {
        let folder = tempfile::tempdir().unwrap();
        let recipes = folder.path().join("recipes");
        for from in ["recipes", "benches/recipes"] {
            copy(Path::new(from), &recipes);
        }
        let at = |node: &str| realize(&recipes, &[node]);
        at("wasm32-emscripten-node");
        let (checkout, sources) = (
            folder.path().join("checkout"),
            folder.path().join("sources"),
        );
        for to in [&checkout, &sources] {
            copy(&at("cpython/cpython-src"), to);
        }
        let bench = Bench {
            roots: [at("toolchain/emscripten"), at("ccache/root")],
            build_python: at("cpython/make-build-python").join("build-python"),
            deps: at("ports/all").join("deps"),
            fresh: at("cpython/generate-host").join("build"),
            checkout,
            sources,
            folder,
        };
        fs::create_dir(bench.folder.path().join("ccache")).unwrap();
        bench.clean();
        bench
    }

    /// Back to what configure has left.
    fn clean(&self) {
        let build = self.folder.path().join("build");
        let _ = fs::remove_dir_all(&build);
        copy(&self.fresh, &build);
    }

    fn compare(&self, what: &str, edit: &dyn Fn(String) -> String) {
        let file = if what.starts_with("a header") {
            "Include/pymath.h"
        } else {
            EDITED
        };
        for tree in [&self.checkout, &self.sources] {
            let text = fs::read_to_string(tree.join(file)).unwrap();
            fs::write(tree.join(file), edit(text) + "\n").unwrap();
        }
        let by_hand = self.by_hand("/root", &[]);
        // The profiles share the compile: each gets an edit of its own.
        let release = self.pwb(&[]);
        let text = fs::read_to_string(self.checkout.join(file)).unwrap();
        fs::write(self.checkout.join(file), edit(text) + "\n").unwrap();
        let dev = self.pwb(&["--set", "profile=dev"]);
        let text = fs::read_to_string(self.checkout.join(file)).unwrap();
        fs::write(self.sources.join(file), text).unwrap();
        let [by_hand, release, dev] =
            [by_hand, release, dev].map(|wall| format!("{:.1} s", wall.as_secs_f64()));
        println!("{what:24} {by_hand:>10} {release:>10} {dev:>10}");
    }

    /// `emmake make` in the kept folder; with ccache, all but the link.
    fn by_hand(&self, root: &str, env: &[(&str, &str)]) -> Duration {
        let here = |name: &str| self.folder.path().join(name);
        let goal = if env.is_empty() {
            ""
        } else {
            "Programs/python.o libpython3.13.a"
        };
        let jobs = std::thread::available_parallelism().unwrap();
        let script = format!("chmod -R u+w . && emmake make -j{jobs} {goal} 2>&1");
        let mount = |target: &str, source| Mount {
            target: target.into(),
            source,
        };
        let scratch = here("scratch");
        let _ = pwb_sandbox::remove_tree(&scratch);
        fs::create_dir(&scratch).unwrap();
        let common = [
            ("PATH", "/usr/bin:/usr/sbin"),
            ("HOME", "/tmp"),
            ("LC_ALL", "C.UTF-8"),
            ("SOURCE_DATE_EPOCH", "1749600000"),
        ];
        let spec = Spec {
            root: self.roots[usize::from(root != "/root")].clone(),
            mounts: vec![
                mount("/src", Source::ReadOnly(self.sources.clone())),
                mount("/build-python", Source::ReadOnly(self.build_python.clone())),
                mount("/deps", Source::ReadOnly(self.deps.clone())),
                mount("/build", Source::Writable(here("build"))),
                mount("/ccache", Source::Writable(here("ccache"))),
            ],
            calling: None,
            argv: ["sh", "-c", &script].map(String::from).to_vec(),
            env: common
                .iter()
                .chain(env)
                .map(|(name, value)| (name.to_string(), value.to_string()))
                .collect(),
            cwd: "/build".into(),
            stdio: Stdio::Captured,
            network: false,
            timeout: None,
            scratch,
        };
        let mut log = Vec::new();
        let exit = pwb_sandbox::run(&spec, &mut |bytes| log.extend_from_slice(bytes)).unwrap();
        assert_eq!(
            exit.status,
            Status::Code(0),
            "{}",
            String::from_utf8_lossy(&log)
        );
        exit.wall
    }

    /// The main target from the checkout.
    fn pwb(&self, more: &[&str]) -> Duration {
        let begin = Instant::now();
        let over = format!("cpython/cpython-src={}", self.checkout.display());
        let words = [&["wasm32-emscripten-node", "--override", &over], more].concat();
        realize(&self.folder.path().join("recipes"), &words);
        begin.elapsed()
    }

    fn pwb_node(&self, node: &str) -> Duration {
        let begin = Instant::now();
        let over = format!("cpython/cpython-src={}", self.checkout.display());
        realize(
            &self.folder.path().join("recipes"),
            &[node, "--override", &over],
        );
        begin.elapsed()
    }
}

fn realize(recipes: &Path, words: &[&str]) -> PathBuf {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pwb"));
    let output = command
        .arg("realize")
        .args(words)
        .env("PWB_RECIPES", recipes)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    PathBuf::from(String::from_utf8(output.stdout).unwrap().trim())
}

/// Copies a folder, writable, with its times.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    let from = from.join(".");
    let done = Command::new("cp")
        .args(["-rp", "--no-target-directory"])
        .arg(&from)
        .arg(to)
        .status();
    assert!(done.unwrap().success());
    assert!(
        Command::new("chmod")
            .args(["-R", "u+w"])
            .arg(to)
            .status()
            .unwrap()
            .success()
    );
}
