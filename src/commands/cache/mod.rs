//! `pwb cache`: the store, shared.

mod serve;

use std::process::ExitCode;

use crate::cli::{Cache, Cli};
use crate::report::Failure;

pub fn run(cli: &Cli, command: &Cache) -> Result<ExitCode, Failure> {
    match command {
        Cache::Serve(arguments) => serve::run(cli, arguments),
    }
}
