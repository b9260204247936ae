//! `pwb log`: the output of a node's latest run.

use std::io::Write;
use std::process::ExitCode;

use super::say;
use crate::cli::{Cli, Log};
use crate::context::Context;
use crate::report::Failure;

pub fn run(cli: &Cli, arguments: &Log) -> Result<ExitCode, Failure> {
    let store = Context::new(cli)?.store()?;
    let name = &arguments.node;
    let run = store.last_run(name)?.ok_or_else(|| {
        Failure::new(
            format!("`{name}` has not run in this store"),
            "pwb list --nodes has the names",
        )
    })?;
    let path = store.log_path(run.key);
    if arguments.path {
        say(path.display());
        return Ok(ExitCode::SUCCESS);
    }
    if !path.exists() {
        return Err(Failure::Message(
            format!("`{name}` has no log: only commands have one"),
            None,
        ));
    }
    let bytes = pwb_cache::fs::read(&path)?;
    // A reader that has gone away has seen what it wanted.
    let _ = std::io::stdout().write_all(&bytes);
    Ok(ExitCode::SUCCESS)
}
