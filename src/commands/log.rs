//! `pwb log`: the output of a node's latest run, or of one that is under way.

use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use super::say;
use crate::cli::{Cli, Log};
use crate::context::Context;
use crate::history;
use crate::journal::{End, Kept, Step};
use crate::report::Failure;

/// How often there is a look whether more has been written.
const MOMENT: Duration = Duration::from_millis(100);

pub fn run(cli: &Cli, arguments: &Log) -> Result<ExitCode, Failure> {
    let context = Context::new(cli)?;
    let name = &arguments.node;
    if arguments.follow
        && let Some(journal) = under_way(&context, name)?
    {
        follow(&journal, name)?;
        return Ok(ExitCode::SUCCESS);
    }
    let store = context.store()?;
    let (node, runs) = history::of(&context, &store, name)?;
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
    print(&pwb_cache::fs::read(&path)?);
    Ok(ExitCode::SUCCESS)
}

/// The journal of a build in which the node runs just now.
fn under_way(context: &Context, name: &str) -> Result<Option<PathBuf>, Failure> {
    for journal in Kept::new(context.builds()).all()?.into_iter().rev() {
        if running(&journal, name)?.is_some() {
            return Ok(Some(journal));
        }
    }
    Ok(None)
}

/// The step of a node that runs.
fn running(journal: &Path, name: &str) -> Result<Option<Step>, Failure> {
    // One that was killed has no end in its journal.
    if !Kept::is_alive(journal) {
        return Ok(None);
    }
    let build = Kept::read(journal)?;
    let runs = |step: &Step| {
        step.node.name == name && step.log.is_some() && step.ran.is_some() && step.end == End::None
    };
    Ok(match build.outcome {
        Some(_) => None,
        None => build.steps.into_iter().rev().find(runs),
    })
}

/// Prints what is written to the log until the run ends.
fn follow(journal: &Path, name: &str) -> Result<(), Failure> {
    let mut file = None;
    loop {
        let step = running(journal, name)?;
        let log = step.as_ref().and_then(|step| step.log.as_deref());
        if let (None, Some(log)) = (&file, log) {
            file = Some(File::open(log).map_err(|error| unreadable(log, &error))?);
        }
        if let Some(file) = &mut file {
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes)
                .map_err(|error| unreadable(journal, &error))?;
            print(&bytes);
        }
        if step.is_none() {
            return Ok(());
        }
        std::thread::sleep(MOMENT);
    }
}

fn unreadable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::Message(format!("cannot read {}: {error}", path.display()), None)
}

fn print(bytes: &[u8]) {
    // A reader that has gone away has seen what it wanted.
    let _ = std::io::stdout().write_all(bytes);
}
