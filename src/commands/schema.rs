//! `pwb schema`: the recipe language as a JSON Schema.

use std::process::ExitCode;

use pwb_engine::recipe;

use super::say;
use crate::cli::{Schema, SchemaOf};
use crate::report::Failure;

pub fn run(arguments: &Schema) -> Result<ExitCode, Failure> {
    let schema = match arguments.of {
        SchemaOf::Recipe => recipe::recipe_schema(),
        SchemaOf::Lock => recipe::lock_schema(),
    };
    say(format_args!("{:#}", schema.as_value()));
    Ok(ExitCode::SUCCESS)
}
