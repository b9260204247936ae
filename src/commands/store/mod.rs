//! `pwb store`: the store itself, looked at, mended, and carried to other machines.

mod carry;
mod stats;
mod verify;

use std::process::ExitCode;

use crate::cli::{Cli, StoreCommand};
use crate::report::Failure;

pub fn run(cli: &Cli, command: &StoreCommand) -> Result<ExitCode, Failure> {
    match command {
        StoreCommand::Verify(arguments) => verify::run(cli, arguments.repair, arguments.json),
        StoreCommand::Repair(arguments) => verify::run(cli, true, arguments.json),
        StoreCommand::Stats(arguments) => stats::run(cli, arguments),
        StoreCommand::Export(arguments) => carry::export(cli, arguments),
        StoreCommand::Import(arguments) => carry::import(cli, arguments),
    }
}
