//! Flags of the commands for whoever writes recipes.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// How errors are told.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
pub enum MessageFormat {
    // No help of their own: it would make that of every command twice as long.
    #[default]
    Human,
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

/// `pwb schema`
#[derive(Args, Debug)]
pub struct Schema {
    /// Of which files.
    #[arg(value_enum, default_value_t)]
    pub of: SchemaOf,
}

/// Files that there is a schema of.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
pub enum SchemaOf {
    /// Recipes.
    #[default]
    Recipe,
    /// Lock files.
    Lock,
}

/// `pwb new`
#[derive(Args, Debug)]
pub struct New {
    /// The folder; nothing in it is overwritten. Its name becomes that of the target.
    #[arg(value_name = "DIR", default_value = ".")]
    pub folder: PathBuf,
    /// What it builds.
    #[arg(long, value_enum, default_value_t)]
    pub template: Template,
}

/// What a new project builds.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
pub enum Template {
    /// A greeting, by a shell's script; its root file system is one package.
    #[default]
    Hello,
    /// A program in C, by make and gcc.
    C,
}

/// `pwb update`
#[derive(Args, Debug)]
pub struct Update {
    /// Nodes by their full names: a Fetch, or a Root of Debian packages [default: all of the recipes].
    #[arg(value_name = "NODE")]
    pub nodes: Vec<String>,
    /// Say what would change, and change nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// Print what changes as JSON.
    #[arg(long)]
    pub json: bool,
}

/// `pwb lock`
#[derive(Args, Debug)]
pub struct Lock {
    /// The root's full name.
    pub node: String,
}
