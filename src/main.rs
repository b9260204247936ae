//! The command line: the only crate that prints.

mod artifact;
mod cli;
mod commands;
mod comparison;
mod completion;
mod config;
mod context;
mod drawing;
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
mod units;
mod verdict;
mod wasm;
mod words;

use std::process::ExitCode;

use clap::Parser;
use nix::sys::stat::{Mode, umask};

fn main() -> ExitCode {
    pwb_sandbox::enter_if_asked();
    // Folders in the store are seen by commands: the caller's mask must make no difference to them.
    umask(Mode::S_IWGRP | Mode::S_IWOTH);
    completion::answer_if_asked();
    let cli = cli::Cli::parse();
    commands::run(&cli).unwrap_or_else(|error| {
        report::failure(&error);
        exit::of_failure(&cli.command)
    })
}
