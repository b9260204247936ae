//! `pwb show`: what a target is made of, and what of it is in the store.

use std::process::ExitCode;
use std::sync::Arc;

use pwb_engine::Known;
use pwb_engine::recipe::{OptionKind, OptionSpec, Wanted};

use super::say;
use crate::cli::{Cli, Show};
use crate::context::Context;
use crate::progress::Progress;
use crate::report::Failure;
use crate::units::many;

pub fn run(cli: &Cli, arguments: &Show) -> Result<ExitCode, Failure> {
    let context = Context::new(cli)?;
    let library = context.library()?;
    let request = context.request(&library, &arguments.name, &arguments.options)?;
    let graph = context.graph(
        &library,
        std::slice::from_ref(&arguments.name),
        &arguments.options,
    )?;
    let store = context.shared_store(&arguments.sharing, &Arc::new(Progress::new()))?;
    let plan = pwb_engine::plan(&store, &graph)?;

    if let Ok(Wanted::Target(target)) = library.wanted(&arguments.name) {
        say(format_args!("target  {}  {}", target.name, target.about));
    }
    say(format_args!("result  {}", request.reference));
    for option in library.options() {
        if let Some(value) = request.values.get(&option.name) {
            say(format_args!(
                "option  {}={value}  {}",
                option.name,
                meaning(option)
            ));
        }
    }
    let mut packages = 0;
    for step in graph.steps.node_indices() {
        let work = &graph.steps[step].work;
        if graph.steps[step].is_package() {
            packages += 1;
            continue;
        }
        let state = match plan.known(step) {
            Known::Tree(_) => "in the store",
            Known::Missing => "to run",
            Known::Unknown => "depends on what runs before",
        };
        say(format_args!(
            "{:6}  {}  ({state})",
            work.kind(),
            graph.name(step)
        ));
    }
    if packages > 0 {
        say(format_args!("and {}", many(packages, "package")));
    }
    Ok(ExitCode::SUCCESS)
}

fn meaning(option: &OptionSpec) -> String {
    match &option.kind {
        OptionKind::Choice { values, .. } => format!("({}) {}", values.join(", "), option.help),
        OptionKind::Flag { .. } => format!("(flag) {}", option.help),
        OptionKind::List { .. } => format!("(list) {}", option.help),
    }
}
