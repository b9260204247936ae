//! `pwb graph`: the graph in a notation that other tools draw.

use std::process::ExitCode;

use super::say;
use crate::cli::{Cli, Format, Graph};
use crate::context::Context;
use crate::drawing::Drawing;
use crate::report::Failure;

pub fn run(cli: &Cli, arguments: &Graph) -> Result<ExitCode, Failure> {
    let context = Context::new(cli)?;
    let library = context.library()?;
    let names = std::slice::from_ref(&arguments.name);
    let graph = context.graph(&library, names, &arguments.options)?;
    let drawing = Drawing::new(&graph, arguments.packages);
    say(match arguments.format {
        Format::Dot => drawing.dot(),
        Format::Mermaid => drawing.mermaid(),
        Format::Json => drawing.json(),
    });
    Ok(ExitCode::SUCCESS)
}
