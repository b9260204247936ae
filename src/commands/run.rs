//! `pwb run`: realizes a target and becomes it.

use std::env;
use std::process::ExitCode;
use std::sync::Arc;

use pwb_engine::recipe::Wanted;
use pwb_engine::{Error, Graph, Launch, Request};
use pwb_sandbox::Status;

use crate::cli::{Cli, Run};
use crate::context::Context;
use crate::progress::Progress;
use crate::report::Failure;

/// What of this machine's environment a program is given without being asked: how its terminal looks.
const TERMINAL: [&str; 6] = [
    "TERM",
    "COLORTERM",
    "NO_COLOR",
    "FORCE_COLOR",
    "LINES",
    "COLUMNS",
];

pub fn run(cli: &Cli, arguments: &Run) -> Result<ExitCode, Failure> {
    let context = Context::new(cli)?;
    let progress = Arc::new(Progress::new());
    let store = context.shared_store(&arguments.building.sharing(), &progress)?;
    let library = context.library()?;
    let artifact = context.request(&library, &arguments.target, &arguments.options)?;
    let Ok(Wanted::Target(target)) = library.wanted(&arguments.target) else {
        return Err(Error::NotRunnable(arguments.target.clone()).into());
    };
    let exec = target
        .run
        .as_ref()
        .ok_or_else(|| Error::NotRunnable(target.name.clone()))?;
    let values = artifact.values.clone();
    let root = Request {
        reference: exec.root.value.clone(),
        values: values.clone(),
    };
    let requests = [artifact, root];
    let overrides = context.overrides(&library, &requests, &arguments.options)?;
    let graph = Graph::build(&library, &requests, &overrides)?;

    let settings = context.settings(&arguments.building);
    let outcome = pwb_engine::realize(&store, &graph, &settings, &|event| progress.tell(event));
    progress.finish();
    let [artifact, root] = &outcome?[..] else {
        return Err(Failure::Message("a request has no result".into(), None));
    };

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
        &store,
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
    Ok(match exit.status {
        Status::Code(code) => ExitCode::from(u8::try_from(code).unwrap_or(1)),
        Status::Signal(signal) => ExitCode::from(u8::try_from(128 + signal).unwrap_or(1)),
        Status::TimedOut => ExitCode::FAILURE,
    })
}

fn environment(asked: &[String]) -> Vec<(String, String)> {
    let fixed = [
        ("PATH", "/usr/local/bin:/usr/bin:/usr/sbin:/bin:/sbin"),
        ("HOME", "/tmp"),
        ("TMPDIR", "/tmp"),
        ("LC_ALL", "C.UTF-8"),
    ];
    let mut environment: Vec<_> = fixed
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
