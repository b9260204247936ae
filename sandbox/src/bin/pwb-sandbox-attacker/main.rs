//! The tests' adversary: tries from inside what a sandbox must not permit, one line an attempt. Not installed.
//!
//! Every attempt is one that does no harm to the machine where it works.

mod files;
mod kernel;
mod liar;
mod mounts;
mod net;
mod privileges;
mod processes;
mod raw;

use std::io::{self, Write};
use std::process::ExitCode;

use nix::Result;
use nix::libc::c_long;

use raw::call;

/// A name, and what is tried.
type Attempt = (String, Box<dyn FnOnce() -> Result<i64>>);

fn attempt(name: &str, what: impl FnOnce() -> Result<i64> + 'static) -> Attempt {
    (name.to_owned(), Box::new(what))
}

/// An attempt that is one system call.
fn plain<const N: usize>(name: &str, number: c_long, arguments: [usize; N]) -> Attempt {
    attempt(name, move || call(number, arguments))
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let attempts = match words[..] {
        ["mounts"] => mounts::all(),
        ["machine"] => kernel::machine(),
        ["proc"] => kernel::proc(),
        ["privileges"] => privileges::all(),
        ["families"] => net::families(),
        ["reach", port, name] => net::reach(port, name),
        ["others", victim] => processes::others(victim),
        ["devices"] => files::devices(),
        ["damage", path] => files::damage(path),
        ["sparse", path] => return files::sparse(path),
        ["lie", how] => return liar::lie(how),
        ["keep"] => return liar::keep(),
        ["jam", how] => return liar::jam(how),
        ["hog"] => return processes::hog(),
        ["bomb"] => return processes::bomb(),
        _ => return ExitCode::FAILURE,
    };
    for (name, what) in attempts {
        let line = format!("{name}: {}\n", raw::verdict(what));
        if io::stdout().write_all(line.as_bytes()).is_err() {
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
