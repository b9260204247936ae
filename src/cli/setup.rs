//! What fits pwb to a machine and to whoever works there.

use std::path::PathBuf;

use clap::Args;
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
