//! `pwb log`: the output of a node's latest run.

use std::io::Write;
use std::process::ExitCode;

use pwb_engine::Error;

use super::say;
use crate::cli::{Cli, Log};
use crate::context::Context;
use crate::report::Failure;

pub fn run(cli: &Cli, arguments: &Log) -> Result<ExitCode, Failure> {
    let context = Context::new(cli)?;
    let store = context.store()?;
    let name = &arguments.node;
    let Some(last) = store.runs(name)?.into_iter().next() else {
        // A name that no recipe has is told with the nearest one.
        context.library()?.wanted(name).map_err(Error::Recipe)?;
        let message = format!("`{name}` has not run in this store");
        return Err(Failure::new(message, format!("pwb realize {name}")));
    };
    let path = store.log_path(last.run.key);
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
