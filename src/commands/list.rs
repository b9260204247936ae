//! `pwb list`.

use std::process::ExitCode;

use super::say;
use crate::cli::{Cli, List};
use crate::context::Context;
use crate::report::Failure;

pub fn run(cli: &Cli, arguments: &List) -> Result<ExitCode, Failure> {
    let library = Context::new(cli)?.library()?;
    let mut rows: Vec<(String, String)> = library
        .targets()
        .map(|target| (target.name.clone(), target.about.clone()))
        .collect();
    if arguments.nodes {
        rows.extend(
            library
                .nodes()
                .map(|node| (node.name.to_string(), String::new())),
        );
    }
    let width = rows
        .iter()
        .map(|(name, _)| name.chars().count())
        .max()
        .unwrap_or(0);
    for (name, about) in rows {
        say(format!("{name:width$}  {about}").trim_end());
    }
    Ok(ExitCode::SUCCESS)
}
