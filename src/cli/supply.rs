//! Flags of the commands that say what results are made of, to others.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{Options, Sharing};

/// `pwb provenance`
#[derive(Args, Debug)]
pub struct Provenance {
    /// A target, or a node by its full name. Its result has to be in the store or in the shared cache.
    #[arg(value_name = "TARGET|NODE", required_unless_present = "verify")]
    pub name: Option<String>,
    /// Where the statement goes [default: standard output].
    #[arg(short, long, value_name = "FILE", conflicts_with = "verify")]
    pub output: Option<PathBuf>,
    /// Sign it with this secret key, which `pwb key generate` has made: the answer is a DSSE envelope.
    #[arg(long, value_name = "FILE", conflicts_with = "verify")]
    pub key: Option<PathBuf>,
    /// A URI that stands for this machine and all who can change what runs on it.
    #[arg(long, value_name = "URI", default_value = "urn:pwb:builder:local")]
    pub builder: String,
    /// Say whether this envelope is signed by a key that is trusted, and make no statement.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["name", "sets", "overrides"])]
    pub verify: Option<PathBuf>,
    /// Trust this public key, as `pwb key generate` prints it [default: `trusted_keys` of the settings].
    #[arg(long, value_name = "NAME:DIGITS", requires = "verify")]
    pub trust: Vec<String>,
    /// Also compare this folder's files with those that the statement is about.
    #[arg(long, value_name = "FOLDER", requires = "verify")]
    pub of: Option<PathBuf>,
    #[command(flatten)]
    pub sharing: Sharing,
    #[command(flatten)]
    pub options: Options,
}

/// `pwb sbom`
#[derive(Args, Debug)]
pub struct Sbom {
    /// A target, or a node by its full name. Its result has to be in the store or in the shared cache.
    #[arg(value_name = "TARGET|NODE")]
    pub name: String,
    /// As what.
    #[arg(long, value_enum)]
    pub format: Bill,
    /// Where it goes [default: standard output].
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    #[command(flatten)]
    pub sharing: Sharing,
    #[command(flatten)]
    pub options: Options,
}

/// How a bill of materials is written. The same result gives the same bytes.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum Bill {
    /// SPDX 2.3, in JSON.
    Spdx,
    /// CycloneDX 1.6, in JSON.
    #[value(name = "cyclonedx")]
    CycloneDx,
}

/// Whether `pwb realize` runs again what is there.
#[derive(Args, Debug)]
pub struct Rerunning {
    /// Then run all commands again whose results are there, and say whether they come out the same, down to bytes; the exit code
    /// is 3 if not all do. It takes as long as a build from nothing.
    #[arg(long, conflicts_with_all = ["dry_run", "out"])]
    pub check: bool,
    /// With --check: only this node's.
    #[arg(long, value_name = "NODE", requires = "check")]
    pub only: Vec<String>,
    /// With --check: print JSON.
    #[arg(long, requires = "check")]
    pub json: bool,
}
