//! `pwb run`: realizes a target and becomes it.

use std::env;
use std::process::ExitCode;

use pwb_engine::{Error, Launch, Request};

use crate::cli::{Cli, Run};
use crate::exit;
use crate::making::Making;
use crate::report::Failure;

/// What every program is given.
pub const ENVIRONMENT: [(&str, &str); 4] = [
    ("PATH", "/usr/local/bin:/usr/bin:/usr/sbin:/bin:/sbin"),
    ("HOME", "/tmp"),
    ("TMPDIR", "/tmp"),
    ("LC_ALL", "C.UTF-8"),
];

/// What of this machine's environment a program is given without being asked: how its terminal looks.
pub const TERMINAL: [&str; 6] = [
    "TERM",
    "COLORTERM",
    "NO_COLOR",
    "FORCE_COLOR",
    "LINES",
    "COLUMNS",
];

pub fn run(cli: &Cli, arguments: &Run) -> Result<ExitCode, Failure> {
    let making = Making::begin(cli, &arguments.options, &arguments.building)?;
    let target = making.target(&arguments.target)?;
    let exec = target.and_then(|target| target.run.as_ref());
    let exec = exec.ok_or_else(|| Error::NotRunnable(arguments.target.clone()))?;
    let artifact = making.request(&arguments.target)?;
    let values = artifact.values.clone();
    let root = Request {
        reference: exec.root.value.clone(),
        values: values.clone(),
    };
    let [artifact, root] = making.realize([artifact, root])?;

    let directory = env::current_dir().map_err(|error| {
        Failure::Message(format!("cannot tell the working directory: {error}"), None)
    })?;
    if directory.parent().is_none() {
        return Err(Failure::new(
            "the working directory is /, which cannot be shown to the program whole",
            "run it from a folder below",
        ));
    }
    let exit = pwb_engine::launch(
        &making.store,
        Launch {
            root: root.path.clone(),
            artifact: artifact.path.clone(),
            mount: exec.mount.clone(),
            arguments: exec
                .command
                .expand(&values)
                .into_iter()
                .chain(arguments.arguments.clone())
                .collect(),
            environment: environment(&arguments.environment),
            directory,
            network: arguments.network,
        },
    )?;
    Ok(exit::of_program(exit.status))
}

fn environment(asked: &[String]) -> Vec<(String, String)> {
    let mut environment: Vec<_> = ENVIRONMENT
        .iter()
        .map(|&(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let passed = TERMINAL
        .iter()
        .map(|&name| name.to_owned())
        .chain(asked.iter().cloned());
    for variable in passed {
        let value = match variable.split_once('=') {
            Some((name, value)) => Some((name.to_owned(), value.to_owned())),
            None => env::var(&variable).ok().map(|value| (variable, value)),
        };
        if let Some((name, value)) = value {
            environment.retain(|(known, _)| *known != name);
            environment.push((name, value));
        }
    }
    environment
}
