//! What is asked of the store itself.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};

use super::Options;
use crate::units::{age, size};

/// `pwb gc`
#[derive(Args, Debug)]
pub struct Gc {
    /// Remove what was not used for the longest time until the rest has this size; K, M, G and T stand for powers of 1024.
    ///
    /// With this, --older-than or --keep the settings do not count; without, what they say is done [default: 50G, and keep 14d].
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub max_size: Option<u64>,
    /// Remove what was not used for so long, as in 30d or 12h.
    #[arg(long, value_name = "AGE", value_parser = age)]
    pub older_than: Option<Duration>,
    /// Whatever the size, keep what was used within this time [default: 0s].
    #[arg(long, value_name = "AGE", value_parser = age)]
    pub keep: Option<Duration>,
    /// Say what would be removed, and remove nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// Print JSON, sizes in bytes.
    #[arg(long)]
    pub json: bool,
}

/// `pwb store`
#[derive(Debug, Subcommand)]
pub enum StoreCommand {
    /// Hash every object, look through every result and compare every folder. It reads the whole store.
    Verify(StoreVerify),
    /// Do that, and forget what is damaged, so that it is made again; a damaged index is made anew.
    Repair(StoreRepair),
    /// Say how much of everything there is.
    Stats(StoreStats),
    /// Write results with all that they name into one file, for a machine that no network reaches.
    Export(StoreExport),
    /// Take the results of such a file. Everything is verified before any of it counts.
    Import(StoreImport),
}

/// `pwb store verify`
#[derive(Args, Debug)]
pub struct StoreVerify {
    /// Forget what is damaged, as `pwb store repair` does.
    #[arg(long)]
    pub repair: bool,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// `pwb store repair`
#[derive(Args, Debug)]
pub struct StoreRepair {
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// `pwb store stats`
#[derive(Args, Debug)]
pub struct StoreStats {
    /// Print JSON, sizes in bytes.
    #[arg(long)]
    pub json: bool,
}

/// `pwb store export`
#[derive(Args, Debug)]
pub struct StoreExport {
    /// Targets, or nodes by their full names.
    #[arg(required = true, value_name = "TARGET|NODE")]
    pub names: Vec<String>,
    /// The file; nothing may be there.
    #[arg(short, long, value_name = "FILE")]
    pub output: PathBuf,
    /// Take the files along of all that they were made from, so that they can be made again over there, edited.
    #[arg(long)]
    pub inputs: bool,
    #[command(flatten)]
    pub options: Options,
}

/// `pwb store import`
#[derive(Args, Debug)]
pub struct StoreImport {
    /// The file.
    pub file: PathBuf,
}

/// `pwb du`
#[derive(Args, Debug)]
pub struct Du {
    /// Only the nodes of this target or node, with the results that they have now [default: all results].
    #[arg(value_name = "TARGET|NODE")]
    pub name: Option<String>,
    /// Print all nodes, not only the largest.
    #[arg(long)]
    pub all: bool,
    /// Print JSON, of all nodes, sizes in bytes.
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub options: Options,
}
