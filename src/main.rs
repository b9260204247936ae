//! The command line: the only crate that prints.

mod cli;
mod commands;
mod config;
mod context;
mod progress;
mod recipes;
mod report;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    pwb_sandbox::enter_if_asked();
    let cli = cli::Cli::parse();
    match commands::run(&cli) {
        Ok(code) => code,
        Err(error) => report::failure(&error),
    }
}
