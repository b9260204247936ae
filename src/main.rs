//! The command line: the only crate that prints.

mod artifact;
mod bytes;
mod changes;
mod cli;
mod commands;
mod comparison;
mod completion;
mod config;
mod context;
mod diagnostics;
mod drawing;
mod edit;
mod exit;
mod explain;
mod export;
mod gc;
mod history;
mod interrupt;
mod journal;
mod junit;
mod making;
mod markdown;
mod page;
mod paths;
mod progress;
mod project;
mod recipes;
mod remote;
mod report;
mod settings;
mod site;
mod supply;
mod units;
mod verdict;
mod wasm;
mod words;

use std::process::ExitCode;

use clap::FromArgMatches;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::stat::{Mode, umask};

/// Graphs are many small pieces: a change among 10,000 nodes takes a fifth less than with the C library's. It is built not to
/// ask for huge pages: to zero those was a quarter of what a small change among 1,000 costs.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    pwb_sandbox::enter_if_asked();
    // Folders in the store are seen by commands: the caller's mask must make no difference to them.
    umask(Mode::S_IWGRP | Mode::S_IWOTH);
    completion::answer_if_asked();
    allow_open_files();
    let cli = cli::Cli::from_arg_matches(&cli::Cli::matches()).unwrap_or_else(|error| error.exit());
    if cli.message_format == cli::MessageFormat::Json {
        console::set_colors_enabled_stderr(false);
    }
    let code = commands::run(&cli).unwrap_or_else(|error| {
        report::failure(&error, cli.message_format);
        exit::of_failure(&cli.command)
    });
    pwb_sandbox::leave();
    code
}

/// As many open files as the system lets pwb have: each call of a compiler that is watched takes some. Commands get the usual limit.
fn allow_open_files() {
    if let Ok((_, most)) = getrlimit(Resource::RLIMIT_NOFILE) {
        let _ = setrlimit(Resource::RLIMIT_NOFILE, most, most);
    }
}
