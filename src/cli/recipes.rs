//! Flags of the commands for whoever writes recipes.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// How errors are told.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
pub enum MessageFormat {
    /// For a person.
    #[default]
    Human,
    /// As JSON, a line each.
    Json,
}

/// `pwb check`
#[derive(Args, Debug)]
pub struct Check {
    /// Recipes, or folders of recipes [default: the recipes that every command uses, and `pwb.ron`]. A recipe is read with the
    /// folder that it is in, and told of alone.
    #[arg(value_name = "FILE|DIR")]
    pub paths: Vec<PathBuf>,
    /// Print the findings as JSON, a line each: short for --message-format json.
    #[arg(long)]
    pub json: bool,
}

/// `pwb fmt`
#[derive(Args, Debug)]
pub struct Fmt {
    /// Recipes, or folders of recipes; `-` is standard input, which goes to standard output [default: the folder of recipes that
    /// every command uses, and `pwb.ron`].
    #[arg(value_name = "FILE|DIR")]
    pub paths: Vec<PathBuf>,
    /// Change nothing: list the files that are laid out otherwise. The exit code is 1 if there are any.
    #[arg(long)]
    pub check: bool,
}
