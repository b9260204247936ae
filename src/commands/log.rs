//! `pwb log`: the output of a node's latest run.

use std::io::Write;
use std::process::ExitCode;

use super::say;
use crate::cli::{Cli, Log};
use crate::context::Context;
use crate::history;
use crate::report::Failure;

pub fn run(cli: &Cli, arguments: &Log) -> Result<ExitCode, Failure> {
    let context = Context::new(cli)?;
    let store = context.store()?;
    let (node, runs) = history::of(&context, &store, &arguments.node)?;
    let last = history::find(&node, &runs, "-1")?;
    let path = store.log_path(last.run.key);
    if arguments.path {
        say(path.display());
        return Ok(ExitCode::SUCCESS);
    }
    if !path.exists() {
        return Err(Failure::Message(
            format!("`{node}` has no log: only commands have one"),
            None,
        ));
    }
    let bytes = pwb_cache::fs::read(&path)?;
    // A reader that has gone away has seen what it wanted.
    let _ = std::io::stdout().write_all(&bytes);
    Ok(ExitCode::SUCCESS)
}
