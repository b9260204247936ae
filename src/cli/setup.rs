//! What fits pwb to a machine and to whoever works there.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use clap_complete::Shell;

use super::Sharing;

/// `pwb config`
#[derive(Args, Debug)]
pub struct Config {
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub sharing: Sharing,
}

/// `pwb completions`
#[derive(Args, Debug)]
pub struct Completions {
    /// The shell.
    #[arg(value_enum)]
    pub shell: Shell,
}

/// `pwb man`
#[derive(Args, Debug)]
pub struct Man {
    /// Write the pages of all commands into this folder [default: the page of pwb itself, to standard output].
    #[arg(value_name = "DIR")]
    pub folder: Option<PathBuf>,
}

/// `pwb key`
#[derive(Args, Debug)]
pub struct Key {
    /// What to do.
    #[command(subcommand)]
    pub command: KeyCommand,
}

/// What to do with keys.
#[derive(Debug, Subcommand)]
pub enum KeyCommand {
    /// Make a key: the secret one goes into a file, the public one is printed.
    Generate {
        /// What people call it, as in ci-2026.
        #[arg(long)]
        name: String,
        /// Where the secret key goes; a file that is not there yet.
        file: PathBuf,
    },
}

/// `pwb doctor`
#[derive(Args, Debug)]
pub struct Doctor {}
