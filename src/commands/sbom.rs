//! `pwb sbom`: what went into a result, as the tools of others read it.

use std::process::ExitCode;

use super::write;
use crate::cli::{Bill, Cli, Sbom};
use crate::report::Failure;
use crate::supply::{Supply, cyclonedx, spdx};

pub fn run(cli: &Cli, arguments: &Sbom) -> Result<ExitCode, Failure> {
    let Sbom {
        name,
        sharing,
        options,
        ..
    } = arguments;
    let supply = Supply::find(cli, name, options, sharing)?;
    let ingredients = supply.ingredients()?;
    let document = match arguments.format {
        Bill::Spdx => spdx(&supply, &ingredients)?,
        Bill::CycloneDx => cyclonedx(&supply, &ingredients)?,
    };
    write(&format!("{document:#}"), arguments.output.as_deref())?;
    Ok(ExitCode::SUCCESS)
}
