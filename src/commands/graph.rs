//! `pwb graph`: the graph in a notation that other tools draw, or drawn.

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
    print(&context, &graph, &drawing, arguments.format)?;
    Ok(ExitCode::SUCCESS)
}

/// Prints a drawing of the graph or of a part of it.
pub fn print(
    context: &Context,
    graph: &pwb_engine::Graph,
    drawing: &Drawing<'_>,
    format: Format,
) -> Result<(), Failure> {
    match format {
        Format::Dot => say(drawing.dot()),
        Format::Mermaid => say(drawing.mermaid()),
        Format::Json => say(drawing.json()),
        Format::Svg => {
            // What cannot be planned, for want of a local folder say, can be drawn.
            let plan = pwb_engine::plan(&context.store()?, graph).ok();
            say(drawing.svg(plan.as_ref()));
        }
    }
    Ok(())
}
